// The body of multiply.hpp.
#pragma once

#include "kernels/pointwise/pointwise_body.hpp"
#include "trainer/kernels/multiply.hpp"

namespace riffle::trainer {

template <class S>
struct Multiplication {
  struct Asking {
    Ahead* ahead;
    RIFFLE_INLINE Ahead::Lines begin(std::int64_t steps, const float* x) const { return ahead->take(steps, x); }
  };

  static void run(const kernels::PointwiseArgs& args, const kernels::Memory& memory, kernels::TileRange range,
                  Ahead& ahead) {
    kernels::Pointwise<S, Asking>::run_and(args, memory, range, {&ahead});
  }
};

}  // namespace riffle::trainer
