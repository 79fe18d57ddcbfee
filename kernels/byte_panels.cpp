#include "kernels/byte_panels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/pointwise/pointwise.hpp"

namespace riffle::kernels {
namespace {

constexpr std::int64_t read_behind = 128;

std::int64_t vector_bytes(const BytePanels& panels, std::int32_t quads) {
  const std::int64_t bias_and_factor =
      (sizeof(std::int32_t) + sizeof(float)) * (panels.form == QuadForm::eights ? 2 : 1);
  return panels.lanes * (bias_and_factor + std::int64_t{filled_quads(panels.form, quads)} * quad_bytes(panels.form));
}

/// A column's bias or factor.
void pack_number(QuadForm form, const void* number, std::int32_t column, std::byte* to) {
  if (form != QuadForm::eights) {
    std::memcpy(to + std::ptrdiff_t{column} * 4, number, 4);
    return;
  }
  std::byte* const pair = to + column / 2 * 16 + column % 2 * 4;
  std::memcpy(pair, number, 4);
  std::memcpy(pair + 8, number, 4);
}

/// What is known of an output's results.
int facts_of(std::span<const std::int8_t> weights, std::int32_t bias, float factor) {
  double least = bias, most = bias;
  for (const std::int8_t w : weights) {
    most += w * (w > 0 ? 127 : -128);
    least += w * (w > 0 ? -128 : 127);
  }
  const double largest = std::max({1.0, -least, most}) * static_cast<double>(factor);
  if (most >= 0x1p23 || largest >= 0x1p15 - 512) return 0;
  if (most >= 0x1p22 || least <= -0x1p22) return small_results;
  return small_results | (is_exact_factor(factor, largest, false) ? exact_results : 0) |
         (is_exact_factor(factor, largest, true) ? exact_sums : 0);
}

/// Of the weights of two neighbouring quads: do sums of four products fit?
bool do_four_fit(const std::array<std::int8_t, 4>& quad, const std::array<std::int8_t, 4>& next) {
  for (std::size_t j = 0; j < 2; ++j) {
    int above = 0, below = 0;
    for (const int w : {quad[j], quad[j + 2], next[j], next[j + 2]}) (w > 0 ? above : below) += w;
    if (127 * above - 128 * below > 0x7FFF || -128 * above + 127 * below < -0x8000) return false;
  }
  return true;
}

std::int64_t quad_facts_bytes(const BytePanels& panels, std::int32_t quads) {
  return panels.form == QuadForm::pairs ? quads : 0;
}

}  // namespace

std::int64_t byte_panels_bytes(const BytePanels& panels, std::int32_t groups, std::int32_t quads,
                               std::int32_t outputs) {
  const std::int64_t vectors = (outputs + panels.lanes - 1) / panels.lanes;
  const std::int64_t count = panel_count(outputs, panels.lanes, panels.max_vectors);
  return groups * (vectors * vector_bytes(panels, quads) + count * (1 + quad_facts_bytes(panels, quads))) + read_behind;
}

void pack_quad(const std::int8_t* four, std::int32_t lane, std::int32_t lanes, QuadForm form, std::byte* to) {
  switch (form) {
    case QuadForm::bytes:
    case QuadForm::matrices:
    case QuadForm::eights:  // whose quads are a panel's, not a vector's
      std::memcpy(to + std::ptrdiff_t{lane} * 4, four, 4);
      break;
    case QuadForm::pairs:
      for (std::ptrdiff_t half = 0; half < 2; ++half) std::memcpy(to + (half * lanes + lane) * 2, four + half * 2, 2);
      break;
    case QuadForm::words:
      for (std::ptrdiff_t j = 0; j < 4; ++j) {
        const std::int16_t wide = four[j];
        std::memcpy(to + (j % 2 * lanes + lane) * 4 + j / 2 * 2, &wide, sizeof wide);
      }
      break;
  }
}

void pack_byte_panels(const BytePanels& panels, std::int32_t groups, std::int32_t quads, std::int32_t outputs,
                      const IntegerWeights& weights, std::span<const std::int32_t> reads,
                      std::span<const std::int32_t> output_order, std::span<std::byte> packed) {
  const std::int32_t lanes = panels.lanes, vectors = (outputs + lanes - 1) / lanes;
  const std::int32_t count = panel_count(outputs, lanes, panels.max_vectors);
  const std::size_t row = weights.values.size() / static_cast<std::size_t>(groups * outputs);
  std::fill(packed.begin(), packed.end(), std::byte{0});
  std::byte* to = packed.data();
  std::byte* facts = to + std::ptrdiff_t{groups} * vectors * vector_bytes(panels, quads);
  std::byte* quad_facts = facts + std::ptrdiff_t{groups} * count;
  std::vector<bool> four_fit_from(panels.form == QuadForm::pairs ? static_cast<std::size_t>(quads) + 2 : 0);
  for (std::int32_t group = 0; group < groups; ++group) {
    const std::int32_t* const of_group = reads.data() + std::ptrdiff_t{group} * quads * 4;
    for (std::int32_t panel = 0; panel < count; ++panel) {
      const std::int32_t v0 = panel_begin(panel, vectors, count), v1 = panel_begin(panel + 1, vectors, count);
      const std::int32_t width = (v1 - v0) * lanes;
      std::byte* const biases = to;
      std::byte* const factors = biases + width * (panels.form == QuadForm::eights ? 8 : 4);
      std::byte* const quad = factors + (factors - biases);
      bool fit = true;
      int known = small_results | exact_results | exact_sums;
      std::fill(four_fit_from.begin(), four_fit_from.end(), true);
      for (std::int32_t column = 0; column < width && v0 * lanes + column < outputs; ++column) {
        const std::int32_t n = group * outputs + v0 * lanes + column;
        const auto output = static_cast<std::size_t>(group * outputs + output_order[static_cast<std::size_t>(n)]);
        pack_number(panels.form, &weights.bias[output], column, biases);
        pack_number(panels.form, &weights.factors[output], column, factors);
        const std::int8_t* const from = weights.values.data() + output * row;
        known &= facts_of({from, row}, weights.bias[output], weights.factors[output]);
        const std::int32_t v = column / lanes;
        std::array<std::int8_t, 4> four{}, before{};
        for (std::ptrdiff_t q = 0; q < quads; ++q) {
          before = four;
          for (std::size_t j = 0; j < 4; ++j) {
            const std::int32_t read = of_group[q * 4 + static_cast<std::ptrdiff_t>(j)];
            four[j] = read < 0 ? std::int8_t{0} : from[read];
          }
          if (panels.form == QuadForm::eights) {
            std::memcpy(quad + (q / 2 * width + column) * 8 + q % 2 * 4, four.data(), sizeof four);
            continue;
          }
          std::byte* const vector = quad + (q * width + v * lanes) * quad_bytes(panels.form);
          pack_quad(four.data(), column % lanes, lanes, panels.form, vector);
          fit = fit && (four[0] != -128 || four[2] != -128) && (four[1] != -128 || four[3] != -128);
          if (!four_fit_from.empty() && q > 0 && !do_four_fit(before, four)) {
            four_fit_from[static_cast<std::size_t>(q) - 1] = false;
          }
        }
      }
      to += (v1 - v0) * vector_bytes(panels, quads);
      *facts++ = static_cast<std::byte>((fit ? products_fit : 0) | known);
      for (std::size_t q = 0; q + 2 < four_fit_from.size(); ++q) {
        *quad_facts++ =
            static_cast<std::byte>((four_fit_from[q] ? four_fit : 0) | (four_fit_from[q + 2] ? next_four_fit : 0));
      }
    }
  }
}

std::int32_t requantised_reference(std::int64_t sum, float factor, const Clamp& clamp, std::int32_t output_zero,
                                   const std::int32_t* residual) {
  const float scaled = static_cast<float>(sum) * factor;
  if (residual == nullptr) {
    return static_cast<std::int32_t>(std::nearbyint(std::clamp(scaled, clamp.lower, clamp.upper))) + output_zero;
  }
  const float joined = std::nearbyint(std::clamp(scaled, -32768.0F, 32767.0F)) + static_cast<float>(*residual);
  return static_cast<std::int32_t>(std::clamp(joined, clamp.lower, clamp.upper)) + output_zero;
}

}  // namespace riffle::kernels
