// The ends of a network: its inputs and outputs, in a model and back in a file.
#include <gtest/gtest.h>
#include <onnx.pb.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "io/onnx/export.hpp"
#include "io/onnx/import.hpp"
#include "io/onnx/test_model.hpp"
#include "models/random.hpp"

namespace riffle::onnx {
namespace {

using graph::Graph;
using graph::NodeId;
using Names = std::vector<std::string>;

constexpr std::int64_t test_batch = 2;

std::vector<float> random_floats(std::string_view name, const graph::Shape& shape) {
  return models::random_values(1, name, static_cast<std::size_t>(test_batch * shape.size()), {});
}

Names input_names(const Graph& graph) {
  Names names;
  for (std::size_t i = 0; i < graph.input_count(); ++i) names.push_back(graph.nodes[i].name);
  return names;
}

Names output_names(const Graph& graph) {
  Names names;
  for (const graph::Output& output : graph.outputs) names.push_back(graph.output_name(output));
  return names;
}

::onnx::ModelProto exported(const Graph& graph) {
  ::onnx::ModelProto model;
  if (!model.ParseFromString(export_model(graph))) throw Error("what is exported is no model");
  return model;
}

Graph exported_and_back(const Graph& graph) {
  const std::string bytes = export_model(graph);
  return import(std::as_bytes(std::span(bytes)));
}

/// The images' channels of these numbers, in this order.
std::vector<float> picked(std::span<const float> images, std::size_t channels, const std::vector<std::size_t>& which) {
  const std::size_t pixels = images.size() / channels / test_batch;
  std::vector<float> result;
  for (std::size_t n = 0; n < test_batch; ++n) {
    for (const std::size_t channel : which) {
      const auto plane = images.subspan((n * channels + channel) * pixels, pixels);
      result.insert(result.end(), plane.begin(), plane.end());
    }
  }
  return result;
}

TEST(Ends, InputsAreTheModelsInTheirOrder) {
  TestModel m({0, 4, 2, 3});
  const std::string weights = m.floats({4, 4, 1, 1});
  m.input(weights, {4, 4, 1, 1});  // no input: a weight that a caller might replace
  m.input("z", {0, 4, 2, 3});
  m.input("unread", {0, 1, 2, 3});
  m.node("Conv", {"z", weights}, "a");
  m.node("Add", {"x", "a"});
  const Graph graph = m.import();
  EXPECT_EQ(input_names(graph), (Names{"x", "z", "unread"}));
  EXPECT_EQ(graph.input(2).shape, (graph::Shape{2, 3, 1}));

  const std::vector<float> x = random_floats("x", {2, 3, 4}), z = random_floats("z", {2, 3, 4});
  const std::vector<float> unread = random_floats("unread", {2, 3, 1});
  std::vector<float> sum = x;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    const std::size_t image = i / 24, output = i / 6 % 4, pixel = i % 6;
    for (std::size_t c = 0; c < 4; ++c) {
      sum[i] += static_cast<float>(output * 4 + c + 1) * z[image * 24 + c * 6 + pixel];
    }
  }
  const std::vector<Bytes> outputs = outputs_of(graph, {bytes_of(x), bytes_of(z), bytes_of(unread)}, test_batch);
  const auto y = numbers_of<float>(outputs.at(0));
  ASSERT_EQ(y.size(), sum.size());
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], sum[i], 1e-4) << i;
}

