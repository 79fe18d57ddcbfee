// The one body of the depthwise kernel; see depthwise.hpp for the equation and the packing.
//
// A vector is S::lanes channels of one pixel. 3x3 filters with stride 1 or 2 keep their nine weights in registers and
// slide over a block of outputs side by side, so that an input vector is loaded once a block for the up to three
// outputs that need it (stride 1, 7 columns: 27 loads for 63 multiply-adds):
//
//   input rows i, in order:   v v v v v v v v v      v: one load
//                             | outputs whose tap (i, c - x * stride) it is
//
// (Two rows a block load a third less and double the code: docs/performance.md has the figures.)
// Windows of 5 and 7 columns slide likewise, with a row's weights at hand; all others are done tap by tap.
// Every output adds its taps in row-major order, whatever the block: results do not depend on how the work is cut. An
// instruction set may have 3x3 and 5x5 in assembly (rows.hpp): then whole rows, of 3x3 two vectors at a time.
#pragma once

#include <array>

#include "kernels/depthwise/depthwise.hpp"
#include "kernels/depthwise/rows.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

template <class S>
struct Depthwise {
  using Vec = typename S::Vec;
  using Value = typename S::Value;
  using Weight = typename S::Weight;

  /// One vector of channels.
  struct Job {
    const DepthwiseArgs* args;
    const Value* in;  ///< pixel 0
    std::ptrdiff_t in_stride;
    std::int32_t in_ring;
    Value* out;  ///< pixel 0
    std::ptrdiff_t out_stride;
    const Weight* packed;  ///< bias, then the taps' weights
    int count;             ///< channels in the vector; fewer than S::lanes only where the run is
  };

  /// The instruction set's own rows.
  static constexpr bool has_rows = requires { S::depthwise_rows(3, 1, 1); };

  /// The longest block of outputs: with 32 registers, seven sums, nine weights and the epilogue's leave room to load
  /// ahead.
  static constexpr bool many_registers = S::tile_rows(S::max_vectors) * S::max_vectors >= 16;
  static constexpr int block_columns = many_registers ? 7 : 4;
  static constexpr int fewest_columns = (block_columns + 1) / 2;  ///< what an even cut of a wider row leaves

  /// Do runs shorter than a vector take the fast path, too? Shorter than 16 channels they are where a stage ends
  /// (stride 2), shorter than 32 anywhere, and AVX-512's masks make a load of a part cost little more than one of the
  /// whole.
  template <int Stride>
  static constexpr bool takes_parts = S::lanes == 32 || (S::lanes == 16 && Stride == 2);

  static RIFFLE_INLINE bool takes_parts_of(std::int32_t stride) {
    return stride == 1 ? takes_parts<1> : takes_parts<2>;
  }

  using Strip = void (*)(const Job&, std::int32_t, std::int32_t, std::int32_t, std::int32_t);

  /// What a strip keeps at hand: copies, which no store can be taken to change.
  struct Sheet {
    const Value* in[3];  ///< the input rows of the taps, where they are inside the image
    Value* out;          ///< the output row
    std::ptrdiff_t in_column, out_column;
    std::int32_t in_h, pad_top, pad_left;
    float lower, upper;
    bool clamped;
    int count;  ///< channels in the vector
  };

  /// p + stride, one addition where it stands: left to itself, GCC works out the address of every column before the
  /// loops, for which there are not registers enough.
  template <class T>
  static RIFFLE_INLINE T* step(T* p, std::ptrdiff_t stride) {
    p += stride;
    asm("" : "+r"(p));
    return p;
  }

