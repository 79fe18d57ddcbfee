// Functions of mathematics, a vector of floats at a time. Within 1e-6 of the result's magnitude; a NaN stays a NaN.
#pragma once

#include "kernels/simd/exp.hpp"

namespace riffle::simd {

/// a < b ? yes : no
template <class S>
RIFFLE_INLINE typename S::Vec select_less(typename S::Vec a, typename S::Vec b, typename S::Vec yes,
                                          typename S::Vec no) {
  if constexpr (S::lanes == 1) {
    return a < b ? yes : no;
  } else {
    return select(a < b, yes, no);  // of the vectors' library, which scalar code does not see
  }
}

template <class S>
RIFFLE_INLINE typename S::Vec negative(typename S::Vec x) {
  return S::sub(S::broadcast(0), x);
}
template <class S>
RIFFLE_INLINE typename S::Vec absolute(typename S::Vec x) {
  return S::max(x, negative<S>(x));
}

/// The natural logarithm; minus infinity of 0, a NaN below.
template <class S>
RIFFLE_INLINE typename S::Vec log(typename S::Vec x) {
  if constexpr (S::lanes == 1) {
    return __builtin_logf(x);
  } else {
    return xsimd::log(x);
  }
}

template <class S>
RIFFLE_INLINE typename S::Vec floor(typename S::Vec x) {
  if constexpr (S::lanes == 1) {
    return __builtin_floorf(x);
  } else {
    return xsimd::floor(x);
  }
}

/// Of two integers that are as near, the even one.
template <class S>
RIFFLE_INLINE typename S::Vec round(typename S::Vec x) {
  if constexpr (S::lanes == 1) {
    return __builtin_rintf(x);
  } else {
    return xsimd::nearbyint(x);
  }
}

/// c[0] x^(n-1) + ... + c[n-1]
template <class S, std::size_t N>
RIFFLE_INLINE typename S::Vec polynomial(typename S::Vec x, const float (&c)[N]) {
  typename S::Vec sum = S::broadcast(c[0]);
  unroll<static_cast<int>(N) - 1>([&](auto i) { sum = S::fma(sum, x, S::broadcast(c[i + 1])); });
  return sum;
}

/// Near 0 a polynomial (Cephes), elsewhere 1 - 2 / (e^2x + 1).
template <class S>
RIFFLE_INLINE typename S::Vec tanh(typename S::Vec x) {
  constexpr float near[] = {-5.70498872745e-3F, 2.06390887954e-2F, -5.37397155531e-2F, 1.33314422036e-1F,
                            -3.33332819422e-1F};
  const auto one = S::broadcast(1), t = absolute<S>(x), square = S::mul(x, x);
  const auto e = exp<S>(S::add(t, t));
  const auto far = S::sub(one, S::div(S::broadcast(2), S::add(e, one)));
  const auto signed_far = select_less<S>(x, S::broadcast(0), negative<S>(far), far);
  const auto small = S::fma(S::mul(polynomial<S>(square, near), square), x, x);
  return select_less<S>(t, S::broadcast(0.625F), small, signed_far);
}

/// Near 0 a polynomial, elsewhere 1 - e^p(|x|) of one.
template <class S>
RIFFLE_INLINE typename S::Vec erf(typename S::Vec x) {
  constexpr float near[] = {-5.96761703e-4F, 4.99119423e-3F,  -2.67681349e-2F,
                            1.12819925e-1F,  -3.76125336e-1F, 1.28379166e-1F};
  constexpr float far[] = {-1.72853470e-5F, 3.83197126e-4F,  -3.88396438e-3F, 2.42546219e-2F,
                           -1.06777877e-1F, -6.34846687e-1F, -1.28717512e-1F};
  // Beyond 4 it is 1 to the last bit.
  const auto t = S::clamp(absolute<S>(x), S::broadcast(0), S::broadcast(4)), square = S::mul(x, x);
  const auto small = S::fma(polynomial<S>(square, near), x, x);
  const auto large = S::sub(S::broadcast(1), exp<S>(S::sub(S::mul(polynomial<S>(t, far), t), t)));
  const auto signed_large = select_less<S>(x, S::broadcast(0), negative<S>(large), large);
  return select_less<S>(t, S::broadcast(0.927734375F), small, signed_large);
}

/// e^x - 1, of x that are not above 0 or a NaN: tanh(x/2) (e^x + 1), which is right near 0 as well.
template <class S>
RIFFLE_INLINE typename S::Vec expm1(typename S::Vec x) {
  return S::mul(tanh<S>(S::mul(x, S::broadcast(0.5F))), S::add(exp<S>(x), S::broadcast(1)));
}

/// ln(1 + t), of t from 0 to 1: the logarithm of the rounded sum, and what rounding has taken from it.
template <class S>
RIFFLE_INLINE typename S::Vec log1p(typename S::Vec t) {
  const auto one = S::broadcast(1), sum = S::add(one, t);
  return S::add(log<S>(sum), S::div(S::sub(t, S::sub(sum, one)), sum));
}

}  // namespace riffle::simd
