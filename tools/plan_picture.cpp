#include "tools/plan_picture.hpp"

#include <algorithm>
#include <array>

#include "tools/text.hpp"

namespace riffle::tools {
namespace picture {
namespace {

/// In the order of plan::Task's alternatives; a chain, the last one, is drawn as its producer, which does most of it.
constexpr std::array<Kind, std::variant_size_v<plan::Task> - 1> kinds = {{
    {"stem convolution", "#e8884a"},
    {"pointwise", "#3f7fc1"},
    {"depthwise", "#35a29f"},
    {"convolution", "#c2703d"},
    {"pooling", "#8a7fc7"},
    {"global pooling", "#b07cc6"},
    {"fully connected", "#d1556f"},
    {"element-wise", "#b8a13a"},
    {"softmax", "#7d8b5a"},
    {"input to channels-last", "#8c959f"},
    {"channels-last to output", "#8c959f"},
}};
constexpr Kind copy_kind = {"copy", "#57606a"};

std::int64_t macs_of(const plan::Plan& plan, const Kind* kind) {
  std::int64_t macs = 0;
  for (const plan::Step& step : plan.steps) {
    if (kind == nullptr || &kind_of(step) == kind) macs += step.macs;
  }
  return macs;
}

double draw_title(Svg& svg, const plan::Plan& plan) {
  svg.text(margin, 56, plan.name.empty() ? "network" : plan.name, {.size = 28, .color = ink, .bold = true});
  const std::string summary =
      "input " + std::to_string(plan.input.c) + " × " + resolution(plan.input) + "   ·   " +
      millions(macs_of(plan, nullptr)) + " multiply-adds   ·   " + std::to_string(plan.steps.size()) + " steps   ·   " +
      bytes_text(plan.weight_bytes) + " of weights   ·   arena " +
      bytes_text(plan.arena_floats * static_cast<std::int64_t>(sizeof(float))) + "   ·   " + plan.kernels->isa;
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

const Kind& kind_of(const plan::Step& step) {
  if (step.kind == plan::StepKind::copy) return copy_kind;
  if (const auto* chain = std::get_if<plan::Chain>(&step.task)) {
    const bool stem = std::holds_alternative<plan::Call<kernels::StemArgs>>(chain->producer);
    return kinds[stem ? 0 : 1];
  }
  return kinds[step.task.index()];
}

std::vector<const Kind*> kinds_of(const plan::Plan& plan) {
  std::vector<const Kind*> used;
  for (const plan::Step& step : plan.steps) {
    if (std::find(used.begin(), used.end(), &kind_of(step)) == used.end()) used.push_back(&kind_of(step));
  }
  return used;
}

double draw_legend(Svg& svg, const std::vector<LegendEntry>& entries, double top) {
  constexpr double swatch = 13, line_height = 24, size = 12.5;
  double x = margin;
  double y = top + line_height / 2;
  for (const auto& [kind, words] : entries) {
    const double width = swatch + 8 + text_width(words, size) + 20;
    if (x + width > page_width - margin) {
      x = margin;
      y += line_height;
    }
    svg.box({x, y - swatch / 2, swatch, swatch}, kind->color, 3);
    svg.text(x + swatch + 8, y, words, {.size = size, .color = ink});
    x += width;
  }
  return y + line_height / 2;
}

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

std::string resolution(const graph::Shape& shape) { return std::to_string(shape.h) + " × " + std::to_string(shape.w); }

std::string describe(const plan::Step& step, std::size_t index) {
  std::string words = std::to_string(index) + ": " + step.name + "\n" + step.operation + "\n" + chw(step.in) + " to " +
                      chw(step.out) + "\n";
  if (step.macs > 0) words += millions(step.macs) + " multiply-adds\n";
  if (step.weight_bytes > 0) words += bytes_text(step.weight_bytes) + " of weights\n";
  return words + step.kernel;
}

}  // namespace picture

std::string plan_svg(const plan::Plan& plan) {
  using namespace picture;
  Svg svg;
  const double legend = draw_legend(svg, legend_of(plan), draw_title(svg, plan));
  const double network = draw_network(svg, plan, legend + 28);
  const double height = draw_memory(svg, plan, network + 40) + margin;

  Svg page;
  page.box({0, 0, page_width, height}, "#ffffff");
  page.append(svg);
  return page.finish(page_width, height, plan.name + ": network and memory plan");
}

}  // namespace riffle::tools
