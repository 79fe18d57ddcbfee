// The lower half of a plan's picture: which bytes of the arena hold what, from which step to which; when the caller's
// tensors are read and written.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "draw/plan_svg.hpp"
#include "draw/steps_svg.hpp"
#include "draw/svg_style.hpp"

namespace riffle::draw {
namespace {

constexpr double axis_width = 78;
constexpr double chart_height = 480;
constexpr double band_height = 26;
constexpr double strip_height = 12;
constexpr double live_height = 64;

/// The chart's coordinates.
struct Chart {
  Box area;
  double step_width = 0;
  double pixels_per_byte = 0;

  [[nodiscard]] double x(std::int64_t step) const { return area.x + step_width * static_cast<double>(step); }
  [[nodiscard]] double y(std::int64_t bytes) const {
    return area.bottom() - pixels_per_byte * static_cast<double>(bytes);
  }
};

std::int64_t last_byte(const plan::BlockInfo& block) { return block.offset + block.size; }

/// What is alive during each step.
std::vector<std::int64_t> live_bytes(const plan::Plan& plan) {
  std::vector<std::int64_t> live(plan.steps.size(), 0);
  for (const plan::BlockInfo& block : plan.blocks) {
    for (std::int32_t step = block.first_step; step <= block.last_step; ++step) {
      live[static_cast<std::size_t>(step)] += block.size;
    }
  }
  return live;
}

/// A round number of bytes that cuts the axis into about eight.
std::int64_t tick(std::int64_t bytes) {
  std::int64_t step = 64;
  while (bytes / step > 8) step *= 2;
  return step;
}

std::string tick_text(std::int64_t bytes) {
  constexpr std::int64_t mebibyte = 1 << 20;
  if (bytes < mebibyte) return bytes_text(bytes);
  return fixed(static_cast<double>(bytes) / static_cast<double>(mebibyte), 2) + " MiB";
}

void draw_grid(Svg& svg, const plan::Plan& plan, const Chart& chart, std::int64_t arena) {
  bool shaded = true;
  for (const Stage& stage : stages_of(plan)) {
    const auto first = static_cast<std::int64_t>(stage.first), last = static_cast<std::int64_t>(stage.last);
    const Box band = {chart.x(first), chart.area.y - band_height, chart.x(last) - chart.x(first),
                      chart.area.height + band_height};
    svg.box(band, shaded ? panel : "#ffffff");
    shaded = !shaded;
    const std::string words = resolution(stage.shape);
    if (text_width(words, 11.5) < band.width) {
      svg.text(band.center_x(), band.y + band_height / 2, words,
               {.size = 11.5, .color = faint_ink, .anchor = Anchor::middle, .bold = true});
    }
  }
  const std::int64_t spacing = tick(arena);
  for (std::int64_t bytes = 0; bytes <= arena; bytes += spacing) {
    svg.line(chart.area.x, chart.y(bytes), chart.area.right(), chart.y(bytes), rule);
    svg.text(chart.area.x - 8, chart.y(bytes), tick_text(bytes),
             {.size = 11, .color = faint_ink, .anchor = Anchor::end});
  }
}

void label(Svg& svg, const plan::BlockInfo& block, const Box& box) {
  const std::string shape = std::to_string(block.shape.c) + " × " + resolution(block.shape);
  const std::string bytes = bytes_text(block.size);
  const std::array<std::string, 3> choices = {shape + "  ·  " + bytes, shape, std::to_string(block.shape.c)};
  for (const bool upward : {false, true}) {
    const double along = (upward ? box.height : box.width) - 8;
    const double across = (upward ? box.width : box.height) - 3;
    for (const double size : {12.0, 10.0}) {
      if (size > across) continue;
      for (std::size_t i = 0; i + (upward ? 1 : 0) < choices.size(); ++i) {
        if (text_width(choices[i], size) > along) continue;
        svg.text(box.center_x(), box.center_y(), choices[i],
                 {.size = size, .color = "#ffffff", .anchor = Anchor::middle, .turn = upward ? -90.0 : 0.0});
        return;
      }
    }
  }
}

void draw_blocks(Svg& svg, const plan::Plan& plan, const Chart& chart) {
  for (const plan::BlockInfo& block : plan.blocks) {
    const double left = chart.x(block.first_step) + 0.75, right = chart.x(block.last_step + 1) - 0.75;
    const double top = chart.y(last_byte(block)) + 0.5, bottom = chart.y(block.offset) - 0.5;
    const Box box = {left, top, std::max(right - left, 0.5), std::max(bottom - top, 0.5)};
    const Kind& kind = kind_of(plan.steps[static_cast<std::size_t>(block.first_step)]);
    svg.box(box, kind.color, std::min(3.0, box.height / 3),
            block.name + "\n" + graph::chw(block.shape) + ", " + bytes_text(block.size) + " at " +
                grouped(block.offset) + "\nsteps " + std::to_string(block.first_step) + " to " +
                std::to_string(block.last_step));
    label(svg, block, box);
  }
}

/// A small chart of its own: the bytes alive during each step, which would do if none were lost between the blocks.
void draw_live(Svg& svg, const Chart& chart, const std::vector<std::int64_t>& live, double top) {
  const std::int64_t peak = std::max<std::int64_t>(live.empty() ? 0 : *std::max_element(live.begin(), live.end()), 1);
  const double bottom = top + live_height;
  std::string outline;
  for (std::size_t i = 0; i < live.size(); ++i) {
    const double height = live_height * static_cast<double>(live[i]) / static_cast<double>(peak);
    const double left = chart.x(static_cast<std::int64_t>(i));
    for (const double x : {left, left + chart.step_width})
      outline += fixed(x, 2) + "," + fixed(bottom - height, 2) + " ";
  }
  const auto corner = [bottom](double x) { return fixed(x, 2) + "," + fixed(bottom, 2) + " "; };
  svg.polygon(corner(chart.area.x) + outline + corner(chart.area.right()), "#dbe4ee");
  svg.polyline(outline, ink, 1.4);
  svg.line(chart.area.x, bottom, chart.area.right(), bottom, rule);
  svg.text(chart.area.x - 8, top, bytes_text(peak), {.size = 11, .color = faint_ink, .anchor = Anchor::end});
  svg.text(chart.area.x - 8, bottom, "alive", {.size = 11, .color = faint_ink, .anchor = Anchor::end});
}

/// The steps, as coloured squares with numbers, under the chart.
double draw_steps(Svg& svg, const plan::Plan& plan, const Chart& chart) {
  const double top = chart.area.bottom() + 6;
  const std::size_t every = chart.step_width >= 20 ? 1 : chart.step_width >= 10 ? 2 : chart.step_width >= 4 ? 5 : 20;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const plan::Step& step = plan.steps[i];
    const Box box = {chart.x(static_cast<std::int64_t>(i)) + 0.75, top, std::max(chart.step_width - 1.5, 0.5),
                     strip_height};
    svg.box(box, kind_of(step).color, std::min(2.0, box.width / 3), describe(step, i));
    if (i % every == 0) {
      svg.text(box.center_x(), box.bottom() + 11, std::to_string(i),
               {.size = 10, .color = faint_ink, .anchor = Anchor::middle});
    }
  }
  return top + strip_height + 20;
}

/// A tensor of the caller's, and the steps that touch it.
struct Touched {
  const plan::Tensor* tensor = nullptr;
  bool is_output = false;
  std::int64_t first_step = -1, last_step = -1;  ///< inclusive; -1: none does
};

/// Calls f(place) for the places of a call that can be the caller's.
template <class Args, class F>
void for_each_border(const Args& args, F&& f) {
  if constexpr (requires { args.input.first; }) f(args.input.first);
  if constexpr (requires { args.output.first; }) f(args.output.first);
  if constexpr (requires { args.blocks; }) {
    for (std::int32_t group = 0; group < args.groups; ++group) f(args.blocks[group].first);
  }
  if constexpr (requires { args.moves; }) {
    for (std::int32_t m = 0; m < args.move_count; ++m) {
      f(args.moves[m].from);
      f(args.moves[m].to);
    }
  }
  if constexpr (std::is_same_v<Args, kernels::ConvertArgs>) f(args.runs[0].input.first);
}

/// The inputs, then the outputs.
std::vector<Touched> touched_tensors(const plan::Plan& plan) {
  std::vector<Touched> inputs, outputs;
  for (const plan::Tensor& tensor : plan.inputs) inputs.push_back({&tensor, false});
  for (const plan::Tensor& tensor : plan.outputs) outputs.push_back({&tensor, true});
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const auto touch = [&](const kernels::Place& place) {
      const bool read = place.space == kernels::Space::input;
      if (!read && place.space != kernels::Space::output) return;
      Touched& touched = (read ? inputs : outputs)[place.index];
      touched.last_step = static_cast<std::int64_t>(i);
      if (touched.first_step < 0) touched.first_step = touched.last_step;
    };
    plan::Task task = plan.steps[i].task;
    plan::for_each_call(task, [&](const auto& call) { for_each_border(call.args, touch); });
  }
  inputs.insert(inputs.end(), outputs.begin(), outputs.end());
  return inputs;
}

