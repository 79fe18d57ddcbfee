#include <array>

#include "models/builder.hpp"
#include "models/spec.hpp"

namespace riffle::models {

using graph::NodeId;

namespace {

/// The outputs of the three stages, and of the last pointwise convolution.
struct Widths {
  std::array<std::int32_t, 3> stages;
  std::int32_t last;
};

Widths paper_widths(double width) {
  if (width == 0.5) return {{48, 96, 192}, 1024};
  if (width == 1.0) return {{116, 232, 464}, 1024};
  if (width == 1.5) return {{176, 352, 704}, 1024};
  if (width == 2.0) return {{244, 488, 976}, 2048};
  throw Error("ShuffleNet V2 of width " + text(width) + ": the paper defines 0.5, 1, 1.5 and 2");
}

Widths note_widths(double width) {
  return {{scaled_channels(116, width, "units.0"), scaled_channels(232, width, "units.4"),
           scaled_channels(464, width, "units.12")},
          width > 1.5 ? scaled_channels(1024, width, "tail.0") : 1024};
}

struct V2Unit {
  std::int32_t inputs = 0, outputs = 0;
  bool down = false;  ///< stride 2
  bool residual = false;
};

/// Pointwise, depthwise 3x3, pointwise: what a unit computes on its right side.
NodeId right_branch(NetworkBuilder& build, NodeId input, const std::string& prefix, const V2Unit& unit) {
  const std::int32_t half = unit.outputs / 2;
  NodeId y = build.conv_bn_relu(input, prefix + ".0", {.inputs = unit.down ? unit.inputs : half, .outputs = half});
  y = build.conv_bn(y, prefix + ".1",
                    {.inputs = half, .outputs = half, .kernel = 3, .stride = unit.down ? 2 : 1, .groups = half});
  return build.conv_bn_relu(y, prefix + ".2", {.inputs = half, .outputs = half});
}

NodeId build_v2_unit(NetworkBuilder& build, NodeId input, const std::string& prefix, const V2Unit& unit) {
  if (unit.outputs % 2 != 0) {
    throw Error(prefix + ": " + std::to_string(unit.outputs) + " channels do not divide by 2 halves");
  }
  const std::int32_t half = unit.outputs / 2;
  NodeId left, right;
  if (unit.down) {
    left =
        build.conv_bn(input, prefix + ".left.0",
                      {.inputs = unit.inputs, .outputs = unit.inputs, .kernel = 3, .stride = 2, .groups = unit.inputs});
    left = build.conv_bn_relu(left, prefix + ".left.1", {.inputs = unit.inputs, .outputs = half});
    right = right_branch(build, input, prefix + ".right", unit);
  } else {
    left = build.slice(input, prefix + ".left", 0, half);
    const NodeId kept = build.slice(input, prefix + ".kept", half, half);
    right = right_branch(build, kept, prefix + ".right", unit);
    if (unit.residual) right = build.add(right, kept, prefix + ".add");
  }
  const NodeId joined = build.concat(left, right, prefix + ".concat");
  return build.shuffle(joined, prefix + ".shuffle", unit.outputs, 2);
}

}  // namespace

graph::Graph shufflenet_v2(const V2Spec& spec, const WeightSource& weights) {
  check_spec(spec);

  const bool note = spec.flavour == Flavour::study_note;
  const Widths widths = note ? note_widths(spec.width_multiplier) : paper_widths(spec.width_multiplier);
  constexpr std::array<std::int32_t, 3> repeats{4, 8, 4};
  constexpr std::int32_t stem = 24;

  graph::Graph graph;
  graph.name = "shufflenet_v2_x" + text(spec.width_multiplier) + (note ? "_note" : "_paper") +
               (spec.residual ? "_residual" : "");
  NetworkBuilder build(graph, weights);
  NodeId y = build.stem({spec.height, spec.width, spec.in_channels}, stem, note);

  std::int32_t channels = stem;
  int index = 0;
  for (std::size_t stage = 0; stage < repeats.size(); ++stage) {
    for (std::int32_t repeat = 0; repeat < repeats[stage]; ++repeat, ++index) {
      y = build_v2_unit(
          build, y, "units." + std::to_string(index),
          {.inputs = channels, .outputs = widths.stages[stage], .down = repeat == 0, .residual = spec.residual});
      channels = widths.stages[stage];
    }
  }
  const Layer tail{.inputs = channels, .outputs = widths.last};
  y = note ? build.conv_bn(y, "tail", tail) : build.conv_bn_relu(y, "tail", tail);
  graph.outputs = {{build.classifier(y, widths.last, spec.classes)}};
  return graph;
}

}  // namespace riffle::models
