// Networks that read pixels, beside those that read what normalisation makes of them.
#include "quantise/pixels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "engine/graph/quantization.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "models/random.hpp"
#include "quantise/quantise.hpp"
#include "tests/expect_error.hpp"
#include "verify/interpret.hpp"

namespace riffle::quantise {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::Preprocessing;

constexpr std::int32_t usual_size = 7;

const Preprocessing of_imagenet = {.mean = {0.485F, 0.456F, 0.406F}, .deviation = {0.229F, 0.224F, 0.225F}};

graph::Constant random_numbers(const std::string& name, std::size_t count) {
  return graph::Constant(models::random_values(3, name, count, {0.0F, 0.5F}));
}

/// A convolution of 3 x 3 over pictures of 3 channels, and a classifier.
Graph picture_network(std::int32_t padding, std::int32_t groups = 1, std::int32_t picture_size = usual_size) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{{picture_size, picture_size, 3}});
  graph::Convolution first;
  first.outputs = 6;
  first.groups = groups;
  first.activation = graph::Activation::relu;
  first.window = {.kernel_h = 3,
                  .kernel_w = 3,
                  .pad_top = padding,
                  .pad_left = padding,
                  .pad_bottom = padding,
                  .pad_right = padding};
  first.weights = random_numbers("weights", static_cast<std::size_t>(6 * 3 / groups * 9));
  first.bias = random_numbers("bias", 6);
  const NodeId read = graph.add("first", first, {image});
  const NodeId mean = graph.add("mean", graph::GlobalAveragePool{}, {read});
  graph.outputs = {{graph.add("classes", graph::FullyConnected{4, random_numbers("classes", 24), {}}, {mean})}};
  graph.preprocessing = of_imagenet;
  return graph;
}

/// Of pictures of the usual size, planes.
std::vector<std::uint8_t> random_pixels(std::size_t pictures) {
  std::mt19937 random(7);
  std::vector<std::uint8_t> pixels(pictures * 3 * usual_size * usual_size);
  for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(random() >> 24);
  return pixels;
}

std::vector<float> normalised(const std::vector<std::uint8_t>& pixels, const Preprocessing& by,
                              std::int32_t picture_size = usual_size) {
  std::vector<float> numbers;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const auto channel = static_cast<std::int32_t>(i) / (picture_size * picture_size) % 3;
    numbers.push_back((static_cast<float>(pixels[i]) / 255 - by.mean_of(channel)) / by.deviation_of(channel));
  }
  return numbers;
}

std::vector<float> counted_from(std::int32_t zero_point, const std::vector<std::uint8_t>& pixels) {
  std::vector<float> numbers;
  for (const std::uint8_t pixel : pixels) numbers.push_back(static_cast<float>(pixel - zero_point));
  return numbers;
}

std::vector<double> results(const Graph& graph, const std::vector<float>& numbers, std::int64_t count) {
  return verify::interpret(graph, numbers, count)[graph.outputs[0].node].values;
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5) << i;
}

TEST(Pixels, normalisation_goes_into_the_first_layer) {
  const std::vector<std::uint8_t> pixels = random_pixels(2);
  for (const std::int32_t groups : {1, 3}) {
    const Graph graph = picture_network(0, groups), result = on_pixels(graph);
    EXPECT_EQ(result.input().type, Type::u8);
    EXPECT_EQ(result.input().quantization, (Quantization{1.0F, 114}));  // 255 * (0.485 + 0.456 + 0.406) / 3
    EXPECT_EQ(result.preprocessing, (Preprocessing{.mean = {0.0F}, .deviation = {1.0F / 255}}));
    expect_near(results(result, counted_from(114, pixels), 2), results(graph, normalised(pixels, of_imagenet), 2));
  }
}

