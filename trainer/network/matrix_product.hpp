// A matrix times packed weights, in groups: what a convolution's forward pass and the gradient of its operand are.
//
//   y[p][h][n] = bias[h][n] + sum_k x[p][h][k] * w[h][n][k]        pixel p, group h, output n, input k
//
// The engine's pointwise kernel computes it, but for the few outputs that would be alone in a last vector: those are
// dot products, where that pays (trainer/kernels/dot_products.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/memory/aligned.hpp"
#include "trainer/network/operation.hpp"

namespace riffle::trainer {

class MatrixProduct {
 public:
  /// A row of x has the groups' inputs side by side, `in_stride` floats from row to row; a row of y their outputs,
  /// `out_stride` apart. input_order[h * inputs + k] says which of the group's inputs column k of x is,
  /// output_order[h * outputs + n] which of its outputs column n of y. The tables outlive the product.
  MatrixProduct(const KernelTables& tables, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
                std::ptrdiff_t in_stride, std::ptrdiff_t out_stride, std::vector<std::int32_t> input_order,
                std::vector<std::int32_t> output_order);

  /// weights[(h * outputs + n) * inputs + k] and a bias an output, or none, in the model's order.
  void pack(std::span<const float> weights, std::span<const float> bias);

  /// `pixels` rows. The loops prefetch what is in the list besides. Any number of threads at the same time.
  void run(const float* x, std::int32_t pixels, float* y, Prefetcher& prefetcher) const;

 private:
  const kernels::PointwiseKernel& kernel_;
  Multiply multiply_;
  Dots dots_;
  std::int32_t groups_, inputs_, outputs_;
  std::int32_t rest_;  ///< of a group's outputs, the last ones: by dot products
  std::ptrdiff_t in_stride_, out_stride_;
  memory::Aligned<std::byte> packed_;
  std::size_t packed_bytes_ = 0;
  std::vector<kernels::ChannelRun> runs_;
  std::vector<kernels::Block> blocks_;
  std::vector<std::int32_t> run_begin_, input_order_, output_order_;
  std::vector<std::int64_t> rest_rows_;  ///< rows of weights
  memory::Aligned<float> packed_rest_;   ///< group after group
  std::int64_t packed_rest_floats_ = 0;  ///< of a group
  std::vector<float> rest_bias_;
};

}  // namespace riffle::trainer
