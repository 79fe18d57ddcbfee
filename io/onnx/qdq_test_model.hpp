// QDQ models put together by hand, for tests.
#pragma once

#include <onnx.pb.h>

#include <string>
#include <vector>

#include "engine/passes/passes.hpp"
#include "io/onnx/test_model.hpp"

namespace riffle::onnx {

/// A tensor's scale and zero point, and the type of its bytes.
struct Levels {
  float scale = 1.0F;
  int zero_point = 0;
  ::onnx::TensorProto::DataType type = ::onnx::TensorProto::UINT8;
};

class QdqModel : public TestModel {
 public:
  using TestModel::TestModel;

  std::string integers(std::vector<std::int64_t> dims, const std::vector<int>& values,
                       ::onnx::TensorProto::DataType type) {
    const std::string name = scalar(0, type);
    auto& tensor = initialiser(name);
    tensor.clear_int32_data();
    for (const std::int64_t dim : dims) tensor.add_dims(dim);
    for (const int value : values) tensor.add_int32_data(value);
    return name;
  }
  void quantise(const std::string& from, const std::string& to, const Levels& levels) {
    node("QuantizeLinear", {from, floats({}, {levels.scale}), scalar(levels.zero_point, levels.type)}, to);
  }
  void dequantise(const std::string& from, const std::string& to, const Levels& levels) {
    node("DequantizeLinear", {from, floats({}, {levels.scale}), scalar(levels.zero_point, levels.type)}, to);
  }
  /// Both: makes `to` of `from`.
  void pair(const std::string& from, const std::string& to, const Levels& levels) {
    quantise(from, to + ".q", levels);
    dequantise(to + ".q", to, levels);
  }
  /// Weights (2, 2, 1, 1) of int8 with two scales, and a bias of int32.
  void convolution(const std::string& from, const std::string& to, float scale_in) {
    const std::vector<float> scales = {0.25F, 0.3F};
    node("DequantizeLinear", {integers({2, 2, 1, 1}, {10, -7, 100, 3}, ::onnx::TensorProto::INT8), floats({2}, scales)},
         to + ".w", {{"axis", 0}});
    node("DequantizeLinear",
         {integers({2}, {11, -200}, ::onnx::TensorProto::INT32),
          floats({2}, {scale_in * scales[0], scale_in * scales[1]})},
         to + ".b", {{"axis", 0}});
    node("Conv", {from, to + ".w", to + ".b"}, to);
  }
};

/// "convolution u8, activation": operations but those that only move channels, and which are quantised.
inline std::string kinds(graph::Graph graph) {
  passes::remove_dead_nodes(graph);
  std::string result;
  for (const graph::Node& node : graph.nodes) {
    if (graph::moves_channels(node.operation)) continue;
    result.append(result.empty() ? "" : ", ").append(graph::operation_name(node.operation));
    if (node.quantization) result.append(" u8");
  }
  return result;
}

}  // namespace riffle::onnx
