// Operators on integers, held against the QDQ models that mean the same; and numbers that are wrong in either.
#include <gtest/gtest.h>
#include <onnx.pb.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "engine/format/format.hpp"
#include "engine/passes/passes.hpp"
#include "io/onnx/qdq_test_model.hpp"

namespace riffle::onnx {
namespace {

using ::onnx::TensorProto;
using Build = std::function<void(QdqModel&)>;
using Names = std::vector<std::string>;

constexpr Levels in{0.5F, 3}, out{2.0F, 100}, in_s8{0.5F, -125, TensorProto::INT8},
    out_s8{2.0F, -28, TensorProto::INT8};

/// The names of new constants.
Names of(QdqModel& m, const Levels& levels) {
  return {m.floats({}, {levels.scale}), m.scalar(levels.zero_point, levels.type)};
}

Names operator+(Names a, const Names& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

::onnx::NodeProto& microsoft(QdqModel& m, const char* type, const Names& inputs, const std::string& result = "r",
                             std::initializer_list<Attribute> attributes = {}) {
  auto& node = m.node(type, inputs, result, attributes);
  node.set_domain("com.microsoft");
  return node;
}

/// Weights (2, 2, 1, 1) with two scales, or (2, 2), and a bias in units of in.scale times theirs.
const std::vector<int> weights = {10, -7, 100, 3}, bias = {11, -200};
const std::vector<float> two_scales = {0.25F, 0.5F};

/// The network as a file has it, but for the names of its nodes.
std::vector<std::byte> nameless(graph::Graph graph) {
  passes::remove_dead_nodes(graph);
  for (std::size_t i = graph.input_count(); i < graph.nodes.size(); ++i) graph.nodes[static_cast<int>(i)].name = "node";
  return format::save(graph);
}

/// Both make "r" of "q", of the levels in (or in_s8) and out (out_s8).
void expect_same(const char* expected_kinds, const std::vector<std::int64_t>& dims, const Build& qlinear,
                 const Build& qdq, const Levels& from = in, const Levels& to = out) {
  SCOPED_TRACE(expected_kinds);
  const auto graph_of = [&](const Build& build) {
    QdqModel m(dims);
    m.quantise("x", "q", from);
    build(m);
    m.dequantise("r", "y", to);
    return m.import();
  };
  EXPECT_EQ(kinds(graph_of(qlinear)), expected_kinds);
  EXPECT_EQ(nameless(graph_of(qlinear)), nameless(graph_of(qdq)));
}

/// The same of one operand.
void expect_same(const char* expected_kinds, const std::vector<std::int64_t>& dims, const char* type,
                 const char* of_floats, std::initializer_list<Attribute> attributes = {}) {
  expect_same(
      expected_kinds, dims,
      [&](QdqModel& m) { microsoft(m, type, Names{"q"} + of(m, in) + of(m, out), "r", attributes); },
      [&](QdqModel& m) {
        m.dequantise("q", "a", in);
        m.node(of_floats, {"a"}, "b", attributes);
        m.quantise("b", "r", out);
      });
}

TEST(QLinear, ConvolutionsAreThoseOfQdq) {
  for (const bool is_signed : {false, true}) {
    const Levels from = is_signed ? in_s8 : in, to = is_signed ? out_s8 : out;
    expect_same(
        "input u8, convolution u8, activation, convolution", {0, 2, 1, 1},
        [&](QdqModel& m) {
          const Names w = {m.integers({2, 2, 1, 1}, weights, TensorProto::INT8), m.floats({2}, two_scales),
                           m.integers({2}, {0, 0}, TensorProto::INT8)};
          m.node("QLinearConv",
                 Names{"q"} + of(m, from) + w + of(m, to) + Names{m.integers({2}, bias, TensorProto::INT32)}, "r");
        },
        [&](QdqModel& m) {
          m.dequantise("q", "a", from);
          m.node("DequantizeLinear", {m.integers({2, 2, 1, 1}, weights, TensorProto::INT8), m.floats({2}, two_scales)},
                 "w", {{"axis", 0}});
          m.node("DequantizeLinear",
                 {m.integers({2}, bias, TensorProto::INT32),
                  m.floats({2}, {in.scale * two_scales[0], in.scale * two_scales[1]})},
                 "b", {{"axis", 0}});
          m.node("Conv", {"a", "w", "b"}, "c");
          m.quantise("c", "r", to);
        },
        from, to);
  }
  // Weights of uint8 with one scale, no bias, attributes.
  const Levels of_weights{0.25F, 128};
  const std::vector<int> unsigned_weights = {138, 121, 228, 131, 0, 255, 128, 127};
  const Attribute groups{"group", 2}, strides{"strides", std::vector<std::int64_t>{2, 1}};
  expect_same(
      "input u8, convolution u8, activation, convolution", {0, 2, 5, 5},
      [&](QdqModel& m) {
        const Names w = {m.integers({2, 1, 2, 2}, unsigned_weights, TensorProto::UINT8)};
        m.node("QLinearConv", Names{"q"} + of(m, in) + w + of(m, of_weights) + of(m, out), "r", {groups, strides});
      },
      [&](QdqModel& m) {
        m.dequantise("q", "a", in);
        m.dequantise(m.integers({2, 1, 2, 2}, unsigned_weights, TensorProto::UINT8), "w", of_weights);
        m.node("Conv", {"a", "w"}, "c", {groups, strides});
        m.quantise("c", "r", out);
      });
}

TEST(QLinear, EveryOpsetMeansTheSame) {
  std::vector<std::vector<std::byte>> files;
  for (const int opset : {10, 13, 19, 21, 23}) {
    QdqModel m({0, 2, 1, 1}, opset);
    m.pair("x", "a", in);
    m.convolution("a", "b", in.scale);
    m.pair("b", "y", out);
    files.push_back(nameless(m.import()));
    EXPECT_EQ(files.back(), files.front()) << opset;
  }
}

TEST(QLinear, ZeroPointsThatAreMissingAreZero) {
  for (const auto type : {TensorProto::UINT8, TensorProto::INT8}) {
    const Levels from{0.5F, 0, type}, to{2.0F, 0, type};
    expect_same(
        "input u8, add u8, activation, convolution", {0, 2, 1, 1},
        [&](QdqModel& m) {
          const std::string scale = m.floats({}, {from.scale});
          microsoft(m, "QLinearAdd", {"q", scale, "", "q", scale, "", m.floats({}, {to.scale})});
        },
        [&](QdqModel& m) {
          m.dequantise("q", "a", from);
          m.dequantise("q", "b", from);
          m.node("Add", {"a", "b"}, "c");
          m.quantise("c", "r", to);
        },
        from, to);
  }
}

TEST(QLinear, ProductsAreThoseOfQdq) {
  const char* const expected = "input u8, fully connected, activation u8, activation, convolution";
  const auto operand = [&](QdqModel& m) { return Names{"q"} + of(m, in); };
  const auto matrix = [&](QdqModel& m) {
    return Names{m.integers({2, 2}, weights, TensorProto::INT8), m.floats({2}, two_scales),
                 m.integers({2}, {0, 0}, TensorProto::INT8)};
  };
  const auto dequantised = [&](QdqModel& m, int axis) {
    m.dequantise("q", "a", in);
    m.node("DequantizeLinear", {m.integers({2, 2}, weights, TensorProto::INT8), m.floats({2}, two_scales)}, "w",
           {{"axis", axis}});
    m.node("DequantizeLinear",
           {m.integers({2}, bias, TensorProto::INT32),
            m.floats({2}, {in.scale * two_scales[0], in.scale * two_scales[1]})},
           "b", {{"axis", 0}});
  };
  expect_same(
      expected, {0, 2}, [&](QdqModel& m) { m.node("QLinearMatMul", operand(m) + matrix(m) + of(m, out), "r"); },
      [&](QdqModel& m) {
        dequantised(m, 1);
        m.node("MatMul", {"a", "w"}, "c");
        m.quantise("c", "r", out);
      });
  for (const int transposed : {0, 1}) {
    const auto gemm = [&](QdqModel& m, const Names& result) {
      return operand(m) + matrix(m) + Names{m.integers({2}, bias, TensorProto::INT32)} + result;
    };
    const auto qdq = [&](QdqModel& m) {
      dequantised(m, 1 - transposed);
      m.node("Gemm", {"a", "w", "b"}, "c", {{"transB", transposed}});
      m.quantise("c", "r", out);
    };
    expect_same(
        expected, {0, 2},
        [&](QdqModel& m) {
          microsoft(m, "QGemm", gemm(m, of(m, out)), "r", {{"transB", transposed}});
        },
        qdq);
    // Without levels of its result it makes real numbers.
    expect_same(
        expected, {0, 2},
        [&](QdqModel& m) {
          microsoft(m, "QGemm", gemm(m, {}), "c", {{"transB", transposed}});
          m.quantise("c", "r", out);
        },
        qdq);
  }
}

TEST(QLinear, SumsAndConcatenationsAreThoseOfQdq) {
  for (const bool alike : {true, false}) {
    const Levels other = alike ? Levels{0.5F, 30} : Levels{0.31F, 30};
    const auto qdq = [&](const char* type, std::initializer_list<Attribute> attributes) {
      return [&, type, attributes](QdqModel& m) {
        m.quantise("x", "p", other);
        m.dequantise("q", "a", in);
        m.dequantise("p", "b", other);
        m.node(type, {"a", "b"}, "c", attributes);
        m.quantise("c", "r", out);
      };
    };
    expect_same(
        alike ? "input, activation u8, activation u8, add u8, activation, convolution"
              : "input, activation u8, activation u8, activation, convolution, activation, convolution, add, "
                "activation u8, activation, convolution",
        {0, 2, 1, 1},
        [&](QdqModel& m) {
          m.quantise("x", "p", other);
          microsoft(m, "QLinearAdd", Names{"q"} + of(m, in) + Names{"p"} + of(m, other) + of(m, out));
        },
        qdq("Add", {}));
    if (alike) continue;
    expect_same(
        "input, activation u8, activation u8, activation u8, activation u8, activation, convolution", {0, 2, 1, 1},
        [&](QdqModel& m) {
          m.quantise("x", "p", other);
          microsoft(m, "QLinearConcat", of(m, out) + Names{"q"} + of(m, in) + Names{"p"} + of(m, other), "r",
                    {{"axis", 1}});
        },
        qdq("Concat", {{"axis", 1}}));
  }
}

TEST(QLinear, OfOneOperandAreThoseOfQdq) {
  const Attribute window{"kernel_shape", std::vector<std::int64_t>{2, 2}};
  expect_same("input u8, pooling u8, activation, convolution", {0, 2, 4, 4}, "QLinearAveragePool", "AveragePool",
              {window});
  expect_same("input u8, global average pooling u8, activation, convolution", {0, 2, 4, 4}, "QLinearGlobalAveragePool",
              "GlobalAveragePool");
  expect_same("input u8, activation, convolution, activation, activation u8, activation, convolution", {0, 2, 1, 1},
              "QLinearSigmoid", "Sigmoid");
  QdqModel m({0, 2, 4, 4});
  m.quantise("x", "q", in);
  microsoft(m, "QLinearGlobalAveragePool", Names{"q"} + of(m, in) + of(m, out), "r", {{"channels_last", 0}});
  m.dequantise("r", "y", out);
  EXPECT_EQ(m.refusal(), "");
}

TEST(QLinear, IntegersThatAreOnlyMovedStayIntegers) {
  // A channel shuffle, a split and a maximum, each of bytes or between a pair.
  const auto chain = [](bool of_bytes) {
    return [=](QdqModel& m) {
      int made = 0;
      const auto add = [&](const char* type, const Names& inputs, const Names& results,
                           std::initializer_list<Attribute> attributes = {}) {
        const std::string suffix = of_bytes ? "" : "." + std::to_string(made++);
        const auto operand = inputs[0] + suffix;
        if (!of_bytes) m.dequantise(inputs[0], operand, in);
        Names operands = inputs;
        operands[0] = operand;
        auto& node = m.node(type, operands, results[0] + suffix, attributes);
        for (std::size_t i = 1; i < results.size(); ++i) node.add_output(results[i] + suffix);
        for (const std::string& result : results) {
          if (!of_bytes) m.quantise(result + suffix, result, in);
        }
      };
      add("Reshape", {"q", m.list({0, 2, 2, 4, 4})}, {"a"});
      add("Transpose", {"a"}, {"b"}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3, 4}}});
      add("Reshape", {"b", m.list({0, 4, 4, 4})}, {"c"});
      add("Split", {"c"}, {"d", "e"}, {{"axis", 1}});
      add("MaxPool", {"e"}, {"r"}, {{"kernel_shape", std::vector<std::int64_t>{2, 2}}});
    };
  };
  // What they are worth is for whoever dequantises them to say.
  expect_same("input u8, pooling u8, activation, convolution", {0, 4, 4, 4}, chain(true), chain(false), in,
              {2.0F, in.zero_point});
  expect_same(
      "input u8, activation, convolution", {0, 2, 1, 1},
      [](QdqModel& m) {
        m.node("Concat", {"q", "q"}, "r", {{"axis", 1}});
      },
      [](QdqModel& m) {
        m.dequantise("q", "a", in);
        m.dequantise("q", "b", in);
        m.node("Concat", {"a", "b"}, "c", {{"axis", 1}});
        m.quantise("c", "r", in);
      },
      in, in);
}

