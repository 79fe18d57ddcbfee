// What all ways to pool a window share: the vector of channels that is pooled, the taps of a window, and how their
// values become one.
#pragma once

#include "kernels/pool/pool.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

/// One vector of channels of one run.
template <class Value>
struct PoolJob {
  const PoolArgs* args;
  const Value* in;  ///< pixel 0
  std::ptrdiff_t in_stride;
  std::int32_t in_ring;
  Value* out;  ///< pixel 0
  std::ptrdiff_t out_stride;
  int count;  ///< channels in the vector; fewer than S::lanes only where the run is
};

/// The taps of a window along one axis: those inside the image, and how many the divisor counts.
struct PoolTaps {
  std::int32_t begin, end;
  std::int32_t counted;
};

RIFFLE_INLINE PoolTaps pool_taps(std::int32_t first, std::int32_t kernel, std::int32_t dilation, std::int32_t size,
                                 std::int32_t pad_behind, bool count_padding) {
  PoolTaps taps{0, kernel, kernel};
  while (first + taps.begin * dilation < 0) ++taps.begin;
  while (first + (taps.end - 1) * dilation >= size) --taps.end;
  if (count_padding) {
    while (first + (taps.counted - 1) * dilation >= size + pad_behind) --taps.counted;
  } else {
    taps.counted = taps.end - taps.begin;
  }
  return taps;
}
/// Of the outputs of row y.
RIFFLE_INLINE PoolTaps tap_rows(const PoolArgs& args, std::int32_t y) {
  const Window& window = args.window;
  return pool_taps(y * window.stride_h - window.pad_top, window.kernel_h, window.dilation_h, args.extent.in_h,
                   window.pad_bottom, args.count_padding);
}
/// Of the outputs of column x.
RIFFLE_INLINE PoolTaps tap_columns(const PoolArgs& args, std::int32_t x) {
  const Window& window = args.window;
  return pool_taps(x * window.stride_w - window.pad_left, window.kernel_w, window.dilation_w, args.extent.in_w,
                   window.pad_right, args.count_padding);
}

/// The maximum, or the sum and the mean's factor; then the activation.
template <class S, bool Max>
struct PoolReduction {
  using Vec = typename S::Vec;
  Vec lower, upper;

  explicit RIFFLE_INLINE PoolReduction(const Clamp& clamp)
      : lower(S::broadcast(clamp.lower)), upper(S::broadcast(clamp.upper)) {}

  /// What no tap changes.
  static RIFFLE_INLINE Vec nothing() { return S::broadcast(Max ? -std::numeric_limits<float>::infinity() : 0.0F); }

  static RIFFLE_INLINE Vec reduce(Vec a, Vec b) {
    if constexpr (Max) {
      return S::max(a, b);
    } else {
      return S::add(a, b);
    }
  }

  static RIFFLE_INLINE Vec factor(std::int32_t divisor) { return S::broadcast(1.0F / static_cast<float>(divisor)); }

  /// The vector that is to be stored.
  RIFFLE_INLINE Vec finish(Vec reduced, Vec factor) const {
    if constexpr (!Max) reduced = S::mul(reduced, factor);
    return S::clamp(reduced, lower, upper);
  }
};

}  // namespace riffle::kernels
