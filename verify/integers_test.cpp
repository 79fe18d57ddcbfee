#include <gtest/gtest.h>

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
      ASSERT_EQ(run(graph, options, input, random.between(1, 2)), expected)
          << "graph " << seed << " on " << kernels->isa << "\n"
          << graph::to_text(graph) << plan::to_text(*plan::make(graph, options));
    }
    const Bytes file = format::save(graph);
    const graph::Graph loaded = format::load(file, nullptr);
    ASSERT_EQ(format::save(loaded), file) << "graph " << seed;
    ASSERT_EQ(run(loaded, {}, input, 1), expected) << "graph " << seed << " from a file";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Integers, ::testing::Range<std::uint64_t>(0, 4));

}  // namespace
}  // namespace riffle::verify
