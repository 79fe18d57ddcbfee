// The bodies of columns.hpp.
#pragma once

#include <limits>
#include <type_traits>

#include "kernels/simd/simd.hpp"
#include "trainer/kernels/gather_scatter.hpp"

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
struct GatherScatter {
  using Vec = typename S::Vec;

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
  template <int Most, class Body>
  static RIFFLE_INLINE void in_pieces(std::int32_t channels, Body&& body) {
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
  template <int Most, class Body>
  static RIFFLE_INLINE void in_strips(std::int32_t channels, std::int64_t pixels, Body&& body) {
    const std::int64_t strip = channels <= Most * S::lanes ? pixels : 8;
    for (std::int64_t p = 0; p < pixels; p += strip) body(p, p + strip < pixels ? p + strip : pixels);
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

  /// How far behind a pixel the one is that a loop asks memory for, so that it need not be waited for when its turn
  /// comes: some 4 KiB, and whole pixels, as a run may be some of a block's channels.
  static RIFFLE_INLINE std::ptrdiff_t ahead(std::ptrdiff_t pixel_stride) { return 1024 / pixel_stride * pixel_stride; }

  /// Asks for the lines of vectors. A store waits for memory, too: its line is read first.
  template <int NV, bool Write>
  static RIFFLE_INLINE void ask(const float* at) {
    constexpr int line = 16;  // floats
    simd::unroll<(NV * S::lanes + line - 1) / line>([&](auto i) __attribute__((always_inline)) {
      __builtin_prefetch(at + i * line, Write);
    });
  }

  /// to += what is at `from`.
  template <int NV>
  static RIFFLE_INLINE void add(Vec (&to)[NV], const float* from, const Tail& tail) {
    Vec x[NV];
    load<NV>(x, from, tail);
    simd::unroll<NV>([&](auto v) __attribute__((always_inline)) { to[v] = S::add(to[v], x[v]); });
  }

  template <bool Affine, bool Add>
  static void gather_as(const ColumnRun& run, std::int64_t pixels, float* rows, std::ptrdiff_t row_stride) {
    const Vec lower = S::broadcast(run.clamp.lower), upper = S::broadcast(run.clamp.upper);
    const std::ptrdiff_t later = ahead(run.pixel_stride);
    in_strips<4>(
        run.channels, pixels, [&](std::int64_t p0, std::int64_t p1) __attribute__((always_inline)) {
          in_pieces<4>(
              run.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first,
                                        const Tail& tail) __attribute__((always_inline)) {
                [[maybe_unused]] Vec scale[NV], shift[NV];
                if constexpr (Affine) {
                  load<NV>(scale, run.scale + first, tail);
                  load<NV>(shift, run.shift + first, tail);
                }
                for (std::int64_t p = p0; p < p1; ++p) {
                  Vec x[NV];
                  const float* const from = run.first + p * run.pixel_stride + first;
                  ask<NV, false>(from + later);
                  load<NV>(x, from, tail);
                  simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
                    if constexpr (Affine) x[v] = S::fma(x[v], scale[v], shift[v]);
                    x[v] = S::clamp(x[v], lower, upper);
                  });
                  float* const to = rows + p * row_stride + run.column + first;
                  if constexpr (Add) {
                    const Vec least = S::broadcast(run.total.lower), most = S::broadcast(run.total.upper);
                    Vec sum[NV];
                    load<NV>(sum, to, tail);
                    simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
                      x[v] = S::clamp(S::add(sum[v], x[v]), least, most);
                    });
                  }
                  store<NV>(to, x, tail);
                }
              });
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