TEST(Ends, OutputsAreTheModelsInTheirOrder) {
  TestModel m({0, 4, 2, 3});
  auto& split = m.node("Split", {"x", m.list({1, 3})}, "one", {{"axis", 1}});
  split.add_output("three");
  m.node("Gather", {"x", m.list({3, 1, 2, 0})}, "turned", {{"axis", 1}});
  m.node("Concat", {"three", "x", "one"}, "joined", {{"axis", 1}});
  m.node("Reshape", {"x", m.list({0, 2, 2, 2, 3})}, "grouped");
  m.node("Transpose", {"grouped"}, "transposed", {{"perm", std::vector<std::int64_t>{0, 2, 1, 3, 4}}});
  m.node("Relu", {"turned"});
  m.node("Identity", {"y"}, "again");
  for (const char* name : {"three", "x", "turned", "one", "joined", "transposed", "again"}) m.output(name);
  const Graph graph = m.import();
  EXPECT_EQ(output_names(graph), (Names{"y", "three", "x", "turned", "one", "joined", "transposed", "again"}));

  const std::vector<float> x = random_floats("x", {2, 3, 4});
  const std::vector<Bytes> outputs = outputs_of(graph, {bytes_of(x)}, test_batch);
  const auto expect_channels = [&](std::size_t output, const std::vector<std::size_t>& which) {
    EXPECT_EQ(numbers_of<float>(outputs.at(output)), picked(x, 4, which)) << output_names(graph)[output];
  };
  expect_channels(1, {1, 2, 3});
  expect_channels(2, {0, 1, 2, 3});
  expect_channels(3, {3, 1, 2, 0});
  expect_channels(4, {0});
  expect_channels(5, {1, 2, 3, 0, 1, 2, 3, 0});
  expect_channels(6, {0, 2, 1, 3});
  std::vector<float> rectified = picked(x, 4, {3, 1, 2, 0});
  for (float& value : rectified) value = std::max(value, 0.0F);
  EXPECT_EQ(numbers_of<float>(outputs.at(0)), rectified);
  EXPECT_EQ(outputs.at(7), outputs.at(0));
}

TEST(Ends, AnOutputThatIsReadOnKeepsItsNumbers) {
  // What is added behind the product would be its bias, if nobody else saw the product.
  TestModel m({0, 2});
  m.node("MatMul", {"x", m.floats({2, 2})}, "product");
  m.node("Add", {"product", m.floats({2})}, "sum");
  m.node("Relu", {"sum"});
  m.output("product");
  m.output("sum");
  const std::vector<Bytes> outputs = outputs_of(m.import(), {bytes_of(std::vector<float>{1, -2})}, 1);
  EXPECT_EQ(numbers_of<float>(outputs.at(0)), (std::vector<float>{0, 0}));
  EXPECT_EQ(numbers_of<float>(outputs.at(1)), (std::vector<float>{-5, -6}));
  EXPECT_EQ(numbers_of<float>(outputs.at(2)), (std::vector<float>{-4, -4}));
}

/// The priors of a detector, that its file hands over beside what it computes.
TEST(Ends, AnOutputMayBeAConstant) {
  TestModel m({1, 4, 2, 3});
  m.node("Relu", {"x"});
  const std::string priors = m.floats({1, 5, 2}), anchors = m.floats({3, 2, 2, 2});
  m.output(priors);
  m.node("Identity", {anchors}, "anchors");
  m.output("anchors");
  Graph graph = m.import();
  EXPECT_EQ(graph.outputs[1].arrangement.axes.size(), 2);
  EXPECT_EQ(graph.outputs[2].arrangement.axes.size(), 4);
  EXPECT_TRUE(graph.outputs[2].arrangement.joins_batch);
  const auto expect_output = [](const Graph& one, std::size_t output, std::size_t count) {
    const std::vector<Bytes> outputs = outputs_of(one, {bytes_of(random_floats("x", {2, 3, 2}))}, 1);
    const auto numbers = numbers_of<float>(outputs.at(output));
    ASSERT_EQ(numbers.size(), count);
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(numbers[i], static_cast<float>(i + 1));
  };
  expect_output(graph, 1, 10);
  expect_output(graph, 2, 24);
  // What is exported leaves the batch open.
  graph.outputs.pop_back();
  expect_output(exported_and_back(graph), 1, 10);

  m.proto.mutable_graph()
      ->mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(0)
      ->set_dim_param("N");
  EXPECT_NE(m.refusal().find("the output 'anchors': it does not depend on the input, and has no dimension"),
            std::string::npos);
}

