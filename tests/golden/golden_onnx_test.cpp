// PyTorch's ONNX exports against PyTorch, on every instruction set that runs here.
#include <gtest/gtest.h>
#include <onnx.pb.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <span>

#include "io/onnx/import.hpp"
#include "models/models.hpp"
#include "tests/golden/golden.hpp"

namespace riffle::golden {
namespace {

std::string read_export(const std::string& name) {
  std::ifstream file(onnx_directory() + "/" + name, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (bytes.empty()) throw Error(name + ": cannot be read");
  return bytes;
}

/// Puts the data back that make_goldens.py took out: that of every parameter, by its name. Returns how many it filled.
int complete(::onnx::ModelProto& model) {
  const models::WeightSource weights = models::random_weights(seed);
  int filled = 0;
  for (::onnx::TensorProto& tensor : *model.mutable_graph()->mutable_initializer()) {
    if (tensor.data_type() != ::onnx::TensorProto::FLOAT || tensor.has_raw_data() || tensor.float_data_size() > 0) {
      continue;
    }
    const std::vector<std::int64_t> shape(tensor.dims().begin(), tensor.dims().end());
    const graph::Constant data = weights(tensor.name(), shape);
    tensor.set_raw_data(data.values().data(), data.values().size_bytes());
    ++filled;
  }
  return filled;
}

class OnnxComparison : public testing::TestWithParam<Case> {};

TEST_P(OnnxComparison, EqualsPyTorch) {
  const Golden& golden = GetParam().golden;
  std::string bytes = read_export(golden.word("file"));
  if (golden.word("kind") == "skeleton") {
    ::onnx::ModelProto model;
    ASSERT_TRUE(model.ParseFromString(bytes));
    ASSERT_GT(complete(model), 0);
    bytes = model.SerializeAsString();
  }
  const graph::Graph graph = onnx::import(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(graph.input_shape(),
            (graph::Shape{golden.integer("height"), golden.integer("width_px"), golden.integer("channels")}));
  expect_golden(graph, GetParam());
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  const std::string& file = info.param.golden.word("file");
  std::string name = file.substr(0, file.rfind('.')) + "_" + info.param.kernels->isa;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(PyTorch, OnnxComparison, testing::ValuesIn(cases({"onnx"})), name_of);

}  // namespace
}  // namespace riffle::golden
