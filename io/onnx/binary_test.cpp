// Operations on two tensors, or a tensor and a constant, reductions and norms: what they become, and the numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "io/onnx/test_model.hpp"

namespace riffle::onnx {
namespace {

using Ints = std::vector<std::int64_t>;
using Numbers = std::vector<float>;

/// 0.25, 0.5, 0.75 ... with a sign that changes now and then.
Numbers numbers(std::size_t count) {
  Numbers result;
  for (std::size_t i = 0; i < count; ++i) {
    result.push_back(static_cast<float>(i % 13 + 1) * (i % 3 == 2 ? -0.25F : 0.25F));
  }
  return result;
}

Numbers result_of(const TestModel& m, const std::vector<Numbers>& inputs) {
  std::vector<Bytes> bytes;
  for (const Numbers& input : inputs) bytes.push_back(bytes_of(input));
  return numbers_of<float>(outputs_of(m.import(), bytes, 1)[0]);
}

void expect_near(const Numbers& actual, const Numbers& expected, float tolerance = 1e-5F) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], tolerance) << "number " << i;
}

/// f(c, y, x) of an image.
Numbers each(std::int64_t channels, std::int64_t height, std::int64_t width,
             const std::function<float(std::size_t, std::size_t, std::size_t)>& f) {
  Numbers result;
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        result.push_back(f(static_cast<std::size_t>(c), static_cast<std::size_t>(y), static_cast<std::size_t>(x)));
      }
    }
  }
  return result;
}

struct Case {
  const char* type;
  float (*f)(float, float);
};
const Case cases[] = {
    {"Add", [](float a, float b) { return a + b; }},
    {"Sub", [](float a, float b) { return a - b; }},
    {"Mul", [](float a, float b) { return a * b; }},
    {"Div", [](float a, float b) { return a / b; }},
    {"Max", [](float a, float b) { return std::max(a, b); }},
    {"Min", [](float a, float b) { return std::min(a, b); }},
    {"Pow", [](float a, float b) { return std::pow(std::abs(a), b); }},
};

/// Of (C, H, W) = (4, 2, 3): every way in which the second one is broadcast, and the first one.
TEST(Binary, OfTensorsIsBroadcast) {
  const Numbers x = numbers(24);
  for (const Case& one : cases) {
    for (int which = 0; which < 16; ++which) {
      SCOPED_TRACE(std::string(one.type) + " " + std::to_string(which));
      const std::int64_t c = which & 1 ? 4 : 1, h = which & 2 ? 2 : 1, w = which & 4 ? 3 : 1;
      const bool is_first = (which & 8) != 0;
      TestModel m({1, 4, 2, 3});
      m.input("z", {1, c, h, w});
      const bool is_power = std::string(one.type) == "Pow";
      std::string a = "x", b = "z";
      if (is_first) std::swap(a, b);
      if (is_power) {  // of what has one
        m.node("Mul", {a, a}, "square");
        m.node("Pow", {"square", m.floats({}, {0.5F})}, "absolute");
        a = "absolute";
      }
      m.node(one.type, {a, b});
      const Numbers z = numbers(static_cast<std::size_t>(c * h * w));
      const Numbers expected = each(4, 2, 3, [&](std::size_t ch, std::size_t y, std::size_t xx) {
        const std::size_t at = (c == 1 ? 0 : ch) * static_cast<std::size_t>(h * w) +
                               (h == 1 ? 0 : y) * static_cast<std::size_t>(w) + (w == 1 ? 0 : xx);
        const float left = x[ch * 6 + y * 3 + xx];
        return is_first ? one.f(z[at], left) : one.f(left, z[at]);
      });
      expect_near(result_of(m, {x, z}), expected, 1e-4F);
    }
  }
}

