// What PyTorch exports, in many styles and opsets, against what PyTorch computes (tests/onnx/make_models.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "io/onnx/import.hpp"
#include "io/onnx/test_model.hpp"

namespace riffle::onnx {
namespace {

const std::string folder = RIFFLE_ONNX_TEST_DIR;

struct Export {
  std::string name;
  std::int64_t batch = 0;
  graph::Shape input;
  std::vector<float> output;  ///< NCHW
};

void PrintTo(const Export& one, std::ostream* stream) { *stream << one.name; }

std::vector<Export> exports() {
  std::vector<Export> result;
  std::ifstream file(folder + "/expected.txt");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Export one;
    words >> one.name >> one.batch >> one.input.c >> one.input.h >> one.input.w;
    for (float value = 0; words >> value;) one.output.push_back(value);
    result.push_back(std::move(one));
  }
  return result;
}

std::vector<float> input_of(const Export& one) {
  std::vector<float> result(static_cast<std::size_t>(one.batch * one.input.size()));
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto hash = static_cast<std::uint32_t>(i * 2654435761U);
    result[i] = static_cast<float>(static_cast<double>(hash) / 0x1p31 - 1.0);
  }
  return result;
}

class PyTorch : public testing::TestWithParam<Export> {};

TEST_P(PyTorch, ComputesTheSame) {
  const Export& one = GetParam();
  const graph::Graph graph = import_file(folder + "/models/" + one.name + ".onnx");
  EXPECT_EQ(graph.input_shape(), one.input);
  const auto plan = plan::make(graph);
  ASSERT_EQ(static_cast<std::size_t>(one.batch * plan->outputs[0].shape.size()), one.output.size());
  std::vector<float> output(one.output.size());
  run::Session(plan).run(input_of(one).data(), output.data(), one.batch);
  float largest = 0;
  for (const float value : one.output) largest = std::max(largest, std::fabs(value));
  for (std::size_t i = 0; i < output.size(); ++i) {
    ASSERT_NEAR(output[i], one.output[i], 1e-5F * largest) << "element " << i << "\n" << graph::to_text(graph);
  }
}

INSTANTIATE_TEST_SUITE_P(Exports, PyTorch, testing::ValuesIn(exports()),
                         [](const testing::TestParamInfo<Export>& one) { return one.param.name; });

/// The view styles leave shuffles and slices, and nothing that has been lost or computed twice.
TEST(PyTorchStyles, BecomeTheSameGraph) {
  const auto operations_of = [](const std::string& name) {
    return operations(import_file(folder + "/models/" + name + ".onnx"));
  };
  const std::string plain = operations_of("v2_5d_13_open");
  EXPECT_NE(plain.find("shuffle, slice, convolution"), std::string::npos) << plain;
  for (const char* name : {"v2_5d_9_open", "v2_5d_11_open", "v2_5d_15_open", "v2_5d_17_open", "v2_5d_13_fixed1",
                           "v2_5d_view_13_open", "v2_5d_view_13_fixed3", "v2_permute_9_open", "v2_permute_17_open"}) {
    EXPECT_EQ(operations_of(name), plain) << name;
  }
}

}  // namespace
}  // namespace riffle::onnx
