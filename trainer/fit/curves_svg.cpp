#include <algorithm>
#include <cmath>
#include <functional>

#include "base/text.hpp"
#include "draw/svg.hpp"
#include "draw/svg_style.hpp"
#include "trainer/fit/pictures.hpp"

namespace riffle::trainer {
namespace {

using draw::Anchor;
using draw::Box;
using draw::faint_ink;
using draw::ink;
using draw::rule;
using draw::Svg;

constexpr double width = 1040, height = 430, margin = 28;
constexpr double axis_width = 46, gap = 36, chart_top = 92, chart_bottom = 368;
constexpr std::string_view train_color = "#9aa7b4", test_color = "#1f6feb", best_color = "#1a7f37";
constexpr std::size_t most_dots = 60;

/// A round step (1, 2 or 5 times a power of ten) that cuts `range` into at most `parts`.
double round_step(double range, int parts) {
  const double power = std::pow(10.0, std::floor(std::log10(range / parts)));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (range / (step * power) <= parts) return step * power;
  }
  return 10 * power;
}

/// What a panel shows: numbers by epoch, of both sets.
struct Panel {
  std::string title;
  std::function<double(const Score&)> value;
  double ceiling;  ///< never drawn above
  std::string unit;
  int digits;
};

/// From epochs and values to pixels.
struct Axes {
  Box area;
  std::size_t epochs;
  double low, high, step;

  [[nodiscard]] double x(std::size_t epoch) const {
    if (epochs == 1) return area.center_x();
    return area.x + area.width * static_cast<double>(epoch) / static_cast<double>(epochs - 1);
  }
  [[nodiscard]] double y(double value) const { return area.bottom() - area.height * (value - low) / (high - low); }
};

Axes make_axes(const Record& run, const Panel& panel, const Box& area) {
  double low = panel.ceiling, high = 0;
  for (const Epoch& epoch : run.epochs) {
    for (const Score* score : {&epoch.train, &epoch.test}) {
      const double value = panel.value(*score);
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (low > high) low = 0, high = 1;
  const double step = round_step(std::max(high - low, 1e-3 * std::max(high, 1e-3)), 6);
  const double bottom = std::max(0.0, std::floor(low / step) * step);
  return {area, run.epochs.size(), bottom,
          std::max(std::min(panel.ceiling, std::ceil(high / step) * step), bottom + step), step};
}

void draw_grid(Svg& svg, const Axes& axes, const Panel& panel) {
  const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(axes.step) - 1e-9)));
  for (double value = axes.low; value < axes.high + axes.step / 2; value += axes.step) {
    svg.line(axes.area.x, axes.y(value), axes.area.right(), axes.y(value), rule);
    svg.text(axes.area.x - 8, axes.y(value), fixed(value, digits) + panel.unit,
             {.size = 11, .color = faint_ink, .anchor = Anchor::end});
  }
  const auto every = static_cast<std::size_t>(std::max(1.0, round_step(static_cast<double>(axes.epochs), 12)));
  for (std::size_t epoch = 0; epoch < axes.epochs; ++epoch) {
    if ((epoch + 1) % every != 0) continue;
    svg.text(axes.x(epoch), axes.area.bottom() + 16, std::to_string(epoch + 1),
             {.size = 11, .color = faint_ink, .anchor = Anchor::middle});
  }
  svg.text(axes.area.center_x(), axes.area.bottom() + 38, "epoch",
           {.size = 11, .color = faint_ink, .anchor = Anchor::middle});
}

void draw_curve(Svg& svg, const Axes& axes, const Panel& panel, const Record& run, const std::string& name,
                std::string_view color, const std::function<const Score&(const Epoch&)>& score_of) {
  std::string points;
  for (std::size_t i = 0; i < run.epochs.size(); ++i) {
    const double value = panel.value(score_of(run.epochs[i]));
    if (std::isfinite(value)) points += fixed(axes.x(i), 2) + "," + fixed(axes.y(value), 2) + " ";
  }
  svg.polyline(points, color, 2);
  if (run.epochs.size() > most_dots) return;
  for (std::size_t i = 0; i < run.epochs.size(); ++i) {
    const double value = panel.value(score_of(run.epochs[i]));
    if (!std::isfinite(value)) continue;
    svg.dot(axes.x(i), axes.y(value), 4, color,
            "epoch " + std::to_string(i + 1) + ", " + name + ": " + fixed(value, panel.digits) + panel.unit);
  }
}

const Score& train_of(const Epoch& epoch) { return epoch.train; }
const Score& test_of(const Epoch& epoch) { return epoch.test; }

void draw_panel(Svg& svg, const Panel& panel, const Record& run, const std::string& test, const Box& area) {
  const Axes axes = make_axes(run, panel, area);
  svg.text(area.x - axis_width + 6, area.y - 22, panel.title, {.size = 13, .color = ink, .bold = true});
  draw_grid(svg, axes, panel);
  draw_curve(svg, axes, panel, run, "training", train_color, train_of);
  draw_curve(svg, axes, panel, run, test, test_color, test_of);
}

/// A ring around the best epoch's dot, and its accuracy.
void mark_best(Svg& svg, const Panel& panel, const Record& run, const Box& area) {
  const Axes axes = make_axes(run, panel, area);
  const auto best = static_cast<std::size_t>(run.best);
  const double value = panel.value(run.epochs[best].test);
  const double x = axes.x(best), y = axes.y(value);
  svg.dot(x, y, 6, best_color, "best: epoch " + std::to_string(best + 1));
  const std::string words = fixed(value, panel.digits) + panel.unit;
  const double half = draw::text_width(words, 12) / 2;
  svg.text(std::clamp(x, area.x + half, area.right() - half), y < area.y + 24 ? y + 20 : y - 16, words,
           {.size = 12, .color = best_color, .anchor = Anchor::middle, .bold = true});
}

void draw_legend(Svg& svg, const std::string& test) {
  double x = width - margin;
  for (const auto& [words, color] :
       {std::pair<std::string, std::string_view>{"best", best_color}, {test, test_color}, {"training", train_color}}) {
    x -= draw::text_width(words, 12);
    svg.text(x, 36, words, {.size = 12, .color = ink});
    svg.dot(x - 12, 36, 5, color);
    x -= 40;
  }
}

}  // namespace

std::string curves_svg(const Record& run, const std::string& test) {
  const double chart_width = (width - 2 * margin - 2 * axis_width - gap) / 2;
  const Box left = {margin + axis_width, chart_top, chart_width, chart_bottom - chart_top};
  const Box right = {left.right() + gap + axis_width, chart_top, chart_width, left.height};
  const Panel accuracy = {"Accuracy", [](const Score& score) { return 100 * score.accuracy(); }, 100, " %", 2};
  const Panel loss = {"Loss", [](const Score& score) { return score.loss(); }, 1e30, "", 4};

  Svg svg;
  svg.box({0, 0, width, height}, "#ffffff");
  svg.text(margin, 36, "Training", {.size = 18, .color = ink, .bold = true});
  draw_legend(svg, test);
  draw_panel(svg, accuracy, run, test, left);
  draw_panel(svg, loss, run, test, right);
  if (run.best >= 0) mark_best(svg, accuracy, run, left);
  return svg.finish(width, height, "Accuracy and loss by epoch");
}

}  // namespace riffle::trainer
