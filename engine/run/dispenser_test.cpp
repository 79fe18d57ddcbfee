// Who gets which tiles. Most of it by hand, from one thread: what matters is in which order workers come, not when.
#include "engine/run/dispenser.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>
#include <thread>

#include "engine/run/spin.hpp"

namespace riffle::run {
namespace {

std::int32_t size_of(kernels::TileRange tiles) { return tiles.last - tiles.first; }
bool none(kernels::TileRange tiles) { return tiles.first == tiles.last; }

std::vector<std::int64_t> alike(int workers) { return std::vector<std::int64_t>(static_cast<std::size_t>(workers), 1); }

/// A turn of one step, and what was taken in it.
class Tiles {
 public:
  Tiles(Dispenser& dispenser, Dispenser::Work work)
      : dispenser_(dispenser), work_(work), taken_(static_cast<std::size_t>(work.tiles), 0) {
    dispenser.begin(0);
    turn_ = dispenser.turn();
  }

  [[nodiscard]] Dispenser::Turn turn() const { return turn_; }

  /// What the worker gets, and has not done.
  kernels::TileRange take(int worker) {
    const kernels::TileRange tiles = dispenser_.take(turn_, work_, worker);
    EXPECT_LE(0, tiles.first);
    EXPECT_LE(tiles.first, tiles.last);
    EXPECT_LE(tiles.last, work_.tiles);
    for (std::int32_t t = tiles.first; t < tiles.last; ++t) ++taken_.at(static_cast<std::size_t>(t));
    return tiles;
  }

  /// True: it was the turn's last.
  bool complete(kernels::TileRange tiles) { return dispenser_.complete(tiles, work_); }

  /// The worker takes and does what there is. True: the turn is done.
  bool drain(int worker) {
    bool last = false;
    for (kernels::TileRange tiles = take(worker); !none(tiles); tiles = take(worker)) {
      EXPECT_FALSE(last) << "tiles after the last";
      last = complete(tiles);
    }
    return last;
  }

  void expect_each_once() const {
    for (std::size_t t = 0; t < taken_.size(); ++t) EXPECT_EQ(taken_[t], 1) << "tile " << t;
  }