/// The same with constants, which may be of fewer dimensions.
TEST(Binary, OfATensorAndAConstant) {
  const Numbers x = numbers(24);
  for (const Case& one : cases) {
    for (const Ints& dims : {Ints{}, Ints{1}, Ints{4, 1, 1}, Ints{1, 4, 1, 1}, Ints{3}, Ints{2, 1}, Ints{2, 3},
                             Ints{4, 2, 3}, Ints{1, 4, 2, 3}, Ints{1, 1, 2, 3}}) {
      for (const bool is_first : {false, true}) {
        SCOPED_TRACE(std::string(one.type) + " of " + std::to_string(dims.size()) + " dimensions");
        Ints full = dims;
        full.insert(full.begin(), 4 - dims.size(), 1);
        std::int64_t count = 1;
        for (const std::int64_t dim : dims) count *= dim;
        Numbers z = numbers(static_cast<std::size_t>(count));
        const bool is_power = std::string(one.type) == "Pow";
        if (is_power && is_first) {
          for (float& number : z) number = std::abs(number);
        }
        TestModel m({1, 4, 2, 3});
        std::string a = "x", b = m.floats(dims, z);
        if (is_power && !is_first) {
          m.node("Mul", {"x", "x"}, "square");
          m.node("Pow", {"square", m.floats({}, {0.5F})}, "absolute");
          a = "absolute";
        }
        if (is_first) std::swap(a, b);
        m.node(one.type, {a, b});
        const Numbers expected = each(4, 2, 3, [&](std::size_t c, std::size_t y, std::size_t xx) {
          const std::size_t at = ((full[1] == 1 ? 0 : c) * static_cast<std::size_t>(full[2]) + (full[2] == 1 ? 0 : y)) *
                                     static_cast<std::size_t>(full[3]) +
                                 (full[3] == 1 ? 0 : xx);
          const float left = x[c * 6 + y * 3 + xx];
          return is_first ? one.f(z[at], left) : one.f(left, z[at]);
        });
        expect_near(result_of(m, {x}), expected, 1e-4F);
      }
    }
  }
}

TEST(Binary, OfAConstantAChannelIsABatchNorm) {
  for (const char* type : {"Add", "Sub", "Mul", "Div"}) {
    TestModel m;
    m.node(type, {"x", m.floats({4, 1, 1})});
    EXPECT_EQ(m.operations(), "input, batch norm") << type;
  }
  TestModel one_minus;
  one_minus.node("Sub", {one_minus.floats({}, {1.0F}), "x"});
  EXPECT_EQ(one_minus.operations(), "input, batch norm");
  TestModel over_x;
  over_x.node("Div", {over_x.floats({}, {1.0F}), "x"});
  EXPECT_EQ(over_x.operations(), "input, activation");
  TestModel clip;
  clip.node("Max", {"x", clip.floats({}, {-0.25F})}, "a");
  clip.node("Min", {clip.floats({1}, {0.75F}), "a"});
  EXPECT_EQ(clip.operations(), "input, activation, activation");
}

/// A constant of as many rows and columns is one of the model's size alone.
TEST(Binary, OfAnImageHoldsForItsSize) {
  TestModel m({0, 4, 6, 6});
  m.node("Add", {"x", m.floats({4, 6, 6})});
  graph::Graph graph = m.import();
  EXPECT_NE(graph.input().only_size, "");
  EXPECT_THROW(graph.set_input_size(8, 8), Error);
  TestModel gate({0, 4, 6, 6});
  gate.node("GlobalAveragePool", {"x"}, "a");
  gate.node("Mul", {"x", "a"});
  graph::Graph gated = gate.import();
  gated.set_input_size(8, 9);
  EXPECT_EQ(graph::infer_shapes(gated).back(), (graph::Shape{8, 9, 4}));
}

TEST(Binary, OfMoreThanTwo) {
  const Numbers x = numbers(24);
  const auto of = [&](const char* type) {
    TestModel m({1, 4, 2, 3});
    m.node("Mul", {"x", "x"}, "a");
    m.node(type, {"x", "a", m.floats({}, {0.5F})});
    return result_of(m, {x});
  };
  Numbers sum, mean, most;
  for (const float one : x) {
    sum.push_back(one + one * one + 0.5F);
    mean.push_back(sum.back() / 3);
    most.push_back(std::max({one, one * one, 0.5F}));
  }
  expect_near(of("Sum"), sum);
  expect_near(of("Mean"), mean);
  expect_near(of("Max"), most);
}

/// Equal views are combined below them, a grid is brought into the node's order: what a YOLO's head does.
TEST(Binary, OfViewsOfFiveAxes) {
  const Numbers x = numbers(2 * 3 * 2 * 2), grid = numbers(2 * 2 * 3), anchors = numbers(2 * 3);
  TestModel m({1, 6, 2, 2});
  m.node("Reshape", {"x", m.list({1, 2, 3, 2, 2})}, "a");
  m.node("Transpose", {"a"}, "b", {{"perm", Ints{0, 1, 3, 4, 2}}});  // (N, A, H, W, K)
  m.node("Add", {"b", m.floats({1, 1, 2, 2, 3}, grid)}, "c");
  m.node("Mul", {"c", m.floats({1, 2, 1, 1, 3}, anchors)}, "d");
  m.node("Mul", {"d", "b"}, "e");
  m.node("Transpose", {"e"}, "f", {{"perm", Ints{0, 1, 4, 2, 3}}});
  m.node("Reshape", {"f", m.list({1, 6, 2, 2})});
  const Numbers expected = each(6, 2, 2, [&](std::size_t c, std::size_t y, std::size_t xx) {
    const std::size_t k = c % 3;
    const float own = x[c * 4 + y * 2 + xx];
    return (own + grid[(y * 2 + xx) * 3 + k]) * anchors[c] * own;
  });
  expect_near(result_of(m, {x}), expected);
}