  /// Columns outputs from (y, x). Left and Right say that the block's first and last column lack a tap.
  template <int Columns, int Stride, bool Left, bool Right>
  static RIFFLE_INLINE void run_block(const Sheet& sheet, const Weight* bias, const Vec* weight, std::int32_t y,
                                      std::int32_t x) {
    Vec acc[Columns];
    const Vec start = S::load(bias);
    simd::unroll<Columns>([&](auto o) __attribute__((always_inline)) { acc[o] = start; });

    const std::int32_t top = y * Stride - sheet.pad_top;
    const std::ptrdiff_t left = (x * Stride - sheet.pad_left + Left) * sheet.in_column;
    constexpr int in_columns = (Columns - 1) * Stride + 3;
    simd::unroll<3>([&](auto i) __attribute__((always_inline)) {
      if (top + i >= 0 && top + i < sheet.in_h) {
        const Value* from = sheet.in[i] + left;
        simd::unroll<in_columns>([&](auto c) __attribute__((always_inline)) {
          if constexpr (!(Left && c == 0) && !(Right && c == in_columns - 1)) {
            const Vec v = takes_parts<Stride> ? S::load_partial(from, sheet.count) : S::load(from);
            from = step(from, sheet.in_column);
            // The outputs that the column is a tap of.
            constexpr int first = c < 3 ? 0 : (c - 2 + Stride - 1) / Stride;
            constexpr int last = c / Stride < Columns ? c / Stride : Columns - 1;
            simd::unroll<last - first + 1>([&](auto o) __attribute__((always_inline)) {
              constexpr int at = first + o, tap = i * 3 + c - at * Stride;
              acc[at] = S::fma(v, weight[tap], acc[at]);
            });
          }
        });
      }
    });

    // ShuffleNet's have no activation.
    if (sheet.clamped) {
      const Vec lower = S::broadcast(sheet.lower), upper = S::broadcast(sheet.upper);
      simd::unroll<Columns>([&](auto o) __attribute__((always_inline)) { acc[o] = S::clamp(acc[o], lower, upper); });
    }
    Value* to = sheet.out + x * sheet.out_column;
    simd::unroll<Columns>([&](auto o) __attribute__((always_inline)) {
      if constexpr (takes_parts<Stride>) {
        S::store_partial(to, acc[o], sheet.count);
      } else {
        S::store(to, acc[o]);
      }
      to = step(to, sheet.out_column);
    });
  }

  /// Rows [y0, y1) of `blocks` blocks side by side from column x.
  template <int Columns, int Stride, bool Left, bool Right>
  static void run_strip(const Job& job, std::int32_t y0, std::int32_t y1, std::int32_t x, std::int32_t blocks) {
    const DepthwiseArgs& args = *job.args;
    const Clamp& clamp = args.clamp;
    Sheet sheet{{},
                nullptr,
                job.in_stride,
                job.out_stride,
                args.extent.in_h,
                args.window.pad_top,
                args.window.pad_left,
                clamp.lower,
                clamp.upper,
                clamp.has_bounds(),
                job.count};
    const Weight* const packed = job.packed;
    Vec weight[9];
    simd::unroll<9>([&](auto t) __attribute__((always_inline)) { weight[t] = S::load(packed + (t + 1) * S::lanes); });
    const std::int32_t end = x + blocks * Columns;
    for (std::int32_t y = y0; y < y1; ++y) {
      simd::unroll<3>([&](auto i) __attribute__((always_inline)) {
        const std::int32_t row = y * Stride - args.window.pad_top + i;
        sheet.in[i] = job.in + slot(row * args.extent.in_w, job.in_ring) * job.in_stride;
      });
      sheet.out = job.out + static_cast<std::ptrdiff_t>(y) * args.extent.out_w * job.out_stride;
      for (std::int32_t column = x; column < end; column += Columns) {
        run_block<Columns, Stride, Left, Right>(sheet, packed, weight, y, column);
      }
    }
  }

