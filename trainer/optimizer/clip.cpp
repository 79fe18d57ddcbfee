#include <array>
#include <cmath>
#include <numeric>

#include "trainer/optimizer/optimizer.hpp"
#include "trainer/optimizer/pieces.hpp"

namespace riffle::trainer {
namespace {

/// In a fixed order that fills vectors.
double square_sum(const float* values, std::size_t count) {
  constexpr std::size_t lanes = 8;
  std::array<double, lanes> sums = {};
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const double value = values[i + lane];
      sums[lane] += value * value;
    }
  }
  for (; i < count; ++i) sums[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace

double clip_gradients(std::span<const Parameter> parameters, double limit, int threads) {
  const std::vector<ParameterPiece> pieces = cut(parameters);
  std::vector<double> sums(pieces.size());
  for_each(pieces, threads, [&](const ParameterPiece& piece) {
    const auto index = static_cast<std::size_t>(&piece - pieces.data());
    sums[index] = square_sum(parameters[piece.parameter].gradient.data() + piece.first, piece.count);
  });
  const double norm = std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
  const double scale = limit / (norm + 1e-6);
  if (std::isfinite(norm) && scale < 1) {
    for_each(pieces, threads, [&](const ParameterPiece& piece) {
      for (float& value : parameters[piece.parameter].gradient.subspan(piece.first, piece.count)) {
        value *= static_cast<float>(scale);
      }
    });
  }
  return norm;
}

}  // namespace riffle::trainer