 private:
  Dispenser& dispenser_;
  Dispenser::Work work_;
  Dispenser::Turn turn_;
  std::vector<int> taken_;
};

/// The workers' shares of so many tiles: with a least_chunk that large, each takes its own at once.
std::vector<kernels::TileRange> shares(Dispenser& dispenser, std::int32_t tiles) {
  Tiles step(dispenser, {tiles, tiles});
  std::vector<kernels::TileRange> all;
  // From the last to the first, which therefore cannot take the others' before they come. Who has none takes another's.
  for (int w = dispenser.workers() - 1; w >= 0; --w) all.insert(all.begin(), step.take(w));
  step.expect_each_once();
  for (const kernels::TileRange& share : all) {
    if (!none(share) && step.complete(share)) dispenser.begin(Dispenser::idle);
  }
  EXPECT_EQ(dispenser.turn().step, Dispenser::idle);
  return all;
}

std::vector<std::int32_t> share_sizes(const std::vector<std::int64_t>& speeds, std::int32_t tiles) {
  Dispenser dispenser(speeds);
  std::vector<std::int32_t> sizes;
  for (const kernels::TileRange& share : shares(dispenser, tiles)) sizes.push_back(size_of(share));
  return sizes;
}

TEST(Dispenser, IsIdleAtFirst) {
  const Dispenser dispenser(alike(3));
  EXPECT_EQ(dispenser.turn().step, Dispenser::idle);
  EXPECT_EQ(dispenser.workers(), 3);
}

TEST(Dispenser, SharesAreAsLargeAsWorkersAreFast) {
  using Sizes = std::vector<std::int32_t>;
  EXPECT_EQ(share_sizes({1, 1}, 10), (Sizes{5, 5}));
  EXPECT_EQ(share_sizes({1, 1, 1}, 3), (Sizes{1, 1, 1}));
  EXPECT_EQ(share_sizes({1024, 1024, 256, 256}, 250), (Sizes{100, 100, 25, 25}));
  EXPECT_EQ(share_sizes({256, 1024}, 5), (Sizes{1, 4}));
  // In whichever unit.
  EXPECT_EQ(share_sizes({2'800'000, 2'800'000, 700'000, 700'000}, 250), (Sizes{100, 100, 25, 25}));
  EXPECT_EQ(share_sizes({std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max()}, 10),
            (Sizes{5, 5}));
}

TEST(Dispenser, AWorkerOfNoSpeedCountsAsTheSlowest) {
  for (const std::int64_t speed : {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::min()}) {
    EXPECT_EQ(share_sizes({1, speed}, 10), (std::vector<std::int32_t>{9, 1})) << speed;
  }
}

TEST(Dispenser, AWorkerThatIsAloneTakesAllAtOnce) {
  Dispenser dispenser(alike(1));
  for (const std::int32_t tiles : {1, 2, 7, 1000}) {
    Tiles step(dispenser, {tiles, 1});
    const kernels::TileRange all = step.take(0);
    EXPECT_EQ(size_of(all), tiles);
    EXPECT_TRUE(none(step.take(0)));
    EXPECT_TRUE(step.complete(all));
  }
}

TEST(Dispenser, WhoComesAloneTakesTheSharesOfAll) {
  for (const int workers : {1, 2, 3, 8}) {
    for (const std::int32_t tiles : {1, 2, 5, 64, 1001}) {
      for (int worker = 0; worker < workers; ++worker) {
        Dispenser dispenser(alike(workers));
        Tiles step(dispenser, {tiles, 3});
        EXPECT_TRUE(step.drain(worker));
        step.expect_each_once();
      }
    }
  }
}

TEST(Dispenser, AChunkIsAsLargeAsTheGrainOrAWholeShare) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::int64_t> speeds;
    for (int w = 1 + static_cast<int>(random() % 5); w > 0; --w) speeds.push_back(1 + random() % 1000);
    Dispenser dispenser(speeds);
    const auto tiles = static_cast<std::int32_t>(1 + random() % 300);
    const auto least_chunk = static_cast<std::int32_t>(1 + random() % 20);
    std::set<std::pair<std::int32_t, std::int32_t>> whole;
    for (const kernels::TileRange& share : shares(dispenser, tiles)) whole.emplace(share.first, share.last);
    Tiles step(dispenser, {tiles, least_chunk});
    std::int32_t left = tiles;
    while (left > 0) {
      const kernels::TileRange chunk = step.take(static_cast<int>(random() % speeds.size()));
      ASSERT_FALSE(none(chunk));
      if (size_of(chunk) < least_chunk) {
        EXPECT_TRUE(whole.contains({chunk.first, chunk.last})) << size_of(chunk);
      }
      left -= size_of(chunk);
      EXPECT_EQ(step.complete(chunk), left == 0);
    }
    step.expect_each_once();
  }
}

TEST(Dispenser, AStalledWorkerHoldsUpItsChunkAndNothingElse) {
  for (const int workers : {2, 3, 5}) {
    for (int stalled = 0; stalled < workers; ++stalled) {
      Dispenser dispenser(alike(workers));
      const std::int32_t share = size_of(shares(dispenser, 400)[static_cast<std::size_t>(stalled)]);
      Tiles step(dispenser, {400, 4});
      const kernels::TileRange chunk = step.take(stalled);
      ASSERT_FALSE(none(chunk));
      EXPECT_LE(size_of(chunk), (share * 3 + 3) / 4);
      for (int w = 0; w < workers; ++w) {
        if (w != stalled) {
          EXPECT_FALSE(step.drain(w));
        }
      }
      step.expect_each_once();
      EXPECT_TRUE(step.complete(chunk));
    }
  }
}

TEST(Dispenser, AWorkerThatDoesNotComeHoldsUpNothing) {
  const std::vector<std::int64_t> speeds = {1000, 1};
  Dispenser dispenser(speeds);
  for (int turn = 0; turn < 10; ++turn) {
    Tiles step(dispenser, {100, 1});
    EXPECT_TRUE(step.drain(1)) << "the slow one does all";
    step.expect_each_once();
  }
}

