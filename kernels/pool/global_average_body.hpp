// Global average pooling: a few vectors of channels at a time through all pixels.
#pragma once

#include "kernels/pool/pool.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

/// `Vectors` vectors of channels, or the first `count` lanes of one.
template <class S, int Vectors>
RIFFLE_INLINE void channel_means(const GlobalAveragePoolArgs& args, const typename S::Value* from,
                                 std::ptrdiff_t stride, typename S::Value* to, int count) {
  using Vec = typename S::Vec;
  const Vec scale = S::broadcast(1.0F / static_cast<float>(args.pixels));
  const Vec lower = S::broadcast(args.clamp.lower), upper = S::broadcast(args.clamp.upper);
  const auto load_one = [&](const typename S::Value* at) __attribute__((always_inline)) {
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

template <class S>
void global_average(const GlobalAveragePoolArgs& args, const Addresses& memory, TileRange range) {
  using Value = typename S::Value;
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
    const Value* const in = memory.read<Value>(run.first);
    Value* const out = memory.write<Value>(args.output.first) + args.runs[r].output_channel;
    while (v < end) {
      const std::int64_t c = (v - run_begin) * S::lanes;
      if (v + together <= end && c + together * S::lanes <= run.channels) {
        channel_means<S, together>(args, in + c, run.pixel_stride, out + c, S::lanes);
        v += together;
      } else {
        const std::int64_t rest = run.channels - c;
        channel_means<S, 1>(args, in + c, run.pixel_stride, out + c,
                            rest < S::lanes ? static_cast<int>(rest) : S::lanes);
        v += 1;
      }
    }
    run_begin = run_end;
  }
}

}  // namespace riffle::kernels
