// From an instruction set's struct to its rows.
#pragma once

#include <array>
#include <cstddef>

#include "kernels/convert/convert_body.hpp"
#include "kernels/convolution/bytes_body.hpp"
#include "kernels/convolution/convolution_body.hpp"
#include "kernels/convolution/dots_body.hpp"
#include "kernels/depthwise/bytes_body.hpp"
#include "kernels/depthwise/depthwise_body.hpp"
#include "kernels/elementwise/bytes_body.hpp"
#include "kernels/elementwise/elementwise_body.hpp"
#include "kernels/frame/frame_body.hpp"
#include "kernels/fully_connected/bytes_body.hpp"
#include "kernels/fully_connected/fully_connected_body.hpp"
#include "kernels/function/bytes_body.hpp"
#include "kernels/function/function_body.hpp"
#include "kernels/kernels.hpp"
#include "kernels/pixels/pixels_body.hpp"
#include "kernels/pointwise/bytes_body.hpp"
#include "kernels/pointwise/dots_body.hpp"
#include "kernels/pointwise/pointwise_body.hpp"
#include "kernels/pool/bytes_body.hpp"
#include "kernels/pool/pool_body.hpp"
#include "kernels/rearrange/rearrange_body.hpp"
#include "kernels/reduce/reduce_body.hpp"
#include "kernels/resize/bytes_body.hpp"
#include "kernels/resize/resize_body.hpp"
#include "kernels/simd/halves.hpp"
#include "kernels/softmax/softmax_body.hpp"
#include "kernels/stem/bytes_body.hpp"
#include "kernels/stem/dots_body.hpp"
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

/// Nothing: of what an instruction set has not, or a build leaves out (RIFFLE_OPERATIONS), there is no row and no code.
struct NoRows {
  static constexpr std::array<PointwiseKernel, 0> pointwise = {};
  static constexpr std::array<DepthwiseKernel, 0> depthwise = {};
  static constexpr std::array<ConvolutionKernel, 0> convolution = {};
  static constexpr std::array<StemKernel, 0> stem = {};
  static constexpr std::array<PoolKernel, 0> pool = {};
  static constexpr std::array<FullyConnectedKernel, 0> fully_connected = {};
  static constexpr std::array<ElementwiseKernel, 0> elementwise = {};
  static constexpr std::array<SoftmaxKernel, 0> softmax = {};
  static constexpr std::array<PixelsKernel, 0> pixels = {};
  static constexpr std::array<ResizeKernel, 0> resize = {};
  static constexpr std::array<RearrangeKernel, 0> rearrange = {};
  static constexpr std::array<ConvertKernel, 0> convert = {};
  static constexpr std::array<FunctionKernel, 0> function = {};
  static constexpr std::array<FrameKernel, 0> frame = {};
  static constexpr std::array<ReduceKernel, 0> reduce = {};
};

/// The rows of bytes: B is simd/bytes.hpp's struct, S has the name.
template <class S, class B>
struct ByteRowsOf : NoRows {
  using Byte = typename B::Byte;
  static constexpr int rows = B::tile_rows(B::max_vectors), columns = B::max_vectors * B::lanes;
  template <Text Operation, int Rows = 0, int Columns = 0>
  static constexpr const char* name = B::byte_type == Type::u8
                                          ? KernelName<S, "u8", Operation, Rows, Columns>::value.data()
                                          : KernelName<S, "i8", Operation, Rows, Columns>::value.data();

  /// To floats.
  template <Text Operation, int Rows = 0, int Columns = 0>
  static constexpr const char* real = B::byte_type == Type::u8
                                          ? KernelName<S, "u8-i8-f32", Operation, Rows, Columns>::value.data()
                                          : KernelName<S, "i8-f32", Operation, Rows, Columns>::value.data();
  /// The row of bytes to bytes, and that to floats where an instruction set has tiles for it.
  template <class Bytes, class Floats>
  static constexpr auto both(const char* of_bytes, const char* of_floats) {
    if constexpr (B::form == QuadForm::eights) {
      return std::array{Bytes::kernel(of_bytes)};
    } else {
      return std::array{Bytes::kernel(of_bytes), Floats::kernel(of_floats)};
    }
  }
  using Channels = typename B::Channels;