/// A line for each of the caller's tensors, a bar over the steps that read or write it.
double draw_callers(Svg& svg, const plan::Plan& plan, const Chart& chart, double top) {
  constexpr double line_height = 20, bar_height = 12, size = 11;
  double y = top + line_height / 2;
  for (const auto& [tensor, is_output, first, last] : touched_tensors(plan)) {
    svg.text(chart.area.x - 8, y, is_output ? "output" : "input",
             {.size = size, .color = faint_ink, .anchor = Anchor::end});
    const std::string words = words_of(*tensor) + "  ·  " + bytes_text(tensor->bytes());
    const double left = first < 0 ? chart.area.x : chart.x(first) + 0.75;
    const double right = first < 0 ? left : chart.x(last + 1) - 0.75;
    if (right > left) {
      svg.box({left, y - bar_height / 2, right - left, bar_height}, is_output ? "#57606a" : "#8c959f", 2,
              plan::to_text(*tensor) + "\nsteps " + std::to_string(first) + " to " + std::to_string(last));
    }
    const bool before = right + 6 + text_width(words, size) > chart.area.right();
    svg.text(before ? left - 6 : right + 6, y, words,
             {.size = size, .color = ink, .anchor = before ? Anchor::end : Anchor::start});
    y += line_height;
  }
  return y;
}

}  // namespace

double draw_memory(Svg& svg, const plan::Plan& plan, double top) {
  const std::int64_t arena = std::max<std::int64_t>(plan.arena_bytes, 1);
  const std::vector<std::int64_t> live = live_bytes(plan);
  const double chart_top = draw_heading(
      svg, "Memory plan",
      "Steps from left to right, bytes of the arena upwards. A block has the colour of the step that writes "
      "it, and says its channels × height × width, or its channels alone. Below, the caller's tensors and the steps "
      "that "
      "touch them.",
      top);
  Chart chart;
  chart.area = {margin + axis_width, chart_top + live_height + 14 + band_height, page_width - 2 * margin - axis_width,
                chart_height};
  chart.step_width = chart.area.width / static_cast<double>(std::max<std::size_t>(plan.steps.size(), 1));
  chart.pixels_per_byte = chart.area.height / static_cast<double>(arena);
  draw_grid(svg, plan, chart, arena);
  draw_blocks(svg, plan, chart);
  draw_live(svg, chart, live, chart_top);
  return draw_callers(svg, plan, chart, draw_steps(svg, plan, chart));
}

}  // namespace riffle::draw
