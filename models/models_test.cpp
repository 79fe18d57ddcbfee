#include "models/models.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "models/random.hpp"

namespace riffle::models {
namespace {

using graph::Graph;

/// Zeros of any shape, sharing one buffer; remembers what was asked for.
class Recorder {
 public:
  WeightSource source() {
    return [this](const std::string& name, std::span<const std::int64_t> shape) {
      EXPECT_TRUE(parameters.emplace(name, std::vector<std::int64_t>(shape.begin(), shape.end())).second)
          << name << " is asked for twice";
      std::size_t count = 1;
      for (const std::int64_t n : shape) count *= static_cast<std::size_t>(n);
      return graph::Constant(std::vector<float>(count));
    };
  }

  std::map<std::string, std::vector<std::int64_t>> parameters;
};

using Extents = std::vector<std::int64_t>;

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "\"" << text << "\" should speak of \"" << part << "\"";
}

std::string error_of(const V1Spec& spec) {
  return error_of([&] { shufflenet_v1(spec, random_weights(0)); });
}
std::string error_of(const V2Spec& spec) {
  return error_of([&] { shufflenet_v2(spec, random_weights(0)); });
}

V1Spec v1(std::int32_t groups, double width, Flavour flavour) {
  V1Spec spec{.groups = groups, .width_multiplier = width, .flavour = flavour};
  if (flavour == Flavour::study_note) spec.in_channels = 1, spec.classes = 10;
  return spec;
}

V2Spec v2(double width, Flavour flavour) {
  V2Spec spec{.width_multiplier = width, .flavour = flavour};
  if (flavour == Flavour::study_note) spec.in_channels = 1, spec.classes = 10;
  return spec;
}

/// Millions, to a tenth, as the published tables give them.
void expect_cost(const Graph& graph, double million_macs, std::int64_t parameters) {
  const graph::Cost cost = graph::total_cost(graph);
  EXPECT_NEAR(static_cast<double>(cost.macs) * 1e-6, million_macs, 0.05) << graph.name;
  EXPECT_EQ(cost.parameters, parameters) << graph.name;
}

TEST(ShuffleNetV1, CostsWhatTheTableSays) {
  struct Row {
    std::int32_t groups;
    double width;
    Flavour flavour;
    double million_macs;
    std::int64_t parameters;
  };
  using enum Flavour;
  const Row rows[] = {
      {1, 1, paper, 143.1, 1531936},    {2, 1, paper, 140.8, 1733848},    {3, 1, paper, 137.5, 1865728},
      {4, 1, paper, 134.3, 1968344},    {8, 1, paper, 138.4, 2434768},    {3, 0.25, paper, 17.9, 306568},
      {3, 0.5, paper, 42.7, 718888},    {3, 1.5, paper, 292.4, 3442168},  {3, 2, paper, 507.6, 5448208},
      {1, 1, study_note, 70.9, 428290}, {2, 1, study_note, 70.3, 421550}, {3, 1, study_note, 69.0, 411250},
      {4, 1, study_note, 67.7, 401722}, {8, 1, study_note, 70.6, 415642},
  };
  for (const Row& row : rows) {
    Recorder recorder;
    expect_cost(shufflenet_v1(v1(row.groups, row.width, row.flavour), recorder.source()), row.million_macs,
                row.parameters);
  }
}

TEST(ShuffleNetV2, CostsWhatTheTableSays) {
  struct Row {
    double width;
    Flavour flavour;
    double million_macs;
    std::int64_t parameters;
  };
  using enum Flavour;
  const Row rows[] = {
      {0.5, paper, 40.5, 1366792},       {1, paper, 144.9, 2278604},      {1.5, paper, 295.8, 3503624},
      {2, paper, 583.3, 7393996},        {0.5, study_note, 45.0, 453969}, {1, study_note, 138.5, 1263446},
      {1.5, study_note, 283.4, 2441281}, {2, study_note, 526.4, 4950034},
  };
  for (const Row& row : rows) {
    for (const bool residual : {false, true}) {
      Recorder recorder;
      V2Spec spec = v2(row.width, row.flavour);
      spec.residual = residual;
      expect_cost(shufflenet_v2(spec, recorder.source()), row.million_macs, row.parameters);
    }
  }
}

TEST(ShuffleNetV1, NamesParametersAsPyTorchDoes) {
  Recorder recorder;
  shufflenet_v1(v1(3, 1, Flavour::paper), recorder.source());
  const auto& parameters = recorder.parameters;
  // 3 convolutions a unit, the stem's, each with a batch norm of four; the classifier's two.
  EXPECT_EQ(parameters.size(), (16U * 3 + 1) * 5 + 2);
  EXPECT_EQ(parameters.at("stem.0.0.weight"), (Extents{24, 3, 3, 3}));
  EXPECT_EQ(parameters.at("stem.0.1.running_mean"), (Extents{24}));
  EXPECT_EQ(parameters.at("units.0.reduce.0.weight"), (Extents{60, 24, 1, 1}));
  EXPECT_EQ(parameters.at("units.0.expand.0.weight"), (Extents{216, 20, 1, 1}));
  EXPECT_EQ(parameters.at("units.3.reduce.0.weight"), (Extents{60, 80, 1, 1}));
  EXPECT_EQ(parameters.at("units.15.depthwise.0.weight"), (Extents{240, 1, 3, 3}));
  EXPECT_EQ(parameters.at("units.15.expand.1.running_var"), (Extents{960}));
  EXPECT_EQ(parameters.at("classifier.weight"), (Extents{1000, 960}));
  EXPECT_EQ(parameters.at("classifier.bias"), (Extents{1000}));
  EXPECT_FALSE(parameters.contains("stem.0.0.bias"));

  Recorder note;
  shufflenet_v1(v1(2, 0.36, Flavour::study_note), note.source());
  EXPECT_EQ(note.parameters.size(), (8U * 3 + 1) * 5 + 1 + 2);
  EXPECT_EQ(note.parameters.at("stem.0.0.bias"), (Extents{8}));
}

TEST(ShuffleNetV2, NamesParametersAsPyTorchDoes) {
  Recorder recorder;
  shufflenet_v2(v2(1, Flavour::study_note), recorder.source());
  const auto& parameters = recorder.parameters;
  EXPECT_EQ(parameters.size(), (13U * 3 + 3 * 5 + 2) * 5 + 1 + 2);
  EXPECT_EQ(parameters.at("stem.0.0.bias"), (Extents{24}));
  EXPECT_EQ(parameters.at("units.0.left.0.0.weight"), (Extents{24, 1, 3, 3}));
  EXPECT_EQ(parameters.at("units.0.left.1.0.weight"), (Extents{58, 24, 1, 1}));
  EXPECT_EQ(parameters.at("units.5.right.0.0.weight"), (Extents{116, 116, 1, 1}));
  EXPECT_EQ(parameters.at("units.5.right.1.1.bias"), (Extents{116}));
  EXPECT_EQ(parameters.at("units.15.right.2.0.weight"), (Extents{232, 232, 1, 1}));
  EXPECT_EQ(parameters.at("tail.0.weight"), (Extents{1024, 464, 1, 1}));
  EXPECT_EQ(parameters.at("tail.1.weight"), (Extents{1024}));
  EXPECT_EQ(parameters.at("classifier.weight"), (Extents{10, 1024}));
}

TEST(ShuffleNetV1, HasTheShapesOfItsSpec) {
  V1Spec spec = v1(8, 0.5, Flavour::paper);
  spec.height = 97;
  spec.width = 131;
  spec.classes = 7;
  Recorder recorder;
  const Graph graph = shufflenet_v1(spec, recorder.source());
  const auto shapes = graph::infer_shapes(graph);
  EXPECT_EQ(graph.input_shape(), (graph::Shape{97, 131, 3}));
  EXPECT_EQ(shapes[graph.outputs[0].node], (graph::Shape{1, 1, 7}));
  std::set<std::string> names;
  for (const graph::Node& node : graph.nodes) EXPECT_TRUE(names.insert(node.name).second) << node.name;
}

TEST(ShuffleNetV1, RefusesWhatDoesNotDivide) {
  expect_contains(error_of(v1(2, 0.5, Flavour::paper)), "units.0.shuffle: 25 channels do not divide by 2 groups");
  expect_contains(error_of(v1(8, 0.5, Flavour::study_note)),
                  "units.0.expand.0: 180 output channels do not divide by 8");
  expect_contains(error_of(v1(5, 1, Flavour::paper)), "5 groups");
  expect_contains(error_of(v1(0, 1, Flavour::paper)), "0 groups");
  // 144 * 0.125 = 18 channels, fewer than the 24 that the pooled branch brings.
  expect_contains(error_of(v1(1, 0.125, Flavour::paper)), "units.0.expand.0: -6 output channels");
}

TEST(ShuffleNet, RefusesWidthsThatMakeNoNetwork) {
  for (const double width : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    for (const Flavour flavour : {Flavour::paper, Flavour::study_note}) {
      expect_contains(error_of(v1(3, width, flavour)), "width");
      expect_contains(error_of(v2(width, flavour)), "width");
    }
  }
  expect_contains(error_of(v1(1, 0.001, Flavour::paper)), "units.0: width 0.001 makes 0 channels of 144");
  expect_contains(error_of(v1(1, 0.04, Flavour::study_note)), "stem.0.0: width 0.04 makes 0 channels of 24");
  expect_contains(error_of(v1(1, 1e9, Flavour::paper)), "units.0: width 1e+09");
  expect_contains(error_of(v2(1e300, Flavour::study_note)), "units.0: width 1e+300");
  expect_contains(error_of(v2(0.75, Flavour::paper)), "0.5, 1, 1.5 and 2");
  expect_contains(error_of(v2(0.75, Flavour::study_note)), "units.0: 87 channels do not divide by 2");
}

TEST(ShuffleNet, RefusesSpecsOutOfRange) {
  for (const std::int32_t value : {0, -1, std::numeric_limits<std::int32_t>::max()}) {
    V1Spec first;
    V2Spec second;
    first.classes = second.classes = value;
    expect_contains(error_of(first), "classes");
    expect_contains(error_of(second), "classes");
    first = {}, second = {};
    first.in_channels = second.in_channels = value;
    expect_contains(error_of(first), "in_channels");
    expect_contains(error_of(second), "in_channels");
    first = {}, second = {};
    first.height = second.height = value;
    expect_contains(error_of(first), "height");
    expect_contains(error_of(second), "height");
    first = {}, second = {};
    first.width = second.width = value;
    expect_contains(error_of(first), "width");
    expect_contains(error_of(second), "width");
  }
}

TEST(ShuffleNet, RefusesASourceOfTheWrongSize) {
  const WeightSource one = [](const std::string&, std::span<const std::int64_t>) {
    return graph::Constant(std::vector<float>(1));
  };
  expect_contains(error_of([&] { shufflenet_v2({}, one); }), "stem.0.0.weight: 1 values where 648 are needed");
}

/// A graph of one input, and a block on it.
struct Bench {
  Graph graph;
  Recorder recorder;
  graph::NodeId input;