  static constexpr auto pointwise = both<PointwiseBytes<B>, PointwiseBytes<B, float>>(name<"pointwise", rows, columns>,
                                                                                      real<"pointwise", rows, columns>);
  static constexpr auto depthwise =
      both<DepthwiseBytes<Channels>, DepthwiseBytes<Channels, float>>(name<"depthwise">, real<"depthwise">);
#if RIFFLE_HAS_CONVOLUTION
  static constexpr auto convolution = both<ConvolutionBytes<B>, ConvolutionBytes<B, float>>(
      name<"convolution", rows, columns>, real<"convolution", rows, columns>);
#endif
  static constexpr std::array stem = {StemBytes<B>::kernel(name<"stem">)};
  static constexpr std::array pool = {PoolingBytes<B>::kernel(name<"pool">)};
  static constexpr std::array fully_connected = {FullyConnectedBytes<B>::kernel(name<"fully-connected">)};
#if RIFFLE_HAS_ELEMENTWISE
  static constexpr std::array elementwise = {ElementwiseBytes<B>::kernel(name<"elementwise">)};
#endif
#if RIFFLE_HAS_FUNCTION
  static constexpr std::array function = {FunctionBytes<B>::kernel(name<"function">)};
#endif
#if RIFFLE_HAS_RESIZE
  static constexpr std::array resize = {ResizingBytes<B>::kernel(name<"resize">)};
#endif
#if RIFFLE_HAS_REARRANGE
  static constexpr auto rearrange = [] {
    constexpr RearrangeKernel same = Rearranging<B, Byte>::kernel(name<"rearrange">);
    if constexpr (B::byte_type == Type::u8) {
      return std::array{same};
    } else {
      return std::array{same,
                        Rearranging<B, std::uint8_t, Byte>::kernel(KernelName<S, "u8-i8", "rearrange">::value.data()),
                        Rearranging<B, Byte, std::uint8_t>::kernel(KernelName<S, "i8-u8", "rearrange">::value.data())};
    }
  }();
#endif
};

/// Of an instruction set that multiplies matrices what does so; the rest is that of the instruction set behind it.
template <class B>
struct ByteMatrixRowsOf : NoRows {
  using All = ByteRowsOf<B, B>;
  static constexpr auto pointwise = All::pointwise;
#if RIFFLE_HAS_CONVOLUTION
  static constexpr auto convolution = All::convolution;
#endif
};

template <class S>
struct ByteRows : NoRows {};
#if RIFFLE_HAS_QUANTISED
template <class S>
requires requires { typename S::Bytes; }
struct ByteRows<S> : ByteRowsOf<S, typename S::Bytes> {};
#endif

template <class Kernel, std::size_t N, std::size_t M>
constexpr std::array<Kernel, N + M> joined(const std::array<Kernel, N>& a, const std::array<Kernel, M>& b) {
  std::array<Kernel, N + M> all{};
  for (std::size_t i = 0; i < N; ++i) all[i] = a[i];
  for (std::size_t i = 0; i < M; ++i) all[N + i] = b[i];
  return all;
}

/// The rows of an instruction set, a list an operation. Those that a build leaves out (RIFFLE_OPERATIONS) have no row
/// then, and no code.
template <class S>
struct RowsOf : NoRows {
  static constexpr int rows = S::tile_rows(S::max_vectors), columns = S::max_vectors * S::lanes;
  template <Text Operation, int Rows = 0, int Columns = 0>
  static constexpr const char* f32 = KernelName<S, "f32", Operation, Rows, Columns>::value.data();

  using Bytes = ByteRows<S>;

