// The bodies of gather_scatter.hpp.
#pragma once

#include <type_traits>

#include "trainer/kernels/channel_pieces.hpp"
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

/// How a value is read: as it stands, through a scale and a shift, or through these and rounded.
enum class Reading : std::uint8_t { plain, affine, rounded };

template <class S>
struct GatherScatter {
  using Vec = typename S::Vec;

  /// To the nearest whole number, ties to even: adding 1.5 * 2^23 leaves no room for what is behind the point.
  static RIFFLE_INLINE Vec nearest(Vec x) {
    const Vec shift = S::broadcast(0x1.8p23F);
    return S::sub(S::add(x, shift), shift);
  }

  template <Reading Read, bool Add>
  static void gather_as(const ColumnRun& run, std::int64_t pixels, float* rows, std::ptrdiff_t row_stride) {
    const Vec lower = S::broadcast(run.clamp.lower), upper = S::broadcast(run.clamp.upper);
    const std::ptrdiff_t distance = prefetch_distance(run.pixel_stride);
    in_strips<S, 4>(
        run.channels, pixels, [&](std::int64_t p0, std::int64_t p1) __attribute__((always_inline)) {
          in_pieces<S, 4>(
              run.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first,
                                        const Tail& tail) __attribute__((always_inline)) {
                [[maybe_unused]] Vec scale[NV], shift[NV], step[NV];
                if constexpr (Read != Reading::plain) {
                  load_channels<S>(scale, run.scale + first, tail);
                  load_channels<S>(shift, run.shift + first, tail);
                }
                if constexpr (Read == Reading::rounded) load_channels<S>(step, run.step + first, tail);
                for (std::int64_t p = p0; p < p1; ++p) {
                  Vec x[NV];
                  const float* const from = run.first + p * run.pixel_stride + first;
                  prefetch_channels<S, NV, false>(from + distance);
                  load_channels<S>(x, from, tail);
                  simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
                    if constexpr (Read != Reading::plain) x[v] = S::fma(x[v], scale[v], shift[v]);
                    x[v] = S::clamp(x[v], lower, upper);
                    if constexpr (Read == Reading::rounded) x[v] = S::mul(nearest(x[v]), step[v]);
                  });
                  float* const to = rows + p * row_stride + run.column + first;
                  if constexpr (Add) {
                    const Vec least = S::broadcast(run.total.lower), most = S::broadcast(run.total.upper);
                    Vec sum[NV];
                    load_channels<S>(sum, to, tail);
                    simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
                      x[v] = S::clamp(S::add(sum[v], x[v]), least, most);
                    });
                  }
                  store_channels<S>(to, x, tail);
                }
              });
        });
  }

  static void gather(const ColumnRun& run, std::int64_t pixels, float* rows, std::ptrdiff_t row_stride) {
    const auto as = [&]<Reading Read>(std::integral_constant<Reading, Read>) {
      if (run.add) {
        gather_as<Read, true>(run, pixels, rows, row_stride);
      } else {
        gather_as<Read, false>(run, pixels, rows, row_stride);
      }
    };
    if (run.step != nullptr) {
      as(std::integral_constant<Reading, Reading::rounded>{});
    } else if (run.scale != nullptr) {
      as(std::integral_constant<Reading, Reading::affine>{});
    } else {
      as(std::integral_constant<Reading, Reading::plain>{});
    }
  }

  static void scatter(const GradientRun& to, std::int64_t pixels, const float* rows, std::ptrdiff_t row_stride) {
    const std::ptrdiff_t distance = prefetch_distance(to.pixel_stride);
    in_strips<S, 4>(
        to.channels, pixels, [&](std::int64_t p0, std::int64_t p1) __attribute__((always_inline)) {
          in_pieces<S, 4>(
              to.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, const Tail& tail)
                               __attribute__((always_inline)) {
                                 for (std::int64_t p = p0; p < p1; ++p) {
                                   float* const out = to.first + p * to.pixel_stride + first;
                                   prefetch_channels<S, NV, true>(out + distance);
                                   Vec x[NV];
                                   load_channels<S>(x, rows + p * row_stride + first, tail);
                                   if (to.add) add_channels<S>(x, out, tail);
                                   store_channels<S>(out, x, tail);
                                 }
                               });
        });
  }

  template <bool Affine, bool Norm, bool Add>
  static void complete_as(const Completion& run, std::int64_t pixels, const float* rows, std::ptrdiff_t row_stride) {
    const bool changes = rows != run.to.first || run.clamp.has_bounds();
    const Vec lower = S::broadcast(run.clamp.lower), upper = S::broadcast(run.clamp.upper);
    const std::ptrdiff_t distance = prefetch_distance(run.to.pixel_stride);
    in_strips<S, 2>(
        run.to.channels, pixels, [&](std::int64_t p0, std::int64_t p1) __attribute__((always_inline)) {
          in_pieces<S, 2>(
              run.to.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, const Tail& tail)
                                   __attribute__((always_inline)) {
                                     [[maybe_unused]] Vec scale[NV], shift[NV], mean[NV], sum[NV], product[NV];
                                     if constexpr (Affine) {
                                       load_channels<S>(scale, run.scale + first, tail);
                                       load_channels<S>(shift, run.shift + first, tail);
                                     }
                                     if constexpr (Norm) {
                                       load_channels<S>(mean, run.mean + first, tail);
                                       load_channels<S>(sum, run.sum + first, tail);
                                       load_channels<S>(product, run.product + first, tail);
                                     }
                                     for (std::int64_t p = p0; p < p1; ++p) {
                                       const std::ptrdiff_t at = p * run.to.pixel_stride + first;
                                       Vec y[NV], total[NV];
                                       prefetch_channels<S, NV, true>(run.to.first + at + distance);
                                       load_channels<S>(y, run.y + at, tail);
                                       load_channels<S>(total, rows + p * row_stride + first, tail);
                                       if constexpr (Add) add_channels<S>(total, run.to.first + at, tail);
                                       simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
                                         const Vec z = Affine ? S::fma(y[v], scale[v], shift[v]) : y[v];
                                         total[v] = keep_between<S>(total[v], z, lower, upper);
                                         if constexpr (Norm) {
                                           sum[v] = S::add(sum[v], total[v]);
                                           product[v] = S::fma(total[v], S::sub(y[v], mean[v]), product[v]);
                                         }
                                       });
                                       if (changes) store_channels<S>(run.to.first + at, total, tail);
                                     }
                                     if constexpr (Norm) {
                                       store_channels<S>(run.sum + first, sum, tail);
                                       store_channels<S>(run.product + first, product, tail);
                                     }
                                   });
        });
  }

  static void complete(const Completion& run, std::int64_t pixels, const float* rows, std::ptrdiff_t row_stride) {
    const auto as = [&]<bool Affine, bool Norm>(std::bool_constant<Affine>, std::bool_constant<Norm>) {
      if (run.to.add) {
        complete_as<Affine, Norm, true>(run, pixels, rows, row_stride);
      } else {
        complete_as<Affine, Norm, false>(run, pixels, rows, row_stride);
      }
    };
    if (run.sum != nullptr) {
      as(std::true_type{}, std::true_type{});
    } else if (run.scale != nullptr) {
      as(std::true_type{}, std::false_type{});
    } else {
      as(std::false_type{}, std::false_type{});
    }
  }

  static void gather_gradient(const GradientColumns& from, std::int64_t pixels, float* rows,
                              std::ptrdiff_t row_stride) {
    if (from.a == nullptr) {
      ColumnRun copied;
      copied.first = from.gradient;
      copied.pixel_stride = from.pixel_stride;
      copied.channels = from.channels;
      return gather_as<Reading::plain, false>(copied, pixels, rows, row_stride);
    }
    in_strips<S, 4>(
        from.channels, pixels, [&](std::int64_t p0, std::int64_t p1) __attribute__((always_inline)) {
          in_pieces<S, 4>(
              from.channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, const Tail& tail)
                                 __attribute__((always_inline)) {
                                   Vec a[NV], b[NV], k[NV];
                                   load_channels<S>(a, from.a + first, tail);
                                   load_channels<S>(b, from.b + first, tail);
                                   load_channels<S>(k, from.k + first, tail);
                                   for (std::int64_t p = p0; p < p1; ++p) {
                                     const std::ptrdiff_t at = p * from.pixel_stride + first;
                                     Vec y[NV], gradient[NV];
                                     load_channels<S>(y, from.y + at, tail);
                                     load_channels<S>(gradient, from.gradient + at, tail);
                                     simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
                                       gradient[v] = S::fma(gradient[v], a[v], S::fma(y[v], b[v], k[v]));
                                     });
                                     store_channels<S>(rows + p * row_stride + first, gradient, tail);
                                   }
                                 });
        });
  }

  static void moments(const float* y, std::ptrdiff_t pixel_stride, std::int32_t channels, std::int64_t pixels,
                      const float* shift, float* sum, float* square) {
    in_pieces<S, 4>(
        channels, [&]<int NV>(std::integral_constant<int, NV>, std::int32_t first, const Tail& tail)
                      __attribute__((always_inline)) {
                        Vec by[NV], s[NV], q[NV], x[NV];
                        load_channels<S>(by, shift + first, tail);
                        load_channels<S>(s, sum + first, tail);
                        load_channels<S>(q, square + first, tail);
                        const float* from = y + first;
                        for (std::int64_t p = 0; p < pixels; ++p, from += pixel_stride) {
                          load_channels<S>(x, from, tail);
                          simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
                            const Vec d = S::sub(x[v], by[v]);
                            s[v] = S::add(s[v], d);
                            q[v] = S::fma(d, d, q[v]);
                          });
                        }
                        store_channels<S>(sum + first, s, tail);
                        store_channels<S>(square + first, q, tail);
                      });
  }
};

}  // namespace riffle::trainer
