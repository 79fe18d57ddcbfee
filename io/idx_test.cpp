#include "io/idx.hpp"

#include <gtest/gtest.h>

#include "io/inflate.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"

namespace riffle::tests {
namespace {

using io::ByteTensor;
using io::parse_idx;

constexpr std::uint8_t unsigned_byte = 8;

Bytes two_images() { return idx(unsigned_byte, {2, 2, 3}, bytes_of("abcdefghijkl")); }

std::string refusal_of_idx(const Bytes& file, std::size_t rank) {
  return error_of([&] { parse_idx(file, rank, "x.idx"); });
}

TEST(Idx, reads_images_and_labels_packed_or_not) {
  for (const Bytes& file : {two_images(), gzip(two_images())}) {
    const ByteTensor images = parse_idx(file, 3, "x.idx");
    EXPECT_EQ(images.shape, (std::vector<std::int32_t>{2, 2, 3}));
    EXPECT_EQ(std::string(images.values.begin(), images.values.end()), "abcdefghijkl");
  }
  const ByteTensor labels = parse_idx(idx(unsigned_byte, {3}, bytes_of("\1\2\3")), 1, "x.idx");
  EXPECT_EQ(labels.values, (std::vector<std::uint8_t>{1, 2, 3}));
}

TEST(Idx, reads_gzip_of_several_members) {
  const Bytes whole = two_images();
  Bytes packed = gzip(Bytes(whole.begin(), whole.begin() + 17));
  const Bytes rest = gzip(Bytes(whole.begin() + 17, whole.end()));
  packed.insert(packed.end(), rest.begin(), rest.end());
  const ByteTensor images = parse_idx(packed, 3, "x.idx");
  EXPECT_EQ(std::string(images.values.begin(), images.values.end()), "abcdefghijkl");
}

TEST(Idx, says_what_it_is_instead) {
  EXPECT_TRUE(contains(refusal_of_idx(bytes_of("not an IDX file at all"), 3), "x.idx: not an IDX file"));
  EXPECT_TRUE(contains(refusal_of_idx({}, 3), "not an IDX file"));
  EXPECT_TRUE(contains(refusal_of_idx(idx(0x0D, {1}, bytes_of("abcd")), 1), "values of type 13"));
  EXPECT_TRUE(contains(refusal_of_idx(two_images(), 1), "3 dimensions; 1 (labels) needed"));
  EXPECT_TRUE(contains(refusal_of_idx(idx(unsigned_byte, {2}, bytes_of("ab")), 3), "1 dimensions; 3 (images) needed"));
  EXPECT_TRUE(contains(refusal_of_idx(idx(unsigned_byte, {2, 0, 3}, {}), 3), "dimension of 0"));
}

TEST(Idx, sizes_are_checked_before_anything_is_allocated) {
  EXPECT_TRUE(
      contains(refusal_of_idx(idx(unsigned_byte, {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, {}), 3), "more than is read"));
  EXPECT_TRUE(contains(refusal_of_idx(idx(unsigned_byte, {0x10000, 0x10000, 1}, {}), 3), "more than is read"));
  EXPECT_TRUE(contains(refusal_of_idx(idx(unsigned_byte, {0x7FFFFFFF}, bytes_of("a")), 1), "truncated"));
  EXPECT_TRUE(contains(refusal_of_idx(gzip(idx(unsigned_byte, {0x7FFFFFFF}, bytes_of("a"))), 1), "truncated"));
  EXPECT_TRUE(contains(refusal_of_idx(idx(unsigned_byte, {2}, bytes_of("abc")), 1), "bytes behind"));
}

TEST(Idx, a_gzip_bomb_is_not_unpacked) {
  Bytes bomb = idx(unsigned_byte, {10}, Bytes(std::size_t{1} << 26, std::byte{0}));
  EXPECT_TRUE(contains(refusal_of_idx(gzip(bomb), 1), "bytes behind"));
}

TEST(Idx, every_truncation_is_an_error) {
  for (const Bytes& whole : {two_images(), gzip(two_images())}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(refusal_of_idx(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)), 3).empty())
          << size;
    }
  }
}

TEST(Idx, damaged_gzip_is_an_error) {
  const Bytes whole = gzip(two_images());
  constexpr std::size_t header = 10, trailer = 8;  // the header's time and system may be anything
  for (std::size_t i = header; i < whole.size(); ++i) {
    if (i + 1 == whole.size() - trailer) continue;  // the last byte of the data ends in bits that are not used
    for (int bit = 0; bit < 8; ++bit) {
      Bytes damaged = whole;
      damaged[i] ^= static_cast<std::byte>(1 << bit);
      EXPECT_FALSE(refusal_of_idx(damaged, 3).empty()) << "byte " << i << ", bit " << bit;
    }
  }
  Bytes garbage_behind = whole;
  garbage_behind.push_back(std::byte{'x'});
  EXPECT_TRUE(contains(refusal_of_idx(garbage_behind, 3), "gzip data"));
}

TEST(Gzip, reads_in_pieces) {
  const Bytes packed = gzip(bytes_of("shuffle, shuffle, shuffle"));
  io::Inflater reader(packed, io::Packing::gzip, "x.gz");
  std::string text;
  Bytes piece(7);
  for (std::size_t got = reader.read(piece); got > 0; got = reader.read(piece)) {
    text.append(reinterpret_cast<const char*>(piece.data()), got);
  }
  EXPECT_EQ(text, "shuffle, shuffle, shuffle");
}

}  // namespace
}  // namespace riffle::tests
