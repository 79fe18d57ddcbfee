// The learning rate as a function of the step's number alone.
#pragma once

#include <cstdint>

namespace riffle::trainer {

enum class Decay : std::uint8_t {
  constant,
  step,    ///< times `factor` every `every` steps (torch.optim.lr_scheduler.StepLR, a step where it has an epoch)
  cosine,  ///< along half a cosine to 0 (CosineAnnealingLR, arXiv 1608.03983)
  linear,  ///< along a line to 0, as both ShuffleNet papers train
};

struct Schedule {
  Decay decay = Decay::constant;
  double rate = 0.001;      ///< the largest
  std::int64_t steps = 0;   ///< of the whole run: where cosine and linear reach 0
  std::int64_t warmup = 0;  ///< the first steps, in which the rate grows linearly: rate / warmup, 2 * rate / warmup ...
  std::int64_t every = 1;   ///< of Decay::step
  double factor = 0.1;      ///< of Decay::step
};

/// Of step 0, 1, ... Cosine and linear begin to fall behind the warm-up; Decay::step counts from step 0. Behind the
/// last step it stays.
double rate_of(const Schedule& schedule, std::int64_t step);

}  // namespace riffle::trainer
