// What the program refuses: exit code 1, a message on the standard error stream, nothing written.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <regex>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "io/npy.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"
#include "tests/networks.hpp"
#include "tests/program.hpp"

namespace riffle::tests {
namespace {

class BadInput : public ::testing::Test {
 protected:
  BadInput() : model(folder.path("model.riffle")) {
    const Result built = riffle({"build", "v2", "--flavour", "note", "--width", "0.5", "--size", "32x32", model});
    EXPECT_EQ(built.code, 0) << built.err;
    io::write_npy(folder.path("x.npy"), io::tensor_of({1, 1, 32, 32}, std::vector<float>(32 * 32, 0.5F)));
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
  refuses({"bench", model, "--frobnicate"}, "--frobnicate; riffle bench --help says what is taken");
  refuses({"help", "frobnicate"}, "there is no command 'frobnicate'");
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
  refuses({"build", "v2", "--width", "0.7", out}, "--width 0.7: ");
  refuses({"build", "v2", "--width", "0.7", out}, "0.5 and 1 can be had");
  refuses({"build", "v2", "--flavour", "note", "--width", "0.33", out}, "--width 0.33: units.12: 153 channels");
  refuses({"build", "v2", "--flavour", "note", "--width", "0.33", out}, "; 0.26 and 0.38 can be had");
  refuses({"build", "v1", "--groups", "8", "--width", "0.3", out}, "; 0.25 and 0.5 can be had");
  refuses({"build", "v2", "--flavour", "cherry", out}, "cherry");
  refuses({"build", "v2", "--classes", "0", out}, "--classes");
  refuses({"build", "v2", "--classes", "99999999999", out}, "--classes");
  refuses({"build", "v2", "--in-channels", "-3", out}, "--in-channels");
  for (const std::string size : {"0x5", "224", "axb", "224x", "x224", "100000x100000", "-1x5", "2x2x2", "1e2x1e2"}) {
    refuses({"build", "v2", "--size", size, out}, "--size");
  }
  refuses({"build", "v2", "--size", "32768x32768", out}, "");
  refuses({"build", "v2", at("out.rifle")}, "out.rifle: the name of the file to write ends in .riffle or .onnx");
  refuses({"build", "v2", at("riffle")}, "/riffle: the name of the file");
  refuses({"convert", model, at("out.pb")}, "out.pb: the name of the file");
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

/// What is no number, or no number of this kind, in every option that takes one.
TEST_F(BadInput, numbers_that_are_none) {
  const std::vector<std::string> out = {"build", "v2", at("out.riffle")};
  const std::vector<std::string> run = {"run", model, "--input", at("x.npy"), "--output", at("y.npy")};
  const std::vector<std::string> classify = {"classify", model, at("gray.png")};
  const std::vector<std::string> bench = {"bench", model};
  const std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> commands = {
      {out, {"--groups", "--in-channels", "--classes", "--seed", "--width"}},
      {run, {"--threads", "--repeat"}},
      {classify, {"--threads", "--top", "--mean", "--std"}},
      {bench, {"--threads", "--repeat", "--warmup", "--batch"}}};
  const std::vector<std::string> none = {
      "",     "x",   "nan",     "inf", "-inf", "1e400", "0x8", "1x", " 1", "1 ", "1 2", "--", "99999999999999999999",
      "1,,2", "1;2", "\xD9\xA3"};
  for (const auto& [words, options] : commands) {
    for (const std::string& option : options) {
      std::vector<std::string> values = none;
      const bool whole = option != "--width" && option != "--mean" && option != "--std";
      if (whole) values.insert(values.end(), {"1.5", "1e0", "+1", "-1", "1."});
      for (const std::string& value : values) {
        std::vector<std::string> all = words;
        all.insert(all.end(), {option, value});
        refuses(all, option + ": '");
      }
    }
  }
  refuses({"build", "v2", at("out.riffle"), "--seed", "18446744073709551616"},
          "--seed: '18446744073709551616' is not a whole number from 0 to 18446744073709551615");
  // The digits of a whole number are decimal ones, whatever the first is.
  const Result result = riffle({"bench", model, "--repeat", "010", "--warmup", "0", "--json"});
  EXPECT_TRUE(contains(result.out, "\"repeat\": 10,")) << result.err;
  refuses({"bench", model, "--threads", "1", "--threads", "2"}, "--threads");
}

TEST_F(BadInput, empty_words) {
  refuses({"inspect", ""}, "MODEL: '' is an empty word");
  refuses({"inspect", model, "--svg", ""}, "--svg: '' is an empty word");
  refuses({"inspect", model, "--svg="}, "--svg");
  refuses({"run", model, "--input", at("x.npy"), "--output", ""}, "--output: '' is an empty word");
  refuses({"classify", model, at("gray.png"), ""}, "IMAGE: '' is an empty word");
  refuses({"classify", model, at("gray.png"), "--labels", ""}, "--labels: '' is an empty word");
  refuses({"build", "v2", ""}, "OUT: '' is an empty word");
}

TEST_F(BadInput, options_that_would_do_nothing) {
  refuses({"bench", model, "--cold", "--cores", "all"}, "--cores");
  refuses({"bench", model, "--cold", "--warmup", "3"}, "--warmup");
  refuses({"bench", model, "--cold", "--batch", "3"}, "--batch");
  refuses({"bench", model, "--cold", "--profile"}, "--profile");
  refuses({"bench", model, "--cold", "--trace", at("trace.json")}, "--trace");
}

TEST_F(BadInput, a_cold_start_is_a_riffle_files) {
  const std::string onnx = at("model.onnx");
  ASSERT_EQ(riffle({"convert", model, onnx}).code, 0);
  refuses({"bench", onnx, "--cold"}, "model.onnx is not a .riffle file");
  refuses({"embed", onnx, at("out.c")}, "model.onnx: is not a .riffle file");
}

TEST_F(BadInput, no_file_that_is_read_is_written_over) {
  const std::string x = at("x.npy");
  const auto before = read_file(model, 1 << 26);
  ASSERT_EQ(::symlink(model.c_str(), at("link.riffle").c_str()), 0);
  ASSERT_EQ(::link(model.c_str(), at("hard.riffle").c_str()), 0);
  folder.write("header.h", before);
  folder.write("source.c", before);
  refuses({"run", model, "--input", x, "--output", x}, "--output: " + x + " is the file of --input");
  refuses({"run", model, "--input", x, "--output", at("./x.npy")}, "--input");
  refuses({"run", model, "--input", x, "--output", model}, "MODEL");
  for (const std::string name : {"model.riffle", "link.riffle", "hard.riffle"}) {
    refuses({"convert", model, at(name)}, "OUT: ");
    refuses({"convert", at(name), model}, "OUT: ");
    refuses({"inspect", model, "--svg", at(name)}, "--svg: ");
    refuses({"bench", model, "--repeat", "1", "--profile", "--svg", at(name)}, "--svg: ");
    refuses({"bench", model, "--repeat", "1", "--trace", at(name)}, "--trace: ");
  }
  refuses({"embed", at("source.c"), at("source.c")}, "OUT: ");
  refuses({"embed", at("header.h"), at("header.c")}, "OUT's header: ");
  EXPECT_EQ(read_file(model, 1 << 26), before);
}

/// Where the system gives no more threads: the user who runs it has few processes.
TEST_F(BadInput, threads_that_cannot_be_had) {
  if (::geteuid() == 0) std::filesystem::permissions(at(""), std::filesystem::perms(0755));
  const auto with_few = [] {
    const rlimit few = {24, 24};
    if (::setrlimit(RLIMIT_NPROC, &few) != 0) ::_exit(126);
    // Nobody: for root there is no limit.
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(126);
  };
  const Result one = riffle({"bench", model, "--repeat", "1", "--warmup", "0"}, {}, with_few);
  if (one.code != 0) GTEST_SKIP() << "nobody cannot run the program here: " << one.err;
  const std::string images = folder.write("images", idx(8, {2, 4, 4}, Bytes(32)));
  const std::string labels = folder.write("labels", idx(8, {2}, Bytes(2)));
  for (const std::vector<std::string>& words : {std::vector<std::string>{"bench", model},
                                                {"bench", model, "--cold"},
                                                {"bench", model, "--cores", "all"},
                                                {"run", model, "--input", at("x.npy"), "--output", "/dev/null"},
                                                {"classify", model, at("gray.png")},
                                                {"classify", model, "--idx", images, labels}}) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--threads", "200"});
    const Result result = riffle(all, {}, with_few);
    EXPECT_EQ(result.code, 1) << result.err;
    EXPECT_TRUE(result.err.starts_with("riffle: thread ")) << result.err;
    // Without cores the calling thread is one of the 200.
    EXPECT_TRUE(std::regex_search(result.err, std::regex(" of (199|200) does not start: .*; ask for fewer, or raise")))
        << result.err;
  }
}

TEST_F(BadInput, models) {
  refuses({"bench", at("none.riffle")}, "none.riffle");
  refuses({"inspect", at("")}, "directory");
  refuses({"inspect", folder.write("empty.riffle", {})}, "empty.riffle");
  refuses({"inspect", folder.write("empty.onnx", {})}, "empty.onnx");
  refuses({"inspect", folder.write("text.txt", bytes_of("hello, world"))}, "neither");
  refuses({"convert", at("none.onnx"), at("out.riffle")}, "none.onnx");
  refuses({"convert", folder.write("bad.onnx", bytes_of("not protobuf at all")), at("out.riffle")}, "bad.onnx");
  refuses({"convert", model, at("out.riffle"), "--labels", folder.write("few", bytes_of("one\n"))}, "1 names");
  refuses({"convert", model, at("out.riffle"), "--std", "0"}, "std");
  const Bytes whole = read_file(model, 1 << 26);
  for (const std::size_t size : std::vector<std::size_t>{4UL, 8UL, 64UL, whole.size() / 2, whole.size() - 256}) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    refuses({"inspect", folder.write("part.riffle", part)}, "part.riffle");
  }
}

/// A pipe that nobody writes to is refused by whatever reads files, and not waited for.
TEST_F(BadInput, pipes_and_devices) {
  for (const char* name : {"pipe.riffle", "pipe.onnx", "pipe.npy", "pipe.npz", "pipe.png", "pipe.txt"}) {
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
  for (const char* name : {"pipe.npy", "pipe.npz"}) {
    refuses({"run", model, "--input", at(name), "--output", at("y.npy")}, wrong);
  }
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
  run(npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 32, 32), }", Bytes(8 * 32 * 32)),
      "holds '<f8'; what can be read is f32 ('<f4')");
  run(npy(1, "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 1, 32, 32), }", Bytes(2 * 32 * 32)),
      "bad.npy: holds f16 ('<f2'); the model takes f32 ('<f4')");
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
  refuses({"classify", model, good, "--resize", "fit"}, "--resize");
  refuses({"classify", model, good, "--resize-size", "40"}, "--resize-size: belongs to --resize crop");
  refuses({"classify", model, good, "--resize", "crop", "--resize-size", "4"}, "resize size: 4 is not in 32");
  refuses({"classify", model, good, "--labels", folder.write("labels", bytes_of("one\ntwo\n"))}, "2 names");
  // The readable ones are classified all the same.
  const Result some = riffle({"classify", model, at("none.png"), good});
  EXPECT_EQ(some.code, 1);
  EXPECT_TRUE(contains(some.out, "gray.png"));
  EXPECT_TRUE(contains(some.err, "1 of 2 pictures cannot be read"));
}

TEST_F(BadInput, models_that_are_not_for_pictures) {
  const std::string two = at("two.riffle"), image = at("gray.png");
  format::save_file(testing::two_headed_network(), two);
  refuses(
      {"classify", two, image},
      "the model takes 2 inputs (image 3 x 16 x 16 u8 (scale 0.0078125, zero point 128), mask 1 x 16 x 16), not one "
      "picture");
  graph::Graph graph;
  graph.add("input", graph::Input{{4, 4, 3}, {}, Type::u8});
  graph.outputs = {{graph.add("mean", graph::GlobalAveragePool{}, {0})}};
  format::save_file(graph, two);
  std::get<graph::Input>(graph.nodes[0].operation).type = Type::f32;
  graph.outputs[0].type = Type::u8;
  format::save_file(graph, two);
  refuses({"classify", two, image},
          "the model's first output is mean 3 x 1 x 1 u8 (scale 1, zero point 0), not one f32 value a class");
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
  for (const std::string name : {"", "a b", "7up", "a-b", "größe", "int", "class", "restrict", "co_await", "NULL",
                                 "size_t", "_Bool", "_a", "a__b", "a_", "__LINE__"}) {
    refuses({"embed", model, at("out.c"), "--name", name}, "--name: '" + name + "' is");
  }
  refuses({"embed", model, at("o\"ut.c")}, "C cannot include a file of this name");
  refuses({"embed", model, at("no/where.c")}, "where");
}

TEST_F(BadInput, an_instruction_set_that_is_not_there) {
  const Result result = riffle({"bench", model, "--repeat", "1"}, {"RIFFLE_ISA=z80"});
  EXPECT_EQ(result.code, 1);
  EXPECT_TRUE(contains(result.err, "z80"));
}

TEST_F(BadInput, a_full_disk) {
  const auto without_output = [] {
    const int full = ::open("/dev/full", O_WRONLY);
    if (full < 0 || ::dup2(full, STDOUT_FILENO) < 0) ::_exit(126);
  };
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--version"}, {"help"}, {"inspect", model}}) {
    const Result unwritten = riffle(words, {}, without_output);
    EXPECT_EQ(unwritten.code, 1);
    EXPECT_TRUE(contains(unwritten.err, "the standard output cannot be written"));
  }
  const Result result = riffle({"run", model, "--input", at("x.npy"), "--output", "/dev/full"});
  EXPECT_EQ(result.code, 1);
  EXPECT_TRUE(contains(result.err, "/dev/full"));
}

}  // namespace
}  // namespace riffle::tests
