#include "engine/format/format.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ranges>

#include "engine/passes/passes.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "tests/expect_error.hpp"
#include "tests/networks.hpp"

namespace riffle {
namespace {

/// Bytes at an address that load() takes.
class Aligned {
 public:
  explicit Aligned(std::span<const std::byte> bytes)
      : size_(bytes.size()), memory_(static_cast<std::byte*>(std::aligned_alloc(64, (size_ + 127) / 64 * 64))) {
    std::memcpy(memory_, bytes.data(), size_);
  }
  ~Aligned() { std::free(memory_); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  std::span<std::byte> bytes() { return {memory_, size_}; }

 private:
  std::size_t size_;
  std::byte* memory_;
};

std::vector<float> answer(const graph::Graph& graph) {
  run::Session session(plan::make(graph));
  const std::vector<float> input = testing::noise(session.plan().inputs[0].shape.size(), 11);
  std::vector<float> output(static_cast<std::size_t>(session.plan().outputs[0].shape.size()));
  session.run(input.data(), output.data());
  return output;
}

template <class T>
T number_at(std::span<const std::byte> bytes, std::size_t at) {
  T number;
  std::memcpy(&number, bytes.data() + at, sizeof(T));
  return number;
}

/// Where Model.version stands, the first field of a FlatBuffer's root table.
std::size_t version_place(std::span<const std::byte> bytes) {
  const auto table = number_at<std::uint32_t>(bytes, 0);
  const auto fields =
      static_cast<std::size_t>(static_cast<std::int32_t>(table) - number_at<std::int32_t>(bytes, table));
  return table + number_at<std::uint16_t>(bytes, fields + 4);
}

std::uint32_t version_of(std::span<const std::byte> bytes) {
  return number_at<std::uint32_t>(bytes, version_place(bytes));
}

std::string load_error(std::span<const std::byte> bytes) {
  try {
    (void)format::load(bytes, nullptr);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string save_error(const graph::Graph& graph) {
  return tests::error_of([&] { (void)format::save(graph); });
}

TEST(Format, WhatIsSavedLoadsAndAnswersTheSame) {
  for (const testing::Network& network : testing::family(32)) {
    SCOPED_TRACE(network.name);
    Aligned file(format::save(network.graph));
    const graph::Graph loaded = format::load(file.bytes(), nullptr);
    EXPECT_EQ(graph::to_text(loaded), graph::to_text(network.graph));
    EXPECT_EQ(answer(loaded), answer(network.graph));
  }
}

/// Every kind of node with fields that are not their defaults.
graph::Graph every_operation() {
  const auto floats = [](std::int64_t count) { return graph::Constant(testing::noise(count, 3)); };
  graph::Graph graph;
  graph.name = "operations";
  graph::NodeId x = graph.add("input", graph::Input{{8, 9, 6}, "a reason"});
  graph::Convolution convolution;
  convolution.outputs = 8;
  convolution.groups = 2;
  convolution.window = {3, 2, 1, 2, 2, 1, 1, 2, 2, 1, graph::AutoPad::same_lower, false};
  convolution.weights = floats(8 * 3 * 6);
  convolution.bias = floats(8);
  convolution.activation = graph::Activation::relu6;
  x = graph.add("convolution", convolution, {x});
  graph::Convolution pointwise;
  pointwise.outputs = 8;
  pointwise.weights = floats(64);
  x = graph.add("residual", pointwise, {x, x});
  graph::BatchNorm norm{floats(8), floats(8), floats(8), graph::Constant(std::vector<float>(8, 0.5F)), 1e-3F};
  x = graph.add("norm", norm, {x});
  x = graph.add("none", graph::Activate{graph::Activation::none}, {x});
  x = graph.add("relu6", graph::Activate{graph::Activation::relu6}, {x});
  graph::Pool pool{graph::PoolKind::average, {2, 2, 2, 2, 1, 1, 1, 1, 1, 1}, true, graph::Activation::relu};
  pool.window.ceil_mode = true;
  x = graph.add("pool", pool, {x});
  const graph::NodeId slice = graph.add("slice", graph::Slice{1, 2}, {x});
  const graph::NodeId gather = graph.add("gather", graph::Gather{{7, 0, 3, 3, 5, 1}}, {x});
  x = graph.add("concat", graph::Concat{}, {slice, gather});
  x = graph.add("shuffle", graph::Shuffle{2}, {x});
  x = graph.add("sum", graph::Binary{.activation = graph::Activation::relu}, {x, x});
  const graph::NodeId mean = graph.add("mean", graph::GlobalAveragePool{graph::Activation::relu6}, {x});
  graph::Pool line{graph::PoolKind::max, {.kernel_h = 0, .kernel_w = 1}, false, graph::Activation::none};
  x = graph.add("line", line, {x});
  const graph::Shape in = [&] {
    graph.outputs = {{x}};
    return graph::infer_shapes(graph).back();
  }();
  graph::FullyConnected dense{4, floats(4 * in.size()), floats(4), graph::Activation::relu, in.h, in.w};
  x = graph.add("dense", dense, {x});
  x = graph.add("both", graph::Concat{}, {x, mean});
  const graph::NodeId literal = graph.add("literal", graph::Literal{{1, 1, 12}, floats(12)}, {});
  x = graph.add("power", graph::Binary{graph::BinaryKind::power, graph::Activation::relu}, {literal, x});
  x = graph.add("softmax", graph::Softmax{2}, {x});
  graph.outputs = {{graph.add("most", graph::Reduce{graph::ReduceKind::maximum, 3}, {x})}};
  return graph;
}

/// Functions with parameters, in every table that has an activation.
TEST(Format, FunctionsWithParametersAreOfVersion5) {
  const graph::Activation elu{{-1.0F, 8.0F}, kernels::Function::elu, 0.75F};
  const graph::Activation sigmoid{{}, kernels::Function::hard_sigmoid, 0.25F, 0.5F};
  const auto prelu = [](std::int64_t channels) {
    return graph::Activation{.function = kernels::Function::prelu,
                             .slopes = graph::Constant(testing::noise(channels, 4))};
  };
  graph::Graph graph = every_operation();
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    graph::Activation* const activation = graph::fused_activation(graph.nodes[i].operation);
    if (activation == nullptr) continue;
    const std::int32_t channels = graph::infer_shapes(graph)[i].c;
    *activation = i % 3 == 0 ? elu : i % 3 == 1 ? sigmoid : prelu(channels);
  }
  Aligned file(format::save(graph));
  EXPECT_EQ(version_of(file.bytes()), 5U);
  const graph::Graph loaded = format::load(file.bytes(), nullptr);
  ASSERT_EQ(loaded.nodes.size(), graph.nodes.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const graph::Activation* const activation = graph::fused_activation(graph.nodes[i].operation);
    if (activation == nullptr) continue;
    EXPECT_EQ(*graph::fused_activation(loaded.nodes[i].operation), *activation) << i;
  }
}

TEST(Format, ParametersThatAreWrongAreRefused) {
  const auto error = [](const graph::Activation& activation) {
    graph::Graph graph;
    const graph::NodeId input = graph.add("input", graph::Input{{2, 2, 3}});
    graph.outputs = {{graph.add("the node", graph::Activate{activation}, {input})}};
    return save_error(graph);
  };
  using kernels::Function;
  const graph::Constant two(std::vector<float>{0, 1}), three(std::vector<float>{0, 1, 2});
  const float none = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  const std::pair<graph::Activation, const char*> cases[] = {
      {{{}, Function::leaky, none}, "a parameter of the function leaky ReLU is not finite"},
      {{{}, Function::hard_sigmoid, 0.25F, infinity}, "a parameter of the function hard sigmoid is not finite"},
      {{{}, Function::sigmoid, none}, "a parameter of the function sigmoid is not finite"},
      {{{}, Function::sigmoid, 1.0F}, "the function sigmoid has 0 parameters"},
      {{{}, Function::elu, 1.0F, 1.0F}, "the function ELU has 1 parameters"},
      {{{}, Function::celu, 0.0F}, "CELU is not positive"},
      {{{}, Function::power, 65.0F}, "an exponent is not in -64 to 64"},
      {{{}, Function::prelu, 0, 0, two}, "slopes: 2 values where the shapes ask for 3"},
      {{{}, Function::prelu}, "slopes: 0 values where the shapes ask for 3"},
      {{{}, Function::leaky, 0.5F, 0, three}, "slopes are for the function PReLU alone"},
      {{{}, static_cast<Function>(200)}, "no such function"},
  };
  for (const auto& [activation, expected] : cases) {
    EXPECT_NE(error(activation).find(expected), std::string::npos) << error(activation);
    EXPECT_NE(error(activation).find("the node"), std::string::npos);
  }
  graph::Graph right;
  right.add("input", graph::Input{{2, 2, 3}});
  right.outputs = {{right.add("prelu", graph::Activate{{{}, Function::prelu, 0, 0, three}}, {0})}};
  EXPECT_NO_THROW((void)format::save(right));
}

TEST(Format, AKindThatThereIsNoneOfIsRefused) {
  EXPECT_TRUE(
      tests::contains(tests::error_of([] { (void)format::load_file(RIFFLE_CORPUS_DIR "/riffle/unknown-kind.riffle"); }),
                      "unknown operation on two tensors 255"));
  const auto error = [](graph::Operation operation, std::vector<graph::NodeId> operands) {
    graph::Graph graph;
    graph.add("input", graph::Input{{2, 2, 3}});
    graph.outputs = {{graph.add("the node", std::move(operation), std::move(operands))}};
    return save_error(graph);
  };
  constexpr int none = 200;
  EXPECT_TRUE(tests::contains(error(graph::Binary{static_cast<graph::BinaryKind>(none)}, {0, 0}), "no such operation"));
  EXPECT_TRUE(tests::contains(error(graph::Reduce{static_cast<graph::ReduceKind>(none)}, {0}), "no such reduction"));
}

TEST(Format, EveryFieldIsSaved) {
  const graph::Graph graph = every_operation();
  Aligned file(format::save(graph));
  const graph::Graph loaded = format::load(file.bytes(), nullptr);
  EXPECT_EQ(graph::to_text(loaded), graph::to_text(graph));
  const std::vector<float> before = answer(graph), after = answer(loaded);
  ASSERT_EQ(after.size(), before.size());  // the same bits: what is random may be no number
  EXPECT_EQ(std::memcmp(after.data(), before.data(), before.size() * sizeof(float)), 0);
  const auto node = [&]<class Operation>(const Operation&, std::size_t i) {
    return std::get<Operation>(loaded.nodes[i].operation);
  };
  EXPECT_EQ(node(graph::Input{}, 0).only_size, "a reason");
  EXPECT_EQ(node(graph::Convolution{}, 1).window, std::get<graph::Convolution>(graph.nodes[1].operation).window);
  EXPECT_EQ(node(graph::Pool{}, 6).window, std::get<graph::Pool>(graph.nodes[6].operation).window);
  EXPECT_EQ(node(graph::Pool{}, 13).window, std::get<graph::Pool>(graph.nodes[13].operation).window);
}

TEST(Format, SaysTheVersionThatItsRulesNeed) {
  const auto version = [](const graph::Operation& operation, const graph::Input& input = {{4, 4, 2}, {}}) {
    graph::Graph graph;
    graph.add("input", input);
    graph.outputs = {{graph.add("node", operation, {0})}};
    return version_of(format::save(graph));
  };
  graph::Convolution convolution;
  convolution.outputs = 2;
  convolution.weights = graph::Constant(std::vector<float>(4, 1.0F));
  graph::Pool pool;
  pool.window = {2, 2, 2, 2, 1, 1, 1, 1, 1, 1};
  EXPECT_EQ(version(convolution), 1U);
  EXPECT_EQ(version(pool), 1U);
  EXPECT_EQ(version(graph::FullyConnected{1, graph::Constant(std::vector<float>(2, 1.0F)), {}}, {{1, 1, 2}, {}}), 1U);
  EXPECT_EQ(version_of(format::save(testing::small_network())), 1U);

  EXPECT_EQ(version(convolution, {{4, 4, 2}, "a reason"}), 2U);
  convolution.window.auto_pad = graph::AutoPad::same_upper;
  EXPECT_EQ(version(convolution), 2U);
  graph::Pool same = pool, ceil = pool, rows, columns;
  same.window.auto_pad = graph::AutoPad::same_lower;
  ceil.window.ceil_mode = true;
  rows.window.kernel_h = 0;
  columns.window.kernel_w = 0;
  for (const graph::Pool& one : {same, ceil, rows, columns}) EXPECT_EQ(version(one), 2U);
  graph::FullyConnected dense{1, graph::Constant(std::vector<float>(32, 1.0F)), {}};
  dense.height = dense.width = 4;
  EXPECT_EQ(version(dense), 2U);
}

TEST(Format, WhatHasTwoOperandsAndGroupsIsOfVersion5) {
  const auto version = [](const graph::Operation& operation, std::vector<graph::NodeId> operands) {
    graph::Graph graph;
    graph.add("input", graph::Input{{4, 4, 2}});
    graph.add("mean", graph::GlobalAveragePool{}, {0});
    graph.outputs = {{graph.add("node", operation, std::move(operands))}};
    return version_of(format::save(graph));
  };
  EXPECT_EQ(version(graph::Binary{}, {0, 0}), 1U);
  EXPECT_EQ(version(graph::Binary{}, {0, 1}), 5U);
  EXPECT_EQ(version(graph::Binary{.kind = graph::BinaryKind::multiply}, {0, 0}), 5U);
  EXPECT_EQ(version(graph::Softmax{}, {0}), 1U);
  EXPECT_EQ(version(graph::Softmax{2}, {0}), 5U);
  EXPECT_EQ(version(graph::Reduce{}, {0}), 5U);
  EXPECT_EQ(version(graph::Literal{{1, 1, 1}, graph::Constant(std::vector<float>{1.0F})}, {}), 5U);
}

/// Arrangements, of the ends and between, and what joins.
TEST(Format, ArrangementsAreOfVersion5) {
  graph::Graph graph;
  graph.add("input", graph::Input{{4, 6, 6}, {}, Type::u8, {0.5F, 3}, graph::arranged("h w c")});
  const graph::NodeId list = graph.add("list", graph::Rearrange{graph::arranged("(h w c0:3) 1 c1:2")}, {0});
  const graph::NodeId rows = graph.add("rows", graph::Join{graph::Direction::rows}, {list, list});
  const graph::NodeId columns = graph.add("columns", graph::Join{graph::Direction::columns}, {rows, rows});
  graph.outputs = {{columns, "answer", Type::f32, {}, graph::arranged("(n h) w c")}};
  const std::vector<std::byte> saved = format::save(graph);
  EXPECT_EQ(version_of(saved), 5U);
  Aligned file(saved);
  const graph::Graph loaded = format::load(file.bytes(), nullptr);
  EXPECT_EQ(loaded.input().arrangement, graph.input().arrangement);
  EXPECT_EQ(std::get<graph::Rearrange>(loaded.nodes[list].operation).to, graph::arranged("(h w c0:3) 1 c1:2"));
  EXPECT_EQ(std::get<graph::Join>(loaded.nodes[columns].operation).along, graph::Direction::columns);
  EXPECT_EQ(loaded.outputs[0].arrangement, graph.outputs[0].arrangement);
  EXPECT_EQ(graph::infer_shapes(loaded).back(), (graph::Shape{144, 2, 2}));
  EXPECT_EQ(format::save(loaded), saved);

  for (const bool input : {true, false}) {
    graph::Graph one;
    one.add("input", graph::Input{{4, 4, 2}});
    if (input) std::get<graph::Input>(one.nodes[0].operation).arrangement = graph::arranged("w h c");
    one.outputs = {{0}};
    if (!input) one.outputs[0].arrangement = graph::arranged("w h c");
    EXPECT_EQ(version_of(format::save(one)), 5U);
  }
}

/// Typed constants, with and without factors, and activations that version 1 has no word for.
TEST(Format, TypedConstantsAndActivationsAreOfVersion3) {
  static constexpr std::array<std::int8_t, 8> bytes = {-128, -5, 0, 1, 2, 3, 64, 127};
  static constexpr std::array<std::uint16_t, 2> halves = {0x3C00, 0xB800};  // 1, -0.5
  const std::vector<double> scales = {0.125, 1.0 / 3};
  graph::Graph graph;
  graph.add("input", graph::Input{{4, 4, 4}});
  graph::Convolution convolution;
  convolution.outputs = 2;
  convolution.weights =
      graph::Constant(Type::i8, std::as_bytes(std::span(bytes)), std::shared_ptr<const void>()).scaled(scales);
  convolution.bias = graph::Constant(Type::f16, std::as_bytes(std::span(halves)), std::shared_ptr<const void>());
  convolution.activation = {{-0.5F, 2.0F}, kernels::Function::hard_swish};
  graph.outputs = {{graph.add("convolution", convolution, {0})}};
  const std::vector<std::byte> saved = format::save(graph);
  EXPECT_EQ(version_of(saved), 3U);
  Aligned file(saved);
  const graph::Graph loaded = format::load(file.bytes(), nullptr);
  const auto& read = std::get<graph::Convolution>(loaded.nodes[1].operation);
  EXPECT_EQ(read.weights.type(), Type::i8);
  EXPECT_TRUE(std::ranges::equal(read.weights.row_scale(), scales));
  EXPECT_TRUE(std::ranges::equal(read.weights.stored(), convolution.weights.stored()));
  EXPECT_EQ(read.bias.type(), Type::f16);
  EXPECT_EQ(read.bias.values()[1], -0.5F);
  EXPECT_EQ(read.activation, convolution.activation);
  EXPECT_EQ(answer(loaded), answer(graph));
  EXPECT_EQ(format::save(loaded), saved);

  auto& weights = std::get<graph::Convolution>(graph.nodes[1].operation).weights;
  weights = graph::Constant(Type::i8, std::as_bytes(std::span(bytes)), std::shared_ptr<const void>());
  weights = weights.scaled({1, 1, 1, 1});
  EXPECT_NE(save_error(graph).find("weights: its number of factors is 4, not in 2 to 2"), std::string::npos)
      << save_error(graph);
}

/// Of pixels that are moved: no field is at its default.
TEST(Format, WhatMovesPixelsIsOfVersion5) {
  graph::Graph graph;
  graph::NodeId x = graph.add("input", graph::Input{{8, 9, 4}});
  const graph::Resize scaled{
      graph::ResizeMode::linear, graph::Coordinates::align_corners, graph::Rounding::ceil, 1.5F, 2.0F, 7, 8};
  x = graph.add("scaled", scaled, {x});
  x = graph.add("like", graph::Resize{}, {x, 0});
  x = graph.add("crop", graph::Crop{1, 2, 3, 1, 2, 3}, {x});
  x = graph.add("pad", graph::Pad{1, 0, 1, 1, graph::PadMode::reflect, 0.5F}, {x});
  graph::TransposedConvolution transposed;
  transposed.outputs = 6;
  transposed.groups = 2;
  transposed.window = {3, 2, 2, 3, 1, 1, 0, 1, 1, 2};
  transposed.more_bottom = 1;
  transposed.more_right = 2;
  transposed.weights = graph::Constant(testing::noise(4 * 3 * 6, 3));
  transposed.bias = graph::Constant(testing::noise(6, 3));
  transposed.activation = {{-0.5F, 2.0F}, kernels::Function::sigmoid};
  graph.outputs = {{graph.add("transposed", transposed, {x})}};
  const std::vector<std::byte> saved = format::save(graph);
  EXPECT_EQ(version_of(saved), 5U);
  Aligned file(saved);
  const graph::Graph loaded = format::load(file.bytes(), nullptr);
  EXPECT_EQ(graph::to_text(loaded), graph::to_text(graph));
  EXPECT_EQ(answer(loaded), answer(graph));
  EXPECT_EQ(format::save(loaded), saved);
  const auto& resize = std::get<graph::Resize>(loaded.nodes[1].operation);
  EXPECT_EQ(resize.coordinates, graph::Coordinates::align_corners);
  EXPECT_EQ(resize.rounding, graph::Rounding::ceil);
  EXPECT_EQ(std::get<graph::Pad>(loaded.nodes[4].operation).value, 0.5F);
}

TEST(Format, OfANewerVersionIsRefused) {
  Aligned file(format::save(testing::small_network()));
  ASSERT_EQ(version_of(file.bytes()), 1U);
  file.bytes()[version_place(file.bytes())] = std::byte{6};
  const std::string message = load_error(file.bytes());
  EXPECT_NE(message.find("has version 6; this build reads versions 1 to 5"), std::string::npos) << message;
}

TEST(Format, WeightsAreNotCopied) {
  Aligned file(format::save(testing::small_network()));
  const graph::Graph loaded = format::load(file.bytes(), nullptr);
  const auto& stem = std::get<graph::Convolution>(loaded.nodes[1].operation);
  const auto* weights = reinterpret_cast<const std::byte*>(stem.weights.values().data());
  EXPECT_GE(weights, file.bytes().data());
  EXPECT_LT(weights, file.bytes().data() + file.bytes().size());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(weights) % 16, 0U);
}

TEST(Format, AFileIsMappedAndItsGraphOutlivesTheCall) {
  const std::string path = ::testing::TempDir() + "riffle_format_" + std::to_string(::getpid()) + ".riffle";
  const graph::Graph graph = testing::small_network();
  format::save_file(graph, path);
  const graph::Graph loaded = format::load_file(path);
  std::remove(path.c_str());
  EXPECT_EQ(answer(loaded), answer(graph));
}

TEST(Format, AFileThatCannotBeWrittenIsAnErrorAndLeavesNothing) {
  EXPECT_THROW(format::save_file(testing::small_network(), "/nonexistent/x.riffle"), Error);
}

TEST(Format, FilesThatAreNoneAreErrors) {
  EXPECT_THROW((void)format::load_file("/nonexistent.riffle"), Error);
  EXPECT_THROW((void)format::load_file("/"), Error);
  EXPECT_THROW((void)format::load_file("/dev/null"), Error);
  // A pipe is refused, not waited for.
  const std::string pipe = ::testing::TempDir() + "riffle_pipe_" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THROW((void)format::load_file(pipe), Error);
  std::remove(pipe.c_str());
}

TEST(Format, TruncatedFilesAreRefused) {
  const std::vector<std::byte> whole = format::save(testing::small_network());
  for (std::size_t size = 0; size < whole.size(); size += 1 + size / 16) {
    Aligned file(std::span<const std::byte>(whole).first(size));
    EXPECT_NE(load_error(file.bytes()), "no error") << size;
  }
}

TEST(Format, FlippedBitsAreRefusedOrHarmless) {
  graph::Graph small;
  small.add("input", graph::Input{{8, 8, 4}});
  graph::Convolution convolution;
  convolution.outputs = 4;
  convolution.weights = graph::Constant(std::vector<float>(16, 1.0F));
  const auto conv = small.add("conv", convolution, {0});
  small.outputs = {{small.add("shuffle", graph::Shuffle{2}, {conv})}};
  small.labels = {"a", "b", "c", "d"};
  const std::vector<std::byte> whole = format::save(small);
  int refused = 0;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Aligned file(whole);
    file.bytes()[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    try {
      const graph::Graph loaded = format::load(file.bytes(), nullptr);
      if (loaded.input_shape().size() < 1 << 16) (void)plan::make(loaded);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 500);
}

TEST(Format, MetadataIsCarried) {
  const graph::Graph graph = testing::network_with_metadata();
  Aligned file(format::save(graph));
  const graph::Graph loaded = format::load(file.bytes(), nullptr);
  EXPECT_EQ(loaded.labels, graph.labels);
  EXPECT_EQ(loaded.preprocessing, graph.preprocessing);
  Aligned without(format::save(testing::small_network()));
  EXPECT_TRUE(format::load(without.bytes(), nullptr).labels.empty());
  EXPECT_FALSE(format::load(without.bytes(), nullptr).preprocessing.has_value());
}

/// A network of one output, 2 x 2 cells of 12 channels, and a detector in which nothing is its default.
graph::Graph detector() {
  graph::Graph graph;
  graph.name = "detector";
  graph.add("input", graph::Input{.shape = {32, 32, 3}});
  const graph::NodeId pooled =
      graph.add("pool", graph::Pool{.window = {.kernel_h = 16, .kernel_w = 16, .stride_h = 16, .stride_w = 16}}, {0});
  graph.outputs = {{.node = graph.add("concat", graph::Concat{}, {pooled, pooled, pooled, pooled, pooled, pooled}),
                    .name = "heads"}};
  const graph::Mapping mapping = {graph::Transform::tanh, 0.125F, 0.25F, -0.5F, 0.75F, graph::Unit::anchor};
  graph.task = graph::Detect{.levels = {{.stride = 16,
                                         .anchors = 2,
                                         .sizes = {1, 2, 3.5F, 4},
                                         .scores = {"heads", 5, 2, graph::Components::planes},
                                         .objectness = {"heads", 4, 1, graph::Components::planes},
                                         .boxes = {"heads", 0, 4, graph::Components::planes},
                                         .points = {"heads", 7, 2, graph::Components::planes}}},
                             .offset = 0.5F,
                             .shift = -0.5F,
                             .form = graph::BoxForm::corners,
                             .position = mapping,
                             .size = {.transform = graph::Transform::exponential},
                             .score = {.transform = graph::Transform::softmax},
                             .objectness = {.power = 0.5F},
                             .point = {.unit = graph::Unit::cell},
                             .background = true,
                             .threshold = 0.111F,
                             .inclusive = true,
                             .clip_to_input = true,
                             .clip_to_picture = true,
                             .most_of_level = 3,
                             .most = 4,
                             .suppression = graph::Suppression::gaussian,
                             .iou = 0.3F,
                             .sigma = 0.7F,
                             .per_class = false};
  graph.labels = {"cat"};
  graph.preprocessing = {.resize = graph::Fit::letterbox,
                         .antialias = false,
                         .bgr = true,
                         .align = graph::Align::top_left,
                         .pad = {1, 2, 3},
                         .rounded = true};
  return graph;
}

TEST(Format, TasksComeBack) {
  const auto expect_again = [](const graph::Graph& graph) {
    Aligned file(format::save(graph));
    const graph::Graph loaded = format::load(file.bytes(), nullptr);
    EXPECT_EQ(loaded.task, graph.task);
    EXPECT_EQ(loaded.preprocessing, graph.preprocessing);
    EXPECT_EQ(loaded.labels, graph.labels);
  };
  graph::Graph graph = detector();
  expect_again(graph);
  std::get<graph::Detect>(*graph.task).bins = 2;
  std::get<graph::Detect>(*graph.task).form = graph::BoxForm::distances;
  graph.labels = {};
  std::get<graph::Detect>(*graph.task).levels[0] = {
      .stride = 16, .sizes = {1, 2}, .scores = {"heads", 8, 2}, .boxes = {"heads", 0, 8}};
  expect_again(graph);
  graph.task = graph::Landmarks{.points = {"heads", 0, 15},
                                .dimensions = 3,
                                .point = {.unit = graph::Unit::input},
                                .score = {"heads", 17, 1},
                                .score_mapping = {.transform = graph::Transform::sigmoid},
                                .threshold = 0.25F};
  expect_again(graph);
  std::get<graph::Landmarks>(*graph.task).region = {
      .scale = 1.5F, .square = true, .turn_from = 2, .turn_to = 0, .cut = true};
  expect_again(graph);
  graph.task = graph::Segment{.scores = {"heads", 1, 0, graph::Components::planes},
                              .transform = graph::Transform::softmax,
                              .foreground = 1,
                              .threshold = 0.25F,
                              .inclusive = true};
  expect_again(graph);
  graph.task = graph::Classify{};
  expect_again(graph);
}

TEST(Format, OnlyPicturesOfNewKindsNeedAVersion) {
  const auto version = [](const graph::Graph& graph) {
    Aligned file(format::save(graph));
    return number_at<std::uint32_t>(file.bytes(), version_place(file.bytes()));
  };
  graph::Graph graph = detector();
  EXPECT_EQ(version(graph), 5U);
  graph.preprocessing = graph::Preprocessing{.bgr = true};
  EXPECT_EQ(version(graph), 5U);
  graph.preprocessing = graph::Preprocessing{.rounded = true};
  EXPECT_EQ(version(graph), 5U);
  graph.preprocessing = graph::Preprocessing{.resize = graph::Fit::crop};
  EXPECT_LT(version(graph), 5U);
}

TEST(Format, DamagedTasksAreRefused) {
  const std::vector<std::byte> whole = format::save(detector());
  const auto error = [&](auto before, auto after) {
    const auto was = std::as_bytes(std::span(&before, 1)), is = std::as_bytes(std::span(&after, 1));
    Aligned file(whole);
    const auto found = std::search(file.bytes().begin(), file.bytes().end(), was.begin(), was.end());
    EXPECT_NE(found, file.bytes().end());
    std::copy(is.begin(), is.end(), found);
    return load_error(file.bytes());
  };
  EXPECT_NE(error(0.111F, std::nanf("")).find("threshold"), std::string::npos);
  EXPECT_NE(error(16.0F, 1e-30F).find("its stride is not 0"), std::string::npos);
  EXPECT_NE(error(std::array{0.125F, 0.25F}, std::array{0.125F, std::nanf("")}).find("position"), std::string::npos);
  using Name = std::array<char, 9>;  // its length stands in front
  EXPECT_NE(error(Name{5, 0, 0, 0, 'h', 'e', 'a', 'd', 's'}, Name{5, 0, 0, 0, 'h', 'e', 'a', 'l', 's'}).size(), 0U);
}

TEST(Format, FilesOfBeforeThereWasMetadataLoad) {
  const graph::Graph loaded = format::load_file(RIFFLE_CORPUS_DIR "/riffle/residual.riffle");
  EXPECT_TRUE(loaded.labels.empty());
  EXPECT_FALSE(loaded.preprocessing.has_value());
}

TEST(Format, MetadataThatDoesNotFitIsNotSaved) {
  const auto error = [](auto change) {
    graph::Graph graph = testing::network_with_metadata();
    change(graph);
    return save_error(graph);
  };
  EXPECT_NE(error([](auto& graph) { graph.labels.pop_back(); }).find("9 labels for 10 classes"), std::string::npos);
  EXPECT_NE(error([](auto& graph) { graph.labels[3] = std::string("a\0b", 3); }).find("label 3"), std::string::npos);
  EXPECT_NE(error([](auto& graph) { graph.preprocessing->resize_size = 63; }).find("resize size: 63"),
            std::string::npos);
  EXPECT_NE(error([](auto& graph) { graph.preprocessing->mean = {}; }).find("mean: 0 values for 3 channels"),
            std::string::npos);
  EXPECT_NE(error([](auto& graph) { graph.preprocessing->deviation = {1, 0, 1}; }).find("std"), std::string::npos);
}

TEST(Format, DamagedMetadataIsRefused) {
  const std::vector<std::byte> whole = format::save(testing::network_with_metadata());
  /// The file with the one place that has `before` changed.
  const auto error = [&](auto before, auto after) {
    const auto was = std::as_bytes(std::span(&before, 1)), is = std::as_bytes(std::span(&after, 1));
    Aligned file(whole);
    const auto found = std::search(file.bytes().begin(), file.bytes().end(), was.begin(), was.end());
    EXPECT_NE(found, file.bytes().end());
    std::copy(is.begin(), is.end(), found);
    return load_error(file.bytes());
  };
  EXPECT_NE(error(0.456F, std::nanf("")).find("mean: a value is not finite"), std::string::npos);
  EXPECT_NE(error(std::int32_t{12345}, std::int32_t{-1}).find("resize size: -1"), std::string::npos);
  EXPECT_NE(error(std::int32_t{12345}, std::int32_t{1 << 20}).find("resize size: 1048576"), std::string::npos);
  using Name = std::array<char, 7>;
  EXPECT_NE(error(Name{'c', 'l', 'a', 's', 's', ' ', '7'}, Name{'c', 'l', '\0', 's', 's', ' ', '7'}).find("label 7"),
            std::string::npos);
}

TEST(Format, UnalignedMemoryIsRefused) {
  Aligned file(format::save(testing::small_network()));
  EXPECT_NE(load_error(file.bytes().subspan(4)).find("aligned"), std::string::npos);
}

TEST(Format, AGraphThatDoesNotVerifyIsNotSaved) {
  graph::Graph graph = testing::small_network();
  graph.outputs = {{100000}};
  EXPECT_THROW((void)format::save(graph), Error);
}

}  // namespace
}  // namespace riffle
