// The one rank of a process that trains by itself.
#pragma once

#include "riffle/ranks.hpp"

namespace riffle::trainer {

using training::Ranks;

class Alone final : public Ranks {
 public:
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int size() const override { return 1; }
  void sum(std::span<double>) override {}
  void begin_sum(std::span<float>) override {}
  void finish_sums() override {}
  void broadcast(std::span<std::byte>, int) override {}
};

/// It has no state: one is enough for all.
inline Ranks& alone() {
  static Alone one;
  return one;
}

inline Ranks& or_alone(Ranks* ranks) { return ranks == nullptr ? alone() : *ranks; }

}  // namespace riffle::trainer
