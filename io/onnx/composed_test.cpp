// Operators that become nodes of several others, by the numbers that these make.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "io/onnx/test_model.hpp"

namespace riffle::onnx {
namespace {

using Ints = std::vector<std::int64_t>;
using Numbers = std::vector<float>;

/// From `lower` to `upper`, both of them there.
Numbers between(double lower, double upper, int count = 60) {
  Numbers result;
  for (int i = 0; i < count; ++i) result.push_back(static_cast<float>(lower + (upper - lower) * i / (count - 1)));
  return result;
}

/// In no order, some of them equal.
Numbers mixed(std::size_t count) {
  Numbers result;
  for (std::size_t i = 0; i < count; ++i) result.push_back(static_cast<float>(i * 7 % 11) * 0.5F - 2.5F);
  return result;
}

Numbers result_for(const TestModel& m, const Numbers& x) {
  return numbers_of<float>(outputs_of(m.import(), {bytes_of(x)}, 1)[0]);
}

void expect_close(const Numbers& actual, const Numbers& expected, float tolerance = 2e-5F) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], tolerance) << "number " << i;
}

struct Formula {
  const char* type;
  double lower, upper;
  double (*f)(double);
};
const Formula formulas[] = {
    {"Sin", -20, 20, [](double x) { return std::sin(x); }},
    {"Cos", -20, 20, [](double x) { return std::cos(x); }},
    {"Tan", -1.4, 1.4, [](double x) { return std::tan(x); }},
    {"Asin", -1, 1, [](double x) { return std::asin(x); }},
    {"Acos", -1, 1, [](double x) { return std::acos(x); }},
    {"Atan", -3, 3, [](double x) { return std::atan(x); }},
    {"Atan", -3e30, 3e30, [](double x) { return std::atan(x); }},
    {"Sinh", -3, 3, [](double x) { return std::sinh(x); }},
    {"Cosh", -3, 3, [](double x) { return std::cosh(x); }},
    {"Asinh", -50, 50, [](double x) { return std::asinh(x); }},
    {"Acosh", 1, 50, [](double x) { return std::acosh(x); }},
    {"Atanh", -0.99, 0.99, [](double x) { return std::atanh(x); }},
};

TEST(Formulas, AreNearTheirReferences) {
  for (const Formula& formula : formulas) {
    TestModel m({0, 60, 1, 1}), of_constant({0, 60, 1, 1});
    m.node(formula.type, {"x"});
    const Numbers x = between(formula.lower, formula.upper);
    of_constant.node(formula.type, {of_constant.floats({60, 1, 1}, x)}, "a");
    of_constant.node("Mul", {"x", "a"}, "y");
    Numbers expected;
    for (const float one : x) expected.push_back(static_cast<float>(formula.f(static_cast<double>(one))));
    SCOPED_TRACE(formula.type);
    expect_close(result_for(m, x), expected);
    expect_close(result_for(of_constant, Numbers(60, 1.0F)), expected, 1e-6F);
  }
}

TEST(Formulas, ShrinkLeavesOutWhatIsNear) {
  for (const auto& [lambd, bias] : {std::pair{0.5F, 0.0F}, {1.0F, 1.0F}, {0.75F, -0.25F}, {0.0F, 0.5F}}) {
    TestModel m({0, 60, 1, 1});
    m.node("Shrink", {"x"}, "y", {{"lambd", lambd}, {"bias", bias}});
    const Numbers x = between(-2, 2, 60);
    Numbers expected;
    for (const float one : x) expected.push_back(one > lambd ? one - bias : one < -lambd ? one + bias : 0.0F);
    expect_close(result_for(m, x), expected);
  }
  TestModel negative;
  negative.node("Shrink", {"x"}, "y", {{"lambd", -1.0F}});
  EXPECT_NE(negative.refusal().find("lambd is negative"), std::string::npos);
}

TEST(Formulas, SwishMayBeOfAMultiple) {
  TestModel m({0, 60, 1, 1}, 24);
  m.node("Swish", {"x"}, "y", {{"alpha", 1.7F}});
  const Numbers x = between(-4, 4);
  Numbers expected;
  for (const float one : x) expected.push_back(one / (1.0F + std::exp(-1.7F * one)));
  expect_close(result_for(m, x), expected);
}

