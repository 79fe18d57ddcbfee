#include "engine/run/dispenser.hpp"

#include <algorithm>

namespace riffle::run {
namespace {

enum class Taker { alone, owner, other };

/// Of `left` tiles of a share, those that are taken at once. Its owner takes most of what is left: fewer chunks, and
/// where all workers are equally fast nothing is left for others. Others take half, so that the rest can still be
/// shared. Who is alone shares with no one. Neither what is taken nor what is left is less than the least_chunk, unless
/// it is all or nothing.
std::int32_t chunk_of(std::int32_t left, std::int32_t least_chunk, Taker taker) {
  const std::int32_t leave = taker == Taker::alone ? 0 : taker == Taker::owner ? left / 4 : left / 2;
  return leave < least_chunk ? left : left - leave;
}

}  // namespace

Dispenser::Dispenser(std::span<const std::int64_t> speeds, std::uint32_t number)
    : shares_(speeds.size()), turn_(pack(number, idle)) {
  // Small numbers, whose sum can be scaled.
  constexpr double fastest = 1024;
  const auto most = static_cast<double>(std::max<std::int64_t>(*std::max_element(speeds.begin(), speeds.end()), 1));
  std::vector<std::int64_t> sums = {0};
  for (const std::int64_t speed : speeds) {
    const double scaled = std::max(static_cast<double>(speed) / most * fastest, 1.0);
    sums.push_back(sums.back() + static_cast<std::int64_t>(scaled));
  }
  for (std::size_t w = 0; w < shares_.size(); ++w) {
    shares_[w].taken.store(pack(number, 0), std::memory_order_relaxed);
    shares_[w].until = ((sums[w + 1] << whole_bits) + sums.back() - 1) / sums.back();
  }
}

kernels::TileRange Dispenser::share_of(int worker, std::int32_t tiles) const {
  const auto bound = [&](int w) { return static_cast<std::int32_t>(tiles * shares_[w].until >> whole_bits); };
  return {worker == 0 ? 0 : bound(worker - 1), bound(worker)};
}

kernels::TileRange Dispenser::take(Turn turn, Work work, int worker) noexcept {
  const int count = workers();
  for (int i = 0; i < count; ++i) {
    const Taker taker = count == 1 ? Taker::alone : i == 0 ? Taker::owner : Taker::other;
    const int owner = worker + i < count ? worker + i : worker + i - count;
    const kernels::TileRange share = share_of(owner, work.tiles);
    if (share.first == share.last) continue;
    std::atomic<std::uint64_t>& taken = shares_[owner].taken;
    std::uint64_t seen = taken.load(std::memory_order_relaxed);
    for (;;) {
      const Turn at = unpack(seen);
      // A share of a later turn: this one is over. Numbers go round, so that what counts is the difference.
      if (static_cast<std::int32_t>(at.number - turn.number) > 0) return {};
      const std::int32_t first = at.number == turn.number ? at.step : share.first;
      if (first == share.last) break;
      const std::int32_t last = first + chunk_of(share.last - first, work.least_chunk, taker);
      // Relaxed: what the tiles read was published with the turn, and a turn that is over has no share that is free.
      if (taken.compare_exchange_weak(seen, pack(turn.number, last), std::memory_order_relaxed)) return {first, last};
    }
  }
  return {};
}

bool Dispenser::complete(kernels::TileRange tiles, Work work) noexcept {
  const std::int32_t count = tiles.last - tiles.first;
  return done_.fetch_add(count, std::memory_order_acq_rel) + count == work.tiles;
}

void Dispenser::begin(std::int32_t step) noexcept {
  done_.store(0, std::memory_order_relaxed);
  const Turn now = unpack(turn_.load(std::memory_order_relaxed));
  turn_.store(pack(now.number + 1, step), std::memory_order_release);
}

}  // namespace riffle::run