TEST(Ends, InputsOfOneSizeAreOfEverySize) {
  TestModel m({0, 4, 6, 5});
  m.input("z", {0, 4, 6, 5});
  m.node("Shape", {"z"}, "shape");
  m.node("Reshape", {"x", "shape"}, "a");
  m.node("Add", {"a", "z"});
  Graph graph = m.import();
  EXPECT_EQ(graph.input(0).only_size, "");
  EXPECT_EQ(graph.input(1).only_size, "");
  graph.set_input_size(3, 7);
  EXPECT_EQ(graph::infer_shapes(graph).back(), (graph::Shape{3, 7, 4}));
  // What closes the size of one closes it of all.
  m.node("Slice", {"z", m.list({0}), m.list({6}), m.list({2})}, "rows");
  m.output("rows");
  graph = m.import();
  EXPECT_NE(graph.input(0).only_size, "");
  EXPECT_EQ(graph.input(1).only_size, graph.input(0).only_size);
}

TEST(Ends, InputsOfSeveralSizesAreOfTheirOwnAlone) {
  const std::string several = "the inputs of the ONNX model are of several sizes";
  for (const std::vector<std::int64_t>& dims : std::vector<std::vector<std::int64_t>>{{0, 4, 1, 1}, {0, 4}}) {
    TestModel m({0, 4, 6, 5});
    m.input("z", dims);
    m.node("GlobalAveragePool", {"x"}, "mean");
    m.node("Flatten", {"mean"}, "a");
    m.node("Flatten", {"z"}, "b");
    m.node("Add", {"a", "b"});
    Graph graph = m.import();
    const std::string expected = dims.size() == 4 ? several : "an input of the ONNX model is a vector (N, C)";
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(graph.input(i).only_size, expected);
    EXPECT_THROW(graph.set_input_size(7, 5), Error);
    const Graph back = exported_and_back(graph);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(back.input(i).only_size, expected);
  }
  // A number that was computed from one input's rows means nothing for the other one's.
  TestModel m({0, 4, 6, 5});
  m.input("z", {0, 5, 6, 4});
  m.node("Shape", {"z"}, "shape");
  m.node("Gather", {"shape", m.list({0, 3, 2, 1})}, "turned");
  m.node("Reshape", {"x", "turned"});
  EXPECT_EQ(m.import().input(0).only_size, several);
}

/// Two inputs, and outputs of every kind: named and not, of one node and of several, of an input, under names that are
/// taken.
Graph with_many_ends() {
  Graph graph;
  graph.name = "ends";
  const NodeId x = graph.add("x", graph::Input{{3, 2, 4}}), z = graph.add("z", graph::Input{{3, 2, 4}});
  graph::Convolution convolution;
  convolution.outputs = 4;
  convolution.weights = graph::Constant(models::random_values(1, "weights", 16, {}));
  convolution.activation = graph::Activation::sigmoid;
  const NodeId layer = graph.add("layer", convolution, {x});
  const NodeId sum = graph.add("sum", graph::Binary{.activation = graph::Activation::relu}, {layer, z});
  const NodeId shuffled = graph.add("shuffled", graph::Shuffle{2}, {sum});
  const NodeId joined = graph.add("joined", graph::Concat{}, {x, shuffled});
  graph.outputs = {{layer}, {shuffled, "sum"}, {sum, "layer.weight"},    {joined}, {joined, "twice"},
                   {x},     {z, "copy of z"},  {sum, "layer.activation"}};
  return graph;
}

