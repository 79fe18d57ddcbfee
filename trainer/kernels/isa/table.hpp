// From an instruction set's struct to its table.
#pragma once

#include "trainer/kernels/generic/adam.hpp"
#include "trainer/kernels/generic/columns.hpp"
#include "trainer/kernels/generic/dots.hpp"
#include "trainer/kernels/generic/multiply.hpp"
#include "trainer/kernels/generic/outer.hpp"
#include "trainer/kernels/generic/taps.hpp"
#include "trainer/kernels/generic/windows.hpp"
#include "trainer/kernels/kernels.hpp"

namespace riffle::trainer {

template <class S>
constexpr TrainingKernels make_table() {
  return {
      .isa = S::name,
      .lanes = S::lanes,
      .gather = Columns<S>::gather,
      .scatter = Columns<S>::scatter,
      .complete = Columns<S>::complete,
      .gather_gradient = Columns<S>::gather_gradient,
      .moments = Columns<S>::moments,
      .multiply = Multiplication<S>::run,
      .dots = DotProducts<S>::function(),
      .outer = OuterProduct<S>::run,
      .taps = TapProduct<S>::run,
      .depthwise_weight_gradient = Windows<S>::depthwise_weight_gradient,
      .depthwise_input_gradient = Windows<S>::depthwise_input_gradient,
      .max_pool_gradient = Windows<S>::max_pool_gradient,
      .average_pool_gradient = Windows<S>::average_pool_gradient,
      .adam = AdamStep<S>::run,
  };
}

}  // namespace riffle::trainer