  static void scatter(const GradientRun& to, std::int64_t pixels, const float* rows, std::ptrdiff_t row_stride) {
    const std::ptrdiff_t later = ahead(to.pixel_stride);
    in_strips<4>(
        to.channels, pixels, [&](std::int64_t p0, std::int64_t p1) __attribute__((always_inline)) {
          in_pieces<4>(
              to.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, const Tail& tail)
                               __attribute__((always_inline)) {
                                 for (std::int64_t p = p0; p < p1; ++p) {
                                   float* const out = to.first + p * to.pixel_stride + first;
                                   ask<NV, true>(out + later);
                                   Vec x[NV];
                                   load<NV>(x, rows + p * row_stride + first, tail);
                                   if (to.add) add<NV>(x, out, tail);
                                   store<NV>(out, x, tail);
                                 }
                               });
        });
  }

  template <bool Norm, bool Add>
  static void complete_as(const Completion& run, std::int64_t pixels, const float* rows, std::ptrdiff_t row_stride) {
    const bool changes = rows != run.to.first || run.clamp.has_bounds();
    const Vec lower = S::broadcast(run.clamp.lower), upper = S::broadcast(run.clamp.upper);
    const std::ptrdiff_t later = ahead(run.to.pixel_stride);
    in_strips<2>(
        run.to.channels, pixels, [&](std::int64_t p0, std::int64_t p1) __attribute__((always_inline)) {
          in_pieces<2>(
              run.to.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, const Tail& tail)
                                   __attribute__((always_inline)) {
                                     [[maybe_unused]] Vec scale[NV], shift[NV], mean[NV], sum[NV], product[NV];
                                     if constexpr (Norm) {
                                       load<NV>(scale, run.scale + first, tail);
                                       load<NV>(shift, run.shift + first, tail);
                                       load<NV>(mean, run.mean + first, tail);
                                       load<NV>(sum, run.sum + first, tail);
                                       load<NV>(product, run.product + first, tail);
                                     }
                                     for (std::int64_t p = p0; p < p1; ++p) {
                                       const std::ptrdiff_t at = p * run.to.pixel_stride + first;
                                       Vec y[NV], total[NV];
                                       ask<NV, true>(run.to.first + at + later);
                                       load<NV>(y, run.y + at, tail);
                                       load<NV>(total, rows + p * row_stride + first, tail);
                                       if constexpr (Add) add<NV>(total, run.to.first + at, tail);
                                       simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
                                         const Vec z = Norm ? S::fma(y[v], scale[v], shift[v]) : y[v];
                                         total[v] = keep_between<S>(total[v], z, lower, upper);
                                         if constexpr (Norm) {
                                           sum[v] = S::add(sum[v], total[v]);
                                           product[v] = S::fma(total[v], S::sub(y[v], mean[v]), product[v]);
                                         }
                                       });
                                       if (changes) store<NV>(run.to.first + at, total, tail);
                                     }
                                     if constexpr (Norm) {
                                       store<NV>(run.sum + first, sum, tail);
                                       store<NV>(run.product + first, product, tail);
                                     }
                                   });
        });
  }

  static void complete(const Completion& run, std::int64_t pixels, const float* rows, std::ptrdiff_t row_stride) {
    const auto as = [&]<bool Norm>(std::bool_constant<Norm>) {
      if (run.to.add) {
        complete_as<Norm, true>(run, pixels, rows, row_stride);
      } else {
        complete_as<Norm, false>(run, pixels, rows, row_stride);
      }
    };
    if (run.scale != nullptr) {
      as(std::true_type{});
    } else {
      as(std::false_type{});
    }
  }

  static void gather_gradient(const GradientColumns& from, std::int64_t pixels, float* rows,
                              std::ptrdiff_t row_stride) {
    if (from.a == nullptr) {
      ColumnRun copied;
      copied.first = from.gradient;
      copied.pixel_stride = from.pixel_stride;
      copied.channels = from.channels;
      return gather_as<false, false>(copied, pixels, rows, row_stride);
    }
    in_strips<4>(
        from.channels, pixels, [&](std::int64_t p0, std::int64_t p1) __attribute__((always_inline)) {
          in_pieces<4>(
              from.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, const Tail& tail)
                                 __attribute__((always_inline)) {
                                   Vec a[NV], b[NV], k[NV];
                                   load<NV>(a, from.a + first, tail);
                                   load<NV>(b, from.b + first, tail);
                                   load<NV>(k, from.k + first, tail);
                                   for (std::int64_t p = p0; p < p1; ++p) {
                                     const std::ptrdiff_t at = p * from.pixel_stride + first;
                                     Vec y[NV], gradient[NV];
                                     load<NV>(y, from.y + at, tail);
                                     load<NV>(gradient, from.gradient + at, tail);
                                     simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
                                       gradient[v] = S::fma(gradient[v], a[v], S::fma(y[v], b[v], k[v]));
                                     });
                                     store<NV>(rows + p * row_stride + first, gradient, tail);
                                   }
                                 });
        });
  }

  static void moments(const float* y, std::ptrdiff_t pixel_stride, std::int32_t channels, std::int64_t pixels,
                      const float* shift, float* sum, float* square) {
    in_pieces<4>(
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
};

}  // namespace riffle::trainer
