// The bodies of columns.hpp.
#pragma once

#include <type_traits>

#include "kernels/simd/simd.hpp"
#include "trainer/kernels/columns.hpp"

namespace riffle::trainer {

/// `value` where lower < x < upper, else 0. (select is xsimd's, found by its arguments: where the only instruction set
/// is the scalar one, xsimd has none.)
template <class S>
RIFFLE_INLINE typename S::Vec keep_between(typename S::Vec value, typename S::Vec x, typename S::Vec lower,
                                           typename S::Vec upper) {
  if constexpr (std::is_same_v<typename S::Vec, float>) {
    return x > lower && x < upper ? value : 0.0F;
  } else {
    return select((x > lower) & (x < upper), value, S::broadcast(0.0F));
  }
}

template <class S>
struct Columns {
  using Vec = typename S::Vec;

  /// Where the last vector of a piece stands, from the piece's first channel, and how many lanes of it are whole. It
  /// ends where the channels end: the lanes that it shares with the vector before it are computed twice, to the same
  /// bits. Only fewer channels than a vector holds are a part of one.
  struct Tail {
    std::ptrdiff_t at;
    int lanes;
  };

  /// Calls body(<NV>, first, tail): `channels` channels in pieces of NV <= 4 vectors, of even length, so that no piece
  /// has just one vector where there are several. What is one value a channel stays in registers while a piece goes
  /// over all pixels. A body loads all of a pixel's vectors before it stores one.
  template <class Body>
  static RIFFLE_INLINE void in_pieces(std::int32_t channels, Body&& body) {
    if (channels < S::lanes) return body(std::integral_constant<int, 1>{}, 0, Tail{0, static_cast<int>(channels)});
    const std::int32_t vectors = (channels + S::lanes - 1) / S::lanes, pieces = (vectors + 3) / 4;
    std::int32_t v0 = 0;
    for (std::int32_t piece = 1; piece <= pieces; ++piece) {
      const std::int32_t v1 = vectors * piece / pieces, first = v0 * S::lanes;
      const std::ptrdiff_t last = (v1 < vectors ? v1 * S::lanes : channels) - S::lanes - first;
      switch (v1 - v0) {
        case 1:
          body(std::integral_constant<int, 1>{}, first, Tail{last, S::lanes});
          break;
        case 2:
          body(std::integral_constant<int, 2>{}, first, Tail{last, S::lanes});
          break;
        case 3:
          body(std::integral_constant<int, 3>{}, first, Tail{last, S::lanes});
          break;
        default:
          body(std::integral_constant<int, 4>{}, first, Tail{last, S::lanes});
          break;
      }
      v0 = v1;
    }
  }

  template <int NV>
  static RIFFLE_INLINE void load(Vec (&to)[NV], const float* from, const Tail& tail) {
    simd::unroll<NV - 1>([&](auto v) __attribute__((always_inline)) { to[v] = S::load(from + v * S::lanes); });
    to[NV - 1] = NV > 1 ? S::load(from + tail.at) : simd::load_lanes<S>(from + tail.at, tail.lanes);
  }
  template <int NV>
  static RIFFLE_INLINE void store(float* to, const Vec (&from)[NV], const Tail& tail) {
    simd::unroll<NV - 1>([&](auto v) __attribute__((always_inline)) { S::store(to + v * S::lanes, from[v]); });
    if constexpr (NV > 1) {
      S::store(to + tail.at, from[NV - 1]);
    } else {
      simd::store_lanes<S>(to + tail.at, from[NV - 1], tail.lanes);
    }
  }

