#include "trainer/network/loss.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace riffle::trainer {

Loss softmax_cross_entropy(std::span<const float> logits, std::int64_t row_stride, std::int32_t classes,
                           std::span<const std::int32_t> labels, float smoothing, std::int64_t of,
                           std::span<float> gradient) {
  Loss loss;
  double total = 0;
  const double even = static_cast<double>(smoothing) / classes, own = 1.0 - static_cast<double>(smoothing);
  const double each = 1.0 / static_cast<double>(of);
  std::vector<double> exponentials(static_cast<std::size_t>(classes));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::span<const float> row =
        logits.subspan(i * static_cast<std::size_t>(row_stride), static_cast<std::size_t>(classes));
    const auto largest = std::max_element(row.begin(), row.end());
    const auto label = static_cast<std::size_t>(labels[i]);
    const double top = *largest;
    double sum = 0;
    for (std::size_t k = 0; k < row.size(); ++k) sum += exponentials[k] = std::exp(static_cast<double>(row[k]) - top);
    const double log_sum = std::log(sum) + top;
    for (std::size_t k = 0; k < row.size(); ++k) {
      const double wanted = even + (k == label ? own : 0.0);
      total += wanted * (log_sum - static_cast<double>(row[k]));
      gradient[i * static_cast<std::size_t>(row_stride) + k] =
          static_cast<float>((exponentials[k] / sum - wanted) * each);
    }
    loss.correct += static_cast<std::size_t>(largest - row.begin()) == label ? 1 : 0;
  }
  loss.part = total * each;
  return loss;
}

}  // namespace riffle::trainer
