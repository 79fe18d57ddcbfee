#include "quantise/statistics.hpp"

#include <algorithm>
#include <cmath>

#include "quantise/parallel.hpp"

namespace riffle::quantise {
namespace {

Range range_of(std::vector<float>& numbers, double tail) {
  const auto out = static_cast<std::ptrdiff_t>(static_cast<double>(numbers.size()) * tail);
  const auto least = numbers.begin() + out, most = numbers.end() - 1 - out;
  std::nth_element(numbers.begin(), least, numbers.end());
  const float lower = *least;
  std::nth_element(numbers.begin(), most, numbers.end());
  return {static_cast<double>(lower), static_cast<double>(*most)};
}

/// Of every `step`-th sample.
std::vector<Range> ranges_of(const Planes& result, std::int64_t count, std::int64_t step, double tail, int threads) {
  std::vector<Range> ranges(static_cast<std::size_t>(result.shape.c));
  for_each_index(result.shape.c, threads, [&](std::int64_t c, int) {
    std::vector<float> numbers;
    for (std::int64_t n = 0; n < count; n += step) {
      const std::span<const float> plane = result.plane(n, static_cast<std::int32_t>(c));
      numbers.insert(numbers.end(), plane.begin(), plane.end());
    }
    ranges[static_cast<std::size_t>(c)] = range_of(numbers, tail);
  });
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
    statistics.ranges[id] = ranges_of(walk.result(id), samples.count, 1, tail, threads);
    statistics.ranges_of_half[id] = ranges_of(walk.result(id), samples.count, 2, tail, threads);
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