TEST(Pixels, padding_is_the_pixel_that_counts_as_zero) {
  const std::vector<std::uint8_t> pixels = random_pixels(1);
  std::vector<std::uint8_t> framed(3 * (usual_size + 2) * (usual_size + 2), 114);
  for (std::int32_t c = 0; c < 3; ++c) {
    for (std::int32_t y = 0; y < usual_size; ++y) {
      std::copy_n(&pixels[static_cast<std::size_t>((c * usual_size + y) * usual_size)], usual_size,
                  &framed[static_cast<std::size_t>((c * (usual_size + 2) + y + 1) * (usual_size + 2) + 1)]);
    }
  }
  expect_near(results(on_pixels(picture_network(1)), counted_from(114, pixels), 1),
              results(picture_network(0, 1, usual_size + 2), normalised(framed, of_imagenet, usual_size + 2), 1));
}

TEST(Pixels, padding_is_the_same_where_the_mean_is_a_pixel) {
  Graph graph = picture_network(1);
  graph.preprocessing->mean = {0.2F};  // 51
  const std::vector<std::uint8_t> pixels = random_pixels(1);
  expect_near(results(on_pixels(graph), counted_from(51, pixels), 1),
              results(graph, normalised(pixels, *graph.preprocessing), 1));
}

/// What stands outside the image is one pixel for all channels, 0 to 255, though no mean has to be one.
TEST(Pixels, means_beyond_all_pixels_count_from_the_nearest) {
  Graph graph = picture_network(0);
  const std::vector<std::uint8_t> pixels = random_pixels(1);
  for (const float mean : {-0.5F, 1.5F}) {
    graph.preprocessing->mean = {mean};
    const std::int32_t zero_point = mean < 0 ? 0 : 255;
    EXPECT_EQ(on_pixels(graph).input().quantization.zero_point, zero_point);
    expect_near(results(on_pixels(graph), counted_from(zero_point, pixels), 1),
                results(graph, normalised(pixels, *graph.preprocessing), 1));
  }
}

TEST(Pixels, are_what_the_quantised_network_reads) {
  const Graph graph = on_pixels(picture_network(1));
  const Samples samples{{counted_from(114, random_pixels(40))}, 40, {}};
  for (const Method method : {Method::best, Method::minmax, Method::percentile, Method::mse}) {
    const Quantised quantised = quantise(graph, samples, {.method = method});
    EXPECT_EQ(quantised.after.input().type, Type::u8);
    EXPECT_EQ(quantised.after.nodes[0].quantization, (Quantization{1.0F, 114}));
    EXPECT_EQ(quantised.after.preprocessing, graph.preprocessing);
    EXPECT_EQ(quantised.scales[0], (std::vector<double>{1, 1, 1}));
    const std::vector<double> exact = results(quantised.before, samples.inputs[0], 40),
                              rounded = results(quantised.after, samples.inputs[0], 40);
    double signal = 0, noise = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      signal += exact[i] * exact[i];
      noise += (exact[i] - rounded[i]) * (exact[i] - rounded[i]);
    }
    EXPECT_GT(10 * std::log10(signal / noise), 30.0) << static_cast<int>(method);
  }
}

/// Where kernels take bytes of u8, as on every CPU but those that multiply signed ones.
TEST(Pixels, need_no_step_that_converts_them) {
  const kernels::Kernels* const scalar = kernels::find_kernels("scalar");
  ASSERT_EQ(kernels::type_of_bytes(*scalar), Type::u8);
  const auto plan_of = [&](const Graph& graph, std::vector<float> numbers) {
    return plan::make(quantise(graph, {{std::move(numbers)}, 20, {}}).after, {.kernels = scalar});
  };
  const auto conversions = [](const plan::Plan& plan) {
    return std::ranges::count_if(
        plan.steps, [](plan::StepKind kind) { return kind != plan::StepKind::compute; }, &plan::Step::kind);
  };
  const std::vector<std::uint8_t> pixels = random_pixels(20);
  const Graph graph = picture_network(1);
  EXPECT_EQ(conversions(*plan_of(graph, normalised(pixels, of_imagenet))), 1);
  const auto plan = plan_of(on_pixels(graph), counted_from(114, pixels));
  EXPECT_EQ(conversions(*plan), 0);

  run::Session session(plan);
  std::vector<float> answers(4);
  const void* const from = pixels.data();
  void* const to = answers.data();
  session.run(&from, &to);
  const std::vector<double> expected =
      results(quantise(on_pixels(graph), {{counted_from(114, pixels)}, 20, {}}).after, counted_from(114, pixels), 20);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(static_cast<double>(answers[i]), expected[i], 1e-4);
}