  explicit Bench(graph::Shape shape) : input(graph.add("input", graph::Input{shape})) {}

  graph::Shape output_shape() { return graph::infer_shapes(graph)[graph.outputs[0].node]; }
};

TEST(SeparableConvolution, HasFewParametersAndKeepsTheImage) {
  constexpr std::int32_t inputs = 12, outputs = 20;  // M and N: M * k^2 + N * M parameters
  for (const std::int32_t kernel : {3, 5, 7}) {
    for (const std::int32_t dilation : {1, 2}) {
      Bench bench({17, 23, inputs});
      bench.graph.outputs = {{separable_convolution(bench.graph, bench.input, "sep", inputs, outputs, kernel, 1,
                                                    dilation, bench.recorder.source())}};
      EXPECT_EQ(graph::total_cost(bench.graph).parameters, inputs * kernel * kernel + outputs * inputs);
      EXPECT_EQ(bench.output_shape(), (graph::Shape{17, 23, outputs}));
      EXPECT_EQ(bench.recorder.parameters.at("sep.depthwise.weight"), (Extents{inputs, 1, kernel, kernel}));
      EXPECT_EQ(bench.recorder.parameters.at("sep.pointwise.weight"), (Extents{outputs, inputs, 1, 1}));
      EXPECT_EQ(bench.recorder.parameters.size(), 2U);
    }
  }
}

TEST(SeparableConvolution, StridesInItsDepthwiseHalf) {
  Bench bench({17, 24, 4});
  bench.graph.outputs = {
      {separable_convolution(bench.graph, bench.input, "sep", 4, 6, 3, 2, 1, bench.recorder.source())}};
  EXPECT_EQ(bench.output_shape(), (graph::Shape{9, 12, 6}));
  EXPECT_EQ(graph::total_cost(bench.graph).macs, 9 * 12 * (4 * 9 + 4 * 6));
}

TEST(SeparableConvolution, RefusesWhatMakesNoLayer) {
  const auto error = [](std::int32_t inputs, std::int32_t outputs, std::int32_t kernel, std::int32_t stride,
                        std::int32_t dilation) {
    return error_of([&] {
      Bench bench({8, 8, 4});
      separable_convolution(bench.graph, bench.input, "sep", inputs, outputs, kernel, stride, dilation,
                            bench.recorder.source());
    });
  };
  expect_contains(error(0, 6, 3, 1, 1), "sep.depthwise: 0 input channels");
  expect_contains(error(4, 0, 3, 1, 1), "sep.pointwise: 0 output channels");
  expect_contains(error(4, 6, 0, 1, 1), "sep.depthwise: kernel is 0");
  expect_contains(error(4, 6, 3, 0, 1), "sep.depthwise: stride is 0");
  expect_contains(error(4, 6, 3, 1, -2), "sep.depthwise: dilation is -2");
  expect_contains(error(4, 6, 30000, 1, 30000), "sep.depthwise: kernel 30000 with dilation 30000");
}

TEST(ResNextBlock, HasAnIdentityWhereTheShapeStays) {
  Bench bench({14, 10, 64});
  bench.graph.outputs = {
      {resnext_block(bench.graph, bench.input, "block", 64, 32, 64, 3, 8, 1, bench.recorder.source())}};
  EXPECT_EQ(bench.output_shape(), (graph::Shape{14, 10, 64}));
  EXPECT_EQ(graph::total_cost(bench.graph).parameters, 64 * 32 + 32 * 4 * 9 + 32 * 64 + 2 * (32 + 32 + 64));
  EXPECT_EQ(bench.recorder.parameters.size(), 3U * 5);
  EXPECT_EQ(bench.recorder.parameters.at("block.grouped.0.weight"), (Extents{32, 4, 3, 3}));
}

TEST(ResNextBlock, HasAShortcutWhereTheShapeChanges) {
  Bench strided({14, 10, 64});
  strided.graph.outputs = {
      {resnext_block(strided.graph, strided.input, "block", 64, 32, 64, 3, 8, 2, strided.recorder.source())}};
  EXPECT_EQ(strided.output_shape(), (graph::Shape{7, 5, 64}));
  EXPECT_EQ(strided.recorder.parameters.at("block.shortcut.0.weight"), (Extents{64, 64, 1, 1}));

  Bench wider({14, 10, 64});
  wider.graph.outputs = {
      {resnext_block(wider.graph, wider.input, "block", 64, 32, 96, 5, 8, 1, wider.recorder.source())}};
  EXPECT_EQ(wider.output_shape(), (graph::Shape{14, 10, 96}));
  EXPECT_EQ(wider.recorder.parameters.at("block.shortcut.1.running_var"), (Extents{96}));
  EXPECT_EQ(wider.recorder.parameters.at("block.grouped.0.weight"), (Extents{32, 4, 5, 5}));
}

TEST(ResNextBlock, RefusesWhatDoesNotDivide) {
  expect_contains(error_of([] {
                    Bench bench({8, 8, 6});
                    resnext_block(bench.graph, bench.input, "block", 6, 10, 6, 3, 4, 1, bench.recorder.source());
                  }),
                  "block.grouped.0: 10 input channels do not divide by 4 groups");
}

TEST(RandomWeights, AreTheBitsOfTheNumpyTwin) {
  struct Row {
    std::string name;
    Extents shape;
    float values[3];
  };
  // Printed by random_parameter() of tests/golden/networks.py, seed 2^63 + 7.
  const Row rows[] = {
      {"units.3.reduce.0.weight", {4, 3, 1, 1}, {0x1.174d44p+0F, -0x1.41b022p-4F, -0x1.0c20b6p-3F}},
      {"units.3.depthwise.0.weight", {4, 1, 3, 3}, {0x1.baa04cp-2F, 0x1.a55bfep-2F, 0x1.5fa328p-2F}},
      {"units.3.expand.0.weight", {4, 5, 1, 1}, {0x1.078fecp-1F, -0x1.0fedfcp-2F, -0x1.013a6ep-2F}},
      {"stem.0.1.running_var", {4}, {0x1.4dba52p-1F, 0x1.14d122p+0F, 0x1.597524p+0F}},
      {"stem.0.1.weight", {4}, {0x1.10a456p-1F, 0x1.4155b4p+0F, 0x1.74f042p-1F}},
      {"classifier.bias", {4}, {0x1.051b64p-3F, -0x1.9543dp-3F, 0x1.5a4614p-4F}},
      {"classifier.weight", {3, 7}, {0x1.7fe30ap-1F, -0x1.0d83fp-3F, 0x1.8988dep-1F}},
  };
  const WeightSource weights = random_weights((1ULL << 63) + 7);
  for (const Row& row : rows) {
    const graph::Constant constant = weights(row.name, row.shape);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(constant.values()[i], row.values[i]) << row.name << " " << i;
  }
}

TEST(RandomWeights, DependOnSeedNameAndPlaceAlone) {
  const auto values = random_values(1, "a", 1000, {});
  EXPECT_EQ(values, random_values(1, "a", 1000, {}));
  const auto longer = random_values(1, "a", 2000, {});
  EXPECT_TRUE(std::equal(values.begin(), values.end(), longer.begin()));
  EXPECT_NE(values, random_values(2, "a", 1000, {}));
  EXPECT_NE(values, random_values(1, "b", 1000, {}));
}

TEST(RandomWeights, FillTheirInterval) {
  const auto values = random_values(3, "x", 100000, {.centre = 1.0F, .reach = 0.5F});
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  EXPECT_GE(*least, 0.5F);
  EXPECT_LT(*least, 0.501F);
  EXPECT_LT(*most, 1.5F);
  EXPECT_GT(*most, 1.499F);
  double sum = 0;
  for (const float value : values) sum += value;
  EXPECT_NEAR(sum / 100000, 1.0, 0.005);
}

}  // namespace
}  // namespace riffle::models