  static constexpr auto pointwise =
      joined(std::array{Pointwise<S>::kernel(f32<"pointwise", rows, columns>)}, Bytes::pointwise);
  static constexpr auto depthwise = joined(std::array{Depthwise<S>::kernel(f32<"depthwise">)}, Bytes::depthwise);
#if RIFFLE_HAS_CONVOLUTION
  static constexpr auto convolution =
      joined(std::array{Convolution<S>::kernel(f32<"convolution", rows, columns>)}, Bytes::convolution);
#endif
  static constexpr auto stem = joined(std::array{Stem<S>::kernel(f32<"stem">)}, Bytes::stem);
  static constexpr auto pool = joined(std::array{Pooling<S>::kernel(f32<"pool">)}, Bytes::pool);
  static constexpr auto floats_connected = [] {
    constexpr FullyConnectedKernel floats = FullyConnected<S>::kernel(f32<"fully-connected">);
    if constexpr (S::converts_f16) {
      // Bound by reading its weights: halves are half of them.
      constexpr const char* name = KernelName<S, "f32-f16-f32", "fully-connected">::value.data();
      return std::array{floats, FullyConnected<S, float, Half>::kernel(name)};
    } else {
      return std::array{floats};
    }
  }();
  static constexpr auto fully_connected = joined(floats_connected, Bytes::fully_connected);
#if RIFFLE_HAS_ELEMENTWISE
  static constexpr auto elementwise =
      joined(std::array{Elementwise<S>::kernel(f32<"elementwise">)}, Bytes::elementwise);
#endif
  /// Of floats, and of numbers of 16 bits that this instruction set serves, to the same or to floats.
  template <template <class...> class Body, Text Operation>
  static constexpr auto of_whole_pixels = [] {
    constexpr std::array floats = {Body<S>::kernel(f32<Operation>)};
    using None = std::array<typename decltype(floats)::value_type, 0>;
    constexpr auto halves = [] {
      if constexpr (!S::serves_halves) {
        return None{};
      } else {
        using Halves = simd::HalvesAsFloats<S>;
        return std::array{Body<S, Halves, Halves>::kernel(KernelName<S, "f16", Operation>::value.data()),
                          Body<S, Halves, S>::kernel(KernelName<S, "f16-f32", Operation>::value.data())};
      }
    }();
    constexpr auto bfloats = [] {
      if constexpr (!S::serves_bfloats) {
        return None{};
      } else {
        using Bfloats = simd::BfloatsAsFloats<S>;
        return std::array{Body<S, Bfloats, Bfloats>::kernel(KernelName<S, "bf16", Operation>::value.data()),
                          Body<S, Bfloats, S>::kernel(KernelName<S, "bf16-f32", Operation>::value.data())};
      }
    }();
    return joined(floats, joined(halves, bfloats));
  }();
#if RIFFLE_HAS_SOFTMAX
  static constexpr auto softmax = of_whole_pixels<Softmax, "softmax">;
  static constexpr auto reduce = of_whole_pixels<Reduce, "reduce">;
#endif
#if RIFFLE_HAS_PIXELS
  template <Type Of, Text Types>
  static constexpr PixelsKernel pixels_of = Pixels<S, size_of(Of)>::kernel(KernelName<S, Types, "pixels">::value.data(),
                                                                           Of);
  static constexpr std::array pixels = {pixels_of<Type::f32, "f32">, pixels_of<Type::f16, "f16">,
                                        pixels_of<Type::bf16, "bf16">, pixels_of<Type::i8, "i8">,
                                        pixels_of<Type::u8, "u8">};
#endif
#if RIFFLE_HAS_RESIZE
  static constexpr auto resize = [] {
    constexpr std::array floats = {Resizing<S>::kernel(f32<"resize">)};
    constexpr auto halves = [] {
      if constexpr (!S::serves_halves) {
        return NoRows::resize;
      } else {
        return std::array{Resizing<simd::HalvesAsFloats<S>>::kernel(KernelName<S, "f16", "resize">::value.data())};
      }
    }();
    constexpr auto bfloats = [] {
      if constexpr (!S::serves_bfloats) {
        return NoRows::resize;
      } else {
        return std::array{Resizing<simd::BfloatsAsFloats<S>>::kernel(KernelName<S, "bf16", "resize">::value.data())};
      }
    }();
    return joined(joined(floats, joined(halves, bfloats)), Bytes::resize);
  }();
#endif
#if RIFFLE_HAS_REARRANGE
  static constexpr auto rearrange = joined(std::array{Rearranging<S>::kernel(f32<"rearrange">)}, Bytes::rearrange);
#endif
#if RIFFLE_HAS_CONVERT
  template <Type From, Type To, Text Types>
  static constexpr ConvertKernel converting =
      Convert<S, From, To>::kernel(KernelName<S, Types, "convert">::value.data());
  static constexpr std::array convert = {
      converting<Type::f32, Type::f16, "f32-f16">,   converting<Type::f16, Type::f32, "f16-f32">,
      converting<Type::f32, Type::bf16, "f32-bf16">, converting<Type::bf16, Type::f32, "bf16-f32">,
      converting<Type::f32, Type::i8, "f32-i8">,     converting<Type::i8, Type::f32, "i8-f32">,
      converting<Type::f32, Type::u8, "f32-u8">,     converting<Type::u8, Type::f32, "u8-f32">,
      converting<Type::f32, Type::i32, "f32-i32">,   converting<Type::i32, Type::f32, "i32-f32">,
  };
#endif
#if RIFFLE_HAS_FUNCTION
  static constexpr auto function = [] {
    constexpr std::array floats = {Functions<S>::kernel(f32<"function">)};
    constexpr auto halves = [] {
      if constexpr (!S::serves_halves) {
        return NoRows::function;
      } else {
        return std::array{
            Functions<S, simd::HalvesAsFloats<S>>::kernel(KernelName<S, "f16", "function">::value.data())};
      }
    }();
    constexpr auto bfloats = [] {
      if constexpr (!S::serves_bfloats) {
        return NoRows::function;
      } else {
        return std::array{
            Functions<S, simd::BfloatsAsFloats<S>>::kernel(KernelName<S, "bf16", "function">::value.data())};
      }
    }();
    return joined(joined(floats, joined(halves, bfloats)), Bytes::function);
  }();
#endif
#if RIFFLE_HAS_FRAME
  static constexpr std::array frame = {FrameReader<S>::kernel(f32<"frame">)};
#endif
};

