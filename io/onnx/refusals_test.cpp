// What is not supported, and what is wrong or hostile: always an Error that says what and where.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <span>

#include "io/onnx/import.hpp"
#include "io/onnx/operators.hpp"
#include "io/onnx/test_model.hpp"

namespace riffle::onnx {
namespace {

bool contains(const std::string& message, const std::string& part) { return message.find(part) != std::string::npos; }

using Ints = std::vector<std::int64_t>;

constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max(),
                       least = std::numeric_limits<std::int64_t>::min();

std::string numbered(std::string word, std::int64_t number) { return word.append(std::to_string(number)); }

/// The one node `type` of a model with an input (N, 4, 6, 6) is refused, by its name and with this reason.
struct Refusal {
  const char* type;
  const char* reason;
  std::function<void(TestModel&, const char* type)> build;
  std::int64_t opset = 13;
};

void PrintTo(const Refusal& refusal, std::ostream* stream) { *stream << refusal.type << ": " << refusal.reason; }

auto of_attributes(std::initializer_list<Attribute> attributes) {
  return [list = std::vector<Attribute>(attributes)](TestModel& m, const char* type) {
    auto& node = m.node(type, {"x"});
    TestModel other;
    for (const Attribute& attribute : list) *node.add_attribute() = other.node("", {}, "", {attribute}).attribute(0);
  };
}

auto convolution(Ints weights, std::initializer_list<Attribute> attributes) {
  return [weights, list = std::vector<Attribute>(attributes)](TestModel& m, const char* type) {
    auto& node = m.node(type, {"x", m.floats(weights)});
    TestModel other;
    for (const Attribute& attribute : list) *node.add_attribute() = other.node("", {}, "", {attribute}).attribute(0);
  };
}

auto reshape(Ints shape) {
  return [shape](TestModel& m, const char* type) { m.node(type, {"x", m.list(shape)}); };
}

auto slice(Ints starts, Ints ends, Ints axes, Ints steps) {
  return [=](TestModel& m, const char* type) {
    m.node(type, {"x", m.list(starts), m.list(ends), m.list(axes), m.list(steps)});
  };
}

auto arithmetic(std::int64_t a, std::int64_t b) {
  return [=](TestModel& m, const char* type) { m.node(type, {m.scalar(a), m.scalar(b)}); };
}

const Refusal refusals[] = {
    {"Relu", "attribute slope", of_attributes({{"slope", 1}})},
    {"Relu", "nothing before it makes 'a'", [](TestModel& m, const char* type) {
  m.node(type, {"a"}); }},
    {"Relu", "nothing before it makes 'y'", [](TestModel& m, const char* type) {
  m.node(type, {"y"}); }},
    {"Relu", "input 0 is missing", [](TestModel& m, const char* type) {
  m.node(type, {}); }},
    {"Relu", "'x' is made twice", [](TestModel& m, const char* type) {
  m.node(type, {"x"}, "x"); }},
    {"GlobalAveragePool", "is a constant", [](TestModel& m, const char* type) {
  m.node(type, {m.floats({4})}); }},
    {"Relu", "no output", [](TestModel& m, const char* type) {
  m.node(type, {"x"}).clear_output(); }},

    {"MaxPool", "input 0 is missing", [](TestModel& m, const char* type) {
  m.node(type, {}, "y", {{"kernel_shape", Ints{2, 2}}}); }},
    {"Conv", "not a constant of floats", [](TestModel& m, const char* type) {
  m.node(type, {"x", "x"}); }},
    {"Conv", "(outputs, channels, height, width)", convolution({4, 4}, {})},
    {"Conv", "groups of 4 channels, the input has 4", convolution({4, 4, 1, 1}, {{"group", 2}})},
    {"Conv", "group is 0", convolution({4, 4, 1, 1}, {{"group", 0}})},
    {"Conv", "group is -1", convolution({4, 4, 1, 1}, {{"group", -1}})},
    {"Conv", "do not divide", convolution({3, 2, 1, 1}, {{"group", 2}})},
    {"Conv", "kernel_shape is 3x3", convolution({4, 4, 1, 1}, {{"kernel_shape", Ints{3, 3}}})},
    {"Conv", "does not fit", convolution({4, 4, 7, 1}, {})},
    {"Conv", "strides holds 0", convolution({4, 4, 1, 1}, {{"strides", Ints{1, 0}}})},
    {"Conv", "strides has 1 values", convolution({4, 4, 1, 1}, {{"strides", Ints{1}}})},
    {"Conv", "dilations holds 9223372036854775807", convolution({4, 4, 1, 1}, {{"dilations", Ints{1, huge}}})},
    {"Conv", "pads holds -1", convolution({4, 4, 1, 1}, {{"pads", Ints{0, 0, -1, 0}}})},
    {"Conv", "pads holds 9223372036854775807", convolution({4, 4, 1, 1}, {{"pads", Ints{0, 0, huge, 0}}})},
    {"Conv", "auto_pad 'SAME'", convolution({4, 4, 1, 1}, {{"auto_pad", "SAME"}})},
    {"Conv", "attribute strides is of a wrong type", convolution({4, 4, 1, 1}, {{"strides", 1}})},
    {"Conv", "the bias has 3 values",
     [](TestModel& m, const char* type) {
  m.node(type, {"x", m.floats({4, 4, 1, 1}), m.floats({3})});
     }},
    {"Conv", "the kernel is empty",
     [](TestModel& m, const char* type) { m.node(type, {"x", m.floats({4, 4, 0, 1})}); }},
    {"Conv", "(N, 4, 36), not (N, C, H, W)",
     [](TestModel& m, const char* type) {
       m.node("Reshape", {"x", m.list({0, 4, -1})}, "a");
       m.node(type, {"a", m.floats({4, 6, 1, 1})});
     }},
    {"BatchNormalization", "exported for training",
     [](TestModel& m, const char* type) {
  const std::string four = m.floats({4});
  m.node(type, {"x", four, four, four, four}, "a").add_output("mean");
  m.node("Relu", {"mean"});
     }},
    {"BatchNormalization", "training_mode",
     [](TestModel& m, const char* type) {
  const std::string four = m.floats({4});
  m.node(type, {"x", four, four, four, four}, "y", {{"training_mode", 1}});
     },
     14},
    {"BatchNormalization", "mean: 3 values",
     [](TestModel& m, const char* type) {
  const std::string four = m.floats({4});
  m.node(type, {"x", four, four, m.floats({3}), four});
     }},
    {"BatchNormalization", "epsilon",
     [](TestModel& m, const char* type) {
  const std::string four = m.floats({4});
  m.node(type, {"x", four, four, four, four}, "y", {{"epsilon", -1.0F}});
     }},
    {"Pad", "mode 'tile'", of_attributes({{"mode", "tile"}, {"pads", Ints{0, 0, 0, 0, 0, 0, 0, 0}}})},
    {"Pad", "the batch cannot be padded", of_attributes({{"pads", Ints{1, 0, 0, 0, 0, 0, 0, 0}}})},
    {"Pad", "pads holds -1", of_attributes({{"pads", Ints{0, -1, 0, 0, 0, 0, 0, 0}}})},
    {"Pad", "with a constant alone", of_attributes({{"pads", Ints{0, 1, 1, 0, 0, 0, 0, 0}}, {"mode", "edge"}})},
    {"Pad", "pads holds 9223372036854775807", of_attributes({{"pads", Ints{0, 0, huge, 0, 0, 0, 0, 0}}})},
    {"Pad", "pads holds -9223372036854775808", of_attributes({{"pads", Ints{0, 0, least, 0, 0, 0, 0, 0}}})},
    {"Pad", "it leaves none of 6 rows", of_attributes({{"pads", Ints{0, 0, -6, 0, 0, 0, 0, 0}}})},
    {"Pad", "pads has 3 values", of_attributes({{"pads", Ints{0, 0, 0}}})},
    {"Pad", "no pads", of_attributes({})},

    {"MaxPool", "kernel_shape holds 0", of_attributes({})},
    {"MaxPool", "the indices, is used",
     [](TestModel& m, const char* type) {
  m.node(type, {"x"}, "a", {{"kernel_shape", Ints{2, 2}}}).add_output("y");
     }},
    {"ReduceMean", "only channels, height and width", of_attributes({})},
    {"ReduceMean", "only channels, height and width", of_attributes({{"axes", Ints{0}}})},
    {"ArgMax", "the last", of_attributes({{"axis", 1}, {"select_last_index", 1}})},
    {"LpNormalization", "p is 3, not 1 or 2", of_attributes({{"axis", 1}, {"p", 3}})},
    {"GroupNormalization", "do not divide by 3 groups",
     [](TestModel& m, const char* type) {
  m.node(type, {"x", m.floats({4}), m.floats({4})}, "y", {{"num_groups", 3}});
     }},
    {"ReduceMean", "axis 4", of_attributes({{"axes", Ints{4}}})},
    {"ReduceMean", "axis -9223372036854775808", of_attributes({{"axes", Ints{least}}})},

    {"Clip", "bounds are no range", of_attributes({{"min", 1.0F}, {"max", -1.0F}})},
    {"Clip", "bounds are no range", of_attributes({{"min", std::numeric_limits<float>::quiet_NaN()}})},
    {"Clip", "bounds are no range", of_attributes({{"min", std::numeric_limits<float>::infinity()}})},
    {"Clip", "a bound is not a single number",
     [](TestModel& m, const char* type) {
  m.node(type, {"x", m.floats({2})}); }},
    {"Clip", "is not known", [](TestModel& m, const char* type) {
  m.node(type, {"x", "x"}); }},
    {"Sigmoid", "attribute alpha", of_attributes({{"alpha", 1.0F}})},
    {"Add", "element by element",
     [](TestModel& m, const char* type) {
  m.node("MaxPool", {"x"}, "a", {{"kernel_shape", Ints{2, 2}}});
  m.node(type, {"x", "a"});
     }},
    {"Mul", "does not fit a tensor", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.floats({5, 1, 1})}); }},
    {"Max", "does not fit a tensor", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.floats({5})}); }},
    {"Expand", "cannot be expanded", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.list({1, 8, 6, 6})}); }},
    {"Softmax", "over the batch", of_attributes({{"axis", 0}})},
    {"Softmax", "over the batch", of_attributes({{"axis", 0}}), 11},
    {"Dropout", "the mask, is used",
     [](TestModel& m, const char* type) {
  m.node(type, {"x"}, "a").add_output("y"); }},

    {"Gemm", "not a matrix",
     [](TestModel& m, const char* type) {
  m.node(type, {"x", m.floats({4, 4})}, "y", {{"transA", 1}}); }},
    {"Gemm", "not a flattened tensor", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.floats({6, 4})}); }},
    {"Gemm", "for 4 inputs, the input has 144",
     [](TestModel& m, const char* type) {
  m.node("Flatten", {"x"}, "a");
  m.node(type, {"a", m.floats({4, 4})});
     }},
    {"Gemm", "not a matrix",
     [](TestModel& m, const char* type) {
  m.node("Flatten", {"x"}, "a");
  m.node(type, {"a", m.floats({144})});
     }},
    {"Gemm", "each of the 2 outputs",
     [](TestModel& m, const char* type) {
  m.node("Flatten", {"x"}, "a");
  m.node(type, {"a", m.floats({144, 2}), m.floats({2, 1})});
     }},
    {"MatMul", "cannot be multiplied", [](TestModel& m, const char* type) {
  m.node("Reshape", {"x", m.list({0, 4, 36})}, "a");
  m.node(type, {"a", "a"});
     }},
    {"MatMul", "different ranks", [](TestModel& m, const char* type) {
  m.node("Reshape", {"x", m.list({0, 6, 24})}, "a");
  m.node(type, {"x", "a"});
     }},
    {"MatMul", "for 5 inputs, the tensor (N, 6, 4, 6) has 4 on dimension 2",
     [](TestModel& m, const char* type) {
  m.node("Transpose", {"x"}, "a", {{"perm", Ints{0, 2, 1, 3}}});
  m.node(type, {m.floats({2, 5}), "a"});
     }},

    {"Reshape", "cannot be viewed", reshape({0, 5, -1})},
    {"Reshape", "two dimensions open", reshape({-1, -1})},
    {"Reshape", "the shape holds -2", reshape({-2, 4})},
    {"Reshape", "overflows", reshape({huge, huge, -1})},
    {"Reshape", "cannot be viewed", reshape({0, huge})},
    {"Reshape", "does not have", reshape({1, 1, 1, 1, 0})},
    {"Reshape", "cannot be viewed", reshape({2, 144})},
    {"Reshape", "divides", [](TestModel& m, const char* type) { m.node(type, {"x", m.list({0, 0, -1})}, "y", {{"allowzero", 1}}); }, 14},
    {"Reshape", "is not known", [](TestModel& m, const char* type) { m.node(type, {"x", "x"}); }},
    {"Transpose", "perm", of_attributes({{"perm", Ints{0, 1, 2}}})},
    {"Transpose", "twice", of_attributes({{"perm", Ints{0, 1, 2, 2}}})},
    {"Transpose", "axis 4", of_attributes({{"perm", Ints{0, 1, 2, 4}}})},
    {"Flatten", "axis is 5", of_attributes({{"axis", 5}})},
    {"Squeeze", "dimension 1 is not 1", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.list({1})}); }},
    {"Unsqueeze", "twice", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.list({1, 1})}); }},
    {"Unsqueeze", "axis 9", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.list({9})}); }},
    {"Unsqueeze", "more than 8", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.list({0, 1, 2, 3, 4})}); }},

    {"Slice", "depends on the batch", slice({0}, {1}, {0}, {1})},
    {"Slice", "a step is 0", slice({0}, {4}, {1}, {0})},
    {"Slice", "is empty", slice({3}, {3}, {1}, {1})},
    {"Slice", "is empty", slice({0}, {huge}, {1}, {least})},
    {"Slice", "not of one length", slice({0, 0}, {1}, {1}, {1})},
    {"Slice", "axis 7", slice({0}, {1}, {7}, {1})},
    {"Split", "equal parts",
     [](TestModel& m, const char* type) {
  auto& node = m.node(type, {"x"}, "y", {{"axis", 1}});
  node.add_output("a");
  node.add_output("b");
     }},
    {"Split", "do not add up", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.list({2})}, "y", {{"axis", 1}}); }},
    {"Split", "a part of 5", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.list({5})}, "y", {{"axis", 1}}); }},
    {"Split", "a part of -1",
     [](TestModel& m, const char* type) {
  m.node(type, {"x", m.list({5, -1})}, "a", {{"axis", 1}}).add_output("y");
  m.initialiser("constant_0").set_int64_data(0, -1);
     }},
    {"Split", "2 sizes for 1", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.list({2, 2})}, "y", {{"axis", 1}}); }},
    {"Split", "depends on the batch", of_attributes({})},
    {"Gather", "index 4", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.list({4})}, "y", {{"axis", 1}}); }},
    {"Gather", "index -5", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.list({-5})}, "y", {{"axis", 1}}); }},
    {"Gather", "no indices", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.list({})}, "y", {{"axis", 1}}); }},
    {"Gather", "depends on the batch", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.scalar(0)}, "y", {{"axis", 0}}); }},
    {"Concat", "cannot be joined along the batch", [](TestModel& m, const char* type) { m.node(type, {"x", "x"}, "y", {{"axis", 0}}); }},
    {"Concat", "differ",
     [](TestModel& m, const char* type) {
  m.node("MaxPool", {"x"}, "a", {{"kernel_shape", Ints{2, 2}}});
  m.node(type, {"x", "a"}, "y", {{"axis", 1}});
     }},
    {"Concat", "another rank", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.floats({2})}, "y", {{"axis", 1}});
     }},
    {"Concat", "does not fit", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.floats({1, 2, 5, 6})}, "y", {{"axis", 1}});
     }},
    {"Concat", "another rank", [](TestModel& m, const char* type) {
  m.node(type, {"x", m.list({1})}, "y", {{"axis", 1}}); }},

    {"Div", "by zero", arithmetic(4, 0)},
    {"Mod", "by zero", arithmetic(4, 0)},
    {"Div", "overflows", arithmetic(least, -1)},
    {"Add", "overflows", arithmetic(huge, 1)},
    {"Mul", "overflows", arithmetic(huge, 2)},
    {"Sub", "overflows", arithmetic(0, least)},
    {"Mul", "depends on the batch N",
     [](TestModel& m, const char* type) {
  m.node("Shape", {"x"}, "s");
  m.node("Gather", {"s", m.scalar(0)}, "n");
  m.node(type, {"n", "n"});
     }},
    {"Gather", "index 1",
     [](TestModel& m, const char* type) {
  m.node(type, {m.list({1}), m.scalar(1)}); }},
    {"Concat", "ranks", [](TestModel& m, const char* type) {
  m.node(type, {m.list({1}), m.scalar(1)}, "y", {{"axis", 0}}); }},
    {"ConstantOfShape", "too many elements", [](TestModel& m, const char* type) {
  m.node(type, {m.list({huge, huge})}); }},
    {"ConstantOfShape", "numbers are not supported", [](TestModel& m, const char* type) {
  m.node(type, {m.list({1 << 20, 0})}); }},
    {"ConstantOfShape", "a dimension is -1", [](TestModel& m, const char* type) {
  m.node(type, {m.list({-1})}); }},
    {"Constant", "not of numbers", of_attributes({{"value_string", "a"}})},
    {"Cast", "the type 8", of_attributes({{"to", ::onnx::TensorProto::STRING}})},
};

