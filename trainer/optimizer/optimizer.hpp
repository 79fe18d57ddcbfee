// What moves the parameters: SGD and Adam as PyTorch 1.13 defines them, and the clipping of gradients.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "trainer/network/network.hpp"

namespace riffle::trainer {

/// torch.optim.SGD: g += weight_decay * p; v = momentum * v + g (v = g in the first step); p -= rate * v, or with
/// Nesterov p -= rate * (g + momentum * v).
struct SgdOptions {
  double momentum = 0.9;
  bool nesterov = false;
};

/// torch.optim.Adam (arXiv 1412.6980): g += weight_decay * p; m = beta1 * m + (1 - beta1) * g; v = beta2 * v +
/// (1 - beta2) * g * g; p -= rate / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + epsilon) in step t = 1, 2, ...
struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  bool decoupled = false;  ///< torch.optim.AdamW (arXiv 1711.05101): p -= rate * weight_decay * p, and g stays as it is
};

struct DecayOptions {
  double weight_decay = 0;
  bool weights_only = false;  ///< not on biases and batch norm
};

/// Memory of an optimizer, for a checkpoint: one span a parameter and role, "units.3.reduce.0.weight.exp_avg".
struct OptimizerState {
  std::string name;
  std::span<float> values;
};

/// For one thread at a time. Results do not depend on the number of threads, not in one bit.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// One step with the gradients as they stand. Frozen parameters stay.
  virtual void step(double rate) = 0;
  /// Spans into the optimizer, valid as long as it lives: whoever writes them is seen by the next step().
  [[nodiscard]] virtual std::span<const OptimizerState> state() = 0;
  /// The steps done so far, which Adam's bias correction counts.
  [[nodiscard]] virtual std::int64_t steps() const = 0;
  virtual void set_steps(std::int64_t steps) = 0;
};

/// The floats of the parameters outlive the optimizer.
std::unique_ptr<Optimizer> make_sgd(std::span<const Parameter> parameters, const SgdOptions& options,
                                    const DecayOptions& decay, int threads = 1);
/// `kernels`: null: as the engine chooses (RIFFLE_ISA).
std::unique_ptr<Optimizer> make_adam(std::span<const Parameter> parameters, const AdamOptions& options,
                                     const DecayOptions& decay, int threads = 1,
                                     const kernels::Kernels* kernels = nullptr);

/// torch.nn.utils.clip_grad_norm_: scales the gradients of all parameters that are not frozen so that their Euclidean
/// norm together is at most `limit`; returns the norm before. Where that is not finite they stay as they are, so that
/// the cause can be found.
double clip_gradients(std::span<const Parameter> parameters, double limit, int threads = 1);

}  // namespace riffle::trainer