  /// By stride - 1, columns - fewest_columns, Left + 2 * Right.
  static constexpr int widths = block_columns - fewest_columns + 1;
  using Strips = std::array<std::array<std::array<Strip, 4>, widths>, 2>;
  template <int Columns, int Stride>
  static constexpr std::array<Strip, 4> strips_of_width() {
    return {run_strip<Columns, Stride, false, false>, run_strip<Columns, Stride, true, false>,
            run_strip<Columns, Stride, false, true>, run_strip<Columns, Stride, true, true>};
  }
  static constexpr Strips make_strips() {
    return []<int... I>(std::integer_sequence<int, I...>) {
      return Strips{{{strips_of_width<fewest_columns + I, 1>()...}, {strips_of_width<fewest_columns + I, 2>()...}}};
    }
    (std::make_integer_sequence<int, widths>{});
  }

  /// How far the last output's taps reach past the image's right border.
  static RIFFLE_INLINE std::int32_t overhang(const Extent& extent, const Window& window) {
    return (extent.out_w - 1) * window.stride_w - window.pad_left + (window.kernel_w - 1) * window.dilation_w -
           (extent.in_w - 1);
  }

  /// Is it a window for the strips? At most one column may be missing on either side.
  static RIFFLE_INLINE bool is_fast(const Extent& extent, const Window& window) {
    return window.kernel_h == 3 && window.kernel_w == 3 && window.dilation_h == 1 && window.dilation_w == 1 &&
           window.stride_h == window.stride_w && window.stride_w <= 2 && window.pad_left <= 1 &&
           overhang(extent, window) <= 1 && extent.out_w >= fewest_columns;
  }

  /// Rows [y0, y1), cut into strips of even width: 9 columns are 5 + 4, not 7 + 2.
  static RIFFLE_INLINE void run_fast(const Job& job, std::int32_t y0, std::int32_t y1) {
    static constexpr Strips strips = make_strips();
    const Extent& extent = job.args->extent;
    const Window& window = job.args->window;
    const std::int32_t blocks = (extent.out_w + block_columns - 1) / block_columns;
    const std::int32_t low = extent.out_w / blocks, more = extent.out_w % blocks;
    const bool left = window.pad_left == 1, right = overhang(extent, window) == 1;
    std::int32_t x = 0;
    for (std::int32_t b = 0; b < blocks;) {
      const std::int32_t width = low + (b < more ? 1 : 0);
      const bool first = left && b == 0, last = right && b == blocks - 1;
      std::int32_t alike = 1;
      if (!first && !last) {
        const std::int32_t end = b < more ? more : blocks;
        alike = (right && end == blocks ? blocks - 1 : end) - b;
      }
      strips[static_cast<std::size_t>(window.stride_w - 1)][static_cast<std::size_t>(width - fewest_columns)]
            [(first ? 1U : 0U) + (last ? 2U : 0U)](job, y0, y1, x, alike);
      x += width * alike;
      b += alike;
    }
  }

  /// Where activations are multiplied by lane, what is behind a run may be read (depthwise.hpp).
  template <bool Partial>
  static RIFFLE_INLINE Vec load(const Value* from, int count) {
    if constexpr (Partial && !S::by_lane) {
      return simd::load_lanes<S>(from, count);
    } else {
      return S::load(from);
    }
  }

