// A plan as one self-contained SVG: above, the network, a row a resolution, its steps as boxes as wide as their
// multiply-adds; below, the memory plan, steps from left to right, bytes of the arena upwards.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/plan/plan.hpp"
#include "tools/svg.hpp"

namespace riffle::tools {

std::string plan_svg(const plan::Plan& plan);

/// What the sections of the picture share.
namespace picture {

inline constexpr double page_width = 1600;
inline constexpr double margin = 48;
inline constexpr std::string_view ink = "#1f2328";
inline constexpr std::string_view faint_ink = "#6e7781";
inline constexpr std::string_view panel = "#f6f8fa";
inline constexpr std::string_view rule = "#d8dee4";

/// A kind of step: its word and its colour.
struct Kind {
  std::string_view name;
  std::string_view color;
};
const Kind& kind_of(const plan::Step& step);

/// Steps [first, last) between two reductions of the resolution. What a stage still computes at the resolution before
/// it (the first half of a unit of stride 2) is its own.
struct Stage {
  std::size_t first = 0, last = 0;
  graph::Shape shape;  ///< height and width of what it makes
};
std::vector<Stage> stages_of(const plan::Plan& plan);

/// "28 × 28".
std::string resolution(const graph::Shape& shape);

/// Everything about a step in a few lines, for under the pointer.
std::string describe(const plan::Step& step, std::size_t index);

/// A row of a legend's swatches, or several. Returns its lower edge.
struct LegendEntry {
  const Kind* kind = nullptr;
  std::string words;
};
double draw_legend(Svg& svg, const std::vector<LegendEntry>& entries, double top);

/// The kinds that occur, in the order of the steps.
std::vector<const Kind*> kinds_of(const plan::Plan& plan);

/// A section's title and a line of explanation. Returns its lower edge.
double draw_heading(Svg& svg, std::string_view title, std::string_view hint, double top);

/// Draw with their upper edge at `top`; return their lower edge.
double draw_network(Svg& svg, const plan::Plan& plan, double top);
double draw_memory(Svg& svg, const plan::Plan& plan, double top);

}  // namespace picture
}  // namespace riffle::tools
