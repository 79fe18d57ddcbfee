#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <string>

#include "engine/format/format.hpp"
#include "engine/graph/quantization.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "verify/interpret.hpp"
#include "verify/numbers.hpp"
#include "verify/random_graph.hpp"
#include "verify/random_integers.hpp"

namespace riffle::verify {
namespace {

using Bytes = std::vector<std::byte>;

/// What a caller brings for the graph's one input.
Bytes input_of(const graph::Graph& graph, std::uint64_t seed) {
  Random random(seed);
  const auto count = static_cast<std::size_t>(graph.input_shape().size());
  const Quantization q = *graph.nodes[0].quantization;
  Bytes bytes;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t byte = random.between(0, 255);
    if (graph.input().type == Type::u8) {
      bytes.push_back(static_cast<std::byte>(byte));
    } else {
      const float x = (static_cast<float>(byte - q.zero_point) + 0.7F * random.real()) * q.scale;
      const auto* const raw = reinterpret_cast<const std::byte*>(&x);
      bytes.insert(bytes.end(), raw, raw + sizeof x);
    }
  }
  return bytes;
}

/// The real numbers that it stands for.
std::vector<float> real_input(const graph::Graph& graph, const Bytes& input) {
  std::vector<float> result;
  if (graph.input().type == Type::f32) {
    const auto* const floats = reinterpret_cast<const float*>(input.data());
    return {floats, floats + input.size() / sizeof(float)};
  }
  const Quantization q = graph.input().quantization;
  for (const std::byte byte : input)
    result.push_back(q.scale * static_cast<float>(static_cast<int>(byte) - q.zero_point));
  return result;
}

std::vector<Bytes> expected_of(const graph::Graph& graph, const Bytes& input) {
  const graph::ById<Tensor> tensors = interpret(graph, real_input(graph, input), 1);
  std::vector<Bytes> all;
  for (const graph::Output& output : graph.outputs) {
    Bytes bytes;
    for (const double x : planes(tensors[output.node])) {
      if (output.type == Type::u8) {
        bytes.push_back(static_cast<std::byte>(static_cast<int>(x) + output.quantization.zero_point));
      } else {
        const auto value = static_cast<float>(x);
        const auto* const raw = reinterpret_cast<const std::byte*>(&value);
        bytes.insert(bytes.end(), raw, raw + sizeof value);
      }
    }
    all.push_back(std::move(bytes));
  }
  return all;
}

/// The same bits; of functions of real numbers, which instruction sets approximate each in its way, nearly the same.
bool agree(const graph::Graph& graph, const std::vector<Bytes>& outputs, const std::vector<Bytes>& expected) {
  for (std::size_t o = 0; o < expected.size(); ++o) {
    const graph::Node& maker = graph.nodes[graph.outputs[o].node];
    const graph::Activation* activation = graph::fused_activation(maker.operation);
    const bool is_exact =
        maker.quantization || activation == nullptr || activation->function == kernels::Function::none;
    if (is_exact && outputs[o] != expected[o]) return false;
    for (std::size_t i = 0; !is_exact && i < expected[o].size(); i += sizeof(float)) {
      float made = 0.0F, right = 0.0F;
      std::memcpy(&made, outputs[o].data() + i, sizeof made);
      std::memcpy(&right, expected[o].data() + i, sizeof right);
      if (!(std::abs(made - right) <= 2e-6F * std::max(std::abs(right), 1.0F))) return false;
    }
  }
  return true;
}

std::vector<Bytes> run(const graph::Graph& graph, const plan::Options& options, const Bytes& input, int threads) {
  const auto plan = plan::make(graph, options);
  run::Session session(plan, threads);
  std::vector<Bytes> outputs;
  std::vector<void*> to;
  for (const plan::Tensor& tensor : plan->outputs) outputs.emplace_back(static_cast<std::size_t>(tensor.bytes()));
  for (Bytes& output : outputs) to.push_back(output.data());
  const void* const from = input.data();
  session.run(&from, to.data());
  return outputs;
}

/// What is true of a quantised graph, in words.
std::set<std::string> facts_of(const graph::Graph& graph) {
  std::set<std::string> facts;
  const auto note = [&](bool is_true, const std::string& fact) {
    if (is_true) facts.insert(fact);
  };
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(graph);
  const graph::ById<graph::NumbersRead> read = graph::numbers_read(graph);
  for (graph::NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    const graph::Node& node = graph.nodes[id];
    const std::string word(graph::operation_name(node.operation));
    note(true, word);
    note(node.quantization && node.quantization->zero_point != 0, word + " with a zero point");
    note(node.quantization && node.quantization->scale != 1.0F, word + " with a scale");
    const graph::Activation* activation = graph::fused_activation(node.operation);
    note(activation != nullptr && *activation != graph::Activation::none, word + " with bounds");
    const bool reads_integers = !node.inputs.empty() && read[node.inputs[0]].integers;
    note(reads_integers && !read[node.inputs[0]].zero_point, word + " of several zero points");
    if (const auto* o = std::get_if<graph::Convolution>(&node.operation)) {
      const std::int32_t channels = shapes[node.inputs[0]].c;
      const std::string kind = graph::is_depthwise(*o, channels) ? "depthwise"
                               : graph::is_pointwise(*o)         ? "pointwise"
                                                                 : "general";
      note(true, kind);
      note(o->groups > 1 && kind != "depthwise", kind + " in groups");
      note(node.inputs.size() == 2, kind + " with a residual");
      note(!o->bias.empty(), kind + " with a bias");
      note(std::holds_alternative<graph::Input>(graph.nodes[node.inputs[0]].operation), kind + " of the input");
    }
    if (const auto* o = std::get_if<graph::Pool>(&node.operation)) {
      note(true, o->kind == graph::PoolKind::max ? "maximum" : o->count_padding ? "mean of padding, too" : "mean");
    }
    note(reads_integers && !node.quantization && activation != nullptr &&
             activation->function == kernels::Function::sigmoid,
         word + " with a function of its real numbers");
    note(std::holds_alternative<graph::Convolution>(node.operation) && !node.quantization && reads_integers,
         word + " to real numbers");
    if (activation != nullptr && activation->function == kernels::Function::table) {
      note(true, activation->table.size() == 256 ? "table" : "table a channel");
    }
    if (const auto* o = std::get_if<graph::Resize>(&node.operation)) {
      note(true, o->mode == graph::ResizeMode::linear ? "resize, linear" : "resize, nearest");
    }
    if (std::holds_alternative<graph::Activate>(node.operation)) {
      note(!node.quantization, "activation to real numbers");
      note(node.quantization && reads_integers, "activation from integers to integers");
      note(node.quantization && !reads_integers, "activation from real numbers to integers");
    }
  }
  note(true, "input of " + std::string(name_of(graph.input().type)));
  for (const graph::Output& output : graph.outputs) {
    const std::string kind = read[output.node].integers ? "integers" : "real numbers";
    note(true, "output of " + kind + " as " + std::string(name_of(output.type)));
    note(output.type == Type::u8 && output.quantization.zero_point != 0, "output of u8 with a zero point");
  }
  note(graph.outputs.size() == 2, "two outputs");
  const auto plan = plan::make(graph, {});
  for (const plan::Step& step : plan->steps) {
    const bool is_chain = std::holds_alternative<plan::Chain>(step.task);
    note(step.operation.ends_with(", table") && !step.operation.starts_with("activation"), "table behind a step");
    note(is_chain && step.operation.find(", table") != std::string::npos, "table by rows");
    note(is_chain, step.operation.substr(0, step.operation.find(' ')) + " by rows");
    note(is_chain && step.operation.find("pool") != std::string::npos, "pooling of rows");
  }
  for (const plan::BlockInfo& block : plan->blocks) note(block.name.ends_with(".1"), "halves");
  return facts;
}

TEST(RandomQuantisedGraphs, VerifyAndHoldEveryKindOfNode) {
  std::map<std::string, int> counts;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    for (const std::string& fact : facts_of(random_quantised_graph(seed))) ++counts[fact];
  }
  for (const char* const fact : {
           "input of f32",
           "input of u8",
           "input with a scale",
           "input with a zero point",
           "pointwise",
           "pointwise of the input",
           "pointwise in groups",
           "pointwise with a residual",
           "pointwise with a bias",
           "depthwise",
           "depthwise of the input",
           "depthwise with a residual",
           "depthwise with a bias",
           "general",
           "general of the input",
           "general in groups",
           "general with a residual",
           "general with a bias",
           "convolution with bounds",
           "convolution with a zero point",
           "convolution of several zero points",
           "maximum",
           "mean",
           "mean of padding, too",
           "pooling with bounds",
           "pooling with a scale",
           "pooling with a zero point",
           "global average pooling with a scale",
           "global average pooling with a zero point",
           "add",
           "add with bounds",
           "add with a scale",
           "add with a zero point",
           "subtract",
           "multiply",
           "maximum",
           "minimum",
           "literal with a zero point",
           "resize, nearest",
           "resize, linear",
           "resize with a scale",
           "crop",
           "pad",
           "rearrange",
           "join",
           "table",
           "table a channel",
           "table behind a step",
           "convolution to real numbers",
           "convolution with a function of its real numbers",
           "fully connected",
           "fully connected with bounds",
           "slice of several zero points",
           "concat of several zero points",
           "shuffle of several zero points",
           "gather of several zero points",
           "activation from integers to integers",
           "activation from real numbers to integers",
           "activation to real numbers",
           "activation with a scale",
           "activation with a zero point",
           "output of integers as f32",
           "output of integers as u8",
           "output of u8 with a zero point",
           "output of real numbers as f32",
           "two outputs",
           "pointwise by rows",
           "stem by rows",
           "pooling of rows",
           "halves",
       }) {
    EXPECT_GE(counts[fact], 3) << fact;
  }
}

