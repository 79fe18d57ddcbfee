#include "draw/steps_svg.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "draw/svg_style.hpp"

namespace riffle::draw {
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

std::string resolution(const graph::Shape& shape) { return std::to_string(shape.h) + " × " + std::to_string(shape.w); }

std::string describe(const plan::Step& step, std::size_t index) {
  std::string words = std::to_string(index) + ": " + step.name + "\n" + step.operation + "\n" + graph::chw(step.in) +
                      " to " + graph::chw(step.out) + "\n";
  if (step.macs > 0) words += millions(step.macs) + " multiply-adds\n";
  if (step.weight_bytes > 0) words += bytes_text(step.weight_bytes) + " of weights\n";
  return words + step.kernel;
}

}  // namespace riffle::draw