class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, NamesTheNodeAndTheReason) {
  TestModel m({0, 4, 6, 6}, GetParam().opset);
  GetParam().build(m, GetParam().type);
  EXPECT_PRED2(contains, m.refusal(), std::string(GetParam().type) + " node 'the_node': ");
  EXPECT_PRED2(contains, m.refusal(), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(Nodes, Refused, testing::ValuesIn(refusals), [](const testing::TestParamInfo<Refusal>& one) {
  return std::string(one.param.type) + "_" + std::to_string(one.index);
});

/// A model that is right, to spoil.
TestModel sound() {
  TestModel m;
  m.node("Conv", {"x", m.floats({4, 4, 1, 1})});
  return m;
}

TEST(Model, OfOtherOpsets) {
  for (const std::int64_t opset : {0, 6, 25}) {
    TestModel m = sound();
    m.proto.mutable_opset_import(0)->set_version(opset);
    EXPECT_PRED2(contains, m.refusal(), numbered("its opset is ", opset));
  }
  TestModel none = sound();
  none.proto.clear_opset_import();
  EXPECT_PRED2(contains, none.refusal(), "opset");
  EXPECT_EQ(sound().refusal(), "");
}

/// Whatever a node lacks, it is said or is not needed: of inputs none, an empty name, or one alone.
TEST(Model, OfNodesThatLackTheirInputs) {
  for (const Operator& one : all_operators()) {
    const std::string type(one.type);
    for (const std::vector<std::string>& inputs : {std::vector<std::string>{}, {""}, {"x"}, {"", "x"}}) {
      TestModel model;
      model.node(type.c_str(), inputs);
      EXPECT_NO_THROW((void)model.refusal()) << type;
    }
  }
}

TEST(Model, OfInputsAndOutputsThatAreNone) {
  TestModel no_input = sound();
  no_input.proto.mutable_graph()->clear_input();
  EXPECT_PRED2(contains, no_input.refusal(), "no input");
  TestModel no_output = sound();
  no_output.proto.mutable_graph()->clear_output();
  EXPECT_PRED2(contains, no_output.refusal(), "no output");
  TestModel missing = sound();
  missing.output("elsewhere");
  EXPECT_PRED2(contains, missing.refusal(), "the output 'elsewhere': nothing before it makes");
}

TEST(Model, OfInputsOrOutputsThatCannotBeToldApart) {
  TestModel inputs = sound();
  inputs.input("x", {0, 4, 6, 6});
  EXPECT_PRED2(contains, inputs.refusal(), "'x' is made twice");
  TestModel outputs = sound();
  outputs.output("y");
  EXPECT_PRED2(contains, outputs.refusal(), "two outputs are called 'y'");
}

TEST(Model, OfInputsOfSeveralBatches) {
  TestModel m({1, 4, 6, 6});
  m.node("Relu", {"x"});
  m.input("open", {0, 4, 6, 6});
  EXPECT_EQ(m.refusal(), "");
  m.input("two", {2, 4, 6, 6});
  EXPECT_PRED2(contains, m.refusal(), "the input 'two' has a batch of 2, one before it of 1");
}

TEST(Model, OfTooManyInputsOrOutputs) {
  TestModel inputs = sound(), outputs = sound();
  for (std::size_t i = 0; i < graph::max_tensors; ++i) {
    inputs.input(numbered("x", static_cast<std::int64_t>(i)), {0, 1});
    outputs.node("Relu", {"x"}, numbered("y", static_cast<std::int64_t>(i)));
    outputs.output(numbered("y", static_cast<std::int64_t>(i)));
  }
  EXPECT_PRED2(contains, inputs.refusal(), "more than 4096 inputs");
  EXPECT_PRED2(contains, outputs.refusal(), "more than 4096 outputs");
}

TEST(Model, LacksAreNamedAllAtOnce) {
  TestModel m;
  const auto named = [](::onnx::NodeProto& node, const char* name) { node.set_name(name); };
  named(m.node("Det", {"x"}, "a"), "first");
  named(m.node("Attention", {"a"}, "b"), "attend");
  m.proto.mutable_graph()->mutable_node(1)->set_domain("com.example");
  named(m.node("ReduceProd", {"b"}, "c"), "gate");
  named(m.node("ReduceProd", {m.list({2, 3})}, "six"), "of_numbers");
  named(m.node("Det", {"c"}, "d"), "second");
  named(m.node("Conv", {"d", m.floats({4, 4, 3})}, "e"), "line");
  named(m.node("Conv", {"e", m.floats({4, 4, 3, 3, 3})}, "f", {{"kernel_shape", Ints{3, 3, 3}}}), "cube");
  m.node("If", {"f"}).clear_name();
  const std::string refusal = m.refusal();
  for (const char* part :
       {"not supported: ", "Det (2 nodes, the first is 'first')",
        "Attention of the domain 'com.example' (the node 'attend')", "ReduceProd of tensors (the node 'gate')",
        "Conv in 1-D (the node 'line')", "Conv in 3-D (the node 'cube')", "If of tensors (the node 'y')",
        "export the network without them"}) {
    EXPECT_PRED2(contains, refusal, part);
  }
  EXPECT_FALSE(contains(refusal, "of_numbers")) << refusal;
}

TEST(Model, WhatPicksBoxesIsTheDescriptionsToSay) {
  for (const char* type : {"TopK", "NonMaxSuppression", "Det"}) {
    TestModel m;
    m.node(type, {"x"});
    EXPECT_EQ(contains(m.refusal(), "riffle convert --describe"), std::string(type) != "Det") << m.refusal();
  }
}

TEST(Model, AnOperatorWithoutANameIsNone) {
  TestModel m;
  m.node("", {"x"});
  EXPECT_PRED2(contains, m.refusal(), "not supported: an operator without a name (the node '");
}

TEST(Model, OfManyKindsThatAreLackingNamesSome) {
  TestModel m;
  for (int i = 0; i < 30; ++i) m.node(numbered("Kind", i).c_str(), {"x"}, numbered("y", i));
  EXPECT_PRED2(contains, m.refusal(), "Kind19 (the node 'the_node') and 10 nodes of other kinds");
}

TEST(Model, OfUnusableInputs) {
  EXPECT_PRED2(contains, TestModel({1, 0, 6, 6}).refusal(), "number of channels is not fixed");
  EXPECT_PRED2(contains, TestModel({1, 3, 100000, 100000}).refusal(), "height is 100000");
  EXPECT_PRED2(contains, TestModel({1, 3, 32768, 32768}).refusal(), "too large");
  EXPECT_PRED2(contains, TestModel({1, 3, -5, 6}).refusal(), "height is -5");
  EXPECT_PRED2(contains, TestModel({huge, 3, 5, 6}).refusal(), "batch is 9223372036854775807");
  EXPECT_PRED2(contains, TestModel({1, 3, 5, 5, 5}).refusal(), "5 dimensions");
  TestModel integers;
  integers.proto.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      ::onnx::TensorProto::INT16);
  EXPECT_PRED2(contains, integers.refusal(), "the input 'x': its element type 5 (int16) is not supported");
  TestModel second = sound();
  second.input("z", {0, 4, 6, 40000});
  EXPECT_PRED2(contains, second.refusal(), "the input 'z': its width is 40000");
  TestModel untyped;
  untyped.proto.mutable_graph()->mutable_input(0)->clear_type();
  EXPECT_PRED2(contains, untyped.refusal(), "not a tensor");
  TestModel open_by_convention = sound();
  open_by_convention.proto.mutable_graph()
      ->mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(0)
      ->set_dim_value(-1);
  EXPECT_EQ(open_by_convention.refusal(), "");
}

TEST(Model, WhoseOutputIsNoneOfItsInputs) {
  TestModel constant;
  constant.node("Shape", {"x"});
  EXPECT_PRED2(contains, constant.refusal(), "does not depend on the input");
}

TEST(Model, WithACycle) {
  TestModel m;
  m.node("Add", {"x", "b"}, "a");
  m.node("Relu", {"a"}, "b");
  m.node("Relu", {"b"});
  EXPECT_PRED2(contains, m.refusal(), "nothing before it makes 'b'");
}

/// The sound model with its weights changed.
std::string refusal_with(const std::function<void(::onnx::TensorProto&)>& spoil) {
  TestModel m = sound();
  spoil(m.initialiser("constant_0"));
  const std::string refusal = m.refusal();
  EXPECT_PRED2(contains, refusal, "Conv node 'the_node': ");
  return refusal;
}

TEST(Initialiser, WhoseDataIsNotWhatItsShapeSays) {
  EXPECT_PRED2(contains, refusal_with([](auto& t) { t.set_raw_data(t.raw_data().substr(1)); }), "63 bytes");
  EXPECT_PRED2(contains, refusal_with([](auto& t) { t.set_raw_data(t.raw_data().substr(4)); }), "60 bytes");
  EXPECT_PRED2(contains, refusal_with([](auto& t) { t.clear_raw_data(); }), "0 numbers");
  EXPECT_PRED2(contains, refusal_with([](auto& t) { t.set_dims(0, huge); }), "too many elements");
  EXPECT_PRED2(contains, refusal_with([](auto& t) { t.set_dims(0, -4); }), "a dimension is -4");
  EXPECT_PRED2(contains, refusal_with([](auto& t) {
                 t.set_dims(0, 1LL << 32);
                 t.set_dims(1, 1LL << 32);
                 t.set_raw_data("");
               }),
               "too many elements");
  EXPECT_PRED2(contains, refusal_with([](auto& t) {
                 for (int i = 0; i < 8; ++i) t.add_dims(1);
               }),
               "more than 8 dimensions");
}

TEST(Initialiser, OfAnotherType) {
  EXPECT_PRED2(contains, refusal_with([](auto& t) { t.set_data_type(::onnx::TensorProto::COMPLEX64); }),
               "element type 14");
  EXPECT_PRED2(contains, refusal_with([](auto& t) { t.set_data_type(999); }), "element type 999");
  EXPECT_PRED2(contains, refusal_with([](auto& t) { t.mutable_segment()->set_begin(0); }), "segments");
  EXPECT_PRED2(contains, refusal_with([](auto& t) {
                 t.clear_raw_data();
                 t.set_data_type(::onnx::TensorProto::DOUBLE);
                 for (int i = 0; i < 16; ++i) t.add_double_data(1e300);
               }),
               "beyond the range");
}

TEST(Initialiser, Twice) {
  TestModel m = sound();
  *m.proto.mutable_graph()->add_initializer() = m.initialiser("constant_0");
  EXPECT_PRED2(contains, m.refusal(), "two initialisers are named 'constant_0'");
}

TEST(Hostile, OneMatrixUsedAThousandTimesDoesNotFillTheMemory) {
  TestModel m({0, 1024});
  const std::string matrix = m.floats({1024, 1024});
  for (int i = 0; i < 1000; ++i) m.node("MatMul", {i == 0 ? "x" : numbered("a", i - 1), matrix}, numbered("a", i));
  m.proto.mutable_graph()->mutable_output(0)->set_name("a999");
  EXPECT_PRED2(contains, m.refusal(), "far more memory");
}

TEST(Hostile, LongShapesDoNotFillTheMemory) {
  TestModel m;
  const std::string size = m.list({65536});
  for (int i = 0; i < 1000; ++i) m.node("ConstantOfShape", {size}, numbered("a", i));
  EXPECT_PRED2(contains, m.refusal(), "far more memory");
}

TEST(Hostile, DeepNestingIsNotFollowed) {
  TestModel m = sound();
  auto* node = m.proto.mutable_graph()->mutable_node(0);
  for (int i = 0; i < 90; ++i) {
    auto* attribute = node->add_attribute();
    attribute->set_name("body");
    attribute->set_type(::onnx::AttributeProto::GRAPH);
    node = attribute->mutable_g()->add_node();
  }
  EXPECT_PRED2(contains, m.refusal(), "not an ONNX model");
}

std::string message_of(const std::string& bytes) {
  try {
    import(std::as_bytes(std::span(bytes)));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Bytes, ThatAreNoModel) {
  EXPECT_PRED2(contains, message_of(""), "no graph");
  EXPECT_PRED2(contains, message_of("PNG, perhaps"), "not an ONNX model");
}

TEST(Bytes, CutAnywhere) {
  const std::string whole = sound().proto.SerializeAsString();
  EXPECT_EQ(message_of(whole), "");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // Cut between two fields, what is left may be a model: only that it does not crash is asked then.
    message_of(whole.substr(0, size));
  }
  EXPECT_NE(message_of(whole.substr(0, whole.size() / 2)), "");
}

TEST(File, ThatCannotBeReadIsNamed) {
  const auto message = [](const std::string& path) {
    try {
      import_file(path);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_PRED2(contains, message("no/such.onnx"), "no/such.onnx: cannot be opened");
  const std::filesystem::path folder = testing::TempDir();
  EXPECT_PRED2(contains, message(folder.string()), folder.string());
  const std::string path = folder / "riffle_not_a_model.onnx";
  std::ofstream(path) << "not a model";
  EXPECT_PRED2(contains, message(path), path + ": it is not an ONNX model");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace riffle::onnx
