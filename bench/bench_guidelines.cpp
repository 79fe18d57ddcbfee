// guideline/<number>/<row>/<column>/<channels>: the four experiments behind ShuffleNet V2's guidelines (arXiv
// 1807.11164, tables 1 to 4), on one thread. bench/guidelines.py makes the tables of them.
//
// As in the paper a block is stacked ten times at 56x56, and a table's rows cost about the same multiply-adds. What the
// paper leaves open is chosen here: convolutions have a bias, which stands for a folded batch norm, and an activation
// only where the table is about it. Three input channels become the first block's by a pointwise convolution, and the
// last block's results are averaged: without that, the rows would differ by what their input and output cost.
#include <benchmark/benchmark.h>

#include <array>
#include <variant>
#include <vector>

#include "bench/networks.hpp"
#include "models/builder.hpp"

namespace riffle::bench {

namespace {

using graph::NodeId;
using models::NetworkBuilder;

/// Appends a block that reads `input`, its nodes named "<prefix>....", and returns its result.
using Block = std::function<NodeId(NetworkBuilder& build, NodeId input, const std::string& prefix)>;

/// Blocks read and write `channels`.
Network stacked(std::string name, std::int32_t channels, Block block) {
  return {std::move(name), [channels, block = std::move(block)](const models::WeightSource& weights) {
            graph::Graph graph;
            NetworkBuilder build(graph, weights);
            NodeId y = graph.add("input", graph::Input{{56, 56, 3}});
            y = build.convolution(y, "stem", {.inputs = 3, .outputs = channels, .bias = true});
            for (int i = 0; i < 10; ++i) y = block(build, y, "blocks." + std::to_string(i));
            graph.outputs = {{graph.add("mean", graph::GlobalAveragePool{}, {y})}};
            return graph;
          }};
}

std::string name_of(int guideline, const std::string& row, const std::string& column, const std::string& channels) {
  return "guideline/" + std::to_string(guideline) + "/" + row + "/" + column + "/" + channels;
}

std::string c_is(std::int32_t channels) { return "c:" + std::to_string(channels); }

NodeId pointwise(NetworkBuilder& build, NodeId input, const std::string& name, std::int32_t inputs,
                 std::int32_t outputs, std::int32_t groups = 1) {
  return build.convolution(input, name, {.inputs = inputs, .outputs = outputs, .groups = groups, .bias = true});
}

/// Guideline 1, equal channel widths: pointwise to c2 channels, pointwise back to c1.
Network ratio(const std::string& column, const std::string& row, std::int32_t c1, std::int32_t c2) {
  const std::string channels = "c1:" + std::to_string(c1) + ",c2:" + std::to_string(c2);
  return stacked(name_of(1, row, column, channels), c1,
                 [c1, c2](NetworkBuilder& build, NodeId x, const std::string& prefix) {
                   const NodeId y = pointwise(build, x, prefix + ".0", c1, c2);
                   return pointwise(build, y, prefix + ".1", c2, c1);
                 });
}

/// Guideline 2, group convolution: one in `groups` groups; as in ShuffleNet V1 with a shuffle behind it, or without.
Network grouped(const std::string& column, std::int32_t groups, std::int32_t c, bool shuffled) {
  const std::string row = "g:" + std::to_string(groups) + (shuffled ? "+shuffle" : "");
  return stacked(name_of(2, row, column, c_is(c)), c,
                 [c, groups, shuffled](NetworkBuilder& build, NodeId x, const std::string& prefix) {
                   const NodeId y = pointwise(build, x, prefix + ".0", c, c, groups);
                   return shuffled ? build.shuffle(y, prefix + ".shuffle", c, groups) : y;
                 });
}

/// Guideline 3, fragmentation: pointwise convolutions one behind the other, or beside each other, in which case their
/// results are added up or concatenated.
enum class Fragments { series, added, concatenated };

Network fragmented(const std::string& column, std::int32_t fragments, Fragments kind, std::int32_t c) {
  std::string row = std::to_string(fragments) + "-fragment";
  if (fragments > 1) row += kind == Fragments::series ? "-series" : "-parallel";
  if (kind == Fragments::concatenated) row += "-concat";
  return stacked(name_of(3, row, column, c_is(c)), c,
                 [c, fragments, kind](NetworkBuilder& build, NodeId x, const std::string& prefix) {
                   const std::int32_t outputs = kind == Fragments::concatenated ? c / fragments : c;
                   NodeId result = x;
                   for (std::int32_t i = 0; i < fragments; ++i) {
                     const std::string name = prefix + "." + std::to_string(i);
                     const NodeId read = kind == Fragments::series ? result : x;
                     const NodeId y = pointwise(build, read, name, c, outputs);
                     if (i == 0 || kind == Fragments::series) {
                       result = y;
                     } else if (kind == Fragments::added) {
                       result = build.add(result, y, name + ".add");
                     } else {
                       result = build.concat(result, y, name + ".concat");
                     }
                   }
                   return result;
                 });
}

/// Guideline 4, element-wise operations: ResNet's bottleneck, pointwise to a quarter, 3x3, pointwise back, plus the
/// input; a ReLU behind each convolution, the last one behind the addition.
Network bottleneck(bool relu, bool shortcut, std::int32_t c) {
  const std::string row = std::string(relu ? "relu" : "no-relu") + "," + (shortcut ? "shortcut" : "no-shortcut");
  return stacked(name_of(4, row, "c" + std::to_string(c), c_is(c)), c,
                 [c, relu, shortcut](NetworkBuilder& build, NodeId x, const std::string& prefix) {
                   const auto activated = [&](NodeId y, const std::string& name) {
                     return relu ? build.relu(y, name + ".relu") : y;
                   };
                   const std::int32_t middle = c / 4;
                   NodeId y = activated(pointwise(build, x, prefix + ".reduce", c, middle), prefix + ".reduce");
                   y = build.convolution(y, prefix + ".middle",
                                         {.inputs = middle, .outputs = middle, .kernel = 3, .bias = true});
                   y = pointwise(build, activated(y, prefix + ".middle"), prefix + ".expand", middle, c);
                   if (shortcut) y = build.add(y, x, prefix + ".add");
                   return activated(y, prefix);
                 });
}

/// A column's rows one after the other: they are what is compared, and a machine's speed drifts. The columns are the
/// paper's first one for ARM and its three for GPUs, of which the second and third have twice and four times the
/// channels of the first.
std::vector<Network> make_guidelines() {
  struct Column {
    std::string name;
    std::int32_t times = 1;
  };
  const std::vector<Column> columns = {{"x1", 1}, {"x2", 2}, {"x4", 4}};
  const std::string arm = "arm";
  std::vector<Network> all;

  all.push_back(ratio(arm, "1:1", 32, 32));
  all.push_back(ratio(arm, "1:2", 22, 44));
  all.push_back(ratio(arm, "1:6", 13, 78));
  all.push_back(ratio(arm, "1:12", 9, 108));
  for (const auto& [column, times] : columns) {
    all.push_back(ratio(column, "1:1", 128 * times, 128 * times));
    all.push_back(ratio(column, "1:2", 90 * times, 180 * times));
    all.push_back(ratio(column, "1:6", 52 * times, 312 * times));
    all.push_back(ratio(column, "1:12", 36 * times, 432 * times));
  }

  // The paper's 180 channels do not divide by 8 groups.
  const auto add_groups = [&](const std::string& column, const std::array<std::int32_t, 4>& channels) {
    all.push_back(grouped(column, 1, channels[0], false));
    for (const bool shuffled : {false, true}) {
      all.push_back(grouped(column, 2, channels[1], shuffled));
      all.push_back(grouped(column, 4, channels[2], shuffled));
      all.push_back(grouped(column, 8, channels[3], shuffled));
    }
  };
  add_groups(arm, {64, 90, 128, 184});
  for (const auto& [column, times] : columns) {
    add_groups(column, {128 * times, 180 * times, 256 * times, 360 * times});
  }

  // n convolutions of c to c channels cost n c c: c falls with the root of n. Concatenated ones make c / n each.
  const auto add_fragments = [&](const std::string& column, std::int32_t one, std::int32_t two, std::int32_t four) {
    all.push_back(fragmented(column, 1, Fragments::series, one));
    all.push_back(fragmented(column, 2, Fragments::series, two));
    all.push_back(fragmented(column, 4, Fragments::series, four));
    all.push_back(fragmented(column, 2, Fragments::added, two));
    all.push_back(fragmented(column, 4, Fragments::added, four));
    all.push_back(fragmented(column, 2, Fragments::concatenated, one));
    all.push_back(fragmented(column, 4, Fragments::concatenated, one));
  };
  add_fragments(arm, 64, 45, 32);
  for (const auto& [column, times] : columns) add_fragments(column, 128 * times, 90 * times, 64 * times);

  for (const std::int32_t channels : {32, 64, 128, 256}) {
    for (const bool relu : {true, false}) {
      for (const bool shortcut : {true, false}) all.push_back(bottleneck(relu, shortcut, channels));
    }
  }
  return all;
}

/// The share of the vectors' lanes that hold an output, by multiply-adds: a group's outputs fill whole vectors.
double lanes_filled(const plan::Plan& plan) {
  const auto padded = [&](std::int32_t outputs) {
    const std::int32_t lanes = plan.kernels->lanes;
    return static_cast<double>((outputs + lanes - 1) / lanes * lanes) / static_cast<double>(outputs);
  };
  double macs = 0, lanes = 0;
  for (const plan::Step& step : plan.steps) {
    double factor = 1;
    if (const auto* call = std::get_if<plan::Call<kernels::PointwiseArgs>>(&step.task)) {
      factor = padded(call->args.outputs);
    } else if (const auto* general = std::get_if<plan::Call<kernels::ConvolutionArgs>>(&step.task)) {
      factor = padded(general->args.outputs);
    }
    macs += static_cast<double>(step.macs);
    lanes += static_cast<double>(step.macs) * factor;
  }
  return macs / lanes;
}

void run_guideline(benchmark::State& state, const Network& network) {
  run_network(state, network, 1);
  state.counters["lanes"] = lanes_filled(*plan_of(network, kernels_of_floats()));
}

}  // namespace

void register_guidelines() {
  static const std::vector<Network> all = make_guidelines();
  for (const Network& network : all) {
    benchmark::RegisterBenchmark(network.name.c_str(),
                                 [&network](benchmark::State& state) { run_guideline(state, network); })
        ->MinTime(0.1)
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace riffle::bench
