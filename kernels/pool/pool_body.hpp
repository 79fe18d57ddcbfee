// The one body of the pooling kernels; see pool.hpp for the equations.
//
// A vector is S::lanes channels of one pixel. 3x3 windows with stride 2 share a column between neighbours: each column
// of three is reduced once.
#pragma once

#include "kernels/pool/pool.hpp"
#include "kernels/pool/row.hpp"
#include "kernels/simd/simd.hpp"
#include "kernels/simd/strip.hpp"

namespace riffle::kernels {

template <class S>
struct Pooling {
  using Vec = typename S::Vec;

  /// One vector of channels.
  struct Job {
    const PoolArgs* args;
    const float* in;  ///< pixel 0
    std::ptrdiff_t in_stride;
    std::int32_t in_ring;
    float* out;  ///< pixel 0
    std::ptrdiff_t out_stride;
    int count;  ///< channels in the vector; fewer than S::lanes only where the run is
  };

  /// The taps of a window along one axis: those inside the image, and how many the divisor counts.
  struct Taps {
    std::int32_t begin, end;
    std::int32_t counted;
  };

  static RIFFLE_INLINE Taps taps(std::int32_t first, std::int32_t kernel, std::int32_t dilation, std::int32_t size,
                                 std::int32_t pad_behind, bool count_padding) {
    Taps taps{0, kernel, kernel};
    while (first + taps.begin * dilation < 0) ++taps.begin;
    while (first + (taps.end - 1) * dilation >= size) --taps.end;
    if (count_padding) {
      while (first + (taps.counted - 1) * dilation >= size + pad_behind) --taps.counted;
    } else {
      taps.counted = taps.end - taps.begin;
    }
    return taps;
  }
  static RIFFLE_INLINE Taps rows(const PoolArgs& args, std::int32_t y) {
    const Window& window = args.window;
    return taps(y * window.stride_h - window.pad_top, window.kernel_h, window.dilation_h, args.extent.in_h,
                window.pad_bottom, args.count_padding);
  }
  static RIFFLE_INLINE Taps columns(const PoolArgs& args, std::int32_t x) {
    const Window& window = args.window;
    return taps(x * window.stride_w - window.pad_left, window.kernel_w, window.dilation_w, args.extent.in_w,
                window.pad_right, args.count_padding);
  }

  template <bool Max>
  static RIFFLE_INLINE Vec reduce(Vec a, Vec b) {
    if constexpr (Max) {
      return S::max(a, b);
    } else {
      return S::add(a, b);
    }
  }

  template <bool Partial>
  static RIFFLE_INLINE Vec load(const float* from, int count) {
    if constexpr (Partial) {
      return simd::load_lanes<S>(from, count);
    } else {
      return S::load(from);
    }
  }

  /// The activation, and the mean's factor.
  struct Epilogue {
    Vec lower, upper;

    explicit RIFFLE_INLINE Epilogue(const Clamp& clamp)
        : lower(S::broadcast(clamp.lower)), upper(S::broadcast(clamp.upper)) {}

    template <bool Max, bool Partial>
    RIFFLE_INLINE void store(float* to, int count, Vec reduced, Vec factor) const {
      if constexpr (!Max) reduced = S::mul(reduced, factor);
      const Vec result = S::clamp(reduced, lower, upper);
      if constexpr (Partial) {
        simd::store_lanes<S>(to, result, count);
      } else {
        S::store(to, result);
      }
    }
  };
  static RIFFLE_INLINE Vec factor(std::int32_t divisor) { return S::broadcast(1.0F / static_cast<float>(divisor)); }

