// AArch64's NEON: 32 registers of 4 floats and a fused multiply-add by lane.
#pragma once

#include "kernels/simd/simd.hpp"

namespace riffle::simd {

struct Neon64 : XsimdOps<xsimd::neon64> {
  static constexpr const char* name = "neon64";
  static constexpr bool by_lane = true;
  static constexpr int max_vectors = 4;
  /// tile_rows * vectors accumulators, tile_rows registers of activations (four channels each), and the weights.
  static constexpr int tile_rows(int vectors) { return vectors <= 2 ? 8 : vectors == 3 ? 6 : 5; }

  /// acc + w * x[Lane]
  template <int Lane>
  static RIFFLE_INLINE Vec fma_lane(Vec w, Vec x, Vec acc) {
    return vfmaq_laneq_f32(acc, w, x, Lane);
  }
};

}  // namespace riffle::simd
