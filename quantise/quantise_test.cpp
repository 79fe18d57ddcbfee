// Quantised networks by their meaning (verify::interpret), beside the float ones that they were made from.
#include "quantise/quantise.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cmath>
#include <functional>
#include <limits>
#include <string_view>
#include <thread>

#include "engine/format/format.hpp"
#include "engine/graph/quantization.hpp"
#include "engine/plan/plan.hpp"
#include "kernels/byte_panels.hpp"
#include "models/models.hpp"
#include "models/random.hpp"
#include "quantise/grids.hpp"
#include "quantise/scales.hpp"
#include "quantise/walk.hpp"
#include "tests/expect_error.hpp"
#include "verify/interpret.hpp"
#include "verify/random_graph.hpp"

namespace riffle::quantise {
namespace {

using graph::Activation;
using graph::Graph;
using graph::NodeId;

graph::Constant random_constant(const std::string& name, std::size_t count, float reach, float centre = 0.0F) {
  return graph::Constant(models::random_values(5, name, count, {centre, reach}));
}

/// A convolution with random weights; its results are about `gain` times as large as what it reads.
graph::Convolution convolution(const std::string& name, std::int32_t inputs, std::int32_t outputs, std::int32_t kernel,
                               float gain, Activation activation = Activation::none, std::int32_t groups = 1) {
  graph::Convolution result;
  result.outputs = outputs;
  result.groups = groups;
  result.window = {.kernel_h = kernel,
                   .kernel_w = kernel,
                   .pad_top = kernel / 2,
                   .pad_left = kernel / 2,
                   .pad_bottom = kernel / 2,
                   .pad_right = kernel / 2};
  const auto terms = static_cast<std::size_t>(inputs / groups * kernel * kernel);
  result.weights = random_constant(name, static_cast<std::size_t>(outputs) * terms,
                                   gain * 1.7F / std::sqrt(static_cast<float>(terms)));
  result.bias = random_constant(name + " bias", static_cast<std::size_t>(outputs), gain * 0.2F);
  result.activation = activation;
  return result;
}

/// A fully connected layer of one pixel.
graph::FullyConnected dense(const std::string& name, std::int32_t inputs, std::int32_t outputs) {
  return {outputs, random_constant(name, static_cast<std::size_t>(inputs * outputs), 1.0F), {}};
}

Samples samples_of(const Graph& graph, std::int64_t count, std::uint64_t seed = 3) {
  Samples samples{{}, count, {}};
  for (std::size_t i = 0; i < graph.input_count(); ++i) {
    const auto size = static_cast<std::size_t>(count * graph.input(i).shape.size());
    samples.inputs.push_back(models::random_values(seed, "input " + std::to_string(i), size, {0.25F, 1.0F}));
  }
  return samples;
}

/// Signal to noise of an output, in dB, on other samples than those that calibrated; both graphs by their meaning.
double decibels(const Quantised& quantised, std::size_t output = 0) {
  const Samples samples = samples_of(quantised.before, 2, 77);
  const auto before = verify::interpret(quantised.before, samples.inputs, samples.count);
  const auto after = verify::interpret(quantised.after, samples.inputs, samples.count);
  const verify::Tensor& exact = before[quantised.before.outputs[output].node];
  const verify::Tensor& lossy = after[quantised.after.outputs[output].node];
  EXPECT_EQ(exact.shape, lossy.shape);
  double signal = 0.0, noise = 0.0;
  for (std::size_t i = 0; i < exact.values.size(); ++i) {
    signal += exact.values[i] * exact.values[i];
    noise += std::pow(exact.values[i] - lossy.values[i], 2);
  }
  EXPECT_GT(signal, 0.0);
  EXPECT_GT(noise, 0.0) << "nothing was rounded";
  return 10.0 * std::log10(signal / noise);
}

NodeId node_of(const Graph& graph, const std::string& name) {
  for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    if (graph.nodes[id].name == name) return id;
  }
  ADD_FAILURE() << "no node " << name;
  return 0;
}

Quantised quantised(const Graph& graph, const Options& options = {}) {
  return quantise(graph, samples_of(graph, graph.input_shape().pixels() > 100 ? 6 : 100), options);
}

/// How many nodes make real numbers of integers, or integers of real numbers.
std::int64_t conversions(const Graph& graph) {
  return std::ranges::count_if(graph.nodes, [](const graph::Node& node) {
    const auto* activate = std::get_if<graph::Activate>(&node.operation);
    return activate != nullptr && activate->kind == Activation::none;
  });
}

Graph small_network(bool residual = false) {
  models::V2Spec spec;
  spec.flavour = models::Flavour::study_note;
  spec.width_multiplier = 0.5;
  spec.residual = residual;
  spec.in_channels = 1;
  spec.classes = 10;
  spec.height = spec.width = 32;
  return models::shufflenet_v2(spec, models::random_weights(1));
}

TEST(Quantise, zero_is_a_relu_where_there_is_one_and_in_the_range_where_there_is_none) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{6, 6, 3}});
  const NodeId relu = graph.add("relu", convolution("relu", 3, 8, 3, 1.0F, Activation::relu), {image});
  const NodeId linear = graph.add("linear", convolution("linear", 8, 8, 3, 1.0F, Activation::none, 8), {relu});
  const NodeId next = graph.add("next", convolution("next", 8, 4, 1, 1.0F), {linear});
  graph.outputs = {{graph.add("last", convolution("last", 4, 4, 1, 1.0F), {next})}};
  const Quantised result = quantised(graph);
  const Graph& after = result.after;
  EXPECT_EQ(after.nodes[node_of(after, "relu")].quantization->zero_point, 0);
  for (const char* name : {"image", "linear", "next"}) {
    const std::int32_t zero = after.nodes[node_of(after, name)].quantization->zero_point;
    EXPECT_GT(zero, 20) << name;
    EXPECT_LT(zero, 235) << name;
  }
  EXPECT_FALSE(after.nodes[node_of(after, "last")].quantization.has_value());  // what it sums up is the answer
  EXPECT_GT(decibels(result), 30.0);
}

