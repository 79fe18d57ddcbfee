// Batch norm of one result (arXiv 1502.03167), as PyTorch's BatchNorm2d in training.
//
//   z = scale * (y - mean) / sqrt(variance + epsilon) + shift        mean, variance: of the batch, a value a channel
//
// It is never written: readers multiply and add as they read (scale(), shift() below). Sums over the batch are taken by
// each worker over its share, in float over a few hundred pixels and in double above, and joined in the workers' order.
// A norm may be synchronised: the batch is then that of all ranks (riffle/ranks.hpp), whose sums are added up in
// between.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trainer/kernels/kernels.hpp"

namespace riffle::trainer {

/// The parameters of one batch norm, in its own order of channels.
struct NormParameters {
  std::span<const float> scale, shift;
  std::span<float> scale_gradient, shift_gradient;
  std::span<float> running_mean, running_variance;
  float epsilon = 1e-5F;
  float momentum = 0.1F;
  bool frozen = false;        ///< takes the running statistics, which stay as they are
  bool synchronised = false;  ///< over all ranks
};

class Norm {
 public:
  /// channel[p]: which of the norm's channels stands at position p of the result.
  Norm(const TrainingKernels& kernels, const NormParameters& parameters, std::vector<std::int32_t> channel,
       int workers);

  /// Negates the channels whose scale is negative, so that max pooling may stand before the norm: from now on a
  /// channel's values are the layer's times sign(), which is -1 for those and 1 for the others, and no scale() is
  /// negative. The largest value is then the largest result.
  void negate_channels();
  [[nodiscard]] float sign(std::size_t position) const { return sign_[position]; }

  /// Does it take the statistics of a batch? One number has none.
  [[nodiscard]] bool takes_statistics() const { return !parameters_.frozen; }
  [[nodiscard]] bool is_synchronised() const { return parameters_.synchronised && takes_statistics(); }

  // Forward: begin() by one thread, observe() by every worker for what it computes, then finish() by every worker for
  // its share of the positions.
  void begin();
  void observe(int worker, const float* rows, std::ptrdiff_t row_stride, std::int64_t pixels);
  /// `pixels`: of the whole batch.
  void finish(std::int64_t pixels, int worker, int workers);

  // Backward: begin() again, then the gradients of some of the result's positions at a time, run.to.channels from
  // `position` on: `run` without the norm's values. Behind finish_backward(), shared out likewise, the columns can be
  // filled in.
  void complete(int worker, Completion run, std::int32_t position, std::int64_t pixels, const float* rows,
                std::ptrdiff_t row_stride);
  void finish_backward(std::int64_t pixels, int worker, int workers);

  // Of a synchronised norm, before finish() and finish_backward(): every worker joins its share of the positions, and
  // then sums() are added up over the ranks.
  void join(int worker, int workers);
  void join_backward(std::int64_t pixels, int worker, int workers);
  [[nodiscard]] std::span<double> sums() { return joined_; }

  [[nodiscard]] const float* scale() const { return scale_.data(); }
  [[nodiscard]] const float* shift() const { return shift_.data(); }
  void fill(GradientColumns& columns, std::int32_t position) const;

 private:
  /// What one worker has summed up.
  struct Sums {
    std::vector<float> shift;          ///< the values that are taken off: its first pixel
    std::vector<float> first, second;  ///< of a few hundred pixels
    std::vector<double> firsts, seconds;
    std::int64_t pixels = 0;
    void clear();
    void carry(std::size_t begin, std::size_t end);  ///< the floats into the doubles, of positions [begin, end)
  };

  /// Of one position's values.
  struct Moments {
    double count = 0, mean = 0, squares = 0;  ///< squares: of the deviations from the mean
  };
  /// Of the gradients at one position.
  struct GradientSums {
    double sum = 0, product = 0;  ///< product: with the values less their mean
  };
  [[nodiscard]] Moments moments(std::size_t position) const;
  [[nodiscard]] Moments joined_moments(std::size_t position) const;
  [[nodiscard]] double running_mean(std::size_t position) const {
    return static_cast<double>(sign_[position]) *
           static_cast<double>(parameters_.running_mean[static_cast<std::size_t>(channel_[position])]);
  }
  [[nodiscard]] GradientSums gradient_sums(std::size_t position) const;

  const TrainingKernels& kernels_;
  NormParameters parameters_;
  std::vector<std::int32_t> channel_;
  std::vector<Sums> sums_;  // by worker
  // Of a synchronised norm, two sums a position and the number of pixels: of the values less the running mean and of
  // their squares; backward, GradientSums.
  std::vector<double> joined_;
  std::vector<float> mean_, inverse_, scale_, shift_, a_, b_, k_, sign_;
};

}  // namespace riffle::trainer
