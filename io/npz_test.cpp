#include "io/npz.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/files.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"

namespace riffle::tests {
namespace {

using io::NamedTensor;
using io::Npz;
using io::Tensor;
using io::tensor_of;

/// The files that NumPy and Python have written (tests/corpus/make_seeds.py), all but types.npz and bzip2.npz of the
/// same two tensors: f32 0 to 5 and i8 -3 to 2.
Bytes corpus(const std::string& name) { return read_file(RIFFLE_CORPUS_DIR "/npz/" + name, 1 << 20); }
const std::vector<std::string> archives = {"stored.npz", "deflated.npz", "streamed.npz", "zip64.npz"};

bool same(const Tensor& a, const Tensor& b) { return a.type == b.type && a.shape == b.shape && a.bytes == b.bytes; }

Tensor numbers(Type type, std::vector<std::int64_t> shape, std::initializer_list<int> bytes) {
  Tensor tensor{type, std::move(shape), {}};
  for (const int byte : bytes) tensor.bytes.push_back(static_cast<std::byte>(byte));
  return tensor;
}
const Tensor left = tensor_of({1, 1, 2, 3}, std::vector<float>{0, 1, 2, 3, 4, 5});
const Tensor right = numbers(Type::i8, {1, 6}, {-3, -2, -1, 0, 1, 2});

/// The message of opening an archive and reading all that is in it; empty where nothing is wrong.
std::string refusal_of_npz(const Bytes& file) {
  try {
    const Npz archive(file, "x.npz");
    for (const std::string& name : archive.names()) {
      const Tensor tensor = archive.read(name);
      EXPECT_TRUE(same(tensor, name == "left" ? left : right)) << name;
    }
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Npz, reads_what_numpy_writes) {
  for (const std::string& name : archives) {
    const Npz archive(corpus(name), name);
    EXPECT_EQ(archive.names(), (std::vector<std::string>{"left", "right/1"})) << name;
    EXPECT_TRUE(archive.holds("left") && archive.holds("right/1") && !archive.holds("left.npy")) << name;
    EXPECT_TRUE(same(archive.read("left"), left)) << name;
    EXPECT_TRUE(same(archive.read("right/1"), right)) << name;
  }
}

TEST(Npz, numbers_of_every_type) {
  const Npz archive(corpus("types.npz"), "types.npz");
  EXPECT_TRUE(same(archive.read("f2"), numbers(Type::f16, {2}, {0x00, 0x3C, 0x00, 0xC0})));
  EXPECT_TRUE(same(archive.read("u2"), numbers(Type::bf16, {1}, {0x80, 0x3F})));
  EXPECT_TRUE(same(archive.read("i1"), numbers(Type::i8, {1}, {0xFF})));
  EXPECT_TRUE(same(archive.read("u1"), numbers(Type::u8, {1}, {0xFF})));
  EXPECT_TRUE(same(archive.read("i4"), numbers(Type::i32, {1}, {0xF9, 0xFF, 0xFF, 0xFF})));
  EXPECT_TRUE(contains(error_of([&] { (void)archive.read("i8"); }), "types.npz: 'i8.npy': holds '<i8'; what can be "));
  EXPECT_TRUE(contains(error_of([&] { (void)archive.read("f4"); }), "types.npz: 'f4.npy' is not there"));
}

TEST(Npz, what_is_written_is_read) {
  const Folder folder;
  const std::vector<NamedTensor> tensors = {{"z", left},
                                            {"/a/b:0", right},
                                            {"größe.npy", numbers(Type::f16, {0, 3}, {})},
                                            {"", numbers(Type::bf16, {}, {1, 2})}};
  const std::string path = folder.path("y.npz");
  io::write_npz(path, tensors);
  const Npz archive(path);
  EXPECT_EQ(archive.names(), (std::vector<std::string>{"", "/a/b:0", "größe.npy", "z"}));
  for (const auto& [name, tensor] : tensors) EXPECT_TRUE(same(archive.read(name), tensor)) << name;

  const Bytes bytes = read_file(path, 1 << 20);
  io::write_npz(path, tensors);
  EXPECT_EQ(read_file(path, 1 << 20), bytes);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"y.npz"});
  io::write_npz(path, {});
  EXPECT_TRUE(Npz(path).names().empty());
}

TEST(Npz, what_a_zip_archive_cannot_hold_is_not_written) {
  const Folder folder;
  const std::string path = folder.path("y.npz");
  const std::vector<NamedTensor> long_name = {{std::string(65532, 'x'), left}};
  EXPECT_TRUE(contains(error_of([&] { io::write_npz(path, long_name); }), "y.npz: 'xxx"));
  io::ZipWriter writer("y.npz");
  for (int i = 0; i < 0xFFFE; ++i) writer.add(std::to_string(i), {});
  EXPECT_TRUE(contains(error_of([&] { writer.add("last", {}); }), "y.npz: 'last': it is more than"));
  const Bytes most = writer.finish();
  EXPECT_EQ(io::ZipReader(most, "y.npz").names().size(), 0xFFFEU);
  EXPECT_TRUE(folder.names().empty());
}

TEST(Npz, every_truncation_is_an_error) {
  for (const std::string& name : archives) {
    const Bytes whole = corpus(name);
    EXPECT_EQ(refusal_of_npz(whole), "");
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_TRUE(contains(refusal_of_npz(part), "x.npz: ")) << name << " " << size;
    }
  }
}