TEST(Quantise, what_is_beyond_the_range_saturates) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{4, 4, 2}});
  graph.outputs = {{graph.add("last", convolution("last", 2, 4, 1, 1.0F), {image})}};
  const Samples samples = samples_of(graph, 12);
  const Quantised result = quantise(graph, samples);
  std::vector<float> large(4 * 4 * 2, 1000.0F);
  const auto tensors = verify::interpret(result.after, large, 1);
  const NodeId input = node_of(result.after, "image");
  const std::int32_t zero = result.after.nodes[input].quantization->zero_point;
  for (const double x : tensors[input].values) EXPECT_EQ(x, 255 - zero);
}

TEST(Quantise, channels_of_different_producers_have_scales_of_their_own_behind_a_shuffle) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{5, 5, 4}});
  const NodeId small = graph.add("small", convolution("small", 4, 4, 1, 0.01F, Activation::relu), {image});
  const NodeId large = graph.add("large", convolution("large", 4, 4, 1, 10.0F), {image});
  const NodeId both = graph.add("both", graph::Concat{}, {small, large});
  const NodeId shuffled = graph.add("shuffled", graph::Shuffle{2}, {both});
  graph::Convolution last = convolution("last", 8, 6, 1, 1.0F);
  // What counts is the small ones.
  std::vector<float> weights(last.weights.values().begin(), last.weights.values().end());
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] *= i % 2 == 0 ? 100.0F : 0.01F;
  last.weights = graph::Constant(std::move(weights));
  graph.outputs = {{graph.add("last", last, {shuffled})}};
  const Quantised result = quantised(graph);
  EXPECT_LT(result.scales[small][0] * 100, result.scales[large][0]);
  EXPECT_GT(decibels(result), 30.0);
}

TEST(Quantise, a_residual_and_what_it_is_added_to_agree_by_channel) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{6, 6, 3}});
  const NodeId first = graph.add("first", convolution("first", 3, 8, 3, 1.0F, Activation::relu), {image});
  const NodeId second = graph.add("second", convolution("second", 8, 8, 1, 3.0F), {first});
  const NodeId sum = graph.add("sum", graph::Binary{.activation = Activation::relu}, {second, first});
  graph.outputs = {{graph.add("last", convolution("last", 8, 4, 1, 1.0F), {sum})}};
  const Quantised result = quantised(graph);
  const NodeId fused = node_of(result.before, "second"), residual = node_of(result.before, "first");
  ASSERT_EQ(result.before.nodes[fused].inputs.size(), 2U) << "the sum is not fused";
  EXPECT_EQ(result.scales[fused], result.scales[residual]);
  EXPECT_NE(result.scales[fused][0], result.scales[fused][1]) << "not by channel";
  EXPECT_GT(decibels(result), 28.0);
}

TEST(Quantise, the_terms_of_a_sum_agree_though_they_are_shuffled) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{6, 6, 3}});
  const NodeId a = graph.add("a", convolution("a", 3, 8, 3, 1.0F, Activation::relu), {image});
  const NodeId b = graph.add("b", convolution("b", 3, 8, 3, 2.0F), {image});
  const NodeId shuffled = graph.add("shuffled", graph::Shuffle{2}, {a});
  const NodeId mean = graph.add("mean", graph::Pool{graph::PoolKind::average, {.kernel_h = 2, .kernel_w = 2}}, {b});
  const NodeId cut = graph.add("cut", graph::Pool{graph::PoolKind::max, {.kernel_h = 2, .kernel_w = 2}}, {shuffled});
  const NodeId sum = graph.add("sum", graph::Binary{}, {cut, mean});
  const NodeId again = graph.add("again", graph::Binary{}, {sum, mean});
  const NodeId pooled = graph.add("pooled", graph::GlobalAveragePool{}, {again});
  graph.outputs = {{graph.add("dense", dense("dense", 8, 5), {pooled})}};
  const Quantised result = quantised(graph);
  // Channel 1 of the shuffle is channel 4 of a. The mean has to agree with the sum, so that it has no factor.
  EXPECT_EQ(result.scales[a][4], result.scales[mean][1]);
  EXPECT_EQ(result.scales[b], result.scales[mean]);
  EXPECT_GT(decibels(result), 28.0);
  // What the network answers is real.
  EXPECT_FALSE(result.after.nodes[result.after.outputs[0].node].quantization.has_value());
}

TEST(Quantise, bounds_hold_with_and_without_a_scale_in_common) {
  for (const bool shared : {false, true}) {
    Graph graph;
    const NodeId image = graph.add("image", graph::Input{{6, 6, 3}});
    const NodeId capped = graph.add("capped", convolution("capped", 3, 8, 3, 4.5F, Activation::relu6), {image});
    NodeId last = capped;
    if (shared) {
      const NodeId more = graph.add("more", convolution("more", 8, 8, 1, 0.5F), {capped});
      last = graph.add("sum", graph::Binary{}, {more, capped});
    }
    last = graph.add("clipped", convolution("clipped", 8, 8, 1, 0.3F, Activation{{-0.5F, 0.75F}}), {last});
    graph.outputs = {{last, "clipped"}, {capped, "capped"}};
    const Quantised result = quantised(graph);
    const graph::Node& node = result.after.nodes[result.node[capped]];
    const std::vector<double>& scales = result.scales[capped];
    for (const double scale : scales) {
      if (shared) {
        EXPECT_EQ(scale, scales[0]);
      } else {
        EXPECT_LE(255 * scale, 6.0001) << "a byte is beyond the bound, which is none";
      }
    }
    EXPECT_EQ(std::isinf(graph::fused_activation(node.operation)->bounds.upper), !shared || 255 * scales[0] < 6.0);
    EXPECT_GT(decibels(result, 0), 25.0) << shared;
    EXPECT_GT(decibels(result, 1), 30.0) << shared;
    const Samples samples = samples_of(graph, 2, 9);
    const auto tensors = verify::interpret(result.after, samples.inputs, samples.count);
    const auto [least, most] = std::ranges::minmax(tensors[result.after.outputs[0].node].values);
    EXPECT_NEAR(least, -0.5, 0.01);
    EXPECT_NEAR(most, 0.75, 0.01);
    EXPECT_NEAR(std::ranges::max(tensors[result.after.outputs[1].node].values), 6.0, 0.05);
  }
}

