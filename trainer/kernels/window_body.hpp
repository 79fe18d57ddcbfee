// What the bodies of depthwise_gradients.hpp and pool_gradients.hpp share: channels a vector at a time, rows in rings.
#pragma once

#include "kernels/simd/simd.hpp"
#include "trainer/kernels/window.hpp"

namespace riffle::trainer {

/// Calls body(first channel, how many of the vector's lanes are channels).
template <class S, class Body>
RIFFLE_INLINE void by_vector(std::int32_t channels, Body&& body) {
  for (std::int32_t c = 0; c < channels; c += S::lanes) {
    body(c, channels - c < S::lanes ? static_cast<int>(channels - c) : S::lanes);
  }
}

/// Where a row of the image, or of the outputs, starts.
RIFFLE_INLINE std::ptrdiff_t in_row(const WindowArgs& args, std::int32_t y) {
  return kernels::slot(y * args.extent.in_w, args.in_ring) * args.in_stride;
}
RIFFLE_INLINE std::ptrdiff_t out_row(const WindowArgs& args, std::int32_t y) {
  return kernels::slot(y * args.extent.out_w, args.out_ring) * args.out_stride;
}

}  // namespace riffle::trainer
