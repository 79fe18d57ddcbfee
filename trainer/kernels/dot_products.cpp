#include "trainer/kernels/dot_products.hpp"

#include <algorithm>

namespace riffle::trainer {
namespace {

std::int32_t vectors_of(std::int32_t values, std::int32_t lanes) { return (values + lanes - 1) / lanes; }
std::int32_t in_fours(std::int32_t outputs) { return (outputs + 3) / 4 * 4; }

}  // namespace

std::int32_t dots_among(std::int32_t inputs, std::int32_t outputs, std::int32_t lanes) {
  const std::int32_t rest = outputs % lanes;
  if (rest == 0 || outputs < lanes || inputs < lanes) return 0;
  // In multiply-adds of vectors for a pixel; adding up the lanes of an output takes about as long as three.
  const std::int32_t cost = rest * (vectors_of(inputs, lanes) + 3);
  return 16 * (inputs - cost) > inputs * vectors_of(outputs, lanes) ? rest : 0;
}

std::int64_t packed_dots_size(std::int32_t inputs, std::int32_t outputs, std::int32_t lanes) {
  return static_cast<std::int64_t>(in_fours(outputs)) * vectors_of(inputs, lanes) * lanes;
}

void pack_dots(std::int32_t lanes, std::int32_t inputs, std::span<const float> weights,
               std::span<const std::int64_t> rows, std::span<const std::int32_t> order, std::span<float> packed) {
  const std::int32_t last = vectors_of(inputs, lanes) * lanes - lanes;  // where the last vector stands
  std::fill(packed.begin(), packed.end(), 0.0F);
  float* to = packed.data();
  for (const std::int64_t row : rows) {
    const float* const from = weights.data() + row * inputs;
    for (std::int32_t k = 0; k < last; ++k) to[k] = from[order[static_cast<std::size_t>(k)]];
    for (std::int32_t k = last; k < inputs; ++k)
      to[k + last + lanes - inputs] = from[order[static_cast<std::size_t>(k)]];
    to += last + lanes;
  }
}

}  // namespace riffle::trainer
