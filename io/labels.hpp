// From a network's output to a class, and its name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/plan/plan.hpp"

namespace riffle::io {

/// Throws Error unless the plan reads one tensor of f32 or u8, the picture, and its first output is f32, one value a
/// class. What it writes beside that is no matter.
void require_classifier(const plan::Plan& plan);

/// In place: exp(x - max) / sum.
void softmax(std::span<float> values);

/// The indices of the `count` largest values, largest first; of equal values the lower index first. A NaN counts as
/// the smallest. count: at most values.size().
std::vector<std::int32_t> largest(std::span<const float> values, std::int32_t count);

/// A file of one name a line. Throws Error naming the path.
std::vector<std::string> read_names(const std::string& path);

/// The same, of exactly `classes` names.
std::vector<std::string> read_labels(const std::string& path, std::int32_t classes);

}  // namespace riffle::io
