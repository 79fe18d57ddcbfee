// What the kernels' tests share: a guarded arena, random operands in it, and the comparison with the reference.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "kernels/kernels.hpp"

namespace riffle::kernels::testing {

/// A test that runs for every instruction set in the binary; those that this CPU lacks are seen to be skipped.
class EveryIsa : public ::testing::TestWithParam<const Kernels*> {
 protected:
  void SetUp() override {
    if (!GetParam()->supported()) GTEST_SKIP() << "this CPU has no " << GetParam()->isa;
  }
  [[nodiscard]] const Kernels& kernels() const { return *GetParam(); }
};

inline std::string isa_name(const ::testing::TestParamInfo<const Kernels*>& info) { return info.param->isa; }

#define RIFFLE_EVERY_ISA(test)                                                                               \
  INSTANTIATE_TEST_SUITE_P(                                                                                  \
      Isa, test,                                                                                             \
      ::testing::ValuesIn(::riffle::kernels::all_kernels().begin(), ::riffle::kernels::all_kernels().end()), \
      ::riffle::kernels::testing::isa_name)

/// Every float of an arena that holds no operand is this NaN: used, it spoils a result; written over, it is missed.
inline constexpr std::uint32_t guard_bits = 0x7fc0beef;

/// An arena of random operands. What is allocated last ends the arena: a sanitizer sees what is read behind it.
class Scene {
 public:
  explicit Scene(std::uint32_t seed) : random_(seed) {}

  std::int32_t integer(std::int32_t low, std::int32_t high) {
    return std::uniform_int_distribution<std::int32_t>(low, high)(random_);
  }
  bool coin() { return integer(0, 1) == 1; }
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return choices.begin()[integer(0, static_cast<std::int32_t>(choices.size()) - 1)];
  }
  /// A channel count of the networks, or an odd one.
  std::int32_t channels() { return pick({1, 3, 5, 8, 16, 17, 24, 29, 58, 116}); }

  std::vector<float> values(std::int64_t count, double scale = 1) {
    std::uniform_real_distribution<double> uniform(-scale, scale);
    std::vector<float> result(static_cast<std::size_t>(count));
    for (float& x : result) x = static_cast<float>(uniform(random_));
    return result;
  }
  std::vector<std::int32_t> permutation(std::int32_t count) {
    std::vector<std::int32_t> result(static_cast<std::size_t>(count));
    std::iota(result.begin(), result.end(), 0);
    std::shuffle(result.begin(), result.end(), random_);
    return result;
  }

  /// An output of `channels` a pixel, guards around it and, now and then, between its pixels.
  Block block(std::int64_t pixels, std::int32_t channels) {
    const std::int32_t stride = channels + pick({0, 0, 1, 7, 16});
    const std::int64_t first = grow(integer(16, 40)) + integer(0, stride - channels);
    grow((pixels - 1) * stride + channels);
    grow(32 + stride);
    return {Place{}.behind(first, Type::f32), stride};
  }

  /// A run of random values; guards before it, between its pixels and (`slack` floats) behind it.
  ChannelRun run(std::int64_t pixels, std::int32_t channels, std::int64_t slack) {
    const std::int32_t stride = channels + pick({0, 0, 1, 7, 16});
    grow(integer(16, 40));
    const std::int64_t first = grow((pixels - 1) * stride + channels);
    const std::vector<float> filling = values(pixels * channels);
    for (std::int64_t p = 0; p < pixels; ++p) {
      std::copy_n(filling.begin() + p * channels, channels, arena_.begin() + first + p * stride);
    }
    grow(slack);
    return {Place{}.behind(first, Type::f32), stride, channels};
  }

  /// `channels` channels in up to `pieces` runs.
  std::vector<ChannelRun> runs(std::int64_t pixels, std::int32_t channels, std::int32_t pieces, std::int64_t slack) {
    std::vector<ChannelRun> result;
    for (std::int32_t left = channels; left > 0; left -= result.back().channels) {
      const bool last = static_cast<std::int32_t>(result.size()) == pieces - 1;
      result.push_back(run(pixels, last ? left : integer(1, left), slack));
    }
    return result;
  }

