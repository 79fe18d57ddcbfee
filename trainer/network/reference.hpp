// The first witness of training: a graph's loss in training mode, plainly and in double. Gradients are then central
// differences. For tests.
#pragma once

#include <cmath>
#include <span>

#include "verify/interpret.hpp"

namespace riffle::trainer::reference {

class Evaluation {
 public:
  Evaluation(const graph::Graph& graph, std::int64_t batch)
      : weights(verify::parameters_of(graph)), graph_(graph), batch_(batch) {}

  /// images (n, C, H, W). The mean cross-entropy over the batch.
  double loss(std::span<const float> images, std::span<const std::int32_t> labels, double smoothing) {
    const auto tensors = verify::interpret(graph_, images, batch_, {.training = true, .parameters = &weights});
    const verify::Tensor& logits = tensors[static_cast<std::size_t>(graph_.outputs[0].node)];
    const std::int32_t classes = logits.shape.c;
    double total = 0;
    for (std::int64_t n = 0; n < batch_; ++n) {
      double sum = 0;
      for (std::int32_t k = 0; k < classes; ++k) sum += std::exp(logits.at(n, 0, 0, k));
      for (std::int32_t k = 0; k < classes; ++k) {
        const double wanted = smoothing / classes + (k == labels[static_cast<std::size_t>(n)] ? 1 - smoothing : 0);
        total += wanted * (std::log(sum) - logits.at(n, 0, 0, k));
      }
    }
    return total / static_cast<double>(batch_);
  }

  verify::Parameters weights;  ///< to be changed between two losses

 private:
  const graph::Graph& graph_;
  std::int64_t batch_;
};

}  // namespace riffle::trainer::reference
