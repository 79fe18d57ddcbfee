// From raw outputs to the points of one object, and to masks.
#pragma once

#include <cstdint>
#include <span>

#include "engine/decode/parts.hpp"
#include "engine/decode/placement.hpp"
#include "engine/graph/description.hpp"

namespace riffle::decode {

/// Immutable: any number of threads may run it.
class Landmarks {
 public:
  /// For an input of this size. Throws Error where the outputs are not as the description says.
  Landmarks(graph::Landmarks task, std::span<const OutputShape> outputs, std::int32_t height, std::int32_t width);

  [[nodiscard]] std::size_t points() const { return points_; }
  /// Numbers of each.
  [[nodiscard]] std::size_t dimensions() const { return static_cast<std::size_t>(task_.dimensions); }

  /// outputs[i] are the numbers of output i, of one image. Writes x, y and perhaps z of each point, in the picture's
  /// pixels, as many numbers as there is room for. Returns the score; 1 where the network gives none.
  double run(std::span<const float* const> outputs, const Placement& placement, std::span<float> points) const;

 private:
  graph::Landmarks task_;
  double height_, width_;
  PartView view_, score_;
  std::size_t points_ = 0;
};

/// A class for every pixel of an output that covers the input. Immutable, too.
class Segment {
 public:
  /// Throws Error where the outputs are not as the description says.
  Segment(graph::Segment task, std::span<const OutputShape> outputs);

  [[nodiscard]] std::int32_t height() const { return height_; }
  [[nodiscard]] std::int32_t width() const { return width_; }
  [[nodiscard]] std::int32_t classes() const { return task_.foreground >= 0 ? 2 : view_.count; }

  /// mask[y * width() + x] becomes the pixel's class: the component that wins, or 1 for the foreground and 0 for what
  /// is not. `mask` has height() * width() bytes.
  void run(std::span<const float* const> outputs, std::span<std::uint8_t> mask) const;
  /// Of a description with a foreground: how probable it is at pixel (x, y).
  [[nodiscard]] double foreground(std::span<const float* const> outputs, std::int32_t x, std::int32_t y) const;

 private:
  graph::Segment task_;
  PartView view_;
  std::int32_t height_ = 0, width_ = 0;
};

}  // namespace riffle::decode
