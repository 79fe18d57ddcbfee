#include "engine/decode/points_and_masks.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.hpp"

namespace riffle::decode {

namespace {

constexpr Grid one_object = {1, 1, 1};

double unit_of(graph::Unit unit, double input) {
  if (unit == graph::Unit::pixel) return 1;
  if (unit == graph::Unit::input) return input;
  throw Error("landmarks are in pixels or in parts of the input: there are no cells and no anchors");
}

}  // namespace

Landmarks::Landmarks(graph::Landmarks task, std::span<const OutputShape> outputs, std::int32_t height,
                     std::int32_t width)
    : task_(std::move(task)), height_(unit_of(task_.point.unit, height)), width_(unit_of(task_.point.unit, width)) {
  expect_finite(task_.point, "landmarks: point");
  expect_finite(task_.score_mapping, "landmarks: score");
  if (!std::isfinite(task_.threshold)) throw Error("landmarks: the threshold is not finite");
  view_ = find_part(task_.points, one_object, outputs, "landmarks");
  score_ = find_part(task_.score, one_object, outputs, "the landmarks' score");
  if (!view_.exists()) throw Error("landmarks: there is no output of points");
  if (task_.dimensions != 2 && task_.dimensions != 3) {
    throw Error({"landmarks: a point has 2 or 3 numbers, not ", task_.dimensions});
  }
  if (view_.count % task_.dimensions != 0) {
    throw Error({"landmarks: ", view_.count, " numbers are no points of ", task_.dimensions});
  }
  points_ = static_cast<std::size_t>(view_.count / task_.dimensions);
}

double Landmarks::run(std::span<const float* const> outputs, const Placement& placement,
                      std::span<float> points) const {
  const float* const raw = view_.at(outputs, 0, 0);
  const std::size_t each = dimensions();
  for (std::size_t i = 0; i < points_ && (i + 1) * each <= points.size(); ++i) {
    const auto number = [&](std::size_t k, double unit) {
      return unit *
             mapped(task_.point, static_cast<double>(raw[static_cast<std::int64_t>(i * each + k) * view_.component]));
    };
    const double x = number(0, width_), y = number(1, height_);
    points[i * each] = static_cast<float>(placement.x(x, y));
    points[i * each + 1] = static_cast<float>(placement.y(x, y));
    if (each == 3) points[i * each + 2] = static_cast<float>(placement.scale() * number(2, width_));
  }
  return score_.exists() ? mapped(task_.score_mapping, static_cast<double>(*score_.at(outputs, 0, 0))) : 1.0;
}

Segment::Segment(graph::Segment task, std::span<const OutputShape> outputs) : task_(std::move(task)) {
  if (!std::isfinite(task_.threshold)) throw Error("segmentation: the threshold is not finite");
  const auto found = std::ranges::find(outputs, task_.scores.output, &OutputShape::name);
  if (found == outputs.end()) throw Error({"segmentation: the network has no output '", task_.scores.output, "'"});
  const std::span<const std::int32_t> extents = found->extents;
  if (extents.size() != 3 && extents.size() != 2) {
    throw Error({"segmentation: the output '", found->name, "' has ", extents.size(),
                 " dimensions; a mask is (K, rows, columns), (rows, columns, K) or (rows, columns)"});
  }
  // Of the three the shortest is the classes', if nothing says otherwise.
  const bool planes = task_.scores.components == graph::Components::planes ||
                      (task_.scores.components == graph::Components::by_shape && extents.front() <= extents.back());
  const std::size_t first = extents.size() == 3 && planes ? 1 : 0;
  height_ = extents[first];
  width_ = extents[first + 1];
  graph::Part part = task_.scores;
  part.components = planes ? graph::Components::planes : graph::Components::last;
  view_ = find_part(part, {height_, width_, 1}, outputs, "segmentation");
  if (task_.foreground < -1 || task_.foreground >= view_.count) {
    throw Error({"segmentation: the foreground is component ", task_.foreground, " of ", view_.count});
  }
  if (task_.foreground < 0 && (view_.count < 2 || view_.count > 256)) {
    throw Error({"segmentation: ", view_.count, " classes; 2 to 256 are told apart"});
  }
}

double Segment::foreground(std::span<const float* const> outputs, std::int32_t x, std::int32_t y) const {
  const float* const raw = view_.at(outputs, std::int64_t{y} * width_ + x, 0);
  if (task_.transform == graph::Transform::softmax) {
    return softmax_share(raw, view_.component, view_.count, task_.foreground);
  }
  return transformed(task_.transform, static_cast<double>(raw[task_.foreground * view_.component]));
}

void Segment::run(std::span<const float* const> outputs, std::span<std::uint8_t> mask) const {
  const auto threshold = static_cast<double>(task_.threshold);
  for (std::int32_t y = 0; y < height_; ++y) {
    for (std::int32_t x = 0; x < width_; ++x) {
      std::uint8_t& to =
          mask[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x)];
      if (task_.foreground >= 0) {
        const double probable = foreground(outputs, x, y);
        to = probable > threshold || (task_.inclusive && probable == threshold) ? 1 : 0;
        continue;
      }
      const float* const raw = view_.at(outputs, std::int64_t{y} * width_ + x, 0);
      std::int32_t best = 0;
      for (std::int32_t k = 1; k < view_.count; ++k) {
        if (raw[k * view_.component] > raw[best * view_.component]) best = k;
      }
      to = static_cast<std::uint8_t>(best);
    }
  }
}

}  // namespace riffle::decode