TEST(Concat, WithZerosIsALiteralOfOnePixel) {
  TestModel m({0, 4, 6, 6});
  m.node("Concat", {"x", m.floats({1, 2, 6, 6}, Numbers(72, 0.0F))}, "y", {{"axis", 1}});
  graph::Graph graph = m.import();
  EXPECT_EQ(only<graph::Literal>(graph).shape, (graph::Shape{1, 1, 2}));
  graph.set_input_size(3, 5);
  EXPECT_EQ(graph::infer_shapes(graph).back(), (graph::Shape{3, 5, 6}));

  TestModel varied({1, 4, 2, 3});
  const Numbers own = numbers(12);
  varied.node("Concat", {varied.floats({1, 2, 2, 3}, own), "x"}, "y", {{"axis", 1}});
  Numbers expected = own;
  const Numbers x = numbers(24);
  expected.insert(expected.end(), x.begin(), x.end());
  expect_near(result_of(varied, {x}), expected);
}

TEST(Pad, OfChannelsIsAConcatenation) {
  TestModel m({1, 2, 1, 2});
  m.node("Pad", {"x", m.list({0, 1, 0, 0, 0, 2, 0, 0})});
  EXPECT_EQ(m.operations(), "input, literal, literal, concat");
  expect_near(result_of(m, {{1, 2, 3, 4}}), {0, 0, 1, 2, 3, 4, 0, 0, 0, 0});
}

TEST(Expand, OfChannelsAndPixels) {
  TestModel vector({1, 2});
  vector.node("ReduceL2", {"x"}, "norm", {{"axes", Ints{1}}, {"keepdims", 1}});
  vector.node("Shape", {"x"}, "shape");
  vector.node("Expand", {"norm", "shape"}, "all");
  vector.node("Div", {"x", "all"});
  expect_near(result_of(vector, {{3, 4}}), {0.6F, 0.8F});
  TestModel image({1, 2, 1, 1});
  image.node("Expand", {"x", image.list({1, 2, 2, 3})});
  expect_near(result_of(image, {{3, 4}}), {3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4});
}

TEST(Reduce, OfChannels) {
  const Numbers x = numbers(24);
  const auto of_pixel = [&](std::size_t p, const std::function<float(float, float)>& f, float start) {
    float result = start;
    for (std::size_t c = 0; c < 4; ++c) result = f(result, x[c * 6 + p]);
    return result;
  };
  const auto plus = [](float a, float b) { return a + b; };
  const auto squares = [](float a, float b) { return a + b * b; };
  struct Reduction {
    const char* type;
    std::function<float(std::size_t)> f;
  };
  const Reduction all[] = {
      {"ReduceSum", [&](std::size_t p) { return of_pixel(p, plus, 0); }},
      {"ReduceMean", [&](std::size_t p) { return of_pixel(p, plus, 0) / 4; }},
      {"ReduceMax",
       [&](std::size_t p) {
         return of_pixel(
             p, [](float a, float b) { return std::max(a, b); }, -99);
       }},
      {"ReduceMin",
       [&](std::size_t p) {
         return of_pixel(
             p, [](float a, float b) { return std::min(a, b); }, 99);
       }},
      {"ReduceL1",
       [&](std::size_t p) {
         return of_pixel(
             p, [](float a, float b) { return a + std::abs(b); }, 0);
       }},
      {"ReduceL2", [&](std::size_t p) { return std::sqrt(of_pixel(p, squares, 0)); }},
      {"ReduceSumSquare", [&](std::size_t p) { return of_pixel(p, squares, 0); }},
  };
  for (const Reduction& one : all) {
    for (const int keep : {0, 1}) {
      SCOPED_TRACE(one.type);
      TestModel m({1, 4, 2, 3});
      m.node(one.type, {"x"}, "a", {{"axes", Ints{1}}, {"keepdims", keep}});
      m.node("Relu", {"a"});
      Numbers expected;
      for (std::size_t p = 0; p < 6; ++p) expected.push_back(std::max(one.f(p), 0.0F));
      expect_near(result_of(m, {x}), expected);
    }
  }
}

