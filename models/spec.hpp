// What the numbers of a spec may be. Messages name the field or the layer.
#pragma once

#include <cstdint>
#include <string>

namespace riffle::models {

/// Throws Error unless `value` is in [1, graph::max_extent]; `what` is its name for people.
void check_extent(std::int64_t value, const std::string& what);

/// Throws Error unless width > 0 and finite.
void check_width(double width);

/// Of any network's spec.
template <class Spec>
void check_spec(const Spec& spec) {
  check_width(spec.width_multiplier);
  check_extent(spec.in_channels, "in_channels");
  check_extent(spec.classes, "classes");
  check_extent(spec.height, "height");
  check_extent(spec.width, "width");
}

/// int(width * channels), as the networks' widths are defined. Throws Error naming `layer` if nothing is left or more
/// than a graph may hold.
std::int32_t scaled_channels(std::int32_t channels, double width, const std::string& layer);

/// A number as people write it: 0.5, 1, 1.25.
std::string text(double value);

}  // namespace riffle::models
