// What the program refuses: exit code 1, a message on the standard error stream, nothing written.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/files.hpp"
#include "tests/tools/encode.hpp"
#include "tests/tools/expect_error.hpp"
#include "tests/tools/program.hpp"
#include "tools/npy.hpp"

namespace riffle::tests {
namespace {

class BadInput : public ::testing::Test {
 protected:
  BadInput() : model(folder.path("model.riffle")) {
    const Result built = riffle({"build", "v2", "--flavour", "note", "--width", "0.5", "--size", "32x32", model});
    EXPECT_EQ(built.code, 0) << built.err;
    tools::write_npy(folder.path("x.npy"), std::vector<std::int64_t>{1, 1, 32, 32}, std::vector<float>(32 * 32, 0.5F));
    folder.write("gray.png", png({.width = 2, .height = 1, .lines = bytes_of(std::string("\0\1\2", 3))}));
  }

  /// `message`: what the message says.
  void refuses(const std::vector<std::string>& arguments, const std::string& message) {
    const std::vector<std::string> before = folder.names();
    const Result result = riffle(arguments);
    std::string command;
    for (const std::string& word : arguments) command += " " + word;
    EXPECT_EQ(result.code, 1) << command;
    EXPECT_TRUE(result.err.starts_with("riffle: ")) << command << "\n" << result.err;
    EXPECT_TRUE(contains(result.err, message)) << command;
    EXPECT_EQ(folder.names(), before) << command;
  }

  std::string at(const std::string& name) const { return folder.path(name); }