  /// Any window: `columns` outputs of row y from column x, at most any_columns. Inside: as many, whose taps' columns
  /// are all inside the image; else those that are not are left out one by one. Width: 0, or that of the window, whose
  /// columns are neighbours and whose outputs are Stride apart; then a column of the input is loaded once a row for all
  /// outputs that it is a tap of.
  static constexpr int any_columns = simd::one_variant<S, has_rows> ? 1 : 8;
  template <int Width, int Stride, bool Inside, bool Partial>
  static RIFFLE_INLINE void run_columns(const Job& job, std::int32_t y, std::int32_t x, std::int32_t columns) {
    const Extent& extent = job.args->extent;
    const Window& window = job.args->window;
    Vec acc[any_columns];
    const Vec bias = S::load(job.packed);
    simd::unroll<any_columns>([&](auto o) __attribute__((always_inline)) { acc[o] = bias; });
    const Weight* w = job.packed + S::lanes;
    const std::int32_t top = y * window.stride_h - window.pad_top, left = x * window.stride_w - window.pad_left;
    const std::int32_t width = extent.in_w, stride = window.stride_w, taps = window.kernel_w;
    const std::ptrdiff_t in_stride = job.in_stride, out_stride = job.out_stride;
    // Input columns that these outputs have taps in, from `left` on, and which of them are inside.
    const std::int32_t reach = (columns - 1) * stride + (taps - 1) * window.dilation_w + 1;
    const std::int32_t first = left < 0 ? -left : 0, last = left + reach > width ? width - left : reach;
    const auto is_inside = [&](std::int32_t column) __attribute__((always_inline)) {
      return Inside || (column >= first && column < last);
    };
    for (std::int32_t i = 0; i < window.kernel_h; ++i, w += taps * S::lanes) {
      const std::int32_t iy = top + i * window.dilation_h;
      if (iy < 0 || iy >= extent.in_h) continue;
      const Value* from = job.in + (slot(iy * width, job.in_ring) + left) * in_stride;
      if constexpr (Width > 0) {
        Vec weight[Width];
        simd::unroll<Width>([&](auto t) __attribute__((always_inline)) { weight[t] = S::load(w + t * S::lanes); });
        constexpr int in_columns = (any_columns - 1) * Stride + Width;
        simd::unroll<in_columns>([&](auto c) __attribute__((always_inline)) {
          if (is_inside(c)) {
            const Vec v = load<Partial>(from, job.count);
            // The outputs that the column is a tap of.
            constexpr int begin = c < Width ? 0 : (c - Width + Stride) / Stride;
            constexpr int end = c / Stride < any_columns ? c / Stride + 1 : any_columns;
            simd::unroll<end - begin>([&](auto o) __attribute__((always_inline)) {
              acc[begin + o] = S::fma(v, weight[c - (begin + o) * Stride], acc[begin + o]);
            });
          }
          from = step(from, in_stride);
        });
      } else {
        for (std::int32_t j = 0; j < taps; ++j, from += window.dilation_w * in_stride) {
          const Vec weight = S::load(w + j * S::lanes);
          simd::unroll<any_columns>([&](auto o) __attribute__((always_inline)) {
            if (is_inside(j * window.dilation_w + o * stride)) {
              acc[o] = S::fma(load<Partial>(from + o * stride * in_stride, job.count), weight, acc[o]);
            }
          });
        }
      }
    }
    const Vec lower = S::broadcast(job.args->clamp.lower), upper = S::broadcast(job.args->clamp.upper);
    Value* to = job.out + (static_cast<std::ptrdiff_t>(y) * extent.out_w + x) * out_stride;
    simd::unroll<any_columns>([&](auto o) __attribute__((always_inline)) {
      if (!Inside && o >= columns) return;
      const Vec result = S::clamp(acc[o], lower, upper);
      if constexpr (Partial) {
        simd::store_lanes<S>(to, result, job.count);
      } else {
        S::store(to, result);
      }
      to = step(to, out_stride);
    });
  }

  template <int Width, int Stride, bool Partial>
  static void run_any(const Job& job, std::int32_t y0, std::int32_t y1) {
    const Extent& extent = job.args->extent;
    const Window& window = job.args->window;
    const std::int32_t reach = (any_columns - 1) * window.stride_w + (window.kernel_w - 1) * window.dilation_w;
    for (std::int32_t y = y0; y < y1; ++y) {
      for (std::int32_t x = 0; x < extent.out_w; x += any_columns) {
        const std::int32_t left = x * window.stride_w - window.pad_left, columns = extent.out_w - x;
        if (columns >= any_columns && left >= 0 && left + reach < extent.in_w) {
          run_columns<Width, Stride, true, Partial>(job, y, x, any_columns);
        } else {
          run_columns<Width, Stride, false, Partial>(job, y, x, columns < any_columns ? columns : any_columns);
        }
      }
    }
  }

