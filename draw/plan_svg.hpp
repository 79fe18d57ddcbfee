// A plan as one self-contained SVG: above, the network between its inputs and outputs, a row a resolution, its steps as
// boxes as wide as their multiply-adds; below, the memory plan, steps from left to right, bytes of the arena upwards,
// and when the caller's tensors are read and written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "draw/svg.hpp"
#include "engine/plan/plan.hpp"

namespace riffle::draw {

std::string plan_svg(const plan::Plan& plan);

// The sections of the drawing.

/// Steps [first, last) between two reductions of the resolution. What a stage still computes at the resolution before
/// it (the first half of a unit of stride 2) is its own.
struct Stage {
  std::size_t first = 0, last = 0;
  graph::Shape shape;  ///< height and width of what it makes
};
std::vector<Stage> stages_of(const plan::Plan& plan);

/// A section's title and a line of explanation. Returns its lower edge.
double draw_heading(Svg& svg, std::string_view title, std::string_view hint, double top);

/// Draw with their upper edge at `top`; return their lower edge.
double draw_network(Svg& svg, const plan::Plan& plan, double top);
double draw_memory(Svg& svg, const plan::Plan& plan, double top);

}  // namespace riffle::draw
