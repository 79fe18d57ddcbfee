// The one body of the softmax kernel; see softmax.hpp for the equation.
#pragma once

#include "kernels/simd/exp.hpp"
#include "kernels/simd/simd.hpp"
#include "kernels/softmax/softmax.hpp"

namespace riffle::kernels {

/// Numbers are computed as S's vectors have them, and stand in memory as In and Out load and store them.
template <class S, class In = S, class Out = S>
struct Softmax {
  using Vec = typename S::Vec;
  using Value = typename In::Value;
  using Result = typename Out::Value;

  /// Three passes over a pixel's group: the maximum; exp and its sum; the division. Lane-wise until the very end, so
  /// that the result does not depend on where the pixel lies.
  static void run_group(const Value* from, Result* to, std::int32_t channels) {
    const std::int32_t whole = channels / S::lanes * S::lanes;
    const int rest = channels - whole;
    alignas(64) float lane[S::lanes];

    float m = static_cast<float>(from[0]);
    Vec most = S::broadcast(m);
    for (std::int32_t c = 0; c < whole; c += S::lanes) most = S::max(most, In::load(from + c));
    S::store(lane, most);
    for (int i = 0; i < S::lanes; ++i) m = lane[i] > m ? lane[i] : m;
    for (int i = 0; i < rest; ++i) {
      const auto x = static_cast<float>(from[whole + i]);
      m = x > m ? x : m;
    }

    const Vec maximum = S::broadcast(m);
    Vec sum = S::broadcast(0);
    for (std::int32_t c = 0; c < whole; c += S::lanes) {
      const Vec e = simd::exp<S>(S::sub(In::load(from + c), maximum));
      sum = S::add(sum, e);
      Out::store(to + c, e);
    }
    S::store(lane, sum);
    float total = 0;
    for (int i = 0; i < S::lanes; ++i) total += lane[i];
    if (rest > 0) {
      S::store(lane, simd::exp<S>(S::sub(In::load_partial(from + whole, rest), maximum)));
      for (int i = 0; i < rest; ++i) {
        total += lane[i];
        to[whole + i] = static_cast<Result>(lane[i]);
      }
    }

    const float scale = 1.0F / total;
    const Vec scales = S::broadcast(scale);
    for (std::int32_t c = 0; c < whole; c += S::lanes) Out::store(to + c, S::mul(Out::load(to + c), scales));
    for (int i = 0; i < rest; ++i) to[whole + i] = static_cast<Result>(static_cast<float>(to[whole + i]) * scale);
  }

  static void run(const SoftmaxArgs& args, const Addresses& memory, TileRange range) {
    const std::int64_t pixels = args.pixels;
    const std::int32_t each = args.input.channels / args.groups;
    const Value* const from = memory.read<Value>(args.input.first);
    Result* const to = memory.write<Result>(args.output.first);
    const std::int64_t end = pixels * range.last / args.tiles;
    for (std::int64_t p = pixels * range.first / args.tiles; p < end; ++p) {
      const Value* in = from + p * args.input.pixel_stride;
      Result* out = to + p * args.output.pixel_stride;
      for (std::int32_t g = 0; g < args.groups; ++g, in += each, out += each) run_group(in, out, each);
    }
  }

  static constexpr SoftmaxKernel kernel(const char* name) {
    return {name, {In::type, Type::f32, Out::type}, S::lanes, run};
  }
};

}  // namespace riffle::kernels
