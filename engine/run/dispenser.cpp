#include "engine/run/dispenser.hpp"

#include <algorithm>

namespace riffle::run {
namespace {

/// Of `left` tiles of a share, those that are taken at once. Its owner takes most of what is left: fewer chunks, and
/// where all workers are equally fast nothing is left for others. Others take half, so that the rest can still be
/// shared.
std::int32_t chunk_of(std::int32_t left, std::int32_t grain, bool owner) {
  const std::int32_t chunk = std::max(owner ? left - left / 4 : left - left / 2, grain);
  return left - chunk < grain ? left : chunk;
}

}  // namespace

Dispenser::Dispenser(std::span<const std::int64_t> speeds) : shares_(speeds.size()) {
  // Small numbers, whose sum can be scaled.
  constexpr std::int64_t fastest = 1024;
  const std::int64_t most = std::max<std::int64_t>(*std::max_element(speeds.begin(), speeds.end()), 1);
  std::vector<std::int64_t> sums = {0};
  for (const std::int64_t speed : speeds) {
    sums.push_back(sums.back() + std::max<std::int64_t>(speed * fastest / most, 1));
  }
  for (std::size_t w = 0; w < shares_.size(); ++w) {
    shares_[w].until = ((sums[w + 1] << whole_bits) + sums.back() - 1) / sums.back();
  }
}

kernels::TileRange Dispenser::share_of(int worker, std::int32_t tiles) const {
  const auto bound = [&](int w) { return static_cast<std::int32_t>(tiles * shares_[w].until >> whole_bits); };
  return {worker == 0 ? 0 : bound(worker - 1), bound(worker)};
}

kernels::TileRange Dispenser::take(Turn turn, Work work, int worker) noexcept {
  const int count = workers();
  if (count == 1) {
    // No one to share with: all at once.
    const std::uint64_t all = pack(turn.number, work.tiles);
    if (shares_[0].taken.exchange(all, std::memory_order_relaxed) == all) return {};
    return {0, work.tiles};
  }
  for (int i = 0; i < count; ++i) {
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
      const std::int32_t last = first + chunk_of(share.last - first, work.grain, i == 0);
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