TEST(Quantise, a_range_that_is_wider_than_what_occurs_ends_at_the_bound) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{6, 6, 3}});
  const NodeId capped = graph.add("capped", convolution("capped", 3, 8, 3, 3.0F, Activation::relu6), {image});
  graph.outputs = {{graph.add("last", convolution("last", 8, 4, 1, 1.0F), {capped})}};
  const Statistics statistics = collect(graph, samples_of(graph, 20), 0.0, 1, [](double) {});
  const Agreement agreement = agree(graph, graph::ById<bool>(graph.nodes.size(), false));
  Scales scales(graph, agreement, statistics.ranges);
  for (std::size_t group = 0; group < scales.group_count(); ++group) scales.choose(group, {1.5, 1.0});
  double least = 6.0, most = 0.0;
  for (std::int32_t c = 0; c < 8; ++c) {
    least = std::min(least, 255 * scales.scale({capped, c}));
    most = std::max(most, 255 * scales.scale({capped, c}));
  }
  EXPECT_LT(least, 5.9);
  EXPECT_NEAR(most, 6.0, 1e-9);
}

/// Whatever parameters they have, and in whichever order their channels are read.
TEST(Quantise, functions_with_parameters_stay_in_floats) {
  std::vector<float> slopes;
  for (int i = 0; i < 8; ++i) slopes.push_back(0.25F * static_cast<float>(i) - 0.5F);
  const Activation prelu{.function = kernels::Function::prelu, .slopes = graph::Constant(slopes)};
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{6, 6, 3}});
  const NodeId first = graph.add("first", convolution("first", 3, 8, 3, 2.0F, prelu), {image});
  const NodeId shuffled = graph.add("shuffled", graph::Shuffle{2}, {first});
  const NodeId second = graph.add("second", convolution("second", 8, 8, 3, 1.0F, prelu, 8), {shuffled});
  const NodeId third =
      graph.add("third", convolution("third", 8, 8, 1, 1.0F, Activation{{}, kernels::Function::elu, 0.5F}), {second});
  const NodeId mean = graph.add("mean", graph::GlobalAveragePool{}, {third});
  graph.outputs = {{graph.add("classes", dense("classes", 8, 5), {mean})}};
  const Quantised result = quantised(graph);
  for (const char* const name : {"first", "second", "third"}) {
    const auto& layer = std::get<graph::Convolution>(result.after.nodes[node_of(result.after, name)].operation);
    EXPECT_EQ(layer.weights.type(), Type::i8) << name;
    EXPECT_EQ(layer.activation, Activation::none) << name;
  }
  EXPECT_GT(decibels(result), 35.0);
}

TEST(Quantise, functions_and_kept_nodes_stay_in_floats) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{6, 6, 3}});
  const NodeId gate = graph.add("gate", convolution("gate", 3, 8, 3, 2.0F, Activation::sigmoid), {image});
  const NodeId kept = graph.add("kept", convolution("kept", 8, 8, 3, 1.0F, Activation::relu), {gate});
  const NodeId mean = graph.add("mean", graph::GlobalAveragePool{}, {kept});
  const NodeId classes = graph.add("classes", dense("classes", 8, 5), {mean});
  graph.outputs = {{graph.add("softmax", graph::Softmax{}, {classes})}};
  const Quantised result = quantised(graph, {.keep = {"kept"}});
  const auto& layer = std::get<graph::Convolution>(result.after.nodes[node_of(result.after, "kept")].operation);
  EXPECT_EQ(layer.weights.type(), Type::f32);
  const auto& before = std::get<graph::Convolution>(result.after.nodes[node_of(result.after, "gate")].operation);
  EXPECT_EQ(before.weights.type(), Type::i8);
  EXPECT_EQ(before.activation, Activation::none);
  const auto& last = std::get<graph::FullyConnected>(result.after.nodes[node_of(result.after, "classes")].operation);
  EXPECT_EQ(last.weights.type(), Type::i8);
  EXPECT_GT(decibels(result), 35.0);
}

/// Squeeze and excitation and a residual with zeros.
TEST(Quantise, gates_and_literals_are_integers) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{6, 6, 3}});
  const NodeId x = graph.add("x", convolution("x", 3, 8, 3, 2.0F, Activation::relu), {image});
  const NodeId mean = graph.add("mean", graph::GlobalAveragePool{}, {x});
  const NodeId gate = graph.add("gate", convolution("gate", 8, 8, 1, 1.0F, Activation::sigmoid), {mean});
  const NodeId gated = graph.add("gated", graph::Binary{.kind = graph::BinaryKind::multiply}, {x, gate});
  const NodeId zeros = graph.add("zeros", graph::Literal{{1, 1, 4}, graph::Constant(std::vector<float>(4))}, {});
  const NodeId wide = graph.add("wide", graph::Concat{}, {gated, zeros});
  const NodeId more = graph.add("more", convolution("more", 8, 12, 1, 1.0F), {gated});
  const NodeId sum = graph.add("sum", graph::Binary{}, {more, wide});
  graph.outputs = {{graph.add("last", convolution("last", 12, 5, 1, 1.0F), {sum})}};
  const Quantised result = quantised(graph);
  for (const char* name : {"x", "mean", "gate", "gated", "zeros", "more"}) {
    EXPECT_TRUE(result.after.nodes[node_of(result.after, name)].quantization.has_value()) << name;
  }
  EXPECT_EQ(conversions(result.after), 0);
  EXPECT_GT(decibels(result), 25.0);
}

