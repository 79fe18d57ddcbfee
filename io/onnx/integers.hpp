// From a model's QuantizeLinear and DequantizeLinear to a quantised graph (engine/graph/quantization.hpp).
//
// The importer leaves both as nodes of their own, and everything in between computes in float, as the model says. Here
// layers get to read the integers themselves wherever there is a quantised node that computes the same. A tensor of
// the model is a scale times the integers of a node; the scale goes into the factors of the weights that read it:
//
//   factor[o] = scale_in * scale_weight[o] / scale_out          in float, in this order, as ONNX Runtime does
//
// so that the integers are those of a runtime that computes them in integers. What finds no such node stays float.
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/graph/graph.hpp"

namespace riffle::onnx {

/// What nodes of an unfinished graph stand for, all of them activations of kind none without a quantization.
struct Conversions {
  std::unordered_map<graph::NodeId, float> dequantised;  ///< this scale times the integers that they read
  std::unordered_set<graph::NodeId> rounded;             ///< to whole numbers, by Round
  /// What stands in a table for the bytes of the quantised node that they read: 256 numbers, or so many a channel.
  std::unordered_map<graph::NodeId, std::vector<float>> looked_up;
  [[nodiscard]] bool empty() const { return dequantised.empty() && rounded.empty() && looked_up.empty(); }
};

/// The finished graph of one that verifies. Throws Error where a Round is neither of integers nor what rounds a
/// convolution before its residual, and where what is looked up is not quantised.
graph::Graph in_integers(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes,
                         const Conversions& conversions);

}  // namespace riffle::onnx
