// AMX's products of matrices: eight tiles of up to 16 rows of 64 bytes. Of a tile of activations a row is a pixel, of a
// tile of weights four bytes of 16 outputs, as packed weights have them (a vector of a panel), of a tile of sums a
// pixel's 16 outputs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/types.hpp"

namespace riffle::simd {

/// Four-byte steps that a tile holds.
inline constexpr std::int32_t amx_steps = 16;

/// sums[pixel][output] of some neighbouring pixels and of the panels of one layer. M multiplies; N: its sums' type. The
/// thread's tiles are in use as long as it lives.
template <class M, class N>
class AmxProduct {
 public:
  static constexpr std::int32_t most_pixels = 2 * 16;  ///< at once
  using Sums = N[most_pixels][4 * 16];                 ///< a pixel's: one vector behind the other, whatever the panel

  /// `steps` of four bytes: at most 16, or a multiple of it.
  RIFFLE_INLINE AmxProduct(std::int32_t pixels, std::int32_t steps)
      : tiles_((pixels + 15) / 16), rows_((pixels + tiles_ - 1) / tiles_), pixels_(pixels) {
    const std::int32_t depth = steps < amx_steps ? steps : amx_steps;
    depth_ = steps / depth;
    struct alignas(64) {
      std::uint8_t palette = 1, start = 0, zero[14] = {};
      std::uint16_t bytes[16] = {};
      std::uint8_t rows[16] = {};
    } config;
    for (int t = 0; t < 8; ++t) {
      config.bytes[t] = static_cast<std::uint16_t>(t == 4 || t == 5 ? depth * 4 : 64);
      config.rows[t] = static_cast<std::uint8_t>(t < 6 ? rows_ : depth);
    }
    asm volatile("ldtilecfg %0" : : "m"(config));
  }
  RIFFLE_INLINE ~AmxProduct() { asm volatile("tilerelease"); }
  AmxProduct(const AmxProduct&) = delete;
  AmxProduct& operator=(const AmxProduct&) = delete;

  /// Calls f(first pixel, pixels, row) for as many as are multiplied at once, whose sums are then in `sums` from this
  /// row on: `vectors` of each, of a panel whose weights begin at `w`. Strides are in bytes.
  template <class F>
  RIFFLE_INLINE void run(const void* x, std::ptrdiff_t x_stride, const void* w, int vectors, Sums& sums, F&& f) const {
    std::int32_t done = 0;
    for (std::int32_t t = 0; t < tiles_; t += 2) {
      // The last tile ends at the last pixel: it multiplies some of the pixels before it again.
      const std::int32_t first = t * rows_ < pixels_ - rows_ ? t * rows_ : pixels_ - rows_, left = pixels_ - first;
      const std::int32_t second = left < 2 * rows_ ? left - rows_ : rows_;
      const auto* const from = static_cast<const std::byte*>(x) + first * x_stride;
      const auto* const weights = static_cast<const std::byte*>(w);
      for (int v = 0; v < vectors; v += 2) {
        const bool two = v + 1 < vectors;
        const auto function =
            second > 0 ? (two ? multiply<2, 2> : multiply<2, 1>) : (two ? multiply<1, 2> : multiply<1, 1>);
        function(from, second * x_stride, x_stride, weights + v * 64, vectors * 64, depth_, &sums[0][v * 16],
                 second * std::ptrdiff_t{sizeof sums[0]});
      }
      const std::int32_t end = first + (second > 0 ? second + rows_ : rows_);
      f(done, end - done, done - first);
      done = end;
    }
  }

 private:
  std::int32_t tiles_, rows_, pixels_, depth_;

  template <int T>
  static RIFFLE_INLINE void load(const std::byte* from, std::ptrdiff_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(T) : "memory");
  }
  template <int T>
  static RIFFLE_INLINE void store(N* to) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(sizeof(Sums) / most_pixels), "i"(T) : "memory");
  }
  template <int T>
  static RIFFLE_INLINE void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(T));
  }

  /// P tiles of pixels, `second` bytes apart, times V vectors of outputs.
  template <int P, int V>
  static void multiply(const std::byte* x, std::ptrdiff_t second, std::ptrdiff_t x_stride, const std::byte* w,
                       std::ptrdiff_t w_stride, std::int32_t depth, N* sums, std::ptrdiff_t second_sums) {
    zero<0>();
    if constexpr (V == 2) zero<1>();
    if constexpr (P == 2) zero<2>();
    if constexpr (P == 2 && V == 2) zero<3>();
    for (std::int32_t k = 0; k < depth; ++k, x += amx_steps * 4, w += amx_steps * w_stride) {
      load<4>(x, x_stride);
      if constexpr (P == 2) load<5>(x + second, x_stride);
      load<6>(w, w_stride);
      if constexpr (V == 2) load<7>(w + 64, w_stride);
      M::template multiply<0, 4, 6>();
      if constexpr (V == 2) M::template multiply<1, 4, 7>();
      if constexpr (P == 2) M::template multiply<2, 5, 6>();
      if constexpr (P == 2 && V == 2) M::template multiply<3, 5, 7>();
    }
    store<0>(sums);
    if constexpr (V == 2) store<1>(sums + 16);
    N* const below = reinterpret_cast<N*>(reinterpret_cast<std::byte*>(sums) + second_sums);
    if constexpr (P == 2) store<2>(below);
    if constexpr (P == 2 && V == 2) store<3>(below + 16);
  }
};

}  // namespace riffle::simd