TEST(Integers, ThatAreWrongAreNamed) {
  struct Case {
    const char* node;
    std::string message;
    Build build;
  };
  std::vector<Case> cases;
  const auto add = [&](const char* node, const std::string& message, const Build& build) {
    cases.push_back({node, message, build});
  };
  // Scales.
  for (const float scale : {0.0F, -1.0F, NAN, std::numeric_limits<float>::infinity(), 1e-40F}) {
    const std::string message = "the scale 'constant_0' is no positive number: " + std::to_string(scale);
    add("QuantizeLinear", message, [=](QdqModel& m) { m.pair("x", "y", {scale, 0}); });
    add("DequantizeLinear", message, [=](QdqModel& m) {
      const std::string scales = m.floats({2}, {1.0F, scale});
      m.node("DequantizeLinear", {m.integers({2, 2, 1, 1}, weights, TensorProto::INT8), scales}, "w", {{"axis", 0}});
    });
    add("QLinearAdd", message, [=](QdqModel& m) {
      const Names result = of(m, {scale, 0});
      m.quantise("x", "q", in);
      microsoft(m, "QLinearAdd", Names{"q"} + of(m, in) + Names{"q"} + of(m, in) + result);
    });
  }
  // Of weights: their number, their axis, their zero points, their type.
  const auto of_weights = [&](const std::string& message, const std::vector<std::int64_t>& scales,
                              const std::vector<int>& zeros, int axis, TensorProto::DataType type,
                              TensorProto::DataType zero_type) {
    add("DequantizeLinear", message, [=](QdqModel& m) {
      const std::string zero_points = m.integers({std::ssize(zeros)}, zeros, zero_type);
      m.node("DequantizeLinear", {m.integers({2, 2, 1, 1}, {1, 2, 3, 4}, type), m.floats(scales), zero_points}, "w",
             {{"axis", axis}});
    });
  };
  constexpr auto s8 = TensorProto::INT8, u8 = TensorProto::UINT8, s32 = TensorProto::INT32;
  of_weights("axis 4 of a tensor of 4 dimensions", {2}, {0, 0}, 4, s8, s8);
  of_weights("axis -5 of a tensor of 4 dimensions", {2}, {0, 0}, -5, s8, s8);
  of_weights("it has 2 scales for 1 positions of axis 2", {2}, {0, 0}, 2, s8, s8);
  of_weights("it has 3 scales for 2 positions of axis 0", {3}, {0, 0, 0}, 0, s8, s8);
  of_weights("it has 1 zero points for 2 scales", {2}, {0}, 0, s8, s8);
  of_weights("the scales 'constant_2' are no list", {2, 1}, {0, 0}, 0, s8, s8);
  of_weights("the zero point 'constant_0' is not of the numbers' type, i8", {2}, {0, 0}, 0, s8, u8);
  of_weights("the zero point 'constant_0' is not of the numbers' type, u8", {2}, {0, 0}, 0, u8, s32);
  of_weights("the zero point 'constant_0' is not of the numbers' type, i32", {2}, {0, 0}, 0, s32, s8);
  of_weights("the zero point 'constant_0' of numbers of i32 is not 0", {2}, {0, 1}, 0, s32, s32);
  of_weights("constant 'constant_0': the number 128 is beyond its type", {2}, {0, 128}, 0, s8, s8);
  of_weights("constant 'constant_0': the number -1 is beyond its type", {2}, {0, -1}, 0, u8, u8);
  for (const auto& [number, name] : {std::pair(17, "float8e4m3fn"), {21, "uint4"}, {22, "int4"}}) {
    add("DequantizeLinear",
        "constant 'constant_0': its element type " + std::to_string(number) + " (" + name + ") is not supported",
        [number = number](QdqModel& m) {
          const std::string integers = m.integers({2, 2, 1, 1}, weights, TensorProto::INT8);
          m.initialiser(integers).set_data_type(number);
          m.node("DequantizeLinear", {integers, m.floats({})}, "w");
        });
  }
  add("DequantizeLinear", "it has a scale for each block of 16 numbers", [](QdqModel& m) {
    m.node("DequantizeLinear", {m.integers({2, 2, 1, 1}, weights, TensorProto::INT8), m.floats({})}, "w",
           {{"axis", 1}, {"block_size", 16}});
  });
  add("DequantizeLinear", "what it reads is neither int8 nor uint8 nor int32", [](QdqModel& m) {
    m.node("DequantizeLinear", {m.floats({2}), m.floats({})});
  });
  add("DequantizeLinear", "input 1 'constant_0' is not a constant of floats but of u8", [](QdqModel& m) {
    const std::string scale = m.scalar(1, TensorProto::UINT8);
    m.node("DequantizeLinear", {m.integers({2, 2, 1, 1}, weights, TensorProto::INT8), scale}, "w");
  });
  add("Conv", "input 1 'constant_0' is not a constant of floats but of i8", [](QdqModel& m) {
    m.node("Conv", {"x", m.integers({2, 2, 1, 1}, weights, TensorProto::INT8)});
  });
  // Of tensors.
  add("DequantizeLinear", "its zero point is 4, that of QuantizeLinear is 3", [](QdqModel& m) {
    m.quantise("x", "q", {0.5F, 3});
    m.dequantise("q", "y", {0.5F, 4});
  });
  add("QuantizeLinear", "it has 2 scales 'constant_0'; of a tensor that depends on the input, only one scale",
      [](QdqModel& m) {
        m.node("QuantizeLinear", {"x", m.floats({2})}, "q", {{"axis", 1}});
      });
  add("QLinearConv", "it has 2 scales 'constant_2'; of a tensor that depends on the input, only one scale",
      [](QdqModel& m) {
        m.quantise("x", "q", in);
        const std::string scales = m.floats({2});
        m.node("QLinearConv", Names{"q", scales, "", m.integers({2, 2, 1, 1}, weights, TensorProto::INT8)} + of(m, in));
      });
  add("QLinearConv", "input 1 is missing", [](QdqModel& m) {
    m.quantise("x", "q", in);
    m.node("QLinearConv", {"q"});
  });
  add("QLinearAveragePool", "channels_last is set; only (N, C, H, W) is supported", [](QdqModel& m) {
    m.quantise("x", "q", in);
    microsoft(m, "QLinearAveragePool", Names{"q"} + of(m, in) + of(m, out), "r",
              {{"kernel_shape", std::vector<std::int64_t>{1, 1}}, {"channels_last", 1}});
  });
  for (const Case& one : cases) {
    SCOPED_TRACE(std::string(one.node) + ": " + one.message);
    QdqModel m({0, 2, 1, 1}, 21);
    one.build(m);
    const std::string refusal = m.refusal();
    EXPECT_NE(refusal.find(std::string(one.node) + " node 'the_node': "), std::string::npos) << refusal;
    EXPECT_NE(refusal.find(one.message), std::string::npos) << refusal;
  }
}

TEST(QLinear, OfAnotherDomainAreNone) {
  QdqModel m({0, 2, 1, 1});
  m.node("QLinearAdd", {});
  microsoft(m, "QLinearConv", {});
  microsoft(m, "QLinearMul", {});
  EXPECT_NE(m.refusal().find("QLinearAdd of the domain '' (the node 'the_node'), QLinearConv of the domain "
                             "'com.microsoft' (the node 'the_node'), QLinearMul of the domain 'com.microsoft'"),
            std::string::npos)
      << m.refusal();
}

}  // namespace
}  // namespace riffle::onnx
