// The bodies of columns.hpp.
#pragma once

#include <type_traits>

#include "kernels/simd/simd.hpp"
#include "trainer/kernels/columns.hpp"

namespace riffle::trainer {

/// `value` where lower < x < upper, else 0.
template <class S>
RIFFLE_INLINE typename S::Vec keep_between(typename S::Vec value, typename S::Vec x, typename S::Vec lower,
                                           typename S::Vec upper) {
  if constexpr (std::is_same_v<typename S::Vec, float>) {
    return x > lower && x < upper ? value : 0.0F;
  } else {
    return xsimd::select((x > lower) & (x < upper), value, S::broadcast(0.0F));
  }
}

template <class S>
struct Columns {
  using Vec = typename S::Vec;

  /// Calls body(<NV>, first, last): `channels` columns in pieces of NV <= 4 vectors, whose last holds `last` columns. What
  /// is one value a channel stays in registers while a piece goes over all pixels.
  template <class Body>
  static RIFFLE_INLINE void in_pieces(std::int32_t channels, Body&& body) {
    std::int32_t first = 0;
    for (; channels - first > 4 * S::lanes; first += 4 * S::lanes) {
      body(std::integral_constant<int, 4>{}, first, S::lanes);
    }
    const std::int32_t vectors = (channels - first + S::lanes - 1) / S::lanes;
    const int last = static_cast<int>(channels - first - (vectors - 1) * S::lanes);
    switch (vectors) {
      case 1: return body(std::integral_constant<int, 1>{}, first, last);
      case 2: return body(std::integral_constant<int, 2>{}, first, last);
      case 3: return body(std::integral_constant<int, 3>{}, first, last);
      default: return body(std::integral_constant<int, 4>{}, first, last);
    }
  }

  template <int NV>
  static RIFFLE_INLINE void load(Vec (&to)[NV], const float* from, int last) {
    simd::unroll<NV - 1>([&](auto v) __attribute__((always_inline)) { to[v] = S::load(from + v * S::lanes); });
    to[NV - 1] = simd::load_lanes<S>(from + (NV - 1) * S::lanes, last);
  }
  template <int NV>
  static RIFFLE_INLINE void store(float* to, const Vec (&from)[NV], int last) {
    simd::unroll<NV - 1>([&](auto v) __attribute__((always_inline)) { S::store(to + v * S::lanes, from[v]); });
    simd::store_lanes<S>(to + (NV - 1) * S::lanes, from[NV - 1], last);
  }

