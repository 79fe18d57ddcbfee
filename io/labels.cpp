#include "io/labels.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/files.hpp"
#include "base/text.hpp"

namespace riffle::io {
namespace {

constexpr std::int64_t max_labels_bytes = std::int64_t{1} << 24;

}  // namespace

void require_classifier(const plan::Plan& plan) {
  if (plan.inputs.size() != 1) {
    throw Error("the model takes " + std::to_string(plan.inputs.size()) + " inputs (" + plan::to_text(plan.inputs[0]) +
                ", " + plan::to_text(plan.inputs[1]) + (plan.inputs.size() > 2 ? " ..." : "") + "), not one picture");
  }
  if (plan.inputs[0].type != Type::f32 && plan.inputs[0].type != Type::u8) {
    throw Error("the model's input is " + plan::to_text(plan.inputs[0]) + ", not f32 or u8, as pictures become");
  }
  const plan::Tensor& classes = plan.outputs[0];
  if (classes.type != Type::f32 || classes.shape.pixels() != 1) {
    throw Error("the model's first output is " + plan::to_text(classes) + ", not one f32 value a class");
  }
}

void softmax(std::span<float> values) {
  const float largest_value = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (float& value : values) {
    value = std::exp(value - largest_value);
    sum += value;
  }
  for (float& value : values) value = static_cast<float>(value / sum);
}

std::vector<std::int32_t> largest(std::span<const float> values, std::int32_t count) {
  assert(count >= 0 && static_cast<std::size_t>(count) <= values.size());
  const auto rank = [&](std::int32_t i) {
    const float value = values[static_cast<std::size_t>(i)];
    return std::isnan(value) ? -std::numeric_limits<float>::infinity() : value;
  };
  std::vector<std::int32_t> indices(values.size());
  std::iota(indices.begin(), indices.end(), 0);
  std::partial_sort(indices.begin(), indices.begin() + count, indices.end(),
                    [&](std::int32_t a, std::int32_t b) { return rank(a) != rank(b) ? rank(a) > rank(b) : a < b; });
  indices.resize(static_cast<std::size_t>(count));
  return indices;
}

std::vector<std::string> read_names(const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path, max_labels_bytes);
  std::vector<std::string> names;
  std::string line;
  const auto end_line = [&] {
    if (line.ends_with('\r')) line.pop_back();
    names.push_back(std::move(line));
    line.clear();
  };
  for (const std::byte byte : bytes) {
    if (byte == std::byte{'\n'}) {
      end_line();
    } else {
      line += static_cast<char>(byte);
    }
  }
  if (!line.empty()) end_line();
  return names;
}

std::vector<std::string> read_labels(const std::string& path, std::int32_t classes) {
  std::vector<std::string> labels = read_names(path);
  if (labels.size() != static_cast<std::size_t>(classes)) {
    throw Error(path + ": " + std::to_string(labels.size()) + " names for the model's " + std::to_string(classes) +
                " classes");
  }
  return labels;
}

}  // namespace riffle::io
