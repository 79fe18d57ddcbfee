// The networks and blocks from their specs against PyTorch, on every instruction set that runs here.
#include <gtest/gtest.h>

#include <algorithm>

#include "models/models.hpp"
#include "tests/golden/golden.hpp"

namespace riffle::golden {
namespace {

models::Flavour flavour_of(const Golden& golden) {
  return golden.word("flavour") == "note" ? models::Flavour::note : models::Flavour::paper;
}

std::int32_t channels_of(models::Flavour flavour) { return flavour == models::Flavour::note ? 1 : 3; }

graph::Graph v1(const Golden& golden) {
  const models::Flavour flavour = flavour_of(golden);
  return models::shufflenet_v1({.groups = golden.integer("groups"),
                                .width = golden.number("width"),
                                .flavour = flavour,
                                .in_channels = channels_of(flavour),
                                .classes = 10,
                                .height = golden.integer("height"),
                                .width_px = golden.integer("width_px")},
                               models::random_weights(seed));
}

graph::Graph v2(const Golden& golden) {
  const models::Flavour flavour = flavour_of(golden);
  return models::shufflenet_v2({.width = golden.number("width"),
                                .flavour = flavour,
                                .residual = golden.integer("residual") != 0,
                                .in_channels = channels_of(flavour),
                                .classes = 10,
                                .height = golden.integer("height"),
                                .width_px = golden.integer("width_px")},
                               models::random_weights(seed));
}

graph::Graph block(const Golden& golden) {
  const models::WeightSource weights = models::random_weights(seed);
  const std::int32_t inputs = golden.integer("inputs");
  graph::Graph graph;
  const graph::NodeId input =
      graph.add("input", graph::Input{{golden.integer("height"), golden.integer("width_px"), inputs}});
  if (golden.kind == "separable") {
    graph.output = models::separable_convolution(graph, input, "block", inputs, golden.integer("outputs"),
                                                 golden.integer("kernel"), golden.integer("stride"),
                                                 golden.integer("dilation"), weights);
  } else {
    graph.output =
        models::resnext_block(graph, input, "block", inputs, golden.integer("middle"), golden.integer("outputs"),
                              golden.integer("kernel"), golden.integer("groups"), golden.integer("stride"), weights);
  }
  return graph;
}

class Comparison : public testing::TestWithParam<Case> {};

TEST_P(Comparison, EqualsPyTorch) {
  const Golden& golden = GetParam().golden;
  expect_golden(golden.kind == "v1" ? v1(golden) : golden.kind == "v2" ? v2(golden) : block(golden), GetParam());
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return info.param.golden.name() + "_" + info.param.kernels->isa;
}

INSTANTIATE_TEST_SUITE_P(ShuffleNetV1, Comparison, testing::ValuesIn(cases({"v1"})), name_of);
INSTANTIATE_TEST_SUITE_P(ShuffleNetV2, Comparison, testing::ValuesIn(cases({"v2"})), name_of);
INSTANTIATE_TEST_SUITE_P(Blocks, Comparison, testing::ValuesIn(cases({"separable", "resnext"})), name_of);

/// One line an instruction set of this binary, so that one which this CPU lacks is seen to be skipped.
class InstructionSet : public testing::TestWithParam<const kernels::Kernels*> {};

TEST_P(InstructionSet, IsCompared) {
  if (!GetParam()->supported()) GTEST_SKIP() << GetParam()->isa << ": not in this CPU";
  const std::vector<Case> all = cases({"v1", "v2"});
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const Case& one) { return one.kernels == GetParam(); }));
}

std::string isa_of(const testing::TestParamInfo<const kernels::Kernels*>& info) { return info.param->isa; }

INSTANTIATE_TEST_SUITE_P(All, InstructionSet,
                         testing::ValuesIn(kernels::all_kernels().begin(), kernels::all_kernels().end()), isa_of);

}  // namespace
}  // namespace riffle::golden