TEST(Ends, SurviveAnExport) {
  const Graph graph = with_many_ends();
  const Graph back = exported_and_back(graph);
  EXPECT_EQ(input_names(back), (Names{"x", "z"}));
  EXPECT_EQ(output_names(back),
            (Names{"layer", "sum", "layer.weight", "joined", "twice", "x", "copy of z", "layer.activation"}));
  EXPECT_EQ(output_names(back), output_names(graph));
  EXPECT_EQ(output_names(exported_and_back(back)), output_names(graph));
  const std::vector<Bytes> inputs = {bytes_of(random_floats("x", {3, 2, 4})), bytes_of(random_floats("z", {3, 2, 4}))};
  const std::vector<Bytes> expected = outputs_of(graph, inputs, test_batch),
                           actual = outputs_of(back, inputs, test_batch);
  EXPECT_EQ(actual, expected);
  EXPECT_EQ(expected[5], inputs[0]);
  EXPECT_EQ(expected[6], inputs[1]);
}

TEST(Ends, TakeANameThatAnInputHasWithANumber) {
  Graph graph;
  const NodeId x = graph.add("x", graph::Input{{1, 1, 2}});
  graph.outputs = {{graph.add("relu", graph::Activate{}, {x}), "x"}};
  EXPECT_EQ(output_names(exported_and_back(graph)), (Names{"x_1"}));  // ONNX has one tensor of a name
}

TEST(Ends, ASingleOutputWithoutANameIsCalledAsItsTensor) {
  Graph graph;
  const NodeId x = graph.add("x", graph::Input{{1, 1, 2}});
  graph.outputs = {{x}};
  EXPECT_EQ(exported(graph).graph().output(0).name(), "output");
  const NodeId sum = graph.add("sum", graph::Binary{.activation = graph::Activation::relu}, {x, x});
  graph.outputs = {{sum}};
  EXPECT_EQ(exported(graph).graph().output(0).name(), "sum.activation");
  graph.outputs = {{sum, "sum"}};
  EXPECT_EQ(exported(graph).graph().output(0).name(), "sum");
}

// Types.

using ::onnx::TensorProto;
using Halfs = std::vector<std::uint16_t>;
using Unsigned = std::vector<std::uint8_t>;
using Signed = std::vector<std::int8_t>;

/// What the model makes of one image for its input "x".
std::vector<Bytes> results_of(const TestModel& m, const Bytes& x) { return outputs_of(m.import(), {x}, 1); }

TEST(Types, OfAnInputAreTheCastsOperand) {
  struct Case {
    TensorProto::DataType declared;
    Type type;
    Bytes bytes;
    std::vector<float> numbers;
  };
  for (const Case& c :
       {Case{TensorProto::FLOAT16, Type::f16, bytes_of(Halfs{0x3C00, 0xC100, 0x0001}), {1.0F, -2.5F, 0x1p-24F}},
        Case{TensorProto::BFLOAT16, Type::bf16, bytes_of(Halfs{0x3F80, 0xC020, 0x4780}), {1.0F, -2.5F, 65536.0F}},
        Case{TensorProto::UINT8, Type::u8, bytes_of(Unsigned{0, 200, 255}), {0.0F, 200.0F, 255.0F}},
        Case{TensorProto::INT8, Type::i8, bytes_of(Signed{-128, -1, 127}), {-128.0F, -1.0F, 127.0F}}}) {
    SCOPED_TRACE(name_of(c.type));
    for (const TensorProto::DataType to : {TensorProto::FLOAT, TensorProto::DOUBLE}) {
      TestModel m({0, 3, 1, 1}, 13, c.declared);
      m.node("Shape", {"x"}, "shape");
      m.node("Cast", {"x"}, "float", {{"to", to}});
      m.node("Reshape", {"float", "shape"});
      const Graph graph = m.import();
      EXPECT_EQ(graph.input().type, c.type);
      EXPECT_EQ(graph.input().quantization, Quantization{});
      EXPECT_EQ(graph.outputs[0].type, Type::f32);
      EXPECT_EQ(numbers_of<float>(results_of(m, c.bytes).at(0)), c.numbers);
    }
  }
}

