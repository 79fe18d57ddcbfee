#include <cmath>

#include "engine/plan/plan.hpp"
#include "trainer/kernels/kernels.hpp"
#include "trainer/optimizer/stepper.hpp"

namespace riffle::trainer {
namespace {

class AdamOptimizer final : public Stepper {
 public:
  AdamOptimizer(std::span<const Parameter> parameters, const AdamOptions& options, const DecayOptions& decay,
                int threads, Adam kernel)
      : Stepper(parameters, decay, threads, {"exp_avg", "exp_avg_sq"}), options_(options), update_(kernel) {}

  void step(double rate) override {
    const auto t = static_cast<double>(++steps_);
    AdamCoefficients common = {};
    common.beta1 = static_cast<float>(options_.beta1);
    common.rest1 = static_cast<float>(1 - options_.beta1);
    common.beta2 = static_cast<float>(options_.beta2);
    common.rest2 = static_cast<float>(1 - options_.beta2);
    common.inverse_correction = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, t)));
    common.step_size = static_cast<float>(rate / (1 - std::pow(options_.beta1, t)));
    common.epsilon = static_cast<float>(options_.epsilon);
    step_pieces([&](const ParameterPiece& piece, const Parameter& parameter, double decay) {
      AdamCoefficients c = common;
      c.coupled_decay = options_.decoupled ? 0.0F : static_cast<float>(decay);
      c.kept = options_.decoupled ? static_cast<float>(1 - rate * decay) : 1.0F;
      update_(parameter.values.data() + piece.first, parameter.gradient.data() + piece.first,
              memory_.role(0) + piece.offset, memory_.role(1) + piece.offset, piece.count, c);
    });
  }

 private:
  AdamOptions options_;
  Adam update_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adam(std::span<const Parameter> parameters, const AdamOptions& options,
                                     const DecayOptions& decay, int threads, const kernels::Kernels* kernels) {
  return std::make_unique<AdamOptimizer>(
      parameters, options, decay, threads,
      training_kernels(kernels != nullptr ? *kernels : kernels::choose_kernels()).adam);
}

}  // namespace riffle::trainer
