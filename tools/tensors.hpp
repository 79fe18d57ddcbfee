// What a model takes and gives, for people and for scripts.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/plan/plan.hpp"

namespace riffle::tools {

using plan::Signature;

/// One f32 tensor in, one out: what needs no words.
bool is_usual(const Signature& signature);

/// "input 3 x 224 x 224" where there is one of f32; or else "inputs image 3 x 64 x 64 u8 (scale 0.5, zero point 128),
/// mask 1 x 64 x 64". `word`: what one is.
std::string tensors_text(std::string word, const std::vector<plan::Tensor>& tensors);

/// [{"name": "image", "shape": [3, 64, 64], "type": "u8", "scale": 0.5, "zero_point": 128}, ...]
nlohmann::json tensors_json(const std::vector<plan::Tensor>& tensors);

}  // namespace riffle::tools
