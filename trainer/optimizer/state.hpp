// What the optimizers share: the floats that they remember, as many as there are in the parameters that move, for each
// role.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "trainer/memory.hpp"
#include "trainer/optimizer/optimizer.hpp"

namespace riffle::trainer {

inline double decay_of(const Parameter& parameter, const DecayOptions& options) {
  return options.weights_only && parameter.kind != ParameterKind::weight ? 0 : options.weight_decay;
}

class OptimizerStates {
 public:
  /// Zeros, in the order of cut(). `roles` end the names: "exp_avg". Throws Exhausted.
  OptimizerStates(std::span<const Parameter> parameters, const std::vector<std::string>& roles) {
    std::size_t floats = 0;
    for (const Parameter& parameter : parameters) floats += parameter.frozen ? 0 : parameter.values.size();
    with_memory_for("the optimizer", static_cast<std::int64_t>(roles.size() * floats * sizeof(float)), [&] {
      for (std::size_t i = 0; i < roles.size(); ++i) roles_.emplace_back(floats);
    });
    for (std::size_t i = 0; i < roles.size(); ++i) {
      std::size_t offset = 0;
      for (const Parameter& parameter : parameters) {
        if (parameter.frozen) continue;
        state_.push_back(
            {parameter.name + "." + roles[i], std::span(roles_[i]).subspan(offset, parameter.values.size())});
        offset += parameter.values.size();
      }
    }
  }
  OptimizerStates(const OptimizerStates&) = delete;
  OptimizerStates& operator=(const OptimizerStates&) = delete;

  [[nodiscard]] float* role(std::size_t index) { return roles_[index].data(); }
  [[nodiscard]] std::span<const OptimizerState> state() const { return state_; }

 private:
  std::vector<std::vector<float>> roles_;
  std::vector<OptimizerState> state_;
};

}  // namespace riffle::trainer
