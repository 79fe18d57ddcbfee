// An operation of training: forward beside backward, over a share of the batch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/graph/graph.hpp"
#include "trainer/network/operand.hpp"

namespace riffle::trainer {

/// What operations are made with.
struct KernelTables {
  const TrainingKernels& training_kernels;
  const kernels::Kernels& kernels;  ///< the engine's, of the same instruction set
  int workers;                      ///< shares of a batch

  /// Of the best instruction set from `best` on that there are kernels for training of.
  KernelTables(const kernels::Kernels& best, int shares)
      : training_kernels(trainer::training_kernels(best)),
        kernels(*kernels::find_kernels(training_kernels.isa)),
        workers(shares) {}
};

class Operation {
 public:
  virtual ~Operation() = default;

  /// Floats of scratch that a worker needs.
  [[nodiscard]] virtual std::int64_t scratch() const = 0;

  /// Takes the weights as they are now. By one thread; several operations may do it at the same time. It alone may
  /// allocate.
  virtual void pack() {}

  /// Computes the result's y for the share's images. The operands are complete.
  virtual void forward(const Share& share) = 0;

  /// From the result's gradient, complete for the whole batch, to the operands' for the share's images, and to the
  /// worker's own part of the gradients of weights. Called only where the result wants a gradient.
  virtual void backward(const Share& share) = 0;

  /// Joins the workers' parts to gradients of weights: worker `share.worker`'s share of them.
  virtual void collect(const Share& share) { static_cast<void>(share); }
};

/// The weights of a layer, in the graph's order; gradients are empty where they are frozen.
struct WeightParameters {
  std::span<const float> weights, bias;
  std::span<float> weight_gradient, bias_gradient;
};

/// Convolution in groups, pointwise or not. `operand` has its columns group after group and within a group in
/// `input_order` (a group's input channel by column).
std::unique_ptr<Operation> make_convolution(const KernelTables& tables, const kernels::Window& window,
                                            std::int32_t groups, const WeightParameters& parameters,
                                            const kernels::Extent& extent, Operand operand,
                                            std::vector<std::int32_t> input_order, const LayerResult& result);

/// A dense convolution of the network's input, 1 to 4 planes (LayerResult::planes).
std::unique_ptr<Operation> make_stem(const KernelTables& tables, const kernels::Window& window,
                                     const WeightParameters& parameters, const kernels::Extent& extent,
                                     const LayerResult& input, const LayerResult& result);

/// The same with max pooling over `pooled` between the convolution and the result's norm and activation.
std::unique_ptr<Operation> make_pooled_stem(const KernelTables& tables, const kernels::Window& window,
                                            const WeightParameters& parameters, const kernels::Extent& extent,
                                            const kernels::Window& pool, const kernels::Extent& pooled,
                                            const LayerResult& input, const LayerResult& result);

/// One 3x3 filter a channel, no dilation, columns a stride of at most 2 apart. The result's order is the operand's.
std::unique_ptr<Operation> make_depthwise(const KernelTables& tables, const kernels::Window& window,
                                          const WeightParameters& parameters, const kernels::Extent& extent,
                                          Operand operand, const LayerResult& result);

/// Of the following, too, the result's order is the first operand's.
std::unique_ptr<Operation> make_pool(const KernelTables& tables, const graph::Pool& pool, const kernels::Window& window,
                                     const kernels::Extent& extent, Operand operand, const LayerResult& result);
std::unique_ptr<Operation> make_global_average_pool(const KernelTables& tables, Operand operand,
                                                    const LayerResult& result);

/// Floats of a row of `columns`: whole lines of a cache, which are whole vectors of any instruction set. No multiple of
/// eight lines, or some columns of a matrix would all fall into an eighth of a cache's sets.
constexpr std::int64_t row_floats(std::int64_t columns) {
  const std::int64_t lines = (columns + 15) / 16;
  return (lines % 8 == 0 ? lines + 1 : lines) * 16;
}
/// Floats behind the last row of a matrix that may be read.
inline constexpr std::int64_t slack = 64;

}  // namespace riffle::trainer
