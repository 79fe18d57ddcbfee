// What a graph means: its equations as plain loops in double, without a pass, a plan or a packed weight. The first
// witness of every other way to run it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/graph.hpp"

namespace riffle::verify {

/// What a node makes of a batch: (batch, H, W, C), in double.
struct Tensor {
  graph::Shape shape;
  std::int64_t batch = 0;
  std::vector<double> values;

  /// How far from `values` the same sums in float32, in any order, can be: the operands' errors times the largest sum
  /// of weights, and what rounding the terms adds. Infinite where a number or a sum of terms is no float32.
  double error = 0.0;

  Tensor(const graph::Shape& one_image, std::int64_t images)
      : shape(one_image), batch(images), values(static_cast<std::size_t>(images * one_image.size()), 0.0) {}

  [[nodiscard]] double& at(std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t c) {
    return values[static_cast<std::size_t>(((n * shape.h + y) * shape.w + x) * shape.c + c)];
  }
  [[nodiscard]] double at(std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t c) const {
    return const_cast<Tensor*>(this)->at(n, y, x, c);
  }
};

/// Weights, biases, and batch norm's scales and shifts in double, by node and by PyTorch's word for them: "weight" (a
/// scale, too), "bias" (a shift).
using Parameters = std::map<std::pair<graph::NodeId, std::string>, std::vector<double>>;

/// Those of a graph.
Parameters parameters_of(const graph::Graph& graph);

struct Interpretation {
  bool training = false;                   ///< batch norm is by the batch's mean and variance, not by the running ones
  const Parameters* parameters = nullptr;  ///< all of them, in place of the graph's
};

/// Every node's tensor. inputs[i]: what the caller's numbers for input i stand for, whatever their type,
/// arranged as the input says, (batch, C, H, W) where it says nothing. Throws Error if the graph does not verify.
graph::ById<Tensor> interpret(const graph::Graph& graph, std::span<const std::vector<float>> inputs, std::int64_t batch,
                              const Interpretation& how = {});

/// The same of a graph with one input.
graph::ById<Tensor> interpret(const graph::Graph& graph, std::span<const float> images, std::int64_t batch,
                              const Interpretation& how = {});

/// The tensor as the caller of a session sees it.
std::vector<double> arranged(const Tensor& tensor, const graph::Arrangement& arrangement);
/// The same where nothing else is said: (batch, C, H, W).
inline std::vector<double> planes(const Tensor& tensor) { return arranged(tensor, {}); }

}  // namespace riffle::verify
