// What moves the parameters: SGD and Adam as PyTorch 1.13 defines them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "trainer/network/network.hpp"

namespace riffle::trainer {

/// torch.optim.SGD: g += weight_decay * p; v = momentum * v + g (v = g in the first step); p -= rate * v, or with
/// Nesterov p -= rate * (g + momentum * v).
struct SgdOptions {
  float momentum = 0.9F;
  bool nesterov = false;
};

/// torch.optim.Adam (arXiv 1412.6980): g += weight_decay * p. decoupled: torch.optim.AdamW, p -= rate * weight_decay *
/// p.
struct AdamOptions {
  float beta1 = 0.9F, beta2 = 0.999F, epsilon = 1e-8F;
  bool decoupled = false;
};

/// Memory of an optimizer, for a checkpoint: one span a parameter and role, "units.3.reduce.0.weight.exp_avg".
struct OptimizerState {
  std::string name;
  std::span<float> values;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// One step with the gradients as they stand. Frozen parameters stay.
  virtual void step(double rate) = 0;
  [[nodiscard]] virtual std::span<const OptimizerState> state() = 0;
  [[nodiscard]] virtual std::int64_t steps() const = 0;
  virtual void set_steps(std::int64_t steps) = 0;
};

struct DecayOptions {
  float weight_decay = 0.0F;
  bool weights_only = false;  ///< not on biases and batch norm
};

/// The parameters outlive the optimizer.
std::unique_ptr<Optimizer> make_sgd(std::span<const Parameter> parameters, const SgdOptions& options,
                                    const DecayOptions& decay, int threads = 1);
std::unique_ptr<Optimizer> make_adam(std::span<const Parameter> parameters, const AdamOptions& options,
                                     const DecayOptions& decay, int threads = 1);

/// torch.nn.utils.clip_grad_norm_: scales all gradients so that their norm together is at most `limit`; returns the
/// norm before.
double clip_gradients(std::span<const Parameter> parameters, double limit);

}  // namespace riffle::trainer
