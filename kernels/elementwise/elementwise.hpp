// Two operands, or one, on channel runs: out[p][c] = clamp(a[p][c] op b[p][c]), or clamp(a[p][c]) where there is no b.
//
// This is what remains where nothing could be fused, and the copy that a network outside the family needs when a
// shuffle reaches its output. a and b are cut alike: piece i of `a` and piece i of `b` have the same channels and land
// at a[i].output_channel, or one of them has one channel, which counts for all of the other's. Which pixels of an
// operand there are say its PixelSteps. Of bytes, which are not divided and have no powers, out =
// clamp(round(((a - zeros.input) op (b - zeros.residual)) * factor)) + zeros.output, where the bracket is an integer
// and the product is f32. Reads nothing outside the runs; writes exactly their channels.
#pragma once

#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

/// Division and power are IEEE's; a NaN in either operand of a maximum or minimum is one of the result.
enum class BinaryKind : std::uint8_t { add, subtract, multiply, divide, maximum, minimum, power };

/// Of an operand, the pixel that belongs to the result's pixel (y, x): y * row + x * column.
struct PixelSteps {
  std::int32_t row = 0, column = 1;
};

struct ElementwiseArgs {
  std::int32_t pixels = 0;
  /// In a row of the result; as many as there are where no operand's rows count apart from its columns.
  std::int32_t width = std::numeric_limits<std::int32_t>::max();
  BinaryKind kind = BinaryKind::add;
  const ChannelwiseRun* a = nullptr;
  const ChannelRun* b = nullptr;  ///< null, or run_count runs
  std::int32_t run_count = 0;
  PixelSteps a_steps, b_steps;
  Clamp clamp;
  ZeroPoints zeros = {};  ///< of bytes: a's, b's, the result's
  float factor = 1.0F;    ///< of bytes
  Block output;
  std::int32_t tile_pixels = 0;
  std::int32_t tiles = 0;  ///< ceil(pixels / tile_pixels)
};

struct ElementwiseKernel {
  static constexpr std::string_view operation = "elementwise";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  void (*run)(const ElementwiseArgs&, const Addresses&, TileRange) = nullptr;
};

/// The equation.
double reference_of(BinaryKind kind, double a, double b);

/// How many of the result's channels a piece makes.
RIFFLE_INLINE std::int32_t channels_of(const ElementwiseArgs& args, std::int32_t piece) {
  const std::int32_t a = args.a[piece].input.channels, b = args.b == nullptr ? a : args.b[piece].channels;
  return a > b ? a : b;
}

void elementwise_reference(const ElementwiseArgs& args, const Addresses& memory);

}  // namespace riffle::kernels