/// Of every axis but the batch's, by way of channels and pixels; and of groups.
TEST(Reduce, OfChannelsAndPixels) {
  const Numbers x = numbers(24);
  float sum = 0, squares = 0, least = 99;
  for (const float one : x) sum += one, squares += one * one, least = std::min(least, one);
  const auto of = [&](const char* type) {
    TestModel m({1, 4, 2, 3});
    m.node(type, {"x"}, "y", {{"axes", Ints{1, 2, 3}}, {"keepdims", 1}});
    return result_of(m, {x});
  };
  expect_near(of("ReduceSum"), {sum});
  expect_near(of("ReduceMean"), {sum / 24});
  expect_near(of("ReduceMin"), {least});
  expect_near(of("ReduceL2"), {std::sqrt(squares)}, 1e-4F);
  TestModel groups({1, 4, 1, 1});
  groups.node("Reshape", {"x", groups.list({1, 2, 2, 1, 1})}, "a");
  groups.node("ReduceSum", {"a"}, "y", {{"axes", Ints{1}}, {"keepdims", 0}});  // the outer digit
  expect_near(result_of(groups, {{1, 2, 4, 8}}), {5, 10});
}

TEST(Softmax, OfEachGroupOfChannels) {
  TestModel m({1, 4, 1, 1});
  m.node("Reshape", {"x", m.list({1, 2, 2, 1, 1})}, "a");
  m.node("Softmax", {"a"}, "b", {{"axis", 2}});
  m.node("Reshape", {"b", m.list({1, 4, 1, 1})});
  EXPECT_EQ(only<graph::Softmax>(m.import()).groups, 2);
  const float half = 1 / (1 + std::exp(1.0F));
  expect_near(result_of(m, {{1, 2, 5, 5}}), {half, 1 - half, 0.5F, 0.5F});
}

TEST(ArgMax, IsAnIndexOfThirtyTwoBits) {
  for (const int keep : {0, 1}) {
    TestModel m({1, 3, 1, 2});
    m.node("ArgMax", {"x"}, "y", {{"axis", 1}, {"keepdims", keep}});
    m.proto.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
        ::onnx::TensorProto::INT64);
    const graph::Graph graph = m.import();
    EXPECT_EQ(graph.outputs[0].type, Type::i32);
    const std::vector<Bytes> outputs = outputs_of(graph, {bytes_of(Numbers{1, 5, 3, 4, 2, 5})}, 1);
    EXPECT_EQ(numbers_of<std::int32_t>(outputs[0]), (std::vector<std::int32_t>{1, 0}));
  }
}

/// The numbers of a normalised vector, in double.
Numbers normalised(const Numbers& x) {
  double mean = 0, variance = 0;
  for (const float one : x) mean += one / static_cast<double>(x.size());
  for (const float one : x) variance += std::pow(one - mean, 2) / static_cast<double>(x.size());
  Numbers result;
  for (const float one : x) result.push_back(static_cast<float>((one - mean) / std::sqrt(variance + 1e-5)));
  return result;
}

TEST(Norm, OfLayersInstancesAndGroups) {
  const Numbers x = numbers(4 * 6), scale = {1, 2, 3, 4}, shift = {0.5F, 0, -0.5F, 1};
  TestModel layer({1, 4, 2, 3}, 17);  // channels last, as ConvNeXt has it
  layer.node("Transpose", {"x"}, "a", {{"perm", Ints{0, 2, 3, 1}}});
  layer.node("LayerNormalization", {"a", layer.floats({4}, scale), layer.floats({4}, shift)}, "b");
  layer.node("Transpose", {"b"}, "y", {{"perm", Ints{0, 3, 1, 2}}});
  Numbers expected(24);
  for (std::size_t p = 0; p < 6; ++p) {
    const Numbers pixel = normalised({x[p], x[6 + p], x[12 + p], x[18 + p]});
    for (std::size_t c = 0; c < 4; ++c) expected[c * 6 + p] = pixel[c] * scale[c] + shift[c];
  }
  expect_near(result_of(layer, {x}), expected, 1e-4F);

  const auto by_groups = [&](std::size_t groups) {
    Numbers result;
    const std::size_t each_group = 24 / groups;
    for (std::size_t g = 0; g < groups; ++g) {
      const auto first = x.begin() + static_cast<std::ptrdiff_t>(g * each_group);
      const Numbers group = normalised(Numbers(first, first + static_cast<std::ptrdiff_t>(each_group)));
      result.insert(result.end(), group.begin(), group.end());
    }
    for (std::size_t i = 0; i < 24; ++i) result[i] = result[i] * scale[i / 6] + shift[i / 6];
    return result;
  };
  TestModel instance({1, 4, 2, 3});
  instance.node("InstanceNormalization", {"x", instance.floats({4}, scale), instance.floats({4}, shift)});
  expect_near(result_of(instance, {x}), by_groups(4), 1e-4F);
  TestModel group({1, 4, 2, 3}, 21);
  group.node("GroupNormalization", {"x", group.floats({4}, scale), group.floats({4}, shift)}, "y", {{"num_groups", 2}});
  expect_near(result_of(group, {x}), by_groups(2), 1e-4F);
  TestModel log({1, 3});
  log.node("LogSoftmax", {"x"});
  expect_near(result_of(log, {{0, 0, 200}}), {-200, -200, 0}, 1e-4F);
  TestModel unit({1, 2});
  unit.node("LpNormalization", {"x"});
  expect_near(result_of(unit, {{3, -4}}), {0.6F, -0.8F});
}