TEST(LpPool, IsTheRootOfASumOfPowers) {
  const Numbers x = mixed(2 * 4 * 5);
  for (const int p : {1, 2, 3}) {
    TestModel m({0, 2, 4, 5}), global({0, 2, 4, 5});
    m.node("LpPool", {"x"}, "y",
           {{"kernel_shape", Ints{3, 2}}, {"strides", Ints{2, 1}}, {"pads", Ints{1, 0, 0, 1}}, {"p", p}});
    global.node("GlobalLpPool", {"x"}, "y", {{"p", p}});
    Numbers windows, all;
    const auto norm = [&](int c, int top, int bottom, int left, int right) {
      double sum = 0;
      for (int row = std::max(top, 0); row < std::min(bottom, 4); ++row) {
        for (int column = std::max(left, 0); column < std::min(right, 5); ++column) {
          sum += std::pow(std::abs(static_cast<double>(x[static_cast<std::size_t>(c * 20 + row * 5 + column)])), p);
        }
      }
      return static_cast<float>(std::pow(sum, 1.0 / p));
    };
    for (int c = 0; c < 2; ++c) {
      for (int row = 0; row < 2; ++row) {
        for (int column = 0; column < 5; ++column) {
          windows.push_back(norm(c, 2 * row - 1, 2 * row + 2, column, column + 2));
        }
      }
      all.push_back(norm(c, 0, 4, 0, 5));
    }
    expect_close(result_for(m, x), windows, 1e-4F);
    expect_close(result_for(global, x), all, 1e-4F);
  }
  TestModel none;
  none.node("LpPool", {"x"}, "y", {{"kernel_shape", Ints{2, 2}}, {"p", 0}});
  EXPECT_NE(none.refusal().find("p is 0"), std::string::npos);
}

TEST(MaxPool, WindowsMayHaveGaps) {
  const Numbers x = mixed(2 * 7 * 6);
  TestModel m({0, 2, 7, 6});
  m.node(
      "MaxPool", {"x"}, "y",
      {{"kernel_shape", Ints{3, 2}}, {"dilations", Ints{2, 3}}, {"strides", Ints{2, 1}}, {"pads", Ints{1, 0, 0, 1}}});
  Numbers expected;
  for (int c = 0; c < 2; ++c) {
    for (int row = 0; row < 2; ++row) {
      for (int column = 0; column < 4; ++column) {
        float most = -std::numeric_limits<float>::infinity();
        for (int i = 0; i < 3; ++i) {
          for (int j = 0; j < 2; ++j) {
            const int y = 2 * row - 1 + 2 * i, at = column + 3 * j;
            if (y >= 0 && y < 7 && at < 6) most = std::max(most, x[static_cast<std::size_t>(c * 42 + y * 6 + at)]);
          }
        }
        expected.push_back(most);
      }
    }
  }
  EXPECT_EQ(result_for(m, x), expected);
}

/// The largest, or the mean, of each window of one channel, of the taps that are in the image; of those in the padding
/// as well where `counts`.
Numbers pooled(const Numbers& x, int h, int w, int out_h, int out_w, int kernel, int stride, int dilation, int pad,
               bool is_max, bool counts) {
  Numbers result;
  for (int row = 0; row < out_h; ++row) {
    for (int column = 0; column < out_w; ++column) {
      float most = -std::numeric_limits<float>::infinity(), sum = 0, count = 0;
      for (int i = 0; i < kernel; ++i) {
        for (int j = 0; j < kernel; ++j) {
          const int y = stride * row - pad + dilation * i, at = stride * column - pad + dilation * j;
          const bool is_inside = y >= 0 && y < h && at >= 0 && at < w;
          if (is_inside || (counts && y < h + pad && at < w + pad)) ++count;
          if (!is_inside) continue;
          most = std::max(most, x[static_cast<std::size_t>(y * w + at)]);
          sum += x[static_cast<std::size_t>(y * w + at)];
        }
      }
      result.push_back(is_max ? most : sum / count);
    }
  }
  return result;
}

