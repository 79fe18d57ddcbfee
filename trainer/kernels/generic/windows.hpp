// The bodies of windows.hpp. All are channel-wise, row after row of the outputs.
#pragma once

#include <limits>
#include <type_traits>

#include "kernels/simd/simd.hpp"
#include "trainer/kernels/windows.hpp"

namespace riffle::trainer {

template <class S>
struct Windows {
  using Vec = typename S::Vec;

  template <class Body>
  static RIFFLE_INLINE void by_vector(std::int32_t channels, Body&& body) {
    for (std::int32_t c = 0; c < channels; c += S::lanes) {
      body(c, channels - c < S::lanes ? static_cast<int>(channels - c) : S::lanes);
    }
  }

  /// Calls body(tap, pixel) for the window's taps that lie in the image, row-major.
  template <class Body>
  static RIFFLE_INLINE void for_taps(const WindowArgs& args, std::int32_t out_y, std::int32_t out_x, Body&& body) {
    const Window& w = args.window;
    std::int32_t tap = 0;
    for (std::int32_t i = 0; i < w.kernel_h; ++i) {
      const std::int32_t y = out_y * w.stride_h - w.pad_top + i * w.dilation_h;
      for (std::int32_t j = 0; j < w.kernel_w; ++j, ++tap) {
        const std::int32_t x = out_x * w.stride_w - w.pad_left + j * w.dilation_w;
        if (y >= 0 && y < args.extent.in_h && x >= 0 && x < args.extent.in_w) body(tap, y * args.extent.in_w + x);
      }
    }
  }

  static void depthwise_weight_gradient(const WindowArgs& args, Rows out, const float* x, const float* dy,
                                        float* weights, std::ptrdiff_t weight_stride) {
    const Window& w = args.window;
    const std::ptrdiff_t row = args.extent.in_w * args.in_stride;
    for (std::int32_t oy = out.begin; oy < out.end; ++oy) {
      const std::int32_t y = oy * w.stride_h - w.pad_top;
      const bool inside = y >= 0 && y + 2 < args.extent.in_h;
      by_vector(
          args.channels, [&](std::int32_t c, int count) __attribute__((always_inline)) {
            Vec sum[9];
            simd::unroll<9>([&](auto t) __attribute__((always_inline)) {
              sum[t] = simd::load_lanes<S>(weights + t * weight_stride + c, count);
            });
            const float* d = dy + c + oy * args.extent.out_w * args.out_stride;
            for (std::int32_t ox = 0; ox < args.extent.out_w; ++ox, d += args.out_stride) {
              const std::int32_t left = ox * w.stride_w - w.pad_left;
              const Vec g = S::load(d);
              const float* const from = x + c + y * row + left * args.in_stride;
              if (inside && left >= 0 && left + 2 < args.extent.in_w) {
                simd::unroll<9>([&](auto t) __attribute__((always_inline)) {
                  sum[t] = S::fma(g, S::load(from + t / 3 * row + t % 3 * args.in_stride), sum[t]);
                });
              } else {
                simd::unroll<9>([&](auto t) __attribute__((always_inline)) {
                  const std::int32_t ty = y + t / 3, tx = left + t % 3;
                  if (ty >= 0 && ty < args.extent.in_h && tx >= 0 && tx < args.extent.in_w) {
                    sum[t] = S::fma(g, S::load(from + t / 3 * row + t % 3 * args.in_stride), sum[t]);
                  }
                });
              }
            }
            simd::unroll<9>([&](auto t) __attribute__((always_inline)) {
              simd::store_lanes<S>(weights + t * weight_stride + c, sum[t], count);
            });
          });
    }
  }

  /// The taps i of a window along one axis through which outputs read position `at`: output (at + pad - i) / stride.
  struct Readers {
    std::int32_t count = 0, tap[3] = {}, output[3] = {};
    RIFFLE_INLINE Readers(std::int32_t at, std::int32_t pad, std::int32_t stride, std::int32_t outputs) {
      for (std::int32_t i = 0; i < 3; ++i) {
        const std::int32_t scaled = at + pad - i;
        if (scaled < 0 || scaled % stride != 0 || scaled / stride >= outputs) continue;
        tap[count] = i;
        output[count++] = scaled / stride;
      }
    }
  };

