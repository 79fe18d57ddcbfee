// Where numbers are moved to, and where nothing needs to be moved.
#include <gtest/gtest.h>

#include <numeric>

#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"

namespace riffle {
namespace {

using graph::arranged;
using graph::Graph;
using graph::NodeId;
using graph::Shape;

std::vector<float> counted(std::int64_t count) {
  std::vector<float> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 1.0F);
  return numbers;
}

std::vector<float> answer(const plan::Plan& plan, const std::vector<float>& input) {
  std::vector<float> output(static_cast<std::size_t>(plan.outputs[0].shape.size()));
  const void* from = input.data();
  void* to = output.data();
  run::Session(std::make_shared<const plan::Plan>(plan), 2).run(&from, &to, 1);
  return output;
}

graph::Convolution convolution(std::int32_t inputs, std::int32_t outputs) {
  graph::Convolution result;
  result.outputs = outputs;
  std::vector<float> weights(static_cast<std::size_t>(inputs * outputs));
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 7) / 8.0F - 0.375F;
  result.weights = graph::Constant(std::move(weights));
  return result;
}

/// What every number of an output of `arrangement` is, of a node of this shape whose numbers are counted in planes.
std::vector<float> moved(const Shape& shape, const graph::Arrangement& arrangement,
                         const std::vector<std::int32_t>& channels) {
  const auto places = graph::resolve(arrangement, shape);
  std::vector<float> result(static_cast<std::size_t>(shape.size()));
  for (std::int32_t y = 0; y < shape.h; ++y) {
    for (std::int32_t x = 0; x < shape.w; ++x) {
      for (std::int32_t c = 0; c < shape.c; ++c) {
        const std::int32_t from = (channels[static_cast<std::size_t>(c)] * shape.h + y) * shape.w + x;
        result[static_cast<std::size_t>(graph::place_of(places, y, x, c))] = static_cast<float>(from + 1);
      }
    }
  }
  return result;
}

TEST(Rearrange, of_any_channels_is_what_its_arrangement_says) {
  const Shape shape{4, 6, 12};
  std::vector<std::int32_t> natural(12), mixed = {5, 4, 3, 0, 1, 2, 11, 6, 7, 8, 9, 10};
  std::iota(natural.begin(), natural.end(), 0);
  for (const char* text : {"h w c", "c h w", "(h w c0:3) 1 c1", "(h c1:2) (w c2:2) c0", "w c h", "h0 w0 (h1:2 w1:3 c)",
                           "1 1 (c h w)", "c1:4 (c0 h) w"}) {
    for (const auto& channels : {natural, mixed}) {
      Graph graph;
      graph.add("input", graph::Input{shape});
      const NodeId gathered = graph.add("gathered", graph::Gather{channels}, {0});
      // So that the numbers are not the caller's: by a ReLU, which leaves them as they are.
      const NodeId same = graph.add("same", graph::Activate{graph::Activation::relu}, {gathered});
      const NodeId all = graph.add("all", graph::Rearrange{arranged(text)}, {same});
      graph.outputs = {{all, "", Type::f32, {}, arranged("h w c")}};
      EXPECT_EQ(answer(*plan::make(graph), counted(shape.size())), moved(shape, arranged(text), channels)) << text;
      graph.outputs = {{same, "", Type::f32, {}, arranged(text)}};
      EXPECT_EQ(answer(*plan::make(graph), counted(shape.size())), moved(shape, arranged(text), channels)) << text;
    }
  }
}

TEST(Rearrange, brings_an_input_into_planes_or_pixels) {
  const Shape shape{5, 4, 3};
  for (const char* text : {"h w c", "w c h", "c h w"}) {
    for (const bool stem : {true, false}) {
      Graph graph;
      graph.add("input", graph::Input{shape, {}, Type::f32, {}, arranged(text)});
      graph.outputs = {{stem ? graph.add("c", convolution(3, 3), {0}) : 0}};
      if (stem) {
        auto& c = std::get<graph::Convolution>(graph.nodes[1].operation);
        c.weights = graph::Constant({1, 0, 0, 0, 1, 0, 0, 0, 1});
      }
      std::vector<float> given(static_cast<std::size_t>(shape.size()));
      const auto places = graph::resolve(arranged(text), shape);
      const std::vector<float> planes = counted(shape.size());
      for (std::int32_t i = 0; i < 60; ++i) {
        given[static_cast<std::size_t>(graph::place_of(places, i / 4 % 5, i % 4, i / 20))] =
            planes[static_cast<std::size_t>(i)];
      }
      const auto plan = plan::make(graph);
      EXPECT_EQ(answer(*plan, given), planes) << text;
      const auto* moves = std::get_if<plan::Call<kernels::RearrangeArgs>>(&plan->steps[0].task);
      if (stem && moves != nullptr) {
        EXPECT_EQ(moves->args.move_count, 3) << "one a plane";
      }
    }
  }
}

/// Heads of two levels, three anchors a pixel, joined; `behind` them something.
struct Heads {
  Graph graph;
  NodeId all = 0;

