// From an instruction set's struct to its table of kernels.
#pragma once

#include <array>
#include <cstddef>

#include "kernels/convolution/convolution_body.hpp"
#include "kernels/depthwise/depthwise_body.hpp"
#include "kernels/elementwise/elementwise_body.hpp"
#include "kernels/frame/frame_body.hpp"
#include "kernels/fully_connected/fully_connected_body.hpp"
#include "kernels/kernels.hpp"
#include "kernels/planes/planes_body.hpp"
#include "kernels/pointwise/pointwise_body.hpp"
#include "kernels/pool/pool_body.hpp"
#include "kernels/softmax/softmax_body.hpp"
#include "kernels/stem/stem_body.hpp"

namespace riffle::kernels {

/// A kernel's name, put together when it is compiled: "f32-<operation>[-<rows>x<columns>]-<instruction set>".
template <std::size_t N>
struct Text {
  char letters[N];
  constexpr Text(const char (&text)[N]) {  // NOLINT: a string literal is meant to convert
    for (std::size_t i = 0; i < N; ++i) letters[i] = text[i];
  }
};

template <class S, Text Operation, int Rows = 0, int Columns = 0>
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
    text("f32-");
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

/// The operations that a build may leave out (RIFFLE_OPERATIONS) have no kernel then, and no code.
template <class S>
constexpr Kernels make_table(bool (*supported)()) {
  constexpr int rows = S::tile_rows(S::max_vectors), columns = S::max_vectors * S::lanes;
  return {
      .isa = S::name,
      .lanes = S::lanes,
      .supported = supported,
      .pointwise = Pointwise<S>::kernel(KernelName<S, "pointwise", rows, columns>::value.data()),
      .depthwise = Depthwise<S>::kernel(KernelName<S, "depthwise">::value.data()),
#ifdef RIFFLE_HAS_CONVOLUTION
      .convolution = Convolution<S>::kernel(KernelName<S, "convolution", rows, columns>::value.data()),
#endif
      .stem = Stem<S>::kernel(KernelName<S, "stem">::value.data()),
      .pool = Pooling<S>::kernel(KernelName<S, "pool">::value.data()),
      .fully_connected = FullyConnected<S>::kernel(KernelName<S, "fully-connected">::value.data()),
#ifdef RIFFLE_HAS_ELEMENTWISE
      .elementwise = Elementwise<S>::kernel(KernelName<S, "elementwise">::value.data()),
#endif
#ifdef RIFFLE_HAS_SOFTMAX
      .softmax = Softmax<S>::kernel(KernelName<S, "softmax">::value.data()),
#endif
      .planes = Planes<S>::kernel(KernelName<S, "planes">::value.data()),
#ifdef RIFFLE_HAS_FRAME
      .frame = FrameReader<S>::kernel(KernelName<S, "frame">::value.data()),
#endif
  };
}

}  // namespace riffle::kernels
