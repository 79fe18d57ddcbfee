// Windows that are rules: what the plan computes at several sizes, against loops that follow the rule's words.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/passes/passes.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "tests/networks.hpp"

namespace riffle {
namespace {

using graph::AutoPad;
using graph::Graph;
using graph::Shape;
using graph::Window;

/// One axis: the first pixel that each window reads, and how many of its pixels lie before the padding's end.
struct Place {
  std::int64_t first = 0, counted = 0;
};

struct Axis {
  std::int64_t in, kernel, stride, before, after, dilation;
};

std::vector<Place> places(Axis a, AutoPad auto_pad, bool ceil_mode) {
  if (a.kernel == 0) a.kernel = a.in;
  const std::int64_t reach = (a.kernel - 1) * a.dilation + 1;
  if (auto_pad != AutoPad::none) {
    // One pixel after the other, until there are enough windows.
    const std::int64_t wanted = (a.in + a.before + a.after + a.stride - 1) / a.stride;
    const auto windows = [&] {
      const std::int64_t room = a.in + a.before + a.after - reach;
      return room < 0 ? 0 : room / a.stride + 1;
    };
    for (bool behind = auto_pad == AutoPad::same_upper; windows() < wanted; behind = !behind) {
      (behind ? a.after : a.before) += 1;
    }
  }
  std::vector<Place> result;
  const std::int64_t end = a.in + a.after;
  for (std::int64_t first = -a.before;; first += a.stride) {
    const std::int64_t hangs_over = first + reach - end;
    if (hangs_over >= (ceil_mode ? a.stride : 1) || (ceil_mode && first >= a.in)) break;
    std::int64_t counted = 0;
    for (std::int64_t k = 0; k < a.kernel; ++k) counted += first + k * a.dilation < end ? 1 : 0;
    result.push_back({first, counted});
  }
  return result;
}

std::vector<Place> rows_of(const Window& w, const Shape& in) {
  return places({in.h, w.kernel_h, w.stride_h, w.pad_top, w.pad_bottom, w.dilation_h}, w.auto_pad, w.ceil_mode);
}
std::vector<Place> columns_of(const Window& w, const Shape& in) {
  return places({in.w, w.kernel_w, w.stride_w, w.pad_left, w.pad_right, w.dilation_w}, w.auto_pad, w.ceil_mode);
}

/// Calls f(tap, y, x) for the window's pixels inside the image.
template <class F>
void for_taps(const Window& w, const Shape& in, const Place& row, const Place& column, F f) {
  const std::int64_t kernel_h = w.kernel_h == 0 ? in.h : w.kernel_h, kernel_w = w.kernel_w == 0 ? in.w : w.kernel_w;
  for (std::int64_t i = 0; i < kernel_h; ++i) {
    for (std::int64_t j = 0; j < kernel_w; ++j) {
      const std::int64_t y = row.first + i * w.dilation_h, x = column.first + j * w.dilation_w;
      if (y >= 0 && y < in.h && x >= 0 && x < in.w) f(i * kernel_w + j, y, x);
    }
  }
}

/// (C, H, W) of a graph of one node behind the input.
struct Expected {
  std::size_t rows = 0, columns = 0;
  std::vector<double> values;
};

Expected expected(const graph::Convolution& o, const Shape& in, const std::vector<float>& image) {
  const auto rows = rows_of(o.window, in), columns = columns_of(o.window, in);
  Expected result{rows.size(), columns.size(), {}};
  const std::int64_t inputs = in.c / o.groups, taps = std::int64_t{o.window.kernel_h} * o.window.kernel_w;
  for (std::int64_t n = 0; n < o.outputs; ++n) {
    for (const Place& row : rows) {
      for (const Place& column : columns) {
        double sum = 0;
        for_taps(o.window, in, row, column, [&](std::int64_t tap, std::int64_t y, std::int64_t x) {
          for (std::int64_t i = 0; i < inputs; ++i) {
            const std::int64_t c = n / (o.outputs / o.groups) * inputs + i;
            sum += static_cast<double>(image[static_cast<std::size_t>((c * in.h + y) * in.w + x)]) *
                   static_cast<double>(o.weights.values()[static_cast<std::size_t>((n * inputs + i) * taps + tap)]);
          }
        });
        result.values.push_back(sum);
      }
    }
  }
  return result;
}

Expected expected(const graph::Pool& o, const Shape& in, const std::vector<float>& image) {
  const auto rows = rows_of(o.window, in), columns = columns_of(o.window, in);
  Expected result{rows.size(), columns.size(), {}};
  for (std::int64_t c = 0; c < in.c; ++c) {
    for (const Place& row : rows) {
      for (const Place& column : columns) {
        double largest = -std::numeric_limits<double>::infinity(), sum = 0;
        std::int64_t count = 0;
        for_taps(o.window, in, row, column, [&](std::int64_t, std::int64_t y, std::int64_t x) {
          const double value = image[static_cast<std::size_t>((c * in.h + y) * in.w + x)];
          largest = std::max(largest, value);
          sum += value;
          ++count;
        });
        if (o.count_padding) count = row.counted * column.counted;
        result.values.push_back(o.kind == graph::PoolKind::max ? largest : sum / static_cast<double>(count));
      }
    }
  }
  return result;
}

Expected expected(const graph::FullyConnected& o, const Shape&, const std::vector<float>& image) {
  Expected result{1, 1, {}};
  for (std::size_t n = 0; n < static_cast<std::size_t>(o.outputs); ++n) {
    double sum = 0;
    for (std::size_t i = 0; i < image.size(); ++i) {
      sum += static_cast<double>(image[i]) * static_cast<double>(o.weights.values()[n * image.size() + i]);
    }
    result.values.push_back(sum);
  }
  return result;
}

template <class Operation>
void expect_computed(const Operation& operation, std::int32_t channels,
                     std::initializer_list<std::pair<std::int32_t, std::int32_t>> sizes) {
  Graph graph;
  graph.add("input", graph::Input{{sizes.begin()->first, sizes.begin()->second, channels}});
  // A step between the two, so that the input's own layout is not all that is tried.
  const graph::NodeId relu = graph.add("relu", graph::Activate{}, {0});
  for (const graph::NodeId operand : {0, relu}) {
    graph.nodes.resize(2);
    graph.outputs = {{graph.add("node", operation, {operand})}};
    for (const auto& [h, w] : sizes) {
      graph.set_input_size(h, w);
      const Shape in = graph.input_shape();
      SCOPED_TRACE("of " + std::to_string(h) + " x " + std::to_string(w) + " x " + std::to_string(channels));
      const std::vector<float> image = testing::noise(in.size(), 3);
      std::vector<float> seen = image;
      if (operand == relu) std::ranges::transform(image, seen.begin(), [](float x) { return std::max(x, 0.0F); });
      const Expected wanted = expected(operation, in, seen);
      const auto plan = plan::make(graph);
      ASSERT_EQ(plan->outputs[0].shape.h, static_cast<std::int32_t>(wanted.rows));
      ASSERT_EQ(plan->outputs[0].shape.w, static_cast<std::int32_t>(wanted.columns));
      ASSERT_EQ(static_cast<std::size_t>(plan->outputs[0].shape.size()), wanted.values.size());
      std::vector<float> output(wanted.values.size());
      run::Session(plan).run(image.data(), output.data());
      for (std::size_t i = 0; i < output.size(); ++i) {
        ASSERT_NEAR(static_cast<double>(output[i]), wanted.values[i], 1e-4) << "element " << i;
      }
    }
  }
}

graph::Convolution convolution(std::int32_t channels, std::int32_t outputs, std::int32_t groups, const Window& window) {
  graph::Convolution o;
  o.outputs = outputs;
  o.groups = groups;
  o.window = window;
  o.weights =
      graph::Constant(testing::noise(std::int64_t{outputs} * channels / groups * window.kernel_h * window.kernel_w, 5));
  return o;
}

Window square(std::int32_t kernel, std::int32_t stride, std::int32_t padding = 0, std::int32_t dilation = 1) {
  return {kernel, kernel, stride, stride, padding, padding, padding, padding, dilation, dilation};
}

TEST(Windows, AutoPadFollowsTheSize) {
  for (const AutoPad auto_pad : {AutoPad::same_upper, AutoPad::same_lower}) {
    for (Window window : {square(3, 2), square(2, 2), square(5, 3), square(3, 1, 0, 2), square(1, 2), square(1, 1)}) {
      window.auto_pad = auto_pad;
      expect_computed(convolution(3, 5, 1, window), 3, {{12, 13}, {7, 6}, {5, 5}});  // the stem, of the input
      expect_computed(convolution(8, 8, 8, window), 8, {{12, 13}, {7, 6}});          // depthwise
      expect_computed(convolution(8, 6, 2, window), 8, {{12, 13}, {7, 6}});
    }
    Window window = square(3, 2);
    window.auto_pad = auto_pad;
    window.pad_top = 2;  // beside the rule's own
    window.pad_right = 1;
    expect_computed(convolution(4, 4, 1, window), 4, {{9, 12}, {8, 5}});
    for (const graph::PoolKind kind : {graph::PoolKind::max, graph::PoolKind::average}) {
      for (const bool count : {false, true}) {
        for (Window pooled : {square(3, 2), square(2, 2), square(2, 1), square(5, 3)}) {
          pooled.auto_pad = auto_pad;
          expect_computed(graph::Pool{kind, pooled, count, graph::Activation::none}, 9, {{12, 13}, {7, 6}, {4, 3}});
        }
      }
    }
  }
}

TEST(Windows, CeilModeFollowsTheSize) {
  for (const graph::PoolKind kind : {graph::PoolKind::max, graph::PoolKind::average}) {
    for (const bool count : {false, true}) {
      for (Window pooled :
           {square(3, 2), square(3, 2, 1), square(2, 2), square(2, 2, 1), square(2, 3), square(5, 4, 2)}) {
        pooled.ceil_mode = true;
        for (const std::int32_t channels : {3, 17}) {
          expect_computed(graph::Pool{kind, pooled, count, graph::Activation::none}, channels,
                          {{12, 13}, {7, 6}, {5, 8}, {4, 4}});
        }
      }
      // A window larger than the operand, by less than a stride.
      Window large = square(3, 2);
      large.ceil_mode = true;
      expect_computed(graph::Pool{kind, large, count, graph::Activation::none}, 4, {{2, 5}, {2, 2}});
    }
  }
}

TEST(Windows, CeilModeIsPyTorchs) {
  const auto rows = [](std::int32_t in, const Window& window) {
    return graph::resolve(window, {in, in, 1}).extent.out_h;
  };
  // torch.nn.functional.max_pool2d(..., ceil_mode=True).shape
  Window w = square(3, 2);
  w.ceil_mode = true;
  EXPECT_EQ(rows(18, w), 9);
  EXPECT_EQ(rows(17, w), 8);
  EXPECT_EQ(rows(2, w), 1);
  w = square(2, 2, 1);
  w.ceil_mode = true;
  EXPECT_EQ(rows(5, w), 3);  // a fourth would begin behind the last pixel, in the padding
  EXPECT_EQ(rows(4, w), 3);
  w = square(1, 3);
  w.ceil_mode = true;
  EXPECT_EQ(rows(6, w), 2);  // a third would begin behind the last pixel
  EXPECT_EQ(rows(7, w), 3);
}

TEST(Windows, AKernelOfNothingIsAllOfTheOperand) {
  for (const graph::PoolKind kind : {graph::PoolKind::max, graph::PoolKind::average}) {
    for (const auto& [h, w] : {std::pair{0, 1}, {1, 0}, {0, 0}}) {
      const Window window{.kernel_h = h, .kernel_w = w};
      expect_computed(graph::Pool{kind, window, false, graph::Activation::none}, 9, {{6, 5}, {11, 12}, {1, 4}});
    }
    const Window window{.kernel_h = 0, .kernel_w = 3, .stride_w = 2, .pad_left = 1, .pad_right = 1};
    expect_computed(graph::Pool{kind, window, false, graph::Activation::none}, 5, {{6, 5}, {3, 12}});
  }
}

TEST(Windows, AFullyConnectedLayerIsOfItsSizeAlone) {
  graph::FullyConnected dense{7, graph::Constant(testing::noise(7 * 5 * 3 * 4, 5)), {}};
  dense.height = 3;
  dense.width = 4;
  expect_computed(dense, 5, {{3, 4}});

  Graph graph;
  graph.add("input", graph::Input{{3, 4, 5}});
  graph.outputs = {{graph.add("dense", dense, {0})}};
  passes::optimise(graph);  // what is written to a file still refuses
  graph.set_input_size(6, 8);
  try {
    (void)plan::make(graph);
    FAIL() << "no Error";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("'dense' (fully connected): the operand is 5x6x8, and the weights are for 5x3x4"),
              std::string::npos)
        << message;
  }
}

TEST(Windows, OfAConvolutionAndItsChain) {
  // The stem and the max pooling behind it are one step; so are a pointwise convolution and a depthwise one.
  for (const AutoPad auto_pad : {AutoPad::none, AutoPad::same_upper, AutoPad::same_lower}) {
    Graph graph;
    graph.add("input", graph::Input{{64, 64, 3}});
    Window stem = square(3, 2), pooled = square(3, 2);
    stem.auto_pad = pooled.auto_pad = auto_pad;
    pooled.ceil_mode = auto_pad == AutoPad::none;
    const graph::NodeId first = graph.add("stem", convolution(3, 8, 1, stem), {0});
    graph.outputs = {
        {graph.add("pool", graph::Pool{graph::PoolKind::max, pooled, false, graph::Activation::none}, {first})}};
    for (const std::int32_t size : {64, 66, 69}) {
      graph.set_input_size(size, size + 1);
      const std::vector<float> image = testing::noise(graph.input_shape().size(), 3);
      const Expected convolved =
          expected(std::get<graph::Convolution>(graph.nodes[1].operation), graph.input_shape(), image);
      const Shape between{static_cast<std::int32_t>(convolved.rows), static_cast<std::int32_t>(convolved.columns), 8};
      const Expected wanted = expected(std::get<graph::Pool>(graph.nodes[2].operation), between,
                                       {convolved.values.begin(), convolved.values.end()});
      const auto plan = plan::make(graph);
      EXPECT_TRUE(std::holds_alternative<plan::Chain>(plan->steps[0].task));
      std::vector<float> output(static_cast<std::size_t>(plan->outputs[0].shape.size()));
      ASSERT_EQ(output.size(), wanted.values.size());
      run::Session(plan).run(image.data(), output.data());
      for (std::size_t i = 0; i < output.size(); ++i) {
        ASSERT_NEAR(static_cast<double>(output[i]), wanted.values[i], 1e-4) << "element " << i;
      }
    }
  }
}

std::string refusal(const Window& window, const Shape& in) {
  try {
    (void)graph::resolve(window, in);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Windows, RefuseWhatIsOutOfRange) {
  Window padded{.kernel_h = 0, .pad_top = 1};
  EXPECT_NE(refusal(padded, {4, 4, 1}).find("as large as the operand"), std::string::npos);
  Window same{.kernel_w = 0, .auto_pad = AutoPad::same_upper};
  EXPECT_NE(refusal(same, {4, 4, 1}).find("as large as the operand"), std::string::npos);
  Window negative{.kernel_h = -1};
  EXPECT_NE(refusal(negative, {4, 4, 1}).find("kernel is -1"), std::string::npos);
  Window wide{.kernel_h = 32768, .dilation_h = 32768, .auto_pad = AutoPad::same_lower};
  EXPECT_NE(refusal(wide, {4, 4, 1}).find("padding is"), std::string::npos);
  Window large = square(5, 2);
  large.ceil_mode = true;
  EXPECT_NE(refusal(large, {3, 3, 1}).find("does not fit into 3"), std::string::npos);

  Graph graph;
  graph.add("input", graph::Input{{4, 4, 2}});
  graph.outputs = {{graph.add("conv", convolution(2, 2, 1, {.kernel_h = 0}), {0})}};
  EXPECT_THROW((void)graph::infer_shapes(graph), Error);
  graph.nodes[1].operation = convolution(2, 2, 1, {.ceil_mode = true});
  EXPECT_THROW((void)graph::infer_shapes(graph), Error);
}

}  // namespace
}  // namespace riffle
