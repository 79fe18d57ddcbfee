// How loops go over the channels of pixels: in pieces of a few vectors, what is one value a channel in registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/simd/simd.hpp"

namespace riffle::trainer {

/// Where the last vector of a piece stands, from the piece's first channel, and how many lanes of it are whole. It
/// ends where the channels end: the lanes that it shares with the vector before it are computed twice, to the same
/// bits. Only fewer channels than a vector holds are a part of one.
struct Tail {
  std::ptrdiff_t at;
  int lanes;
};

/// Calls body(<NV>, first, tail): `channels` channels in pieces of NV <= Most vectors, of even length, so that no
/// piece has just one vector where there are several. What is one value a channel stays in registers while a piece
/// goes over some pixels. A body loads all of a pixel's vectors before it stores one.
template <class S, int Most, class Body>
RIFFLE_INLINE void in_pieces(std::int32_t channels, Body&& body) {
  if (channels < S::lanes) return body(std::integral_constant<int, 1>{}, 0, Tail{0, static_cast<int>(channels)});
  const std::int32_t vectors = (channels + S::lanes - 1) / S::lanes, pieces = (vectors + Most - 1) / Most;
  std::int32_t v0 = 0;
  for (std::int32_t piece = 1; piece <= pieces; ++piece) {
    const std::int32_t v1 = vectors * piece / pieces, first = v0 * S::lanes;
    const std::ptrdiff_t last = (v1 < vectors ? v1 * S::lanes : channels) - S::lanes - first;
    simd::unroll<Most>([&](auto n) __attribute__((always_inline)) {
      if (v1 - v0 == n + 1) body(std::integral_constant<int, n + 1>{}, first, Tail{last, S::lanes});
    });
    v0 = v1;
  }
}

/// Calls body(p0, p1): all pixels, or where there are several pieces, a few pixels at a time. Then a tensor is read
/// line after line, as memory delivers it best, and what is one value a channel is still loaded once for several
/// pixels.
template <class S, int Most, class Body>
RIFFLE_INLINE void in_strips(std::int32_t channels, std::int64_t pixels, Body&& body) {
  const std::int64_t strip = channels <= Most * S::lanes ? pixels : 8;
  for (std::int64_t p = 0; p < pixels; p += strip) body(p, p + strip < pixels ? p + strip : pixels);
}

template <class S, int NV>
RIFFLE_INLINE void load_channels(typename S::Vec (&to)[NV], const float* from, const Tail& tail) {
  simd::unroll<NV - 1>([&](auto v) __attribute__((always_inline)) { to[v] = S::load(from + v * S::lanes); });
  to[NV - 1] = NV > 1 ? S::load(from + tail.at) : simd::load_lanes<S>(from + tail.at, tail.lanes);
}
template <class S, int NV>
RIFFLE_INLINE void store_channels(float* to, const typename S::Vec (&from)[NV], const Tail& tail) {
  simd::unroll<NV - 1>([&](auto v) __attribute__((always_inline)) { S::store(to + v * S::lanes, from[v]); });
  if constexpr (NV > 1) {
    S::store(to + tail.at, from[NV - 1]);
  } else {
    simd::store_lanes<S>(to + tail.at, from[NV - 1], tail.lanes);
  }
}

/// How far behind a pixel the one is that a loop prefetches, so that it need not be waited for when its turn comes:
/// some 4 KiB, and whole pixels, as a run may be some of a result's channels.
RIFFLE_INLINE std::ptrdiff_t prefetch_distance(std::ptrdiff_t pixel_stride) {
  return 1024 / pixel_stride * pixel_stride;
}

/// Prefetches the lines of vectors. A store waits for memory, too: its line is read first.
template <class S, int NV, bool Write>
RIFFLE_INLINE void prefetch_channels(const float* at) {
  constexpr int line = 16;  // floats
  simd::unroll<(NV * S::lanes + line - 1) / line>([&](auto i) __attribute__((always_inline)) {
    __builtin_prefetch(at + i * line, Write);
  });
}

/// to += what is at `from`.
template <class S, int NV>
RIFFLE_INLINE void add_channels(typename S::Vec (&to)[NV], const float* from, const Tail& tail) {
  typename S::Vec x[NV];
  load_channels<S>(x, from, tail);
  simd::unroll<NV>([&](auto v) __attribute__((always_inline)) { to[v] = S::add(to[v], x[v]); });
}

}  // namespace riffle::trainer
