// From a model's QuantizeLinear and DequantizeLinear to a network in floats, and the ranges that its tensors are
// within.
#pragma once

#include <vector>

#include "engine/graph/graph.hpp"
#include "io/onnx/integers.hpp"

namespace riffle::onnx {

/// A quantised model as a network in floats, in which nothing is rounded but weights. What computes a tensor that the
/// model quantises has an activation behind it, whose bounds are the least and the largest number that the integers
/// stand for.
struct Ranged {
  graph::Graph graph;
  std::vector<kernels::Clamp> inputs;  ///< the same of the inputs, which have no activation; infinite where unknown
};

/// The finished graph of one that verifies. Throws Error where an output is integers that layers read.
Ranged in_floats(const graph::Graph& graph, const Conversions& conversions);

}  // namespace riffle::onnx
