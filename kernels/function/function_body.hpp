// The one body of the functions of one number; see function.hpp for the equations.
#pragma once

#include <limits>

#include "kernels/function/function.hpp"
#include "kernels/simd/exp.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

/// The vector body of each function.
template <class S, Function F>
struct FunctionBody;

template <class S>
struct FunctionBody<S, Function::none> {
  static RIFFLE_INLINE typename S::Vec apply(typename S::Vec x) { return x; }
};

template <class S>
struct FunctionBody<S, Function::sigmoid> {
  static RIFFLE_INLINE typename S::Vec apply(typename S::Vec x) {
    const auto one = S::broadcast(1);
    return S::div(one, S::add(one, simd::exp<S>(S::sub(S::broadcast(0), x))));
  }
};

template <class S>
struct FunctionBody<S, Function::hard_swish> {
  static RIFFLE_INLINE typename S::Vec apply(typename S::Vec x) {
    const auto gate = S::fma(x, S::broadcast(1.0F / 6), S::broadcast(0.5F));
    return S::mul(x, S::clamp(gate, S::broadcast(0), S::broadcast(1)));
  }
};

template <class S>
struct Functions {
  using Value = typename S::Value;

  template <Function F>
  static void run_row(Value* values, std::int64_t count) {
    std::int64_t i = 0;
    for (; i + S::lanes <= count; i += S::lanes) S::store(values + i, FunctionBody<S, F>::apply(S::load(values + i)));
    if (const int rest = static_cast<int>(count - i); rest > 0) {
      S::store_partial(values + i, FunctionBody<S, F>::apply(S::load_partial(values + i, rest)), rest);
    }
  }

  template <Function F>
  static void run_all(Value* values, std::int64_t pixels, std::int32_t channels, std::int32_t pixel_stride) {
    if (channels == pixel_stride) return run_row<F>(values, pixels * channels);
    for (std::int64_t p = 0; p < pixels; ++p) run_row<F>(values + p * pixel_stride, channels);
  }

  static void run(Function function, void* numbers, std::int64_t pixels, std::int32_t channels,
                  std::int32_t pixel_stride) {
    auto* const values = static_cast<Value*>(numbers);
    switch (function) {
      case Function::none:
        return;
      case Function::sigmoid:
        return run_all<Function::sigmoid>(values, pixels, channels, pixel_stride);
      case Function::hard_swish:
        return run_all<Function::hard_swish>(values, pixels, channels, pixel_stride);
    }
  }

  static constexpr FunctionKernel kernel(const char* name) {
    return {name, {S::type, Type::f32, S::type}, S::lanes, run};
  }
};

}  // namespace riffle::kernels