TEST(Types, OfAnInputThatIsDequantised) {
  TestModel m({0, 3, 1, 1}, 13, TensorProto::UINT8);
  const std::string scale = m.floats({}, {0.5F});
  m.node("DequantizeLinear", {"x", scale, m.scalar(128, TensorProto::UINT8)}, "a");
  m.node("DequantizeLinear", {"x", scale, m.scalar(128, TensorProto::UINT8)}, "b", {{"axis", 1}});
  m.node("Add", {"a", "b"});
  EXPECT_EQ(m.import().input().type, Type::u8);
  EXPECT_EQ(m.import().input().quantization, (Quantization{0.5F, 128}));
  EXPECT_EQ(numbers_of<float>(results_of(m, bytes_of(Unsigned{0, 129, 255})).at(0)),
            (std::vector<float>{-128, 1, 127}));
  TestModel no_zero_point({0, 3, 1, 1}, 13, TensorProto::INT8);
  no_zero_point.node("DequantizeLinear", {"x", no_zero_point.floats({1}, {2.0F})});
  EXPECT_EQ(no_zero_point.import().input().type, Type::i8);
  EXPECT_EQ(no_zero_point.import().input().quantization, (Quantization{2.0F, 0}));
}

TEST(Types, OfAModelOf16BitsAreItsOwn) {
  for (const auto& [declared, type, x, y] :
       {std::tuple(TensorProto::FLOAT16, Type::f16, Halfs{0x3C00, 0xC100, 0x4200}, Halfs{0x3C00, 0, 0x4000}),
        {TensorProto::BFLOAT16, Type::bf16, Halfs{0x3F80, 0xC020, 0x4040}, Halfs{0x3F80, 0, 0x4000}}}) {
    TestModel m({0, 3, 1, 1}, 13, declared);
    const std::string two = m.floats({}, {2.0F});
    m.initialiser(two).set_data_type(declared);
    m.initialiser(two).set_raw_data(&y[2], sizeof(y[2]));
    m.node("Relu", {"x"}, "a");
    m.node("Cast", {"a"}, "b", {{"to", TensorProto::FLOAT}});
    m.node("Cast", {"b"}, "c", {{"to", declared}});
    m.node("Clip", {"c", "", two});
    m.proto.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(declared);
    const Graph graph = m.import();
    EXPECT_EQ(graph.input().type, type);
    EXPECT_EQ(graph.outputs[0].type, type);
    EXPECT_EQ(operations(graph), "input, activation, activation");  // no cast is one
    EXPECT_EQ(numbers_of<std::uint16_t>(results_of(m, bytes_of(x)).at(0)), y);
  }
}

TEST(Types, OfAnInputThatIsNeitherOf16NorOf8BitsAreFloat) {
  TestModel wide({0, 3, 1, 1}, 13, TensorProto::DOUBLE);
  wide.node("Relu", {"x"}, "a");
  wide.node("Cast", {"a"}, "y", {{"to", TensorProto::FLOAT}});
  EXPECT_EQ(wide.import().input().type, Type::f32);
  EXPECT_EQ(numbers_of<float>(results_of(wide, bytes_of(std::vector<float>{1, -2, 3})).at(0)),
            (std::vector<float>{1, 0, 3}));
  // A cast of a float input says nothing of it, nor does the one back.
  TestModel m({0, 3, 1, 1});
  m.node("Cast", {"x"}, "half", {{"to", TensorProto::FLOAT16}});
  m.node("Cast", {"half"}, "float", {{"to", TensorProto::FLOAT}});
  m.node("Relu", {"float"});
  EXPECT_EQ(m.import().input().type, Type::f32);
  EXPECT_EQ(m.import().outputs[0].type, Type::f32);
  // Nobody reads it, and it has its type all the same.
  m.input("unread", {0, 3, 1, 1}, TensorProto::INT8);
  EXPECT_EQ(m.import().input(1).type, Type::i8);
}

