#include "models/spec.hpp"

#include <cmath>
#include <sstream>

#include "engine/graph/graph.hpp"

namespace riffle::models {

void check_extent(std::int64_t value, const std::string& what) {
  if (value < 1 || value > graph::max_extent) {
    throw Error(what + " is " + std::to_string(value) + "; 1 to " + std::to_string(graph::max_extent) +
                " are possible");
  }
}

void check_width(double width) {
  if (!(width > 0) || !std::isfinite(width)) {
    throw Error("width " + text(width) + ": a finite number above 0 is needed");
  }
}

std::int32_t scaled_channels(std::int32_t channels, double width, const std::string& layer) {
  const double scaled = std::floor(channels * width);
  if (!(scaled >= 1) || scaled > static_cast<double>(graph::max_extent)) {
    throw Error(layer + ": width " + text(width) + " makes " + text(scaled) + " channels of " +
                std::to_string(channels) + "; 1 to " + std::to_string(graph::max_extent) + " are possible");
  }
  return static_cast<std::int32_t>(scaled);
}

std::string text(double value) {
  std::ostringstream stream;
  stream << value;
  return stream.str();
}

}  // namespace riffle::models
