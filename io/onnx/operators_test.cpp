// Operations that compute, by the graphs that they become.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>

#include "engine/passes/passes.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "io/onnx/functions.hpp"
#include "io/onnx/test_model.hpp"

namespace riffle::onnx {
namespace {

using Ints = std::vector<std::int64_t>;

std::vector<float> values(const graph::Constant& constant) {
  return {constant.values().begin(), constant.values().end()};
}

graph::Window window_of(TestModel& m) { return only<graph::Convolution>(m.import()).window; }

/// The only convolution's window at another input size.
kernels::Window window_at(TestModel& m, std::int32_t h, std::int32_t w) {
  return graph::resolve(window_of(m), {.h = h, .w = w, .c = 4}).window;
}

TEST(Conv, ReadsItsAttributes) {
  TestModel m;
  m.node("Conv", {"x", m.floats({6, 2, 3, 2}), m.floats({6})}, "y",
         {{"group", 2},
          {"kernel_shape", Ints{3, 2}},
          {"strides", Ints{2, 1}},
          {"dilations", Ints{1, 2}},
          {"pads", Ints{1, 2, 3, 0}}});
  const auto convolution = only<graph::Convolution>(m.import());
  EXPECT_EQ(convolution.outputs, 6);
  EXPECT_EQ(convolution.groups, 2);
  EXPECT_EQ(convolution.window, (graph::Window{.kernel_h = 3,
                                               .kernel_w = 2,
                                               .stride_h = 2,
                                               .stride_w = 1,
                                               .pad_top = 1,
                                               .pad_left = 2,
                                               .pad_bottom = 3,
                                               .pad_right = 0,
                                               .dilation_h = 1,
                                               .dilation_w = 2}));
  EXPECT_EQ(values(convolution.bias), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(convolution.weights.size(), 72U);
}

TEST(Conv, PadsByItself) {
  // 6 wide, stride 2, kernel 3: 3 results need one column of padding.
  for (const auto& [name, before, after] :
       {std::tuple("SAME_UPPER", 0, 1), std::tuple("SAME_LOWER", 1, 0), std::tuple("VALID", 0, 0)}) {
    TestModel m;
    m.node("Conv", {"x", m.floats({4, 4, 3, 3})}, "y", {{"auto_pad", name}, {"strides", Ints{2, 2}}});
    const kernels::Window window = window_at(m, 6, 6);
    EXPECT_EQ(window.pad_left, before) << name;
    EXPECT_EQ(window.pad_top, before) << name;
    EXPECT_EQ(window.pad_right, after) << name;
    EXPECT_EQ(window.pad_bottom, after) << name;
    // 7 wide, 4 results need one column on either side.
    const kernels::Window larger = window_at(m, 6, 7);
    EXPECT_EQ(larger.pad_top, before) << name;
    EXPECT_EQ(larger.pad_left, before + after) << name;
    EXPECT_EQ(larger.pad_right, before + after) << name;
  }
}

TEST(Conv, TakesThePadBeforeIt) {
  TestModel m;
  m.node("Pad", {"x", m.list({0, 0, 1, 2, 0, 0, 3, 0})}, "a");
  m.node("Pad", {"a", m.list({0, 0, 0, 0, 0, 0, 0, 1})}, "b");
  m.node("Conv", {"b", m.floats({4, 4, 3, 3})}, "y", {{"pads", Ints{1, 0, 0, 0}}});
  EXPECT_EQ(m.operations(), "input, convolution");
  const graph::Window window = window_of(m);
  EXPECT_EQ((std::vector<int>{window.pad_top, window.pad_left, window.pad_bottom, window.pad_right}),
            (std::vector<int>{2, 2, 3, 1}));
}

TEST(Conv, OfAShuffledInputReadsTheShuffle) {
  TestModel m;
  m.node("Gather", {"x", m.list({2, 0, 1, 3})}, "a", {{"axis", 1}});
  m.node("Conv", {"a", m.floats({4, 4, 1, 1})});
  EXPECT_EQ(m.operations(), "input, gather, convolution");
}

TEST(Weights, OfAllTypes) {
  const std::vector<float> expected = {0.0F, 1.0F, -2.5F, 65504.0F, 5.9604645e-8F, 0.333251953125F};
  TestModel half({0, 6, 1, 1});
  const std::string bits = half.floats({6});
  auto& tensor = half.initialiser(bits);
  tensor.set_data_type(::onnx::TensorProto::FLOAT16);
  tensor.clear_raw_data();
  for (const int value : {0x0000, 0x3C00, 0xC100, 0x7BFF, 0x0001, 0x3555}) tensor.add_int32_data(value);
  half.node("Conv", {"x", half.floats({6, 1, 1, 1}), bits}, "y", {{"group", 6}});
  EXPECT_EQ(values(only<graph::Convolution>(half.import()).bias), expected);
  EXPECT_EQ(only<graph::Convolution>(half.import()).bias.type(), Type::f16);  // in as many bytes as the file has

  TestModel brain({0, 3, 1, 1}, 13);
  const std::string upper_halves = brain.floats({3});
  auto& of_upper_halves = brain.initialiser(upper_halves);
  of_upper_halves.set_data_type(::onnx::TensorProto::BFLOAT16);
  of_upper_halves.set_raw_data(std::string("\x80\x3F\x20\xC0\x80\x47", 6));
  brain.node("Cast", {upper_halves}, "bias", {{"to", ::onnx::TensorProto::FLOAT}});
  brain.node("Conv", {"x", brain.floats({3, 1, 1, 1}), "bias"}, "y", {{"group", 3}});
  EXPECT_EQ(values(only<graph::Convolution>(brain.import()).bias), (std::vector<float>{1.0F, -2.5F, 65536.0F}));
  EXPECT_EQ(only<graph::Convolution>(brain.import()).bias.type(), Type::bf16);

  TestModel wide({0, 6, 1, 1});
  const std::string doubles = wide.floats({6});
  auto& of_doubles = wide.initialiser(doubles);
  of_doubles.set_data_type(::onnx::TensorProto::DOUBLE);
  of_doubles.clear_raw_data();
  for (const float value : expected) of_doubles.add_double_data(static_cast<double>(value));
  wide.node("Conv", {"x", wide.floats({6, 1, 1, 1}), doubles}, "y", {{"group", 6}});
  EXPECT_EQ(values(only<graph::Convolution>(wide.import()).bias), expected);

  TestModel field({0, 6, 1, 1});
  const std::string floats = field.floats({6});
  field.initialiser(floats).clear_raw_data();
  for (const float value : expected) field.initialiser(floats).add_float_data(value);
  field.node("Conv", {"x", field.floats({6, 1, 1, 1}), floats}, "y", {{"group", 6}});
  EXPECT_EQ(values(only<graph::Convolution>(field.import()).bias), expected);
}

TEST(Weights, MayBeListedAsInputsOrComeFromConstants) {
  TestModel m;
  const std::string weights = m.floats({4, 4, 1, 1}), constant = m.floats({4});
  m.proto.mutable_graph()->add_input()->set_name(weights);
  auto& node = m.node("Constant", {}, "bias");
  auto& value = *node.add_attribute();
  value.set_name("value");
  value.set_type(::onnx::AttributeProto::TENSOR);
  *value.mutable_t() = m.initialiser(constant);
  m.node("Identity", {"bias"}, "same_bias");
  m.node("Conv", {"x", weights, "same_bias"});
  EXPECT_EQ(values(only<graph::Convolution>(m.import()).bias), (std::vector<float>{1, 2, 3, 4}));
}

TEST(Weights, AreMovedAsTheyAre) {
  // None of these numbers is one of a shape's arithmetic: 0.1 is not even exact.
  TestModel m({0, 4, 6, 6}, 13);
  m.node("Expand", {m.floats({1}, {0.1F}), m.list({2})}, "twice");
  m.node("Gather", {m.floats({3}, {0.3F, 0.7F, 0.9F}), m.list({2, 0})}, "picked");
  m.node("Concat", {"twice", "picked"}, "bias", {{"axis", 0}});
  m.node("Slice", {m.floats({6, 4, 1, 1}), m.list({1}), m.list({5}), m.list({0})}, "weights");
  m.node("Conv", {"x", "weights", "bias"});
  const auto convolution = only<graph::Convolution>(m.import());
  EXPECT_EQ(values(convolution.bias), (std::vector<float>{0.1F, 0.1F, 0.9F, 0.3F}));
  EXPECT_EQ(values(convolution.weights).front(), 5.0F);
  EXPECT_EQ(values(convolution.weights).size(), 16U);
}

TEST(Weights, ExpandedWithoutEndDoNotFillTheMemory) {
  TestModel m;
  m.node("Expand", {m.floats({1}), m.list({1 << 20, 1 << 20})}, "large");
  EXPECT_NE(m.refusal().find("Expand node 'the_node': the model would need far more memory"), std::string::npos)
      << m.refusal();
  TestModel empty;
  empty.node("Expand", {empty.floats({1}), empty.list({1 << 20, 1 << 20, 0})}, "large");
  EXPECT_NE(empty.refusal().find("Expand node 'the_node'"), std::string::npos) << empty.refusal();
}

TEST(BatchNormalization, KeepsItsStatistics) {
  TestModel m;
  const std::string four = m.floats({4}, {5, 6, 7, 8});
  m.node("BatchNormalization", {"x", m.floats({4}), four, four, m.floats({4})}, "y",
         {{"epsilon", 0.25F}, {"momentum", 0.5F}})
      .add_output("unused");
  const auto norm = only<graph::BatchNorm>(m.import());
  EXPECT_EQ(norm.epsilon, 0.25F);
  EXPECT_EQ(values(norm.scale), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(values(norm.mean), (std::vector<float>{5, 6, 7, 8}));
}

TEST(Pool, CountsPaddingWhereTheModelDoes) {
  struct Case {
    Ints pad_node, pads;
    int include;
    bool counted;
  };
  const Ints none = {0, 0, 0, 0}, some = {1, 1, 1, 1}, no_node = {};
  const Ints node = {0, 0, 1, 1, 0, 0, 0, 0}, idle = {0, 0, 0, 0, 0, 0, 0, 0};
  for (const Case& c : {Case{no_node, some, 1, true}, Case{no_node, some, 0, false}, Case{no_node, none, 1, false},
                        Case{node, none, 0, true}, Case{node, some, 1, true}, Case{idle, some, 0, false}}) {
    TestModel m;
    if (!c.pad_node.empty()) m.node("Pad", {"x", m.list(c.pad_node)}, "a");
    m.node("AveragePool", {c.pad_node.empty() ? "x" : "a"}, "y",
           {{"kernel_shape", Ints{3, 3}}, {"pads", c.pads}, {"count_include_pad", c.include}});
    EXPECT_EQ(only<graph::Pool>(m.import()).count_padding, c.counted);
  }
}

TEST(Pool, KeepsCeilMode) {
  TestModel m;
  m.node("MaxPool", {"x"}, "y", {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}, {"ceil_mode", 1}})
      .add_output("indices");
  graph::Graph graph = m.import();
  EXPECT_EQ(only<graph::Pool>(graph).kind, graph::PoolKind::max);
  EXPECT_EQ(graph::infer_shapes(graph).back(), (graph::Shape{3, 3, 4}));
  graph.set_input_size(7, 6);
  EXPECT_EQ(graph::infer_shapes(graph).back(), (graph::Shape{4, 3, 4}));
}

TEST(ReduceMean, OverTheImageInAllItsForms) {
  TestModel attribute({0, 4, 6, 6}, 13);
  attribute.node("ReduceMean", {"x"}, "y", {{"axes", Ints{-1, 2}}, {"keepdims", 0}});
  TestModel input({0, 4, 6, 6}, 18);
  input.node("ReduceMean", {"x", input.list({2, 3})});
  TestModel merged({0, 4, 6, 6});
  merged.node("Reshape", {"x", merged.list({0, 0, -1})}, "a");
  merged.node("ReduceMean", {"a"}, "y", {{"axes", Ints{2}}, {"keepdims", 0}});
  TestModel last({0, 4, 6, 6});
  last.node("Transpose", {"x"}, "a", {{"perm", Ints{0, 2, 3, 1}}});
  last.node("ReduceMean", {"a"}, "y", {{"axes", Ints{1, 2}}, {"keepdims", 0}});
  for (const TestModel* m : {&attribute, &input, &merged, &last}) {
    EXPECT_EQ(m->operations(), "input, global average pooling");
  }
  TestModel steps({0, 4, 6, 5});
  steps.node("ReduceMean", {"x"}, "a", {{"axes", Ints{3}}, {"keepdims", 0}});
  steps.node("ReduceMean", {"a"}, "y", {{"axes", Ints{2}}, {"keepdims", 0}});
  EXPECT_EQ(steps.operations(), "input, pooling, global average pooling");
  EXPECT_EQ(only<graph::Pool>(steps.import()).window, (graph::Window{.kernel_h = 1, .kernel_w = 0}));
}

TEST(ReduceMax, AndGlobalMaxPool) {
  TestModel rows;
  rows.node("ReduceMax", {"x"}, "y", {{"axes", Ints{2}}});
  TestModel all;
  all.node("ReduceMax", {"x"}, "y", {{"axes", Ints{2, 3}}, {"keepdims", 0}});
  TestModel global;
  global.node("GlobalMaxPool", {"x"});
  EXPECT_EQ(only<graph::Pool>(rows.import()).window, (graph::Window{.kernel_h = 0, .kernel_w = 1}));
  for (const TestModel* m : {&all, &global}) {
    const auto pool = only<graph::Pool>(m->import());
    EXPECT_EQ(pool.window, (graph::Window{.kernel_h = 0, .kernel_w = 0}));
    EXPECT_EQ(pool.kind, graph::PoolKind::max);
  }
}

TEST(Clip, HasAnyBounds) {
  constexpr float greatest = std::numeric_limits<float>::max(), infinity = std::numeric_limits<float>::infinity();
  const auto bounds = [](const TestModel& m) {
    const auto activate = only<graph::Activate>(m.import());
    EXPECT_EQ(activate.kind.function, kernels::Function::none);
    return activate.kind.bounds;
  };
  using Given = std::optional<float>;
  const std::tuple<Given, Given, kernels::Clamp> cases[] = {
      {0.0F, 6.0F, graph::Activation::relu6.bounds},
      {0.0F, std::nullopt, graph::Activation::relu.bounds},
      {0.0F, greatest, graph::Activation::relu.bounds},
      {-1.5F, 0.25F, {-1.5F, 0.25F}},
      {std::nullopt, 6.0F, {-infinity, 6.0F}},
      {-greatest, -2.0F, {-infinity, -2.0F}},
      {3.0F, 3.0F, {3.0F, 3.0F}},
      {std::nullopt, std::nullopt, {}},
      {-infinity, infinity, {}},
  };
  for (const auto& [min, max, expected] : cases) {
    TestModel attributes({0, 4, 6, 6}, 9);
    auto& node = attributes.node("Clip", {"x"});
    TestModel other;
    if (min) *node.add_attribute() = other.node("", {}, "", {{"min", *min}}).attribute(0);
    if (max) *node.add_attribute() = other.node("", {}, "", {{"max", *max}}).attribute(0);
    EXPECT_EQ(bounds(attributes), expected);
    TestModel inputs({0, 4, 6, 6}, 13);
    const std::string lower = min ? inputs.floats({}, {*min}) : "", upper = max ? inputs.floats({1}, {*max}) : "";
    inputs.node("Clip", {"x", lower, upper});
    EXPECT_EQ(bounds(inputs), expected);
  }
  TestModel integers;
  integers.node("Clip", {"x", integers.scalar(-3), integers.scalar(4)});
  EXPECT_EQ(bounds(integers), (kernels::Clamp{-3.0F, 4.0F}));
}

TEST(Clip, BehindAReluIsOneActivationWithIt) {
  TestModel m;
  m.node("Relu", {"x"}, "a");
  m.node("Clip", {"a", "", m.floats({}, {6.0F})});
  graph::Graph graph = m.import();
  passes::optimise(graph);
  EXPECT_EQ(operations(graph), "input, activation");
  EXPECT_EQ(only<graph::Activate>(graph).kind, graph::Activation::relu6);
}

TEST(Function, OfEveryKindIsComputed) {
  for (const FunctionOperator& one : function_operators) {
    TestModel m({0, 9}, std::max<std::int64_t>(one.opset, 9));
    m.node(one.type, {"x"});
    const graph::Graph graph = m.import();
    const graph::Activation expected{{}, one.function, one.a.otherwise, one.b.otherwise};
    EXPECT_EQ(only<graph::Activate>(graph).kind, expected) << one.type;
    const kernels::FunctionArgs function = graph::function_args(expected);
    const std::vector<float> input = {-100.0F, -3.5F, -3.0F, -1.0F, 0.0F, 0.5F, 2.0F, 3.0F, 100.0F};
    std::vector<float> output(input.size(), NAN);
    run::Session(plan::make(graph)).run(input.data(), output.data());
    for (std::size_t i = 0; i < input.size(); ++i) {
      const auto right = static_cast<float>(kernels::reference_of(function, static_cast<double>(input[i])));
      if (std::isfinite(right)) {
        EXPECT_NEAR(output[i], right, 1e-6F * std::max(1.0F, std::abs(right))) << one.type << " of " << input[i];
      } else {
        EXPECT_EQ(std::isnan(output[i]), std::isnan(right)) << one.type << " of " << input[i];
        EXPECT_EQ(std::isinf(output[i]), std::isinf(right)) << one.type << " of " << input[i];
      }
    }
  }
}

TEST(Function, HasItsAttributesAndConstants) {
  using kernels::Function;
  const auto activation = [](const std::function<void(TestModel&)>& build) {
    TestModel m({0, 3, 2, 2}, 20);
    build(m);
    return only<graph::Activate>(m.import()).kind;
  };
  EXPECT_EQ(activation([](auto& m) {
              m.node("LeakyRelu", {"x"}, "y", {{"alpha", 0.5F}});
            }),
            (graph::Activation{{}, Function::leaky, 0.5F}));
  EXPECT_EQ(activation([](auto& m) {
              m.node("Selu", {"x"}, "y", {{"alpha", 2.0F}, {"gamma", 3.0F}});
            }),
            (graph::Activation{{}, Function::selu, 2.0F, 3.0F}));
  EXPECT_EQ(activation([](auto& m) {
              m.node("Pow", {"x", m.floats({}, {2.5F})});
            }),
            (graph::Activation{{}, Function::power, 2.5F}));
  EXPECT_EQ(activation([](auto& m) {
              m.node("Pow", {"x", m.scalar(3)});
            }),
            (graph::Activation{{}, Function::power, 3.0F}));
  EXPECT_EQ(activation([](auto& m) { m.node("Gelu", {"x"}); }), (graph::Activation{{}, Function::gelu}));
  EXPECT_EQ(activation([](auto& m) {
              m.node("Gelu", {"x"}, "y", {{"approximate", "tanh"}});
            }),
            (graph::Activation{{}, Function::gelu_tanh}));
  EXPECT_EQ(activation([](auto& m) {
              m.node("Swish", {"x"}, "y", {{"alpha", 1.0F}});
            }),
            (graph::Activation{{}, Function::silu}));
  EXPECT_EQ(activation([](auto& m) { m.node("Max", {m.floats({}, {-1.5F}), "x"}); }).bounds.lower, -1.5F);
  EXPECT_EQ(activation([](auto& m) { m.node("Min", {"x", m.floats({1}, {1.0F})}); }).bounds.upper, 1.0F);
}

TEST(Function, OfPReluHasASlopeForAllOrForEachChannel) {
  using kernels::Function;
  const std::vector<float> slopes = {1, 2, 3};
  const graph::Activation expected{.function = Function::prelu, .slopes = graph::Constant(slopes)};
  using Dims = std::vector<std::int64_t>;
  for (const Dims& dims : {Dims{3, 1, 1}, Dims{1, 3, 1, 1}}) {
    TestModel m({0, 3, 2, 2});
    m.node("PRelu", {"x", m.floats(dims, slopes)});
    EXPECT_EQ(only<graph::Activate>(m.import()).kind, expected);
  }
  TestModel vectors({0, 3});
  vectors.node("PRelu", {"x", vectors.floats({3}, slopes)});
  EXPECT_EQ(only<graph::Activate>(vectors.import()).kind, expected);
  for (const Dims& dims : {Dims{}, Dims{1}, Dims{1, 1, 1}, Dims{3, 1, 1}}) {
    TestModel m({0, 3, 2, 2});
    m.node("PRelu", {"x", m.floats(dims, std::vector<float>(dims == Dims{3, 1, 1} ? 3 : 1, 0.25F))});
    EXPECT_EQ(only<graph::Activate>(m.import()).kind, (graph::Activation{{}, Function::leaky, 0.25F}));
  }
  TestModel misfit({0, 3, 2, 2});
  misfit.node("PRelu", {"x", misfit.floats({5, 1})});
  EXPECT_NE(misfit.refusal().find("does not fit"), std::string::npos) << misfit.refusal();
}

TEST(Function, OfAConstantIsAConstant) {
  TestModel m({0, 3, 2, 2});
  m.node("Exp", {m.floats({3, 1, 1}, {0, 1, -1})}, "a");
  m.node("PRelu", {"x", "a"});
  EXPECT_EQ(values(only<graph::Activate>(m.import()).kind.slopes),
            (std::vector<float>{1, static_cast<float>(std::exp(1.0)), static_cast<float>(std::exp(-1.0))}));
}

TEST(Gemm, TransposesAndScales) {
  TestModel m({0, 2, 1, 1});
  m.node("Flatten", {"x"}, "a");
  m.node("Gemm", {"a", m.floats({2, 3}), m.floats({3})}, "y", {{"alpha", 2.0F}, {"beta", 0.5F}});
  const auto dense = only<graph::FullyConnected>(m.import());
  EXPECT_EQ(dense.outputs, 3);
  EXPECT_EQ(values(dense.weights), (std::vector<float>{2, 8, 4, 10, 6, 12}));
  EXPECT_EQ(values(dense.bias), (std::vector<float>{0.5F, 1.0F, 1.5F}));

  TestModel transposed({0, 2});
  transposed.node("Gemm", {"x", transposed.floats({3, 2}), transposed.floats({1}, {7.0F})}, "y", {{"transB", 1}});
  EXPECT_EQ(values(only<graph::FullyConnected>(transposed.import()).weights), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(values(only<graph::FullyConnected>(transposed.import()).bias), (std::vector<float>{7, 7, 7}));
}

TEST(Gemm, OfATransposedTensorTransposesItBack) {
  TestModel m({0, 2});
  m.node("Transpose", {"x"}, "a", {{"perm", std::vector<std::int64_t>{1, 0}}});
  m.node("Gemm", {"a", m.floats({2, 3})}, "b", {{"transA", 1}});
  m.node("Transpose", {"b"}, "c", {{"perm", std::vector<std::int64_t>{1, 0}}});
  m.node("Transpose", {"a"}, "d", {{"perm", std::vector<std::int64_t>{1, 0}}});  // it is what it was
  m.node("MatMul", {"d", m.floats({2, 4})}, "y");
  EXPECT_EQ(m.operations(), "input, fully connected");
  EXPECT_EQ(only<graph::FullyConnected>(m.import()).outputs, 3);
}

TEST(Gemm, OfAFlattenedImageIsOfItsSize) {
  TestModel m({0, 2, 2, 3});
  m.node("Flatten", {"x"}, "a");
  m.node("Gemm", {"a", m.floats({5, 12})}, "y", {{"transB", 1}});
  const auto dense = only<graph::FullyConnected>(m.import());
  EXPECT_EQ(dense.height, 2);
  EXPECT_EQ(dense.width, 3);
  EXPECT_EQ(dense.weights.values()[11], 12.0F);
  EXPECT_EQ(graph::infer_shapes(m.import()).back(), (graph::Shape{1, 1, 5}));
}

TEST(Gemm, OfChannelsThatWereDividedBefore) {
  TestModel m({0, 4, 2, 3});
  m.node("Reshape", {"x", m.list({0, 2, 2, 2, 3})}, "a");
  m.node("Flatten", {"a"}, "b");
  m.node("Gemm", {"b", m.floats({24, 5})});
  EXPECT_EQ(m.operations(), "input, fully connected");
}

TEST(MatMul, TakesTheAddBehindItAsItsBias) {
  TestModel m({0, 2});
  m.node("MatMul", {"x", m.floats({2, 3})}, "a");
  m.node("Add", {m.floats({3}), "a"});
  EXPECT_EQ(m.operations(), "input, fully connected");
  EXPECT_EQ(values(only<graph::FullyConnected>(m.import()).weights), (std::vector<float>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(values(only<graph::FullyConnected>(m.import()).bias), (std::vector<float>{1, 2, 3}));
}

TEST(MatMul, ThatIsReadElsewhereTooKeepsItsResult) {
  TestModel m({0, 2});
  m.node("MatMul", {"x", m.floats({2, 2})}, "a");
  m.node("Add", {"a", m.floats({2})}, "b");
  m.node("Add", {"a", "b"});
  EXPECT_EQ(m.operations(), "input, fully connected, batch norm, add");
  TestModel same({0, 2});
  same.node("MatMul", {"x", same.floats({2, 2})}, "a");
  same.node("Identity", {"a"}, "b");
  same.node("Add", {"a", same.floats({2})}, "c");
  same.node("Add", {"b", "c"});
  EXPECT_EQ(same.operations(), "input, fully connected, batch norm, add");
}

TEST(Add, OfAConstantIsAShift) {
  TestModel m;
  m.node("Add", {"x", m.floats({4, 1, 1})}, "a");
  m.node("Add", {m.floats({}, {3.0F}), "a"});
  EXPECT_EQ(m.operations(), "input, batch norm, batch norm");
  const auto norm = only<graph::BatchNorm>(m.import());
  EXPECT_EQ(values(norm.shift), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(values(norm.scale), (std::vector<float>{1, 1, 1, 1}));
  EXPECT_EQ(values(norm.variance), (std::vector<float>{1, 1, 1, 1}));
  EXPECT_EQ(norm.epsilon, 0.0F);
}

TEST(Add, OfOneTensorToItself) {
  TestModel m;
  m.node("Add", {"x", "x"});
  EXPECT_EQ(m.operations(), "input, add");
}

TEST(Softmax, OverTheChannels) {
  TestModel vector({0, 5}, 11);
  vector.node("Softmax", {"x"});
  TestModel image({0, 4, 6, 6}, 13);
  image.node("Softmax", {"x"}, "y", {{"axis", 1}});
  TestModel last({0, 4, 6, 6}, 9);
  last.node("Transpose", {"x"}, "a", {{"perm", Ints{0, 3, 2, 1}}});
  last.node("Softmax", {"a"}, "b", {{"axis", 3}});
  last.node("Transpose", {"b"}, "y", {{"perm", Ints{0, 3, 2, 1}}});
  for (const TestModel* m : {&vector, &image, &last}) EXPECT_EQ(m->operations(), "input, softmax");
}

TEST(Dropout, IsNothing) {
  TestModel m;
  m.node("Dropout", {"x"}, "a", {{"ratio", 0.5F}}).add_output("mask");
  m.node("Relu", {"a"});
  EXPECT_EQ(m.operations(), "input, activation");
}

TEST(Names, AreTheModels) {
  TestModel m;
  m.node("Relu", {"x"}, "a").clear_name();
  m.node("Relu", {"a"});
  const graph::Graph graph = m.import();
  EXPECT_EQ(graph.name, "test");
  EXPECT_EQ(graph.nodes[0].name, "x");
  EXPECT_EQ(graph.nodes[1].name, "a");
  EXPECT_EQ(graph.nodes[2].name, "the_node");
}

}  // namespace
}  // namespace riffle::onnx