TEST(Types, OfOutputsAreThoseOfTheirConversion) {
  TestModel m({0, 3, 1, 1}, 21);
  const std::string scale = m.floats({}, {0.5F});
  m.node("Cast", {"x"}, "half", {{"to", TensorProto::FLOAT16}});
  m.node("Cast", {"x"}, "brain", {{"to", TensorProto::BFLOAT16}});
  m.node("QuantizeLinear", {"x", scale, m.scalar(10, TensorProto::UINT8)}, "unsigned");
  m.node("QuantizeLinear", {"x", scale, m.scalar(-1, TensorProto::INT8)}, "signed", {{"axis", 0}});
  m.node("QuantizeLinear", {"x", scale}, "by_default");
  m.node("QuantizeLinear", {"x", scale}, "as_it_says", {{"output_dtype", TensorProto::INT8}});
  m.node("Relu", {"half"});  // which is computed in float
  const std::vector<std::string> names = {"half", "brain", "unsigned", "signed", "by_default", "as_it_says"};
  for (const std::string& name : names) m.output(name);
  const Graph graph = m.import();
  EXPECT_EQ(output_names(graph), (Names{"y", "half", "brain", "unsigned", "signed", "by_default", "as_it_says"}));
  std::vector<Type> types;
  for (const graph::Output& output : graph.outputs) types.push_back(output.type);
  EXPECT_EQ(types, (std::vector<Type>{Type::f32, Type::f16, Type::bf16, Type::u8, Type::i8, Type::u8, Type::i8}));
  EXPECT_EQ(graph.outputs[3].quantization, (Quantization{0.5F, 10}));
  EXPECT_EQ(graph.outputs[4].quantization, (Quantization{0.5F, -1}));
  const std::vector<Bytes> outputs = results_of(m, bytes_of(std::vector<float>{1.0F, -2.5F, 1.00048828125F}));
  EXPECT_EQ(numbers_of<float>(outputs.at(0)), (std::vector<float>{1.0F, 0.0F, 1.00048828125F}));
  EXPECT_EQ(numbers_of<std::uint16_t>(outputs.at(1)), (Halfs{0x3C00, 0xC100, 0x3C00}));
  EXPECT_EQ(numbers_of<std::uint16_t>(outputs.at(2)), (Halfs{0x3F80, 0xC020, 0x3F80}));
  EXPECT_EQ(numbers_of<std::uint8_t>(outputs.at(3)), (Unsigned{12, 5, 12}));
  EXPECT_EQ(numbers_of<std::int8_t>(outputs.at(4)), (Signed{1, -6, 1}));
  EXPECT_EQ(numbers_of<std::uint8_t>(outputs.at(5)), (Unsigned{2, 0, 2}));
  EXPECT_EQ(numbers_of<std::int8_t>(outputs.at(6)), (Signed{2, -5, 2}));
}

TEST(Types, OfAnInputThatIsAnOutputStay) {
  for (const auto& [declared, type] : {std::pair(TensorProto::FLOAT16, Type::f16), {TensorProto::UINT8, Type::u8}}) {
    TestModel m({0, 3, 1, 1}, 13, declared);
    m.node("Cast", {"x"}, "y", {{"to", TensorProto::FLOAT}});
    m.output("x");
    TestModel unread({0, 3, 1, 1}, 13, declared);
    unread.proto.mutable_graph()->mutable_output(0)->set_name("x");
    for (const TestModel* model : {&m, &unread}) {
      EXPECT_EQ(model->import().input().type, type);
      EXPECT_EQ(model->import().outputs.back().type, type);
    }
  }
}

