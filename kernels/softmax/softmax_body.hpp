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

  /// `count` groups of fewer channels than a vector has, a stride apart: lane i is group i, and there is a vector a
  /// channel. Lanes behind the last group repeat it.
  static void run_side_by_side(const Value* from, std::ptrdiff_t in_stride, Result* to, std::ptrdiff_t out_stride,
                               std::int32_t count, std::int32_t channels) {
    alignas(64) float lanes[S::lanes * S::lanes] = {};  // channel by channel
    for (int i = 0; i < S::lanes; ++i) {
      const Value* const group = from + (i < count ? i : count - 1) * in_stride;
      for (std::int32_t c = 0; c < channels; ++c) lanes[c * S::lanes + i] = static_cast<float>(group[c]);
    }
    Vec most = S::load(lanes), sum = S::broadcast(0);
    for (std::int32_t c = 1; c < channels; ++c) most = S::max(most, S::load(lanes + c * S::lanes));
    for (std::int32_t c = 0; c < channels; ++c) {
      const Vec e = simd::exp<S>(S::sub(S::load(lanes + c * S::lanes), most));
      sum = S::add(sum, e);
      S::store(lanes + c * S::lanes, e);
    }
    const Vec scales = S::div(S::broadcast(1), sum);
    for (std::int32_t c = 0; c < channels; ++c) {
      S::store(lanes + c * S::lanes, S::mul(S::load(lanes + c * S::lanes), scales));
    }
    for (std::int32_t i = 0; i < count; ++i) {
      for (std::int32_t c = 0; c < channels; ++c) to[i * out_stride + c] = Result(lanes[c * S::lanes + i]);
    }
  }

  /// Groups a stride apart.
  static RIFFLE_INLINE void run_groups(const Value* from, std::ptrdiff_t in_stride, Result* to,
                                       std::ptrdiff_t out_stride, std::int64_t count, std::int32_t channels) {
    const bool are_narrow = channels < S::lanes;
    const std::int64_t together = are_narrow ? S::lanes : 1;
    for (std::int64_t g = 0; g < count; g += together, from += together * in_stride, to += together * out_stride) {
      if (are_narrow) {
        const std::int64_t left = count - g < together ? count - g : together;
        run_side_by_side(from, in_stride, to, out_stride, static_cast<std::int32_t>(left), channels);
      } else {
        run_group(from, to, channels);
      }
    }
  }

  static void run(const SoftmaxArgs& args, const Addresses& memory, TileRange range) {
    const std::int64_t pixels = args.pixels;
    const std::int32_t each = args.input.channels / args.groups;
    const std::int64_t first = pixels * range.first / args.tiles, end = pixels * range.last / args.tiles;
    const std::ptrdiff_t in_stride = args.input.pixel_stride, out_stride = args.output.pixel_stride;
    const Value* from = memory.read<Value>(args.input.first) + first * in_stride;
    Result* to = memory.write<Result>(args.output.first) + first * out_stride;
    if (args.groups == 1) return run_groups(from, in_stride, to, out_stride, end - first, each);
    for (std::int64_t p = first; p < end; ++p, from += in_stride, to += out_stride) {
      run_groups(from, each, to, each, args.groups, each);
    }
  }

  static constexpr SoftmaxKernel kernel(const char* name) {
    return {name, {In::type, Type::f32, Out::type}, S::lanes, run};
  }
};

}  // namespace riffle::kernels
