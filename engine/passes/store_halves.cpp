#include <algorithm>
#include <cmath>

#include "engine/passes/passes.hpp"

namespace riffle::passes {
namespace {

constexpr float largest_half = 65504;

/// Nothing where a number is too large, or none at all.
std::optional<graph::Constant> as_halves(const graph::Constant& constant) {
  const kernels::Weights from = constant.factors();
  if (!std::ranges::all_of(from.values, [](float x) { return std::abs(x) <= largest_half; })) return std::nullopt;
  auto halves = std::make_shared<std::vector<std::uint16_t>>();
  halves->reserve(from.values.size());
  for (const float x : from.values) halves->push_back(kernels::to_f16(x));
  const auto bytes = std::as_bytes(std::span(*halves));
  graph::Constant result(Type::f16, bytes, std::move(halves));
  if (from.row_scale.empty()) return result;
  return result.scaled({from.row_scale.begin(), from.row_scale.end()});
}

}  // namespace

std::vector<std::string> store_halves(Graph& graph) {
  std::vector<std::string> left;
  for (graph::Node& node : graph.nodes) {
    auto* const convolution = std::get_if<graph::Convolution>(&node.operation);
    auto* const layer = std::get_if<graph::FullyConnected>(&node.operation);
    if (convolution == nullptr && layer == nullptr) continue;
    graph::Constant& weights = convolution != nullptr ? convolution->weights : layer->weights;
    if (weights.type() != Type::f32) continue;
    if (auto halves = as_halves(weights)) {
      weights = std::move(*halves);
    } else {
      left.push_back(node.name);
    }
  }
  return left;
}

}  // namespace riffle::passes
