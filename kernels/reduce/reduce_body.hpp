// The one body of the reduce kernel; see reduce.hpp for the equation.
#pragma once

#include "kernels/reduce/reduce.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

/// Numbers are computed as S's vectors have them, and stand in memory as In and Out load and store them.
template <class S, class In = S, class Out = S>
struct Reduce {
  using Vec = typename S::Vec;
  using Value = typename In::Value;
  using Result = typename Out::Value;

  template <bool Squares>
  static float sum(const Value* from, std::int32_t count) {
    const auto with = [](Vec sum, Vec x) __attribute__((always_inline)) {
      if constexpr (Squares) return S::fma(x, x, sum);
      return S::add(sum, x);
    };
    Vec sum = S::broadcast(0);
    std::int32_t c = 0;
    for (; c + S::lanes <= count; c += S::lanes) sum = with(sum, In::load(from + c));
    if (const int rest = count - c; rest > 0) sum = with(sum, In::load_partial(from + c, rest));
    return S::sum(sum);
  }

  /// Of the numbers times `sign`, which is 1 or -1, times `sign`.
  static float largest(const Value* from, std::int32_t count, float sign) {
    const auto larger = [](float a, float b) __attribute__((always_inline)) { return a > b || a != a ? a : b; };
    float most = sign * static_cast<float>(from[0]);
    std::int32_t c = 1;
    if (count >= S::lanes) {
      const Vec signs = S::broadcast(sign);
      Vec all = S::mul(signs, In::load(from));
      for (c = S::lanes; c + S::lanes <= count; c += S::lanes) all = S::max(all, S::mul(signs, In::load(from + c)));
      alignas(64) float lane[S::lanes];
      S::store(lane, all);
      for (int i = 0; i < S::lanes; ++i) most = larger(most, lane[i]);
    }
    for (; c < count; ++c) most = larger(most, sign * static_cast<float>(from[c]));
    return sign * most;
  }

  static float index_of_largest(const Value* from, std::int32_t count, float sign) {
    float most = sign * static_cast<float>(from[0]);
    std::int32_t found = 0;
    for (std::int32_t c = 1; c < count && most == most; ++c) {
      const float x = sign * static_cast<float>(from[c]);
      if (x <= most) continue;
      most = x;
      found = c;
    }
    return static_cast<float>(found);
  }

  static float reduced(ReduceKind kind, const Value* from, std::int32_t count) {
    switch (kind) {
      case ReduceKind::sum:
        return sum<false>(from, count);
      case ReduceKind::mean:
        return sum<false>(from, count) / static_cast<float>(count);
      case ReduceKind::maximum:
        return largest(from, count, 1.0F);
      case ReduceKind::minimum:
        return largest(from, count, -1.0F);
      case ReduceKind::l2:
        return __builtin_sqrtf(sum<true>(from, count));
      case ReduceKind::arg_max:
        return index_of_largest(from, count, 1.0F);
      case ReduceKind::arg_min:
        return index_of_largest(from, count, -1.0F);
    }
    return 0.0F;
  }

  static void run(const ReduceArgs& args, const Addresses& memory, TileRange range) {
    const std::int64_t pixels = args.pixels;
    const std::int32_t each = args.input.channels / args.groups;
    const Value* const from = memory.read<Value>(args.input.first);
    Result* const to = memory.write<Result>(args.output.first);
    const std::int64_t end = pixels * range.last / args.tiles;
    for (std::int64_t p = pixels * range.first / args.tiles; p < end; ++p) {
      const Value* in = from + p * args.input.pixel_stride;
      Result* const out = to + p * args.output.pixel_stride;
      for (std::int32_t g = 0; g < args.groups; ++g, in += each) out[g] = Result(reduced(args.kind, in, each));
    }
  }

  static constexpr ReduceKernel kernel(const char* name) {
    return {name, {In::type, Type::f32, Out::type}, S::lanes, run};
  }
};

}  // namespace riffle::kernels
