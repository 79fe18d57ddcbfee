#include "quantise/pixels.hpp"

#include <algorithm>
#include <cmath>

#include "engine/graph/quantization.hpp"
#include "engine/passes/passes.hpp"
#include "quantise/agreement.hpp"

namespace riffle::quantise {
namespace {

using graph::Graph;

/// A channel's number is step * (p - mean) of a pixel p, 0 to 255.
struct PixelChannel {
  double step = 1.0, mean = 0.0;
};

std::vector<PixelChannel> channels_of(const Graph& graph) {
  std::vector<PixelChannel> channels;
  for (std::int32_t c = 0; c < graph.input_shape().c; ++c) {
    const auto mean = static_cast<double>(graph.preprocessing->mean_of(c));
    const auto deviation = static_cast<double>(graph.preprocessing->deviation_of(c));
    channels.push_back({1.0 / (255.0 * deviation), 255.0 * mean});
  }
  return channels;
}

std::int32_t zero_point_of(const std::vector<PixelChannel>& channels) {
  double sum = 0.0;
  for (const PixelChannel& channel : channels) sum += channel.mean;
  return static_cast<std::int32_t>(std::clamp(std::nearbyint(sum / static_cast<double>(channels.size())), 0.0, 255.0));
}

/// Has the layer compute of p - zero_point what it did of the channels' numbers.
void read_pixels(graph::Convolution& layer, const std::vector<PixelChannel>& channels, std::int32_t zero_point) {
  const auto outputs = static_cast<std::size_t>(layer.outputs), groups = static_cast<std::size_t>(layer.groups);
  const std::size_t columns = layer.weights.size() / outputs, inputs = channels.size() / groups;
  std::vector<float> weights(layer.weights.values().begin(), layer.weights.values().end());
  std::vector<float> bias(outputs, 0.0F);
  std::ranges::copy(layer.bias.values(), bias.begin());
  for (std::size_t o = 0; o < outputs; ++o) {
    const std::size_t group = o / (outputs / groups);
    double sum = static_cast<double>(bias[o]);
    for (std::size_t k = 0; k < columns; ++k) {
      const PixelChannel& channel = channels[group * inputs + k / (columns / inputs)];
      float& weight = weights[o * columns + k];
      const double scaled = static_cast<double>(weight) * channel.step;
      sum += scaled * (zero_point - channel.mean);
      weight = static_cast<float>(scaled);
    }
    bias[o] = static_cast<float>(sum);
  }
  layer.weights = graph::Constant(std::move(weights));
  layer.bias = graph::Constant(std::move(bias));
}

/// Nothing that on_pixels() refuses for another reason than who reads the input.
void check(const Graph& graph) {
  if (graph::is_quantised(graph)) throw Error("the network is quantised already; take the one that it was made from");
  if (graph.input_count() != 1) {
    throw Error({"pixels: the network has ", graph.input_count(), " inputs; it takes one, of pictures"});
  }
  if (graph.input().type != Type::f32)
    throw Error("pixels: the network's input is not f32, as normalised pictures are");
  if (!graph.preprocessing) {
    throw Error(
        "pixels: the network does not say how its pictures are normalised, which is to go into its weights; give it a "
        "mean and a deviation (0 and 1 where it takes pixels / 255)");
  }
  graph::check_metadata(graph);
}

}  // namespace

Graph on_pixels(Graph graph) {
  passes::optimise(graph);
  check(graph);
  const auto refuse = [&](std::initializer_list<Piece> what) {
    throw Error({"pixels: the input '", graph.nodes[0].name, "' ", joined(what),
                 "; normalisation goes into the weights of convolutions alone"});
  };
  const std::vector<PixelChannel> channels = channels_of(graph);
  const std::int32_t zero_point = zero_point_of(channels);
  bool is_read = false;
  for (graph::Node& node : graph.nodes) {
    if (std::ranges::count(node.inputs, 0) == 0) continue;
    if (!multiplies(node, 0)) refuse({"is read by '", node.name, "' (", graph::operation_name(node.operation), ")"});
    read_pixels(std::get<graph::Convolution>(node.operation), channels, zero_point);
    is_read = true;
  }
  if (!is_read) refuse({"is read by nothing"});
  if (std::ranges::count(graph.outputs, 0, &graph::Output::node) > 0) refuse({"is an output"});

  auto& input = std::get<graph::Input>(graph.nodes[0].operation);
  input.type = Type::u8;
  input.quantization = {1.0F, zero_point};
  graph.preprocessing->mean = {0.0F};
  graph.preprocessing->deviation = {graph::Preprocessing::of_pixels};
  return graph;
}

}  // namespace riffle::quantise