TEST(MaxPool, WindowsWithGapsMayHangOverTheEnd) {
  const Numbers x = mixed(7 * 6);
  TestModel hangs({0, 1, 7, 6});
  hangs.node("MaxPool", {"x"}, "y",
             {{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{2, 2}}, {"strides", Ints{3, 3}}, {"ceil_mode", 1}});
  EXPECT_EQ(result_for(hangs, x), pooled(x, 7, 6, 3, 2, 2, 3, 2, 0, true, false));
  EXPECT_NE(hangs.import().input().only_size, "");
  for (const char* type : {"MaxPool", "AveragePool"}) {
    TestModel same({0, 1, 7, 6}, 19);
    same.node(type, {"x"}, "y", {{"kernel_shape", Ints{3, 3}}, {"dilations", Ints{2, 2}}, {"auto_pad", "SAME_UPPER"}});
    EXPECT_NE(same.refusal().find("give pads"), std::string::npos) << same.refusal();
  }
}

TEST(AveragePool, WindowsMayHaveGaps) {
  const Numbers x = mixed(7 * 6);
  for (const int counts : {0, 1}) {
    for (const int ceil : {0, 1}) {
      for (const int pad : {0, 2}) {
        SCOPED_TRACE(std::to_string(counts) + ", ceil " + std::to_string(ceil) + ", pad " + std::to_string(pad));
        TestModel m({0, 1, 7, 6}, 19);
        m.node("AveragePool", {"x"}, "y",
               {{"kernel_shape", Ints{3, 3}},
                {"dilations", Ints{2, 2}},
                {"strides", Ints{3, 3}},
                {"pads", Ints{pad, pad, pad, pad}},
                {"ceil_mode", ceil},
                {"count_include_pad", counts}});
        const auto extent = [&](int in) { return (in + 2 * pad - 5 + (ceil != 0 ? 2 : 0)) / 3 + 1; };
        expect_close(result_for(m, x), pooled(x, 7, 6, extent(7), extent(6), 3, 3, 2, pad, false, counts != 0), 1e-6F);
        const bool is_of_one_size = ceil != 0 || (pad != 0 && counts == 0);
        EXPECT_EQ(m.import().input().only_size.empty(), !is_of_one_size);
      }
    }
  }
}

TEST(Constants, AreReducedAsTensorsAre) {
  const struct {
    const char* type;
    float first, second;
  } cases[] = {
      {"ReduceL1", 9, 3}, {"ReduceL2", 5.385165F, 2.236068F}, {"ReduceMean", 0.75F, 0.75F}, {"ReduceSumSquare", 29, 5}};
  for (const auto& [type, first, second] : cases) {
    SCOPED_TRACE(type);
    TestModel m({0, 2, 1, 1});
    const std::string weights = m.floats({2, 2, 2}, {-3, 2, 0, 4, 0, 2, 1, 0});
    m.node(type, {weights}, "norms", {{"axes", Ints{1, 2}}});
    m.node("Reshape", {"norms", m.list({1, 2, 1, 1})}, "shaped");
    m.node("Mul", {"x", "shaped"}, "y");
    expect_close(result_for(m, {1, 1}), {first, second}, 1e-6F);
  }
}

/// Of the image (3, 4, 5), for each place of all axes but this one: its numbers, which f changes in place.
Numbers along(Numbers x, std::size_t axis, const std::function<void(std::vector<float*>)>& f) {
  const std::size_t extents[] = {3, 4, 5}, steps[] = {20, 5, 1};
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i / steps[axis] % extents[axis] != 0) continue;
    std::vector<float*> line;
    for (std::size_t k = 0; k < extents[axis]; ++k) line.push_back(&x[i + k * steps[axis]]);
    f(line);
  }
  return x;
}

TEST(CumSum, AddsUpAlongAnAxis) {
  for (const std::size_t axis : {0U, 1U, 2U}) {
    for (const int exclusive : {0, 1}) {
      for (const int reverse : {0, 1}) {
        TestModel m({0, 3, 4, 5});
        m.node("CumSum", {"x", m.scalar(static_cast<std::int64_t>(axis) + 1)}, "y",
               {{"exclusive", exclusive}, {"reverse", reverse}});
        expect_close(result_for(m, mixed(60)), along(mixed(60), axis, [&](std::vector<float*> line) {
                       if (reverse == 1) std::ranges::reverse(line);
                       float sum = 0;
                       for (float* one : line) {
                         const float own = *one;
                         *one = exclusive == 1 ? sum : sum + own;
                         sum += own;
                       }
                     }));
      }
    }
  }
  TestModel batch;
  batch.node("CumSum", {"x", batch.scalar(0)});
  EXPECT_NE(batch.refusal().find("CumSum node 'the_node': it sums up over the batch"), std::string::npos);
}

