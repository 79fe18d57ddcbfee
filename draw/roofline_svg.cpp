// A profile's picture. Where a dot could be at most is drawn too: a line from each dot up to its limit.
#include "draw/roofline_svg.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/text.hpp"
#include "draw/steps_svg.hpp"
#include "draw/svg_style.hpp"

namespace riffle::draw {
namespace {

constexpr std::string_view out_of_reach = "#eef1f4";
constexpr double plot_height = 720;
constexpr double largest_radius = 24;
constexpr double smallest_radius = 2.5;
constexpr double key_width = 390;
constexpr std::size_t most_groups = 14;

/// A logarithmic axis: values [low, high] at pixels [begin, end].
struct Axis {
  double low = 1, high = 10, begin = 0, end = 1;

  [[nodiscard]] double at(double value) const {
    return begin + (end - begin) * std::log(value / low) / std::log(high / low);
  }
  [[nodiscard]] double pixels_per_decade() const { return (end - begin) / std::log10(high / low); }

  /// 1, 2, 5, 10 ... as far as they lie on the axis.
  [[nodiscard]] std::vector<double> ticks() const {
    std::vector<double> all;
    for (double decade = std::pow(10, std::floor(std::log10(low))); decade <= high; decade *= 10) {
      for (const double digit : {1, 2, 5}) {
        const double value = digit * decade;
        if (value >= low * 0.999 && value <= high * 1.001) all.push_back(value);
      }
    }
    return all;
  }
};

std::string tick_text(double value) {
  int digits = 0;
  for (double v = value; v < 0.999 && digits < 6; v *= 10) ++digits;
  return fixed(value, digits);
}

/// A step that can be drawn: one that multiplies.
struct Dot {
  const measure::StepTime* time = nullptr;
  double x = 0, y = 0, limit_y = 0, radius = 0;
};

/// Steps of one operation and shape: they share a number and a line of the key.
struct Group {
  const Dot* slowest = nullptr;
  int count = 0;
  double ms = 0, limit_ms = 0;
};

double intensity(const plan::Step& step) {
  return static_cast<double>(step.macs) / static_cast<double>(std::max<std::int64_t>(measure::bytes_of(step), 1));
}

bool is_drawn(const measure::StepTime& time) { return time.step->macs > 0 && time.ms > 0; }

struct Plot {
  Axis x, y;
  double peak = 0;                      ///< GMAC/s
  double activations = 0, weights = 0;  ///< GB/s

