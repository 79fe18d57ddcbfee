#include <cmath>

#include "trainer/optimizer/stepper.hpp"

namespace riffle::trainer {
namespace {

struct Coefficients {
  float coupled_decay;  ///< of the gradient
  float kept;           ///< of a parameter, where decay is decoupled: 1 - rate * weight_decay
  float beta1, rest1;   ///< rest: 1 - beta
  float beta2, rest2;
  float inverse_correction;  ///< 1 / sqrt(1 - beta2^t)
  float step_size;           ///< rate / (1 - beta1^t)
  float epsilon;
};

void update(float* __restrict p, const float* __restrict gradient, float* __restrict average,
            float* __restrict square_average, std::size_t count, const Coefficients& coefficients) {
  const Coefficients c = coefficients;  // nothing that the loop writes can be a part of a copy
  for (std::size_t i = 0; i < count; ++i) {
    const float g = gradient[i] + c.coupled_decay * p[i];
    const float m = flushed(c.beta1 * average[i] + c.rest1 * g);
    const float v = flushed(c.beta2 * square_average[i] + c.rest2 * g * g);
    average[i] = m;
    square_average[i] = v;
    p[i] = c.kept * p[i] - c.step_size * m / (std::sqrt(v) * c.inverse_correction + c.epsilon);
  }
}

class Adam final : public Stepper {
 public:
  Adam(std::span<const Parameter> parameters, const AdamOptions& options, const DecayOptions& decay, int threads)
      : Stepper(parameters, decay, threads, {"exp_avg", "exp_avg_sq"}), options_(options) {}

  void step(double rate) override {
    const auto t = static_cast<double>(++steps_);
    Coefficients common = {};
    common.beta1 = static_cast<float>(options_.beta1);
    common.rest1 = static_cast<float>(1 - options_.beta1);
    common.beta2 = static_cast<float>(options_.beta2);
    common.rest2 = static_cast<float>(1 - options_.beta2);
    common.inverse_correction = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, t)));
    common.step_size = static_cast<float>(rate / (1 - std::pow(options_.beta1, t)));
    common.epsilon = static_cast<float>(options_.epsilon);
    step_pieces([&](const ParameterPiece& piece, const Parameter& parameter, double decay) {
      Coefficients c = common;
      c.coupled_decay = options_.decoupled ? 0.0F : static_cast<float>(decay);
      c.kept = options_.decoupled ? static_cast<float>(1 - rate * decay) : 1.0F;
      update(parameter.values.data() + piece.first, parameter.gradient.data() + piece.first,
             memory_.role(0) + piece.offset, memory_.role(1) + piece.offset, piece.count, c);
    });
  }

 private:
  AdamOptions options_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adam(std::span<const Parameter> parameters, const AdamOptions& options,
                                     const DecayOptions& decay, int threads) {
  return std::make_unique<Adam>(parameters, options, decay, threads);
}

}  // namespace riffle::trainer
