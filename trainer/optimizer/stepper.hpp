// What the optimizers share: the parameters cut into pieces, and their memory of them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "trainer/optimizer/optimizer.hpp"
#include "trainer/optimizer/pieces.hpp"
#include "trainer/optimizer/state.hpp"

namespace riffle::trainer {

class Stepper : public Optimizer {
 public:
  std::span<const OptimizerState> state() override { return memory_.state(); }
  std::int64_t steps() const override { return steps_; }
  void set_steps(std::int64_t steps) override { steps_ = steps; }

 protected:
  Stepper(std::span<const Parameter> parameters, const DecayOptions& decay, int threads,
          const std::vector<std::string>& roles)
      : memory_(parameters, roles),
        parameters_(parameters.begin(), parameters.end()),
        pieces_(cut(parameters)),
        decay_(decay),
        threads_(threads) {}

  /// Calls work(piece, its parameter, the parameter's decay) for every piece.
  template <class Work>
  void step_pieces(Work&& work) {
    for_each(pieces_, threads_, [&](const ParameterPiece& piece) {
      const Parameter& parameter = parameters_[piece.parameter];
      work(piece, parameter, decay_of(parameter, decay_));
    });
  }

  OptimizerStates memory_;
  std::int64_t steps_ = 0;

 private:
  std::vector<Parameter> parameters_;
  std::vector<ParameterPiece> pieces_;
  DecayOptions decay_;
  int threads_;
};

}  // namespace riffle::trainer