/// Each function of one number in the middle of a network, and a slope a channel.
TEST(Quantise, functions_are_tables) {
  std::vector<Activation> functions = {Activation::sigmoid, Activation::hard_swish};
  functions.push_back({.function = kernels::Function::leaky, .a = 0.1F});
  functions.push_back({.function = kernels::Function::silu});
  functions.push_back({.bounds = {-1.0F, 2.0F}, .function = kernels::Function::absolute});
  functions.push_back({.function = kernels::Function::prelu, .slopes = random_constant("slopes", 8, 0.4F)});
  for (const Activation& function : functions) {
    Graph graph;
    const NodeId image = graph.add("image", graph::Input{{6, 6, 3}});
    const NodeId x = graph.add("x", convolution("x", 3, 8, 3, 2.0F, function), {image});
    const NodeId y = graph.add("y", convolution("y", 8, 8, 3, 1.0F, Activation::none, 8), {x});
    const NodeId again = graph.add("again", graph::Activate{function}, {graph.add("sum", graph::Binary{}, {x, y})});
    graph.outputs = {{graph.add("last", convolution("last", 8, 5, 1, 1.0F, Activation::sigmoid), {again})}};
    const Quantised result = quantised(graph);
    EXPECT_EQ(conversions(result.after), 0) << graph::to_text(function);
    EXPECT_GT(decibels(result), 24.0) << graph::to_text(function);
    const auto plan = plan::make(result.after);
    for (const plan::Step& step : plan->steps) EXPECT_FALSE(step.operation.starts_with("activation")) << step.name;
    EXPECT_TRUE(std::ranges::any_of(plan->steps, [](const plan::Step& step) {
      return step.operation == "pointwise, sigmoid" && step.name == "last";
    }));
  }
}

/// Pixels that are chosen, between others or elsewhere, in a pyramid; its heads are lists of real numbers.
TEST(Quantise, moves_and_resizes_are_of_integers) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{8, 8, 3}});
  const NodeId x = graph.add("x", convolution("x", 3, 8, 3, 2.0F, Activation::relu), {image});
  const NodeId small = graph.add("small", graph::Crop{.bottom = 1, .right = 1, .step_h = 2, .step_w = 2}, {x});
  const NodeId y = graph.add("y", convolution("y", 8, 8, 1, 1.0F), {small});
  const NodeId near = graph.add("near", graph::Resize{.scale_h = 2.0F, .scale_w = 2.0F}, {y});
  const NodeId between =
      graph.add("between", graph::Resize{.mode = graph::ResizeMode::linear, .scale_h = 2.0F, .scale_w = 2.0F}, {y});
  const NodeId shifted = graph.add("shifted", graph::Pad{.top = 1, .bottom = 1, .value = 0.5F}, {x});
  const NodeId phases = graph.add("phases", graph::Rearrange{graph::arranged("(h c0:2) (w c1:2) c2")}, {y});
  const NodeId cut = graph.add("cut", graph::Crop{.top = 1, .bottom = 1}, {shifted});
  const NodeId all = graph.add("all", graph::Concat{}, {near, between, cut, phases});
  const NodeId next = graph.add("next", convolution("next", 26, 12, 3, 1.0F), {all});
  graph.outputs = {{graph.add("list", graph::Rearrange{graph::arranged("(h w c0:3) 1 c1")}, {next}), "list"}};
  const Quantised result = quantised(graph);
  for (const char* name : {"small", "near", "between", "shifted", "cut"}) {
    EXPECT_TRUE(result.after.nodes[node_of(result.after, name)].quantization.has_value()) << name;
  }
  EXPECT_EQ(conversions(result.after), 0);
  EXPECT_GT(decibels(result), 28.0);
}

/// A reader of some channels of a concatenation, of which others are real numbers.
TEST(Quantise, parts_of_what_is_joined_may_be_read) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{6, 6, 3}});
  const NodeId x = graph.add("x", convolution("x", 3, 8, 3, 2.0F, Activation::relu), {image});
  const NodeId soft = graph.add("soft", graph::Softmax{}, {x});
  const NodeId both = graph.add("both", graph::Concat{}, {x, soft});
  const NodeId part = graph.add("part", graph::Slice{0, 8}, {both});
  graph.outputs = {{graph.add("last", convolution("last", 8, 5, 1, 1.0F), {part}), "last"}, {soft, "soft"}};
  EXPECT_GT(decibels(quantised(graph)), 28.0);
}

/// Behind the last layers nothing is rounded: scales by channel are no layers.
TEST(Quantise, what_decodes_boxes_stays_in_floats) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{6, 6, 3}});
  const NodeId x = graph.add("x", convolution("x", 3, 8, 3, 2.0F, Activation::relu), {image});
  const NodeId head = graph.add("head", convolution("head", 8, 8, 1, 1.0F), {x});
  const NodeId list = graph.add("list", graph::Rearrange{graph::arranged("(h w c0:2) 1 c1")}, {head});
  const NodeId size = graph.add("size", convolution("size", 4, 4, 1, 0.2F, Activation::none, 4), {list});
  const NodeId grown = graph.add("grown", graph::Activate{{.function = kernels::Function::exp}}, {size});
  const NodeId anchors = graph.add("anchors", graph::Literal{{72, 1, 4}, random_constant("anchors", 288, 9.0F)}, {});
  graph.outputs = {{graph.add("boxes", graph::Binary{.kind = graph::BinaryKind::multiply}, {grown, anchors}), "boxes"}};
  const Quantised result = quantised(graph);
  EXPECT_EQ(conversions(result.after), 0);
  for (const char* name : {"head", "size", "boxes"}) {
    EXPECT_FALSE(result.after.nodes[node_of(result.after, name)].quantization.has_value()) << name;
  }
}

TEST(Quantise, transposed_convolutions_are_convolutions) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{5, 5, 3}});
  const NodeId x = graph.add("x", convolution("x", 3, 8, 3, 2.0F, Activation::relu), {image});
  graph::TransposedConvolution up;
  up.outputs = 6;
  up.window = {.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2};
  up.weights = random_constant("up", 8 * 6 * 4, 0.4F);
  const NodeId larger = graph.add("larger", up, {x});
  graph.outputs = {{graph.add("last", convolution("last", 6, 5, 1, 1.0F), {larger})}};
  const Quantised result = quantised(graph);
  EXPECT_EQ(conversions(result.after), 0);
  EXPECT_GT(decibels(result), 28.0);
}