  Folder folder;
  std::string model;
};

TEST_F(BadInput, commands) {
  refuses({}, "a command is needed");
  refuses({"frobnicate"}, "frobnicate");
  refuses({"bench"}, "MODEL");
  refuses({"bench", model, "--frobnicate"}, "--frobnicate");
}

TEST_F(BadInput, build_arguments) {
  const std::string out = at("out.riffle");
  refuses({"build", "v3", out}, "v3");
  refuses({"build", "v1"}, "OUT");
  refuses({"build", "v1", "--groups", "5", out}, "--groups");
  refuses({"build", "v1", "--groups", "0", out}, "--groups");
  refuses({"build", "v1", "--groups", "2", "--width", "0.5", out}, "groups");
  refuses({"build", "v2", "--groups", "2", out}, "--groups");
  refuses({"build", "v1", "--residual", out}, "--residual");
  refuses({"build", "v2", "--width", "0", out}, "--width");
  refuses({"build", "v2", "--width", "-1", out}, "--width");
  refuses({"build", "v2", "--width", "1e9", out}, "--width");
  refuses({"build", "v2", "--width", "nan", out}, "--width");
  refuses({"build", "v2", "--width", "0.7", out}, "width");
  refuses({"build", "v2", "--flavour", "cherry", out}, "cherry");
  refuses({"build", "v2", "--classes", "0", out}, "--classes");
  refuses({"build", "v2", "--classes", "99999999999", out}, "--classes");
  refuses({"build", "v2", "--in-channels", "-3", out}, "--in-channels");
  for (const std::string size : {"0x5", "224", "axb", "224x", "x224", "100000x100000", "-1x5", "2x2x2", "1e2x1e2"}) {
    refuses({"build", "v2", "--size", size, out}, "--size");
  }
  refuses({"build", "v2", "--size", "32768x32768", out}, "");
  refuses({"build", "v2", "--seed", "-1", out}, "--seed");
  refuses({"build", "v2", "--width", "0.5", at("no/such/folder/out.riffle")}, "no/such/folder/out.riffle");
}

TEST_F(BadInput, numbers_out_of_range) {
  for (const std::string threads : {"0", "-1", "257", "99999999999", "two", "1.5", ""}) {
    refuses({"bench", model, "--threads", threads}, "--threads");
    refuses({"run", model, "--input", at("x.npy"), "--output", at("y.npy"), "--threads", threads}, "--threads");
  }
  refuses({"bench", model, "--repeat", "0"}, "--repeat");
  refuses({"bench", model, "--repeat", "1000001"}, "--repeat");
  refuses({"bench", model, "--warmup", "-1"}, "--warmup");
  refuses({"bench", model, "--size", "100000x100000"}, "--size");
  refuses({"bench", model, "--size", "32768x32768"}, "");
  refuses({"run", model, "--input", at("x.npy"), "--output", at("y.npy"), "--repeat", "0"}, "--repeat");
}

TEST_F(BadInput, models) {
  refuses({"bench", at("none.riffle")}, "none.riffle");
  refuses({"inspect", at("")}, "directory");
  refuses({"inspect", folder.write("empty.riffle", {})}, "empty.riffle");
  refuses({"inspect", folder.write("empty.onnx", {})}, "empty.onnx");
  refuses({"inspect", folder.write("text.txt", bytes_of("hello, world"))}, "neither");
  refuses({"convert", at("none.onnx"), at("out.riffle")}, "none.onnx");
  refuses({"convert", folder.write("bad.onnx", bytes_of("not protobuf at all")), at("out.riffle")}, "bad.onnx");
  const Bytes whole = read_file(model, 1 << 26);
  for (const std::size_t size : std::vector<std::size_t>{4UL, 8UL, 64UL, whole.size() / 2, whole.size() - 256}) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    refuses({"inspect", folder.write("part.riffle", part)}, "part.riffle");
  }
}

/// A pipe that nobody writes to is refused by whatever reads files, and not waited for.
TEST_F(BadInput, pipes_and_devices) {
  for (const char* name : {"pipe.riffle", "pipe.onnx", "pipe.npy", "pipe.png", "pipe.txt"}) {
    ASSERT_EQ(::mkfifo(at(name).c_str(), 0600), 0);
  }
  const std::string wrong = "is not a regular file";
  for (const std::string& name : {at("pipe.riffle"), at("pipe.onnx"), std::string("/dev/zero")}) {
    refuses({"inspect", name}, wrong);
    refuses({"bench", name}, wrong);
    refuses({"bench", name, "--cold", "--repeat", "1"}, wrong);
    refuses({"embed", name, at("out.c")}, wrong);
    refuses({"convert", name, at("out.riffle")}, wrong);
    refuses({"classify", name, at("gray.png")}, wrong);
  }
  refuses({"run", model, "--input", at("pipe.npy"), "--output", at("y.npy")}, wrong);
  refuses({"classify", model, at("pipe.png")}, wrong);
  refuses({"classify", model, at("gray.png"), "--labels", at("pipe.txt")}, wrong);
  refuses({"build", "v2", "--width", "0.5", at("pipe.riffle")}, "nobody reads from this pipe");
}

TEST_F(BadInput, a_flipped_bit_never_crashes) {
  const Bytes whole = read_file(model, 1 << 26);
  // The structure stands around the weights: most of it within the first and the last few kilobytes.
  for (std::size_t i = 0; i < 24; ++i) {
    Bytes flipped = whole;
    const std::size_t at_byte = i % 2 == 0 ? i * 331 % 4096 : whole.size() - 1 - i * 331 % 4096;
    flipped[at_byte] ^= static_cast<std::byte>(1 << (i % 8));
    const Result result = riffle({"inspect", folder.write("flipped.riffle", flipped)});
    EXPECT_TRUE(result.code == 0 || (result.code == 1 && result.err.starts_with("riffle: "))) << result.err;
  }
}

TEST_F(BadInput, tensors) {
  const auto run = [&](const Bytes& file, const std::string& message) {
    folder.write("bad.npy", file);
    refuses({"run", model, "--input", at("bad.npy"), "--output", at("y.npy")}, message);
  };
  const auto of_shape = [](const std::string& shape, std::size_t count) {
    return npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }",
               float_bytes(std::vector<float>(count, 1.0F)));
  };
  run(npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 32, 32), }", Bytes(8 * 32 * 32)), "float32");
  run(of_shape("(1, 3, 32, 32)", 3 * 32 * 32), "shape (1, 3, 32, 32); the model takes (N, 1, H, W)");
  run(of_shape("(32, 32)", 32 * 32), "shape (32, 32)");
  run(of_shape("(1, 1, 1, 32, 32)", 32 * 32), "shape (1, 1, 1, 32, 32)");
  run(of_shape("(0, 1, 32, 32)", 0), "shape (0, 1, 32, 32)");
  run(of_shape("(1, 1, 32, 31)", 32 * 32), "does not fit");
  run(of_shape("(1, 1, 1000000, 1)", 1000000), "shape (1, 1, 1000000, 1)");
  run(bytes_of("hello"), "not a .npy file");
  refuses({"run", model, "--input", at("none.npy"), "--output", at("y.npy")}, "none.npy");
  refuses({"run", model, "--input", at("x.npy")}, "--output");
  refuses({"run", model, "--input", at("x.npy"), "--output", at("no/y.npy")}, "no/y.npy");
}

