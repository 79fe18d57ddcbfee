#include <algorithm>
#include <cmath>

#include "engine/graph/graph.hpp"

namespace riffle::graph {
namespace {

void check_per_channel(const std::vector<float>& values, std::int32_t channels, const char* what) {
  if (values.size() != 1 && values.size() != static_cast<std::size_t>(channels)) {
    throw Error({what, ": ", values.size(), " values for ", channels, " channels"});
  }
  for (const float value : values) {
    if (!std::isfinite(value)) throw Error({what, ": a value is not finite"});
  }
}

}  // namespace

Preprocessing preprocessing_of(const Graph& graph) {
  if (graph.preprocessing) return *graph.preprocessing;
  Preprocessing result;
  if (graph.input().type == Type::u8) result.deviation = {Preprocessing::of_pixels};
  return result;
}

void check(const Preprocessing& preprocessing, const Shape& input) {
  if (input.c != 1 && input.c != 3) {
    throw Error({"the model takes ", input.c, " channels; a picture has 1 or 3"});
  }
  const std::int64_t least = std::max(input.h, input.w), size = preprocessing.resize_size;
  if (preprocessing.resize == Fit::stretch && size != 0) {
    throw Error({"resize size: ", size, " for pictures that are stretched to the input's size"});
  }
  if (size != 0 && (size < least || size > max_extent)) {
    throw Error({"resize size: ", size, " is not in ", least, " (the input's) to ", max_extent});
  }
  check_per_channel(preprocessing.mean, input.c, "mean");
  check_per_channel(preprocessing.deviation, input.c, "std");
  for (std::int32_t c = 0; c < input.c; ++c) {
    // As the frame kernel has them.
    const float scale = 1.0F / (255.0F * preprocessing.deviation_of(c));
    const float shift = -preprocessing.mean_of(c) / preprocessing.deviation_of(c);
    if (!std::isfinite(scale) || !std::isfinite(shift)) throw Error("std: a value is too small");
  }
}

void check_metadata(const Graph& graph) {
  if (!graph.labels.empty()) {
    const std::int32_t classes = infer_shapes(graph)[graph.outputs[0].node].c;
    if (graph.labels.size() != static_cast<std::size_t>(classes)) {
      throw Error({"graph '", graph.name, "': ", graph.labels.size(), " labels for ", classes, " classes"});
    }
  }
  for (std::size_t i = 0; i < graph.labels.size(); ++i) {
    if (graph.labels[i].find('\0') != std::string::npos) {
      throw Error({"graph '", graph.name, "': there is a zero byte in label ", i});
    }
  }
  if (!graph.preprocessing) return;
  try {
    check(*graph.preprocessing, graph.input_shape());
  } catch (const Error& error) {
    throw Error({"graph '", graph.name, "': its preprocessing: ", error.what()});
  }
}

}  // namespace riffle::graph