TEST(Quantise, what_reads_real_numbers_may_read_those_of_integers) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{4, 4, 3}});
  const NodeId first = graph.add("first", convolution("first", 3, 8, 3, 1.0F, Activation::relu), {image});
  const NodeId pooled =
      graph.add("pooled", graph::Pool{graph::PoolKind::average, {.kernel_h = 2, .kernel_w = 2}}, {first});
  graph::FullyConnected wide{6, random_constant("wide", 6 * 8 * 9, 0.3F), {}};
  wide.height = wide.width = 3;
  const NodeId classes = graph.add("wide", wide, {pooled});
  graph.outputs = {{classes, "classes"}, {pooled, "pooled"}};
  const Quantised result = quantised(graph, {.keep = {"pooled"}});
  EXPECT_EQ(std::get<graph::FullyConnected>(result.after.nodes[node_of(result.after, "wide")].operation).weights.type(),
            Type::i8);
  EXPECT_GT(decibels(result, 0), 30.0);
  EXPECT_GT(decibels(result, 1), 30.0);
}

TEST(Quantise, networks_keep_their_answers_by_every_method) {
  for (const Method method : {Method::best, Method::minmax, Method::percentile, Method::mse}) {
    for (const bool residual : {false, true}) {
      const Quantised result = quantised(small_network(residual), {.method = method});
      EXPECT_GT(decibels(result), 18.0) << static_cast<int>(method) << residual;
      const auto count = std::ranges::count_if(result.after.nodes, [](const graph::Node& node) {
        return std::holds_alternative<graph::Activate>(node.operation);
      });
      EXPECT_EQ(count, 0) << "something converts";
    }
  }
}

/// The caller's floats are converted once, and nothing else moves, converts or rescales: shuffle, split and
/// concatenation cost as little in integers as in floats.
TEST(Quantise, shufflenets_convert_their_input_and_nothing_else) {
  const auto expect_one_conversion = [](const Graph& graph) {
    const Quantised result = quantise(graph, samples_of(graph, 2), {.method = Method::minmax});
    for (const kernels::Kernels* kernels : kernels::all_kernels()) {
      if (!kernels->supported()) continue;
      const auto plan = plan::make(result.after, {.kernels = kernels});
      ASSERT_EQ(plan->precision, Type::i8);
      for (std::size_t i = 0; i < plan->steps.size(); ++i) {
        const plan::Step& step = plan->steps[i];
        EXPECT_EQ(step.kind, i == 0 ? plan::StepKind::type_conversion : plan::StepKind::compute) << step.operation;
        const std::string kernel = step.kernel;
        EXPECT_TRUE(i == 0 || kernel.starts_with("u8-") || kernel.starts_with("i8-")) << kernel;
      }
    }
  };
  const models::WeightSource weights = models::random_weights(2);
  for (const std::int32_t groups : {1, 3, 8}) {
    expect_one_conversion(models::shufflenet_v1({.groups = groups, .classes = 10, .height = 64, .width = 64}, weights));
  }
  for (const bool residual : {false, true}) {
    expect_one_conversion(models::shufflenet_v2(
        {.width_multiplier = 0.5, .residual = residual, .classes = 10, .height = 64, .width = 64}, weights));
  }
}

TEST(Quantise, random_graphs_are_quantised_saved_and_planned) {
  int quantised_graphs = 0;
  std::vector<double> all;
  for (std::uint64_t seed = 0; seed < RIFFLE_QUANTISED_GRAPHS; ++seed) {
    const Graph graph = verify::random_graph(seed);
    if (graph::is_quantised(graph)) continue;
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Quantised result = quantised(graph);
    quantised_graphs += graph::is_quantised(result.after) ? 1 : 0;
    const auto file = std::make_shared<std::vector<std::byte>>(format::save(result.after));
    EXPECT_NO_THROW((void)plan::make(format::load(*file, file)));
    for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
      EXPECT_EQ(result.after.output_name(result.after.outputs[i]), result.before.output_name(result.before.outputs[i]));
      EXPECT_EQ(result.after.outputs[i].type, graph.outputs[i].type);
    }
    for (const Loss& loss : losses(result, samples_of(graph, 2, 77), 1)) all.push_back(loss.decibels);
  }
  EXPECT_GT(quantised_graphs, RIFFLE_QUANTISED_GRAPHS / 2);
  // Of so random ones some are hopeless: numbers far from zero that hardly differ.
  std::ranges::sort(all);
  EXPECT_GT(all[all.size() / 100], 15.0);
  EXPECT_GT(all[all.size() / 2], 30.0);
}

TEST(Quantise, inputs_of_other_types_stay_as_they_are) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{6, 6, 3}, {}, Type::f16});
  graph.outputs = {{graph.add("last", convolution("last", 3, 4, 3, 1.0F), {image})}};
  const Quantised result = quantised(graph);
  EXPECT_EQ(result.after.input().type, Type::f16);
  EXPECT_FALSE(result.after.nodes[0].quantization.has_value());
  EXPECT_GT(decibels(result), 30.0);
}

TEST(Quantise, hidden_fully_connected_layers_are_quantised) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{1, 1, 12}});
  graph::FullyConnected first = dense("first", 12, 16);
  first.activation = Activation::relu;
  const NodeId hidden = graph.add("first", first, {image});
  graph.outputs = {{graph.add("second", dense("second", 16, 4), {hidden})}};
  const Quantised result = quantised(graph);
  EXPECT_TRUE(result.after.nodes[result.node[hidden]].quantization.has_value());
  EXPECT_NO_THROW((void)plan::make(result.after));
  EXPECT_GT(decibels(result), 30.0);
}

/// A network whose nodes are within the range of bytes that are multiples of 1/16, as far as `bounded` says so.
Graph within_bounds(const std::vector<std::string>& bounded) {
  Graph graph;
  const auto add = [&](const std::string& name, graph::Operation operation, std::vector<NodeId> inputs) {
    if (std::ranges::find(bounded, name) != bounded.end())
      graph::fused_activation(operation)->bounds = {-8.0F, 7.9375F};
    return graph.add(name, std::move(operation), std::move(inputs));
  };
  const NodeId image = graph.add("image", graph::Input{{6, 6, 3}});
  const NodeId first = add("first", convolution("first", 3, 8, 3, 1.0F), {image});
  const NodeId cut = add("cut", graph::Pool{graph::PoolKind::max, {.kernel_h = 2, .kernel_w = 2}}, {first});
  const NodeId both = graph.add("both", graph::Concat{}, {cut, cut});
  const NodeId second = add("second", convolution("second", 16, 8, 1, 1.0F), {both});
  const NodeId mean = add("mean", graph::GlobalAveragePool{}, {second});
  graph.outputs = {{graph.add("dense", dense("dense", 8, 5), {mean})}};
  return graph;
}

