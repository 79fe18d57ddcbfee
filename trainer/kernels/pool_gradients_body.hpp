// The bodies of pool_gradients.hpp, row after row of the outputs. The maxima of 3x3 windows with stride 2, which the
// ShuffleNets have, are a body of their own; all others go window by window.
#pragma once

#include <limits>
#include <type_traits>

#include "trainer/kernels/pool_gradients.hpp"
#include "trainer/kernels/window_body.hpp"

namespace riffle::trainer {

template <class S>
struct PoolGradients {
  using Vec = typename S::Vec;

  /// Calls body(tap, where the pixel is) for the window's taps that lie in the image, row-major.
  template <class Body>
  static RIFFLE_INLINE void for_taps(const WindowArgs& args, std::int32_t out_y, std::int32_t out_x, Body&& body) {
    const Window& w = args.window;
    std::int32_t tap = 0;
    for (std::int32_t i = 0; i < w.kernel_h; ++i) {
      const std::int32_t y = out_y * w.stride_h - w.pad_top + i * w.dilation_h;
      for (std::int32_t j = 0; j < w.kernel_w; ++j, ++tap) {
        const std::int32_t x = out_x * w.stride_w - w.pad_left + j * w.dilation_w;
        if (y >= 0 && y < args.extent.in_h && x >= 0 && x < args.extent.in_w) {
          body(tap, in_row(args, y) + x * args.in_stride);
        }
      }
    }
  }

  static RIFFLE_INLINE void add_to(float* to, Vec value) { S::store(to, S::add(S::load(to), value)); }

  /// `value` where `is`, else 0.
  template <class Is>
  static RIFFLE_INLINE Vec keep_where(Is is, Vec value) {
    if constexpr (std::is_same_v<Vec, float>) {
      return is ? value : 0.0F;
    } else {
      return select(is, value, S::broadcast(0.0F));
    }
  }

  /// Calls body(out_y, out_x, taps) for every output, where taps(f) is for_taps(..., f), unrolled where a 3x3 window
  /// without dilation lies inside the image.
  template <class Body>
  static RIFFLE_INLINE void for_outputs(const WindowArgs& args, Rows out, Body&& body) {
    const Window& w = args.window;
    const bool is_3x3 = w.kernel_h == 3 && w.kernel_w == 3 && w.dilation_h == 1 && w.dilation_w == 1;
    for (std::int32_t oy = out.begin; oy < out.end; ++oy) {
      const std::int32_t y = oy * w.stride_h - w.pad_top;
      const std::ptrdiff_t row[3] = {in_row(args, y), in_row(args, y + 1), in_row(args, y + 2)};
      for (std::int32_t ox = 0; ox < args.extent.out_w; ++ox) {
        const std::int32_t x = ox * w.stride_w - w.pad_left;
        if (is_3x3 && y >= 0 && x >= 0 && y + 2 < args.extent.in_h && x + 2 < args.extent.in_w) {
          body(
              oy, ox, [&](auto&& f) __attribute__((always_inline)) {
                simd::unroll<9>([&](auto t) __attribute__((always_inline)) {
                  f(t, row[t / 3] + (x + t % 3) * args.in_stride);
                });
              });
        } else {
          body(
              oy, ox, [&](auto&& f) __attribute__((always_inline)) { for_taps(args, oy, ox, f); });
        }
      }
    }
  }

  /// A row of 3x3 windows with stride 2, Count of whose rows are inside the image, the first at input row `top`: dx is
  /// added to in the first of them, which other windows have read, and written in the others. The window and its
  /// gradients are in registers: the right column's go with it to the next window, whose left one it is.
  template <int Count>
  static void max_row(const WindowArgs& args, std::int32_t oy, std::int32_t top, const float* x, const float* dy,
                      float* dx) {
    const std::ptrdiff_t stride = args.in_stride;
    std::ptrdiff_t row[Count];
    simd::unroll<Count>([&](auto i) __attribute__((always_inline)) { row[i] = in_row(args, top + i); });
    by_vector<S>(
        args.channels, [&](std::int32_t c, int) __attribute__((always_inline)) {
          const Vec nothing = S::broadcast(-std::numeric_limits<float>::infinity()), zero = S::broadcast(0.0F);
          Vec value[Count][3], gradient[Count][3];
          simd::unroll<Count>([&](auto i) __attribute__((always_inline)) {
            value[i][2] = nothing;
            gradient[i][2] = zero;
          });
          const auto is_inside = [&](std::int32_t at) __attribute__((always_inline)) {
            return at >= 0 && at < args.extent.in_w;
          };
          const auto load = [&](auto j, std::int32_t at) __attribute__((always_inline)) {
            simd::unroll<Count>([&](auto i) __attribute__((always_inline)) {
              value[i][j] = is_inside(at) ? S::load(x + row[i] + at * stride + c) : nothing;
            });
          };
          const auto store = [&](auto j, std::int32_t at) __attribute__((always_inline)) {
            if (!is_inside(at)) return;
            add_to(dx + row[0] + at * stride + c, gradient[0][j]);
            simd::unroll<Count - 1>([&](auto i) __attribute__((always_inline)) {
              S::store(dx + row[i + 1] + at * stride + c, gradient[i + 1][j]);
            });
          };
          constexpr std::integral_constant<int, 0> left{};
          constexpr std::integral_constant<int, 1> middle{};
          constexpr std::integral_constant<int, 2> right{};
          const float* d = dy + out_row(args, oy) + c;
          std::int32_t at = -args.window.pad_left;
          load(right, at);
          for (std::int32_t ox = 0; ox < args.extent.out_w; ++ox, at += 2, d += args.out_stride) {
            simd::unroll<Count>([&](auto i) __attribute__((always_inline)) { value[i][0] = value[i][2]; });
            load(middle, at + 1);
            load(right, at + 2);
            Vec largest = nothing;
            simd::unroll<3 * Count>([&](auto t) __attribute__((always_inline)) {
              largest = S::max(largest, value[t / 3][t % 3]);
            });
            const Vec g = S::load(d);
            auto is_open = largest == largest;  // has nobody got it yet?
            simd::unroll<3 * Count>([&](auto t) __attribute__((always_inline)) {
              const auto is = (value[t / 3][t % 3] == largest) & is_open;
              is_open = is_open & !is;
              const Vec got = keep_where(is, g);
              Vec& to = gradient[t / 3][t % 3];
              to = t % 3 == 0 ? S::add(gradient[t / 3][2], got) : got;
            });
            store(left, at);
            store(middle, at + 1);
          }
          store(right, at);
          simd::unroll<Count>([&](auto i) __attribute__((always_inline)) { gradient[i][0] = zero; });
          while (++at < args.extent.in_w) store(left, at);  // no window reads them
        });
  }

