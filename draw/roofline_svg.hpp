// A profile's picture.
#pragma once

#include <string>

#include "measure/profile.hpp"

namespace riffle::draw {

/// The profile as one self-contained SVG: multiply-adds per byte to the right, GMAC/s upwards, both in logarithms; the
/// limits as roofs, a dot a step.
std::string roofline_svg(const plan::Plan& plan, const measure::Profile& profile);

}  // namespace riffle::draw