/// The names of the nodes that are quantised, and of those that convert.
std::string quantised_nodes(const Graph& graph) {
  std::string result;
  for (const graph::Node& node : graph.nodes) {
    const bool converts = std::holds_alternative<graph::Activate>(node.operation);
    if (node.quantization || converts) result += (converts ? " ->" : " ") + node.name;
  }
  return result;
}

TEST(Quantise, bounds_may_be_the_ranges) {
  const kernels::Clamp image{-2.0F, 1.984375F};
  const auto made = [&](const std::vector<std::string>& bounded, const kernels::Clamp& input) {
    return quantise_within_bounds(within_bounds(bounded), std::vector{input});
  };
  const Quantised all = made({"first", "cut", "second", "mean"}, image);
  EXPECT_EQ(quantised_nodes(all.after), " image first cut second mean");
  EXPECT_EQ(all.after.nodes[0].quantization, (Quantization{1.0F / 64, 128}));
  for (const double scale : all.scales[node_of(all.before, "second")]) EXPECT_EQ(scale, 1.0 / 16);
  EXPECT_GT(decibels(all), 14.5);
  EXPECT_EQ(quantised_nodes(made({"first", "cut", "mean"}, image).after), " image ->mean");
  EXPECT_EQ(quantised_nodes(made({"second", "mean"}, image).after), " ->mean");
  EXPECT_EQ(quantised_nodes(made({"first", "cut", "second", "mean"}, {}).after), " ->cut second mean");
  EXPECT_NE(tests::error_of([&] { made({}, {}); }).find("no layer reads numbers within bounds"), std::string::npos);
}

TEST(Quantise, the_walk_computes_what_the_graph_means) {
  const Quantised result = quantised(small_network());
  const Samples samples = samples_of(result.after, 2, 4);
  const auto tensors = verify::interpret(result.after, samples.inputs, samples.count);
  Walk walk(result.after, samples, 2);
  while (!walk.is_done()) {
    const NodeId id = walk.step();
    if (!walk.lowered().computes[id]) continue;
    const std::vector<double> exact = verify::planes(tensors[id]);
    const std::vector<float>& walked = walk.result(id).numbers;
    ASSERT_EQ(exact.size(), walked.size());
    // A tie that falls to the other side, and what follows from it.
    std::size_t different = 0;
    for (std::size_t i = 0; i < exact.size(); ++i)
      different += std::abs(exact[i] - static_cast<double>(walked[i])) > 1e-3;
    EXPECT_LE(different * 100, exact.size()) << result.after.nodes[id].name;
  }
}

TEST(Quantise, biases_make_the_means_of_the_float_network) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{4, 4, 3}});
  NodeId last = image;
  for (int i = 0; i < 4; ++i) {
    const std::string name = "layer " + std::to_string(i);
    last = graph.add(name, convolution(name, i == 0 ? 3 : 8, 8, 3, 1.0F), {last});
  }
  graph.outputs = {{last}};
  const Samples samples = samples_of(graph, 12);
  const Quantised result = quantise(graph, samples);
  const auto before = verify::interpret(result.before, samples.inputs, samples.count);
  const auto after = verify::interpret(result.after, samples.inputs, samples.count);
  const verify::Tensor &exact = before[last], &lossy = after[result.after.outputs[0].node];
  for (std::int64_t c = 0; c < 8; ++c) {
    double shift = 0.0;
    for (std::int64_t n = 0; n < 12; ++n) {
      for (std::int64_t pixel = 0; pixel < 16; ++pixel) {
        shift += lossy.at(n, pixel / 4, pixel % 4, c) - exact.at(n, pixel / 4, pixel % 4, c);
      }
    }
    EXPECT_LT(std::abs(shift / (12 * 16)), 0.08 * result.scales[last][static_cast<std::size_t>(c)]) << c;
  }
}

TEST(Quantise, the_same_bits_on_any_number_of_threads) {
  const Graph graph = small_network(true);
  const Samples samples = samples_of(graph, 4);
  EXPECT_EQ(format::save(quantise(graph, samples, {.threads = 1}).after),
            format::save(quantise(graph, samples, {.threads = 3}).after));
}

