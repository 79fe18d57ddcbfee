// The upper half of a plan's picture: a row a resolution, a box a step, as wide as its multiply-adds.
#include <algorithm>

#include "base/text.hpp"
#include "draw/plan_svg.hpp"
#include "draw/steps_svg.hpp"
#include "draw/svg_style.hpp"

namespace riffle::draw {
namespace {

constexpr double label_width = 236;
constexpr double total_width = 90;
constexpr double row_height = 56;
constexpr double row_gap = 8;
constexpr double padding = 6;
constexpr double box_gap = 1.5;
constexpr double min_box = 3;
constexpr double boxes_left = margin + label_width;
constexpr double boxes_width = page_width - 2 * margin - label_width - total_width;

double box_width(const plan::Step& step, double pixels_per_mac) {
  return std::max(min_box, static_cast<double>(step.macs) * pixels_per_mac);
}

double row_width(const plan::Plan& plan, const Stage& stage, double pixels_per_mac) {
  double width = 0;
  for (std::size_t i = stage.first; i < stage.last; ++i) width += box_width(plan.steps[i], pixels_per_mac) + box_gap;
  return width;
}

/// The largest scale at which every row fits. Boxes have a least width, so that it is searched for.
double find_scale(const plan::Plan& plan, const std::vector<Stage>& stages) {
  double fits = 0, too_large = boxes_width;
  for (int i = 0; i < 80; ++i) {
    const double middle = (fits + too_large) / 2;
    const bool all_fit = std::all_of(stages.begin(), stages.end(),
                                     [&](const Stage& stage) { return row_width(plan, stage, middle) <= boxes_width; });
    (all_fit ? fits : too_large) = middle;
  }
  return fits;
}

std::int64_t macs_of(const plan::Plan& plan, const Stage& stage) {
  std::int64_t macs = 0;
  for (std::size_t i = stage.first; i < stage.last; ++i) macs += plan.steps[i].macs;
  return macs;
}

/// "12 pointwise", "4 depthwise" ...
std::vector<std::string> counts_of(const plan::Plan& plan, const Stage& stage) {
  std::vector<std::pair<const Kind*, int>> counts;
  for (std::size_t i = stage.first; i < stage.last; ++i) {
    const Kind* kind = &kind_of(plan.steps[i]);
    const auto known = std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.first == kind; });
    if (known == counts.end()) {
      counts.emplace_back(kind, 1);
    } else {
      ++known->second;
    }
  }
  std::vector<std::string> words;
  for (const auto& [kind, count] : counts) words.push_back(std::to_string(count) + " " + std::string(kind->name));
  return words;
}

std::string channels_text(const plan::Step& step) {
  return std::to_string(step.in.c) + " → " + std::to_string(step.out.c);
}

/// As much of the step's words as its box has room for: its operation and channels, or the channels alone across, on
/// two lines or upwards. Returns whether anything fitted.
bool label(Svg& svg, const plan::Step& step, const Box& box) {
  constexpr double size = 11, small = 10;
  const std::string channels = channels_text(step);
  const double inside = box.width - 6;
  if (text_width(step.operation, size) <= inside && text_width(channels, size) <= inside) {
    svg.text(box.center_x(), box.center_y() - 8, step.operation,
             {.size = size, .color = "#ffffff", .anchor = Anchor::middle, .bold = true});
    svg.text(box.center_x(), box.center_y() + 8, channels,
             {.size = size, .color = "#ffffff", .anchor = Anchor::middle});
    return true;
  }
  if (text_width(channels, size) <= inside) {
    svg.text(box.center_x(), box.center_y(), channels, {.size = size, .color = "#ffffff", .anchor = Anchor::middle});
    return true;
  }
  const std::string in = std::to_string(step.in.c) + " →", out = std::to_string(step.out.c);
  if (text_width(in, small) <= inside && text_width(out, small) <= inside) {
    svg.text(box.center_x(), box.center_y() - 7, in, {.size = small, .color = "#ffffff", .anchor = Anchor::middle});
    svg.text(box.center_x(), box.center_y() + 7, out, {.size = small, .color = "#ffffff", .anchor = Anchor::middle});
    return true;
  }
  const std::string tight = std::to_string(step.in.c) + "→" + out;
  if (box.width < small + 3 || text_width(tight, small) > box.height - 6) return false;
  svg.text(box.center_x(), box.center_y(), tight,
           {.size = small, .color = "#ffffff", .anchor = Anchor::middle, .turn = -90});
  return true;
}

/// The steps whose boxes are too narrow for words, behind the row's last box, if there is room for all of them.
void draw_rest(Svg& svg, const std::vector<const plan::Step*>& steps, double x, double y) {
  constexpr double size = 11;
  std::vector<std::string> parts;
  for (const plan::Step* step : steps) {
    std::string part = step->operation + "  " + channels_text(*step);
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(std::move(part));
  }
  std::string words;
  for (const std::string& part : parts) words += (words.empty() ? "" : "   ·   ") + part;
  if (x + 12 + text_width(words, size) <= boxes_left + boxes_width) {
    svg.text(x + 12, y, words, {.size = size, .color = faint_ink});
  }
}

}  // namespace

double draw_network(Svg& svg, const plan::Plan& plan, double top) {
  double y =
      draw_heading(svg, "Network",
                   "What the caller brings and gets; between them a row for each resolution, a box for each step, as "
                   "wide as its multiply-adds.",
                   top);
  const std::vector<Stage> stages = stages_of(plan);
  const double scale = find_scale(plan, stages);
  std::int64_t all_macs = 0;
  for (const plan::Step& step : plan.steps) all_macs += step.macs;

  y = draw_tensors(svg, "inputs", plan.inputs, y) + row_gap;
  for (const Stage& stage : stages) {
    svg.box({margin, y, page_width - 2 * margin, row_height}, panel, 6);
    svg.text(margin + 12, y + row_height / 2, resolution(stage.shape), {.size = 15, .color = ink, .bold = true});
    const std::vector<std::string> counts = counts_of(plan, stage);
    const double line = std::min(13.0, (row_height - 4) / static_cast<double>(counts.size()));
    double count_y = y + row_height / 2 - line * static_cast<double>(counts.size() - 1) / 2;
    for (const std::string& words : counts) {
      svg.text(boxes_left - 14, count_y, words, {.size = 10.5, .color = faint_ink, .anchor = Anchor::end});
      count_y += line;
    }

    double x = boxes_left;
    std::vector<const plan::Step*> unlabelled;
    for (std::size_t i = stage.first; i < stage.last; ++i) {
      const plan::Step& step = plan.steps[i];
      const Box box = {x, y + padding, box_width(step, scale), row_height - 2 * padding};
      svg.box(box, kind_of(step).color, 2, describe(step, i));
      if (!label(svg, step, box)) unlabelled.push_back(&step);
      x += box.width + box_gap;
    }
    draw_rest(svg, unlabelled, x, y + row_height / 2);

    const std::int64_t macs = macs_of(plan, stage);
    const double right = page_width - margin - 12;
    if (macs > 0) {
      svg.text(right, y + row_height / 2 - 8, millions(macs),
               {.size = 13, .color = ink, .anchor = Anchor::end, .bold = true});
      svg.text(right, y + row_height / 2 + 9,
               fixed(100 * static_cast<double>(macs) / static_cast<double>(all_macs), 1) + " %",
               {.size = 11.5, .color = faint_ink, .anchor = Anchor::end});
    }
    y += row_height + row_gap;
  }
  return draw_tensors(svg, "outputs", plan.outputs, y);
}

}  // namespace riffle::draw