/// b[k, p] of a (K, P) matrix that TestModel::floats makes.
float counted_matrix(std::size_t columns, std::size_t k, std::size_t p) {
  return static_cast<float>(k * columns + p + 1);
}

TEST(Product, WithAMatrixIsAPointwiseConvolution) {
  const Numbers x = numbers(2 * 2 * 3);
  const auto at = [&](std::size_t c, std::size_t i) { return x[c * 6 + i]; };

  TestModel last({0, 2, 2, 3});  // each pixel's channels, of a list of pixels
  last.node("Reshape", {"x", last.list({0, 2, 6})}, "planes");
  last.node("Transpose", {"planes"}, "list", {{"perm", Ints{0, 2, 1}}});
  last.node("MatMul", {"list", last.floats({2, 4})}, "product");
  last.node("Add", {"product", last.floats({4})}, "y");
  EXPECT_EQ(last.operations(), "input, convolution");
  Numbers expected;
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t p = 0; p < 4; ++p) {
      expected.push_back(at(0, i) * counted_matrix(4, 0, p) + at(1, i) * counted_matrix(4, 1, p) +
                         static_cast<float>(p + 1));
    }
  }
  expect_near(result_of(last, {x}), expected);

  TestModel first({0, 2, 2, 3});  // the rows of each column, by a matrix in front
  first.node("MatMul", {first.floats({4, 2}), "x"}, "y");
  expect_near(result_of(first, {x}), each(2, 4, 3, [&](std::size_t c, std::size_t r, std::size_t column) {
                return x[c * 6 + column] * counted_matrix(2, r, 0) + x[c * 6 + 3 + column] * counted_matrix(2, r, 1);
              }));

  TestModel vector({0, 2, 2, 3});  // the columns of each row, by a vector
  vector.node("MatMul", {"x", vector.floats({3})}, "y");
  expect_near(result_of(vector, {x}), each(2, 2, 1, [&](std::size_t c, std::size_t r, std::size_t) {
                const float* row = &x[c * 6 + r * 3];
                return row[0] + 2 * row[1] + 3 * row[2];
              }));
}

TEST(Product, OfTwoTensorsIsASumOfProducts) {
  TestModel m({0, 2, 2, 3});
  m.input("b", {0, 2, 3, 4});
  m.node("MatMul", {"x", "b"}, "y");
  const Numbers a = numbers(12), b = numbers(24);
  expect_near(result_of(m, {a, b}), each(2, 2, 4, [&](std::size_t head, std::size_t r, std::size_t p) {
                float sum = 0;
                for (std::size_t k = 0; k < 3; ++k) sum += a[head * 6 + r * 3 + k] * b[head * 12 + k * 4 + p];
                return sum;
              }));
}

TEST(Reduction, OfAnAxisOfChannelsAndPixels) {
  // Two groups of two channels each, as a group norm is spelt out by an instance norm.
  TestModel m({0, 4, 1, 3});
  m.node("Reshape", {"x", m.list({0, 2, -1})}, "groups");
  m.node("ReduceMean", {"groups"}, "mean", {{"axes", Ints{2}}});
  m.node("Sub", {"groups", "mean"}, "centred");
  m.node("Reshape", {"centred", m.list({0, 4, 1, 3})}, "y");
  const Numbers x = numbers(12);
  expect_near(result_of(m, {x}), each(4, 1, 3, [&](std::size_t c, std::size_t, std::size_t column) {
                float sum = 0;
                for (std::size_t i = 0; i < 6; ++i) sum += x[c / 2 * 6 + i];
                return x[c * 3 + column] - sum / 6;
              }));
}

