// Any window, one output after the other, tap by tap.
#pragma once

#include "kernels/pool/reduction.hpp"

namespace riffle::kernels {

/// Row y of the output. Partial: the vector has fewer channels than lanes.
template <class S, bool Max, bool Partial>
void pool_row_of_windows(const PoolJob<typename S::Value>& job, std::int32_t y) {
  const PoolArgs& args = *job.args;
  const Window& window = args.window;
  const PoolReduction<S, Max> reduction(args.clamp);
  const PoolTaps tall = tap_rows(args, y);
  for (std::int32_t x = 0; x < args.extent.out_w; ++x) {
    const PoolTaps wide = tap_columns(args, x);
    auto sum = reduction.nothing();
    for (std::int32_t i = tall.begin; i < tall.end; ++i) {
      const std::int32_t row = y * window.stride_h - window.pad_top + i * window.dilation_h;
      const std::ptrdiff_t first = slot(row * args.extent.in_w, job.in_ring);
      for (std::int32_t j = wide.begin; j < wide.end; ++j) {
        const std::ptrdiff_t pixel = first + x * window.stride_w - window.pad_left + j * window.dilation_w;
        const auto* const from = job.in + pixel * job.in_stride;
        sum = reduction.reduce(sum, Partial ? simd::load_lanes<S>(from, job.count) : S::load(from));
      }
    }
    const auto result = reduction.finish(sum, reduction.factor(tall.counted * wide.counted));
    const std::ptrdiff_t pixel = static_cast<std::ptrdiff_t>(y) * args.extent.out_w + x;
    auto* const to = job.out + pixel * job.out_stride;
    if constexpr (Partial) {
      simd::store_lanes<S>(to, result, job.count);
    } else {
      S::store(to, result);
    }
  }
}

}  // namespace riffle::kernels
