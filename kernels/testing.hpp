// What the kernels' tests share: a guarded arena, random operands in it, and the comparison with the reference.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "kernels/kernels.hpp"
#include "kernels/reference.hpp"

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

/// The same for those that have rows of an operation.
template <class Kernel>
std::vector<const Kernels*> isas_with() {
  std::vector<const Kernels*> result;
  for (const Kernels* kernels : all_kernels()) {
    if (!kernels->of<Kernel>().empty()) result.push_back(kernels);
  }
  return result;
}

#define RIFFLE_EVERY_ISA_WITH(test, Kernel)                                                                 \
  INSTANTIATE_TEST_SUITE_P(Isa, test, ::testing::ValuesIn(::riffle::kernels::testing::isas_with<Kernel>()), \
                           ::riffle::kernels::testing::isa_name)

/// A row of an instruction set.
template <class Kernel>
struct IsaRow {
  const Kernels* kernels;
  const Kernel* row;
};

/// A test that runs for every row of an operation: an instruction set has one for each combination of types that it
/// computes with, or none.
template <class Kernel>
class EveryRow : public ::testing::TestWithParam<IsaRow<Kernel>> {
 protected:
  void SetUp() override {
    const Kernels& kernels = *this->GetParam().kernels;
    if (!kernels.supported()) GTEST_SKIP() << "this CPU has no " << kernels.isa;
  }
  [[nodiscard]] const Kernel& row() const { return *this->GetParam().row; }
};

/// Those of bytes, or all others.
template <class Kernel>
std::vector<IsaRow<Kernel>> every_row(bool of_bytes) {
  std::vector<IsaRow<Kernel>> rows;
  for (const Kernels* kernels : all_kernels()) {
    for (const Kernel& row : kernels->of<Kernel>()) {
      if (is_quantised(row.types.input) == of_bytes) rows.push_back({kernels, &row});
    }
  }
  return rows;
}

