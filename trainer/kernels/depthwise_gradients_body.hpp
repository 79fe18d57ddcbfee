// The bodies of depthwise_gradients.hpp, row after row: of the outputs for the weights, of the image for the input.
#pragma once

#include "trainer/kernels/depthwise_gradients.hpp"
#include "trainer/kernels/window_body.hpp"

namespace riffle::trainer {

template <class S>
struct DepthwiseGradients {
  using Vec = typename S::Vec;

  static void weight_gradient(const WindowArgs& args, Rows out, const float* x, const float* dy, float* weights,
                              std::ptrdiff_t weight_stride, Prefetcher& prefetcher) {
    const Window& w = args.window;
    for (std::int32_t oy = out.begin; oy < out.end; ++oy) {
      const std::int32_t y = oy * w.stride_h - w.pad_top;
      const bool inside = y >= 0 && y + 2 < args.extent.in_h;
      const std::ptrdiff_t row[3] = {in_row(args, y), in_row(args, y + 1), in_row(args, y + 2)};
      by_vector<S>(
          args.channels, [&](std::int32_t c, int count) __attribute__((always_inline)) {
            Vec sum[9];
            simd::unroll<9>([&](auto t) __attribute__((always_inline)) {
              sum[t] = simd::load_lanes<S>(weights + t * weight_stride + c, count);
            });
            const float* d = dy + c + out_row(args, oy);
            Prefetcher::Lines lines[2];  // nine multiply-adds have time for two
            for (Prefetcher::Lines& l : lines) l = prefetcher.take(args.extent.out_w, d);
            for (std::int32_t ox = 0; ox < args.extent.out_w; ++ox, d += args.out_stride) {
              const std::int32_t left = ox * w.stride_w - w.pad_left;
              for (Prefetcher::Lines& l : lines) l.step();
              const Vec g = S::load(d);
              const float* const from = x + c + left * args.in_stride;
              if (inside && left >= 0 && left + 2 < args.extent.in_w) {
                simd::unroll<9>([&](auto t) __attribute__((always_inline)) {
                  sum[t] = S::fma(g, S::load(from + row[t / 3] + t % 3 * args.in_stride), sum[t]);
                });
              } else {
                simd::unroll<9>([&](auto t) __attribute__((always_inline)) {
                  const std::int32_t ty = y + t / 3, tx = left + t % 3;
                  if (ty >= 0 && ty < args.extent.in_h && tx >= 0 && tx < args.extent.in_w) {
                    sum[t] = S::fma(g, S::load(from + row[t / 3] + t % 3 * args.in_stride), sum[t]);
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

  /// The rows i of taps through which outputs read row `y` of the image.
  struct Readers {
    int count = 0;
    std::int32_t tap[3] = {}, output[3] = {};
    RIFFLE_INLINE Readers(const WindowArgs& args, std::int32_t y) {
      for (std::int32_t i = 0; i < 3; ++i) {
        const std::int32_t scaled = y + args.window.pad_top - i, stride = args.window.stride_h;
        if (scaled < 0 || scaled % stride != 0 || scaled / stride >= args.extent.out_h) continue;
        tap[count] = i;
        output[count++] = scaled / stride;
      }
    }
  };

  /// A row of dx, which Count rows of outputs read. A sum goes with each of the three columns under an output's window;
  /// the first Stride columns are complete when the window moves on.
  template <int Stride, int Count>
  static void input_row(const WindowArgs& args, const Readers& readers, const float* dy, const float* weights,
                        std::ptrdiff_t weight_stride, float* dx) {
    by_vector<S>(
        args.channels, [&](std::int32_t c, int) __attribute__((always_inline)) {
          [[maybe_unused]] Vec weight[Count + 1][3];
          [[maybe_unused]] const float* d[Count + 1];
          simd::unroll<Count>([&](auto i) __attribute__((always_inline)) {
            d[i] = dy + out_row(args, readers.output[i]) + c;
            simd::unroll<3>([&](auto j) __attribute__((always_inline)) {
              weight[i][j] = S::load(weights + (readers.tap[i] * 3 + j) * weight_stride + c);
            });
          });
          const Vec zero = S::broadcast(0.0F);
          Vec sum[3] = {zero, zero, zero};
          std::int32_t x = -args.window.pad_left;
          const auto complete = [&](Vec value) __attribute__((always_inline)) {
            if (x >= 0 && x < args.extent.in_w) S::store(dx + x * args.in_stride + c, value);
            ++x;
          };
          for (std::int32_t ox = 0; ox < args.extent.out_w; ++ox) {
            simd::unroll<Count>([&](auto i) __attribute__((always_inline)) {
              const Vec g = S::load(d[i] + ox * args.out_stride);
              simd::unroll<3>([&](auto j) __attribute__((always_inline)) { sum[j] = S::fma(g, weight[i][j], sum[j]); });
            });
            simd::unroll<Stride>([&](auto j) __attribute__((always_inline)) { complete(sum[j]); });
            simd::unroll<3>([&](auto j) __attribute__((always_inline)) {
              if constexpr (j + Stride < 3) {
                sum[j] = sum[j + Stride];
              } else {
                sum[j] = zero;
              }
            });
          }
          simd::unroll<3 - Stride>([&](auto j) __attribute__((always_inline)) { complete(sum[j]); });
          while (x < args.extent.in_w) complete(zero);
        });
  }

  static void input_gradient(const WindowArgs& args, Rows in, const float* dy, const float* weights,
                             std::ptrdiff_t weight_stride, float* dx) {
    for (std::int32_t y = in.begin; y < in.end; ++y, dx += args.extent.in_w * args.in_stride) {
      const Readers readers(args, y);
      simd::unroll<4>([&](auto count) __attribute__((always_inline)) {
        if (readers.count != count) return;
        if (args.window.stride_w == 1) {
          input_row<1, count>(args, readers, dy, weights, weight_stride, dx);
        } else {
          input_row<2, count>(args, readers, dy, weights, weight_stride, dx);
        }
      });
    }
  }
};

}  // namespace riffle::trainer
