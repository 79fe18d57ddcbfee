// Random valid graphs over every kind of node, for tests that hold different ways to run one graph against each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/graph/graph.hpp"

namespace riffle::verify {

/// Whole numbers that are the same for the same seed on every machine (splitmix64; the standard library's distributions
/// are not).
class Random {
 public:
  explicit Random(std::uint64_t seed);
  /// 0 to count - 1; count is at least 1.
  std::int32_t below(std::int32_t count);
  /// first to last, both included.
  std::int32_t between(std::int32_t first, std::int32_t last) { return first + below(last - first + 1); }
  bool chance(std::int32_t percent) { return below(100) < percent; }
  /// -1 to 1.
  float real();

 private:
  std::uint64_t next();
  std::uint64_t state_;
};

/// The graph of that seed: it verifies, has a few nodes, and takes at most some million multiply-adds. Splits,
/// shuffles, concatenations and choices of channels stand between layers of every kind, some of whose results have
/// several readers or none; a few tensors are large enough for what plans do with large ones. Most graphs have one
/// input and one output, of f32; others several, of any type.
graph::Graph random_graph(std::uint64_t seed);

/// What a caller brings: batch images for each of the graph's inputs, as it is now, (batch, C, H, W) of its type; of
/// numbers in -1 to 1, as far as the type has them.
std::vector<std::vector<std::byte>> random_inputs(const graph::Graph& graph, std::int64_t batch, std::uint64_t seed);

}  // namespace riffle::verify