TEST_F(BadInput, pictures) {
  const std::string good = at("gray.png");
  refuses({"classify", model}, "pictures");
  refuses({"classify", model, at("none.png")}, "none.png");
  refuses({"classify", model, folder.write("bad.png", bytes_of("\x89PNG, but no more"))}, "bad.png");
  refuses({"classify", model, folder.write("huge.png", png({.width = 100'000, .height = 100'000, .lines = {}}))},
          "100000x100000");
  refuses({"classify", model, good, "--top", "0"}, "--top");
  refuses({"classify", model, good, "--top", "11"}, "--top");
  refuses({"classify", model, good, "--std", "0"}, "std");
  refuses({"classify", model, good, "--mean", "1,2,3"}, "mean: 3 values for 1 channels");
  refuses({"classify", model, good, "--mean", "nan"}, "mean");
  refuses({"classify", model, good, "--labels", folder.write("labels", bytes_of("one\ntwo\n"))}, "2 names");
  // The readable ones are classified all the same.
  const Result some = riffle({"classify", model, at("none.png"), good});
  EXPECT_EQ(some.code, 1);
  EXPECT_TRUE(contains(some.out, "gray.png"));
  EXPECT_TRUE(contains(some.err, "1 of 2 pictures cannot be read"));
}

TEST_F(BadInput, labelled_images) {
  const std::string images = folder.write("images", idx(8, {2, 4, 4}, Bytes(32)));
  const std::string labels = folder.write("labels", idx(8, {2}, Bytes(2)));
  refuses({"classify", model, "--idx", images}, "--idx");
  refuses({"classify", model, "--idx", labels, images}, "dimensions");
  refuses({"classify", model, "--idx", images, folder.write("more", idx(8, {3}, Bytes(3)))}, "3 labels for 2 images");
  refuses({"classify", model, "--idx", images, at("none")}, "none");
  refuses({"classify", model, at("gray.png"), "--idx", images, labels}, "--idx");
}

TEST_F(BadInput, rooflines) {
  refuses({"bench", model, "--svg", at("roofline.svg")}, "--svg requires --profile");
  const std::vector<std::string> profile = {"bench", model, "--repeat", "1", "--warmup", "0", "--profile", "--svg"};
  for (const std::string where : {"no/such/folder/roofline.svg", ""}) {
    std::vector<std::string> arguments = profile;
    arguments.push_back(at(where));
    refuses(arguments, at(where));
  }
  std::vector<std::string> nowhere = profile;
  refuses(nowhere, "--svg");
}

TEST_F(BadInput, what_is_embedded) {
  refuses({"embed", at("gray.png"), at("out.c")}, "gray.png");
  refuses({"embed", at("missing.riffle"), at("out.c")}, "missing.riffle");
  refuses({"embed", model, at("out.cpp")}, "out.cpp");
  refuses({"embed", model, at("out.c"), "--name", "7up"}, "7up");
  refuses({"embed", model, at("out.c"), "--name", "a b"}, "a b");
  refuses({"embed", model, at("no/where.c")}, "where");
}

TEST_F(BadInput, an_instruction_set_that_is_not_there) {
  const Result result = riffle({"bench", model, "--repeat", "1"}, {"RIFFLE_ISA=z80"});
  EXPECT_EQ(result.code, 1);
  EXPECT_TRUE(contains(result.err, "z80"));
}

TEST_F(BadInput, a_full_disk) {
  const Result result = riffle({"run", model, "--input", at("x.npy"), "--output", "/dev/full"});
  EXPECT_EQ(result.code, 1);
  EXPECT_TRUE(contains(result.err, "/dev/full"));
}

}  // namespace
}  // namespace riffle::tests