TEST(Reduction, OfAllAxesIsOneNumberOfOnePicture) {
  TestModel m({1, 2, 2, 3});
  m.node("ReduceSum", {"x"}, "y", {{"keepdims", 0}});
  float sum = 0;
  for (const float one : numbers(12)) sum += one;
  expect_near(result_of(m, {numbers(12)}), {sum});
}

TEST(Binary, OfAConstantOnRowsThatWereCut) {
  // (H / 2, 2, W): a value for each pair of rows.
  TestModel m({1, 2, 4, 3});
  m.node("Reshape", {"x", m.list({1, 2, 2, 2, 3})}, "pairs");
  m.node("Mul", {"pairs", m.floats({2, 1, 1})}, "y");
  const Numbers x = numbers(24);
  expect_near(result_of(m, {x}), each(2, 4, 3, [&](std::size_t c, std::size_t r, std::size_t column) {
                return x[c * 12 + r * 3 + column] * static_cast<float>(r / 2 + 1);
              }));
}

TEST(Logic, OfTensorsIsOneOrNought) {
  const Numbers a = {1, 2, -1, 0, 3, -3}, b = {1, 1, 0, 0, -4, 5};
  const auto expect = [&](const char* type, bool (*f)(float, float)) {
    TestModel m({0, 6, 1, 1}, 16);
    m.input("b", {0, 6, 1, 1});
    m.node(type, {"x", "b"});
    Numbers expected;
    for (std::size_t i = 0; i < a.size(); ++i) expected.push_back(f(a[i], b[i]) ? 1.0F : 0.0F);
    EXPECT_EQ(result_of(m, {a, b}), expected) << type;
  };
  expect("Less", [](float x, float y) { return x < y; });
  expect("LessOrEqual", [](float x, float y) { return x <= y; });
  expect("Greater", [](float x, float y) { return x > y; });
  expect("GreaterOrEqual", [](float x, float y) { return x >= y; });
  expect("Equal", [](float x, float y) { return x == y; });
  const auto expect_of_bits = [&](const char* type, const Numbers& expected) {
    TestModel m({0, 4, 1, 1});
    m.input("b", {0, 4, 1, 1});
    m.node(type, {"x", "b"});
    EXPECT_EQ(result_of(m, {{0, 0, 1, 1}, {0, 1, 0, 1}}), expected) << type;
  };
  expect_of_bits("And", {0, 0, 0, 1});
  expect_of_bits("Or", {0, 1, 1, 1});
  expect_of_bits("Xor", {0, 1, 1, 0});
  TestModel m({0, 2, 1, 1});
  m.node("Not", {"x"});
  EXPECT_EQ(result_of(m, {{0, 1}}), (Numbers{1, 0}));
}

TEST(Logic, ChoosesByATensorAndByAConstant) {
  TestModel m({0, 4, 1, 1});
  m.node("Greater", {"x", m.floats({}, {0.0F})}, "condition");
  m.node("Where", {"condition", "x", m.floats({4, 1, 1}, {5, 6, 7, 8})});
  EXPECT_EQ(result_of(m, {{-1, 2, 0, 3}}), (Numbers{5, 2, 7, 3}));

  constexpr float infinity = std::numeric_limits<float>::infinity();
  TestModel mask({0, 4, 1, 1});
  auto& condition = mask.initialiser("condition");
  condition.set_data_type(::onnx::TensorProto::BOOL);
  for (const std::int64_t dim : {4, 1, 1}) condition.add_dims(dim);
  for (const int bit : {1, 0, 0, 1}) condition.add_int32_data(bit);
  mask.node("Where", {"condition", mask.floats({}, {-infinity}), "x"});
  EXPECT_EQ(result_of(mask, {{-1, 2, 0, 3}}), (Numbers{-infinity, 2, 0, -infinity}));

  TestModel unknown({0, 4, 1, 1});
  unknown.node("Greater", {"x", unknown.floats({}, {0.0F})}, "condition");
  unknown.node("Where", {"condition", unknown.floats({}, {infinity}), "x"});
  EXPECT_NE(unknown.refusal().find("not finite"), std::string::npos) << unknown.refusal();
}