TEST(Hardmax, IsOneForTheFirstOfTheLargest) {
  for (const std::size_t axis : {0U, 1U, 2U}) {
    TestModel m({0, 3, 4, 5});
    m.node("Hardmax", {"x"}, "y", {{"axis", static_cast<int>(axis) + 1}});
    const Numbers x(60, 1.0F);  // all of them equal
    for (const Numbers& given : {mixed(60), x}) {
      EXPECT_EQ(result_for(m, given), along(given, axis, [](std::vector<float*> line) {
                  const auto by_value = [](const float* a, const float* b) { return *a < *b; };
                  float* const first = *std::ranges::max_element(line, by_value);
                  for (float* one : line) *one = one == first ? 1.0F : 0.0F;
                }));
    }
  }
  TestModel old({0, 3, 4, 5}, 12);
  old.node("Hardmax", {"x"});
  EXPECT_NE(old.refusal().find("before opset 13"), std::string::npos);
}

TEST(MeanVarianceNormalization, HasNoMeanAndADeviationOfOne) {
  TestModel m({1, 2, 3, 3}), of_batch({0, 2, 3, 3});
  m.node("MeanVarianceNormalization", {"x"});
  const Numbers x = mixed(18), y = result_for(m, x);
  for (std::size_t c = 0; c < 2; ++c) {
    double mean = 0, square = 0, mean_of_x = 0, deviation = 0;
    for (std::size_t i = 0; i < 9; ++i) mean_of_x += static_cast<double>(x[c * 9 + i]) / 9;
    for (std::size_t i = 0; i < 9; ++i) deviation += std::pow(static_cast<double>(x[c * 9 + i]) - mean_of_x, 2) / 9;
    for (std::size_t i = 0; i < 9; ++i) {
      const auto one = static_cast<double>(y[c * 9 + i]);
      mean += one / 9;
      square += one * one / 9;
      EXPECT_NEAR(one, (static_cast<double>(x[c * 9 + i]) - mean_of_x) / std::sqrt(deviation), 1e-5);
    }
    EXPECT_NEAR(mean, 0, 1e-6);
    EXPECT_NEAR(square, 1, 1e-5);
  }
  for (const float one : result_for(m, Numbers(18, 3.0F))) EXPECT_EQ(one, 0.0F);  // of no deviation
  of_batch.node("MeanVarianceNormalization", {"x"});
  EXPECT_NE(of_batch.refusal().find("MeanVarianceNormalization node 'the_node'"), std::string::npos);
}

/// ONNX's Resize of one line, as its specification has it.
Numbers resized_line(const Numbers& x, std::size_t count, bool is_cubic, bool excludes, bool antialiases) {
  constexpr double a = -0.75;
  const double scale = static_cast<double>(count) / static_cast<double>(x.size());
  const double narrow = antialiases ? std::min(scale, 1.0) : 1.0;
  Numbers result;
  for (std::size_t i = 0; i < count; ++i) {
    const double place = (static_cast<double>(i) + 0.5) / scale - 0.5;
    double sum = 0, weights = 0;
    for (int at = -40; at < 60; ++at) {
      const double d = std::abs(at - place) * narrow;
      double weight = std::max(1 - d, 0.0);
      if (is_cubic) {
        weight = d <= 1   ? (a + 2) * d * d * d - (a + 3) * d * d + 1
                 : d <= 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a
                          : 0;
      }
      const int inside = std::clamp(at, 0, static_cast<int>(x.size()) - 1);
      if (excludes && inside != at) continue;
      sum += weight * static_cast<double>(x[static_cast<std::size_t>(inside)]);
      weights += weight;
    }
    result.push_back(static_cast<float>(sum / weights));
  }
  return result;
}