  [[nodiscard]] double roof(double macs_per_byte) const {
    return std::min(peak, std::max(activations, weights) * macs_per_byte);
  }
};

Plot make_plot(const measure::Profile& profile, double top) {
  Plot plot;
  plot.peak = profile.limits.macs_per_second * 1e-9;
  plot.activations = profile.limits.activation_bytes_per_second * 1e-9;
  plot.weights = profile.limits.weight_bytes_per_second * 1e-9;
  // The roofs' corners are always in sight.
  double x_low = plot.peak / plot.activations, x_high = plot.peak / plot.weights;
  if (x_low > x_high) std::swap(x_low, x_high);
  double y_low = plot.peak / 8;
  for (const measure::StepTime& time : profile.steps) {
    if (!is_drawn(time)) continue;
    x_low = std::min(x_low, intensity(*time.step));
    x_high = std::max(x_high, intensity(*time.step));
    y_low = std::min(y_low, measure::gmac_per_second(time.step->macs, time.ms));
  }
  plot.x = {x_low / 1.6, x_high * 1.6, margin + 40, page_width - margin - key_width};
  plot.y = {y_low / 1.4, plot.peak * 1.25, top + plot_height, top};
  return plot;
}

std::string point(double x, double y) { return fixed(x, 2) + "," + fixed(y, 2) + " "; }

void draw_grid(Svg& svg, const Plot& plot) {
  const Axis& x = plot.x;
  const Axis& y = plot.y;
  // What no step can reach.
  const double best = std::max(plot.activations, plot.weights);
  const double enters = std::clamp(y.low / best, x.low, x.high), corner = plot.peak / best;
  std::string area = point(x.begin, y.begin) + point(x.begin, y.end) + point(x.end, y.end) +
                     point(x.end, y.at(plot.peak)) + point(x.at(corner), y.at(plot.peak)) +
                     point(x.at(enters), y.at(plot.roof(enters)));
  if (enters <= x.low) area = area.substr(area.find(' ') + 1);
  svg.polygon(area, out_of_reach);
  for (const double value : x.ticks()) {
    svg.line(x.at(value), y.begin, x.at(value), y.end, grid);
    svg.text(x.at(value), y.begin + 16, tick_text(value), {.size = 12, .color = faint_ink, .anchor = Anchor::middle});
  }
  for (const double value : y.ticks()) {
    svg.line(x.begin, y.at(value), x.end, y.at(value), grid);
    svg.text(x.begin - 10, y.at(value), tick_text(value), {.size = 12, .color = faint_ink, .anchor = Anchor::end});
  }
  svg.text((x.begin + x.end) / 2, y.begin + 42,
           "multiply-adds per byte (weights, activations read and written, each once)",
           {.size = 13, .color = ink, .anchor = Anchor::middle});
  svg.text(margin - 12, (y.begin + y.end) / 2, "GMAC/s",
           {.size = 13, .color = ink, .anchor = Anchor::middle, .turn = -90});
}

/// The slope of a rate in bytes, with its words along it.
void draw_slope(Svg& svg, const Plot& plot, double gigabytes, const std::string& words) {
  const Axis& x = plot.x;
  const Axis& y = plot.y;
  const double from = std::max(x.low, y.low / gigabytes), to = plot.peak / gigabytes;
  svg.line(x.at(from), y.at(from * gigabytes), x.at(to), y.at(plot.peak), ink, 2);
  const double turn = std::atan2(y.pixels_per_decade(), x.pixels_per_decade());
  constexpr double along = 18, above = 12;
  svg.text(x.at(from) + along * std::cos(turn) + above * std::sin(turn),
           y.at(from * gigabytes) + along * std::sin(turn) - above * std::cos(turn), words,
           {.size = 12.5, .color = ink, .turn = turn * 180 / std::numbers::pi});
}

void draw_roofs(Svg& svg, const Plot& plot, const plan::Plan& plan, const measure::Profile& profile) {
  const Axis& x = plot.x;
  const Axis& y = plot.y;
  const measure::Limits& limits = profile.limits;
  const double corner = plot.peak / std::max(plot.activations, plot.weights);
  svg.line(x.at(corner), y.at(plot.peak), x.end, y.at(plot.peak), ink, 2);
  svg.text(x.end - 12, y.at(plot.peak) - 14,
           "FMA: " + fixed(plot.peak, 1) + " GMAC/s, multiply-adds of " + plan.kernels->isa + " on registers",
           {.size = 12.5, .color = ink, .anchor = Anchor::end});
  draw_slope(svg, plot, plot.activations,
             "activations: " + fixed(plot.activations, 1) + " GB/s (" + bytes_text(limits.activation_bytes) + ")");
  if (limits.weight_bytes > limits.activation_bytes) {
    draw_slope(svg, plot, plot.weights,
               "weights: " + fixed(plot.weights, 1) + " GB/s (" + bytes_text(limits.weight_bytes) + ")");
  }
}

std::vector<Dot> make_dots(const Plot& plot, const measure::Profile& profile) {
  double longest = 1e-9;
  for (const measure::StepTime& time : profile.steps) longest = std::max(longest, time.ms);
  std::vector<Dot> dots;
  for (const measure::StepTime& time : profile.steps) {
    if (!is_drawn(time)) continue;
    const std::int64_t macs = time.step->macs;
    dots.push_back({&time, plot.x.at(intensity(*time.step)), plot.y.at(measure::gmac_per_second(macs, time.ms)),
                    plot.y.at(measure::gmac_per_second(macs, time.limit_ms)),
                    std::max(smallest_radius, largest_radius * std::sqrt(time.ms / longest))});
  }
  // The small ones on top.
  std::stable_sort(dots.begin(), dots.end(), [](const Dot& a, const Dot& b) { return a.radius > b.radius; });
  return dots;
}

void draw_dots(Svg& svg, const std::vector<Dot>& dots, const measure::Profile& profile) {
  for (const Dot& dot : dots) {
    const std::string_view color = kind_of(*dot.time->step).color;
    svg.line(dot.x, dot.y, dot.x, dot.limit_y, color, 1);
    svg.line(dot.x - 4, dot.limit_y, dot.x + 4, dot.limit_y, color, 1.5);
  }
  for (const Dot& dot : dots) {
    const measure::StepTime& time = *dot.time;
    const auto index = static_cast<std::size_t>(dot.time - profile.steps.data());
    svg.dot(dot.x, dot.y, dot.radius, kind_of(*time.step).color,
            describe(*time.step, index) + "\n" + fixed(time.ms, 4) + " ms, limit " + fixed(time.limit_ms, 4) + " ms (" +
                (time.bytes_bind ? "bytes" : "FMA") + "), " + fixed(100 * time.share_of_limit(), 0) + " % of it");
  }
}

/// The groups whose steps take longest, in this order. Dots are sorted: a group's first is its slowest.
std::vector<Group> make_groups(const std::vector<Dot>& dots) {
  std::vector<Group> groups;
  for (const Dot& dot : dots) {
    const plan::Step& step = *dot.time->step;
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
      const plan::Step& other = *group.slowest->time->step;
      return other.operation == step.operation && other.in == step.in && other.out == step.out;
    });
    Group& group = same == groups.end() ? groups.emplace_back(Group{&dot}) : *same;
    ++group.count;
    group.ms += dot.time->ms;
    group.limit_ms += dot.time->limit_ms;
  }
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.ms > b.ms; });
  if (groups.size() > most_groups) groups.resize(most_groups);
  return groups;
}

