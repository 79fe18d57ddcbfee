// Ranks: processes, or threads, that train one network together, each on pictures of its own.
//
//   rank 0   its pictures --forward, backward--> gradients --+
//   rank 1   its pictures --forward, backward--> gradients --+--> their sum, on every rank --> the same step everywhere
//   rank 2   its pictures --forward, backward--> gradients --+
//
// How they talk to one another is behind this interface: by MPI in the riffle program, by whatever else a program of
// one's own has. Every rank makes the same calls in the same order, with as many values each.
#pragma once

#include <cstddef>
#include <span>

namespace riffle::training {

/// For one thread of each rank. A call that cannot be done, because another rank has ended or cannot be reached,
/// throws; the others may then have no result.
class Ranks {
 public:
  virtual ~Ranks() = default;

  [[nodiscard]] virtual int rank() const = 0;  ///< 0 to size() - 1
  [[nodiscard]] virtual int size() const = 0;

  /// Replaces each value by its sum over all ranks, which is ((rank 0's + rank 1's) + rank 2's) + ...: in this order,
  /// so that every rank has the same bits, and has them again in the next run, whatever was late. For few values, which
  /// are waited for.
  virtual void sum(std::span<double> values) = 0;

  /// Begins the same for many floats. Until finish_sums() nobody reads or writes them; several sums may be under way.
  virtual void begin_sum(std::span<float> values) = 0;
  /// Goes on with the sums under way, without waiting. Called now and then while the rank computes.
  virtual void progress() {}
  /// Waits until all sums are done.
  virtual void finish_sums() = 0;

  /// Every rank gets the bytes of rank `root`.
  virtual void broadcast(std::span<std::byte> bytes, int root) = 0;

 protected:
  Ranks() = default;
  Ranks(const Ranks&) = default;
  Ranks& operator=(const Ranks&) = default;
};

}  // namespace riffle::training
