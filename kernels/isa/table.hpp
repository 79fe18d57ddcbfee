// From an instruction set's struct to its rows.
#pragma once

#include <array>
#include <cstddef>

#include "kernels/convert/convert_body.hpp"
#include "kernels/convolution/convolution_body.hpp"
#include "kernels/depthwise/depthwise_body.hpp"
#include "kernels/elementwise/elementwise_body.hpp"
#include "kernels/frame/frame_body.hpp"
#include "kernels/fully_connected/fully_connected_body.hpp"
#include "kernels/function/function_body.hpp"
#include "kernels/kernels.hpp"
#include "kernels/planes/planes_body.hpp"
#include "kernels/pointwise/pointwise_body.hpp"
#include "kernels/pool/pool_body.hpp"
#include "kernels/simd/halves.hpp"
#include "kernels/softmax/softmax_body.hpp"
#include "kernels/stem/stem_body.hpp"

namespace riffle::kernels {

/// A kernel's name, put together when it is compiled: "<types>-<operation>[-<rows>x<columns>]-<instruction
/// set>"; the types are one word where all are one type.
template <std::size_t N>
struct Text {
  char letters[N];
  constexpr Text(const char (&text)[N]) {  // NOLINT: a string literal is meant to convert
    for (std::size_t i = 0; i < N; ++i) letters[i] = text[i];
  }
};

template <class S, Text Types, Text Operation, int Rows = 0, int Columns = 0>
struct KernelName {
  static constexpr auto make() {
    std::array<char, 64> name{};
    std::size_t n = 0;
    const auto text = [&](const char* t) {
      while (*t != '\0') name[n++] = *t++;
    };
    const auto number = [&](int x) {
      char digits[8] = {};
      int count = 0;
      for (; x > 0; x /= 10) digits[count++] = static_cast<char>('0' + x % 10);
      while (count > 0) name[n++] = digits[--count];
    };
    text(Types.letters);
    text("-");
    text(Operation.letters);
    if (Rows > 0) {
      text("-");
      number(Rows);
      text("x");
      number(Columns);
    }
    text("-");
    text(S::name);
    return name;
  }
  static constexpr auto value = make();
};

/// The rows of an instruction set, a list an operation. Those that a build leaves out (RIFFLE_OPERATIONS) have no row
/// then, and no code.
template <class S>
struct RowsOf {
  static constexpr int rows = S::tile_rows(S::max_vectors), columns = S::max_vectors * S::lanes;
  template <Text Operation, int Rows = 0, int Columns = 0>
  static constexpr const char* f32 = KernelName<S, "f32", Operation, Rows, Columns>::value.data();

