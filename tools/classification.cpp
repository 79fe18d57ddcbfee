#include "tools/classification.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/files.hpp"
#include "tools/text.hpp"

namespace riffle::tools {
namespace {

constexpr std::int64_t max_labels_bytes = std::int64_t{1} << 24;

/// Element c, or the only one.
float of_channel(const std::vector<float>& values, std::int32_t c) {
  return values.size() == 1 ? values.front() : values[static_cast<std::size_t>(c)];
}

void require_per_channel(const std::vector<float>& values, std::int32_t channels, const char* what) {
  if (values.size() != 1 && values.size() != static_cast<std::size_t>(channels)) {
    throw Error(std::string(what) + ": " + std::to_string(values.size()) + " values for " + std::to_string(channels) +
                " channels");
  }
  for (const float value : values) {
    if (!std::isfinite(value)) throw Error(std::string(what) + ": a value is not finite");
  }
}

}  // namespace

Preprocess::Preprocess(const graph::Shape& input, const Normalisation& normalisation, const kernels::Kernels& kernels)
    : kernel_(kernels.frame) {
  if (input.c != 1 && input.c != 3) {
    throw Error("the model takes " + std::to_string(input.c) + " channels; a picture has 1 or 3");
  }
  require_per_channel(normalisation.mean, input.c, "mean");
  require_per_channel(normalisation.deviation, input.c, "std");
  args_.channels = input.c;
  args_.out_h = input.h;
  args_.out_w = input.w;
  for (std::int32_t c = 0; c < input.c; ++c) {
    if (!args_.normalise(c, of_channel(normalisation.mean, c), of_channel(normalisation.deviation, c))) {
      throw Error("std: a value is too small");
    }
  }
}

void Preprocess::operator()(const Picture& picture, std::span<float> input) const {
  assert(static_cast<std::int64_t>(input.size()) == static_cast<std::int64_t>(args_.out_h) * args_.out_w * channels());
  if (picture.channels != channels() && picture.channels != 1) {
    throw Error("a picture of " + std::to_string(picture.channels) + " channels does not become one of " +
                std::to_string(channels()));
  }
  kernels::FrameArgs args = args_;
  args.frame.planes[0] = picture.pixels.data();
  args.frame.width = picture.width;
  args.frame.height = picture.height;
  args.frame.format = picture.channels == 1 ? kernels::PixelFormat::grey : kernels::PixelFormat::rgb;
  args.output = input.data();
  kernel_.run(args);
}

void require_classifier(const plan::Plan& plan) {
  if (plan.output.pixels() != 1) {
    throw Error("the model's output is " + chw(plan.output) + ", not one value a class");
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

}  // namespace riffle::tools
