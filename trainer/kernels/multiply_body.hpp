// The body of multiply.hpp.
#pragma once

#include "kernels/pointwise/pointwise_body.hpp"
#include "trainer/kernels/multiply.hpp"

namespace riffle::trainer {

template <class S>
struct Multiplication {
  struct Prefetch {
    Prefetcher* prefetcher;
    RIFFLE_INLINE Prefetcher::Lines begin(std::int64_t steps, const float* x) const {
      return prefetcher->take(steps, x);
    }
  };

  static void run(const kernels::PointwiseArgs& args, const kernels::Addresses& memory, kernels::TileRange range,
                  Prefetcher& prefetcher) {
    kernels::Pointwise<S, Prefetch>::run_and(args, memory, range, {&prefetcher});
  }
};

}  // namespace riffle::trainer