/// Calls f(samples) on as many threads as there are peers, each with its share of the samples; they throw nothing.
void on_peers(int count, const Samples& samples, const std::function<void(const Samples&)>& f) {
  std::vector<std::vector<std::byte>> given(static_cast<std::size_t>(count));
  std::barrier all_here(count);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < count; ++rank) {
    threads.emplace_back([&, rank] {
      Samples own = samples;
      own.peers = {rank, count, [&, rank](std::span<const std::byte> bytes) {
                     given[static_cast<std::size_t>(rank)].assign(bytes.begin(), bytes.end());
                     all_here.arrive_and_wait();
                     std::vector<std::byte> all;
                     for (const std::vector<std::byte>& one : given) all.insert(all.end(), one.begin(), one.end());
                     all_here.arrive_and_wait();
                     return all;
                   }};
      const std::int64_t first = own.peers.share_begin(samples.count, rank);
      own.count = own.peers.share_begin(samples.count, rank + 1) - first;
      for (std::vector<float>& input : own.inputs) {
        const std::int64_t size = std::ssize(input) / samples.count;
        input = {input.begin() + first * size, input.begin() + (first + own.count) * size};
      }
      f(own);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Quantise, the_same_bits_on_any_number_of_peers) {
  const Graph graph = small_network(true);
  const Samples samples = samples_of(graph, 4), others = samples_of(graph, 3, 77);
  const auto decibels_of = [](const std::vector<Loss>& losses) {
    std::vector<double> decibels;
    for (const Loss& loss : losses) decibels.push_back(loss.decibels);
    return decibels;
  };
  for (const Method method : {Method::best, Method::mse}) {
    const Quantised one = quantise(graph, samples, {.method = method});
    const std::vector<std::byte> file = format::save(one.after);
    const std::vector<double> decibels = decibels_of(losses(one, others, 1));
    for (const int count : {2, 5}) {  // of five one has no picture
      std::atomic<int> same_files = 0, same_losses = 0;
      std::vector<Quantised> results(static_cast<std::size_t>(count));
      on_peers(count, samples, [&](const Samples& own) {
        Quantised& result = results[static_cast<std::size_t>(own.peers.rank)];
        result = quantise(graph, own, {.method = method, .threads = 1 + own.peers.rank % 2});
        same_files += format::save(result.after) == file ? 1 : 0;
      });
      on_peers(count, others, [&](const Samples& own) {
        const Quantised& result = results[static_cast<std::size_t>(own.peers.rank)];
        same_losses += decibels_of(losses(result, own, 1)) == decibels ? 1 : 0;
      });
      EXPECT_EQ(same_files, count);
      EXPECT_EQ(same_losses, count);
    }
  }
}

/// A hundredth of a percent has to be something: of 20,480 numbers a channel two are left out on either side.
TEST(Quantise, peers_leave_out_the_extremes_of_all) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{32, 32, 2}});
  graph.outputs = {{graph.add("out", convolution("out", 2, 4, 3, 1.0F), {image})}};
  const Samples samples = samples_of(graph, 20);
  const std::vector<std::byte> file = format::save(quantise(graph, samples, {.method = Method::percentile}).after);
  EXPECT_NE(file, format::save(quantise(graph, samples, {.method = Method::minmax}).after));
  std::atomic<int> same = 0;
  on_peers(3, samples, [&](const Samples& own) {
    same += format::save(quantise(graph, own, {.method = Method::percentile}).after) == file ? 1 : 0;
  });
  EXPECT_EQ(same, 3);
}

TEST(Quantise, what_is_wrong_with_the_samples_of_all_peers_is_said_by_each) {
  const Graph graph = small_network();
  Samples samples = samples_of(graph, 3);
  const auto refusals = [&] {
    std::atomic<int> count = 0;
    on_peers(3, samples, [&](const Samples& own) {
      try {
        (void)quantise(graph, own, {.method = Method::minmax});
      } catch (const Error& error) {
        count += std::string_view(error.what()).find("all pictures are one constant") != std::string_view::npos ? 1 : 0;
      }
    });
    return count.load();
  };
  // Each of its own: together they are none.
  for (std::size_t i = 0; i < samples.inputs[0].size(); ++i) {
    samples.inputs[0][i] = i < samples.inputs[0].size() / 3 ? 1.0F : 2.0F;
  }
  EXPECT_EQ(refusals(), 0);
  std::ranges::fill(samples.inputs[0], 2.0F);
  EXPECT_EQ(refusals(), 3);
}

/// Factors that are small enough for it have no finer steps than what kernels take, whoever rounds the weights.
TEST(Quantise, kernels_multiply_and_round_at_once) {
  const Quantised searched = quantised(small_network(true));
  int layers = 0;
  for (const Graph& graph : {searched.after, with_weights(searched, searched.before)}) {
    for (const graph::Node& node : graph.nodes) {
      const auto* convolution = std::get_if<graph::Convolution>(&node.operation);
      if (convolution == nullptr || !node.quantization) continue;
      ++layers;
      const std::span<const double> factors = convolution->weights.row_scale();
      const std::span<const float> products = convolution->weights.values();
      const std::size_t row = products.size() / factors.size();
      for (std::size_t o = 0; o < factors.size(); ++o) {
        double most = std::abs(static_cast<double>(convolution->bias.values()[o]));
        for (const float product : products.subspan(o * row, row)) most += 128.0 * std::abs(product);
        // Twice as much where it is added to others.
        const double step = kernels::exact_step(2 * most, false);
        EXPECT_TRUE(factors[o] < 64 * step || kernels::is_exact_factor(static_cast<float>(factors[o]), most, false))
            << factors[o];
      }
    }
  }
  EXPECT_GT(layers, 4);
}

/// What a layer computes can be far smaller than its sums could be; and still 16 bits hold it whatever is read.
TEST(Quantise, results_of_any_integers_are_rounded_the_short_way) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{6, 6, 3}});
  graph::Convolution twins = convolution("twins", 3, 64, 1, 1.0F, Activation::relu);
  std::vector<float> weights(twins.weights.values().begin(), twins.weights.values().end());
  for (std::size_t k = 0; k < weights.size(); ++k) weights[k] = weights[k / 6 * 6 + k % 3];
  twins.weights = graph::Constant(std::move(weights));
  twins.bias = {};
  graph::Convolution quiet = convolution("quiet", 64, 4, 1, 1.0F);
  weights.assign(quiet.weights.values().begin(), quiet.weights.values().end());
  for (std::size_t k = 0; k < 64; ++k) weights[k] = k % 2 == 0 ? 1.0F : -1.0F;
  weights[0] += 0.001F;
  quiet.weights = graph::Constant(std::move(weights));
  quiet.bias = {};
  const NodeId middle = graph.add("quiet", quiet, {graph.add("twins", twins, {image})});
  graph.outputs = {{graph.add("last", convolution("last", 4, 2, 1, 1.0F), {middle})}};

  const Graph after = quantised(graph, {.method = Method::minmax}).after;
  const auto& layer = std::get<graph::Convolution>(after.nodes[node_of(after, "quiet")].operation);
  double most = 0.0;
  for (const float product : layer.weights.values().subspan(0, 64)) most += 128.0 * std::abs(product);
  EXPECT_LT(most, 0x1p15 - 512);
  EXPECT_GT(most, 0x1p14);  // no more is lost than has to be
  EXPECT_TRUE(kernels::is_exact_factor(static_cast<float>(layer.weights.row_scale()[0]), most, false));
}

