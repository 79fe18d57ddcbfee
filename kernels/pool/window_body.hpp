// Any window, tap by tap: a few outputs of a row side by side where all their columns are inside the image, one where
// they are not.
#pragma once

#include "kernels/pool/reduction.hpp"
#include "kernels/pool/row_body.hpp"

namespace riffle::kernels {

/// Outputs (y, x) to (y, x + Columns - 1), whose taps are alike. Partial: the vector has fewer channels than lanes.
template <class S, bool Max, bool Partial, int Columns>
RIFFLE_INLINE void pool_windows(const PoolJob<typename S::Value>& job, std::int32_t y, std::int32_t x,
                                const PoolTaps& tall, const PoolTaps& wide) {
  const PoolArgs& args = *job.args;
  const Window& window = args.window;
  const PoolReduction<S, Max> reduction(args.clamp);
  typename S::Vec sums[Columns];
  simd::unroll<Columns>([&](auto o) __attribute__((always_inline)) { sums[o] = reduction.nothing(); });
  const std::ptrdiff_t column = window.stride_w * static_cast<std::ptrdiff_t>(job.in_stride);
  const std::ptrdiff_t step = window.dilation_w * static_cast<std::ptrdiff_t>(job.in_stride);
  const std::int32_t left = x * window.stride_w - window.pad_left + wide.begin * window.dilation_w;
  for (std::int32_t i = tall.begin; i < tall.end; ++i) {
    const std::int32_t row = y * window.stride_h - window.pad_top + i * window.dilation_h;
    const auto* from = job.in + (slot(row * args.extent.in_w, job.in_ring) + left) * job.in_stride;
    for (std::int32_t j = wide.begin; j < wide.end; ++j, from += step) {
      simd::unroll<Columns>([&](auto o) __attribute__((always_inline)) {
        const auto* const at = from + o * column;
        sums[o] = reduction.reduce(sums[o], Partial ? simd::load_lanes<S>(at, job.count) : S::load(at));
      });
    }
  }
  const auto factor = reduction.factor(tall.counted * wide.counted);
  auto* const to = job.out + (static_cast<std::ptrdiff_t>(y) * args.extent.out_w + x) * job.out_stride;
  simd::unroll<Columns>([&](auto o) __attribute__((always_inline)) {
    const auto result = reduction.finish(sums[o], factor);
    if constexpr (Partial) {
      simd::store_lanes<S>(to + o * job.out_stride, result, job.count);
    } else {
      S::store(to + o * job.out_stride, result);
    }
  });
}

/// Row y of the output.
template <class S, bool Max, bool Partial>
void pool_row_of_windows(const PoolJob<typename S::Value>& job, std::int32_t y) {
  constexpr int together = simd::one_variant<S, has_pool_row<S>> ? 1 : 4;
  const PoolArgs& args = *job.args;
  const Window& window = args.window;
  const PoolTaps tall = tap_rows(args, y);
  const std::int32_t reach = (window.kernel_w - 1) * window.dilation_w;
  for (std::int32_t x = 0; x < args.extent.out_w;) {
    const PoolTaps wide = tap_columns(args, x);
    const std::int32_t left = x * window.stride_w - window.pad_left;
    const std::int32_t right = left + (together - 1) * window.stride_w + reach;
    if (left >= 0 && right < args.extent.in_w && x + together <= args.extent.out_w) {
      pool_windows<S, Max, Partial, together>(job, y, x, tall, wide);
      x += together;
    } else {
      pool_windows<S, Max, Partial, 1>(job, y, x, tall, wide);
      ++x;
    }
  }
}

}  // namespace riffle::kernels