  static void depthwise_input_gradient(const WindowArgs& args, Rows in, const float* dy, const float* weights,
                                       std::ptrdiff_t weight_stride, float* dx) {
    const Window& w = args.window;
    float* to = dx + in.begin * args.extent.in_w * args.in_stride;
    for (std::int32_t y = in.begin; y < in.end; ++y) {
      const Readers rows(y, w.pad_top, w.stride_h, args.extent.out_h);
      for (std::int32_t x = 0; x < args.extent.in_w; ++x, to += args.in_stride) {
        const Readers columns(x, w.pad_left, w.stride_w, args.extent.out_w);
        by_vector(
            args.channels, [&](std::int32_t c, int) __attribute__((always_inline)) {
              Vec sum = S::broadcast(0.0F);
              for (std::int32_t i = 0; i < rows.count; ++i) {
                for (std::int32_t j = 0; j < columns.count; ++j) {
                  const std::int32_t pixel = rows.output[i] * args.extent.out_w + columns.output[j];
                  const std::int32_t tap = rows.tap[i] * 3 + columns.tap[j];
                  sum = S::fma(S::load(dy + pixel * args.out_stride + c), S::load(weights + tap * weight_stride + c),
                               sum);
                }
              }
              S::store(to + c, sum);
            });
      }
    }
  }

  static RIFFLE_INLINE void add_to(float* to, Vec value) { S::store(to, S::add(S::load(to), value)); }

  /// `value` where a == b, else 0.
  static RIFFLE_INLINE Vec keep_equal(Vec value, Vec a, Vec b) {
    if constexpr (std::is_same_v<Vec, float>) {
      return a == b ? value : 0.0F;
    } else {
      return select(a == b, value, S::broadcast(0.0F));
    }
  }
  /// The larger of best and x, of equal ones best, and in `where` the tap that it came from.
  static RIFFLE_INLINE void take_larger(Vec& best, Vec& where, Vec x, Vec tap) {
    if constexpr (std::is_same_v<Vec, float>) {
      if (x > best) best = x, where = tap;
    } else {
      const auto larger = x > best;
      best = select(larger, x, best);
      where = select(larger, tap, where);
    }
  }

  /// Calls body(<whole>, out_y, out_x, pixel) for every output, where whole says that a 3x3 window without dilation
  /// lies inside the image and `pixel` is its first.
  template <class Body>
  static RIFFLE_INLINE void for_outputs(const WindowArgs& args, Rows out, Body&& body) {
    const Window& w = args.window;
    const bool is_3x3 = w.kernel_h == 3 && w.kernel_w == 3 && w.dilation_h == 1 && w.dilation_w == 1;
    for (std::int32_t oy = out.begin; oy < out.end; ++oy) {
      const std::int32_t y = oy * w.stride_h - w.pad_top;
      for (std::int32_t ox = 0; ox < args.extent.out_w; ++ox) {
        const std::int32_t x = ox * w.stride_w - w.pad_left;
        if (is_3x3 && y >= 0 && x >= 0 && y + 2 < args.extent.in_h && x + 2 < args.extent.in_w) {
          body(std::true_type{}, oy, ox, y * args.extent.in_w + x);
        } else {
          body(std::false_type{}, oy, ox, 0);
        }
      }
    }
  }