  /// The same, landing side by side at output channels from `first` on, in shuffled order.
  std::vector<ChannelwiseRun> mapped_runs(std::int64_t pixels, std::int32_t channels, std::int32_t pieces) {
    const std::vector<ChannelRun> cut = runs(pixels, channels, pieces, 0);
    std::vector<ChannelwiseRun> result(cut.size());
    std::int32_t at = 0;
    for (const std::int32_t i : permutation(static_cast<std::int32_t>(cut.size()))) {
      const ChannelRun& piece = cut[static_cast<std::size_t>(i)];
      result[static_cast<std::size_t>(i)] = {piece, at};
      at += piece.channels;
    }
    return result;
  }

  Clamp clamp() { return pick<Clamp>({{}, {0, std::numeric_limits<float>::infinity()}, {0, 0.25F}, {-0.5F, 0.5F}}); }

  /// What the arena holds before anything has run; its capacity is its size.
  [[nodiscard]] std::vector<float> arena() const { return std::vector<float>(arena_.begin(), arena_.end()); }
  /// The number so many elements behind a place.
  float& at(const Place& place, std::int64_t elements = 0) {
    return arena_[static_cast<std::size_t>(place.offset) / sizeof(float) + static_cast<std::size_t>(elements)];
  }

  std::mt19937& random() { return random_; }

 private:
  std::int64_t grow(std::int64_t count) {
    const std::int64_t first = static_cast<std::int64_t>(arena_.size());
    arena_.resize(arena_.size() + static_cast<std::size_t>(count), std::bit_cast<float>(guard_bits));
    return first;
  }

  std::mt19937 random_;
  std::vector<float> arena_;
};

/// A window and sizes of a windowed operation that has at least one output.
struct Geometry {
  Window window;
  Extent extent;
};

inline bool holds_a_pixel(std::int32_t first, std::int32_t kernel, std::int32_t dilation, std::int32_t size) {
  for (std::int32_t k = 0; k < kernel; ++k) {
    if (first + k * dilation >= 0 && first + k * dilation < size) return true;
  }
  return false;
}

/// The networks' 3x3 windows are frequent. every_window_holds_a_pixel: as pooling asks.
inline Geometry random_geometry(Scene& scene, std::int32_t largest_kernel, std::int32_t largest_size,
                                bool every_window_holds_a_pixel) {
  for (;;) {
    Window w;
    if (scene.integer(0, 2) > 0) {
      w.kernel_h = w.kernel_w = 3;
      w.stride_h = w.stride_w = scene.integer(1, 2);
      w.pad_top = w.pad_left = w.pad_bottom = w.pad_right = 1;
      if (scene.integer(0, 3) == 0) w.pad_top = w.pad_left = 0;
    } else {
      w = {scene.integer(1, largest_kernel),
           scene.integer(1, largest_kernel),
           scene.integer(1, 3),
           scene.integer(1, 3),
           0,
           0,
           0,
           0,
           scene.integer(1, 2),
           scene.integer(1, 2)};
      w.pad_top = scene.integer(0, w.kernel_h);
      w.pad_bottom = scene.integer(0, w.kernel_h);
      w.pad_left = scene.integer(0, w.kernel_w);
      w.pad_right = scene.integer(0, w.kernel_w);
    }
    Extent e{scene.integer(1, largest_size), scene.integer(1, largest_size), 0, 0};
    const std::int32_t room_h = e.in_h + w.pad_top + w.pad_bottom - (w.kernel_h - 1) * w.dilation_h - 1;
    const std::int32_t room_w = e.in_w + w.pad_left + w.pad_right - (w.kernel_w - 1) * w.dilation_w - 1;
    if (room_h < 0 || room_w < 0) continue;
    e.out_h = room_h / w.stride_h + 1;
    e.out_w = room_w / w.stride_w + 1;
    bool holds = true;
    for (std::int32_t y = 0; y < e.out_h; ++y) {
      holds = holds && holds_a_pixel(y * w.stride_h - w.pad_top, w.kernel_h, w.dilation_h, e.in_h);
    }
    for (std::int32_t x = 0; x < e.out_w; ++x) {
      holds = holds && holds_a_pixel(x * w.stride_w - w.pad_left, w.kernel_w, w.dilation_w, e.in_w);
    }
    if (holds || !every_window_holds_a_pixel) return {w, e};
  }
}