  template <bool Affine>
  static RIFFLE_INLINE void gather_as(const ColumnRun& run, std::int64_t pixels, float* rows,
                                      std::ptrdiff_t row_stride) {
    const Vec lower = S::broadcast(run.clamp.lower), upper = S::broadcast(run.clamp.upper);
    in_pieces(run.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, int last)
                                __attribute__((always_inline)) {
      [[maybe_unused]] Vec scale[NV], shift[NV];
      if constexpr (Affine) {
        load<NV>(scale, run.scale + first, last);
        load<NV>(shift, run.shift + first, last);
      }
      Vec x[NV];
      const float* from = run.first + first;
      float* to = rows + run.column + first;
      for (std::int64_t p = 0; p < pixels; ++p, from += run.pixel_stride, to += row_stride) {
        load<NV>(x, from, last);
        simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
          if constexpr (Affine) x[v] = S::fma(x[v], scale[v], shift[v]);
          x[v] = S::clamp(x[v], lower, upper);
        });
        store<NV>(to, x, last);
      }
    });
  }

  static void gather(const ColumnRun& run, std::int64_t pixels, float* rows, std::ptrdiff_t row_stride) {
    if (run.scale != nullptr) {
      gather_as<true>(run, pixels, rows, row_stride);
    } else {
      gather_as<false>(run, pixels, rows, row_stride);
    }
  }

  /// The gradient of NV vectors of a pixel, zero where the activation was at its bounds; y is left in y.
  template <int NV, bool Affine>
  static RIFFLE_INLINE void load_masked(const GradientColumns& from, std::ptrdiff_t at, int last, const Vec* scale,
                                        const Vec* shift, Vec (&y)[NV], Vec (&masked)[NV]) {
    const Vec lower = S::broadcast(from.clamp.lower), upper = S::broadcast(from.clamp.upper);
    load<NV>(y, from.y + at, last);
    load<NV>(masked, from.gradient + at, last);
    simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
      const Vec z = Affine ? S::fma(y[v], scale[v], shift[v]) : y[v];
      masked[v] = keep_between<S>(masked[v], z, lower, upper);
    });
  }

  static void gather_gradient(const GradientColumns& from, std::int64_t pixels, float* rows,
                              std::ptrdiff_t row_stride) {
    in_pieces(from.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, int last)
                                 __attribute__((always_inline)) {
      Vec y[NV], masked[NV];
      std::ptrdiff_t at = first;
      float* to = rows + first;
      if (from.scale == nullptr) {
        for (std::int64_t p = 0; p < pixels; ++p, at += from.pixel_stride, to += row_stride) {
          load_masked<NV, false>(from, at, last, nullptr, nullptr, y, masked);
          store<NV>(to, masked, last);
        }
        return;
      }
      Vec scale[NV], shift[NV], a[NV], b[NV], k[NV];
      load<NV>(scale, from.scale + first, last);
      load<NV>(shift, from.shift + first, last);
      load<NV>(a, from.a + first, last);
      load<NV>(b, from.b + first, last);
      load<NV>(k, from.k + first, last);
      for (std::int64_t p = 0; p < pixels; ++p, at += from.pixel_stride, to += row_stride) {
        load_masked<NV, true>(from, at, last, scale, shift, y, masked);
        simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
          masked[v] = S::fma(masked[v], a[v], S::fma(y[v], b[v], k[v]));
        });
        store<NV>(to, masked, last);
      }
    });
  }

  static void scatter(const GradientRun& to, std::int64_t pixels, const float* rows, std::ptrdiff_t row_stride) {
    in_pieces(to.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, int last)
                               __attribute__((always_inline)) {
      const float* from = rows + first;
      float* out = to.first + first;
      Vec x[NV], sum[NV];
      for (std::int64_t p = 0; p < pixels; ++p, from += row_stride, out += to.pixel_stride) {
        load<NV>(x, from, last);
        if (to.add) {
          load<NV>(sum, out, last);
          simd::unroll<NV>([&](auto v) __attribute__((always_inline)) { x[v] = S::add(x[v], sum[v]); });
        }
        store<NV>(out, x, last);
      }
    });
  }

  static void moments(const float* y, std::ptrdiff_t pixel_stride, std::int32_t channels, std::int64_t pixels,
                      const float* shift, float* sum, float* square) {
    in_pieces(channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, int last)
                            __attribute__((always_inline)) {
      Vec by[NV], s[NV], q[NV], x[NV];
      load<NV>(by, shift + first, last);
      load<NV>(s, sum + first, last);
      load<NV>(q, square + first, last);
      const float* from = y + first;
      for (std::int64_t p = 0; p < pixels; ++p, from += pixel_stride) {
        load<NV>(x, from, last);
        simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
          const Vec d = S::sub(x[v], by[v]);
          s[v] = S::add(s[v], d);
          q[v] = S::fma(d, d, q[v]);
        });
      }
      store<NV>(sum + first, s, last);
      store<NV>(square + first, q, last);
    });
  }

  static void gradient_moments(const GradientColumns& from, std::int64_t pixels, const float* mean, float* sum,
                               float* product) {
    in_pieces(from.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, int last)
                                 __attribute__((always_inline)) {
      Vec scale[NV], shift[NV], by[NV], s[NV], q[NV], y[NV], masked[NV];
      load<NV>(scale, from.scale + first, last);
      load<NV>(shift, from.shift + first, last);
      load<NV>(by, mean + first, last);
      load<NV>(s, sum + first, last);
      load<NV>(q, product + first, last);
      std::ptrdiff_t at = first;
      for (std::int64_t p = 0; p < pixels; ++p, at += from.pixel_stride) {
        load_masked<NV, true>(from, at, last, scale, shift, y, masked);
        simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
          s[v] = S::add(s[v], masked[v]);
          q[v] = S::fma(masked[v], S::sub(y[v], by[v]), q[v]);
        });
      }
      store<NV>(sum + first, s, last);
      store<NV>(product + first, q, last);
    });
  }
};

}  // namespace riffle::trainer