/// The rows of half precision, which go from one half to another, and from and to the caller's floats at the ends. What
/// wants more than halves between its input and its output (softmax, functions) is the floats' instruction set's
/// (serves_halves). Ends: what computes the stem and the fully connected layer.
template <class S, class Ends = S>
struct HalfRowsOf : NoRows {
  static constexpr int rows = S::tile_rows(S::max_vectors), columns = S::max_vectors * S::lanes;
  template <Text Types, Text Operation, int Rows = 0, int Columns = 0>
  static constexpr const char* name = KernelName<S, Types, Operation, Rows, Columns>::value.data();

  static constexpr std::array pointwise = {Pointwise<S>::kernel(name<"f16", "pointwise", rows, columns>)};
  static constexpr std::array depthwise = {Depthwise<S>::kernel(name<"f16", "depthwise">)};
#if RIFFLE_HAS_CONVOLUTION
  static constexpr std::array convolution = {Convolution<S>::kernel(name<"f16", "convolution", rows, columns>)};
#endif
  static constexpr std::array stem = {Stem<Ends>::kernel(name<"f16", "stem">),
                                      Stem<Ends, float>::kernel(name<"f32-f16", "stem">)};
  static constexpr std::array pool = {Pooling<S, typename S::Sums>::kernel(name<"f16", "pool">)};
  static constexpr std::array fully_connected = {
      FullyConnected<Ends>::kernel(name<"f16", "fully-connected">),
      FullyConnected<Ends, float>::kernel(name<"f16-f32", "fully-connected">)};
#if RIFFLE_HAS_ELEMENTWISE
  static constexpr std::array elementwise = {Elementwise<S>::kernel(name<"f16", "elementwise">)};
#endif
#if RIFFLE_HAS_REARRANGE
  static constexpr std::array rearrange = {Rearranging<S, Half>::kernel(name<"f16", "rearrange">),
                                           Rearranging<S, float, Half>::kernel(name<"f32-f16", "rearrange">),
                                           Rearranging<S, Half, float>::kernel(name<"f16-f32", "rearrange">)};
#endif
};

