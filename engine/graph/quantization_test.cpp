#include "engine/graph/quantization.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/expect_error.hpp"

namespace riffle {
namespace {

using graph::Activation;
using graph::Constant;
using graph::NodeId;

constexpr float infinite = std::numeric_limits<float>::infinity(), no_number = std::numeric_limits<float>::quiet_NaN();

/// Weights of i8 with a factor a row.
Constant integers(std::int32_t outputs, std::int32_t terms, double factor = 0.01) {
  auto values = std::make_shared<std::vector<std::int8_t>>(static_cast<std::size_t>(outputs) * terms, std::int8_t{1});
  const std::span<const std::byte> bytes = std::as_bytes(std::span(*values));
  const std::vector<double> factors(static_cast<std::size_t>(outputs), factor);
  return Constant(Type::i8, bytes, std::move(values)).scaled(factors);
}

/// A graph that grows at its end; its result is the last node's.
struct Growing {
  graph::Graph graph;

  /// With an input of bytes, 4 channels with a zero point of 3.
  explicit Growing(graph::Shape shape = {8, 8, 4}, std::optional<Quantization> quantization = Quantization{0.5F, 3}) {
    add("input", graph::Input{shape}, {}, quantization);
  }
  NodeId add(const std::string& name, graph::Operation operation, std::vector<NodeId> inputs,
             std::optional<Quantization> quantization = {}) {
    const NodeId id = graph.add(name, std::move(operation), std::move(inputs));
    graph.nodes[id].quantization = quantization;
    graph.outputs = {{id}};
    return id;
  }
  /// The input's channels twice, with zero points of 3 and 5.
  NodeId add_two_zero_points() {
    const NodeId other = add("other", layer(), {0}, Quantization{1.0F, 5});
    return add("both", graph::Concat{}, {0, other});
  }

