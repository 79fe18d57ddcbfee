#include "io/region.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace riffle::io {
namespace {

std::optional<decode::Placement> read_cut(const Picture& picture, double scale, const decode::Detection& box,
                                          Preprocess& preprocess, std::span<std::byte> input) {
  // Whole pixels: the box's are rounded towards the corner, the region's half extents down.
  const auto x0 = std::trunc(static_cast<double>(box.x0)), x1 = std::trunc(static_cast<double>(box.x1));
  const auto y0 = std::trunc(static_cast<double>(box.y0)), y1 = std::trunc(static_cast<double>(box.y1));
  const double x = std::floor((x0 + x1) / 2), y = std::floor((y0 + y1) / 2);
  const double across = std::floor(scale * (x1 - x0) / 2), down = std::floor(scale * (y1 - y0) / 2);
  const auto within = [](double at, std::int32_t end) {
    return static_cast<std::int32_t>(std::clamp(at, 0.0, static_cast<double>(end)));
  };
  const std::int32_t left = within(x - across, picture.width), right = within(x + across, picture.width);
  const std::int32_t top = within(y - down, picture.height), bottom = within(y + down, picture.height);
  if (left >= right || top >= bottom) return std::nullopt;
  const Picture part = cut_out(picture, left, top, right, bottom);
  preprocess(part, input);
  decode::Placement placement = preprocess.placement(part);
  placement.x0 += left;
  placement.y0 += top;
  return placement;
}

}  // namespace

std::optional<decode::Placement> read_region(const Picture& picture, const graph::Region& region,
                                             const decode::Detection& box, std::span<const float> points,
                                             const graph::Shape& input_shape, Preprocess& preprocess,
                                             std::span<std::byte> input) {
  const auto x0 = static_cast<double>(box.x0), x1 = static_cast<double>(box.x1);
  const auto y0 = static_cast<double>(box.y0), y1 = static_cast<double>(box.y1);
  const auto scale = static_cast<double>(region.scale);
  double width = scale * (x1 - x0), height = scale * (y1 - y0);
  // Neither is what is no number, nor what is too far away to be in a picture.
  if (!(width > 0 && height > 0 && std::max({std::abs(x0), std::abs(y0), std::abs(x1), std::abs(y1)}) < 1e6)) {
    return std::nullopt;
  }
  if (region.cut) return read_cut(picture, scale, box, preprocess, input);
  if (region.square) width = height = std::max(width, height);
  double angle = 0;
  if (region.is_turned()) {
    const auto point = [&](std::int32_t i, std::size_t axis) {
      const std::size_t at = 2 * static_cast<std::size_t>(i) + axis;
      if (at >= points.size()) throw Error({"the region is turned by point ", i, ", which the boxes do not have"});
      return static_cast<double>(points[at]);
    };
    angle = std::atan2(point(region.turn_to, 1) - point(region.turn_from, 1),
                       point(region.turn_to, 0) - point(region.turn_from, 0));
    if (std::isnan(angle)) return std::nullopt;
  }
  const double c = std::cos(angle), s = std::sin(angle), w = input_shape.w, h = input_shape.h;
  decode::Placement placement = {c * width / w, -s * height / h, 0, s * width / w, c * height / h, 0};
  placement.x0 = (x0 + x1) / 2 - placement.x(w / 2, h / 2);
  placement.y0 = (y0 + y1) / 2 - placement.y(w / 2, h / 2);
  preprocess(picture, placement, input);
  return placement;
}

}  // namespace riffle::io