TEST(Pixels, that_others_than_layers_read_become_real_numbers) {
  Graph graph;
  const NodeId image =
      graph.add("image", graph::Input{.shape = {6, 6, 3}, .type = Type::u8, .quantization = {0.5F, 3}});
  const NodeId cut = graph.add("cut", graph::Pool{.window = {.kernel_h = 2, .kernel_w = 2}}, {image});
  graph.outputs = {{graph.add("last", graph::Convolution{2, 1, {}, random_numbers("last", 6), {}}, {cut})}};
  const Graph after = quantise(graph, {{models::random_values(1, "image", 20 * 108, {60, 60})}, 20, {}}).after;
  EXPECT_EQ(after.input().type, Type::u8);
  EXPECT_FALSE(after.nodes[0].quantization.has_value());
  EXPECT_TRUE(graph::is_quantised(after));
}

TEST(Pixels, have_the_range_of_a_byte) {
  Graph graph = picture_network(0);
  std::get<graph::Convolution>(graph.nodes[1].operation).activation = graph::Activation::relu6;
  graph.outputs[0].node = graph.add("last", graph::Convolution{2, 1, {}, random_numbers("last", 2 * 6), {}}, {1});
  const Graph after = quantise_within_bounds(on_pixels(graph), std::vector<kernels::Clamp>(1)).after;
  EXPECT_EQ(after.nodes[0].quantization, (Quantization{1.0F, 114}));
  EXPECT_TRUE(after.nodes[1].quantization.has_value());
}

TEST(Pixels, what_is_in_the_way_is_said) {
  const Graph good = picture_network(0);
  const auto refused = [&](const std::string& why, const std::function<void(Graph&)>& change) {
    Graph graph = good;
    change(graph);
    EXPECT_TRUE(tests::contains(tests::error_of([&] { (void)on_pixels(graph); }), why));
  };
  refused("does not say how its pictures are normalised", [](Graph& g) { g.preprocessing.reset(); });
  refused("its preprocessing: mean: ", [](Graph& g) { g.preprocessing->mean = {0.0F, 0.5F}; });
  refused("input is not f32", [](Graph& g) { std::get<graph::Input>(g.nodes[0].operation).type = Type::f16; });
  refused("the input 'image' is an output", [](Graph& g) { g.outputs.push_back({0, "pixels"}); });
  refused("the input 'image' is read by 'cut' (pooling)", [](Graph& g) {
    g.outputs.push_back({g.add("cut", graph::Pool{.window = {.kernel_h = 2, .kernel_w = 2}}, {0}), "cut"});
  });
  refused("the input 'image' is read by 'same' (convolution)", [](Graph& g) {
    const graph::Convolution same{3, 1, {}, random_numbers("same", 9), {}};
    g.outputs.push_back({g.add("same", same, {0, 0}), "same"});
  });
  refused("the network has 2 inputs", [](Graph& g) {
    Graph two;
    two.add("image", graph::Input{{usual_size, usual_size, 3}});
    two.add("mask", graph::Input{{usual_size, usual_size, 3}});
    two.outputs = {{two.add("both", graph::Concat{}, {0, 1})}};
    g = two;
  });
  refused("is read by nothing", [](Graph& g) {
    Graph none;
    none.add("image", graph::Input{{usual_size, usual_size, 3}});
    none.outputs = {{0, "image"}};
    none.preprocessing = of_imagenet;
    g = none;
  });
  refused("quantised already", [](Graph& g) {
    g = quantise(on_pixels(g), {{counted_from(114, random_pixels(5))}, 5, {}}).after;
  });
}

}  // namespace
}  // namespace riffle::quantise