  /// A convolution of 4 channels to 4.
  static graph::Convolution layer(std::int32_t kernel = 1, std::int32_t inputs = 4) {
    graph::Convolution o;
    o.outputs = 4;
    o.window.kernel_h = o.window.kernel_w = kernel;
    o.window.pad_top = o.window.pad_left = o.window.pad_bottom = o.window.pad_right = kernel / 2;
    o.weights = integers(4, inputs * kernel * kernel);
    return o;
  }
};

void expect_error(const Growing& growing, const std::string& message) {
  EXPECT_EQ(tests::error_of([&] { (void)graph::infer_shapes(growing.graph); }), message);
}

TEST(Quantization, IsAcceptedOfEveryOperationThatTakesIntegers) {
  Growing g;
  graph::Convolution with_bounds = Growing::layer(3);
  with_bounds.activation = Activation::relu6;
  const NodeId first = g.add("first", with_bounds, {0}, Quantization{1.0F, 7});
  const NodeId second = g.add("second", Growing::layer(), {first, 0}, Quantization{1.0F, 0});
  const NodeId max = g.add("max", graph::Pool{}, {first}, Quantization{1.0F, 7});
  const NodeId sum = g.add("sum", graph::Binary{}, {second, max}, Quantization{1.5F, 200});
  g.add("real", graph::Activate{Activation::none}, {sum});
  g.add("sigmoid", graph::Activate{Activation::sigmoid}, {g.graph.nodes.end_id() - 1});
  const NodeId again = g.add("again", graph::Activate{Activation::none}, {g.graph.nodes.end_id() - 1}, Quantization{});
  const NodeId both = g.add("both", graph::Concat{}, {again, sum});
  g.add("of both", Growing::layer(1, 8), {both}, Quantization{});
  const NodeId mean = g.add("mean", graph::GlobalAveragePool{}, {g.graph.nodes.end_id() - 1}, Quantization{0.1F, 1});
  g.add("classes", graph::FullyConnected{3, integers(3, 4), {}}, {mean});
  EXPECT_NO_THROW((void)graph::infer_shapes(g.graph));
  EXPECT_TRUE(graph::is_quantised(g.graph));
  EXPECT_FALSE(graph::is_quantised(Growing({8, 8, 4}, std::nullopt).graph));
}

TEST(Quantization, RefusesNumbersThatAreNone) {
  for (const float scale : {0.0F, -1.0F, 1e-40F, infinite, no_number}) {
    expect_error(Growing({8, 8, 4}, Quantization{scale, 0}), "node 0 'input' (input): its scale is no positive number");
  }
  for (const std::int32_t zero : {-1, 256}) {
    expect_error(Growing({8, 8, 4}, Quantization{1.0F, zero}),
                 "node 0 'input' (input): its zero point is not in 0 to 255");
  }
}

TEST(Quantization, RefusesAnInputOfOtherNumbersThanItsOwn) {
  const std::string message =
      "node 0 'input' (input): it is quantised, and the caller's numbers are neither f32 nor the same u8";
  const auto input_of = [](Type type, Quantization quantization) {
    Growing g;
    auto& input = std::get<graph::Input>(g.graph.nodes[0].operation);
    input.type = type;
    input.quantization = quantization;
    return g;
  };
  expect_error(input_of(Type::i8, {0.5F, 3}), message);
  expect_error(input_of(Type::f16, {}), message);
  expect_error(input_of(Type::u8, {0.5F, 4}), message);
  expect_error(input_of(Type::u8, {0.6F, 3}), message);
  EXPECT_NO_THROW((void)graph::infer_shapes(input_of(Type::u8, {0.5F, 3}).graph));
}

TEST(Quantization, RefusesWhatHasNoneOfItsOwn) {
  Growing g;
  g.add("half", graph::Slice{0, 2}, {0}, Quantization{});
  expect_error(g, "node 1 'half' (slice): what only moves numbers is quantised by what computes them");
  for (const Activation kind : {Activation::relu, Activation::sigmoid}) {
    g = Growing({8, 8, 4}, std::nullopt);
    g.add("act", graph::Activate{kind}, {0}, Quantization{});
    expect_error(g,
                 "node 1 'act' (activation): one that reads or makes integers has neither bounds nor a function, but "
                 "for a table of integers");
  }
  g = Growing({8, 8, 4}, std::nullopt);
  g.add("conv", Growing::layer(), {0}, Quantization{});
  expect_error(g, "node 1 'conv' (convolution): it is quantised, and what it reads is not");
}

TEST(Quantization, RefusesAMixtureOfIntegersAndOthers) {
  Growing g;
  NodeId real = g.add("real", graph::Activate{Activation::none}, {0});
  g.add("sum", graph::Binary{}, {0, real}, Quantization{});
  expect_error(g, "node 2 'sum' (add): one operand is quantised, another one is not");
  g = Growing();
  real = g.add("real", graph::Activate{Activation::none}, {0});
  g.add("both", graph::Concat{}, {0, real});
  expect_error(g, "node 2 'both' (concat): one operand is quantised, another one is not");
}

TEST(Quantization, RefusesOperationsThatDoNotTakeIntegers) {
  Growing g;
  g.add("soft", graph::Softmax{}, {0});
  expect_error(g,
               "node 1 'soft' (softmax): it does not take integers; an activation in between makes them real numbers");
  g = Growing();
  graph::Convolution o = Growing::layer();
  o.activation = Activation::sigmoid;
  g.add("conv", o, {0}, Quantization{});
  expect_error(g,
               "node 1 'conv' (convolution): a function of integers that is no table; an activation in between "
               "makes them real numbers");
  g = Growing();
  g.add("mean", graph::GlobalAveragePool{}, {0});
  expect_error(g, "node 1 'mean' (global average pooling): it reads integers and is not quantised");
}

TEST(Quantization, RefusesDifferentZeroPointsWhereOneIsSubtracted) {
  const std::string message = "the channels of an operand have different zero points";
  const auto expect_of_two = [&](graph::Operation operation, std::optional<Quantization> quantization) {
    Growing g;
    const NodeId both = g.add_two_zero_points();
    const std::string word(graph::operation_name(operation));
    g.add("last", std::move(operation), {both}, quantization);
    expect_error(g, "node 3 'last' (" + word + "): " + message);
  };
  expect_of_two(Growing::layer(3, 8), Quantization{});
  expect_of_two(graph::Pool{graph::PoolKind::average, {}}, Quantization{});
  expect_of_two(graph::GlobalAveragePool{}, Quantization{});
  expect_of_two(graph::Activate{Activation::none}, std::nullopt);
  Growing g;
  const NodeId both = g.add_two_zero_points();
  const NodeId half = g.add("half", graph::Slice{2, 4}, {both});
  g.add("last", Growing::layer(), {0, half}, Quantization{});
  expect_error(g, "node 4 'last' (convolution): " + message);
  g.add("last", graph::Binary{}, {0, half}, Quantization{});
  g.graph.nodes.erase(g.graph.nodes.begin() + 4);
  g.graph.outputs = {{4}};
  expect_error(g, "node 4 'last' (add): " + message);
}

TEST(Quantization, RefusesAMaximumOfOtherNumbersThanItsOperands) {
  for (const Quantization& q : {Quantization{1.0F, 4}, Quantization{0.5F, 3}}) {
    Growing g;
    g.add("max", graph::Pool{}, {0}, q);
    expect_error(g,
                 "node 1 'max' (pooling): what chooses among integers has its operand's zero point and a scale of 1");
  }
}

TEST(Quantization, RefusesLayersThatAreNotInIntegers) {
  const auto expect_layer = [](graph::Convolution o, std::optional<Quantization> quantization, const char* message) {
    Growing g;
    g.add("conv", std::move(o), {0}, quantization);
    expect_error(g, std::string("node 1 'conv' (convolution): ") + message);
  };
  graph::Convolution o = Growing::layer();
  const char* const not_integers = "it reads integers, and its weights are not of i8 with a factor for each output";
  o.weights = Constant(std::vector<float>(16));
  expect_layer(o, Quantization{}, not_integers);
  o.weights = o.weights.scaled({1, 1, 1, 1});
  expect_layer(o, Quantization{}, not_integers);
  for (const double factor : {0.0, -1.0, 1e-40, 1e39, static_cast<double>(no_number)}) {
    o.weights = integers(4, 4, factor);
    expect_layer(o, Quantization{}, "a factor of its weights is no positive number");
  }
  o = Growing::layer();
  for (const float bias : {infinite, no_number}) {
    o.bias = Constant(std::vector<float>{0, 0, bias, 0});
    expect_layer(o, Quantization{}, "its bias is not finite");
  }
  expect_layer(Growing::layer(), Quantization{0.5F, 0}, "its scale is not 1");
  Growing real;
  real.add("conv", Growing::layer(), {0});
  EXPECT_NO_THROW((void)graph::infer_shapes(real.graph));
  real.add("conv", Growing::layer(), {0, 0});
  expect_error(real, "node 2 'conv' (convolution): with a residual it is quantised");

  Growing g({1, 1, 4});
  g.add("fc", graph::FullyConnected{3, integers(3, 4), {}}, {0}, Quantization{0.5F, 0});
  expect_error(g, "node 1 'fc' (fully connected): its scale is not 1");
}

/// 255 * 128 * terms, and 255 * pixels, are at most 2^30.
TEST(Quantization, RefusesTablesThatDoNotFit) {
  const auto table = [](float before, float after, std::size_t bytes = 256, Type type = Type::u8) {
    auto numbers = std::make_shared<std::vector<std::byte>>(bytes);
    graph::Activation kind{.function = kernels::Function::table, .a = before, .b = after};
    const std::span<const std::byte> all = *numbers;
    kind.table = Constant(type, all, std::move(numbers));
    return kind;
  };
  const auto made = [](const graph::Activation& kind, std::optional<Quantization> quantization,
                       std::optional<Quantization> operand = Quantization{1.0F, 3}) {
    Growing g({8, 8, 4}, operand);
    g.add("act", graph::Activate{kind}, {0}, quantization);
    return g;
  };
  const std::string node = "node 1 'act' (activation): ";
  EXPECT_NO_THROW((void)graph::infer_shapes(made(table(3, 9), Quantization{1.0F, 9}).graph));
  EXPECT_NO_THROW((void)graph::infer_shapes(made(table(3, 9, 4 * 256), Quantization{1.0F, 9}).graph));
  expect_error(made(table(3, 9, 257), Quantization{1.0F, 9}),
               node + "the table: 257 values where the shapes ask for 1024");
  expect_error(made(table(3, 9, 256, Type::i8), Quantization{1.0F, 9}), node + "its table is not of bytes (u8)");
  expect_error(made(table(0.5F, 9), Quantization{1.0F, 9}), node + "its table's zero point is not in 0 to 255");
  expect_error(made(table(4, 9), Quantization{1.0F, 9}),
               node + "a table has its operand's zero point, and a scale of 1");
  expect_error(made(table(3, 9), Quantization{0.5F, 9}),
               node + "a table has its operand's zero point, and a scale of 1");
  expect_error(made(table(3, 8), Quantization{1.0F, 9}), node + "its table's zero point is not its own");
  expect_error(made(table(3, 9), std::nullopt), node + "a table is of integers, and makes integers");
  expect_error(
      made(table(3, 9), Quantization{1.0F, 9}, std::nullopt),
      node + "one that reads or makes integers has neither bounds nor a function, but for a table of integers");
  graph::Activation other = table(3, 9);
  other.function = kernels::Function::sigmoid;
  expect_error(made(other, Quantization{1.0F, 9}), node + "the function sigmoid has 0 parameters");
  other.a = other.b = 0;
  expect_error(made(other, Quantization{1.0F, 9}), node + "a table is for the function of that name alone");
}

TEST(Quantization, RefusesSumsThatDoNotFit) {
  const auto layer_of = [](std::int32_t channels) {
    Growing g({2, 1, channels});
    g.add("fc", graph::FullyConnected{1, integers(1, 2 * channels), {}, Activation::none, 2, 1}, {0}, Quantization{});
    return g;
  };
  EXPECT_NO_THROW((void)graph::infer_shapes(layer_of(16448).graph));
  expect_error(layer_of(16449), "node 1 'fc' (fully connected): the sums of so many products do not fit 32 bits");
  const auto mean_of = [](std::int32_t width) {
    Growing mean({2048, width, 1});
    mean.add("mean", graph::GlobalAveragePool{}, {0}, Quantization{});
    return mean;
  };
  EXPECT_NO_THROW((void)graph::infer_shapes(mean_of(2056).graph));
  expect_error(mean_of(2057), "node 1 'mean' (global average pooling): the sums of so many pixels do not fit 32 bits");
}

TEST(Quantization, RefusesOutputsThatTheCallerCannotRead) {
  Growing g;
  g.add_two_zero_points();
  g.graph.outputs[0].name = "y";
  expect_error(g, "output 'y': its channels have different zero points");
  const std::string message =
      "output 'input': it is quantised, and the caller's numbers are neither f32 nor u8 with its zero point";
  for (const graph::Output& output : {graph::Output{0, {}, Type::i8, {1.0F, 3}}, graph::Output{0, {}, Type::f16},
                                      graph::Output{0, {}, Type::u8, {1.0F, 4}}}) {
    g = Growing();
    g.graph.outputs = {output};
    expect_error(g, message);
  }
  g.graph.outputs = {{0, {}, Type::u8, {1.0F, 3}}};
  EXPECT_NO_THROW((void)graph::infer_shapes(g.graph));
}

TEST(Quantization, WhatIsReadFollowsTheChannels) {
  Growing g;
  const NodeId both = g.add_two_zero_points();
  const NodeId same = g.add("same", graph::Concat{}, {0, 0});
  const NodeId half = g.add("half", graph::Slice{0, 2}, {same});
  const NodeId real = g.add("real", graph::Activate{}, {half});
  const graph::ById<graph::NumbersRead> read = graph::numbers_read(g.graph);
  EXPECT_TRUE(read[both].integers && read[half].integers);
  EXPECT_EQ(read[both].zero_point, std::nullopt);
  EXPECT_EQ(read[half].zero_point, 3);
  EXPECT_FALSE(read[real].integers);
}

TEST(Rounded, IsTheNearestOfTheIntegersThereAre) {
  EXPECT_EQ(graph::rounded(0.5F, -9, 9), 0);
  EXPECT_EQ(graph::rounded(1.5F, -9, 9), 2);
  EXPECT_EQ(graph::rounded(2.5F, -9, 9), 2);
  EXPECT_EQ(graph::rounded(-1.5F, -9, 9), -2);
  EXPECT_EQ(graph::rounded(-2.5F, -9, 9), -2);
  EXPECT_EQ(graph::rounded(0.49999997F, -9, 9), 0);
  EXPECT_EQ(graph::rounded(2.5000002F, -9, 9), 3);
  EXPECT_EQ(graph::rounded(8.6F, -9, 9), 9);
  EXPECT_EQ(graph::rounded(1e30F, -9, 9), 9);
  EXPECT_EQ(graph::rounded(-infinite, -9, 9), -9);
  EXPECT_EQ(graph::rounded(no_number, -9, 9), -9);
}

TEST(IntegerBounds, AreWhatAByteHoldsAndTheActivationAllows) {
  const auto expect_bounds = [](const Activation& activation, std::int32_t zero_point, std::int32_t lower,
                                std::int32_t upper) {
    graph::Convolution o;
    o.activation = activation;
    const graph::IntegerBounds bounds = graph::integer_bounds({"conv", o, {}, Quantization{1.0F, zero_point}});
    EXPECT_EQ(bounds.lower, lower);
    EXPECT_EQ(bounds.upper, upper);
  };
  expect_bounds(Activation::none, 0, 0, 255);
  expect_bounds(Activation::none, 100, -100, 155);
  expect_bounds(Activation::none, 255, -255, 0);
  expect_bounds(Activation::relu, 100, 0, 155);
  expect_bounds(Activation::relu6, 0, 0, 6);
  expect_bounds({{-7.5F, 37.4F}}, 20, -8, 37);
  expect_bounds({{-1000.0F, 1000.0F}}, 20, -20, 235);
  expect_bounds({{300.0F, 400.0F}}, 20, 235, 235);
  const graph::IntegerBounds of_softmax = graph::integer_bounds({"sum", graph::Softmax{}, {}, Quantization{1.0F, 9}});
  EXPECT_EQ(of_softmax.lower, -9);
  EXPECT_EQ(of_softmax.upper, 246);
}

TEST(IntegerBias, CountsFactors) {
  const Constant weights = integers(6, 1, 0.5);
  const std::vector<std::int32_t> bias =
      graph::integer_bias(weights, Constant(std::vector<float>{3.0F, -0.25F, 0.75F, 1.3F, 1e30F, -1e30F}));
  EXPECT_EQ(bias, (std::vector<std::int32_t>{6, 0, 2, 3, 1 << 30, -(1 << 30)}));
  EXPECT_EQ(graph::integer_bias(weights, {}), std::vector<std::int32_t>(6, 0));
}

TEST(Requantised, RoundsTwice) {
  EXPECT_EQ(graph::requantised((1 << 24) + 1, 1.0F), 0x1p24F) << "to a float, ties to even";
  EXPECT_EQ(graph::requantised((1 << 24) + 3, 0.5F), 0x1p23F + 2);
  EXPECT_EQ(graph::requantised((1 << 24) - 1, 3.0F), 50331644.0F) << "one more, rounded";
}

}  // namespace
}  // namespace riffle
