#include "engine/memory/arena.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "engine/memory/pages.hpp"

namespace riffle::memory {
namespace {

TEST(Arena, BlocksThatNeverMeetShareAPlace) {
  const Lifetime blocks[] = {{100, 0, 1}, {100, 2, 3}};
  const Placement placement = place_blocks(blocks, 16);
  EXPECT_EQ(placement.offsets, (std::vector<std::int64_t>{0, 0}));
  EXPECT_EQ(placement.total, 100);
}

TEST(Arena, BlocksThatMeetInOneStepDoNot) {
  const Lifetime blocks[] = {{100, 0, 2}, {100, 2, 3}};
  EXPECT_EQ(place_blocks(blocks, 16).total, 212);  // 100 rounded up to a multiple of 16, and 100
}

TEST(Arena, ASmallBlockGoesIntoAGap) {
  const Lifetime blocks[] = {{64, 0, 9}, {96, 0, 4}, {32, 5, 9}, {48, 0, 9}};
  const Placement placement = place_blocks(blocks, 16);
  EXPECT_EQ(placement.total, 64 + 96 + 48);
}

TEST(Arena, ManyBlocksNeverOverlapAndAreAligned) {
  std::vector<Lifetime> blocks;
  std::uint32_t state = 1;
  const auto next = [&](std::uint32_t n) {
    return static_cast<std::int32_t>((state = state * 1664525U + 1013904223U) >> 8) % static_cast<std::int32_t>(n);
  };
  for (int i = 0; i < 300; ++i) {
    const std::int32_t first = next(50);
    blocks.push_back({1 + next(1000), first, first + next(8)});
  }
  const Placement placement = place_blocks(blocks, 16);
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    sum += blocks[i].size;
    EXPECT_EQ(placement.offsets[i] % 16, 0);
    EXPECT_LE(placement.offsets[i] + blocks[i].size, placement.total);
    for (std::size_t k = 0; k < i; ++k) {
      const bool meet = blocks[i].first_step <= blocks[k].last_step && blocks[k].first_step <= blocks[i].last_step;
      const bool apart = placement.offsets[i] + blocks[i].size <= placement.offsets[k] ||
                         placement.offsets[k] + blocks[k].size <= placement.offsets[i];
      EXPECT_TRUE(!meet || apart) << i << " and " << k;
    }
  }
  EXPECT_LT(placement.total, sum / 3);
}

TEST(MappedFile, IsInPiecesOfAHugePage) {
  const std::string path = ::testing::TempDir() + "riffle_pieces_" + std::to_string(::getpid());
  std::ofstream(path) << std::string(3 * huge_page, 'x');
  const MappedFile file(path);
  std::remove(path.c_str());
  const auto pieces = [&](std::size_t begin, std::size_t size) {
    const Pieces found = file.pieces(file.bytes().subspan(begin, size));
    return std::pair(found.first, found.last);
  };
  EXPECT_EQ(pieces(0, huge_page), std::pair(std::size_t{0}, std::size_t{0}));
  EXPECT_EQ(pieces(0, huge_page + 1), std::pair(std::size_t{0}, std::size_t{1}));
  EXPECT_EQ(pieces(huge_page - 1, huge_page), std::pair(std::size_t{0}, std::size_t{1}));
  EXPECT_EQ(pieces(huge_page, 0), std::pair(std::size_t{1}, std::size_t{1}));
  EXPECT_EQ(pieces(5, 3 * huge_page - 5), std::pair(std::size_t{0}, std::size_t{2}));
  file.evict();
  EXPECT_EQ(file.bytes().back(), std::byte{'x'}) << "it comes back from the file";
}

}  // namespace
}  // namespace riffle::memory
