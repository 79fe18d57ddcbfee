// Softmax cross-entropy, PyTorch's CrossEntropyLoss with its mean over the batch and its label smoothing.
#pragma once

#include <cstdint>
#include <span>

namespace riffle::trainer {

struct Loss {
  double part = 0;  ///< the images' losses, summed up, over `of`
  std::int32_t correct = 0;
};

/// logits[i * row_stride + class], one label an image. With s the smoothing and K classes, an image's loss is
/// -sum_k q_k log softmax(logits)_k, q_k = (k == label) (1 - s) + s / K. These are the images' part of a mean over `of`
/// images. Writes its gradient, softmax - q over `of`, where the logits' are laid out alike.
Loss softmax_cross_entropy(std::span<const float> logits, std::int64_t row_stride, std::int32_t classes,
                           std::span<const std::int32_t> labels, float smoothing, std::int64_t of,
                           std::span<float> gradient);

}  // namespace riffle::trainer
