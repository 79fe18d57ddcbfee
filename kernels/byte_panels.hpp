// Panels of weights of bytes, as pointwise, stem and general convolution read them.
//
// As panels of floats are (pointwise/pointwise.hpp): `lanes` outputs a vector, up to `max_vectors` vectors a panel. A
// panel is one stream in the order of its use; Q is the number of quads, four bytes that are read side by side:
//
//   bias[NV*lanes] (i32)   factors[NV*lanes] (f32)   then for quad q in 0..Q-1:  for each of NV*lanes outputs four
//   weights
//
// Empty columns have weights, biases and factors of 0. How the four stand is the kernel's form. Behind the last panel
// of the last group, every panel has a byte that says what is known of it whatever numbers it reads: PanelFacts. By
// pairs (QuadForm::pairs) each quad of every panel has one behind those: QuadFacts.
//
// By eights, for kernels whose vector of sums is two pixels times two outputs (AArch64's smmla): every two outputs'
// biases stand twice, as do their factors, and an output has the weights of two quads side by side, so that Q is
// rounded up to an even number. For kernels that multiply matrices (AMX's tdpbusd) Q above 16 is a multiple of 16.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/types.hpp"

namespace riffle::kernels {

struct BytePanels {
  std::int32_t lanes = 0, max_vectors = 0;
  QuadForm form = QuadForm::bytes;
};
/// Where numbers that are read are of i8. Behind small results 16 bits have room for a zero point and a residual.
enum PanelFacts : std::uint8_t {
  products_fit = 1,   ///< two products, of weights 0 and 2 of a quad or 1 and 3, are in 16 bits: none has -128 twice
  small_results = 2,  ///< sums are below 2^23; they times their factors, and the factors, within 2^15 - 512
  exact_results = 4,  ///< small ones, of sums within 2^22, whose factors are exact: where there is no residual
  exact_sums = 8,     ///< and where there is one
};
/// Sums of four products in 16 bits: of weights 0 and 2 of a quad and of the one behind it, and of weights 1 and 3.
enum QuadFacts : std::uint8_t {
  four_fit = 1,       ///< they do, whatever is read
  next_four_fit = 2,  ///< so do those of the two quads behind
};

/// A sum times a multiple of this step is exact in f32 as long as it is within 2^8, or 2^9 where a residual is added,
/// and stays above if it is not: rounded once it becomes the byte that it becomes rounded twice, to f32 and to an
/// integer. The step is as much finer as no sum times its factor is above `most`.
constexpr double exact_step(double most, bool has_residual) {
  double range = has_residual ? 0x1p9 : 0x1p8;
  while (range > 0x1p4 && range / 2 >= most) range /= 2;
  return range * 0x1p-24;
}
/// Is it a multiple, below 2?
constexpr bool is_exact_factor(float factor, double most, bool has_residual) {
  const double steps = static_cast<double>(factor) / exact_step(most, has_residual);
  return factor < 2 && steps == static_cast<double>(static_cast<std::int32_t>(steps));
}

template <class Kernel>
BytePanels byte_panels_of(const Kernel& kernel) {
  return {kernel.lanes, kernel.max_vectors, kernel.form};
}

/// Of so many quads for each of `groups` groups of `outputs` outputs, and 128 bytes that a kernel may read behind them.
std::int64_t byte_panels_bytes(const BytePanels& panels, std::int32_t groups, std::int32_t quads, std::int32_t outputs);

/// `weights.values` has a row an output. reads[(group * quads + q) * 4 + j]: the number of an output's row that is
/// multiplied by byte j of quad q, -1 for none. output_order[group * outputs + n]: which of the group's outputs is
/// written n-th, counted from the group's first.
void pack_byte_panels(const BytePanels& panels, std::int32_t groups, std::int32_t quads, std::int32_t outputs,
                      const IntegerWeights& weights, std::span<const std::int32_t> reads,
                      std::span<const std::int32_t> output_order, std::span<std::byte> packed);

/// Of a quad's weights for one lane.
constexpr std::int32_t quad_bytes(QuadForm form) { return form == QuadForm::words ? 8 : 4; }

/// The four weights of a lane into their places in a vector of `lanes`.
void pack_quad(const std::int8_t* four, std::int32_t lane, std::int32_t lanes, QuadForm form, std::byte* to);

/// What quantised layers do with a sum: see engine/graph/quantization.hpp. `residual`: less its zero point.
std::int32_t requantised_reference(std::int64_t sum, float factor, const Clamp& clamp, std::int32_t output_zero,
                                   const std::int32_t* residual = nullptr);

}  // namespace riffle::kernels