TEST(Types, SurviveAnExport) {
  const std::pair<Type, Quantization> types[] = {
      {Type::f32, {}}, {Type::f16, {}}, {Type::bf16, {}}, {Type::i8, {0.25F, -3}}, {Type::u8, {0.125F, 200}}};
  Graph graph;
  graph.name = "types";
  std::vector<NodeId> inputs;
  std::vector<Bytes> bytes;
  for (const auto& [type, quantization] : types) {
    inputs.push_back(graph.add("in " + std::string(name_of(type)), graph::Input{{1, 1, 4}, {}, type, quantization}));
    bytes.emplace_back();
    for (std::int64_t i = 0; i < test_batch * 4 * size_of(type); ++i) bytes.back().push_back(std::byte(0x38 + i % 7));
  }
  for (const NodeId input : inputs) {
    const NodeId relu = graph.add("layer " + std::to_string(input), graph::Activate{}, {input});
    for (const auto& [type, quantization] : types) {
      graph.outputs.push_back(
          {relu, "out " + std::to_string(input) + " " + std::string(name_of(type)), type, quantization});
    }
    const auto& [type, quantization] = types[static_cast<std::size_t>(input)];
    graph.outputs.push_back({input, {}, type, quantization});  // the input itself, under its own name
    graph.outputs.push_back({input, "copy of " + std::to_string(input), type, quantization});
  }
  graph.outputs.push_back({inputs[1], "in f16.float"});  // what its cast would be called
  const Graph back = exported_and_back(graph);
  EXPECT_EQ(input_names(back), input_names(graph));
  EXPECT_EQ(output_names(back), output_names(graph));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(back.input(i).type, graph.input(i).type) << i;
    EXPECT_EQ(back.input(i).quantization, graph.input(i).quantization) << i;
  }
  ASSERT_EQ(back.outputs.size(), graph.outputs.size());
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    EXPECT_EQ(back.outputs[i].type, graph.outputs[i].type) << output_names(graph)[i];
    EXPECT_EQ(back.outputs[i].quantization, graph.outputs[i].quantization) << output_names(graph)[i];
  }
  EXPECT_EQ(outputs_of(back, bytes, test_batch), outputs_of(graph, bytes, test_batch));
}

TEST(Types, OfAFileAreThoseOfTheGraph) {
  Graph graph;
  const NodeId x = graph.add("x", graph::Input{{1, 1, 4}, {}, Type::u8, {0.5F, 3}});
  graph.outputs = {{graph.add("relu", graph::Activate{}, {x}), {}, Type::bf16}};
  const ::onnx::ModelProto model = exported(graph);
  EXPECT_EQ(model.graph().input(0).name(), "x");
  EXPECT_EQ(model.graph().input(0).type().tensor_type().elem_type(), TensorProto::UINT8);
  EXPECT_EQ(model.graph().output(0).name(), "relu");
  EXPECT_EQ(model.graph().output(0).type().tensor_type().elem_type(), TensorProto::BFLOAT16);
  Names operators;
  for (const auto& node : model.graph().node()) operators.push_back(node.op_type());
  EXPECT_EQ(operators, (Names{"DequantizeLinear", "Relu", "Cast"}));
}

/// Of a model whose input "x" is of uint8.
std::string refusal_of_bytes(const std::function<void(TestModel&)>& build) {
  TestModel m({0, 3, 1, 1}, 21, TensorProto::UINT8);
  build(m);
  return m.refusal();
}