TEST(Quantise, weights_are_rounded_in_floats_as_they_are_to_integers) {
  const Quantised result = quantised(small_network(true));
  const auto grids = weight_grids(result);
  std::size_t layers = 0;
  for (NodeId id = 0; id < result.before.nodes.end_id(); ++id) {
    if (!grids[id]) continue;
    ++layers;
    std::vector<float> weights, bias;
    graph::for_each_constant(
        result.before.nodes[id].operation, [&](std::string_view word, const graph::Constant& constant, const auto&) {
          (word == "weight" ? weights : bias).assign(constant.values().begin(), constant.values().end());
        });
    std::vector<float> rounded_weights(weights.size()), rounded_bias(bias.size());
    grids[id]->round(weights, bias, rounded_weights, rounded_bias);
    const IntegerLayer layer = grids[id]->integers(weights, bias);
    const std::size_t columns = weights.size() / layer.rows.size();
    for (std::size_t o = 0; o < layer.rows.size(); ++o) {
      const RoundedRow& row = layer.rows[o];
      const int largest = std::abs(*std::ranges::max_element(row.numbers, {}, [](int q) { return std::abs(q); }));
      ASSERT_LE(largest, 127);
      ASSERT_GE(largest, 123);  // a factor becomes larger by a thirty-second part at most
      EXPECT_NEAR(rounded_bias[o], bias[o], 0.51 * row.factor);
      for (std::size_t k = 0; k < columns; ++k) {
        const std::size_t i = o * columns + k;
        EXPECT_EQ(rounded_weights[i] == 0.0F, row.numbers[k] == 0);
        // What it is rounded to is within half a unit of what it was, and the same number of units.
        if (row.numbers[k] == 0) continue;
        const double unit = static_cast<double>(rounded_weights[i]) / row.numbers[k];
        EXPECT_NEAR(rounded_weights[i], weights[i], 0.501 * unit) << result.before.nodes[id].name;
      }
    }
  }
  EXPECT_GT(layers, 40U);
}

TEST(Quantise, other_weights_take_the_places_of_those_that_were_calibrated) {
  const Quantised result = quantised(small_network(true), {.keep = {"classifier"}});
  Quantised same = result;
  same.after = with_weights(result, result.before);
  EXPECT_EQ(graph::to_text(same.after), graph::to_text(result.after));
  EXPECT_GT(decibels(same), decibels(result) - 6.0);
  // A layer in floats has the same weights, in the units of the integers that it reads.
  const auto weights_of = [](const Graph& graph) {
    const auto values = std::get<graph::FullyConnected>(graph.nodes[node_of(graph, "classifier")].operation).weights;
    return std::vector<float>(values.values().begin(), values.values().end());
  };
  EXPECT_EQ(weights_of(same.after), weights_of(result.after));

  Graph twice = result.before;
  auto& classifier = std::get<graph::FullyConnected>(twice.nodes[node_of(twice, "classifier")].operation);
  std::vector<float> weights(classifier.weights.values().begin(), classifier.weights.values().end());
  for (float& w : weights) w *= 2.0F;
  classifier.weights = graph::Constant(weights);
  std::vector<float> expected = weights_of(result.after);
  for (float& w : expected) w *= 2.0F;
  EXPECT_EQ(weights_of(with_weights(result, twice)), expected);
  weights[3] = std::numeric_limits<float>::infinity();
  classifier.weights = graph::Constant(weights);
  EXPECT_TRUE(tests::contains(tests::error_of([&] { (void)with_weights(result, twice); }),
                              "'classifier': its weights are not finite"));
}

TEST(Quantise, losses_are_those_of_the_layers) {
  const Graph graph = small_network();
  const Quantised result = quantised(graph, {.keep = {"classifier"}});
  const std::vector<Loss> all = losses(result, samples_of(graph, 4, 77), 2);
  EXPECT_EQ(all.front().node, 0);
  EXPECT_GT(all.front().decibels, 40.0);
  for (const Loss& loss : all) {
    EXPECT_GT(loss.decibels, 10.0);
    const std::string& name = result.before.nodes[loss.node].name;
    EXPECT_EQ(loss.integers, name != "classifier" && name != "mean") << name;
  }
}

TEST(Quantise, what_is_wrong_with_the_samples_is_said) {
  const Graph graph = small_network();
  Samples samples = samples_of(graph, 3);
  const auto refused = [&](const std::string& why) {
    EXPECT_TRUE(tests::contains(tests::error_of([&] { (void)quantise(graph, samples); }), why));
  };
  samples.inputs[0][32 * 32 + 5] = std::numeric_limits<float>::quiet_NaN();
  refused("picture 1 holds a number that is not finite");
  samples.names = {"a.png", "b.png", "c.png"};
  refused("b.png holds a number that is not finite");
  samples.inputs[0].assign(3 * 32 * 32, 0.5F);
  refused("all pictures are one constant");
  samples.inputs[0].resize(3 * 16 * 16);
  refused("another size than the input");
  samples.inputs.clear();
  refused("0 tensors");
  samples.count = 0;
  refused("there are no pictures");
}

TEST(Quantise, what_is_wrong_with_the_network_is_said) {
  Graph graph = small_network();
  const Samples samples = samples_of(graph, 3);
  EXPECT_TRUE(tests::contains(tests::error_of([&] { (void)quantise(graph, samples, {.keep = {"clasifier"}}); }),
                              "'classifier'"));
  const Quantised once = quantise(graph, samples);
  EXPECT_TRUE(tests::contains(tests::error_of([&] { (void)quantise(once.after, samples); }), "quantised already"));
  graph = Graph();
  const NodeId image = graph.add("image", graph::Input{{2, 2, 1}});
  graph.outputs = {{graph.add(
      "huge",
      graph::Convolution{1, 1, {}, graph::Constant(std::vector{3e38F}), graph::Constant(std::vector{3e38F}), {}},
      {image})}};
  Samples twos{{std::vector<float>(4, 2.0F)}, 1, {}};
  twos.inputs[0][0] = 3.0F;
  EXPECT_TRUE(tests::contains(tests::error_of([&] { (void)quantise(graph, twos); }),
                              "'huge' (convolution): its results are not finite"));
}

}  // namespace
}  // namespace riffle::quantise
