// What training needs beyond the engine's kernels: one table an instruction set, as kernels/kernels.hpp has it.
#pragma once

#include "kernels/kernels.hpp"
#include "trainer/kernels/adam.hpp"
#include "trainer/kernels/depthwise_gradients.hpp"
#include "trainer/kernels/dot_products.hpp"
#include "trainer/kernels/gather_scatter.hpp"
#include "trainer/kernels/multiply.hpp"
#include "trainer/kernels/pool_gradients.hpp"
#include "trainer/kernels/stem_weight_gradient.hpp"
#include "trainer/kernels/weight_gradient.hpp"

namespace riffle::trainer {

struct TrainingKernels {
  const char* isa = nullptr;
  std::int32_t lanes = 0;
  Gather gather = nullptr;
  Scatter scatter = nullptr;
  Complete complete = nullptr;
  GatherGradient gather_gradient = nullptr;
  Moments moments = nullptr;
  Multiply multiply = nullptr;
  Dots dots = nullptr;  ///< null where it does not pay
  WeightGradient weight_gradient = nullptr;
  StemWeightGradient stem_weight_gradient = nullptr;
  DepthwiseWeightGradient depthwise_weight_gradient = nullptr;
  DepthwiseInputGradient depthwise_input_gradient = nullptr;
  MaxPoolGradient max_pool_gradient = nullptr;
  AveragePoolGradient average_pool_gradient = nullptr;
  Adam adam = nullptr;
};

/// The table of the instruction set `best`, or of the floats of one that has other numbers.
const TrainingKernels& training_kernels(const kernels::Kernels& best);

}  // namespace riffle::trainer
