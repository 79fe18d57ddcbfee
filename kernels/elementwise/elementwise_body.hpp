// The one body of the element-wise kernel; see elementwise.hpp for the equation.
#pragma once

#include "kernels/elementwise/elementwise.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

template <class S>
struct Elementwise {
  using Vec = typename S::Vec;
  using Value = typename S::Value;

  /// The result may lie where an operand lies, so that no channel may be computed twice: the last vector is a part.
  template <bool Add>
  static void run_pieces(const ElementwiseArgs& args, const Addresses& memory, std::int32_t begin, std::int32_t end) {
    const Vec lower = S::broadcast(args.clamp.lower), upper = S::broadcast(args.clamp.upper);
    Value* const output = memory.write<Value>(args.output.first);
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun& run = args.a[r].input;
      const Value* const first = memory.read<Value>(run.first);
      const Value* const second = Add ? memory.read<Value>(args.b[r].first) : nullptr;
      for (std::int64_t pixel = begin; pixel < end; ++pixel) {
        const Value* a = first + pixel * run.pixel_stride;
        const Value* b = Add ? second + pixel * args.b[r].pixel_stride : nullptr;
        Value* to = output + pixel * args.output.pixel_stride + args.a[r].output_channel;
        std::int32_t c = 0;
        for (; c + S::lanes <= run.channels; c += S::lanes) {
          Vec x = S::load(a + c);
          if constexpr (Add) x = S::add(x, S::load(b + c));
          S::store(to + c, S::clamp(x, lower, upper));
        }
        if (const int count = run.channels - c; count > 0) {
          Vec x = S::load_partial(a + c, count);
          if constexpr (Add) x = S::add(x, S::load_partial(b + c, count));
          S::store_partial(to + c, S::clamp(x, lower, upper), count);
        }
      }
    }
  }

  static void run(const ElementwiseArgs& args, const Addresses& memory, TileRange range) {
    for (std::int32_t t = range.first; t < range.last; ++t) {
      const std::int32_t begin = t * args.tile_pixels;
      const std::int32_t end = args.pixels - begin < args.tile_pixels ? args.pixels : begin + args.tile_pixels;
      if (args.b == nullptr) {
        run_pieces<false>(args, memory, begin, end);
      } else {
        run_pieces<true>(args, memory, begin, end);
      }
    }
  }

  static constexpr ElementwiseKernel kernel(const char* name) {
    return {name, {S::type, Type::f32, S::type}, S::lanes, run};
  }
};

}  // namespace riffle::kernels
