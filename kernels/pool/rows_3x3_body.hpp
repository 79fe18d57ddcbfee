// 3x3 windows with stride 2, row by row. Neighbours share a column: each column of three is reduced once.
#pragma once

#include "kernels/pool/reduction.hpp"

namespace riffle::kernels {

/// Is it such a window, with padding as these rows take it?
RIFFLE_INLINE bool has_rows_3x3(const Window& window) {
  return window.kernel_h == 3 && window.kernel_w == 3 && window.stride_h == 2 && window.stride_w == 2 &&
         window.dilation_h == 1 && window.dilation_w == 1 && window.pad_left <= 1 && window.pad_top <= 2;
}

/// Row y of the output, Rows of whose tap rows are inside the image, the first at input row `top`.
template <class S, bool Max, int Rows>
RIFFLE_INLINE void pool_row_3x3(const PoolJob<typename S::Value>& job, std::int32_t y, std::int32_t top,
                                std::int32_t counted_rows) {
  using Vec = typename S::Vec;
  const PoolArgs& args = *job.args;
  const std::int32_t in_w = args.extent.in_w, out_w = args.extent.out_w, left = args.window.pad_left;
  const std::ptrdiff_t stride = job.in_stride, out_stride = job.out_stride;
  const typename S::Value* rows[Rows];
  simd::unroll<Rows>([&](auto i) __attribute__((always_inline)) {
    rows[i] = job.in + slot((top + i) * in_w, job.in_ring) * stride;
  });
  const PoolReduction<S, Max> reduction(args.clamp);
  const auto column = [&](std::ptrdiff_t at) __attribute__((always_inline)) {
    Vec sum = S::load(rows[0] + at);
    simd::unroll<Rows - 1>([&](auto i) __attribute__((always_inline)) {
      sum = reduction.reduce(sum, S::load(rows[i + 1] + at));
    });
    return sum;
  };
  const Vec nothing = reduction.nothing();
  std::ptrdiff_t from = (1 - left) * stride;  // the middle column
  auto* to = job.out + static_cast<std::ptrdiff_t>(y) * out_w * out_stride;
  Vec first = left > 0 ? nothing : column(0);  // the column that two windows share
  std::int32_t x = 0;
  const auto next = [&](Vec second, Vec third, Vec factor) __attribute__((always_inline)) {
    S::store(to, reduction.finish(reduction.reduce(reduction.reduce(first, second), third), factor));
    first = third;
    from += 2 * stride;
    to += out_stride;
    ++x;
  };
  const auto border = [&]() __attribute__((always_inline)) {
    const std::int32_t at = 2 * x - left;
    const Vec second = at + 1 < in_w ? column(from) : nothing;
    const Vec third = at + 2 < in_w ? column(from + stride) : nothing;
    next(second, third, reduction.factor(counted_rows * tap_columns(args, x).counted));
  };
  if (left > 0) border();
  const Vec whole = reduction.factor(counted_rows * 3);
  while (x < out_w && 2 * x - left + 2 < in_w) next(column(from), column(from + stride), whole);
  while (x < out_w) border();
}

/// Row y of the output, wherever its tap rows are.
template <class S, bool Max>
void pool_row_3x3(const PoolJob<typename S::Value>& job, std::int32_t y) {
  const PoolTaps inside = tap_rows(*job.args, y);
  const std::int32_t top = y * 2 - job.args->window.pad_top + inside.begin;
  switch (inside.end - inside.begin) {
    case 3:
      pool_row_3x3<S, Max, 3>(job, y, top, inside.counted);
      break;
    case 2:
      pool_row_3x3<S, Max, 2>(job, y, top, inside.counted);
      break;
    default:
      pool_row_3x3<S, Max, 1>(job, y, top, inside.counted);
      break;
  }
}

}  // namespace riffle::kernels