/// A bit that changes nothing is one that nothing depends on, such as those of a time.
TEST(Npz, a_flipped_bit_is_an_error_or_changes_nothing) {
  for (const std::string& name : archives) {
    Bytes file = corpus(name);
    std::size_t errors = 0;
    for (std::byte& byte : file) {
      for (int bit = 0; bit < 8; ++bit) {
        byte ^= static_cast<std::byte>(1 << bit);
        if (!refusal_of_npz(file).empty()) ++errors;
        byte ^= static_cast<std::byte>(1 << bit);
      }
    }
    EXPECT_GT(errors, 4 * file.size()) << name;
  }
}

TEST(Npz, headers_that_do_not_fit) {
  // Where numbers stand, from the signature on: in the directory, in the end, in what leads to zip64's end.
  constexpr std::size_t flags = 8, method = 10, checksum = 16, packed_size = 20, full_size = 24, extra_length = 30,
                        offset = 42;
  constexpr std::size_t count = 10, directory_size = 12, directory_offset = 16;
  constexpr std::size_t end64_offset = 8;
  struct Case {
    std::string file;
    std::string header;  ///< the signature; the first is meant
    std::size_t at;
    std::string number;  ///< what is written there
    std::string message;
  };
  const std::string entry = "PK\1\2", end = "PK\5\6", locator = "PK\6\7";
  const std::string damaged = "x.npz: a damaged zip archive: ";
  using namespace std::string_literals;
  const std::vector<Case> cases = {
      {"stored.npz", entry, flags, "\1", "x.npz: 'left.npy' is encrypted"},
      {"stored.npz", entry, method, "\x0E", "x.npz: 'left.npy' is packed by method 14; 0 (stored) and 8 (deflate)"},
      {"stored.npz", entry, method, "\x08", "x.npz: 'left.npy': corrupt deflate data"},
      {"stored.npz", entry, full_size, "\x99", "claims to have 153 bytes, which its 152 packed ones cannot become"},
      {"stored.npz", entry, checksum, "????", "x.npz: 'left.npy' is damaged: its checksum is another one"},
      {"deflated.npz", entry, full_size, "\xFE\xFF\xFF\xFF",
       "'left.npy' claims to have 4294967294 bytes, which its 89"},
      {"deflated.npz", entry, full_size, "\x97",
       "x.npz: 'left.npy' does not have the 151 bytes that it claims to have"},
      {"deflated.npz", entry, full_size, "\x99",
       "x.npz: 'left.npy' does not have the 153 bytes that it claims to have"},
      {"deflated.npz", entry, packed_size, "\x57", "x.npz: 'left.npy': truncated deflate data"},
      {"deflated.npz", entry, packed_size, "\x5A", damaged + "its files overlap"},
      {"stored.npz", entry, packed_size, "\xFF\xFF", damaged + "something in it is cut off"},
      {"stored.npz", entry, offset, "\1", damaged + "a header is not where it should be"},
      {"stored.npz", entry, offset, "\xD2", damaged + "'left.npy' has another name where it is"},
      {"stored.npz", entry, offset, "\xFE\xFF\xFF\xFF", damaged + "'left.npy' begins behind its end"},
      {"zip64.npz", entry, offset, "\xFF\xFF\xFF\xFF", damaged + "something in it is cut off"},
      {"stored.npz", entry, extra_length, "\xFF\xFF", damaged + "something in it is cut off"},
      {"stored.npz", end, count, "\3", damaged + "something in it is cut off"},
      {"stored.npz", end, count, "\xFF\xFF", damaged + "something in it is cut off"},
      {"stored.npz", end, count, "\1", damaged + "its directory is longer than it says"},
      {"stored.npz", end, directory_size, "\xFF\xFF\xFF\xFF", damaged + "its directory does not stand before its end"},
      {"stored.npz", end, directory_offset, "\0"s, damaged + "its directory does not stand before its end"},
      {"zip64.npz", locator, end64_offset, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "its end is not where it should be"},
      {"zip64.npz", locator, end64_offset, "\1", damaged + "a header is not where it should be"},
  };
  for (const auto& [name, header, at, number, message] : cases) {
    Bytes file = corpus(name);
    const Bytes signature = bytes_of(header), value = bytes_of(number);
    const auto found = std::search(file.begin(), file.end(), signature.begin(), signature.end());
    ASSERT_NE(found, file.end());
    std::copy(value.begin(), value.end(), found + static_cast<std::ptrdiff_t>(at));
    EXPECT_TRUE(contains(refusal_of_npz(file), message)) << name << " " << at;
  }
  EXPECT_TRUE(contains(refusal_of_npz(corpus("bzip2.npz")), "x.npz: 'left.npy' is packed by method 12"));
  EXPECT_TRUE(contains(refusal_of_npz(bytes_of("\x93NUMPY")), "x.npz: not a zip archive"));
  io::ZipWriter twice("");
  twice.add("a.npy", {});
  twice.add("a.npy", {});
  EXPECT_TRUE(contains(refusal_of_npz(twice.finish()), damaged + "'a.npy' is there twice"));
  EXPECT_TRUE(contains(error_of([] { Npz("/nowhere/x.npz"); }), "/nowhere/x.npz: cannot be opened"));
}

}  // namespace
}  // namespace riffle::tests