double overlap(const Box& a, const Box& b) {
  const double width = std::min(a.right(), b.right()) - std::max(a.x, b.x);
  const double height = std::min(a.bottom(), b.bottom()) - std::max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0.0;
}

/// How badly a number there and its neighbours hide each other: dots but its own, their lines, other numbers.
double hidden_by(const Box& box, const Dot& own, const std::vector<Dot>& dots, const std::vector<Box>& numbers) {
  double cost = 0;
  for (const Dot& dot : dots) {
    if (&dot == &own) continue;
    const double r = dot.radius;
    cost += overlap(box, {dot.x - r, dot.y - r, 2 * r, 2 * r});
    cost += overlap(box, {dot.x - 4, std::min(dot.y, dot.limit_y), 8, std::abs(dot.y - dot.limit_y)});
  }
  for (const Box& number : numbers) cost += 100 * overlap(box, number);
  return cost;
}

/// The numbers of the groups: inside their slowest dot, or beside it where it is too small or hidden by others.
void draw_numbers(Svg& svg, const std::vector<Group>& groups, const std::vector<Dot>& dots) {
  constexpr double size = 11.5, half = 7, roomy = 9;
  constexpr int directions = 24;
  std::vector<Box> numbers;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Dot& dot = *groups[i].slowest;
    const auto centered = [](double x, double y) { return Box{x - half, y - half, 2 * half, 2 * half}; };
    Box best = centered(dot.x, dot.y);
    double best_cost =
        dot.radius >= roomy ? hidden_by(best, dot, dots, numbers) : std::numeric_limits<double>::infinity();
    bool inside = true;
    for (const double distance : {half + 3, half + 9, half + 16}) {
      for (int direction = 0; direction < directions; ++direction) {
        const double angle = direction * 2 * std::numbers::pi / directions, reach = dot.radius + distance;
        const Box box = centered(dot.x + reach * std::cos(angle), dot.y + reach * std::sin(angle));
        const double cost = distance + hidden_by(box, dot, dots, numbers);
        if (cost < best_cost) best_cost = cost, best = box, inside = false;
      }
    }
    svg.text(best.center_x(), best.center_y(), std::to_string(i + 1),
             {.size = size, .color = inside ? "#ffffff" : ink, .anchor = Anchor::middle, .bold = true});
    numbers.push_back(best);
  }
}

/// What the numbers stand for, to the right of the plot.
void draw_key(Svg& svg, const std::vector<Group>& groups, const measure::Profile& profile, double x, double top) {
  constexpr double size = 12.5, small = 12, row_height = 47, badge = 11;
  const double total = std::max(profile.total_ms(), 1e-9);
  double y = top + 12;
  svg.text(x, y, "Where the time goes", {.size = 15, .color = ink, .bold = true});
  y += 18;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Group& group = groups[i];
    const plan::Step& step = *group.slowest->time->step;
    svg.dot(x + badge, y + row_height / 2, badge, kind_of(step).color);
    svg.text(x + badge, y + row_height / 2, std::to_string(i + 1),
             {.size = 11.5, .color = "#ffffff", .anchor = Anchor::middle, .bold = true});
    const double left = x + 2 * badge + 12, middle = y + row_height / 2;
    svg.text(left, middle - 9,
             step.operation + ", " + std::to_string(step.in.c) + " → " + std::to_string(step.out.c) + ", " +
                 resolution(step.out),
             {.size = size, .color = ink, .bold = true});
    svg.text(left, middle + 9,
             std::to_string(group.count) + (group.count == 1 ? " step, " : " steps, ") + fixed(group.ms, 3) + " ms, " +
                 fixed(100 * group.ms / total, 1) + " %; at " + fixed(100 * group.limit_ms / group.ms, 0) +
                 " % of the limit",
             {.size = small, .color = faint_ink});
    y += row_height;
  }
}