template <class Kernel>
std::string row_name(const ::testing::TestParamInfo<IsaRow<Kernel>>& info) {
  std::string name = info.param.row->name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

#define RIFFLE_EVERY_ROW(test, Kernel)                                                                           \
  INSTANTIATE_TEST_SUITE_P(Row, test, ::testing::ValuesIn(::riffle::kernels::testing::every_row<Kernel>(false)), \
                           ::riffle::kernels::testing::row_name<Kernel>)

#define RIFFLE_EVERY_BYTE_ROW(test, Kernel)                                                                         \
  INSTANTIATE_TEST_SUITE_P(ByteRow, test, ::testing::ValuesIn(::riffle::kernels::testing::every_row<Kernel>(true)), \
                           ::riffle::kernels::testing::row_name<Kernel>)

/// Every number of an arena that is no operand's is this NaN: used, it spoils a result; written over, it is missed.
/// Numbers of 16 bits have room for all of its bits. A byte has no NaN: this one stands there first, then its
/// complement (check_bytes).
inline constexpr std::uint32_t guard_bits = 0x7fd50000;
inline constexpr std::byte guard_byte{0xA5};

inline bool same_bits(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

inline bool is_guard(float x) { return std::bit_cast<std::uint32_t>(x) == guard_bits; }

/// A kernel that takes channels by vectors of 16 bytes may read so many numbers behind a run's last.
inline std::int64_t readable_behind(Type type) { return 16 / size_of(type) - 1; }

/// The number of a type (f32, f16, bf16) that is nearest to x.
inline float nearest(Type type, float x) {
  return type == Type::f16 ? from_f16(to_f16(x)) : type == Type::bf16 ? from_bf16(to_bf16(x)) : x;
}

/// What a type of bytes holds.
struct IntegerRange {
  std::int32_t least, most;
};
inline IntegerRange range_of(Type type) { return type == Type::i8 ? IntegerRange{-128, 127} : IntegerRange{0, 255}; }

/// Of a layer: then it has no residual.
inline bool makes_floats_of_bytes(const Types& types) {
  return is_quantised(types.input) && !is_quantised(types.output);
}

inline Addresses addresses_of(std::vector<std::byte>& arena) {
  Addresses addresses;
  addresses.arena = arena.data();
  return addresses;
}

/// Numbers as they stand in memory.
inline std::vector<std::byte> stored(Type type, std::span<const float> numbers) {
  std::vector<std::byte> bytes(numbers.size() * static_cast<std::size_t>(size_of(type)));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    set_number({Place{}, type}, static_cast<std::int64_t>(i), addresses_of(bytes), static_cast<double>(numbers[i]));
  }
  return bytes;
}

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

  /// Numbers that the type has.
  std::vector<float> values(std::int64_t count, double scale = 1, Type type = Type::f32) {
    std::uniform_real_distribution<double> uniform(-scale, scale);
    std::vector<float> result(static_cast<std::size_t>(count));
    for (float& x : result) x = nearest(type, static_cast<float>(uniform(random_)));
    return result;
  }
  /// Numbers of a type of bytes: of all sizes, or nothing but the least and the largest, or one of these alone.
  std::vector<float> bytes(std::int64_t count, Type type) {
    const IntegerRange range = range_of(type);
    const std::int32_t kind = integer(0, 3), alone = pick({range.least, range.most});
    std::vector<float> result;
    for (; count > 0; --count) {
      const std::int32_t byte = kind == 0   ? alone
                                : kind == 1 ? pick({range.least, range.most})
                                            : integer(range.least, range.most);
      result.push_back(static_cast<float>(byte));
    }
    return result;
  }
  std::vector<std::int32_t> permutation(std::int32_t count) {
    std::vector<std::int32_t> result(static_cast<std::size_t>(count));
    std::iota(result.begin(), result.end(), 0);
    std::shuffle(result.begin(), result.end(), random_);
    return result;
  }

  /// An output of `channels` a pixel, guards around it and, now and then, between its pixels.
  Block block(std::int64_t pixels, std::int32_t channels, Type type = Type::f32) {
    const std::int32_t stride = channels + pick({0, 0, 1, 7, 16});
    const Place guards = grow(integer(16, 40), type);
    const Place first = guards.behind(integer(0, stride - channels), type);
    grow((pixels - 1) * stride + channels, type);
    grow(32 + stride, type);
    return {first, stride, 0, type};
  }

  /// The same, where what is between two pixels may be written, too.
  Block spacious_block(std::int64_t pixels, std::int32_t channels, Type type) {
    Block result = block(pixels, channels, type);
    result.spare = result.pixel_stride - channels;
    for (std::int64_t p = 0; p < pixels; ++p) {
      spare_.push_back({{result.first.behind(p * result.pixel_stride + channels, type), type}, result.spare});
    }
    return result;
  }
  /// As it was before, where anything may have been written.
  void restore_spare(std::vector<std::byte>& arena, const std::vector<std::byte>& before) const {
    for (const Region& region : spare_) {
      const auto first = static_cast<std::ptrdiff_t>(region.numbers.first.offset);
      std::copy_n(before.begin() + first, region.count * size_of(region.numbers.type), arena.begin() + first);
    }
  }

  /// A run of random values; guards before it, between its pixels and (`slack` numbers) behind it.
  ChannelRun run(std::int64_t pixels, std::int32_t channels, std::int64_t slack, Type type = Type::f32) {
    const std::int32_t stride = channels + pick({0, 0, 1, 7, 16});
    grow(integer(16, 40), type);
    const ChannelRun result{grow((pixels - 1) * stride + channels, type), stride, channels, 0, type};
    std::int64_t i = 0;
    for (const float x : is_quantised(type) ? bytes(pixels * channels, type) : values(pixels * channels)) {
      set({result.first, type}, i / channels * stride + i % channels, x);
      ++i;
    }
    grow(slack, type);
    return result;
  }

  /// `channels` channels in up to `pieces` runs.
  std::vector<ChannelRun> runs(std::int64_t pixels, std::int32_t channels, std::int32_t pieces, std::int64_t slack,
                               Type type = Type::f32) {
    std::vector<ChannelRun> result;
    for (std::int32_t left = channels; left > 0; left -= result.back().channels) {
      const bool last = static_cast<std::int32_t>(result.size()) == pieces - 1;
      result.push_back(run(pixels, last ? left : integer(1, left), slack, type));
    }
    return result;
  }

  /// The same, landing side by side at output channels from `first` on, in shuffled order.
  std::vector<ChannelwiseRun> mapped_runs(std::int64_t pixels, std::int32_t channels, std::int32_t pieces,
                                          Type type = Type::f32, std::int64_t slack = 0) {
    const std::vector<ChannelRun> cut = runs(pixels, channels, pieces, slack, type);
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

  /// Of a kernel that knows slopes, of f32.
  LeakyClamp leaky_clamp(Type type) {
    LeakyClamp all{clamp()};
    if (type == Type::f32 && !all.has_bounds() && coin()) all.slope = pick({0.1F, -0.5F});
    return all;
  }

  /// The byte that stands for 0.
  std::int32_t zero_point(Type type) {
    const auto [least, most] = range_of(type);
    return pick({least, most, integer(least, most)});
  }
  /// Bounds of results that are counted from `zero`: all that bytes hold, or less. Of floats any.
  Clamp bounds(Type type, std::int32_t zero) {
    if (type == Type::f32) return clamp();
    const auto [least, most] = range_of(type);
    const std::int32_t lower = coin() ? least : integer(least, most), upper = coin() ? most : integer(lower, most);
    return {static_cast<float>(lower - zero), static_cast<float>(upper - zero)};
  }

  /// The number so many elements behind a place, before anything has run.
  float get(const Numbers& numbers, std::int64_t elements) {
    return static_cast<float>(number(numbers, elements, addresses_of(arena_)));
  }
  void set(const Numbers& numbers, std::int64_t elements, float x) {
    set_number(numbers, elements, addresses_of(arena_), static_cast<double>(x));
    const std::int64_t bytes = size_of(numbers.type);
    std::fill_n(guards_.begin() + numbers.first.offset + elements * bytes, bytes, std::byte{0});
  }
  /// The first channel of the middle one of a run's pixels becomes a NaN.
  void poison(const ChannelRun& run, std::int64_t pixels) {
    set({run.first, run.type}, pixels / 2 * run.pixel_stride, std::numeric_limits<float>::quiet_NaN());
  }

  /// What the arena holds before anything has run; its capacity is its size.
  [[nodiscard]] std::vector<std::byte> arena() const { return std::vector<std::byte>(arena_.begin(), arena_.end()); }

  /// The same with the complement of what is no operand's.
  [[nodiscard]] std::vector<std::byte> arena_of_other_guards() const {
    std::vector<std::byte> result(arena_.size());
    std::transform(arena_.begin(), arena_.end(), guards_.begin(), result.begin(), std::bit_xor<>());
    return result;
  }

  /// All numbers of an arena, guards as well, as floats.
  [[nodiscard]] std::vector<float> numbers(const std::vector<std::byte>& arena) const {
    std::vector<float> result;
    result.reserve(static_cast<std::size_t>(count_));
    for (const Region& region : regions_) {
      const std::byte* const from = arena.data() + region.numbers.first.offset;
      if (region.numbers.type != Type::f32) {
        const auto decode = region.numbers.type == Type::f16 ? from_f16 : from_bf16;
        const auto* const halves = reinterpret_cast<const std::uint16_t*>(from);
        for (std::int64_t i = 0; i < region.count; ++i) result.push_back(decode(halves[i]));
      } else {
        const auto* const floats = reinterpret_cast<const float*>(from);
        result.insert(result.end(), floats, floats + region.count);
      }
    }
    return result;
  }

  /// The arena with some of these among the operands, of either sign.
  [[nodiscard]] std::vector<std::byte> with_some(std::initializer_list<double> numbers,
                                                 std::vector<std::byte> arena) const {
    const Addresses memory = addresses_of(arena);
    std::minstd_rand random(static_cast<unsigned>(count_));
    for (int found = 0, tries = 0; found < 3 && tries < 1000; ++tries) {
      std::int64_t at = static_cast<std::int64_t>(random()) % count_;
      auto region = regions_.begin();
      for (; at >= region->count; ++region) at -= region->count;
      if (is_guard(static_cast<float>(number(region->numbers, at, memory)))) continue;
      const double magnitude = numbers.begin()[random() / 2 % numbers.size()];
      set_number(region->numbers, at, memory, std::copysign(magnitude, random() % 2 == 0 ? 1 : -1));
      ++found;
    }
    return arena;
  }

  std::mt19937& random() { return random_; }

 private:
  /// Numbers of one type side by side; the arena is nothing but regions.
  struct Region {
    Numbers numbers;
    std::int64_t count;
  };

  /// Guards, where an operand may be put.
  Place grow(std::int64_t count, Type type) {
    const auto bytes = static_cast<std::size_t>(size_of(type));
    while (arena_.size() % bytes != 0) grow(1, arena_.size() % 2 == 0 ? Type::f16 : Type::u8);
    const Place first{static_cast<std::int64_t>(arena_.size())};
    if (regions_.empty() || regions_.back().numbers.type != type) regions_.push_back({{first, type}, 0});
    regions_.back().count += count;
    count_ += count;
    arena_.resize(arena_.size() + static_cast<std::size_t>(count) * bytes);
    guards_.resize(arena_.size(), std::byte{0xFF});
    const Addresses memory = addresses_of(arena_);
    const auto guard = std::bit_cast<float>(guard_bits);
    if (type == Type::f16) {
      std::fill_n(memory.write<std::uint16_t>(first), count, to_f16(guard));
    } else if (type == Type::bf16) {
      std::fill_n(memory.write<std::uint16_t>(first), count, to_bf16(guard));
    } else if (is_quantised(type)) {
      std::fill_n(memory.write<std::byte>(first), count, guard_byte);
    } else {
      std::fill_n(memory.write(first), count, guard);
    }
    return first;
  }

  std::mt19937 random_;
  std::vector<std::byte> arena_;
  std::vector<std::byte> guards_;  // all bits set where a byte is no operand's, else none
  std::vector<Region> regions_, spare_;
  std::int64_t count_ = 0;  // numbers in all of them
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

/// How far a result may be from the reference's: so much, and so much of it.
struct Tolerance {
  double absolute, relative;

  constexpr Tolerance(double both) : absolute(both), relative(both) {}  // NOLINT: a number is meant to convert
  constexpr Tolerance(double absolute_part, double relative_part) : absolute(absolute_part), relative(relative_part) {}
};

/// Of a result that is rounded to its type at the end: it may be the neighbour of the reference's.
inline Tolerance rounded(Type output, const Tolerance& before) {
  if (output == Type::f16) return {before.absolute + 0x1p-24, before.relative + 0x1p-10};
  if (output == Type::bf16) return {before.absolute, before.relative + 0x1p-7};
  return before;
}

/// Of a sum of so many numbers of a type, added one after the other. Each addition rounds: to halves, by up to 2^-11
/// where the sum lies between 1 and 2, evenly spread. So many independent errors have a standard deviation of 2^-11 *
/// sqrt(terms / 3), and this is 2.6 times as much; but the operands of the tests make sums that are around 1 at their
/// end and less on the way to it, where errors are smaller. A term that is missing is about 1 / sqrt(terms), and over
/// all of a test's outputs there are larger ones.
inline Tolerance summed(Type type, std::int32_t terms) {
  return 1e-5 + (type == Type::f16 ? 1.5 * 0x1p-11 * std::sqrt(terms) : 0.0);
}
/// Of a layer's result. Other sums than those of halves are floats that are rounded at the end.
inline Tolerance summed(const Types& types, std::int32_t terms) {
  const Tolerance sum = summed(types.weights, terms);
  return types.weights == Type::f16 ? sum : rounded(types.output, sum);
}

/// Did the reference write it? An operand's NaN that the result takes the place of may be the result, too.
inline bool is_written(float before, float expected) {
  return !same_bits(before, expected) || (std::isnan(expected) && !is_guard(expected));
}

/// What is wrong with a number, if anything: where the reference wrote it the kernel must agree (a NaN with a NaN);
/// else it may not have changed.
inline const char* fault_of(float before, float expected, float actual, const Tolerance& tolerance) {
  if (!is_written(before, expected)) return same_bits(before, actual) ? nullptr : "is not the kernel's to write";
  if (std::isnan(expected)) return std::isnan(actual) && !is_guard(actual) ? nullptr : "should be a NaN";
  if (same_bits(before, actual)) return "was not written";
  if (std::isinf(expected)) return actual == expected ? nullptr : "should be infinite";
  const double e = static_cast<double>(expected), error = std::abs(static_cast<double>(actual) - e);
  return error <= tolerance.absolute + tolerance.relative * std::abs(e) ? nullptr : "is too far off";
}

inline void expect_matches(const std::vector<float>& before, const std::vector<float>& expected,
                           const std::vector<float>& actual, const Tolerance& tolerance) {
  std::size_t written = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const char* const fault = fault_of(before[i], expected[i], actual[i], tolerance);
    if (fault != nullptr)
      FAIL() << "number " << i << " " << fault << ": " << actual[i] << ", reference " << expected[i];
    if (is_written(before[i], expected[i])) ++written;
  }
  ASSERT_GT(written, 0U) << "the reference wrote nothing";
}

/// No two ranges of tiles write the same byte: threads run them at the same time.
template <class Kernel>
void check_shares(Scene& scene, std::int32_t tiles, const std::vector<std::byte>& before, Kernel&& run) {
  if (tiles < 2) return;
  std::vector<std::byte> first = before, second = before;
  run(addresses_of(first), TileRange{0, tiles / 2});
  run(addresses_of(second), TileRange{tiles / 2, tiles});
  scene.restore_spare(first, before);
  scene.restore_spare(second, before);
  for (std::size_t i = 0; i < before.size(); ++i) {
    ASSERT_TRUE(first[i] == before[i] || second[i] == before[i]) << "byte " << i << " is written by two tiles";
  }
}

/// The kernel against the reference: in one range, then tile by tile in shuffled order, to the same bits; then with
/// NaNs among the operands, or in about every second scene infinities and denormal numbers, each of which has to reach
/// what it should, and nothing else. reference(Addresses), run(Addresses, TileRange).
template <class Reference, class Kernel>
void check(Scene& scene, std::int32_t tiles, Reference&& reference, Kernel&& run, const Tolerance& tolerance) {
  const std::vector<std::byte> before = scene.arena();
  const auto whole_of = [&](const std::vector<std::byte>& arena) {
    std::vector<std::byte> expected = arena, whole = arena;
    reference(addresses_of(expected));
    run(addresses_of(whole), TileRange{0, tiles});
    scene.restore_spare(whole, arena);
    expect_matches(scene.numbers(arena), scene.numbers(expected), scene.numbers(whole), tolerance);
    return whole;
  };
  const std::vector<std::byte> whole = whole_of(before);
  std::vector<std::byte> shuffled = before;
  for (const std::int32_t t : scene.permutation(tiles)) {
    run(addresses_of(shuffled), TileRange{t, t + 1});
  }
  scene.restore_spare(shuffled, before);
  const auto differing = std::mismatch(whole.begin(), whole.end(), shuffled.begin()).first;
  ASSERT_TRUE(differing == whole.end()) << "byte " << differing - whole.begin() << " depends on how the tiles are run";
  check_shares(scene, tiles, before, run);
  using Limits = std::numeric_limits<double>;
#ifdef __arm__
  constexpr double tiny = 0x1p-100;  // ARMv7's NEON takes denormal numbers for zero
#else
  constexpr double tiny = 0x1p-140;
#endif
  const bool is_of_nans = before.size() / 64 % 2 == 0;  // some scenes are, some are not
  whole_of(is_of_nans ? scene.with_some({Limits::quiet_NaN()}, before)
                      : scene.with_some({Limits::infinity(), tiny, 0x1p-24, 0x1p-16, 0.0}, before));
}

inline void expect_same_bytes(const std::vector<std::byte>& before, const std::vector<std::byte>& expected,
                              const std::vector<std::byte>& actual) {
  const auto at = std::mismatch(expected.begin(), expected.end(), actual.begin()).first - expected.begin();
  const auto i = static_cast<std::size_t>(at);
  if (i == expected.size()) return;
  FAIL() << "byte " << i << " of " << expected.size()
         << (actual[i] == before[i]     ? " was not written"
             : expected[i] == before[i] ? " is not the kernel's to write"
                                        : " is wrong")
         << ": " << static_cast<int>(actual[i]) << ", reference " << static_cast<int>(expected[i]);
}

/// A kernel of bytes against the reference, in one range and then tile by tile in shuffled order: the same bytes
/// everywhere, operands and guards as well. Twice, the second time with other guards: whatever the kernel takes from
/// them, leaves as it was or writes over is then seen at least once. in_place: results may be what is there before.
template <class Reference, class Kernel>
void check_bytes(Scene& scene, std::int32_t tiles, Reference&& reference, Kernel&& run, bool in_place = false) {
  bool is_written = in_place;
  for (const std::vector<std::byte>& before : {scene.arena(), scene.arena_of_other_guards()}) {
    std::vector<std::byte> expected = before, whole = before, shuffled = before;
    reference(addresses_of(expected));
    is_written = is_written || expected != before;
    run(addresses_of(whole), TileRange{0, tiles});
    scene.restore_spare(whole, before);
    expect_same_bytes(before, expected, whole);
    for (const std::int32_t t : scene.permutation(tiles)) run(addresses_of(shuffled), TileRange{t, t + 1});
    scene.restore_spare(shuffled, before);
    expect_same_bytes(before, expected, shuffled);
    check_shares(scene, tiles, before, run);
  }
  ASSERT_TRUE(is_written) << "the reference wrote nothing";
}

/// Weights (groups * outputs, inputs * taps) in the order in which channels are read and written.
template <class T>
std::vector<T> reorder(const std::vector<T>& weights, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
                       std::int32_t taps, std::span<const std::int32_t> input_order,
                       std::span<const std::int32_t> output_order) {
  std::vector<T> result;
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

/// A number an output, in the order of writing.
template <class T>
std::vector<T> reorder_bias(const std::vector<T>& bias, std::int32_t groups, std::int32_t outputs,
                            std::span<const std::int32_t> output_order) {
  std::vector<T> result;
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

/// What packed weights of a type hold: each row times its factor.
inline std::vector<float> scaled(std::vector<float> weights, const std::vector<double>& row_scale, Type type) {
  const std::size_t row = row_scale.empty() ? 0 : weights.size() / row_scale.size();
  for (std::size_t i = 0; row > 0 && i < weights.size(); ++i) {
    weights[i] = nearest(type, static_cast<float>(weights[i] * row_scale[i / row]));
  }
  return weights;
}

/// The weights of a layer of bytes.
struct ByteWeights {
  std::vector<std::int8_t> values;
  std::vector<std::int32_t> bias;
  std::vector<float> factors;

  [[nodiscard]] IntegerWeights view() const { return {values, bias, factors}; }
  /// In the order in which channels are read and written.
  [[nodiscard]] ByteWeights ordered(std::int32_t groups, std::int32_t inputs, std::int32_t outputs, std::int32_t taps,
                                    std::span<const std::int32_t> input_order,
                                    std::span<const std::int32_t> output_order) const {
    return {reorder(values, groups, inputs, outputs, taps, input_order, output_order),
            reorder_bias(bias, groups, outputs, output_order), reorder_bias(factors, groups, outputs, output_order)};
  }
};

/// How sums become large or small, and what their rounding does.
enum class Sums : std::uint8_t {
  usual,       ///< results are some dozens
  exact,       ///< as far as bytes and residuals have room; factors have few digits
  extreme,     ///< the largest weights of one sign, the largest biases: results end at the bounds, or are small
  ties,        ///< small, times a half or a quarter
  beyond_f32,  ///< of more bits than an f32 has: some are rounded to a tie
  least,       ///< exact ones of weights of which most are -128: two of these leave 16 bits
  brimful,     ///< usual, but of weights of which four products fit 16 bits, just so or just not
};

inline ByteWeights random_byte_weights(Scene& scene, std::int32_t rows, std::int32_t terms, Sums sums) {
  ByteWeights result;
  constexpr std::int32_t largest_bias = 1 << 30;
  const std::int32_t least_brimful = scene.pick({-63, -64});
  for (std::int32_t row = 0; row < rows; ++row) {
    const std::int32_t all = sums == Sums::brimful ? scene.pick({64, least_brimful}) : scene.pick({-128, -127, 127});
    for (std::int32_t k = 0; k < terms; ++k) {
      std::int32_t weight = all;
      if (sums == Sums::brimful && scene.integer(0, 99) == 0) weight = scene.pick({65, -64, -128});
      if (sums <= Sums::exact) weight = scene.integer(-128, 127);
      if (sums == Sums::least) weight = scene.pick({-128, -128, -128, 127});
      if (sums == Sums::ties || sums == Sums::beyond_f32) weight = scene.integer(-1, 1);
      result.values.push_back(static_cast<std::int8_t>(weight));
    }
    switch (sums) {
      case Sums::usual:
      case Sums::brimful:
        result.bias.push_back(scene.integer(-20000, 20000));
        result.factors.push_back(static_cast<float>(scene.integer(1, 100) / (1e4 * std::sqrt(terms))));
        break;
      case Sums::exact:
        result.bias.push_back(scene.integer(-20000, 20000));
        result.factors.push_back(static_cast<float>(scene.integer(1, 400)) * scene.pick({0x1p-15F, 0x1p-16F}));
        break;
      case Sums::least:
        result.bias.push_back(scene.integer(-20000, 20000));
        result.factors.push_back(scene.pick({0x1p-10F, 0x1p-11F, 0x1p-12F}));
        break;
      case Sums::extreme:
        result.bias.push_back(scene.pick({-largest_bias, 0, largest_bias}));
        result.factors.push_back(scene.pick({std::numeric_limits<float>::min(), 1e-7F, 1.0F, 1e38F}));
        break;
      case Sums::ties:
        result.bias.push_back(scene.integer(-300, 300));
        result.factors.push_back(scene.pick({0.5F, 0.25F, 0.125F}));
        break;
      case Sums::beyond_f32:
        result.bias.push_back((2 * scene.integer(-100, 100) + 1) * (1 << 22) + scene.integer(-300, 300));
        result.factors.push_back(0x1p-23F);
        break;
    }
  }
  return result;
}
inline ByteWeights random_byte_weights(Scene& scene, std::int32_t rows, std::int32_t terms) {
  const Sums sums = scene.pick({Sums::usual, Sums::exact, Sums::exact, Sums::extreme, Sums::ties, Sums::beyond_f32,
                                Sums::least, Sums::brimful, Sums::brimful});
  return random_byte_weights(scene, rows, terms, sums);
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
                                std::int32_t lanes, Type type) {
  const std::int32_t per_group = (outputs + lanes - 1) / lanes;
  Residual residual;
  residual.columns.resize(static_cast<std::size_t>(groups * per_group * lanes));
  for (std::int32_t v = 0; v < groups * per_group; ++v) {
    const std::int32_t count = std::min(lanes, outputs - v % per_group * lanes);
    ChannelRun* const columns = residual.columns.data() + v * lanes;
    if (scene.coin()) {
      residual.vectors.push_back({scene.run(pixels, count, 0, type), columns});
    } else {
      for (std::int32_t i = 0; i < count; ++i) columns[i] = scene.run(pixels, 1, 0, type);
      residual.vectors.push_back({ChannelRun{}, columns});
    }
  }
  return residual;
}

}  // namespace riffle::kernels::testing
