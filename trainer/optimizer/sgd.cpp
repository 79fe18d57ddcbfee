#include <utility>

#include "trainer/optimizer/stepper.hpp"

namespace riffle::trainer {
namespace {

struct Coefficients {
  float rate, momentum, decay;
};

void update_plain(float* __restrict p, const float* __restrict gradient, std::size_t count, const Coefficients& c) {
  const auto [rate, momentum, decay] = c;
  for (std::size_t i = 0; i < count; ++i) p[i] -= rate * (gradient[i] + decay * p[i]);
}

/// Nesterov at compile time: a condition in the loop would cost what the loop does.
template <bool nesterov>
void update(float* __restrict p, const float* __restrict gradient, float* __restrict velocity, std::size_t count,
            const Coefficients& c) {
  const auto [rate, momentum, decay] = c;
  for (std::size_t i = 0; i < count; ++i) {
    const float g = gradient[i] + decay * p[i];
    const float v = flushed(momentum * velocity[i] + g);
    velocity[i] = v;
    p[i] -= rate * (nesterov ? g + momentum * v : v);
  }
}

class Sgd final : public Stepper {
 public:
  Sgd(std::span<const Parameter> parameters, const SgdOptions& options, const DecayOptions& decay, int threads)
      : Stepper(parameters, decay, threads,
                options.momentum == 0 ? std::vector<std::string>{} : std::vector<std::string>{"momentum"}),
        options_(options) {}

  void step(double rate) override {
    ++steps_;
    float* const velocity = options_.momentum == 0 ? nullptr : memory_.role(0);
    const auto update_velocity = options_.nesterov ? update<true> : update<false>;
    step_pieces([&](const ParameterPiece& piece, const Parameter& parameter, double decay) {
      const Coefficients c = {static_cast<float>(rate), static_cast<float>(options_.momentum),
                              static_cast<float>(decay)};
      float* const p = parameter.values.data() + piece.first;
      const float* const g = parameter.gradient.data() + piece.first;
      if (velocity == nullptr) {
        update_plain(p, g, piece.count, c);
      } else {
        update_velocity(p, g, velocity + piece.offset, piece.count, c);
      }
    });
  }

 private:
  SgdOptions options_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(std::span<const Parameter> parameters, const SgdOptions& options,
                                    const DecayOptions& decay, int threads) {
  return std::make_unique<Sgd>(parameters, options, decay, threads);
}

}  // namespace riffle::trainer
