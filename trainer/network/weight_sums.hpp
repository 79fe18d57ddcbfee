// The gradient of a convolution's weights and bias: a product x^T dy over the pixels of the batch, summed up by every
// worker for its share of the images, and joined in the workers' order, so that the bits do not depend on timing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/memory/aligned.hpp"
#include "trainer/network/operation.hpp"

namespace riffle::trainer {

class WeightSums {
 public:
  /// Of `groups` groups of so many inputs and outputs: input k of group h is weight weight_of_input[h * inputs + k] of
  /// each of the group's outputs, and the output at a position is channel order[position] of the layer. The tables
  /// outlive the sums.
  WeightSums(const KernelTables& tables, const WeightParameters& parameters, std::int32_t groups, std::int32_t inputs,
             std::int32_t outputs, std::span<const std::int32_t> weight_of_input, std::span<const std::int32_t> order);

  // Backward: begin() and add() by each worker for what it computes, and when all have done so join() by every worker
  // for its share of the weights.
  void begin(int worker);
  /// `pixels` rows of the operand and of the result's gradient, x_stride and dy_stride floats from row to row. The
  /// loops prefetch what is in the list besides.
  void add(int worker, const float* x, std::int64_t x_stride, const float* dy, std::int64_t dy_stride,
           std::int32_t pixels, Prefetcher& prefetcher);
  void join(const Share& share) const;

 private:
  /// One worker's sums over its share.
  struct Sums {
    memory::Aligned<float> weights;  ///< groups * inputs rows of outputs, or transposed
    std::vector<float> bias;
    std::vector<float> squares;  ///< a sum that comes with the bias's and is not used
  };

  [[nodiscard]] std::int64_t floats() const {
    return static_cast<std::int64_t>(groups_) * (transposed_ ? outputs_ : inputs_) * stride_;
  }

  const KernelTables& tables_;
  WeightParameters parameters_;
  std::int32_t groups_, inputs_, outputs_;
  bool transposed_;  ///< summed up as dy^T x, outputs x inputs: its vectors are fuller
  std::int64_t stride_;
  std::vector<std::int32_t> order_;
  std::vector<std::int64_t> row_place_, column_place_;  ///< of a worker's sums: their sum is a weight's place
  std::vector<float> zeros_;
  std::vector<Sums> sums_;  ///< by worker
};

}  // namespace riffle::trainer
