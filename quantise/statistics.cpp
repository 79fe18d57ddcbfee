#include "quantise/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "quantise/parallel.hpp"

namespace riffle::quantise {
namespace {

/// What is beyond every number, on either side.
constexpr float beyond_all = std::numeric_limits<float>::infinity();

/// Of every `step`-th picture of all peers, each channel's, without the most extreme `tail` of its numbers. The most
/// extreme of all are among each peer's most extreme.
std::vector<Range> ranges_of(const Walk& walk, const Planes& result, std::int64_t step, double tail) {
  const auto pictures = static_cast<double>((walk.count_of_all() + step - 1) / step);
  const auto out = static_cast<std::ptrdiff_t>(pictures * static_cast<double>(result.shape.pixels()) * tail);
  const auto channels = static_cast<std::size_t>(result.shape.c), kept = static_cast<std::size_t>(out) + 1;
  // By channel, the least numbers and the greatest.
  std::vector<float> least(channels * kept, beyond_all), most(channels * kept, -beyond_all);
  for_each_index(result.shape.c, walk.threads(), [&](std::int64_t c, int) {
    std::vector<float> numbers;
    const std::int64_t first = (step - walk.first() % step) % step;  // of own ones
    for (std::int64_t n = first; n < walk.count(); n += step) {
      const std::span<const float> plane = result.plane(n, static_cast<std::int32_t>(c));
      numbers.insert(numbers.end(), plane.begin(), plane.end());
    }
    const auto to = static_cast<std::size_t>(c) * kept, count = std::min(kept, numbers.size());
    const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(count);
    const auto keep = [&](std::vector<float>& kept_ones) {
      std::copy(numbers.begin(), middle, kept_ones.begin() + static_cast<std::ptrdiff_t>(to));
    };
    std::nth_element(numbers.begin(), middle, numbers.end());
    keep(least);
    std::nth_element(numbers.begin(), middle, numbers.end(), std::greater());
    keep(most);
  });
  least = gathered(walk.peers(), std::move(least));
  most = gathered(walk.peers(), std::move(most));

  std::vector<Range> ranges(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const auto edge = [&](const std::vector<float>& all, auto comes_first) {
      std::vector<float> numbers;
      for (std::size_t i = c * kept; i < all.size(); i += channels * kept) {
        numbers.insert(numbers.end(), all.begin() + static_cast<std::ptrdiff_t>(i),
                       all.begin() + static_cast<std::ptrdiff_t>(i + kept));
      }
      std::nth_element(numbers.begin(), numbers.begin() + out, numbers.end(), comes_first);
      return static_cast<double>(numbers[static_cast<std::size_t>(out)]) + 0.0;  // of the zeros the positive one
    };
    ranges[c] = {edge(least, std::less()), edge(most, std::greater())};
  }
  return ranges;
}

}  // namespace

Statistics collect(const graph::Graph& graph, const Samples& samples, double tail, int threads,
                   const std::function<void(double)>& progress) {
  const std::size_t size = graph.nodes.size();
  Statistics statistics{Ranges(size), Ranges(size), graph::ById<std::optional<Layer>>(size)};
  Walk walk(graph, samples, threads);
  while (!walk.is_done()) {
    const graph::NodeId id = walk.step();
    progress(static_cast<double>(id) / static_cast<double>(graph.nodes.size()));
    if (!walk.lowered().computes[id]) continue;
    for (const float x : walk.result(id).numbers) {
      if (!std::isfinite(x)) {
        throw Error({"node ", id, " '", graph.nodes[id].name, "' (", graph::operation_name(graph.nodes[id].operation),
                     "): its results are not finite on the calibration data; check the model's weights, and that the "
                     "pictures are normalised as it wants them"});
      }
    }
    statistics.ranges[id] = ranges_of(walk, walk.result(id), 1, tail);
    statistics.ranges_of_half[id] = ranges_of(walk, walk.result(id), 2, tail);
    if (graph.nodes[id].inputs.empty()) continue;
    auto matrix = matrix_of(graph.nodes[id].operation, walk.shapes()[graph.nodes[id].inputs[0]]);
    if (!matrix) continue;
    Layer& layer = statistics.layers[id].emplace();
    layer.patches = patches_of(walk, id, *matrix);
    if (!matrix->is_average) layer.means = column_means(walk, id, *matrix);
    layer.matrix = std::move(*matrix);
    graph::for_each_constant(graph.nodes[id].operation,
                             [&](std::string_view word, const graph::Constant& constant, const graph::Extents&) {
                               if (word == "bias")
                                 layer.bias.assign(constant.values().begin(), constant.values().end());
                             });
    if (graph.nodes[id].inputs.size() == 1) layer.bounds = graph::fused_activation(graph.nodes[id].operation)->bounds;
  }
  return statistics;
}

}  // namespace riffle::quantise