TEST(Types, ElsewhereAreRefused) {
  const auto expect = [](const std::string& refusal, const std::string& part) {
    EXPECT_NE(refusal.find(part), std::string::npos) << refusal;
  };
  for (const char* type : {"Relu", "Identity", "Flatten", "Softmax", "GlobalAveragePool"}) {
    expect(refusal_of_bytes([&](TestModel& m) { m.node(type, {"x"}); }),
           std::string(type) + " node 'the_node': input 0 'x' is of type u8: ");
  }
  expect(refusal_of_bytes([](TestModel& m) {
           m.node("Cast", {"x"}, "y", {{"to", TensorProto::INT32}});
         }),
         "input 0 'x' is of type u8");
  expect(refusal_of_bytes([](TestModel& m) {
           m.node("Cast", {"x"}, "a", {{"to", TensorProto::FLOAT}});
           m.node("DequantizeLinear", {"x", m.floats({}, {0.5F})});
         }),
         "the input 'x' is read with two scales or zero points");
  expect(refusal_of_bytes([](TestModel& m) {
           m.node("DequantizeLinear", {"x", m.floats({3})});
         }),
         "it has 3 scales 'constant_0'; of a tensor that depends on the input, only one scale for the whole tensor");
  expect(refusal_of_bytes([](TestModel& m) {
           m.node("DequantizeLinear", {"x", m.floats({}), m.list({1, 2, 3})});
         }),
         "the zero point 'constant_1' is not of the numbers' type, u8");
  expect(refusal_of_bytes([](TestModel& m) {
           m.node("DequantizeLinear", {"x", m.floats({}, {0.0F})});
         }),
         "DequantizeLinear node 'the_node': the scale 'constant_0' is no positive number: 0");
  expect(refusal_of_bytes([](TestModel& m) {
           m.node("DequantizeLinear", {"x", m.floats({}), m.scalar(256, TensorProto::UINT8)});
         }),
         "the number 256 is beyond its type");
  expect(refusal_of_bytes([](TestModel& m) {
           m.node("DequantizeLinear", {"x", m.floats({}), m.scalar(1, TensorProto::INT8)});
         }),
         "the zero point 'constant_1' is not of the numbers' type, u8");

  TestModel m({0, 3, 1, 1}, 21);
  m.node("QuantizeLinear", {"x", m.floats({}), m.scalar(1, TensorProto::INT8)}, "q");
  TestModel between = m, cast = m, layer = m, scale = m, type = m, blocks = m, weights = m, of_float = m, number = m;
  between.node("DequantizeLinear", {"q", between.floats({})});
  expect(between.refusal(), "its zero point is 0, that of QuantizeLinear is 1");
  weights.node("DequantizeLinear", {weights.floats({}), weights.floats({})});
  expect(weights.refusal(), "what it reads is neither int8 nor uint8 nor int32");
  of_float.node("DequantizeLinear", {"x", of_float.floats({})});
  expect(of_float.refusal(), "what it reads is neither int8 nor uint8");
  cast.node("Cast", {"q"}, "y", {{"to", TensorProto::FLOAT}});
  expect(cast.refusal(), "what QuantizeLinear makes is read by DequantizeLinear alone");
  layer.node("Relu", {"q"});
  expect(layer.refusal(), "input 0 'q' is of type i8");
  scale.node("QuantizeLinear", {"x", scale.floats({}, {-1.0F})});
  expect(scale.refusal(), "QuantizeLinear node 'the_node': the scale 'constant_2' is no positive number: -1");
  type.node("QuantizeLinear", {"x", type.floats({}), type.scalar(1)});
  expect(type.refusal(), "another type than int8 and uint8");
  number.node("QuantizeLinear", {"x", number.floats({})}, "y", {{"output_dtype", TensorProto::INT16}});
  expect(number.refusal(), "another type than int8 and uint8");
  blocks.node("QuantizeLinear", {"x", blocks.floats({})}, "y", {{"block_size", 2}});
  expect(blocks.refusal(), "it has a scale for each block of 2 numbers");
}

TEST(Ends, AnOpenNumberOfChannelsIsTheWeights) {
  TestModel m({0, 3, 4, 4});
  auto& shape = *m.proto.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape.mutable_dim(1)->clear_dim_value();
  shape.mutable_dim(1)->set_dim_param("channels");
  EXPECT_NE(m.refusal().find("number of channels is not fixed"), std::string::npos) << m.refusal();
  m.node("Mul", {"x", m.floats({})}, "scaled");
  m.node("Conv", {"scaled", m.floats({2, 3, 1, 1})});
  EXPECT_EQ(m.import().input_shape().c, 3);
}

}  // namespace
}  // namespace riffle::onnx
