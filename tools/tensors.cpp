#include "tools/tensors.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace riffle::tools {
namespace {

bool is_usual(const std::vector<plan::Tensor>& tensors) { return tensors.size() == 1 && tensors[0].type == Type::f32; }

}  // namespace

bool Signature::is_usual() const { return tools::is_usual(inputs) && tools::is_usual(outputs); }

Signature signature_of(const graph::Graph& graph) {
  const std::vector<graph::Shape> shapes = graph::infer_shapes(graph);
  Signature result;
  for (std::size_t i = 0; i < graph.input_count(); ++i) {
    const graph::Input& input = graph.input(i);
    result.inputs.push_back({graph.nodes[i].name, input.shape, input.type, input.quantization});
  }
  for (const graph::Output& output : graph.outputs) {
    result.outputs.push_back(
        {graph.output_name(output), shapes[static_cast<std::size_t>(output.node)], output.type, output.quantization});
  }
  return result;
}

std::string tensors_text(std::string word, const std::vector<plan::Tensor>& tensors) {
  if (is_usual(tensors)) return word + " " + graph::chw(tensors[0].shape);
  if (tensors.size() > 1) word += "s";
  for (std::size_t i = 0; i < tensors.size(); ++i) word += (i == 0 ? " " : ", ") + printable(plan::to_text(tensors[i]));
  return word;
}

nlohmann::json tensors_json(const std::vector<plan::Tensor>& tensors) {
  nlohmann::json list = nlohmann::json::array();
  for (const plan::Tensor& tensor : tensors) {
    const auto& [h, w, c] = tensor.shape;
    nlohmann::json one = {{"name", tensor.name}, {"shape", {c, h, w}}, {"type", name_of(tensor.type)}};
    if (tensor.is_quantized()) {
      one["scale"] = tensor.quantization.scale;
      one["zero_point"] = tensor.quantization.zero_point;
    }
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace riffle::tools
