#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/text.hpp"
#include "draw/svg.hpp"
#include "draw/svg_style.hpp"
#include "trainer/fit/pictures.hpp"

namespace riffle::trainer {
namespace {

using draw::Anchor;
using draw::faint_ink;
using draw::ink;
using draw::panel;
using draw::Svg;

constexpr double border = 28, heading = 76;
constexpr std::size_t longest_name = 24;

using Color = std::array<double, 3>;
constexpr Color white = {246, 248, 250}, right_color = {31, 111, 235}, wrong_color = {207, 72, 34};

/// Between white (0) and the color (1); the root makes small shares visible.
std::string shade(const Color& color, double share) {
  const double strength = std::sqrt(share);
  std::array<char, 8> text = {};
  std::array<int, 3> mixed = {};
  for (std::size_t i = 0; i < 3; ++i) mixed[i] = static_cast<int>(std::lround(std::lerp(white[i], color[i], strength)));
  std::snprintf(text.data(), text.size(), "#%02x%02x%02x", mixed[0] & 255, mixed[1] & 255, mixed[2] & 255);
  return text.data();
}

/// No longer than `longest_name`; not cut inside of a character.
std::string shortened(const std::string& name) {
  if (character_count(name) <= longest_name) return name;
  std::string result;
  for (const char c : name) {
    const bool begins_character = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (begins_character && character_count(result) == longest_name - 1) break;
    result += c;
  }
  return result + "…";
}

struct Matrix {
  const std::vector<std::int32_t>& counts;
  std::size_t classes;

  [[nodiscard]] std::int32_t at(std::size_t row, std::size_t column) const { return counts[row * classes + column]; }
  [[nodiscard]] std::int64_t images(std::size_t row) const {
    const auto first = counts.begin() + static_cast<std::ptrdiff_t>(row * classes);
    return std::accumulate(first, first + static_cast<std::ptrdiff_t>(classes), std::int64_t{0});
  }
};

}  // namespace

std::string confusion_svg(const Record& run, const std::vector<std::string>& classes) {
  const Matrix matrix = {run.confusion, classes.size()};
  const double cell = std::clamp(640.0 / static_cast<double>(classes.size()), 2.0, 52.0);
  const bool names = cell >= 12, numbers = cell >= 26;
  const double size = std::min(12.0, 0.8 * cell);  // of names

  double name_width = 0;
  for (const std::string& name : classes) name_width = std::max(name_width, draw::text_width(shortened(name), size));
  const double left = border + (names ? 22 + name_width : 22), top = heading + (names ? 22 + name_width : 22);
  const double side = cell * static_cast<double>(classes.size());
  const double width = std::max(left + side + (names ? 64 : 0) + border, 420.0), height = top + side + border;

  Svg svg;
  svg.box({0, 0, width, height}, "#ffffff");
  svg.text(border, 34, "Confusion matrix", {.size = 18, .color = ink, .bold = true});
  if (run.best >= 0) {
    const Score& score = run.epochs[static_cast<std::size_t>(run.best)].test;
    svg.text(border, 58,
             "epoch " + std::to_string(run.best + 1) + ": " + grouped(score.correct) + " of " + grouped(score.images) +
                 " right, " + fixed(100 * score.accuracy(), 2) + " %",
             {.size = 12, .color = faint_ink});
  }
  svg.text(left + side / 2, heading + 8, "taken for", {.size = 11, .color = faint_ink, .anchor = Anchor::middle});
  svg.text(border + 4, top + side / 2, "class",
           {.size = 11, .color = faint_ink, .anchor = Anchor::middle, .turn = -90});
  svg.box({left, top, side, side}, panel);

  for (std::size_t row = 0; row < classes.size(); ++row) {
    const std::int64_t images = matrix.images(row);
    const double y = top + cell * static_cast<double>(row), x_of_row = left + cell * static_cast<double>(row);
    if (names) {
      svg.text(left - 8, y + cell / 2, shortened(classes[row]), {.size = size, .color = ink, .anchor = Anchor::end});
      svg.text(x_of_row + cell / 2, top - 8, shortened(classes[row]), {.size = size, .color = ink, .turn = -90});
      if (images > 0) {
        const double share = static_cast<double>(matrix.at(row, row)) / static_cast<double>(images);
        svg.text(left + side + 10, y + cell / 2, fixed(100 * share, 1) + " %", {.size = size, .color = faint_ink});
      }
    }
    for (std::size_t column = 0; column < classes.size(); ++column) {
      const std::int32_t count = matrix.at(row, column);
      if (count == 0) continue;
      const double share = static_cast<double>(count) / static_cast<double>(images);
      const double gap = cell >= 6 ? 1 : 0;
      const draw::Box box = {left + cell * static_cast<double>(column), y, cell - gap, cell - gap};
      svg.box(box, shade(row == column ? right_color : wrong_color, share), 0,
              classes[row] + " taken for " + classes[column] + ": " + grouped(count) + " of " + grouped(images));
      if (numbers) {
        svg.text(box.center_x(), box.center_y(), std::to_string(count),
                 {.size = 11, .color = share > 0.3 ? "#ffffff" : ink, .anchor = Anchor::middle});
      }
    }
  }
  return svg.finish(width, height, "Confusion matrix");
}

}  // namespace riffle::trainer