  /// One vector of channels of one window: who has the maximum gets the gradient. `taps(f)` calls f(tap, offset).
  template <class Taps>
  static RIFFLE_INLINE void give_to_largest(const float* x, Vec gradient, float* dx, Taps&& taps) {
    // Where all are -inf or NaN, it is the first.
    Vec best = S::broadcast(-std::numeric_limits<float>::infinity()), where = S::broadcast(-1.0F);
    float first = -1.0F;
    taps([&](auto tap, std::ptrdiff_t offset) __attribute__((always_inline)) {
      if (first < 0.0F) where = S::broadcast(first = static_cast<float>(tap));
      take_larger(best, where, S::load(x + offset), S::broadcast(static_cast<float>(tap)));
    });
    taps([&](auto tap, std::ptrdiff_t offset) __attribute__((always_inline)) {
      add_to(dx + offset, keep_equal(gradient, where, S::broadcast(static_cast<float>(tap))));
    });
  }

  static void max_pool_gradient(const WindowArgs& args, Rows out, const float* x, const float* dy, float* dx) {
    const std::ptrdiff_t row = args.extent.in_w * args.in_stride;
    const float* d = dy + out.begin * args.extent.out_w * args.out_stride;
    for_outputs(
        args, out,
        [&]<bool Whole>(std::bool_constant<Whole>, std::int32_t oy, std::int32_t ox, std::int32_t pixel)
            __attribute__((always_inline)) {
              by_vector(
                  args.channels, [&](std::int32_t c, int) __attribute__((always_inline)) {
                    if constexpr (Whole) {
                      const std::ptrdiff_t first = pixel * args.in_stride + c;
                      give_to_largest(
                          x + first, S::load(d + c), dx + first, [&](auto&& f) __attribute__((always_inline)) {
                            simd::unroll<9>([&](auto t) __attribute__((always_inline)) {
                              f(t, t / 3 * row + t % 3 * args.in_stride);
                            });
                          });
                    } else {
                      give_to_largest(
                          x + c, S::load(d + c), dx + c, [&](auto&& f) __attribute__((always_inline)) {
                            for_taps(
                                args, oy, ox, [&](std::int32_t tap, std::int32_t at) __attribute__((always_inline)) {
                                  f(tap, at * args.in_stride);
                                });
                          });
                    }
                  });
              d += args.out_stride;
            });
  }

  static void average_pool_gradient(const WindowArgs& args, Rows out, const float* dy, float* dx) {
    const Window& w = args.window;
    const auto padded = [](std::int32_t at, std::int32_t kernel, std::int32_t dilation, std::int32_t end) {
      std::int32_t count = 0;
      for (std::int32_t i = 0; i < kernel; ++i) count += at + i * dilation < end ? 1 : 0;
      return count;
    };
    const std::ptrdiff_t row = args.extent.in_w * args.in_stride;
    const float* d = dy + out.begin * args.extent.out_w * args.out_stride;
    for_outputs(
        args, out,
        [&]<bool Whole>(std::bool_constant<Whole>, std::int32_t oy, std::int32_t ox,
                        std::int32_t pixel) __attribute__((always_inline)) {
          std::int32_t divisor = 0;
          if (args.count_padding) {
            divisor = padded(oy * w.stride_h - w.pad_top, w.kernel_h, w.dilation_h, args.extent.in_h + w.pad_bottom) *
                      padded(ox * w.stride_w - w.pad_left, w.kernel_w, w.dilation_w, args.extent.in_w + w.pad_right);
          } else {
            for_taps(
                args, oy, ox, [&](std::int32_t, std::int32_t) __attribute__((always_inline)) { ++divisor; });
          }
          const Vec share = S::broadcast(1.0F / static_cast<float>(divisor));
          by_vector(
              args.channels, [&](std::int32_t c, int) __attribute__((always_inline)) {
                const Vec g = S::mul(S::load(d + c), share);
                if constexpr (Whole) {
                  float* const to = dx + pixel * args.in_stride + c;
                  simd::unroll<9>([&](auto t) __attribute__((always_inline)) {
                    add_to(to + t / 3 * row + t % 3 * args.in_stride, g);
                  });
                } else {
                  for_taps(
                      args, oy, ox, [&](std::int32_t, std::int32_t at) __attribute__((always_inline)) {
                        add_to(dx + at * args.in_stride + c, g);
                      });
                }
              });
          d += args.out_stride;
        });
  }
};

}  // namespace riffle::trainer