  /// A row of 3x3 windows with stride 2, Rows of whose tap rows are inside the image, the first at input row `top`.
  template <bool Max, int Rows>
  static RIFFLE_INLINE void run_row_3x3(const Job& job, std::int32_t y, std::int32_t top, std::int32_t counted_rows) {
    const PoolArgs& args = *job.args;
    const std::int32_t in_w = args.extent.in_w, out_w = args.extent.out_w, left = args.window.pad_left;
    const std::ptrdiff_t stride = job.in_stride, out_stride = job.out_stride;
    const float* rows[Rows];
    simd::unroll<Rows>([&](auto i) __attribute__((always_inline)) {
      rows[i] = job.in + slot((top + i) * in_w, job.in_ring) * stride;
    });
    const auto column = [&](std::ptrdiff_t at) __attribute__((always_inline)) {
      Vec sum = S::load(rows[0] + at);
      simd::unroll<Rows - 1>([&](auto i)
                                 __attribute__((always_inline)) { sum = reduce<Max>(sum, S::load(rows[i + 1] + at)); });
      return sum;
    };
    const Epilogue epilogue(args.clamp);
    const Vec nothing = S::broadcast(Max ? -std::numeric_limits<float>::infinity() : 0.0F);
    std::ptrdiff_t from = (1 - left) * stride;  // the middle column
    float* to = job.out + static_cast<std::ptrdiff_t>(y) * out_w * out_stride;
    Vec first = left > 0 ? nothing : column(0);  // the column that two windows share
    std::int32_t x = 0;
    const auto next = [&](Vec second, Vec third, Vec scale) __attribute__((always_inline)) {
      epilogue.template store<Max, false>(to, S::lanes, reduce<Max>(reduce<Max>(first, second), third), scale);
      first = third;
      from += 2 * stride;
      to += out_stride;
      ++x;
    };
    const auto border = [&]() __attribute__((always_inline)) {
      const std::int32_t at = 2 * x - left;
      const Vec second = at + 1 < in_w ? column(from) : nothing;
      const Vec third = at + 2 < in_w ? column(from + stride) : nothing;
      next(second, third, factor(counted_rows * columns(args, x).counted));
    };
    if (left > 0) border();
    const Vec whole = factor(counted_rows * 3);
    while (x < out_w && 2 * x - left + 2 < in_w) next(column(from), column(from + stride), whole);
    while (x < out_w) border();
  }

  /// One output of a 3x3 window with stride 2 whose three rows are inside the image.
  template <bool Max>
  static RIFFLE_INLINE void run_border(const Job& job, std::int32_t y, std::int32_t x) {
    const PoolArgs& args = *job.args;
    const std::int32_t in_w = args.extent.in_w, left = x * 2 - args.window.pad_left;
    const std::int32_t top = y * 2 - args.window.pad_top;
    const float* rows[3];
    for (int i = 0; i < 3; ++i) rows[i] = job.in + slot((top + i) * in_w, job.in_ring) * job.in_stride;
    Vec sum = S::broadcast(Max ? -std::numeric_limits<float>::infinity() : 0.0F);
    for (std::int32_t c = left < 0 ? 0 : left; c < left + 3 && c < in_w; ++c) {
      const std::ptrdiff_t at = c * job.in_stride;
      const Vec two = reduce<Max>(S::load(rows[0] + at), S::load(rows[1] + at));
      sum = reduce<Max>(sum, reduce<Max>(two, S::load(rows[2] + at)));
    }
    float* const to = job.out + (slot(y * args.extent.out_w, args.output.ring) + x) * job.out_stride;
    Epilogue(args.clamp).template store<Max, false>(to, S::lanes, sum, factor(3 * columns(args, x).counted));
  }

  static constexpr bool has_rows = requires { S::pool_row(true); };

  /// The outputs of a row that are the instruction set's own: [begin, end). All taps are inside the image, but for the
  /// first output's left ones if they count for the divisor.
  struct Inside {
    std::int32_t begin, end;
    bool left;  ///< is the first column of taps outside?
    template <bool Max>
    static RIFFLE_INLINE Inside of(const PoolArgs& args) {
      Inside inside(args);
      inside.left = inside.begin == 1 && (Max || columns(args, 0).counted == 3) && inside.end > 1;
      if (inside.left) inside.begin = 0;
      return inside;
    }

   private:
    explicit RIFFLE_INLINE Inside(const PoolArgs& args) : begin(args.window.pad_left), end(0), left(false) {
      const std::int32_t reach = args.extent.in_w + args.window.pad_left - 3;
      if (reach >= 0) end = reach / 2 + 1 < args.extent.out_w ? reach / 2 + 1 : args.extent.out_w;
    }
  };

