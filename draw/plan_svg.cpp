#include "draw/plan_svg.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "draw/steps_svg.hpp"
#include "draw/svg_style.hpp"

namespace riffle::draw {
namespace {

std::int64_t macs_of(const plan::Plan& plan, const Kind* kind) {
  std::int64_t macs = 0;
  for (const plan::Step& step : plan.steps) {
    if (kind == nullptr || &kind_of(step) == kind) macs += step.macs;
  }
  return macs;
}

double draw_title(Svg& svg, const plan::Plan& plan) {
  svg.text(margin, 56, plan.name.empty() ? "network" : plan.name, {.size = 28, .color = ink, .bold = true});
  const std::string summary = millions(macs_of(plan, nullptr)) + " multiply-adds   ·   " +
                              std::to_string(plan.steps.size()) + " steps   ·   " + bytes_text(plan.weight_bytes) +
                              " of weights   ·   arena " + bytes_text(plan.arena_bytes) + "   ·   " + plan.kernels->isa;
  svg.text(margin, 90, summary, {.size = 14, .color = faint_ink});
  return 112;
}

/// Each kind's share of the multiply-adds.
std::vector<LegendEntry> legend_of(const plan::Plan& plan) {
  const auto total = static_cast<double>(std::max<std::int64_t>(macs_of(plan, nullptr), 1));
  std::vector<LegendEntry> entries;
  for (const Kind* kind : kinds_of(plan)) {
    const std::int64_t macs = macs_of(plan, kind);
    std::string words(kind->name);
    if (macs > 0) words += "  " + fixed(100 * static_cast<double>(macs) / total, 1) + " %";
    entries.push_back({kind, std::move(words)});
  }
  return entries;
}

}  // namespace

std::vector<Stage> stages_of(const plan::Plan& plan) {
  std::vector<Stage> stages;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const graph::Shape& shape = plan.steps[i].out;
    if (stages.empty() || shape.pixels() < stages.back().shape.pixels()) {
      stages.push_back({i, i, shape});
    }
    stages.back().last = i + 1;
  }
  return stages;
}

double draw_heading(Svg& svg, std::string_view title, std::string_view hint, double top) {
  svg.text(margin, top + 10, title, {.size = 19, .color = ink, .bold = true});
  svg.text(margin, top + 36, hint, {.size = 12.5, .color = faint_ink});
  return top + 56;
}

std::string plan_svg(const plan::Plan& plan) {
  Svg svg;
  const double legend = draw_legend(svg, legend_of(plan), draw_title(svg, plan));
  const double network = draw_network(svg, plan, legend + 28);
  const double height = draw_memory(svg, plan, network + 40) + margin;

  Svg page;
  page.box({0, 0, page_width, height}, "#ffffff");
  page.append(svg);
  return page.finish(page_width, height, plan.name + ": network and memory plan");
}

}  // namespace riffle::draw
