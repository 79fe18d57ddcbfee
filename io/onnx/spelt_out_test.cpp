// Functions that models write as several operators.
#include <gtest/gtest.h>

#include <functional>

#include "io/onnx/test_model.hpp"

namespace riffle::onnx {
namespace {

using kernels::Function;

struct Spelling {
  graph::Activation activation;
  std::function<void(TestModel&)> write;  ///< from x to y
};

std::string number(TestModel& m, float x) { return m.floats({}, {x}); }

std::vector<Spelling> spellings() {
  const graph::Activation silu{{}, Function::silu}, mish{{}, Function::mish}, swish{{}, Function::hard_swish},
      gelu{{}, Function::gelu}, gelu_tanh{{}, Function::gelu_tanh}, leaky{{}, Function::leaky, 0.125F};
  return {
      {silu,
       [](TestModel& m) {
         m.node("Sigmoid", {"x"}, "a");
         m.node("Mul", {"x", "a"});
       }},
      {silu,
       [](TestModel& m) {
         m.node("Neg", {"x"}, "a");
         m.node("Exp", {"a"}, "b");
         m.node("Add", {number(m, 1), "b"}, "c");
         m.node("Div", {"x", "c"});
       }},
      {swish,
       [](TestModel& m) {
         m.node("HardSigmoid", {"x"}, "a", {{"alpha", 1.0F / 6}});
         m.node("Mul", {"a", "x"});
       }},
      {swish,
       [](TestModel& m) {
         m.node("Add", {"x", number(m, 3)}, "a");
         m.node("Clip", {"a", number(m, 0), number(m, 6)}, "b");
         m.node("Mul", {"x", "b"}, "c");
         m.node("Div", {"c", number(m, 6)});
       }},
      {swish,
       [](TestModel& m) {
         m.node("Add", {"x", number(m, 3)}, "a");
         m.node("Relu", {"a"}, "b");
         m.node("Min", {"b", number(m, 6)}, "c");
         m.node("Mul", {"c", m.floats({1}, {0.16666667F})}, "d");
         m.node("Mul", {"x", "d"});
       }},
      {mish,
       [](TestModel& m) {
         m.node("Softplus", {"x"}, "a");
         m.node("Tanh", {"a"}, "b");
         m.node("Mul", {"x", "b"});
       }},
      {gelu,
       [](TestModel& m) {
         m.node("Div", {"x", number(m, 1.4142135F)}, "a");
         m.node("Erf", {"a"}, "b");
         m.node("Add", {"b", number(m, 1)}, "c");
         m.node("Mul", {"x", "c"}, "d");
         m.node("Mul", {"d", number(m, 0.5F)});
       }},
      {gelu,
       [](TestModel& m) {
         m.node("Mul", {"x", number(m, 0.5F)}, "half");
         m.node("Mul", {"x", number(m, 0.70710678F)}, "a");
         m.node("Erf", {"a"}, "b");
         m.node("Add", {number(m, 1), "b"}, "c");
         m.node("Mul", {"half", "c"});
       }},
      {gelu_tanh,
       [](TestModel& m) {
         m.node("Pow", {"x", m.scalar(3)}, "a");
         m.node("Mul", {"a", number(m, 0.044715F)}, "b");
         m.node("Add", {"x", "b"}, "c");
         m.node("Mul", {"c", number(m, 0.7978846F)}, "d");
         m.node("Tanh", {"d"}, "e");
         m.node("Add", {"e", number(m, 1)}, "f");
         m.node("Mul", {"x", "f"}, "g");
         m.node("Mul", {number(m, 0.5F), "g"});
       }},
      {leaky,
       [](TestModel& m) {
         m.node("Mul", {"x", number(m, 0.125F)}, "a");
         m.node("Max", {"a", "x"});
       }},
  };
}

TEST(SpeltOut, IsTheFunctionThatItComputes) {
  for (const Spelling& one : spellings()) {
    SCOPED_TRACE(graph::to_text(one.activation));
    TestModel m;
    one.write(m);
    EXPECT_EQ(m.refusal(), "");
    EXPECT_EQ(m.operations(), "input, activation");
    const graph::Activation found = only<graph::Activate>(m.import()).kind;
    EXPECT_EQ(found.function, one.activation.function);
    EXPECT_FLOAT_EQ(found.a, one.activation.a);
  }
}

/// A part that is read elsewhere stays, and the tensor itself may be.
TEST(SpeltOut, MayBeReadInParts) {
  TestModel m;
  m.node("Relu", {"x"}, "a");
  m.node("Sigmoid", {"a"}, "gate");
  m.node("Mul", {"a", "gate"}, "b");
  m.node("Add", {"b", "a"}, "c");
  m.node("Add", {"c", "gate"});
  EXPECT_EQ(m.operations(), "input, activation, activation, activation, add, add");
}

/// Slopes of a PRelu that are expanded to the tensor's shape are a slope a channel all the same.
TEST(SpeltOut, SlopesAreNotExpanded) {
  TestModel m({0, 4, 600, 600});
  m.node("Expand", {m.floats({1, 4, 1, 1}), m.list({1, 4, 600, 600})}, "slopes");
  m.node("PRelu", {"x", "slopes"});
  EXPECT_EQ(m.refusal(), "");
  const graph::Activation found = only<graph::Activate>(m.import()).kind;
  EXPECT_EQ(found.function, Function::prelu);
  EXPECT_EQ(found.slopes.size(), 4U);
}

/// What comes to other values is not.
TEST(SpeltOut, IsNothingElse) {
  const auto is_one_activation = [](const TestModel& m) {
    return m.refusal().empty() && m.operations() == "input, activation";
  };
  TestModel other;  // a threshold of 2 in place of 3
  other.node("Add", {"x", number(other, 2)}, "a");
  other.node("Clip", {"a", number(other, 0), number(other, 6)}, "b");
  other.node("Mul", {"x", "b"}, "c");
  other.node("Div", {"c", number(other, 6)});
  EXPECT_FALSE(is_one_activation(other));
  TestModel two;  // a gate of another tensor
  two.node("Relu", {"x"}, "a");
  two.node("Sigmoid", {"x"}, "b");
  two.node("Mul", {"a", "b"});
  EXPECT_FALSE(is_one_activation(two));
  TestModel bounded;  // a bound that small numbers do not reach
  bounded.node("Sigmoid", {"x"}, "a");
  bounded.node("Mul", {"x", "a"}, "b");
  bounded.node("Min", {"b", number(bounded, 20)});
  EXPECT_EQ(bounded.operations(), "input, activation, activation");
}

/// Shuffle attention (SA-Net) does to every group of channels, which stand in the batch's place, the same.
TEST(Groups, InTheBatchsPlaceHaveMeansOfTheirOwn) {
  TestModel m({1, 4, 2, 2});
  m.node("Reshape", {"x", m.list({2, 2, 2, 2})}, "groups");
  m.node("GlobalAveragePool", {"groups"}, "mean");
  m.node("Mul", {"mean", m.floats({1, 2, 1, 1})}, "factor");  // 1, 2
  m.node("Mul", {"groups", "factor"}, "scaled");
  m.node("Reshape", {"scaled", m.list({1, 4, 2, 2})});
  std::vector<float> x, expected;
  for (std::size_t i = 0; i < 16; ++i) x.push_back(static_cast<float>(i));
  for (std::size_t i = 0; i < 16; ++i) {
    const float mean = static_cast<float>(i / 4 * 4) + 1.5F;
    expected.push_back(x[i] * mean * (i / 4 % 2 == 0 ? 1.0F : 2.0F));
  }
  const std::vector<Bytes> outputs = outputs_of(m.import(), {bytes_of(x)}, 1);
  EXPECT_EQ(numbers_of<float>(outputs.at(0)), expected);
}

}  // namespace
}  // namespace riffle::onnx
