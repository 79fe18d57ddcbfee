// From an instruction set's struct to its table.
#pragma once

#include "trainer/kernels/adam_body.hpp"
#include "trainer/kernels/depthwise_gradients_body.hpp"
#include "trainer/kernels/dot_products_body.hpp"
#include "trainer/kernels/gather_scatter_body.hpp"
#include "trainer/kernels/kernels.hpp"
#include "trainer/kernels/multiply_body.hpp"
#include "trainer/kernels/pool_gradients_body.hpp"
#include "trainer/kernels/stem_weight_gradient_body.hpp"
#include "trainer/kernels/weight_gradient_body.hpp"

namespace riffle::trainer {

template <class S>
constexpr TrainingKernels make_table() {
  return {
      .isa = S::name,
      .lanes = S::lanes,
      .gather = GatherScatter<S>::gather,
      .scatter = GatherScatter<S>::scatter,
      .complete = GatherScatter<S>::complete,
      .gather_gradient = GatherScatter<S>::gather_gradient,
      .moments = GatherScatter<S>::moments,
      .multiply = Multiplication<S>::run,
      .dots = DotProducts<S>::function(),
      .weight_gradient = WeightGradientBody<S>::run,
      .stem_weight_gradient = StemWeightGradientBody<S>::run,
      .depthwise_weight_gradient = DepthwiseGradients<S>::weight_gradient,
      .depthwise_input_gradient = DepthwiseGradients<S>::input_gradient,
      .max_pool_gradient = PoolGradients<S>::max_gradient,
      .average_pool_gradient = PoolGradients<S>::average_gradient,
      .adam = AdamStep<S>::run,
  };
}

}  // namespace riffle::trainer