  explicit Heads(std::int32_t each) {
    graph.add("input", graph::Input{{8, 6, 3}});
    graph::Convolution stem = convolution(27, 8);
    stem.window = {3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
    const NodeId fine = graph.add("fine", stem, {0});
    graph::Convolution down = convolution(72, 8);
    down.window = {3, 3, 2, 2, 1, 1, 1, 1, 1, 1};
    const NodeId coarse = graph.add("coarse", down, {fine});
    std::vector<NodeId> lists;
    for (const NodeId level : {fine, coarse}) {
      const NodeId head = graph.add("head", convolution(8, 3 * each), {level});
      lists.push_back(graph.add("list", graph::Rearrange{arranged("(h w c0:3) 1 c1")}, {head}));
    }
    all = graph.add("all", graph::Join{}, lists);
  }
};

void expect_same_without_places(const Graph& graph, std::size_t steps) {
  const auto plan = plan::make(graph);
  EXPECT_EQ(plan->steps.size(), steps) << plan::to_text(*plan);
  plan::Options options;
  options.without.direct = true;
  const auto copies = plan::make(graph, options);
  EXPECT_GT(copies->steps.size(), steps);
  const std::vector<float> input = counted(graph.input_shape().size());
  EXPECT_EQ(answer(*plan, input), answer(*copies, input));
}

TEST(Heads, are_written_by_their_convolutions_to_the_caller) {
  for (const std::int32_t each : {1, 4, 5, 21}) {
    Heads heads(each);
    heads.graph.outputs = {{heads.all, "", Type::f32, {}, arranged("h c")}};
    expect_same_without_places(heads.graph, 4);
    EXPECT_EQ(plan::make(heads.graph)->outputs[0].dims, (std::vector<std::int64_t>{180, each}));
    // A function behind the join is one of the convolutions'.
    const NodeId sigmoid = heads.graph.add("sigmoid", graph::Activate{graph::Activation::sigmoid}, {heads.all});
    heads.graph.outputs = {{sigmoid, "", Type::f32, {}, arranged("h c")}};
    expect_same_without_places(heads.graph, 4);
  }
}

TEST(Heads, are_written_to_where_others_read_them) {
  Heads heads(4);
  const NodeId softmax = heads.graph.add("softmax", graph::Softmax{}, {heads.all});
  heads.graph.outputs = {{softmax, "", Type::f32, {}, arranged("h c")}};
  expect_same_without_places(heads.graph, 5);
  // The caller gets the joined ones as well, in an arrangement that takes a step.
  heads.graph.outputs.push_back({heads.all, "", Type::f32, {}, arranged("c h")});
  EXPECT_EQ(plan::make(heads.graph)->steps.size(), 6U);
}

TEST(Heads, of_one_row_are_written_beside_each_other) {
  Graph graph;
  graph.add("input", graph::Input{{1, 6, 3}});
  const NodeId left = graph.add("left", convolution(3, 8), {0}), right = graph.add("right", convolution(3, 8), {0});
  const NodeId all = graph.add("all", graph::Join{graph::Direction::columns}, {left, right});
  graph.outputs = {{all, "", Type::f32, {}, arranged("h w c")}};
  expect_same_without_places(graph, 2);
}

TEST(Heads, are_copied_where_somebody_reads_them_otherwise) {
  Heads heads(4);
  NodeId& first = heads.graph.nodes[heads.all].inputs[0];
  const NodeId head = heads.graph.nodes[first].inputs[0];
  heads.graph.outputs = {{heads.all, "all", Type::f32, {}, arranged("h c")}, {head, "head"}};
  const auto plan = plan::make(heads.graph);
  EXPECT_EQ(plan->steps.size(), 6U) << plan::to_text(*plan);  // one copies, one hands it over
  // One list twice: it can stand in one place alone.
  Heads twice(4);
  twice.graph.nodes[twice.all].inputs[1] = twice.graph.nodes[twice.all].inputs[0];
  twice.graph.outputs = {{twice.all, "", Type::f32, {}, arranged("h c")}};
  const std::vector<float> numbers = answer(*plan::make(twice.graph), counted(8 * 6 * 3));
  for (std::size_t i = 0; i < numbers.size() / 2; ++i) ASSERT_EQ(numbers[i], numbers[i + numbers.size() / 2]);
}

TEST(Join, is_of_rows_or_columns) {
  Graph graph;
  graph.add("input", graph::Input{{2, 3, 2}});
  const NodeId half = graph.add("half", graph::Slice{0, 1}, {0}), other = graph.add("other", graph::Slice{1, 1}, {0});
  const NodeId a = graph.add("a", graph::Activate{}, {half}), b = graph.add("b", graph::Activate{}, {other});
  graph.outputs = {{graph.add("both", graph::Join{graph::Direction::columns}, {a, b, a})}};
  EXPECT_EQ(answer(*plan::make(graph), counted(12)),
            (std::vector<float>{1, 2, 3, 7, 8, 9, 1, 2, 3, 4, 5, 6, 10, 11, 12, 4, 5, 6}));
  graph.outputs = {{graph.add("rows", graph::Join{graph::Direction::rows}, {b, a})}};
  EXPECT_EQ(answer(*plan::make(graph), counted(12)), (std::vector<float>{7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6}));
}

}  // namespace
}  // namespace riffle