  /// Whole vectors, by the window's width.
  static RIFFLE_INLINE void run_window(const Job& job, std::int32_t y0, std::int32_t y1) {
    const Window& window = job.args->window;
    if constexpr (!simd::one_variant<S, has_rows>) {
      if (window.dilation_w == 1 && window.kernel_w == 5) {
        if (window.stride_w == 1) return run_any<5, 1, false>(job, y0, y1);
        if (window.stride_w == 2) return run_any<5, 2, false>(job, y0, y1);
      }
      if (window.dilation_w == 1 && window.kernel_w == 7 && window.stride_w == 1) {
        return run_any<7, 1, false>(job, y0, y1);
      }
    }
    run_any<0, 0, false>(job, y0, y1);
  }

  static constexpr std::int32_t most_rows = 32;

  static RIFFLE_INLINE bool is_for_rows(const DepthwiseArgs& args) {
    if constexpr (has_rows) {
      const Extent& extent = args.extent;
      const Window& window = args.window;
      const std::int32_t width = window.kernel_w, lacking = width / 2;
      const std::int32_t below = (extent.out_h - 1) * window.stride_h - window.pad_top + width - 1 - (extent.in_h - 1);
      return (width == 3 || width == S::widest_depthwise_rows) && window.kernel_h == width && window.dilation_h == 1 &&
             window.dilation_w == 1 && window.stride_h == window.stride_w && window.stride_w <= 2 &&
             window.pad_left <= lacking && overhang(extent, window) <= lacking && window.pad_top <= lacking &&
             below <= lacking && extent.out_w >= fewest_in_row(width);
    }
    return false;
  }

  /// What the vectors of a run share: output rows [y0, y1), at most most_rows.
  struct RunRows {
    const Value* in[2 * most_rows + 3];
    DepthwiseRows<Value, Weight> rows;

    RIFFLE_INLINE RunRows(const DepthwiseArgs& args, const ChannelRun& run, const Value* first, std::int32_t y0,
                          std::int32_t y1) {
      constexpr std::ptrdiff_t bytes = sizeof(Value);
      const Extent& extent = args.extent;
      const std::int32_t stride = args.window.stride_h, top = y0 * stride - args.window.pad_top;
      for (std::int32_t i = 0; i < (y1 - y0 - 1) * stride + args.window.kernel_h; ++i) {
        in[i] = top + i >= 0 && top + i < extent.in_h
                    ? first + slot((top + i) * extent.in_w, run.ring) * run.pixel_stride
                    : nullptr;
      }
      rows.rows = in;
      rows.in_stride = run.pixel_stride * bytes;
      rows.out_stride = args.output.pixel_stride * bytes;
      rows.out_row = rows.out_stride * extent.out_w;
      rows.height = y1 - y0;
      set_length(rows, args.window.kernel_w, stride, extent.out_w, args.window.pad_left, overhang(extent, args.window));
      rows.form += 16 * (simd::form_of(args.clamp, 0));
      rows.lower = static_cast<Weight>(args.clamp.lower);
      rows.upper = static_cast<Weight>(args.clamp.upper);
    }
  };

  /// All whole vectors of a run, two by two, the last one ending at its last channel. `out`: output row y0.
  static RIFFLE_INLINE void run_rows(const DepthwiseArgs& args, RunRows& run, std::int32_t channels, Value* out,
                                     const Weight* packed) {
    const std::int32_t width = args.window.kernel_w, stride = args.window.stride_w;
    const std::ptrdiff_t packed_vector = (width * width + 1) * S::lanes;
    const auto one = S::depthwise_rows(width, stride, 1);
    std::int32_t c = 0;
    const auto call = [&](auto function, int vectors) __attribute__((always_inline)) {
      run.rows.channel = c * static_cast<std::ptrdiff_t>(sizeof(Value));
      run.rows.out = out + c;
      run.rows.packed = packed;
      function(run.rows);
      c += vectors * S::lanes;
      packed += vectors * packed_vector;
    };
    if (width == 3) {
      const auto two = S::depthwise_rows(width, stride, 2);
      while (c + 2 * S::lanes <= channels) call(two, 2);
    }
    while (c + S::lanes <= channels) call(one, 1);
    if (c < channels) {
      c = channels - S::lanes;
      call(one, 1);
    }
  }

