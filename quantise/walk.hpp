// A network run node by node, each on all pictures before the next: so that what a node computes can be looked at, and
// the node behind it changed, before it is computed. Of several processes each computes its own pictures.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/graph/quantization.hpp"
#include "engine/passes/lower_channels.hpp"
#include "quantise/quantise.hpp"

namespace riffle::quantise {

/// What a node computes of the pictures: planes (N, C, H, W). Integers, q - zero_point, stand as floats.
struct Planes {
  graph::Shape shape;
  std::vector<float> numbers;

  /// Channel c of picture n.
  [[nodiscard]] std::span<const float> plane(std::int64_t n, std::int32_t c) const {
    const auto pixels = static_cast<std::size_t>(shape.pixels());
    return std::span(numbers).subspan(static_cast<std::size_t>(n * shape.c + c) * pixels, pixels);
  }
};

/// Layers are computed by the engine, in floats: so are integers, which are exact as long as sums have 24 bits; beyond
/// that they are near enough for statistics.
class Walk {
 public:
  /// The graph verifies. Its nodes may change until they are computed, but not what they read, nor what shape they
  /// have. All of them outlive the walk.
  Walk(const graph::Graph& graph, const Samples& samples, int threads);

  /// Computes the next node, and forgets tensors that nobody reads any more, but for those that it has read. Returns
  /// its id; of a node that only moves channels there is nothing to compute.
  graph::NodeId step();
  [[nodiscard]] bool is_done() const { return next_ == graph_.nodes.end_id(); }
  [[nodiscard]] graph::NodeId next() const { return next_; }

  /// Of a node that was computed and is not forgotten; outputs of the graph never are.
  [[nodiscard]] const Planes& result(graph::NodeId node) const { return results_[node]; }

  /// An operand's channels, by name, of a node whose operands are not forgotten: the one that step() computes next or
  /// has just computed.
  [[nodiscard]] const passes::ChannelList& operand(graph::NodeId node, std::size_t i = 0) const {
    return lowered_.operands[node][i];
  }
  /// Plane n of a channel by name.
  [[nodiscard]] std::span<const float> plane(const passes::Channel& channel, std::int64_t n) const {
    return results_[channel.node].plane(n, channel.index);
  }
  [[nodiscard]] const passes::LoweredChannels& lowered() const { return lowered_; }
  [[nodiscard]] const graph::ById<graph::Shape>& shapes() const { return shapes_; }
  [[nodiscard]] std::int64_t count() const { return samples_.count; }
  /// Of all peers together, and where this one's own begin among them.
  [[nodiscard]] std::int64_t count_of_all() const { return count_of_all_; }
  [[nodiscard]] std::int64_t first() const { return first_; }
  [[nodiscard]] const Peers& peers() const { return samples_.peers; }
  [[nodiscard]] int threads() const { return threads_; }

 private:
  void compute(graph::NodeId id);

  const graph::Graph& graph_;
  const Samples& samples_;
  int threads_;
  std::int64_t first_ = 0, count_of_all_ = 0;
  graph::ById<graph::Shape> shapes_;
  graph::ById<graph::NumbersRead> read_;
  passes::LoweredChannels lowered_;
  graph::ById<graph::NodeId> last_reader_;
  graph::ById<Planes> results_;
  graph::NodeId next_ = 0;
};

/// By node that computes something, which node reads it last; the graph's end where it is an output.
graph::ById<graph::NodeId> last_readers(const graph::Graph& graph, const passes::LoweredChannels& lowered);

}  // namespace riffle::quantise
