#include "draw/steps_svg.hpp"

#include <algorithm>
#include <iterator>

#include "base/text.hpp"
#include "draw/svg_style.hpp"

namespace riffle::draw {
namespace {

/// In the order of plan::Task's alternatives; a chain, the last one, is drawn as its producer, which does most of it.
constexpr Kind kinds[] = {
    {"stem convolution", "#e8884a"}, {"pointwise", "#3f7fc1"},    {"depthwise", "#35a29f"},
    {"convolution", "#c2703d"},      {"pooling", "#8a7fc7"},      {"global pooling", "#b07cc6"},
    {"fully connected", "#d1556f"},  {"element-wise", "#b8a13a"}, {"softmax", "#7d8b5a"},
    {"choice of pixels", "#5f8f8b"}, {"resizing", "#4f86a8"},     {"layout conversion", "#8c959f"},
    {"type conversion", "#aab1b9"},  {"reduction", "#6f9a4d"},
};
static_assert(std::size(kinds) + 1 == std::variant_size_v<plan::Task>);
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

std::string words_of(const plan::Tensor& tensor) {
  const std::string type(tensor.type == Type::f32 ? "" : name_of(tensor.type));
  return tensor.name + " " + std::to_string(tensor.shape.c) + " × " + resolution(tensor.shape) +
         (type.empty() ? "" : " " + type);
}

double draw_tensors(Svg& svg, std::string_view word, const std::vector<plan::Tensor>& tensors, double top) {
  constexpr double label_width = 96, padding = 6, box_height = 26, gap = 6, size = 12;
  constexpr double left = margin + label_width, right = page_width - margin - padding;
  std::vector<Box> boxes;
  double x = left, y = top + padding;
  for (const plan::Tensor& tensor : tensors) {
    const double width = std::min(text_width(words_of(tensor), size) + 16, right - left);
    if (x + width > right && x > left) {
      x = left;
      y += box_height + gap;
    }
    boxes.push_back({x, y, width, box_height});
    x += width + gap;
  }
  const double bottom = y + box_height + padding;
  svg.box({margin, top, page_width - 2 * margin, bottom - top}, panel, 6);
  svg.text(margin + 12, top + padding + box_height / 2, word, {.size = 15, .color = ink, .bold = true});
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    svg.box(boxes[i], rule, 3, plan::to_text(tensors[i]) + "\n" + bytes_text(tensors[i].bytes()));
    svg.text(boxes[i].x + 8, boxes[i].center_y(), words_of(tensors[i]), {.size = size, .color = ink});
  }
  return bottom;
}

std::string describe(const plan::Step& step, std::size_t index) {
  std::string words = std::to_string(index) + ": " + step.name + "\n" + step.operation + "\n" + graph::chw(step.in) +
                      " to " + graph::chw(step.out) + "\n";
  if (step.macs > 0) words += millions(step.macs) + " multiply-adds\n";
  if (step.weight_bytes > 0) words += bytes_text(step.weight_bytes) + " of weights\n";
  return words + step.kernel;
}

}  // namespace riffle::draw
