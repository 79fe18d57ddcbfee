// The one body of the functions of one number; see function.hpp for the equations.
#pragma once

#include <utility>

#include "kernels/function/function.hpp"
#include "kernels/simd/math.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

template <Function F>
using Is = std::integral_constant<Function, F>;

/// The vector body of each function.
template <class S>
struct FunctionBody {
  using Vec = typename S::Vec;
  using Args = FunctionArgs;

  static RIFFLE_INLINE Vec of(float x) { return S::broadcast(x); }
  static RIFFLE_INLINE Vec above_zero(Vec x) { return S::at_least(x, of(0)); }
  static RIFFLE_INLINE Vec below_zero(Vec x) { return S::at_most(x, of(0)); }
  static RIFFLE_INLINE Vec sigmoid(Vec x) { return S::div(of(1), S::add(of(1), simd::exp<S>(simd::negative<S>(x)))); }
  /// x times a gate that is 0 wherever x is below `least`: where x is minus infinity, too.
  static RIFFLE_INLINE Vec gated(Vec x, Vec gate, float least) { return S::mul(S::at_least(x, of(least)), gate); }
  static RIFFLE_INLINE Vec leaky(Vec slope, Vec x) { return S::fma(slope, below_zero(x), above_zero(x)); }
  static RIFFLE_INLINE Vec whole_power(Vec x, int exponent) {
    Vec result = of(1);
    for (int left = exponent < 0 ? -exponent : exponent; left > 0; left /= 2) {
      if (left % 2 == 1) result = S::mul(result, x);
      x = S::mul(x, x);
    }
    return exponent < 0 ? S::div(of(1), result) : result;
  }

  static RIFFLE_INLINE Vec apply(Is<Function::sigmoid>, const Args&, Vec x) { return sigmoid(x); }
  static RIFFLE_INLINE Vec apply(Is<Function::hard_swish>, const Args&, Vec x) {
    return gated(x, S::clamp(S::fma(x, of(1.0F / 6), of(0.5F)), of(0), of(1)), -4);
  }
  static RIFFLE_INLINE Vec apply(Is<Function::tanh>, const Args&, Vec x) { return simd::tanh<S>(x); }
  static RIFFLE_INLINE Vec apply(Is<Function::hard_sigmoid>, const Args& f, Vec x) {
    return S::clamp(S::fma(x, of(f.a), of(f.b)), of(0), of(1));
  }
  static RIFFLE_INLINE Vec apply(Is<Function::silu>, const Args&, Vec x) { return gated(x, sigmoid(x), -128); }
  static RIFFLE_INLINE Vec apply(Is<Function::mish>, const Args&, Vec x) {
    // tanh(ln(1 + e)) = (e^2 + 2e) / (e^2 + 2e + 2), which is 1 from 20 on.
    const Vec e = simd::exp<S>(S::clamp(x, of(-128), of(20))), n = S::mul(e, S::add(e, of(2)));
    return gated(x, S::div(n, S::add(n, of(2))), -128);
  }
  static RIFFLE_INLINE Vec apply(Is<Function::softplus>, const Args&, Vec x) {
    const Vec e = simd::exp<S>(simd::negative<S>(simd::absolute<S>(x)));
    return S::add(above_zero(x), simd::log1p<S>(e));
  }
  static RIFFLE_INLINE Vec apply(Is<Function::exp>, const Args&, Vec x) { return simd::exp<S>(x); }
  static RIFFLE_INLINE Vec apply(Is<Function::log>, const Args&, Vec x) { return simd::log<S>(x); }
  static RIFFLE_INLINE Vec apply(Is<Function::sqrt>, const Args&, Vec x) { return S::sqrt(x); }
  static RIFFLE_INLINE Vec apply(Is<Function::reciprocal>, const Args&, Vec x) { return S::div(of(1), x); }
  static RIFFLE_INLINE Vec apply(Is<Function::power>, const Args& f, Vec x) {
    if (const int whole = static_cast<int>(f.a); static_cast<float>(whole) == f.a) return whole_power(x, whole);
    if (f.a == 0.5F) return S::sqrt(x);
    return simd::exp<S>(S::mul(of(f.a), simd::log<S>(x)));
  }
  static RIFFLE_INLINE Vec apply(Is<Function::absolute>, const Args&, Vec x) { return simd::absolute<S>(x); }
  static RIFFLE_INLINE Vec apply(Is<Function::negative>, const Args&, Vec x) { return simd::negative<S>(x); }
  static RIFFLE_INLINE Vec apply(Is<Function::leaky>, const Args& f, Vec x) { return leaky(of(f.a), x); }
  static RIFFLE_INLINE Vec apply(Is<Function::elu>, const Args& f, Vec x) {
    return S::fma(of(f.a), simd::expm1<S>(below_zero(x)), above_zero(x));
  }
  static RIFFLE_INLINE Vec apply(Is<Function::celu>, const Args& f, Vec x) {
    return S::fma(of(f.a), simd::expm1<S>(S::div(below_zero(x), of(f.a))), above_zero(x));
  }
  static RIFFLE_INLINE Vec apply(Is<Function::selu>, const Args& f, Vec x) {
    return S::mul(of(f.b), apply(Is<Function::elu>(), f, x));
  }
  static RIFFLE_INLINE Vec apply(Is<Function::gelu>, const Args&, Vec x) {
    const Vec half = of(0.5F);
    return gated(x, S::fma(half, simd::erf<S>(S::mul(x, of(0.70710678F))), half), -128);
  }
  static RIFFLE_INLINE Vec apply(Is<Function::gelu_tanh>, const Args&, Vec x) {
    const Vec square = S::mul(x, x);
    return gated(x, sigmoid(S::mul(x, S::fma(square, of(0.071354816F), of(1.5957691F)))), -128);
  }
  static RIFFLE_INLINE Vec apply(Is<Function::thresholded>, const Args& f, Vec x) {
    return simd::select_less<S>(of(f.a), x, x, S::clamp(x, of(0), of(0)));
  }
  static RIFFLE_INLINE Vec apply(Is<Function::softsign>, const Args&, Vec x) {
    const Vec finite = S::clamp(x, of(-1e30F), of(1e30F));
    return S::div(finite, S::add(of(1), simd::absolute<S>(finite)));
  }
  static RIFFLE_INLINE Vec apply(Is<Function::erf>, const Args&, Vec x) { return simd::erf<S>(x); }
  static RIFFLE_INLINE Vec apply(Is<Function::floor>, const Args&, Vec x) { return simd::floor<S>(x); }
  static RIFFLE_INLINE Vec apply(Is<Function::ceil>, const Args&, Vec x) {
    return simd::negative<S>(simd::floor<S>(simd::negative<S>(x)));
  }
  static RIFFLE_INLINE Vec apply(Is<Function::round>, const Args&, Vec x) { return simd::round<S>(x); }
  static RIFFLE_INLINE Vec apply(Is<Function::sign>, const Args&, Vec x) {
    const Vec zero = of(0);
    return simd::select_less<S>(x, zero, of(-1), simd::select_less<S>(zero, x, of(1), x));
  }
};