  /// Two vectors of channels of a row whose three rows of taps are inside the image, by the instruction set's own.
  template <bool Max>
  static RIFFLE_INLINE void run_two(const Job& job, std::int32_t y, const Inside& inside) {
    constexpr std::ptrdiff_t bytes = sizeof(float);
    const PoolArgs& args = *job.args;
    const Window& window = args.window;
    const std::int32_t out_w = args.extent.out_w;
    const std::int32_t in_w = args.extent.in_w, top = y * 2 - window.pad_top;
    PoolRow row;
    row.lower = args.clamp.lower;
    row.upper = args.clamp.upper;
    for (int i = 0; i < 3; ++i) {
      const std::ptrdiff_t column = inside.begin * 2 - window.pad_left + (inside.left ? 1 : 0);
      row.rows[i] = job.in + (slot((top + i) * in_w, job.in_ring) + column) * job.in_stride;
    }
    row.in_stride = job.in_stride * bytes;
    row.out = job.out + (slot(y * out_w, args.output.ring) + inside.begin) * job.out_stride;
    row.out_stride = job.out_stride * bytes;
    row.outputs = inside.end - inside.begin;
    row.factor = 1.0F / 9.0F;
    row.form = simd::Strip::form_of(row.lower, row.upper, inside.left ? 1 : 0);
    S::pool_row(Max)(row);
    Job one = job;
    for (int v = 0; v < 2; ++v, one.in += S::lanes, one.out += S::lanes) {
      // Around [begin, end), in one loop: the border is inlined once.
      const std::int32_t first = inside.begin > 0 ? 0 : inside.end;
      for (std::int32_t x = first; x < out_w; x = x + 1 == inside.begin ? inside.end : x + 1) {
        run_border<Max>(one, y, x);
      }
    }
  }

  template <bool Max>
  static void run_rows_3x3(const Job& job, std::int32_t y0, std::int32_t y1) {
    const Window& window = job.args->window;
    for (std::int32_t y = y0; y < y1; ++y) {
      const Taps inside = rows(*job.args, y);
      const std::int32_t top = y * 2 - window.pad_top + inside.begin;
      switch (inside.end - inside.begin) {
        case 3:
          run_row_3x3<Max, 3>(job, y, top, inside.counted);
          break;
        case 2:
          run_row_3x3<Max, 2>(job, y, top, inside.counted);
          break;
        default:
          run_row_3x3<Max, 1>(job, y, top, inside.counted);
          break;
      }
    }
  }

  template <bool Max, bool Partial>
  static void run_rows_any(const Job& job, std::int32_t y0, std::int32_t y1) {
    const PoolArgs& args = *job.args;
    const Window& window = args.window;
    const Epilogue epilogue(args.clamp);
    for (std::int32_t y = y0; y < y1; ++y) {
      const Taps tall = rows(args, y);
      for (std::int32_t x = 0; x < args.extent.out_w; ++x) {
        const Taps wide = columns(args, x);
        Vec sum = S::broadcast(Max ? -std::numeric_limits<float>::infinity() : 0.0F);
        for (std::int32_t i = tall.begin; i < tall.end; ++i) {
          const std::int32_t row = y * window.stride_h - window.pad_top + i * window.dilation_h;
          const std::ptrdiff_t first = slot(row * args.extent.in_w, job.in_ring);
          for (std::int32_t j = wide.begin; j < wide.end; ++j) {
            const std::ptrdiff_t pixel = first + x * window.stride_w - window.pad_left + j * window.dilation_w;
            sum = reduce<Max>(sum, load<Partial>(job.in + pixel * job.in_stride, job.count));
          }
        }
        const std::ptrdiff_t pixel = static_cast<std::ptrdiff_t>(y) * args.extent.out_w + x;
        epilogue.template store<Max, Partial>(job.out + pixel * job.out_stride, job.count, sum,
                                              factor(tall.counted * wide.counted));
      }
    }
  }

