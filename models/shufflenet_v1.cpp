#include <array>

#include "models/builder.hpp"
#include "models/spec.hpp"

namespace riffle::models {

using graph::NodeId;

namespace {

struct Stages {
  std::int32_t groups;
  std::array<std::int32_t, 3> channels;  ///< at width 1
};

constexpr std::array<Stages, 5> paper_table{
    {{1, {144, 288, 576}}, {2, {200, 400, 800}}, {3, {240, 480, 960}}, {4, {272, 544, 1088}}, {8, {384, 768, 1536}}}};

const Stages& stages_of(std::int32_t groups) {
  for (const Stages& stages : paper_table) {
    if (stages.groups == groups) return stages;
  }
  throw Error("ShuffleNet V1 with " + std::to_string(groups) + " groups: 1, 2, 3, 4 and 8 are defined");
}

struct V1Unit {
  std::int32_t inputs = 0, outputs = 0, groups = 1;
  bool down = false;          ///< stride 2
  bool first = false;         ///< the first of the network: too few channels for groups, so its reduction has one
  bool pooled_first = false;  ///< the order of the concatenation at stride 2
};

NodeId build_v1_unit(NetworkBuilder& build, NodeId input, const std::string& prefix, const V1Unit& unit) {
  const std::int32_t middle = unit.outputs / 4;
  const std::int32_t branch = unit.down ? unit.outputs - unit.inputs : unit.outputs;

  NodeId y = build.conv_bn_relu(input, prefix + ".reduce",
                                {.inputs = unit.inputs, .outputs = middle, .groups = unit.first ? 1 : unit.groups});
  y = build.shuffle(y, prefix + ".shuffle", middle, unit.groups);
  y = build.conv_bn(y, prefix + ".depthwise",
                    {.inputs = middle, .outputs = middle, .kernel = 3, .stride = unit.down ? 2 : 1, .groups = middle});
  y = build.conv_bn(y, prefix + ".expand", {.inputs = middle, .outputs = branch, .groups = unit.groups});

  if (!unit.down) return build.relu(build.add(input, y, prefix + ".add"), prefix + ".relu");
  const NodeId pooled = build.pool(input, prefix + ".pool", graph::PoolKind::average);
  const NodeId joined = unit.pooled_first ? build.concat(pooled, y, prefix + ".concat")  //
                                          : build.concat(y, pooled, prefix + ".concat");
  return build.relu(joined, prefix + ".relu");
}

}  // namespace

graph::Graph shufflenet_v1(const V1Spec& spec, const WeightSource& weights) {
  const Stages& stages = stages_of(spec.groups);
  check_spec(spec);

  const bool note = spec.flavour == Flavour::study_note;
  const std::array<std::int32_t, 3> repeats = note ? std::array{2, 4, 2} : std::array{4, 8, 4};
  const std::int32_t stem = note ? scaled_channels(24, spec.width_multiplier, "stem.0.0") : 24;

  graph::Graph graph;
  graph.name = "shufflenet_v1_g" + std::to_string(spec.groups) + "_x" + text(spec.width_multiplier) +
               (note ? "_note" : "_paper");
  NetworkBuilder build(graph, weights);
  NodeId y = build.stem({spec.height, spec.width, spec.in_channels}, stem, note);

  std::int32_t channels = stem;
  int index = 0;
  for (std::size_t stage = 0; stage < repeats.size(); ++stage) {
    for (std::int32_t repeat = 0; repeat < repeats[stage]; ++repeat, ++index) {
      const std::string prefix = "units." + std::to_string(index);
      const std::int32_t outputs = scaled_channels(stages.channels[stage], spec.width_multiplier, prefix);
      y = build_v1_unit(build, y, prefix,
                        {.inputs = channels,
                         .outputs = outputs,
                         .groups = spec.groups,
                         .down = repeat == 0,
                         .first = index == 0,
                         .pooled_first = !note});
      channels = outputs;
    }
  }
  graph.outputs = {{build.classifier(y, channels, spec.classes)}};
  return graph;
}

}  // namespace riffle::models
