// Ranks that are processes, on one machine or several, by MPI.
//
// A sum of floats goes through two rounds of messages between every two ranks, all under way together:
//
//   rank 0   |a0 a1 a2|   each sends the    adds up    |s0 . .|   each sends    |s0 s1 s2|
//   rank 1   |b0 b1 b2|   others their      its part   |. s1 .|   its sums to   |s0 s1 s2|
//   rank 2   |c0 c1 c2|   parts             ------->   |. . s2|   the others    |s0 s1 s2|
//
// s1 = (a1 + b1) + c1: in the order of the ranks, whoever's message comes first. A rank sends as many bytes as in a
// ring, 2 (N - 1) / N of the floats', in 2 (N - 1) messages that do not wait for one another. MPI's own reduction is
// free to add in whatever order suits its algorithm, the sizes, and the machines' places.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "riffle/ranks.hpp"

namespace riffle::trainer {

/// All processes that were started together. One in a process, once.
class MpiRanks final : public training::Ranks {
 public:
  /// Begins MPI. Throws Error where that cannot be done.
  MpiRanks();
  /// Ends MPI, which waits for the other ranks to do so.
  ~MpiRanks() override;

  /// Ends all ranks at once, this one with the exit code.
  [[noreturn]] void abort(int code);

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  void sum(std::span<double> values) override;
  void begin_sum(std::span<float> values) override;
  void progress() override;
  void finish_sums() override;
  void broadcast(std::span<std::byte> bytes, int root) override;

 private:
  class Sum;
  int rank_ = 0, size_ = 1, next_tag_ = 0;
  std::deque<std::unique_ptr<Sum>> sums_;  ///< under way
  std::vector<std::vector<float>> spare_;  ///< memory of sums that are done: pages that are there already
};

}  // namespace riffle::trainer
