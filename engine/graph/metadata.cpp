#include <algorithm>
#include <cmath>

#include "engine/decode/detector.hpp"
#include "engine/decode/points_and_masks.hpp"
#include "engine/graph/built.hpp"

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
  if (preprocessing.resize != Fit::crop && size != 0) {
    throw Error({"resize size: ", size, " for pictures that are ",
                 preprocessing.resize == Fit::stretch ? "stretched" : "letterboxed", " to the input's size"});
  }
  if (size != 0 && (size < least || size > max_extent)) {
    throw Error({"resize size: ", size, " is not in ", least, " (the input's) to ", max_extent});
  }
  check_per_channel(preprocessing.mean, input.c, "mean");
  check_per_channel(preprocessing.deviation, input.c, "std");
  check_per_channel(preprocessing.pad, input.c, "pad");
  for (const float value : preprocessing.pad) {
    if (!(value >= 0 && value <= 255)) throw Error("pad: a value is not in 0 to 255");
  }
  if (preprocessing.bgr && input.c != 3) throw Error({"channels: BGR, of an input of ", input.c});
  for (std::int32_t c = 0; c < input.c; ++c) {
    // As the frame kernel has them.
    const float scale = 1.0F / (255.0F * preprocessing.deviation_of(c));
    const float shift = -preprocessing.mean_of(c) / preprocessing.deviation_of(c);
    if (!std::isfinite(scale) || !std::isfinite(shift)) throw Error("std: a value is too small");
  }
}

Covered letterboxed(Align align, std::int32_t height, std::int32_t width, std::int32_t picture_height,
                    std::int32_t picture_width) {
  const std::int64_t h = height, w = width, picture_h = picture_height, picture_w = picture_width;
  const bool high = picture_h * w > h * picture_w;
  Covered covered = {0, 0, height, width};
  if (high) covered.width = static_cast<std::int32_t>(std::max(h * picture_w / picture_h, std::int64_t{1}));
  if (!high) covered.height = static_cast<std::int32_t>(std::max(w * picture_h / picture_w, std::int64_t{1}));
  if (align == Align::centre) {
    covered.top = (height - covered.height) / 2;
    covered.left = (width - covered.width) / 2;
  }
  return covered;
}

std::int64_t label_count(const Graph& graph) {
  const ById<Shape> shapes = infer_shapes(graph);
  if constexpr (!built::tasks) return shapes[graph.outputs[0].node].c;
  std::vector<decode::OutputShape> outputs;
  for (const Output& output : graph.outputs) {
    const std::vector<std::int64_t> extents = resolve(arrangement_of(output.arrangement), shapes[output.node]).extents;
    outputs.push_back({graph.output_name(output), {extents.begin(), extents.end()}});
  }
  const Shape input = graph.input_shape();
  const Task* const task = graph.task ? &*graph.task : nullptr;
  if (const auto* detect = std::get_if<Detect>(task)) {
    return decode::Detector(*detect, outputs, input.h, input.w).classes();
  }
  if (const auto* landmarks = std::get_if<Landmarks>(task)) {
    return static_cast<std::int64_t>(decode::Landmarks(*landmarks, outputs, input.h, input.w).points());
  }
  if (const auto* segment = std::get_if<Segment>(task)) return decode::Segment(*segment, outputs).classes();
  return shapes[graph.outputs[0].node].c;
}

void check_metadata(const Graph& graph) {
  const auto check_part = [&](const char* what, auto f) {
    try {
      f();
    } catch (const Error& error) {
      throw Error({"graph '", graph.name, "': ", what, error.what()});
    }
  };
  if (graph.task || !graph.labels.empty()) {
    check_part("", [&] {
      const std::int64_t classes = label_count(graph);
      if (!graph.labels.empty() && std::ssize(graph.labels) != classes) {
        throw Error({graph.labels.size(), " labels for ", classes, " classes"});
      }
    });
  }
  for (std::size_t i = 0; i < graph.labels.size(); ++i) {
    if (graph.labels[i].find('\0') != std::string::npos) {
      throw Error({"graph '", graph.name, "': there is a zero byte in label ", i});
    }
  }
  if (graph.preprocessing) {
    check_part("its preprocessing: ", [&] { check(*graph.preprocessing, graph.input_shape()); });
  }
}

}  // namespace riffle::graph