  static void clear(const WindowArgs& args, Rows in, float* dx) {
    for (std::int32_t y = in.begin; y < in.end; ++y) {
      float* const row = dx + in_row(args, y);
      for (std::ptrdiff_t i = 0; i < args.extent.in_w * args.in_stride; ++i) row[i] = 0.0F;
    }
  }

  static void max_gradient(const WindowArgs& args, Rows out, Rows in, const float* x, const float* dy, float* dx) {
    const Window& w = args.window;
    if (w.kernel_h == 3 && w.kernel_w == 3 && w.stride_h == 2 && w.stride_w == 2 && w.dilation_h == 1 &&
        w.dilation_w == 1 && w.pad_top <= 1) {
      if (out.begin == 0) clear(args, {0, 1}, dx);
      for (std::int32_t oy = out.begin; oy < out.end; ++oy) {
        const std::int32_t y = oy * 2 - w.pad_top, top = y < 0 ? 0 : y;
        const std::int32_t count = (y + 3 < args.extent.in_h ? y + 3 : args.extent.in_h) - top;
        simd::unroll<3>([&](auto i) __attribute__((always_inline)) {
          if (count == i + 1) max_row<i + 1>(args, oy, top, x, dy, dx);
        });
        in.begin = top + count;
      }
      return clear(args, in, dx);
    }
    clear(args, in, dx);
    for_outputs(
        args, out, [&](std::int32_t oy, std::int32_t ox, auto&& taps) __attribute__((always_inline)) {
          const float* const d = dy + out_row(args, oy) + ox * args.out_stride;
          by_vector<S>(
              args.channels, [&](std::int32_t c, int) __attribute__((always_inline)) {
                Vec largest = S::broadcast(-std::numeric_limits<float>::infinity());
                taps([&](auto, std::ptrdiff_t at)
                         __attribute__((always_inline)) { largest = S::max(largest, S::load(x + at + c)); });
                const Vec gradient = S::load(d + c);
                auto is_open = largest == largest;  // has nobody got it yet?
                taps([&](auto, std::ptrdiff_t at) __attribute__((always_inline)) {
                  const auto is = (S::load(x + at + c) == largest) & is_open;
                  is_open = is_open & !is;
                  add_to(dx + at + c, keep_where(is, gradient));
                });
              });
        });
  }

  static void average_gradient(const WindowArgs& args, Rows out, const float* dy, float* dx) {
    const Window& w = args.window;
    const auto padded = [](std::int32_t at, std::int32_t kernel, std::int32_t dilation, std::int32_t end) {
      std::int32_t count = 0;
      for (std::int32_t i = 0; i < kernel; ++i) count += at + i * dilation < end ? 1 : 0;
      return count;
    };
    for_outputs(
        args, out, [&](std::int32_t oy, std::int32_t ox, auto&& taps) __attribute__((always_inline)) {
          std::int32_t divisor = 0;
          if (args.count_padding) {
            divisor = padded(oy * w.stride_h - w.pad_top, w.kernel_h, w.dilation_h, args.extent.in_h + w.pad_bottom) *
                      padded(ox * w.stride_w - w.pad_left, w.kernel_w, w.dilation_w, args.extent.in_w + w.pad_right);
          } else {
            taps([&](auto, std::ptrdiff_t) __attribute__((always_inline)) { ++divisor; });
          }
          const Vec share = S::broadcast(1.0F / static_cast<float>(divisor));
          const float* const d = dy + out_row(args, oy) + ox * args.out_stride;
          by_vector<S>(
              args.channels, [&](std::int32_t c, int) __attribute__((always_inline)) {
                const Vec g = S::mul(S::load(d + c), share);
                taps([&](auto, std::ptrdiff_t at) __attribute__((always_inline)) { add_to(dx + at + c, g); });
              });
        });
  }
};

}  // namespace riffle::trainer