inline std::string to_string(const Geometry& g) {
  const Window& w = g.window;
  const Extent& e = g.extent;
  const auto pair = [](std::int32_t a, std::int32_t b) { return std::to_string(a) + "x" + std::to_string(b); };
  return pair(e.in_h, e.in_w) + " -> " + pair(e.out_h, e.out_w) + ", kernel " + pair(w.kernel_h, w.kernel_w) +
         ", stride " + pair(w.stride_h, w.stride_w) + ", dilation " + pair(w.dilation_h, w.dilation_w) + ", pads " +
         std::to_string(w.pad_top) + " " + std::to_string(w.pad_left) + " " + std::to_string(w.pad_bottom) + " " +
         std::to_string(w.pad_right);
}

inline bool same_bits(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

inline bool is_guard(float x) { return std::bit_cast<std::uint32_t>(x) == guard_bits; }

/// Where the reference changed the arena the kernel must agree (a NaN with a NaN); elsewhere nothing may have changed.
inline void expect_matches(const std::vector<float>& before, const std::vector<float>& expected,
                           const std::vector<float>& actual, double tolerance) {
  std::size_t written = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    // A NaN of an operand that the result takes the place of may be the result, too, and another NaN as well.
    const bool operand_nan = std::isnan(before[i]) && !is_guard(before[i]);
    if (operand_nan && std::isnan(expected[i])) {
      ASSERT_TRUE(std::isnan(actual[i])) << "float " << i << " should be a NaN";
      ++written;
      continue;
    }
    if (same_bits(before[i], expected[i])) {
      ASSERT_TRUE(same_bits(before[i], actual[i])) << "float " << i << " is not the kernel's to write: " << actual[i];
      continue;
    }
    ++written;
    ASSERT_FALSE(same_bits(before[i], actual[i])) << "float " << i << " was not written";
    if (std::isnan(expected[i])) {
      ASSERT_TRUE(std::isnan(actual[i])) << "float " << i << " should be a NaN";
    } else if (std::isinf(expected[i])) {
      ASSERT_EQ(actual[i], expected[i]) << "float " << i;
    } else {
      const double e = static_cast<double>(expected[i]);
      ASSERT_NEAR(static_cast<double>(actual[i]), e, tolerance * (1 + std::abs(e))) << "float " << i;
    }
  }
  ASSERT_GT(written, 0U) << "the reference wrote nothing";
}

/// The operands with NaNs among them, of either sign.
inline std::vector<float> with_nans(std::vector<float> arena) {
  std::minstd_rand random(static_cast<unsigned>(arena.size()));
  for (int found = 0, tries = 0; found < 3 && tries < 1000; ++tries) {
    float& x = arena[random() % arena.size()];
    if (is_guard(x)) continue;
    x = std::copysign(std::numeric_limits<float>::quiet_NaN(), random() % 2 == 0 ? 1.0F : -1.0F);
    ++found;
  }
  return arena;
}

inline Addresses addresses_of(std::vector<float>& arena) {
  Addresses addresses;
  addresses.arena = bytes_at(arena.data());
  return addresses;
}

/// The kernel against the reference: in one range, then tile by tile in shuffled order, to the same bits; then with
/// NaNs among the operands, each of which has to reach what it should, and nothing else. reference(Addresses),
/// run(Addresses, TileRange).
template <class Reference, class Kernel>
void check(Scene& scene, std::int32_t tiles, Reference&& reference, Kernel&& run, double tolerance = 1e-5) {
  const std::vector<float> before = scene.arena();
  std::vector<float> expected = before, whole = before, shuffled = before;
  reference(addresses_of(expected));
  run(addresses_of(whole), TileRange{0, tiles});
  expect_matches(before, expected, whole, tolerance);
  for (const std::int32_t t : scene.permutation(tiles)) {
    run(addresses_of(shuffled), TileRange{t, t + 1});
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    ASSERT_TRUE(same_bits(whole[i], shuffled[i])) << "float " << i << " depends on how the tiles are run";
  }
  const std::vector<float> spoilt = with_nans(before);
  expected = whole = spoilt;
  reference(addresses_of(expected));
  run(addresses_of(whole), TileRange{0, tiles});
  expect_matches(spoilt, expected, whole, tolerance);
}

