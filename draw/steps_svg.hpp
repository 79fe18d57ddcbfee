// Steps and tensors of a plan as drawings show them: kinds and their colours, legends, words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "draw/svg.hpp"
#include "engine/plan/plan.hpp"

namespace riffle::draw {

/// A kind of step: its word and its colour.
struct Kind {
  std::string_view name;
  std::string_view color;
};
const Kind& kind_of(const plan::Step& step);

/// The kinds that occur, in the order of the steps.
std::vector<const Kind*> kinds_of(const plan::Plan& plan);

/// "28 × 28".
std::string resolution(const graph::Shape& shape);

/// Everything about a step in a few lines, for under the pointer.
std::string describe(const plan::Step& step, std::size_t index);

/// A row of a legend's swatches, or several. Returns its lower edge.
struct LegendEntry {
  const Kind* kind = nullptr;
  std::string words;
};
double draw_legend(Svg& svg, const std::vector<LegendEntry>& entries, double top);

/// "image 3 × 224 × 224 u8"; f32 goes without saying.
std::string words_of(const plan::Tensor& tensor);

/// A row of the caller's tensors behind the word for them, or several. Returns its lower edge.
double draw_tensors(Svg& svg, std::string_view word, const std::vector<plan::Tensor>& tensors, double top);

}  // namespace riffle::draw