class Integers : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Integers, AreTheSameBitsOnEveryInstructionSet) {
  for (std::uint64_t seed = GetParam() * RIFFLE_INTEGER_GRAPHS; seed < (GetParam() + 1) * RIFFLE_INTEGER_GRAPHS;
       ++seed) {
    const graph::Graph graph = random_quantised_graph(seed);
    const Bytes input = input_of(graph, seed);
    const std::vector<Bytes> expected = expected_of(graph, input);
    Random random(seed);
    for (const kernels::Kernels* kernels : kernels::all_kernels()) {
      if (!kernels->supported()) continue;
      plan::Options options{.kernels = kernels};
      for (const plan::Refinement& one : plan::refinements) options.without.*one.left_out = random.chance(20);
      ASSERT_TRUE(agree(graph, run(graph, options, input, random.between(1, 2)), expected))
          << "graph " << seed << " on " << kernels->isa << "\n"
          << graph::to_text(graph) << plan::to_text(*plan::make(graph, options));
    }
    const Bytes file = format::save(graph);
    const graph::Graph loaded = format::load(file, nullptr);
    ASSERT_EQ(format::save(loaded), file) << "graph " << seed;
    ASSERT_TRUE(agree(graph, run(loaded, {}, input, 1), expected)) << "graph " << seed << " from a file";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Integers, ::testing::Range<std::uint64_t>(0, 4));

}  // namespace
}  // namespace riffle::verify