  /// Output rows that are done for all channels before the next, so that their input stays in L1; where not even that
  /// of one does, so that at least what two neighbouring vectors of channels read stays, for they share cache lines.
  static RIFFLE_INLINE std::int32_t rows_at_once(const DepthwiseArgs& args) {
    constexpr std::int64_t budget = 24 * 1024 / sizeof(Value), line = 64 / sizeof(Value);
    const std::int64_t reach = (args.window.kernel_h - 1) * args.window.dilation_h;
    const auto rows_of = [&](std::int64_t pixel) __attribute__((always_inline)) {
      return (budget / (pixel * args.extent.in_w) - reach) / args.window.stride_h;
    };
    const std::int64_t all = rows_of(args.runs[0].input.pixel_stride),
                       rows = all < 1 ? rows_of(2 * S::lanes + line) : all;
    return rows < 1 ? 1 : rows < args.extent.out_h ? static_cast<std::int32_t>(rows) : args.extent.out_h;
  }

  static void run(const DepthwiseArgs& args, const Addresses& memory, TileRange range) {
    const Extent& extent = args.extent;
    const bool fast = is_fast(extent, args.window);
    const std::ptrdiff_t packed_vector = (args.window.kernel_h * args.window.kernel_w + 1) * S::lanes;
    const std::int32_t last = range.last * args.tile_rows < extent.out_h ? range.last * args.tile_rows : extent.out_h;
    const bool for_rows = is_for_rows(args);
    std::int32_t band = rows_at_once(args);
    if (for_rows && band > most_rows) band = most_rows;
    for (std::int32_t y0 = range.first * args.tile_rows; y0 < last; y0 += band) {
      const std::int32_t y1 = last - y0 < band ? last : y0 + band;
      const auto* packed = static_cast<const Weight*>(args.packed);
      for (std::int32_t r = 0; r < args.run_count; ++r) {
        const ChannelRun& run = args.runs[r].input;
        const Value* const in = memory.read<Value>(run.first);
        Value* const out = memory.write<Value>(args.output.first) + args.runs[r].output_channel;
        if constexpr (has_rows) {
          if (for_rows && run.channels >= S::lanes) {
            RunRows rows(args, run, in, y0, y1);
            run_rows(args, rows, run.channels,
                     out + static_cast<std::ptrdiff_t>(y0) * extent.out_w * args.output.pixel_stride, packed);
            packed += (run.channels + S::lanes - 1) / S::lanes * packed_vector;
            continue;
          }
        }
        for (std::int32_t begin = 0; begin < run.channels; begin += S::lanes, packed += packed_vector) {
          // The last vector ends at the run's last channel: it repeats channels of the one before.
          const std::int32_t c = begin + S::lanes <= run.channels ? begin
                                 : run.channels >= S::lanes       ? run.channels - S::lanes
                                                                  : 0;
          const int count = run.channels < S::lanes ? run.channels : S::lanes;
          const Job job{&args, in + c, run.pixel_stride, run.ring, out + c, args.output.pixel_stride, packed, count};
          if constexpr (!simd::one_variant<S, has_rows>) {
            if (fast && (count == S::lanes || takes_parts_of(args.window.stride_w))) {
              run_fast(job, y0, y1);
              continue;
            }
          }
          if (count < S::lanes) {
            run_any<0, 0, true>(job, y0, y1);
          } else {
            run_window(job, y0, y1);
          }
        }
      }
    }
  }

  static constexpr DepthwiseKernel kernel(const char* name) {
    return {name, {S::type, simd::type_of<Weight>, S::type}, S::lanes, run};
  }
};

}  // namespace riffle::kernels