  static constexpr std::array pointwise = {Pointwise<S>::kernel(f32<"pointwise", rows, columns>)};
  static constexpr std::array depthwise = {Depthwise<S>::kernel(f32<"depthwise">)};
#ifdef RIFFLE_HAS_CONVOLUTION
  static constexpr std::array convolution = {Convolution<S>::kernel(f32<"convolution", rows, columns>)};
#else
  static constexpr std::array<ConvolutionKernel, 0> convolution = {};
#endif
  static constexpr std::array stem = {Stem<S>::kernel(f32<"stem">)};
  static constexpr std::array pool = {Pooling<S>::kernel(f32<"pool">)};
  static constexpr auto fully_connected = [] {
    constexpr FullyConnectedKernel floats = FullyConnected<S>::kernel(f32<"fully-connected">);
    if constexpr (S::converts_f16) {
      // Bound by reading its weights: halves are half of them.
      constexpr const char* name = KernelName<S, "f32-f16-f32", "fully-connected">::value.data();
      return std::array{floats, FullyConnected<S, float, Half>::kernel(name)};
    } else {
      return std::array{floats};
    }
  }();
#ifdef RIFFLE_HAS_ELEMENTWISE
  static constexpr std::array elementwise = {Elementwise<S>::kernel(f32<"elementwise">)};
#else
  static constexpr std::array<ElementwiseKernel, 0> elementwise = {};
#endif
#ifdef RIFFLE_HAS_SOFTMAX
  static constexpr auto softmax = [] {
    constexpr SoftmaxKernel floats = Softmax<S>::kernel(f32<"softmax">);
    if constexpr (S::serves_halves) {
      using Halves = simd::HalvesAsFloats<S>;
      return std::array{floats, Softmax<S, Halves, Halves>::kernel(KernelName<S, "f16", "softmax">::value.data()),
                        Softmax<S, Halves, S>::kernel(KernelName<S, "f16-f32", "softmax">::value.data())};
    } else {
      return std::array{floats};
    }
  }();
#else
  static constexpr std::array<SoftmaxKernel, 0> softmax = {};
#endif
  static constexpr std::array planes = {Planes<S>::kernel(f32<"planes">)};
#ifdef RIFFLE_HAS_CONVERT
  template <Type From, Type To, Text Types>
  static constexpr ConvertKernel converting =
      Convert<S, From, To>::kernel(KernelName<S, Types, "convert">::value.data());
  static constexpr std::array convert = {
      converting<Type::f32, Type::f16, "f32-f16">,   converting<Type::f16, Type::f32, "f16-f32">,
      converting<Type::f32, Type::bf16, "f32-bf16">, converting<Type::bf16, Type::f32, "bf16-f32">,
      converting<Type::f32, Type::i8, "f32-i8">,     converting<Type::i8, Type::f32, "i8-f32">,
      converting<Type::f32, Type::u8, "f32-u8">,     converting<Type::u8, Type::f32, "u8-f32">,
  };
#else
  static constexpr std::array<ConvertKernel, 0> convert = {};
#endif
#ifdef RIFFLE_HAS_FUNCTION
  static constexpr auto function = [] {
    constexpr FunctionKernel floats = Functions<S>::kernel(f32<"function">);
    if constexpr (S::serves_halves) {
      using Halves = simd::HalvesAsFloats<S>;
      return std::array{floats, Functions<Halves>::kernel(KernelName<S, "f16", "function">::value.data())};
    } else {
      return std::array{floats};
    }
  }();
#else
  static constexpr std::array<FunctionKernel, 0> function = {};
#endif
#ifdef RIFFLE_HAS_FRAME
  static constexpr std::array frame = {FrameReader<S>::kernel(f32<"frame">)};
#else
  static constexpr std::array<FrameKernel, 0> frame = {};
#endif
};

/// The rows of half precision, which go from one half to another, and from and to the caller's floats at the ends. What
/// wants more than halves between its input and its output (softmax, functions) is the floats' instruction set's
/// (serves_halves).
template <class S>
struct HalfRowsOf {
  static constexpr int rows = S::tile_rows(S::max_vectors), columns = S::max_vectors * S::lanes;
  template <Text Types, Text Operation, int Rows = 0, int Columns = 0>
  static constexpr const char* name = KernelName<S, Types, Operation, Rows, Columns>::value.data();

  static constexpr std::array pointwise = {Pointwise<S>::kernel(name<"f16", "pointwise", rows, columns>)};
  static constexpr std::array depthwise = {Depthwise<S>::kernel(name<"f16", "depthwise">)};
#ifdef RIFFLE_HAS_CONVOLUTION
  static constexpr std::array convolution = {Convolution<S>::kernel(name<"f16", "convolution", rows, columns>)};
#else
  static constexpr std::array<ConvolutionKernel, 0> convolution = {};
#endif
  static constexpr std::array stem = {Stem<S>::kernel(name<"f16", "stem">),
                                      Stem<S, float>::kernel(name<"f32-f16", "stem">)};
  static constexpr std::array pool = {Pooling<S, typename S::Sums>::kernel(name<"f16", "pool">)};
  static constexpr std::array fully_connected = {FullyConnected<S>::kernel(name<"f16", "fully-connected">),
                                                 FullyConnected<S, float>::kernel(name<"f16-f32", "fully-connected">)};
#ifdef RIFFLE_HAS_ELEMENTWISE
  static constexpr std::array elementwise = {Elementwise<S>::kernel(name<"f16", "elementwise">)};
#else
  static constexpr std::array<ElementwiseKernel, 0> elementwise = {};
#endif
  static constexpr std::array<SoftmaxKernel, 0> softmax = {};
  static constexpr std::array planes = {Planes<S, Half>::kernel(name<"f16", "planes">),
                                        Planes<S, float, Half>::kernel(name<"f32-f16", "planes">),
                                        Planes<S, Half, float>::kernel(name<"f16-f32", "planes">)};
  static constexpr std::array<ConvertKernel, 0> convert = {};
  static constexpr std::array<FunctionKernel, 0> function = {};
  static constexpr std::array<FrameKernel, 0> frame = {};
};

template <class S, class Rows>
constexpr Kernels make_table(bool (*supported)()) {
  return {.isa = S::name,
          .type = S::type,
          .lanes = S::lanes,
          .supported = supported,
          .rows = {Rows::pointwise, Rows::depthwise, Rows::convolution, Rows::stem, Rows::pool, Rows::fully_connected,
                   Rows::elementwise, Rows::softmax, Rows::planes, Rows::convert, Rows::function, Rows::frame}};
}

template <class S>
constexpr Kernels make_table(bool (*supported)()) {
  return make_table<S, RowsOf<S>>(supported);
}

}  // namespace riffle::kernels