/// Numbers are computed as S's vectors have them, and stand in memory as In loads and stores them.
template <class S, class In = S>
struct Functions {
  using Value = typename In::Value;
  using Body = FunctionBody<S>;

  /// Calls f(first, count) for one vector after the other.
  template <class F>
  static RIFFLE_INLINE void for_each_vector(std::int64_t count, F&& f) {
    std::int64_t i = 0;
    for (; i + S::lanes <= count; i += S::lanes) f(i, S::lanes);
    if (i < count) f(i, static_cast<int>(count - i));
  }

  template <Function F>
  static __attribute__((noinline)) void run_row(const FunctionArgs& args, Value* values, std::int64_t count) {
    for_each_vector(
        count, [&](std::int64_t i, int lanes) __attribute__((always_inline)) {
          const auto x = simd::load_lanes<In>(values + i, lanes);
          simd::store_lanes<In>(values + i, Body::apply(Is<F>(), args, x), lanes);
        });
  }

  /// Pixels of few channels, as many at once as fit in a vector.
  template <Function F>
  static __attribute__((noinline)) void run_narrow(const FunctionArgs& args, Value* values, std::int64_t pixels,
                                                   std::int32_t channels, std::int32_t pixel_stride) {
    alignas(64) Value lanes[S::lanes] = {};
    const std::int64_t most = S::lanes / channels;
    for (std::int64_t p = 0; p < pixels; p += most, values += most * pixel_stride) {
      const std::int64_t count = pixels - p < most ? pixels - p : most;
      for (std::int64_t i = 0; i < count; ++i) {
        for (std::int32_t c = 0; c < channels; ++c) lanes[i * channels + c] = values[i * pixel_stride + c];
      }
      In::store(lanes, Body::apply(Is<F>(), args, In::load(lanes)));
      for (std::int64_t i = 0; i < count; ++i) {
        for (std::int32_t c = 0; c < channels; ++c) values[i * pixel_stride + c] = lanes[i * channels + c];
      }
    }
  }

  template <Function F>
  static void run_all(const FunctionArgs& args, Value* values, std::int64_t pixels, std::int32_t channels,
                      std::int32_t pixel_stride) {
    if (channels == pixel_stride) return run_row<F>(args, values, pixels * channels);
    if (2 * channels <= S::lanes) return run_narrow<F>(args, values, pixels, channels, pixel_stride);
    for (std::int64_t p = 0; p < pixels; ++p) run_row<F>(args, values + p * pixel_stride, channels);
  }

  /// The one that has a parameter a channel.
  static void run_prelu(const FunctionArgs& args, Value* values, std::int64_t pixels, std::int32_t channels,
                        std::int32_t pixel_stride) {
    for (std::int64_t p = 0; p < pixels; ++p, values += pixel_stride) {
      for_each_vector(
          channels, [&](std::int64_t i, int lanes) __attribute__((always_inline)) {
            const auto slope = simd::load_lanes<S>(args.slopes + i, lanes);
            const auto x = simd::load_lanes<In>(values + i, lanes);
            simd::store_lanes<In>(values + i, Body::leaky(slope, x), lanes);
          });
    }
  }

  template <std::size_t... I>
  static void run_any(const FunctionArgs& args, Value* values, std::int64_t pixels, std::int32_t channels,
                      std::int32_t pixel_stride, std::index_sequence<I...>) {
    const auto run_one = [&](auto f) {
      if constexpr (f == Function::prelu) {
        run_prelu(args, values, pixels, channels, pixel_stride);
      } else if constexpr (f != Function::none && f != Function::table) {
        run_all<f>(args, values, pixels, channels, pixel_stride);
      }
    };
    (void)((args.function == static_cast<Function>(I) && (run_one(Is<static_cast<Function>(I)>()), true)) || ...);
  }

  static void run(const FunctionArgs& args, void* numbers, std::int64_t pixels, std::int32_t channels,
                  std::int32_t pixel_stride) {
    run_any(args, static_cast<Value*>(numbers), pixels, channels, pixel_stride,
            std::make_index_sequence<function_facts.size()>());
  }

  static constexpr FunctionKernel kernel(const char* name) {
    return {name, {In::type, Type::f32, In::type}, S::lanes, run};
  }
};

}  // namespace riffle::kernels
