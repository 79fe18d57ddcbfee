// Work stealing: schedules a step's tiles over the workers, and begins the next step.
//
// Each worker has a share of the step's tiles, as large as it is fast, and takes it in chunks from the front. Whoever
// is through with its own takes chunks of the others':
//
//   worker 0   |########|####|..|        taken by 0, by 0, free
//   worker 1   |########|####|++|        taken by 1, by 1, by 0
//
// A step ends when its tiles are done, not when all workers have come by. So a worker that is slow, or that the system
// has taken off its core, holds the others up by the chunk that it is in and by nothing else; it finds its way into
// whichever step is under way when it comes back.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/types.hpp"

namespace riffle::run {

/// All functions may be called by any worker at any time unless they say otherwise. None waits or allocates.
class Dispenser {
 public:
  static constexpr std::int32_t idle = -1;

  /// A step's turn. Numbers go up by one, and begin again at 0 after the last.
  struct Turn {
    std::uint32_t number = 0;
    std::int32_t step = idle;
    friend bool operator==(const Turn&, const Turn&) = default;
  };

  /// A step's tiles, in chunks of at least `least_chunk` unless there are no more. A step has at least one.
  struct Work {
    std::int32_t tiles = 1, least_chunk = 1;
  };

  /// At least one worker: a speed for each, relative to the others'; what is not positive counts as the least. Idle, in
  /// a turn of that number.
  explicit Dispenser(std::span<const std::int64_t> speeds, std::uint32_t number = 0);

  /// What was written before the turn began is seen by who has read it.
  [[nodiscard]] Turn turn() const noexcept { return unpack(turn_.load(std::memory_order_acquire)); }

  /// Tiles for the worker to run; none where all are taken or the turn is over. `work` is that of turn.step.
  [[nodiscard]] kernels::TileRange take(Turn turn, Work work, int worker) noexcept;

  /// Says that tiles that were taken are done. True for one caller a turn: it was the last, sees all that was written
  /// in the turn, and is to call begin().
  [[nodiscard]] bool complete(kernels::TileRange tiles, Work work) noexcept;

  /// The next turn: a step, or idle. Only by who completed the turn, or while idle by one who knows that no one else
  /// does.
  void begin(std::int32_t step) noexcept;

  [[nodiscard]] int workers() const { return static_cast<int>(shares_.size()); }

 private:
  /// How far a worker's share is taken: the first tile that is free, tagged with the turn's number (a generation).
  /// Stale values count as nothing taken and need no reset.
  struct alignas(64) Share {
    std::atomic<std::uint64_t> taken;
    std::int64_t until = 0;  ///< where it ends, as a part of all tiles, 1 << whole_bits
  };

  static constexpr int whole_bits = 31;  // a shift instead of a division, which 32-bit ARM has not

  static std::uint64_t pack(std::uint32_t number, std::int32_t value) {
    return std::uint64_t{number} << 32U | static_cast<std::uint32_t>(value);
  }
  static Turn unpack(std::uint64_t packed) {
    return {static_cast<std::uint32_t>(packed >> 32U), static_cast<std::int32_t>(static_cast<std::uint32_t>(packed))};
  }
  [[nodiscard]] kernels::TileRange share_of(int worker, std::int32_t tiles) const;

  std::vector<Share> shares_;
  alignas(64) std::atomic<std::uint64_t> turn_;
  alignas(64) std::atomic<std::int32_t> done_{0};
};

}  // namespace riffle::run
