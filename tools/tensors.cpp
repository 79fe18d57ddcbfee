#include "tools/tensors.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace riffle::tools {
namespace {

bool is_usual(const std::vector<plan::Tensor>& tensors) { return tensors.size() == 1 && tensors[0].type == Type::f32; }

}  // namespace

bool is_usual(const Signature& signature) { return is_usual(signature.inputs) && is_usual(signature.outputs); }

std::string tensors_text(std::string word, const std::vector<plan::Tensor>& tensors) {
  if (is_usual(tensors)) return word + " " + plan::dims_text(tensors[0]);
  if (tensors.size() > 1) word += "s";
  for (std::size_t i = 0; i < tensors.size(); ++i) word += (i == 0 ? " " : ", ") + printable(plan::to_text(tensors[i]));
  return word;
}

nlohmann::json tensors_json(const std::vector<plan::Tensor>& tensors) {
  nlohmann::json list = nlohmann::json::array();
  for (const plan::Tensor& tensor : tensors) {
    const auto& [h, w, c] = tensor.shape;
    nlohmann::json one = {{"name", tensor.name}, {"shape", {c, h, w}}, {"type", name_of(tensor.type)}};
    if (tensor.arrangement != graph::Arrangement{}) one["shape"] = tensor.dims;
    if (is_quantised(tensor.type)) {
      one["scale"] = tensor.quantization.scale;
      one["zero_point"] = tensor.quantization.zero_point;
    }
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace riffle::tools