  template <bool Affine, bool Add>
  static RIFFLE_INLINE void gather_as(const ColumnRun& run, std::int64_t pixels, float* rows,
                                      std::ptrdiff_t row_stride) {
    const Vec lower = S::broadcast(run.clamp.lower), upper = S::broadcast(run.clamp.upper);
    in_pieces(
        run.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first,
                                  const Tail& tail) __attribute__((always_inline)) {
          [[maybe_unused]] Vec scale[NV], shift[NV];
          if constexpr (Affine) {
            load<NV>(scale, run.scale + first, tail);
            load<NV>(shift, run.shift + first, tail);
          }
          Vec x[NV];
          const float* from = run.first + first;
          float* to = rows + run.column + first;
          for (std::int64_t p = 0; p < pixels; ++p, from += run.pixel_stride, to += row_stride) {
            load<NV>(x, from, tail);
            simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
              if constexpr (Affine) x[v] = S::fma(x[v], scale[v], shift[v]);
              x[v] = S::clamp(x[v], lower, upper);
            });
            if constexpr (Add) {
              Vec sum[NV];
              load<NV>(sum, to, tail);
              simd::unroll<NV>([&](auto v) __attribute__((always_inline)) { x[v] = S::add(sum[v], x[v]); });
            }
            store<NV>(to, x, tail);
          }
        });
  }

  static void gather(const ColumnRun& run, std::int64_t pixels, float* rows, std::ptrdiff_t row_stride) {
    const auto as = [&]<bool Affine>(std::bool_constant<Affine>) {
      if (run.add) {
        gather_as<Affine, true>(run, pixels, rows, row_stride);
      } else {
        gather_as<Affine, false>(run, pixels, rows, row_stride);
      }
    };
    if (run.scale != nullptr) {
      as(std::true_type{});
    } else {
      as(std::false_type{});
    }
  }

  /// The gradient of NV vectors of a pixel, zero where the activation was at its bounds; y is left in y.
  template <int NV, bool Affine>
  static RIFFLE_INLINE void load_masked(const GradientColumns& from, std::ptrdiff_t at, const Tail& tail,
                                        const Vec* scale, const Vec* shift, Vec (&y)[NV], Vec (&masked)[NV]) {
    const Vec lower = S::broadcast(from.clamp.lower), upper = S::broadcast(from.clamp.upper);
    load<NV>(y, from.y + at, tail);
    load<NV>(masked, from.gradient + at, tail);
    simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
      const Vec z = Affine ? S::fma(y[v], scale[v], shift[v]) : y[v];
      masked[v] = keep_between<S>(masked[v], z, lower, upper);
    });
  }

  static void gather_gradient(const GradientColumns& from, std::int64_t pixels, float* rows,
                              std::ptrdiff_t row_stride) {
    in_pieces(
        from.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, const Tail& tail)
                           __attribute__((always_inline)) {
                             Vec y[NV], masked[NV];
                             std::ptrdiff_t at = first;
                             float* to = rows + first;
                             if (from.scale == nullptr) {
                               for (std::int64_t p = 0; p < pixels; ++p, at += from.pixel_stride, to += row_stride) {
                                 load_masked<NV, false>(from, at, tail, nullptr, nullptr, y, masked);
                                 store<NV>(to, masked, tail);
                               }
                               return;
                             }
                             Vec scale[NV], shift[NV], a[NV], b[NV], k[NV];
                             load<NV>(scale, from.scale + first, tail);
                             load<NV>(shift, from.shift + first, tail);
                             load<NV>(a, from.a + first, tail);
                             load<NV>(b, from.b + first, tail);
                             load<NV>(k, from.k + first, tail);
                             for (std::int64_t p = 0; p < pixels; ++p, at += from.pixel_stride, to += row_stride) {
                               load_masked<NV, true>(from, at, tail, scale, shift, y, masked);
                               simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
                                 masked[v] = S::fma(masked[v], a[v], S::fma(y[v], b[v], k[v]));
                               });
                               store<NV>(to, masked, tail);
                             }
                           });
  }

  static void scatter(const GradientRun& to, std::int64_t pixels, const float* rows, std::ptrdiff_t row_stride) {
    in_pieces(
        to.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first,
                                 const Tail& tail) __attribute__((always_inline)) {
          const float* from = rows + first;
          float* out = to.first + first;
          Vec x[NV], sum[NV];
          for (std::int64_t p = 0; p < pixels; ++p, from += row_stride, out += to.pixel_stride) {
            load<NV>(x, from, tail);
            if (to.add) {
              load<NV>(sum, out, tail);
              simd::unroll<NV>([&](auto v) __attribute__((always_inline)) { x[v] = S::add(x[v], sum[v]); });
            }
            store<NV>(out, x, tail);
          }
        });
  }

  static void moments(const float* y, std::ptrdiff_t pixel_stride, std::int32_t channels, std::int64_t pixels,
                      const float* shift, float* sum, float* square) {
    in_pieces(
        channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, const Tail& tail)
                      __attribute__((always_inline)) {
                        Vec by[NV], s[NV], q[NV], x[NV];
                        load<NV>(by, shift + first, tail);
                        load<NV>(s, sum + first, tail);
                        load<NV>(q, square + first, tail);
                        const float* from = y + first;
                        for (std::int64_t p = 0; p < pixels; ++p, from += pixel_stride) {
                          load<NV>(x, from, tail);
                          simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
                            const Vec d = S::sub(x[v], by[v]);
                            s[v] = S::add(s[v], d);
                            q[v] = S::fma(d, d, q[v]);
                          });
                        }
                        store<NV>(sum + first, s, tail);
                        store<NV>(square + first, q, tail);
                      });
  }

  static void gradient_moments(const GradientColumns& from, std::int64_t pixels, const float* mean, float* sum,
                               float* product) {
    in_pieces(
        from.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, const Tail& tail)
                           __attribute__((always_inline)) {
                             Vec scale[NV], shift[NV], by[NV], s[NV], q[NV], y[NV], masked[NV];
                             load<NV>(scale, from.scale + first, tail);
                             load<NV>(shift, from.shift + first, tail);
                             load<NV>(by, mean + first, tail);
                             load<NV>(s, sum + first, tail);
                             load<NV>(q, product + first, tail);
                             std::ptrdiff_t at = first;
                             for (std::int64_t p = 0; p < pixels; ++p, at += from.pixel_stride) {
                               load_masked<NV, true>(from, at, tail, scale, shift, y, masked);
                               simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
                                 s[v] = S::add(s[v], masked[v]);
                                 q[v] = S::fma(masked[v], S::sub(y[v], by[v]), q[v]);
                               });
                             }
                             store<NV>(sum + first, s, tail);
                             store<NV>(product + first, q, tail);
                           });
  }
};

}  // namespace riffle::trainer
