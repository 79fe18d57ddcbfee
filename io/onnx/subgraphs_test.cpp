// Functions of a model's own, and branches that are chosen when it is imported.
#include <gtest/gtest.h>

#include "io/onnx/test_model.hpp"

namespace riffle::onnx {
namespace {

using ::onnx::AttributeProto;
using ::onnx::FunctionProto;
using ::onnx::GraphProto;
using ::onnx::NodeProto;

NodeProto node(const char* type, const std::vector<std::string>& inputs, const char* output, const char* domain = "") {
  NodeProto result;
  result.set_op_type(type);
  result.set_domain(domain);
  for (const std::string& input : inputs) result.add_input(input);
  result.add_output(output);
  return result;
}

/// x to y.
FunctionProto& add_function(TestModel& m, const char* name, const std::vector<NodeProto>& nodes) {
  FunctionProto& function = *m.proto.add_functions();
  function.set_name(name);
  function.set_domain("own");
  function.add_input("x");
  function.add_output("y");
  for (const NodeProto& one : nodes) *function.add_node() = one;
  return function;
}

/// A call of it.
void call(TestModel& m, const char* name, const std::string& input, const std::string& output) {
  m.node(name, {input}, output).set_domain("own");
}

TEST(Functions, AreTheirNodesWithNamesOfTheirOwn) {
  TestModel m({0, 2, 1, 1});
  add_function(m, "Swish", {node("Sigmoid", {"x"}, "a"), node("Mul", {"x", "a"}, "y")});
  add_function(m, "Twice", {node("Swish", {"x"}, "a", "own"), node("Swish", {"a"}, "y", "own")});
  call(m, "Twice", "x", "a");  // which is the name of a tensor in either function as well
  call(m, "Swish", "a", "y");
  EXPECT_EQ(m.operations(), "input, activation, activation, activation");
}

TEST(Functions, TakeAttributesFromTheirCall) {
  TestModel m({0, 2, 1, 1});
  NodeProto leaky = node("LeakyRelu", {"x"}, "y");
  AttributeProto& alpha = *leaky.add_attribute();
  alpha.set_name("alpha");
  alpha.set_type(AttributeProto::FLOAT);
  alpha.set_ref_attr_name("slope");
  add_function(m, "Leaky", {leaky}).add_attribute("slope");
  NodeProto& caller = m.node("Leaky", {"x"}, "y", {{"slope", 0.5F}});
  caller.set_domain("own");
  EXPECT_EQ(only<graph::Activate>(m.import()).kind, (graph::Activation{{}, kernels::Function::leaky, 0.5F}));
  caller.clear_attribute();
  EXPECT_EQ(only<graph::Activate>(m.import()).kind, (graph::Activation{{}, kernels::Function::leaky, 0.01F}));
  m.proto.mutable_functions(0)->clear_attribute();
  EXPECT_NE(m.refusal().find("has a default for its attribute 'slope'"), std::string::npos) << m.refusal();
}

TEST(Functions, ThatCallThemselvesAreRefused) {
  TestModel m({0, 2, 1, 1});
  add_function(m, "Again", {node("Again", {"x"}, "y", "own")});
  call(m, "Again", "x", "y");
  EXPECT_NE(m.refusal().find("'Again' calls itself"), std::string::npos) << m.refusal();

  TestModel many({0, 2, 1, 1});  // 2^30 nodes
  add_function(many, "F0", {node("Relu", {"x"}, "a"), node("Relu", {"a"}, "y")});
  std::vector<std::string> names = {"F0"};
  for (int i = 1; i < 30; ++i) {
    names.push_back("F" + std::to_string(i));
    add_function(many, names.back().c_str(),
                 {node(names[names.size() - 2].c_str(), {"x"}, "a", "own"),
                  node(names[names.size() - 2].c_str(), {"a"}, "y", "own")});
  }
  call(many, names.back().c_str(), "x", "y");
  EXPECT_NE(many.refusal().find("too many nodes"), std::string::npos) << many.refusal();

  TestModel nothing({0, 2, 1, 1});  // 2^30 calls of what does nothing
  add_function(nothing, "G0", {});
  for (int i = 1; i < 30; ++i) {
    const std::string before = "G" + std::to_string(i - 1), name = "G" + std::to_string(i);
    add_function(nothing, name.c_str(),
                 {node(before.c_str(), {"x"}, "a", "own"), node(before.c_str(), {"x"}, "y", "own")});
  }
  call(nothing, "G29", "x", "y");
  EXPECT_NE(nothing.refusal().find("too many nodes"), std::string::npos) << nothing.refusal();

  TestModel twice({0, 2, 1, 1});
  for (int i = 0; i < 2; ++i) add_function(twice, "Same", {node("Relu", {"x"}, "y")});
  call(twice, "Same", "x", "y");
  EXPECT_NE(twice.refusal().find("two functions 'Same'"), std::string::npos) << twice.refusal();
}

/// A model that adds 1 and chooses between a ReLU and nothing.
TestModel choice(const std::string& condition) {
  TestModel m({0, 2, 1, 1});
  m.node("Conv", {"x", m.floats({2, 2, 1, 1})}, "a");
  m.node("Add", {"a", m.floats({2, 1, 1})}, "b");
  m.node("Shape", {"x"}, "shape");
  m.node("Gather", {"shape", m.scalar(1)}, "two");
  m.node("Equal", {"two", m.scalar(2)}, "true");
  m.node("Not", {"true"}, "false");
  m.node("Cast", {"x"}, "unknown", {{"to", ::onnx::TensorProto::BOOL}});
  NodeProto& chosen = m.node("If", {condition});
  const auto branch = [&](const char* name, const std::vector<NodeProto>& nodes, const char* output) {
    AttributeProto& attribute = *chosen.add_attribute();
    attribute.set_name(name);
    attribute.set_type(AttributeProto::GRAPH);
    for (const NodeProto& one : nodes) *attribute.mutable_g()->add_node() = one;
    attribute.mutable_g()->add_output()->set_name(output);
  };
  branch("then_branch", {node("Relu", {"b"}, "r")}, "r");
  branch("else_branch", {node("Sigmoid", {"a"}, "s"), node("LSTM", {"a"}, "t")}, "s");
  return m;
}

TEST(If, IsTheBranchThatIsChosen) {
  // The sum is no bias of the convolution: a branch reads what is without it.
  EXPECT_EQ(choice("true").operations(), "input, convolution, batch norm, activation");
  TestModel other = choice("false");
  EXPECT_NE(other.refusal().find("LSTM"), std::string::npos) << other.refusal();
  EXPECT_NE(choice("unknown").refusal().find("If of tensors"), std::string::npos) << choice("unknown").refusal();
}

}  // namespace
}  // namespace riffle::onnx
