// The one body of the linear resizing kernels; see resize.hpp for the equation.
#pragma once

#include "kernels/resize/resize.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

template <class S>
struct Resizing {
  using Vec = typename S::Vec;
  using Value = typename S::Value;

  /// What one place weighs its two neighbours with.
  struct Weights {
    Vec first, second;
    explicit RIFFLE_INLINE Weights(float weight) : first(S::broadcast(1.0F - weight)), second(S::broadcast(weight)) {}
    RIFFLE_INLINE Vec mixed(Vec a, Vec b) const { return S::fma(b, second, S::mul(a, first)); }
  };

  static void run(const ResizeArgs& args, const Addresses& memory, TileRange range) {
    const std::int32_t stop = range.last * args.tile_rows;
    const std::int32_t end = stop < args.extent.out_h ? stop : args.extent.out_h;
    for (std::int32_t y = range.first * args.tile_rows; y < end; ++y) {
      for (std::int32_t r = 0; r < args.run_count; ++r) run_row(args, memory, y, args.runs[r]);
    }
  }

  static RIFFLE_INLINE void run_row(const ResizeArgs& args, const Addresses& memory, std::int32_t y,
                                    const ChannelwiseRun& of) {
    const ChannelRun& run = of.input;
    const Between row = args.rows[y];
    const std::int64_t row_stride = std::int64_t{args.extent.in_w} * run.pixel_stride;
    const Value* const above = memory.read<Value>(run.first) + row.first * row_stride;
    const Value* const below = memory.read<Value>(run.first) + row.second * row_stride;
    Value* to = memory.write<Value>(args.output.first) + of.output_channel +
                static_cast<std::int64_t>(y) * args.extent.out_w * args.output.pixel_stride;
    const Weights vertical(row.weight);
    for (std::int32_t x = 0; x < args.extent.out_w; ++x, to += args.output.pixel_stride) {
      const Between column = args.columns[x];
      const Weights horizontal(column.weight);
      const std::int64_t left = std::int64_t{column.first} * run.pixel_stride;
      const std::int64_t right = std::int64_t{column.second} * run.pixel_stride;
      std::int32_t c = 0;
      for (; c + S::lanes <= run.channels; c += S::lanes) {
        const Vec upper = horizontal.mixed(S::load(above + left + c), S::load(above + right + c));
        const Vec lower = horizontal.mixed(S::load(below + left + c), S::load(below + right + c));
        S::store(to + c, vertical.mixed(upper, lower));
      }
      if (const int count = run.channels - c; count > 0) {
        const auto part = [&](const Value* from) __attribute__((always_inline)) {
          return S::load_partial(from + c, count);
        };
        const Vec upper = horizontal.mixed(part(above + left), part(above + right));
        const Vec lower = horizontal.mixed(part(below + left), part(below + right));
        S::store_partial(to + c, vertical.mixed(upper, lower), count);
      }
    }
  }

  static constexpr ResizeKernel kernel(const char* name) {
    return {name, {S::type, Type::f32, S::type}, S::lanes, run};
  }
};

}  // namespace riffle::kernels