/// Each kind's share of the time.
std::vector<LegendEntry> legend_of(const plan::Plan& plan, const measure::Profile& profile) {
  const double total = std::max(profile.total_ms(), 1e-9);
  std::vector<LegendEntry> entries;
  for (const Kind* kind : kinds_of(plan)) {
    double ms = 0;
    for (const measure::StepTime& time : profile.steps) {
      if (&kind_of(*time.step) == kind) ms += time.ms;
    }
    entries.push_back({kind, std::string(kind->name) + "  " + fixed(100 * ms / total, 1) + " %"});
  }
  return entries;
}

/// The steps that have no place in the plot, as words; empty if there are none.
std::string rest_of(const measure::Profile& profile) {
  double ms = 0;
  std::vector<std::string> operations;
  for (const measure::StepTime& time : profile.steps) {
    if (is_drawn(time)) continue;
    ms += time.ms;
    const std::string& operation = time.step->operation;
    if (std::find(operations.begin(), operations.end(), operation) == operations.end()) operations.push_back(operation);
  }
  if (operations.empty()) return "";
  std::string words = "Without multiply-adds, and so not drawn: ";
  for (const std::string& operation : operations) words += operation + ", ";
  return words + fixed(ms, 3) + " ms.";
}

}  // namespace

std::string roofline_svg(const plan::Plan& plan, const measure::Profile& profile) {
  const std::string name = plan.name.empty() ? "network" : plan.name;
  const double total = profile.total_ms(), limit = profile.total_limit_ms();
  Svg body;
  body.text(margin, 56, name + ": roofline", {.size = 28, .color = ink, .bold = true});
  body.text(margin, 90,
            millions(profile.total_macs()) + " multiply-adds   ·   " + plan.kernels->isa + ", " +
                std::to_string(profile.threads) + (profile.threads == 1 ? " thread" : " threads") + "   ·   steps " +
                fixed(total, 3) + " ms, " + fixed(measure::gmac_per_second(profile.total_macs(), total), 1) +
                " GMAC/s   ·   their limits " + fixed(limit, 3) +
                " ms: " + fixed(total > 0 ? 100 * limit / total : 0.0, 0) + " %",
            {.size = 14, .color = faint_ink});
  const double inputs = draw_tensors(body, "inputs", plan.inputs, 112);
  const double outputs = draw_tensors(body, "outputs", plan.outputs, inputs + 6);
  const double legend = draw_legend(body, legend_of(plan, profile), outputs + 12);
  body.text(
      margin, legend + 18,
      "A dot a step, its area the time, the percentages shares of the whole time. The line from a dot ends at the "
      "step's limit: the longer of its multiply-adds and its bytes, weights at one rate, activations at the other.",
      {.size = 12.5, .color = faint_ink});

  const Plot plot = make_plot(profile, legend + 44);
  const std::vector<Dot> dots = make_dots(plot, profile);
  draw_grid(body, plot);
  draw_roofs(body, plot, plan, profile);
  draw_dots(body, dots, profile);
  const std::vector<Group> groups = make_groups(dots);
  draw_numbers(body, groups, dots);
  draw_key(body, groups, profile, plot.x.end + 36, plot.y.end);
  double height = plot.y.begin + 42;
  const std::string rest = rest_of(profile);
  if (!rest.empty()) {
    height += 28;
    body.text(margin, height, rest, {.size = 12.5, .color = faint_ink});
  }
  height += margin;

  Svg page;
  page.box({0, 0, page_width, height}, "#ffffff");
  page.append(body);
  return page.finish(page_width, height, name + ": roofline");
}

}  // namespace riffle::draw