TEST(Cast, ToWholeNumbersRoundsTowardsNought) {
  const Numbers x = {-1.5F, 1.5F, -0.25F, 3.0F};
  TestModel m({0, 4, 1, 1});
  m.node("Cast", {"x"}, "whole", {{"to", ::onnx::TensorProto::INT64}});
  m.node("Cast", {"whole"}, "y", {{"to", ::onnx::TensorProto::FLOAT}});
  EXPECT_EQ(result_of(m, {x}), (Numbers{-1, 1, 0, 3}));

  TestModel truth({0, 4, 1, 1});
  truth.node("Cast", {"x"}, "y", {{"to", ::onnx::TensorProto::BOOL}});
  EXPECT_EQ(result_of(truth, {{-1.5F, 0, 2, 0}}), (Numbers{1, 0, 1, 0}));

  TestModel bytes({0, 4, 1, 1});
  bytes.node("Cast", {"x"}, "y", {{"to", ::onnx::TensorProto::UINT8}});
  const Bytes made = outputs_of(bytes.import(), {bytes_of(Numbers{0.75F, 1.5F, 200.9F, 3.0F})}, 1)[0];
  EXPECT_EQ(numbers_of<std::uint8_t>(made), (std::vector<std::uint8_t>{0, 1, 200, 3}));
}

TEST(PRelu, OfASlopeForEachPixel) {
  TestModel m({1, 1, 2, 2});
  m.node("PRelu", {"x", m.floats({1, 2, 2})});
  EXPECT_EQ(result_of(m, {{-1, 1, -1, -1}}), (Numbers{-1, 1, -3, -4}));
}

TEST(Lrn, DividesByTheChannelsNearby) {
  TestModel m({0, 3, 1, 1});
  m.node("LRN", {"x"}, "y", {{"size", 3}, {"alpha", 3.0F}, {"beta", 0.5F}, {"bias", 1.0F}});
  expect_near(result_of(m, {{1, 2, 3}}),
              {1 / std::sqrt(1 + 1.0F + 4), 2 / std::sqrt(1 + 1.0F + 4 + 9), 3 / std::sqrt(1 + 4.0F + 9)});
}

TEST(Reduction, OfLogarithms) {
  TestModel sum({0, 3, 1, 1});
  sum.node("ReduceLogSum", {"x"}, "y", {{"axes", Ints{1}}});
  expect_near(result_of(sum, {{1, 2, 4}}), {std::log(7.0F)});
  TestModel powers({0, 2, 1, 1});
  powers.node("ReduceLogSumExp", {"x"}, "y", {{"axes", Ints{1}}});
  expect_near(result_of(powers, {{1000, 1000}}), {1000 + std::log(2.0F)}, 1e-3F);
}

TEST(Product, OfRowsThatAreNoImages) {
  // Gemm of a matrix with a row for each pixel.
  TestModel m({0, 2, 2, 3});
  m.node("Transpose", {"x"}, "pixels", {{"perm", Ints{0, 2, 3, 1}}});
  m.node("Reshape", {"pixels", m.list({-1, 2})}, "rows");
  m.node("Gemm", {"rows", m.floats({2, 4}), m.floats({4})}, "product");
  m.node("Reshape", {"product", m.list({-1, 6, 4})}, "y");
  EXPECT_EQ(m.operations(), "input, convolution");
  const Numbers x = numbers(12);
  expect_near(result_of(m, {x}), each(1, 6, 4, [&](std::size_t, std::size_t i, std::size_t p) {
                return x[i] * counted_matrix(4, 0, p) + x[6 + i] * counted_matrix(4, 1, p) + static_cast<float>(p + 1);
              }));
}

TEST(Einsum, IsAProductOverAxes) {
  const Numbers x = numbers(12), b = numbers(24);
  TestModel tensors({0, 2, 2, 3});
  tensors.input("b", {0, 2, 3, 4});
  tensors.node("Einsum", {"x", "b"}, "y", {{"equation", "nhmk, nhkp -> nhpm"}});
  expect_near(result_of(tensors, {x, b}), each(2, 4, 2, [&](std::size_t head, std::size_t p, std::size_t r) {
                float sum = 0;
                for (std::size_t k = 0; k < 3; ++k) sum += x[head * 6 + r * 3 + k] * b[head * 12 + k * 4 + p];
                return sum;
              }));

  TestModel constant({0, 2, 2, 3});
  constant.node("Einsum", {constant.floats({4, 2}), "x"}, "y", {{"equation", "dc,nchw->nhwd"}});
  expect_near(result_of(constant, {x}), each(2, 3, 4, [&](std::size_t r, std::size_t column, std::size_t d) {
                return x[r * 3 + column] * counted_matrix(2, d, 0) + x[6 + r * 3 + column] * counted_matrix(2, d, 1);
              }));

  for (const char* equation : {"nchw,dc", "nchw,ccd->nhwd", "nchw,dc->nhwz", "nchw,dc->nhd", "n...,dc->n"}) {
    TestModel m({0, 2, 2, 3});
    m.node("Einsum", {"x", m.floats({4, 2})}, "y", {{"equation", equation}});
    EXPECT_NE(m.refusal().find("Einsum node 'the_node'"), std::string::npos) << equation;
  }
}