TEST(FilteredResize, MixesAllPixelsThatItsFilterReaches) {
  const Numbers line = mixed(9);
  for (const std::size_t count : {18U, 5U, 13U}) {
    for (const bool is_cubic : {true, false}) {
      for (const int excludes : {0, 1}) {
        for (const int antialiases : {0, 1}) {
          if (!is_cubic && excludes + antialiases == 0) continue;  // the engine's own
          const Numbers expected = resized_line(line, count, is_cubic, excludes == 1, antialiases == 1);
          for (const bool of_rows : {true, false}) {
            TestModel m({1, 1, of_rows ? 9 : 1, of_rows ? 1 : 9}, 18);
            const auto to = static_cast<std::int64_t>(count);
            m.node(
                "Resize", {"x", "", "", m.list({1, 1, of_rows ? to : 1, of_rows ? 1 : to})}, "y",
                {{"mode", is_cubic ? "cubic" : "linear"}, {"exclude_outside", excludes}, {"antialias", antialiases}});
            expect_close(result_for(m, line), expected);
          }
        }
      }
    }
  }
  TestModel image({0, 2, 6, 6});
  image.node("Resize", {"x", "", image.floats({4}, {1, 1, 2, 2})}, "y", {{"mode", "cubic"}});
  const graph::Graph graph = image.import();
  EXPECT_NE(graph.input().only_size.find("a filter"), std::string::npos) << graph.input().only_size;
  const graph::Shape shape = graph::infer_shapes(graph)[graph.outputs[0].node];
  EXPECT_EQ(shape.size(), 2 * 12 * 12);
}

TEST(Pad, WrapsAround) {
  const Numbers x = mixed(2 * 3 * 4);
  TestModel m({0, 2, 3, 4}, 19);
  m.node("Pad", {"x", m.list({0, 1, 2, 0, 0, 0, 1, 3})}, "y", {{"mode", "wrap"}});
  Numbers expected;
  for (int c = -1; c < 2; ++c) {
    for (int row = -2; row < 4; ++row) {
      for (int column = 0; column < 7; ++column) {
        expected.push_back(x[static_cast<std::size_t>((c + 2) % 2 * 12 + (row + 3) % 3 * 4 + column % 4)]);
      }
    }
  }
  EXPECT_EQ(result_for(m, x), expected);
  TestModel far({0, 2, 3, 4}, 19);
  far.node("Pad", {"x", far.list({0, 0, 4, 0, 0, 0, 0, 0})}, "y", {{"mode", "wrap"}});
  EXPECT_NE(far.refusal().find("of 3 it wraps 4 and 0 around"), std::string::npos) << far.refusal();
}

TEST(Inputs, MayBeLines) {
  TestModel m({0, 2, 6});
  m.node("MaxPool", {"x"}, "y", {{"kernel_shape", Ints{3}}, {"strides", Ints{3}}});
  const graph::Graph graph = m.import();
  EXPECT_EQ(numbers_of<float>(outputs_of(graph, {bytes_of(Numbers{1, 2, 3, 6, 5, 4, 7, 9, 8, 0, -1, 2})}, 1)[0]),
            (Numbers{3, 6, 9, 2}));
  EXPECT_NE(graph.input().only_size.find("a line"), std::string::npos);
  EXPECT_EQ(graph::resolve(graph.input().arrangement, graph.input().shape).extents, (Ints{2, 6}));
}

TEST(Inputs, OfWholeNumbersAreReadByCast) {
  for (const auto type : {::onnx::TensorProto::INT32, ::onnx::TensorProto::INT64}) {
    TestModel m({0, 2, 1, 2}, 13, type);
    m.node("Cast", {"x"}, "real", {{"to", ::onnx::TensorProto::FLOAT}});
    m.node("Relu", {"real"});
    EXPECT_EQ(result_for(m, {3, -2, 0, 70000}), (Numbers{3, 0, 0, 70000}));

    TestModel shape({0, 4, 6, 6});
    shape.input("z", {0, 4, 9, 4}, type);
    shape.node("Shape", {"z"}, "shape");
    shape.node("Gather", {"shape", shape.scalar(2)}, "rows");
    shape.node("Unsqueeze", {"rows", shape.list({0})}, "list");
    shape.node("Concat", {shape.list({0, 4}), "list", shape.list({-1})}, "to", {{"axis", 0}});
    shape.node("Reshape", {"x", "to"}, "y");
    EXPECT_EQ(shape.refusal(), "");

    TestModel other({0, 2, 1, 2}, 13, type);
    other.node("Relu", {"x"});
    EXPECT_NE(other.refusal().find("an input of the model of whole numbers: it becomes float by Cast"),
              std::string::npos)
        << other.refusal();
    TestModel out({0, 2, 1, 2}, 13, type);
    out.node("Identity", {"x"});
    EXPECT_NE(out.refusal(), "");
  }
}

}  // namespace
}  // namespace riffle::onnx