/// The rows of bf16, where an instruction set has its dot products: layers of many inputs multiply by them. The others
/// have weights of floats. Softmax and functions are the floats' instruction set's (serves_bfloats).
template <class S>
struct BfloatRowsOf : NoRows {
  static constexpr int rows = S::tile_rows(S::max_vectors), columns = S::max_vectors * S::lanes;
  template <Text Types, Text Operation, int Rows = 0, int Columns = 0>
  static constexpr const char* name = KernelName<S, Types, Operation, Rows, Columns>::value.data();

  static constexpr std::array pointwise = {PointwiseDots<S>::kernel(name<"bf16", "pointwise", rows, columns>)};
  static constexpr std::array depthwise = {Depthwise<S>::kernel(name<"bf16-f32-bf16", "depthwise">)};
#if RIFFLE_HAS_CONVOLUTION
  static constexpr std::array convolution = {ConvolutionDots<S>::kernel(name<"bf16", "convolution", rows, columns>)};
#endif
  /// Where dot products do not come in pairs of pixels, the way of the few taps to them is longer than the
  /// multiply-adds of floats.
  static constexpr auto stem = [] {
    if constexpr (DotTiles<S>::by_pairs) {
      return std::array{StemDots<S>::kernel(name<"bf16", "stem">),
                        StemDots<S, float>::kernel(name<"f32-bf16", "stem">)};
    } else {
      return std::array{Stem<S>::kernel(name<"bf16-f32-bf16", "stem">),
                        Stem<S, float>::kernel(name<"f32-bf16", "stem">)};
    }
  }();
  static constexpr std::array pool = {Pooling<S>::kernel(name<"bf16", "pool">)};
  static constexpr std::array fully_connected = {FullyConnected<S>::kernel(name<"bf16", "fully-connected">),
                                                 FullyConnected<S, float>::kernel(name<"bf16-f32", "fully-connected">)};
#if RIFFLE_HAS_ELEMENTWISE
  static constexpr std::array elementwise = {Elementwise<S>::kernel(name<"bf16", "elementwise">)};
#endif
#if RIFFLE_HAS_REARRANGE
  static constexpr std::array rearrange = {Rearranging<S, Bfloat>::kernel(name<"bf16", "rearrange">),
                                           Rearranging<S, float, Bfloat>::kernel(name<"f32-bf16", "rearrange">),
                                           Rearranging<S, Bfloat, float>::kernel(name<"bf16-f32", "rearrange">)};
#endif
};

template <class S>
constexpr Type type_of_numbers = [] {
  if constexpr (requires { S::byte_type; }) {
    return S::byte_type;
  } else {
    return S::type;
  }
}();

template <class S, class Rows>
constexpr Kernels make_table(bool (*supported)()) {
  return {.isa = S::name,
          .type = type_of_numbers<S>,
          .lanes = S::lanes,
          .supported = supported,
          .rows = {Rows::pointwise, Rows::depthwise, Rows::convolution, Rows::stem, Rows::pool, Rows::fully_connected,
                   Rows::elementwise, Rows::softmax, Rows::pixels, Rows::resize, Rows::rearrange, Rows::convert,
                   Rows::function, Rows::frame, Rows::reduce}};
}

template <class S>
constexpr Kernels make_table(bool (*supported)()) {
  return make_table<S, RowsOf<S>>(supported);
}

}  // namespace riffle::kernels