/// Weights (groups * outputs, inputs * taps) in the order in which channels are read and written.
inline std::vector<float> reorder(std::span<const float> weights, std::int32_t groups, std::int32_t inputs,
                                  std::int32_t outputs, std::int32_t taps, std::span<const std::int32_t> input_order,
                                  std::span<const std::int32_t> output_order) {
  std::vector<float> result;
  result.reserve(weights.size());
  for (std::int32_t o = 0; o < groups * outputs; ++o) {
    const std::int32_t group = o / outputs, from = group * outputs + output_order[static_cast<std::size_t>(o)];
    for (std::int32_t k = 0; k < inputs; ++k) {
      const std::int32_t input = input_order[static_cast<std::size_t>(group * inputs + k)];
      for (std::int32_t t = 0; t < taps; ++t) {
        result.push_back(weights[static_cast<std::size_t>((from * inputs + input) * taps + t)]);
      }
    }
  }
  return result;
}

inline std::vector<float> reorder_bias(std::span<const float> bias, std::int32_t groups, std::int32_t outputs,
                                       std::span<const std::int32_t> output_order) {
  std::vector<float> result;
  for (std::int32_t o = 0; !bias.empty() && o < groups * outputs; ++o) {
    result.push_back(bias[static_cast<std::size_t>(o / outputs * outputs + output_order[static_cast<std::size_t>(o)])]);
  }
  return result;
}

/// A factor a row, or none at all.
inline std::vector<double> row_scale(Scene& scene, std::int32_t rows) {
  std::vector<double> result;
  for (std::int32_t i = scene.coin() ? rows : 0; i > 0; --i) result.push_back(scene.integer(1, 999) / 500.0);
  return result;
}

/// What packed weights hold: each row times its factor.
inline std::vector<float> scaled(std::vector<float> weights, const std::vector<double>& row_scale) {
  const std::size_t row = row_scale.empty() ? 0 : weights.size() / row_scale.size();
  for (std::size_t i = 0; row > 0 && i < weights.size(); ++i) {
    weights[i] = static_cast<float>(weights[i] * row_scale[i / row]);
  }
  return weights;
}

/// A permutation within each of `groups` groups.
inline std::vector<std::int32_t> grouped_order(Scene& scene, std::int32_t groups, std::int32_t count) {
  std::vector<std::int32_t> result;
  for (std::int32_t g = 0; g < groups; ++g) {
    const std::vector<std::int32_t> order = scene.permutation(count);
    result.insert(result.end(), order.begin(), order.end());
  }
  return result;
}

/// The residual operand of `groups` groups of `outputs`: contiguous, or scattered a column, vector by vector.
struct Residual {
  std::vector<ResidualVector> vectors;
  std::vector<ChannelRun> columns;
};

inline Residual random_residual(Scene& scene, std::int64_t pixels, std::int32_t groups, std::int32_t outputs,
                                std::int32_t lanes) {
  const std::int32_t per_group = (outputs + lanes - 1) / lanes;
  Residual residual;
  residual.columns.resize(static_cast<std::size_t>(groups * per_group * lanes));
  for (std::int32_t v = 0; v < groups * per_group; ++v) {
    const std::int32_t count = std::min(lanes, outputs - v % per_group * lanes);
    ChannelRun* const columns = residual.columns.data() + v * lanes;
    if (scene.coin()) {
      residual.vectors.push_back({scene.run(pixels, count, 0), columns});
    } else {
      for (std::int32_t i = 0; i < count; ++i) columns[i] = scene.run(pixels, 1, 0);
      residual.vectors.push_back({ChannelRun{}, columns});
    }
  }
  return residual;
}

}  // namespace riffle::kernels::testing
