// What a quantised node computes, to the same bits on every machine.
//
// A node with a `quantization` makes integers: of the real number x that its equation gives
//
//   q = saturate(round(x / scale) + zero_point)       0 to 255; round: to nearest, ties to even
//
// and whoever reads it reads the integer q - zero_point, which is at least -zero_point and at most 255 - zero_point.
// What an integer is worth outside the network nobody needs to know: each channel may have a scale of its own, for the
// weights that read it are multiplied by that scale before they are quantised. So the numbers of different producers
// can stand side by side, and no shuffle, split or concatenation has anything to rescale; and a zero point of 0 is a
// ReLU. (Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference",
// 2018, with the scales of the activations moved into the weights.)
//
// Of what a node reads, all channels are integers or none is. Where they are:
//
// - Convolution, fully connected layer: the weights w are of i8, with a factor m a row. In integers of 32 bits
//   acc = round(bias / m) + sum w * x, where what lies outside the image is 0; then y = m * acc, both as f32, rounded
//   once. Where the layer is quantised it has a scale of 1. A convolution's residual r joins behind the rounding: q =
//   saturate(round(y) + r + zero_point), where round(y) is kept within 16 bits. Where it is not quantised its results
//   are y, real numbers, of which its activation is a function as of any others; there is no residual then.
// - What chooses among the numbers of its operand, a maximum over windows, resizing by the nearest, cropping, padding:
//   the integers themselves, with the operand's zero point and a scale of 1. Padding's own number is rounded.
// - A mean's x / scale is the exact sum times 1 / (scale * count), as f32. Linear resizing's likewise, whose weights
// are
//   whole 128ths of a row times whole 128ths of a column.
// - Sum, difference, product, maximum, minimum of two tensors: x / scale is the exact result times 1 / scale, as f32.
// - Activation: x is the integer; without a quantization the integers become real numbers. It has no bounds, and no
//   function but a table.
//
// The bounds of a quantised node's activation hold for x / scale, and are rounded first, so that they are integers. The
// function of one that reads integers is a table: of the integer q' that all of this gives with the table's own zero
// point a in place of the node's, the result is q = table[q'].
//
// Where what a node reads are real numbers, only an input, a literal and an activation can be quantised: x / scale in
// f32, and then there is no function. The caller of a quantised input brings f32, or the bytes themselves (u8, with the
// same scale and zero point); the caller of a quantised output gets f32, q - zero_point, or the bytes.
#pragma once

#include "engine/graph/graph.hpp"

namespace riffle::graph {

/// What somebody who reads a node reads.
struct NumbersRead {
  bool integers = false;
  std::optional<std::int32_t> zero_point = {};  ///< of all channels' nodes, where it is one
};

/// Of every node, those that move channels as well. The graph verifies.
ById<NumbersRead> numbers_read(const Graph& graph);

/// Is any node quantised?
bool is_quantised(const Graph& graph);

/// Throws Error naming the node for which one of the rules above does not hold, or whose sums do not fit 32 bits.
void check_quantization(const Graph& graph, const ById<Shape>& shapes);

/// The least and the largest integer of a quantised node's result, or of what its table is of: what a byte holds, and
/// the activation's bounds.
struct IntegerBounds {
  std::int32_t lower = 0, upper = 0;
};
/// Is the node's function a table of integers?
bool has_table(const Node& node);
/// The zero point of a quantised node's result, or of what its table is of.
std::int32_t zero_before_table(const Node& node);
IntegerBounds integer_bounds(const Node& node);

/// What a node computes of integers that it reads, but for its activation, is one of them, or none where it pads.
bool chooses_numbers(const Operation& operation);

/// The kinds of Binary that integers have.
bool is_of_integers(BinaryKind kind);

/// What padding with a number brings: the integer.
std::int32_t padded_with(const Pad& pad, std::int32_t zero_point);

/// round(bias / factor) of each output of a layer that reads integers, 0 where there is no bias.
std::vector<std::int32_t> integer_bias(const Constant& weights, const Constant& bias);

/// Is it a positive number that f32 has room for, as scales and factors are?
bool is_scale(double x);

/// Integers of 32 bits as f32, and a factor of them, in the order that every kernel keeps to.
inline float requantised(std::int32_t sum, float factor) { return static_cast<float>(sum) * factor; }

/// Nearest, ties to even, within [least, most]; a NaN is the least.
std::int32_t rounded(float x, std::int32_t least, std::int32_t most);

}  // namespace riffle::graph
