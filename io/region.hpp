// From a box that one network has found to another network's input.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "engine/decode/detector.hpp"
#include "engine/decode/placement.hpp"
#include "engine/graph/description.hpp"
#include "io/picture.hpp"
#include "io/preprocess.hpp"

namespace riffle::io {

/// Writes the region of an upright picture that belongs to a box, and its points (x and y of each), and says where the
/// input lies in the picture. Nothing where the region is empty. Throws Error where the region is turned by points that
/// the box does not have.
std::optional<decode::Placement> read_region(const Picture& picture, const graph::Region& region,
                                             const decode::Detection& box, std::span<const float> points,
                                             const graph::Shape& input_shape, Preprocess& preprocess,
                                             std::span<std::byte> input);

}  // namespace riffle::io
