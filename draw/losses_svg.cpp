#include "draw/losses_svg.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.hpp"
#include "draw/steps_svg.hpp"
#include "draw/svg_style.hpp"

namespace riffle::draw {
namespace {

constexpr std::array layer_kinds = {Kind{"int8", "#3f7fc1"}, Kind{"fp32", "#b8a13a"}};
constexpr double bars_height = 420, name_height = 300, name_size = 10.5;

const Kind& kind_of_layer(const LayerLoss& layer) { return layer_kinds[layer.integers ? 0 : 1]; }

std::string tooltip_of_layer(const LayerLoss& layer) {
  std::string words = layer.name + "\n" + layer.operation + ", " + std::string(kind_of_layer(layer).name) + "\n" +
                      (std::isfinite(layer.decibels) ? fixed(layer.decibels, 1) + " dB" : "exact");
  if (layer.weight_bytes > 0) words += "\n" + bytes_text(layer.weight_bytes) + " of weights";
  return words;
}

/// The end of a long name, which tells neighbours apart.
std::string short_name(const std::string& name) {
  std::string result = name;
  if (text_width(result, name_size) <= name_height - 16) return result;
  while (!result.empty() && text_width("…" + result, name_size) > name_height - 16) result.erase(0, 1);
  return "…" + result;
}

}  // namespace

std::string losses_svg(const std::string& network, const std::string& words, const std::vector<LayerLoss>& layers) {
  const std::string title = (network.empty() ? "network" : network) + ": signal to noise, quantised";
  Svg svg;
  svg.text(margin, 56, title, {.size = 28, .color = ink, .bold = true});
  svg.text(margin, 90, words, {.size = 14, .color = faint_ink});
  std::vector<LegendEntry> legend;
  for (const Kind& kind : layer_kinds) {
    const auto count =
        std::ranges::count_if(layers, [&](const LayerLoss& layer) { return &kind_of_layer(layer) == &kind; });
    if (count > 0) legend.push_back({&kind, std::string(kind.name) + "  " + std::to_string(count) + " layers"});
  }
  const double top = draw_legend(svg, legend, 108) + 24, bottom = top + bars_height;
  double most = 20.0;  // what is exact goes up to the top
  for (const LayerLoss& layer : layers) {
    if (std::isfinite(layer.decibels)) most = std::max(most, layer.decibels);
  }
  most = 10.0 * std::ceil(most / 10.0);
  const double left = margin + 40, width = page_width - margin - left;
  for (double decibels = 0.0; decibels <= most; decibels += 10.0) {
    const double y = bottom - bars_height * decibels / most;
    svg.line(left, y, left + width, y, grid);
    svg.text(left - 8, y, fixed(decibels, 0), {.size = 12, .color = faint_ink, .anchor = Anchor::end});
  }
  svg.text(margin - 12, (top + bottom) / 2, "dB", {.size = 13, .color = ink, .anchor = Anchor::middle, .turn = -90});
  const double each = width / static_cast<double>(std::max<std::size_t>(layers.size(), 1));
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LayerLoss& layer = layers[i];
    const double height = bars_height * std::clamp(layer.decibels, 0.5, most) / most;
    const double x = left + each * static_cast<double>(i);
    svg.box({x + each * 0.12, bottom - height, each * 0.76, height}, kind_of_layer(layer).color, 1,
            tooltip_of_layer(layer));
    if (each < name_size) continue;
    svg.text(x + each / 2, bottom + 8, short_name(layer.name),
             {.size = name_size, .color = ink, .anchor = Anchor::end, .turn = -90});
  }
  return svg.finish(page_width, bottom + name_height, title);
}

}  // namespace riffle::draw