TEST(Binary, OfAxesThatStandElsewhereInTheOther) {
  // A gate over rows and channels, which a convolution made of the tensor with its axes turned.
  TestModel m({0, 2, 3, 2});
  m.node("Transpose", {"x"}, "turned", {{"perm", Ints{0, 2, 1, 3}}});
  m.node("Conv", {"turned", m.floats({1, 3, 1, 1})}, "gate");
  m.node("Mul", {"turned", "gate"}, "y");
  const Numbers x = numbers(12);
  expect_near(result_of(m, {x}), each(3, 2, 2, [&](std::size_t r, std::size_t c, std::size_t column) {
                float gate = 0;
                for (std::size_t k = 0; k < 3; ++k) gate += x[c * 6 + k * 2 + column] * static_cast<float>(k + 1);
                return x[c * 6 + r * 2 + column] * gate;
              }));
}

TEST(Line, OfChannelsIsConvolvedAsAGateHasIt) {
  // Efficient channel attention: each channel's mean with its neighbours'.
  TestModel m({0, 4, 1, 2});
  m.node("GlobalAveragePool", {"x"}, "mean");
  m.node("Squeeze", {"mean", m.list({-1})}, "column");
  m.node("Transpose", {"column"}, "line", {{"perm", Ints{0, 2, 1}}});
  m.node("Conv", {"line", m.floats({1, 1, 3})}, "near", {{"kernel_shape", Ints{3}}, {"pads", Ints{1, 1}}});
  m.node("Transpose", {"near"}, "back", {{"perm", Ints{0, 2, 1}}});
  m.node("Unsqueeze", {"back", m.list({-1})}, "gate");
  m.node("Mul", {"x", "gate"}, "y");
  expect_near(result_of(m, {{1, 3, 4, 4, 6, 4, 1, 1}}),  // means 2, 4, 5, 1
              {1 * 16, 3 * 16, 4 * 25, 4 * 25, 6 * 17, 4 * 17, 7, 7});
}

TEST(Line, IsPooled) {
  TestModel m({0, 2, 1, 6});
  m.node("Reshape", {"x", m.list({0, 2, 6})}, "line");
  m.node("MaxPool", {"line"}, "y", {{"kernel_shape", Ints{3}}, {"strides", Ints{2}}, {"pads", Ints{1, 0}}});
  EXPECT_EQ(result_of(m, {{1, 2, 3, 4, 5, 6, 9, 8, 7, 6, 5, 4}}), (Numbers{2, 4, 6, 9, 8, 6}));
}

TEST(WholeNumbers, AreDividedWithoutARest) {
  // The row and the column of the largest of 49 numbers, as a heatmap is decoded.
  for (std::size_t place = 0; place < 49; ++place) {
    TestModel m({0, 49, 1, 1});
    m.node("ArgMax", {"x"}, "place", {{"axis", 1}});
    m.node("Div", {"place", m.scalar(7)}, "row");
    m.node("Mod", {"place", m.scalar(7)}, "column");
    m.node("Concat", {"row", "column"}, "y", {{"axis", 1}});
    Numbers x(49, 0.0F);
    x[place] = 1;
    EXPECT_EQ(result_of(m, {x}), (Numbers{static_cast<float>(place / 7), static_cast<float>(place % 7)}));
  }
  TestModel negative({0, 3, 1, 1});
  negative.node("Div", {"x", negative.scalar(4)}, "y");
  EXPECT_EQ(result_of(negative, {{-7, -8, 9}}), (Numbers{-1, -2, 2}));
}

TEST(Product, OverTheBatchIsRefused) {
  TestModel tensors({0, 3, 1, 1});
  tensors.node("Flatten", {"x"}, "a");
  tensors.node("Einsum", {"a", "a"}, "y", {{"equation", "nc,mc->nm"}});
  EXPECT_NE(tensors.refusal().find("over the batch"), std::string::npos) << tensors.refusal();
  TestModel matrix({4, 3, 1, 1});
  matrix.node("Flatten", {"x"}, "a");
  matrix.node("MatMul", {matrix.floats({5, 4}), "a"}, "y");
  EXPECT_NE(matrix.refusal().find("over the batch"), std::string::npos) << matrix.refusal();
}

}  // namespace
}  // namespace riffle::onnx
