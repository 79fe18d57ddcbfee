// The one body of the linear resizing kernels; see resize.hpp for the equation.
#pragma once

#include "kernels/resize/rows.hpp"
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
    for_resized_rows<Value>(
        args, memory, range, [&](const ResizedRow<Value>& row) __attribute__((always_inline)) { run_row(args, row); });
  }

  static RIFFLE_INLINE void run_row(const ResizeArgs& args, const ResizedRow<Value>& row) {
    const Value *const above = row.above, *const below = row.below;
    Value* to = row.to;
    const Weights vertical(row.weight);
    for (std::int32_t x = 0; x < args.extent.out_w; ++x, to += args.output.pixel_stride) {
      const Between column = args.columns[x];
      const Weights horizontal(column.weight);
      const std::int64_t left = std::int64_t{column.first} * row.pixel_stride;
      const std::int64_t right = std::int64_t{column.second} * row.pixel_stride;
      std::int32_t c = 0;
      for (; c + S::lanes <= row.channels; c += S::lanes) {
        const Vec upper = horizontal.mixed(S::load(above + left + c), S::load(above + right + c));
        const Vec lower = horizontal.mixed(S::load(below + left + c), S::load(below + right + c));
        S::store(to + c, vertical.mixed(upper, lower));
      }
      if (const int count = row.channels - c; count > 0) {
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