TEST(Dispenser, ATurnThatIsOverHasNoTiles) {
  for (const int workers : {1, 2, 4}) {
    Dispenser dispenser(alike(workers));
    Tiles first(dispenser, {20, 1});
    EXPECT_TRUE(first.drain(0));
    EXPECT_TRUE(none(first.take(workers - 1))) << "before the next has begun";
    Tiles second(dispenser, {30, 1});
    EXPECT_TRUE(none(first.take(workers - 1))) << "before anyone has taken from the next";
    const kernels::TileRange chunk = second.take(0);
    EXPECT_TRUE(none(first.take(0)));
    EXPECT_TRUE(none(first.take(workers - 1)));
    const bool alone = second.complete(chunk);
    EXPECT_NE(alone, second.drain(workers - 1)) << "one of them was the last";
    second.expect_each_once();
    first.expect_each_once();
  }
}

TEST(Dispenser, TheNumbersOfTurnsGoRound) {
  constexpr std::uint32_t last = std::numeric_limits<std::uint32_t>::max();
  for (const std::uint32_t number : {last - 2, last / 2 - 2}) {
    Dispenser dispenser(alike(2), number);
    for (std::uint32_t turn = 1; turn <= 6; ++turn) {
      Tiles step(dispenser, {10, 1});
      EXPECT_EQ(step.turn().number, number + turn);
      const kernels::TileRange chunk = step.take(0);
      EXPECT_FALSE(step.complete(chunk));
      EXPECT_TRUE(step.drain(1));
      step.expect_each_once();
    }
  }
}

/// What threads do with the steps of many runs. Counts are plain numbers: a tile that two workers had at the same time,
/// or that was not done when its turn ended, is also a race that ThreadSanitizer sees.
struct Runs {
  Runs(std::span<const std::int64_t> speeds, std::vector<Dispenser::Work> all, int run_count)
      : dispenser(speeds), works(std::move(all)), runs(run_count) {
    for (const Dispenser::Work& work : works) counts.emplace_back(static_cast<std::size_t>(work.tiles), 0);
  }

  void work(int worker) {
    // All at once, or else the first is through before the others begin.
    if (arrived.fetch_add(1) + 1 == dispenser.workers()) dispenser.begin(0);
    while (!over.load()) {
      const Dispenser::Turn turn = dispenser.turn();
      if (turn.step == Dispenser::idle) {
        std::this_thread::yield();
        continue;
      }
      const auto s = static_cast<std::size_t>(turn.step);
      for (kernels::TileRange tiles = dispenser.take(turn, works[s], worker); !none(tiles);
           tiles = dispenser.take(turn, works[s], worker)) {
        for (std::int32_t t = tiles.first; t < tiles.last; ++t) ++counts[s][static_cast<std::size_t>(t)];
        if (dispenser.complete(tiles, works[s])) end(s);
      }
      for (Spin spin; dispenser.turn() == turn;) spin.wait();
    }
  }

  /// Of the worker that completed the step.
  void end(std::size_t step) {
    for (int& count : counts[step]) {
      wrong += count != 1;
      count = 0;
    }
    ++turns;
    const std::size_t next = (step + 1) % works.size();
    if (next == 0 && --runs == 0) {
      dispenser.begin(Dispenser::idle);
      over.store(true);
    } else {
      dispenser.begin(static_cast<std::int32_t>(next));
    }
  }

  Dispenser dispenser;
  std::vector<Dispenser::Work> works;
  std::vector<std::vector<int>> counts;
  int runs, turns = 0, wrong = 0;
  std::atomic<int> arrived{0};
  std::atomic<bool> over{false};
};

TEST(Dispenser, ThreadsDoEveryTileOnceInManyTurns) {
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::int64_t> speeds;
    for (int w = 2 + round % 3; w > 0; --w) speeds.push_back(random() % 4 == 0 ? 0 : 1 + random() % 1024);
    std::vector<Dispenser::Work> works;
    for (int s = 0; s < 7; ++s) {
      works.push_back({static_cast<std::int32_t>(1 + random() % 200), static_cast<std::int32_t>(1 + random() % 30)});
    }
    constexpr int runs = 300;
    Runs all(speeds, works, runs);
    std::vector<std::thread> threads;
    for (int w = 0; w < all.dispenser.workers(); ++w) threads.emplace_back([&all, w] { all.work(w); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(all.turns, runs * 7);
    EXPECT_EQ(all.wrong, 0);
  }
}

}  // namespace
}  // namespace riffle::run
