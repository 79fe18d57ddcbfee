// What a network promises beside its gradients: names, freezing, errors, the graph that comes out.
#include "trainer/network/network.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "engine/passes/passes.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "models/models.hpp"
#include "models/random.hpp"
#include "trainer/team.hpp"

namespace riffle::trainer {
namespace {

constexpr std::int32_t batch = 4;

graph::Graph small(std::int32_t classes = 3) {
  return models::shufflenet_v2({.width_multiplier = 0.26,
                                .flavour = models::Flavour::study_note,
                                .residual = true,
                                .in_channels = 1,
                                .classes = classes,
                                .height = 32,
                                .width = 32},
                               models::random_weights(1));
}

std::vector<float> images(std::size_t count) {
  return models::random_values(7, "images", count * 32 * 32, {.centre = 0.5F, .reach = 0.5F});
}

const std::vector<std::int32_t> labels = {0, 2, 1, 2};

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::vector<float> copy(std::span<const float> values) { return {values.begin(), values.end()}; }

TEST(Network, NamesParametersAsPyTorchDoes) {
  const Network network(small(), {.batch = batch});
  const auto find = [&](const std::string& name) -> const Parameter* {
    for (const Parameter& parameter : network.parameters()) {
      if (parameter.name == name) return &parameter;
    }
    return nullptr;
  };
  const Parameter* stem = find("stem.0.0.weight");
  ASSERT_NE(stem, nullptr);
  EXPECT_EQ(stem->kind, ParameterKind::weight);
  EXPECT_EQ(stem->shape, (std::vector<std::int64_t>{24, 1, 3, 3}));
  ASSERT_NE(find("stem.0.1.weight"), nullptr);
  EXPECT_EQ(find("stem.0.1.weight")->kind, ParameterKind::norm_scale);
  ASSERT_NE(find("classifier.bias"), nullptr);
  EXPECT_EQ(find("classifier.bias")->kind, ParameterKind::bias);
  EXPECT_EQ(network.statistics()[0].name, "stem.0.1.running_mean");
  EXPECT_EQ(network.classes(), 3);
  EXPECT_EQ(network.input(), (graph::Shape{32, 32, 1}));
}

TEST(Network, AStepChangesNothingButGradientsAndStatistics) {
  const graph::Graph given = small();
  Network network(given, {.batch = batch});
  const std::vector<float> before = copy(network.parameters()[0].values);
  network.forward(images(batch), labels);
  network.backward();
  EXPECT_EQ(copy(network.parameters()[0].values), before);
  double sum = 0;
  for (const Parameter& parameter : network.parameters()) {
    for (const float g : parameter.gradient) sum += std::abs(static_cast<double>(g));
  }
  EXPECT_GT(sum, 0);
  EXPECT_TRUE(std::isfinite(sum));
  EXPECT_NE(network.statistics()[0].values[0], std::get<graph::BatchNorm>(given.nodes[2].operation).mean.values()[0]);
}

TEST(Network, GivesTheSameBitsAgain) {
  for (const int threads : {1, 2}) {
    std::vector<std::vector<float>> gradients;
    for (int run = 0; run < 2; ++run) {
      Network network(small(), {.batch = batch, .threads = threads});
      network.forward(images(batch), labels);
      network.backward();
      std::vector<float> all;
      for (const Parameter& p : network.parameters()) all.insert(all.end(), p.gradient.begin(), p.gradient.end());
      gradients.push_back(std::move(all));
    }
    EXPECT_EQ(gradients[0], gradients[1]);
  }
}

/// Everything that a forward and a backward pass write.
std::vector<float> step_of(const graph::Graph& graph, int threads, bool in_a_team) {
  Network network(graph, {.batch = batch, .threads = threads});
  const std::vector<float> pictures =
      models::random_values(7, "images", static_cast<std::size_t>(batch * graph.input_shape().size()), {});
  // Within a team OpenMP gives a region a team of one, since teams in teams are off unless asked for.
  on_team(in_a_team ? 2 : 1, [&](int worker, int) {
    if (worker != 0) return;
    network.forward(pictures, labels);
    network.backward();
  });
  std::vector<float> all = copy(network.logits());
  for (const Parameter& p : network.parameters()) all.insert(all.end(), p.gradient.begin(), p.gradient.end());
  for (const Statistic& s : network.statistics()) all.insert(all.end(), s.values.begin(), s.values.end());
  return all;
}

/// Convolutions larger than a pixel, the first of them without a norm, all with biases.
graph::Graph plain_convolutions() {
  graph::Graph graph;
  graph::NodeId last = graph.add("input", graph::Input{{9, 7, 2}});
  const auto add = [&](const std::string& name, std::int32_t inputs, std::int32_t outputs) {
    graph::Convolution node;
    node.outputs = outputs;
    node.window = {.kernel_h = 3, .kernel_w = 3, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
    node.groups = inputs == outputs ? inputs : 1;  // depthwise
    const auto weights = static_cast<std::size_t>(outputs * inputs / node.groups * 9);
    node.weights = graph::Constant(models::random_values(3, name + ".w", weights, {}));
    node.bias = graph::Constant(models::random_values(3, name + ".b", static_cast<std::size_t>(outputs), {}));
    last = graph.add(name, std::move(node), {last});
  };
  add("first", 2, 6);
  add("second", 6, 8);
  add("third", 8, 8);
  last = graph.add("mean", graph::GlobalAveragePool{}, {last});
  graph.outputs = {{graph.add(
      "classifier", graph::FullyConnected{3, graph::Constant(models::random_values(3, "c", 24, {})), {}}, {last})}};
  return graph;
}

TEST(Network, FewerThreadsThanAskedForGiveTheSameBits) {
  for (const graph::Graph& graph : {small(), plain_convolutions()}) {
    for (const int threads : {2, 3}) {
      const std::vector<float> expected = step_of(graph, threads, false);
      EXPECT_EQ(step_of(graph, threads, true), expected) << graph.nodes[1].name << ", " << threads << " threads";
    }
  }
}

/// Some workers have no image then, and shares of the channels are of different sizes.
TEST(Network, MoreThreadsThanImages) {
  std::vector<double> losses;
  std::vector<std::vector<float>> means, gradients;
  for (const int threads : {1, 7}) {
    Network network(small(), {.batch = batch, .threads = threads});
    losses.push_back(network.forward(images(batch), labels).loss);
    network.backward();
    means.push_back(copy(network.statistics()[0].values));
    gradients.push_back(copy(network.parameters().back().gradient));
  }
  EXPECT_NEAR(losses[0], losses[1], 1e-4 * losses[0]);
  for (std::size_t i = 0; i < means[0].size(); ++i) EXPECT_NEAR(means[0][i], means[1][i], 1e-6);
  for (std::size_t i = 0; i < gradients[0].size(); ++i) EXPECT_NEAR(gradients[0][i], gradients[1][i], 1e-4);
}

TEST(Network, FrozenNodesStayAsTheyAre) {
  Network network(small(), {.batch = batch, .freeze = "units.12."});
  const std::vector<float> mean = copy(network.statistics()[0].values);
  network.forward(images(batch), labels);
  network.backward();
  EXPECT_EQ(copy(network.statistics()[0].values), mean);
  std::size_t frozen = 0;
  for (const Parameter& parameter : network.parameters()) {
    EXPECT_EQ(parameter.gradient.empty(), parameter.frozen) << parameter.name;
    frozen += parameter.frozen ? 1 : 0;
  }
  EXPECT_TRUE(network.parameters()[0].frozen);
  EXPECT_FALSE(network.parameters().back().frozen);
  EXPECT_GT(frozen, 50U);
  const Network whole(small(), {.batch = batch});
  EXPECT_LT(network.bytes(), whole.bytes());
}

TEST(Network, TheGraphThatComesOutHasTheWeightsOfNow) {
  const graph::Graph given = small();
  Network network(given, {.batch = batch});
  const Parameter& last = network.parameters().back();
  last.values[0] = 0.625F;
  const graph::Graph result = network.graph();
  EXPECT_EQ(graph::to_text(result), graph::to_text(given));
  EXPECT_EQ(std::get<graph::FullyConnected>(result.nodes.back().operation).bias.values()[0], 0.625F);
  // A copy: what moves later is not seen.
  last.values[0] = 1.0F;
  EXPECT_EQ(std::get<graph::FullyConnected>(result.nodes.back().operation).bias.values()[0], 0.625F);
}

TEST(Network, TakesFoldedAndFusedGraphsAndSoftmax) {
  graph::Graph graph = small();
  graph.outputs = {{graph.add("softmax", graph::Softmax{}, {graph.outputs[0].node})}};
  passes::optimise(graph);
  Network network(graph, {.batch = batch});
  EXPECT_TRUE(network.statistics().empty());
  const Outcome outcome = network.forward(images(batch), labels);
  EXPECT_TRUE(std::isfinite(outcome.loss));
  network.backward();
  EXPECT_TRUE(std::holds_alternative<graph::Softmax>(network.graph().nodes.back().operation));
}

TEST(Network, MaxPoolingIsPartOfTheFirstLayer) {
  const Network network(small(), {.batch = batch});
  const std::vector<LayerTime> layers = network.times();
  EXPECT_EQ(layers[1].name, "stem.0.0");
  EXPECT_EQ(layers[1].values, 8 * 8 * 24);
  EXPECT_TRUE(layers[2].name.starts_with("units.0.")) << layers[2].name;
}

TEST(Network, NamesTheLayerThatIsNotFinite) {
  Network network(small(), {.batch = batch});
  network.forward(images(batch), labels);
  EXPECT_EQ(network.first_not_finite(), "");
  for (const Parameter& parameter : network.parameters()) {
    if (parameter.name == "units.5.right.0.0.weight") parameter.values[3] = std::numeric_limits<float>::quiet_NaN();
  }
  EXPECT_TRUE(std::isnan(network.forward(images(batch), labels).loss));
  EXPECT_EQ(network.first_not_finite(), "units.5.right.0.0");
}

/// Behind a first layer that is frozen, whose norm takes no statistics of the batch, max pooling alone could lose it.
TEST(Network, ANaNInAnImageIsSeenInTheLoss) {
  for (const kernels::Kernels* kernels : kernels::all_kernels()) {
    if (!kernels->supported() || kernels->type != Type::f32) continue;
    Network network(small(), {.batch = batch, .freeze = "units.0.", .kernels = kernels});
    for (std::size_t at = 0; at < images(batch).size(); at += 97) {
      std::vector<float> spoilt = images(batch);
      spoilt[at] = std::numeric_limits<float>::quiet_NaN();
      ASSERT_TRUE(std::isnan(network.forward(spoilt, labels).loss)) << kernels->isa << ", float " << at;
    }
  }
}

std::vector<float> images_for(const graph::Graph& graph, std::int64_t count) {
  return models::random_values(7, "images", static_cast<std::size_t>(count * graph.input_shape().size()),
                               {.centre = 0.5F, .reach = 0.5F});
}

std::shared_ptr<const quantise::Quantised> in_integers(const graph::Graph& graph) {
  constexpr std::int64_t count = 4;
  return std::make_shared<const quantise::Quantised>(
      quantise::quantise(graph, {{images_for(graph, count)}, count, {}}, {.method = quantise::Method::minmax}));
}

/// What the engine makes of a batch.
std::vector<float> logits_of(const graph::Graph& graph) {
  run::Session session(plan::make(graph), 1);
  std::vector<float> logits(static_cast<std::size_t>(batch * session.plan().outputs[0].shape.size()));
  session.run(images_for(graph, batch).data(), logits.data(), batch);
  return logits;
}

double distance(std::span<const float> a, std::span<const float> b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(static_cast<double>(a[i] - b[i])));
  return largest;
}

/// Of the network as it begins, and with weights that have moved.
void expect_the_integers_of_the_graph(const graph::Graph& graph, std::span<const kernels::Kernels* const> sets) {
  const auto quantised = in_integers(graph);
  // Were one integer another, the logits would be off by some hundredths of what rounding as such costs. A mean may lie
  // half-way between two, and goes either way then, which is of one image.
  const double cost = distance(logits_of(quantised->before), logits_of(quantised->after));
  ASSERT_GT(cost, 0);
  for (const kernels::Kernels* kernels : sets) {
    if (!kernels->supported() || kernels->type != Type::f32) continue;
    Network network(quantised, {.batch = batch, .kernels = kernels});
    for (const float by : {1.0F, 1.25F}) {
      for (float& weight : network.parameters()[0].values.subspan(3, 5)) weight *= by;
      network.forward(images_for(graph, batch), labels);
      const std::vector<float> expected = logits_of(network.graph());
      const std::size_t classes = expected.size() / batch;
      int same = 0;
      for (std::size_t first = 0; first < expected.size(); first += classes) {
        const auto of_image = [&](std::span<const float> logits) { return logits.subspan(first, classes); };
        same += distance(of_image(network.logits()), of_image(expected)) < 1e-3 * cost ? 1 : 0;
      }
      EXPECT_GE(same, batch - 1) << graph.name << ", " << kernels->isa;
    }
  }
}

/// Bounds on either side, pooling of both kinds, and a fully connected layer in floats that integers are made of again.
graph::Graph bounded() {
  graph::Graph graph = plain_convolutions();
  graph.name = "bounded";
  graph::NodeId last = 3;
  std::get<graph::Convolution>(graph.nodes[1].operation).activation = graph::Activation::relu6;
  std::get<graph::Convolution>(graph.nodes[2].operation).activation = graph::Activation{{-1.0F, 1.5F}};
  graph.nodes.resize(4);
  for (const graph::PoolKind kind : {graph::PoolKind::max, graph::PoolKind::average}) {
    last = graph.add("pool", graph::Pool{kind, {.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2}}, {last});
  }
  const graph::Shape shape = graph::infer_shapes(graph)[last];
  const auto dense = [&](const char* name, std::int32_t outputs, std::int32_t inputs) {
    graph::FullyConnected node;
    node.outputs = outputs;
    node.weights = graph::Constant(models::random_values(3, name, static_cast<std::size_t>(outputs * inputs), {}));
    return node;
  };
  graph::FullyConnected hidden = dense("hidden", 5, static_cast<std::int32_t>(shape.size()));
  hidden.height = shape.h, hidden.width = shape.w;
  last = graph.add("hidden", std::move(hidden), {last});
  graph.outputs = {{graph.add("classifier", dense("classifier", 3, 5), {last})}};
  return graph;
}

TEST(Network, InIntegersItComputesWhatTheGraphThatComesOutDoes) {
  expect_the_integers_of_the_graph(small(), kernels::all_kernels());
  expect_the_integers_of_the_graph(bounded(), kernels::all_kernels());
  const kernels::Kernels* const one = kernels::find_kernels("scalar");
  expect_the_integers_of_the_graph(
      models::shufflenet_v1(
          {.groups = 3, .width_multiplier = 0.25, .in_channels = 1, .classes = 3, .height = 32, .width = 32},
          models::random_weights(1)),
      std::span(&one, 1));
}

TEST(Network, InIntegersItGivesTheSameBitsOnFewerThreads) {
  const graph::Graph graph = bounded();
  const auto step = [&graph, quantised = in_integers(graph)](bool in_a_team) {
    Network network(quantised, {.batch = batch, .threads = 2});
    on_team(in_a_team ? 2 : 1, [&](int worker, int) {
      if (worker != 0) return;
      network.forward(images_for(graph, batch), labels);
      network.backward();
    });
    std::vector<float> all = copy(network.logits());
    for (const Parameter& p : network.parameters()) all.insert(all.end(), p.gradient.begin(), p.gradient.end());
    return all;
  };
  EXPECT_EQ(step(true), step(false));
}

TEST(Network, RefusesWhatItCannotDo) {
  Network network(small(), {.batch = batch});
  EXPECT_NE(error_of([&] {
              network.forward(images(batch), std::vector<std::int32_t>{0, 1, 2, 3});
            }).find("label 3 of image 3"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              network.forward(images(batch), std::vector<std::int32_t>{0, -1, 2, 1});
            }).find("label -1"),
            std::string::npos);
  EXPECT_NE(error_of([&] { network.forward(images(3), labels); }).find("3072 values"), std::string::npos);
  EXPECT_NE(error_of([&] { network.forward(images(5), std::vector<std::int32_t>(5)); }).find("1 to 4 fit"),
            std::string::npos);
  EXPECT_NE(error_of([&] { network.forward({}, {}); }).find("batch of 0"), std::string::npos);
  EXPECT_NE(error_of([&] { network.backward(); }).find("without a forward()"), std::string::npos);
  EXPECT_NE(error_of([] { Network(small(), {.batch = batch, .freeze = "nothing"}); }).find("'nothing'"),
            std::string::npos);
  EXPECT_NE(error_of([] { Network(small(), {.batch = 0}); }).find("batch of 0"), std::string::npos);
  graph::Graph leaky = bounded();
  std::get<graph::Convolution>(leaky.nodes[1].operation).activation = {{}, kernels::Function::leaky, 0.25F};
  EXPECT_NE(error_of([&] { Network(leaky, {.batch = batch}); }).find("leaky ReLU 0.25 cannot be trained"),
            std::string::npos);
  EXPECT_NE(error_of([] { Network(small(), {.batch = 1 << 30}); }).find("a smaller batch"), std::string::npos);
  graph::Graph pixels = small();
  pixels.outputs = {{5}};
  EXPECT_NE(error_of([&] { Network(pixels, {.batch = batch}); }).find("no classifier"), std::string::npos);
}

/// Of the last stage's single pixel; what is frozen, or of larger pictures, has a variance.
TEST(Network, RefusesAVarianceOfOneNumber) {
  Network network(small(), {.batch = batch});
  EXPECT_EQ(network.least_batch(), 2);
  const std::vector<std::int32_t> label = {1};
  const std::string refusal = error_of([&] { network.forward(images(1), label); });
  EXPECT_NE(refusal.find("single number a channel, which has no variance; 2 to 4 fit"), std::string::npos) << refusal;
  network.forward(images(2), std::vector<std::int32_t>{1, 2});
  graph::Graph large = small();
  large.set_input_size(64, 64);
  EXPECT_EQ(Network(large, {.batch = batch}).least_batch(), 1);
  Network frozen(small(), {.batch = batch, .freeze = "classifier"});
  EXPECT_EQ(frozen.least_batch(), 1);
  frozen.forward(images(1), label);
}

/// What has no backward pass is named: products, and sums of tensors of two shapes.
TEST(Network, RefusesOperationsThatItCannotTrain) {
  const auto message = [](graph::BinaryKind kind, bool is_broadcast) {
    graph::Graph graph = small();
    const graph::NodeId last = graph.outputs[0].node;
    const graph::NodeId one = graph.add("one", graph::Slice{0, 1}, {last});
    graph.outputs = {{graph.add("gated", graph::Binary{.kind = kind}, {last, is_broadcast ? one : last})}};
    return error_of([&] { Network(graph, {.batch = batch}); });
  };
  EXPECT_NE(message(graph::BinaryKind::multiply, false).find("gated: multiply cannot be trained"), std::string::npos);
  EXPECT_NE(message(graph::BinaryKind::add, true).find("gated: add of tensors of two shapes cannot be trained"),
            std::string::npos);
}

}  // namespace
}  // namespace riffle::trainer