  template <bool Max>
  static void run(const PoolArgs& args, const Addresses& memory, TileRange range) {
    const Window& window = args.window;
    const bool fast = window.kernel_h == 3 && window.kernel_w == 3 && window.stride_h == 2 && window.stride_w == 2 &&
                      window.dilation_h == 1 && window.dilation_w == 1 && window.pad_left <= 1 && window.pad_top <= 2;
    [[maybe_unused]] const Inside inside = Inside::template of<Max>(args);
    for (std::int32_t t = range.first; t < range.last; ++t) {
      const std::int32_t y0 = t * args.tile_rows;
      const std::int32_t y1 = args.extent.out_h - y0 < args.tile_rows ? args.extent.out_h : y0 + args.tile_rows;
      // A few rows for all channels before the next: what the channels' vectors share of a cache line stays in L1.
      for (std::int32_t y = y0; y < y1; ++y) {
        const std::int32_t top = y * 2 - window.pad_top;
        const bool two = has_rows && fast && inside.begin < inside.end && top >= 0 && top + 2 < args.extent.in_h;
        for (std::int32_t r = 0; r < args.run_count; ++r) {
          const ChannelRun& input = args.runs[r].input;
          const float* const in = memory.read(input.first);
          float* const out = memory.write(args.output.first) + args.runs[r].output_channel;
          for (std::int32_t begin = 0; begin < input.channels; begin += S::lanes) {
            // The last vector ends at the run's last channel: it repeats channels of the one before.
            const std::int32_t c = begin + S::lanes <= input.channels ? begin
                                   : input.channels >= S::lanes       ? input.channels - S::lanes
                                                                      : 0;
            const int count = input.channels < S::lanes ? input.channels : S::lanes;
            const Job job{&args, in + c, input.pixel_stride, input.ring, out + c, args.output.pixel_stride, count};
            if constexpr (has_rows) {
              if (two && begin + 2 * S::lanes <= input.channels) {
                run_two<Max>(job, y, inside);
                begin += S::lanes;
                continue;
              }
            }
            if constexpr (!simd::one_variant<S, has_rows>) {
              if (fast && count == S::lanes) {
                run_rows_3x3<Max>(job, y, y + 1);
                continue;
              }
            }
            if (count < S::lanes) {
              run_rows_any<Max, true>(job, y, y + 1);
            } else {
              run_rows_any<Max, false>(job, y, y + 1);
            }
          }
        }
      }
    }
  }

  /// `Vectors` vectors of channels, or the `count` last lanes of one.
  template <int Vectors>
  static RIFFLE_INLINE void mean(const GlobalAveragePoolArgs& args, const float* from, std::ptrdiff_t stride, float* to,
                                 int count) {
    const Vec scale = S::broadcast(1.0F / static_cast<float>(args.pixels));
    const Vec lower = S::broadcast(args.clamp.lower), upper = S::broadcast(args.clamp.upper);
    const auto load_one = [&](const float* at) __attribute__((always_inline)) {
      return Vectors == 1 ? simd::load_lanes<S>(at, count) : S::load(at);
    };
    Vec sum[Vectors];
    simd::unroll<Vectors>([&](auto v) __attribute__((always_inline)) { sum[v] = load_one(from + v * S::lanes); });
    for (std::int32_t p = 1; p < args.pixels; ++p) {
      from += stride;
      simd::unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
        sum[v] = S::add(sum[v], load_one(from + v * S::lanes));
      });
    }
    simd::unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
      const Vec result = S::clamp(S::mul(sum[v], scale), lower, upper);
      if constexpr (Vectors == 1) {
        simd::store_lanes<S>(to, result, count);
      } else {
        S::store(to + v * S::lanes, result);
      }
    });
  }

  static void global_average(const GlobalAveragePoolArgs& args, const Addresses& memory, TileRange range) {
    constexpr std::int32_t together = 8;
    std::int64_t vectors = 0;
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      vectors += (args.runs[r].input.channels + S::lanes - 1) / S::lanes;
    }
    const std::int64_t first = vectors * range.first / args.tiles, last = vectors * range.last / args.tiles;
    std::int64_t run_begin = 0;  // in vectors
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun& run = args.runs[r].input;
      const std::int64_t run_end = run_begin + (run.channels + S::lanes - 1) / S::lanes;
      std::int64_t v = first > run_begin ? first : run_begin;
      const std::int64_t end = last < run_end ? last : run_end;
      const float* const in = memory.read(run.first);
      float* const out = memory.write(args.output.first) + args.runs[r].output_channel;
      while (v < end) {
        const std::int64_t c = (v - run_begin) * S::lanes;
        if (v + together <= end && c + together * S::lanes <= run.channels) {
          mean<together>(args, in + c, run.pixel_stride, out + c, S::lanes);
          v += together;
        } else {
          const std::int64_t rest = run.channels - c;
          mean<1>(args, in + c, run.pixel_stride, out + c, rest < S::lanes ? static_cast<int>(rest) : S::lanes);
          v += 1;
        }
      }
      run_begin = run_end;
    }
  }

  static constexpr PoolKernel kernel(const char* name) {
    return {name, {}, S::lanes, run<true>, run<false>, global_average};
  }
};

}  // namespace riffle::kernels
