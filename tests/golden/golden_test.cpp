// The networks and blocks from their specs against PyTorch, on every instruction set that runs here.
#include "tests/golden/golden.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "models/models.hpp"

namespace riffle::golden {
namespace {

graph::Graph block(const Golden& golden) {
  const models::WeightSource weights = models::random_weights(seed);
  const std::int32_t inputs = golden.integer("inputs");
  graph::Graph graph;
  const graph::NodeId input =
      graph.add("input", graph::Input{{golden.integer("height"), golden.integer("width_px"), inputs}});
  if (golden.kind == "separable") {
    graph.outputs = {{models::separable_convolution(graph, input, "block", inputs, golden.integer("outputs"),
                                                    golden.integer("kernel"), golden.integer("stride"),
                                                    golden.integer("dilation"), weights)}};
  } else {
    graph.outputs = {
        {models::resnext_block(graph, input, "block", inputs, golden.integer("middle"), golden.integer("outputs"),
                               golden.integer("kernel"), golden.integer("groups"), golden.integer("stride"), weights)}};
  }
  return graph;
}

class Comparison : public testing::TestWithParam<Case> {};

TEST_P(Comparison, EqualsPyTorch) {
  const Golden& golden = GetParam().golden;
  const bool is_network = golden.kind == "v1" || golden.kind == "v2";
  expect_golden(is_network ? shufflenet(golden.kind, golden) : block(golden), GetParam());
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
  if (is_quantised(GetParam()->type)) GTEST_SKIP() << GetParam()->isa << ": networks of floats have no use for it";
  const std::vector<Case> all = cases({"v1", "v2"});
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const Case& one) { return one.kernels == GetParam(); }));
}

std::string isa_of(const testing::TestParamInfo<const kernels::Kernels*>& info) { return info.param->isa; }

INSTANTIATE_TEST_SUITE_P(All, InstructionSet,
                         testing::ValuesIn(kernels::all_kernels().begin(), kernels::all_kernels().end()), isa_of);

}  // namespace
}  // namespace riffle::golden
