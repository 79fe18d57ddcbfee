// What the caller brings and gets: several inputs and outputs, in every type.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <span>

#include "engine/format/format.hpp"
#include "engine/passes/choose_types.hpp"
#include "engine/passes/passes.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "tests/expect_error.hpp"
#include "tests/several.hpp"

namespace riffle {
namespace {

using Buffers = std::vector<std::vector<std::byte>>;

std::vector<float> floats(const std::vector<std::byte>& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

Buffers inputs_for(const plan::Plan& plan, std::int64_t batch = 1) {
  Buffers inputs;
  for (std::size_t i = 0; i < plan.inputs.size(); ++i) {
    inputs.push_back(testing::noise_bytes(batch * plan.inputs[i].shape.size(), static_cast<std::uint32_t>(i) + 1));
  }
  return inputs;
}

int count(const plan::Plan& plan, plan::StepKind kind) {
  return static_cast<int>(
      std::count_if(plan.steps.begin(), plan.steps.end(), [&](const plan::Step& step) { return step.kind == kind; }));
}

TEST(Tensors, EveryOutputIsWhatItIsAlone) {
  const graph::Graph graph = testing::several_inputs_and_outputs();
  for (const kernels::Kernels* kernels : kernels::all_kernels()) {
    if (!kernels->supported()) continue;
    SCOPED_TRACE(kernels->isa);
    const auto plan = plan::make(graph, {.kernels = kernels});
    ASSERT_EQ(plan->inputs.size(), 2U);
    ASSERT_EQ(plan->outputs.size(), 7U);
    const std::vector<std::string> names = {"wide",       "wide again", "scores", "shuffled",
                                            "as it came", "slice",      "joined"};
    const Buffers inputs = inputs_for(*plan);
    run::Session session(plan);
    const Buffers all = testing::run_all(session, inputs);
    for (std::size_t o = 0; o < plan->outputs.size(); ++o) {
      SCOPED_TRACE(names[o]);
      EXPECT_EQ(plan->outputs[o].name, names[o]);
      graph::Graph alone = graph;
      alone.outputs = {graph.outputs[o]};
      run::Session single(plan::make(alone, {.kernels = kernels}));
      const Buffers expected = testing::run_all(single, inputs);
      EXPECT_EQ(floats(all[o]), floats(expected[0]));
    }
    EXPECT_EQ(all[0], all[1]);
    EXPECT_EQ(all[4], inputs[0]);
  }
}

TEST(Tensors, ABatchAndThreadsChangeNothing) {
  const auto plan = plan::make(testing::several_inputs_and_outputs());
  const Buffers inputs = inputs_for(*plan, 3);
  run::Session one(plan), three(plan, 3);
  const Buffers expected = testing::run_all(one, inputs, 3);
  EXPECT_EQ(testing::run_all(three, inputs, 3), expected);
  for (std::size_t image = 0; image < 3; ++image) {
    Buffers single;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const auto bytes = static_cast<std::size_t>(plan->inputs[i].bytes());
      single.emplace_back(inputs[i].begin() + static_cast<std::ptrdiff_t>(image * bytes),
                          inputs[i].begin() + static_cast<std::ptrdiff_t>((image + 1) * bytes));
    }
    const Buffers outputs = testing::run_all(one, single);
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      EXPECT_TRUE(std::equal(outputs[o].begin(), outputs[o].end(),
                             expected[o].begin() + static_cast<std::ptrdiff_t>(image * outputs[o].size())))
          << "image " << image << ", output " << o;
    }
  }
}

TEST(Tensors, ArePermutedOnTheWayOutWithoutAStepOfTheirOwn) {
  const auto plan = plan::make(testing::several_inputs_and_outputs());
  EXPECT_EQ(count(*plan, plan::StepKind::copy), 0);
  EXPECT_EQ(count(*plan, plan::StepKind::type_conversion), 0);
  // Each input is brought to channels-last once, each output but the vector, which the classifier writes, goes out
  // once.
  EXPECT_EQ(count(*plan, plan::StepKind::layout_conversion), 2 + 6);
}

/// An output's memory is free as soon as it has been handed over.
TEST(Tensors, AnOutputLeavesTheArenaWhenItIsThere) {
  graph::Graph graph;
  graph::NodeId x = graph.add("input", graph::Input{{32, 32, 8}});
  for (int i = 0; i < 6; ++i) {
    graph::Convolution layer;
    layer.outputs = 8;
    layer.weights = graph::Constant(testing::noise(64, 1));
    x = graph.add("layer" + std::to_string(i), layer, {x});
    graph.outputs.push_back({x});
  }
  const auto plan = plan::make(graph);
  EXPECT_LE(plan->arena_bytes, std::int64_t{2} * 32 * 32 * 16 * 4 + 4096);
}

/// From f32 to a type and back, one number.
float through(Type type, const Quantization& q, float value) {
  switch (type) {
    case Type::f16:
      return kernels::from_f16(kernels::to_f16(value));
    case Type::bf16:
      return kernels::from_bf16(kernels::to_bf16(value));
    case Type::i8:
    case Type::u8: {
      const float low = type == Type::i8 ? -128 : 0, high = type == Type::i8 ? 127 : 255;
      const float zero_point = static_cast<float>(q.zero_point);
      return (std::clamp(std::nearbyint(value / q.scale) + zero_point, low, high) - zero_point) * q.scale;
    }
    case Type::f32:
    case Type::i32:
      break;
  }
  return value;
}

std::vector<std::byte> stored(Type type, const Quantization& q, const std::vector<float>& values) {
  std::vector<std::byte> bytes;
  const auto add = [&](auto number) {
    const auto* const from = reinterpret_cast<const std::byte*>(&number);
    bytes.insert(bytes.end(), from, from + sizeof number);
  };
  for (const float value : values) {
    const float number = through(type, q, value);
    if (type == Type::f16) add(kernels::to_f16(number));
    if (type == Type::bf16) add(kernels::to_bf16(number));
    if (type == Type::i8) add(static_cast<std::int8_t>(std::lround(number / q.scale) + q.zero_point));
    if (type == Type::u8) add(static_cast<std::uint8_t>(std::lround(number / q.scale) + q.zero_point));
  }
  return bytes;
}

/// The same network, once with tensors of a type at its ends, once with floats that are what those stand for.
TEST(Tensors, OfOtherTypesAreConvertedAtTheEnds) {
  const graph::Graph graph = testing::several_inputs_and_outputs();
  for (const Type type : {Type::f16, Type::bf16, Type::i8, Type::u8}) {
    SCOPED_TRACE(name_of(type));
    const Quantization q = is_quantised(type) ? Quantization{0.0078125F, type == Type::u8 ? 128 : -3} : Quantization{};
    graph::Graph typed = graph;
    for (std::size_t i = 0; i < 2; ++i) {
      std::get<graph::Input>(typed.nodes[i].operation).type = type;
      std::get<graph::Input>(typed.nodes[i].operation).quantization = q;
    }
    for (graph::Output& output : typed.outputs) output.type = type, output.quantization = q;

    const auto plan = plan::make(graph), typed_plan = plan::make(typed);
    EXPECT_EQ(count(*typed_plan, plan::StepKind::type_conversion), 2 + 7);
    EXPECT_EQ(count(*typed_plan, plan::StepKind::compute), count(*plan, plan::StepKind::compute));
    Buffers inputs, typed_inputs;
    for (std::size_t i = 0; i < 2; ++i) {
      std::vector<float> values = testing::noise(plan->inputs[i].shape.size(), static_cast<std::uint32_t>(i) + 1);
      typed_inputs.push_back(stored(type, q, values));
      for (float& value : values) value = through(type, q, value);
      const auto bytes = std::as_bytes(std::span(values));
      inputs.emplace_back(bytes.begin(), bytes.end());
    }
    run::Session session(plan), typed_session(typed_plan, 2);
    const Buffers expected = testing::run_all(session, inputs), got = testing::run_all(typed_session, typed_inputs);
    for (std::size_t o = 0; o < got.size(); ++o) {
      EXPECT_EQ(got[o], stored(type, q, floats(expected[o]))) << typed_plan->outputs[o].name;
    }
  }
}

TEST(Tensors, AreSavedAndLoaded) {
  graph::Graph graph = testing::several_inputs_and_outputs();
  std::get<graph::Input>(graph.nodes[1].operation).type = Type::u8;
  std::get<graph::Input>(graph.nodes[1].operation).quantization = {0.25F, 7};
  graph.outputs[3].type = Type::f16;
  graph.outputs[5].type = Type::i8;
  graph.outputs[5].quantization = {0.5F, -9};
  const std::vector<std::byte> bytes = format::save(graph);
  const graph::Graph loaded = format::load(bytes, nullptr);
  EXPECT_EQ(graph::to_text(loaded), graph::to_text(graph));
  EXPECT_EQ(loaded.input(1).type, Type::u8);
  EXPECT_EQ(loaded.input(1).quantization, (Quantization{0.25F, 7}));
  ASSERT_EQ(loaded.outputs.size(), graph.outputs.size());
  EXPECT_EQ(loaded.outputs[1].name, "wide again");
  EXPECT_EQ(loaded.outputs[5].type, Type::i8);
  EXPECT_EQ(loaded.outputs[5].quantization, (Quantization{0.5F, -9}));
  EXPECT_EQ(format::save(loaded), bytes);
}

TEST(Tensors, KeepTheirNamesThroughThePasses) {
  graph::Graph graph;
  graph.add("input", graph::Input{{4, 4, 4}});
  graph::Convolution layer;
  layer.outputs = 4;
  layer.weights = graph::Constant(testing::noise(16, 1));
  const graph::NodeId first = graph.add("first", layer, {0});
  const graph::NodeId same = graph.add("same", graph::Activate{graph::Activation::none}, {first});
  const graph::NodeId relu = graph.add("relu", graph::Activate{graph::Activation::relu}, {first});
  graph.outputs = {{first}, {same}, {relu}};
  const auto plan = plan::make(graph);
  EXPECT_EQ(plan->outputs[0].name, "first");
  EXPECT_EQ(plan->outputs[1].name, "same");
  EXPECT_EQ(plan->outputs[2].name, "relu");
  graph::Graph once = graph;
  passes::optimise(once);
  graph::Graph twice = once;
  passes::optimise(twice);
  EXPECT_EQ(graph::to_text(once), graph::to_text(twice));
  EXPECT_EQ(once.output_name(once.outputs[1]), "same");
}

TEST(Tensors, ThatAreNoneAreRefused) {
  const auto error = [](auto change) {
    graph::Graph graph = testing::several_inputs_and_outputs();
    change(graph);
    return tests::error_of([&] { (void)graph::infer_shapes(graph); });
  };
  const auto expect = [](const std::string& message, const char* part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(error([](graph::Graph& g) { g.outputs[1].name = ""; }), "two outputs are called 'wide'");
  expect(error([](graph::Graph& g) { g.nodes[1].name = "left"; }), "two inputs are called 'left'");
  expect(error([](graph::Graph& g) { g.outputs[2].node = 99; }), "an output is no node");
  expect(error([](graph::Graph& g) { std::get<graph::Input>(g.nodes[0].operation).type = Type::i32; }),
         "its type is i32");
  expect(error([](graph::Graph& g) { g.outputs[2].quantization = {2.0F, 0}; }), "for i8 and u8 alone");
  expect(error([](graph::Graph& g) {
           g.outputs[2].type = Type::u8, g.outputs[2].quantization = {1.0F, -1};
         }),
         "its zero point is -1, no u8");
  expect(error([](graph::Graph& g) {
           g.outputs[2].type = Type::i8, g.outputs[2].quantization = {NAN, 0};
         }),
         "its scale is no positive number");
  expect(error([](graph::Graph& g) { g.outputs.assign(5000, {0, "x"}); }), "more than 4096 outputs");
  graph::Graph sizes = testing::several_inputs_and_outputs();
  std::get<graph::Input>(sizes.nodes[1].operation).shape.h = 10;
  EXPECT_THROW(sizes.set_input_size(20, 20), Error);
}

}  // namespace
}  // namespace riffle
