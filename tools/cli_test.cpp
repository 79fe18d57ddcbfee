// Every command once, on small models.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "io/npy.hpp"
#include "onnx.pb.h"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"
#include "tests/networks.hpp"
#include "tests/program.hpp"

namespace riffle::tests {
namespace {

class Cli : public ::testing::Test {
 protected:
  /// A small network; the test fails if it cannot be built.
  std::string model(const std::vector<std::string>& more = {}) {
    const std::string path = folder.path("model.riffle");
    std::vector<std::string> arguments = {"build", "v2",     "--flavour", "note", "--width",
                                          "0.5",   "--size", "32x32",     path};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = riffle(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return path;
  }

  /// A model of two inputs and two outputs.
  std::string two_headed() {
    const std::string path = folder.path("two_headed.riffle");
    format::save_file(testing::two_headed_network(), path);
    return path;
  }

  std::string tensor(const std::vector<std::int64_t>& shape) {
    std::int64_t count = 1;
    for (const std::int64_t size : shape) count *= size;
    std::vector<float> values;
    for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(i * 7919 % 1000) / 500.0F - 1.0F);
    io::write_npy(folder.path("x.npy"), io::tensor_of(shape, values));
    return folder.path("x.npy");
  }

  static std::vector<float> floats(const io::Tensor& tensor) {
    return {tensor.floats().begin(), tensor.floats().end()};
  }

  std::string picture(const std::string& name, int shade) {
    Bytes lines;
    for (int y = 0; y < 8; ++y) {
      lines.push_back(std::byte{0});
      for (int x = 0; x < 8; ++x) lines.push_back(static_cast<std::byte>(shade + 3 * x + 5 * y));
    }
    return folder.write(name, png({.width = 8, .height = 8, .lines = lines}));
  }

  Folder folder;
};

TEST_F(Cli, help_and_version) {
  const Result help = riffle({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const std::string command : {"build", "convert", "embed", "run", "classify", "inspect", "bench"}) {
    EXPECT_TRUE(contains(help.out, command));
    const Result of_command = riffle({command, "--help"});
    EXPECT_EQ(of_command.code, 0);
    EXPECT_TRUE(of_command.err.empty());
    EXPECT_FALSE(of_command.out.empty());
  }
  EXPECT_EQ(riffle({"--version"}).code, 0);
  EXPECT_EQ(riffle({"help"}).out, help.out);
  EXPECT_EQ(riffle({"help"}).code, 0);
  EXPECT_EQ(riffle({"help", "bench"}).out, riffle({"bench", "--help"}).out);
  EXPECT_EQ(riffle({"help", "bench"}).code, 0);
}

/// What README.md shows is what is printed, but for times.
TEST_F(Cli, the_samples_of_the_readme) {
  const auto text_of = [](const std::string& path) {
    const Bytes bytes = read_file(path, 1 << 20);
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  const std::string source = RIFFLE_SOURCE, readme = text_of(source + "/README.md");
  const std::string fashion = source + "/models/weights/fashion.riffle";

  const Result built = riffle({"build", "v2", "--width", "1.0", folder.path("v2.riffle")});
  EXPECT_TRUE(contains(readme, "\nv2.riffle: " + built.out.substr(built.out.find(": ") + 2)));

  std::vector<std::string> words = {"classify", fashion, "--labels", source + "/models/weights/fashion.txt"};
  std::vector<std::string> pictures;
  for (const auto& entry : std::filesystem::directory_iterator(source + "/examples/images")) {
    if (entry.path().extension() == ".png") pictures.push_back(entry.path());
  }
  std::sort(pictures.begin(), pictures.end());
  words.insert(words.end(), pictures.begin(), pictures.end());
  const Result classified = riffle(words);
  // Digits may differ in the last place between instruction sets.
  const auto without_digits = [](const std::string& text) {
    return std::regex_replace(text, std::regex("[0-9]+\\.[0-9]"), "#");
  };
  EXPECT_TRUE(contains(without_digits(readme), without_digits(classified.out)));

  const std::string images = folder.write("images", idx(8, {2, 4, 4}, Bytes(32)));
  const std::string labels = folder.write("labels", idx(8, {2}, Bytes(2)));
  const Result measured = riffle({"classify", fashion, "--idx", images, labels});
  const std::string line = R"([0-9]+ of [0-9]+ right: [0-9]+\.[0-9]{2} %, [0-9]+ images/s, [0-9]+\.[0-9]{2} s\n)"
                           R"(pictures: [^\n]* \(from the model\)\n)";
  EXPECT_TRUE(std::regex_match(measured.out, std::regex(line))) << measured.out;
  EXPECT_TRUE(std::regex_search(readme, std::regex("--idx [^\n]*\n" + line)));
}

/// An option that takes a number says which ones.
TEST_F(Cli, help_says_what_numbers_may_be) {
  for (const std::string command : {"build", "run", "classify", "bench"}) {
    // CLI11's releases differ in where lines end.
    const std::string help = std::regex_replace(riffle({command, "--help"}).out, std::regex("\\s+"), " ");
    const std::regex any("--[a-z-]+ [NX][ =]"), with_range("--[a-z-]+ [NX][ =][^(]*\\([0-9.e+]+ to [0-9.e+]+\\)");
    const auto count = [&](const std::regex& which) {
      return std::distance(std::sregex_iterator(help.begin(), help.end(), which), std::sregex_iterator());
    };
    EXPECT_GT(count(any), 0) << command;
    EXPECT_EQ(count(any), count(with_range)) << help;
  }
}

TEST_F(Cli, build_says_what_the_network_costs) {
  const std::string path = folder.path("v1.riffle");
  const Result v1 =
      riffle({"build", "v1", "--groups", "8", "--width", "0.25", "--classes", "7", "--size", "64x48", path});
  EXPECT_EQ(v1.code, 0) << v1.err;
  EXPECT_TRUE(contains(v1.out, "input 3 x 64 x 48"));
  const Result v2 = riffle({"build", "v2", folder.path("v2.riffle")});
  EXPECT_EQ(v2.code, 0) << v2.err;
  EXPECT_TRUE(contains(v2.out, "144.9 M MAC, 2,278,604 parameters"));
  const Result note = riffle({"build", "v2", "--flavour", "note", "--residual", folder.path("note.riffle")});
  EXPECT_EQ(note.code, 0) << note.err;
  EXPECT_TRUE(contains(note.out, "input 1 x 224 x 224"));
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"note.riffle", "v1.riffle", "v2.riffle"}));
}

TEST_F(Cli, the_seed_makes_the_weights) {
  const auto built = [&](const std::string& name, const std::string& seed) {
    const Result result =
        riffle({"build", "v2", "--width", "0.5", "--size", "32x32", "--seed", seed, folder.path(name)});
    EXPECT_EQ(result.code, 0) << result.err;
    return read_file(folder.path(name), 1 << 26);
  };
  const Bytes one = built("a.riffle", "1");
  EXPECT_EQ(one, built("b.riffle", "1"));
  EXPECT_NE(one, built("c.riffle", "2"));
}

TEST_F(Cli, embed_writes_the_model_as_c) {
  const std::string path = model();
  const Result result = riffle({"embed", path, folder.path("net.c")});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"model.riffle", "net.c", "net.h"}));
  const Bytes bytes = read_file(path, 1 << 26);
  const auto text = [&](const std::string& name) {
    const Bytes content = read_file(folder.path(name), 1 << 28);
    return std::string(reinterpret_cast<const char*>(content.data()), content.size());
  };
  EXPECT_TRUE(contains(text("net.h"), "extern const void* const model_riffle;"));
  EXPECT_TRUE(contains(text("net.h"), "extern const size_t model_riffle_size;"));
  const std::string source = text("net.c");
  EXPECT_TRUE(source.find("model_riffle_size = " + std::to_string(bytes.size()) + ";") != std::string::npos);
  // The words, read back.
  Bytes words;
  for (std::size_t at = source.find('{'); (at = source.find("0x", at)) != std::string::npos; ++at) {
    const std::uint64_t word = std::stoull(source.substr(at, 18), nullptr, 16);
    for (int i = 0; i < 8; ++i) words.push_back(static_cast<std::byte>(word >> (8 * i)));
  }
  ASSERT_EQ(words.size(), (bytes.size() + 7) / 8 * 8);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), words.begin()));

  EXPECT_EQ(riffle({"embed", path, folder.path("net.c"), "--name", "mine"}).code, 0);
  EXPECT_TRUE(contains(text("net.h"), "extern const void* const mine;"));

  // By default the file's name, as C takes it.
  for (const auto& [file, name] : {std::pair{"7 up!.riffle", "model_7_up_riffle"},
                                   {"__a--b_.riffle", "model_a_b_riffle"},
                                   {"words.riffle", "words_riffle"},
                                   {"größe.riffle", "gr_e_riffle"}}) {
    const std::string copy = folder.write(file, bytes);
    EXPECT_EQ(riffle({"embed", copy, folder.path("net.c")}).code, 0) << file;
    EXPECT_TRUE(contains(text("net.h"), "extern const void* const " + std::string(name) + ";"));
  }
}

TEST_F(Cli, run_takes_any_batch_and_size) {
  const std::string path = model();
  const std::string y = folder.path("y.npy");
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{3, 1, 32, 32}, {1, 32, 32}, {1, 1, 32, 32}, {2, 1, 41, 67}}) {
    const Result result =
        riffle({"run", path, "--input", tensor(shape), "--output", y, "--threads", "2", "--repeat", "2"});
    ASSERT_EQ(result.code, 0) << result.err;
    const std::int64_t batch = shape.size() == 3 ? 1 : shape[0];
    EXPECT_EQ(io::read_npy(y).shape, (std::vector<std::int64_t>{batch, 10}));
    EXPECT_TRUE(contains(result.out, "median of 2"));
  }
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"model.riffle", "x.npy", "y.npy"}));
}

TEST_F(Cli, run_gives_the_same_for_every_instruction_set_and_image_of_a_batch) {
  const std::string path = model();
  const std::string y = folder.path("y.npy");
  // Two images alike.
  io::Tensor input = io::read_npy(tensor({1, 1, 32, 32}));
  const Bytes image = input.bytes;
  input.bytes.insert(input.bytes.end(), image.begin(), image.end());
  input.shape[0] = 2;
  io::write_npy(folder.path("x.npy"), input);
  const auto run = [&](const std::vector<std::string>& environment) {
    const Result result = riffle({"run", path, "--input", folder.path("x.npy"), "--output", y}, environment);
    EXPECT_EQ(result.code, 0) << result.err;
    return floats(io::read_npy(y));
  };
  const std::vector<float> best = run({});
  const std::vector<float> scalar = run({"RIFFLE_ISA=scalar"});
  ASSERT_EQ(best.size(), 20U);
  ASSERT_EQ(scalar.size(), 20U);
  float largest = 0;
  for (const float value : scalar) largest = std::max(largest, std::abs(value));
  EXPECT_GT(largest, 0);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_NEAR(best[i], scalar[i], 1e-4 * static_cast<double>(largest));
    EXPECT_EQ(best[i], best[i + 10]);
  }
}

/// y = relu(x) of (n, 2, 4, 4), then the input's planes are the output's.
std::string relu_onnx() {
  ::onnx::ModelProto model;
  model.set_ir_version(7);
  model.add_opset_import()->set_version(13);
  ::onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name("relu");
  const auto value = [](::onnx::ValueInfoProto& info, const std::string& name) {
    info.set_name(name);
    auto& type = *info.mutable_type()->mutable_tensor_type();
    type.set_elem_type(::onnx::TensorProto::FLOAT);
    for (const int size : {1, 2, 4, 4}) type.mutable_shape()->add_dim()->set_dim_value(size);
  };
  value(*graph.add_input(), "x");
  value(*graph.add_output(), "y");
  ::onnx::NodeProto& node = *graph.add_node();
  node.set_name("the relu");
  node.set_op_type("Relu");
  node.add_input("x");
  node.add_output("y");
  return model.SerializeAsString();
}

TEST_F(Cli, convert_and_run_agree_with_onnx) {
  const std::string onnx_file = folder.write("relu.onnx", bytes_of(relu_onnx()));
  const std::string riffle_file = folder.path("relu.riffle");
  const Result converted = riffle({"convert", onnx_file, riffle_file});
  ASSERT_EQ(converted.code, 0) << converted.err;
  const std::string x = tensor({2, 2, 4, 4});
  std::vector<float> expected = floats(io::read_npy(x));
  for (float& value : expected) value = std::max(value, 0.0F);
  for (const std::string& file : {onnx_file, riffle_file}) {
    const Result result = riffle({"run", file, "--input", x, "--output", folder.path("y.npy")});
    ASSERT_EQ(result.code, 0) << result.err;
    const io::Tensor y = io::read_npy(folder.path("y.npy"));
    EXPECT_EQ(y.shape, (std::vector<std::int64_t>{2, 2, 4, 4}));
    EXPECT_EQ(floats(y), expected);
  }
}

TEST_F(Cli, convert_makes_onnx_of_any_model) {
  const std::string riffle_file = model(), onnx_file = folder.path("model.onnx"), again = folder.path("again.onnx");
  const Result converted = riffle({"convert", riffle_file, onnx_file});
  ASSERT_EQ(converted.code, 0) << converted.err;
  EXPECT_TRUE(contains(converted.out, "input 1 x 32 x 32"));
  ASSERT_EQ(riffle({"convert", onnx_file, again}).code, 0);
  const std::string x = tensor({2, 1, 32, 32});
  std::vector<float> expected;
  for (const std::string& file : {riffle_file, onnx_file, again}) {
    const Result result = riffle({"run", file, "--input", x, "--output", folder.path("y.npy")});
    ASSERT_EQ(result.code, 0) << result.err;
    const io::Tensor y = io::read_npy(folder.path("y.npy"));
    EXPECT_EQ(y.shape, (std::vector<std::int64_t>{2, 10}));
    if (expected.empty()) expected = floats(y);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(floats(y).at(i), expected[i], 1e-4) << file;
  }
}

TEST_F(Cli, a_models_ending_says_what_is_written) {
  const auto is_onnx = [&](const std::string& name) {
    const Bytes bytes = read_file(folder.path(name), 1 << 26);
    return std::string(reinterpret_cast<const char*>(bytes.data() + 4), 4) != "RFFL";
  };
  const std::string path = model();
  // From riffle to riffle, too; and what was folded before stays as it is.
  for (const std::string name : {"a.onnx", "b.ONNX", "c.riffle", "d.RIFFLE"}) {
    const Result result = riffle({"convert", path, folder.path(name)});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(is_onnx(name), name[0] < 'c') << name;
    EXPECT_EQ(riffle({"inspect", folder.path(name)}).code, 0) << name;
  }
  EXPECT_EQ(read_file(folder.path("c.riffle"), 1 << 26), read_file(path, 1 << 26));
  for (const std::string name : {"built.Onnx", "built.Riffle"}) {
    const Result result =
        riffle({"build", "v2", "--flavour", "note", "--width", "0.5", "--size", "32x32", folder.path(name)});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(is_onnx(name), name == "built.Onnx");
    EXPECT_EQ(riffle({"inspect", folder.path(name)}).code, 0) << name;
  }
}

TEST_F(Cli, options_stand_anywhere) {
  const std::string path = model(), one = picture("a.png", 10), two = picture("b.png", 90);
  const std::string images = folder.write("images", idx(8, {2, 4, 4}, Bytes(32)));
  const std::string labels = folder.write("labels", idx(8, {2}, Bytes(2)));
  for (const std::vector<std::string>& words : {std::vector<std::string>{path, "--mean", "0.5", one, two},
                                                {"--mean", "0.5", path, "--std", "0.25", one, two},
                                                {path, one, "--std", "0.25", two, "--mean", "0.5"},
                                                {path, one, "--top", "2", two, "--threads", "2"}}) {
    std::vector<std::string> all = words;
    all.insert(all.begin(), "classify");
    const Result result = riffle(all);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_TRUE(contains(result.out, "a.png"));
    EXPECT_TRUE(contains(result.out, "b.png"));
  }
  EXPECT_EQ(riffle({"classify", "--idx", images, labels, path}).code, 0);
  EXPECT_EQ(riffle({"classify", "--idx", images, labels, "--mean", "0.5", path}).code, 0);
}

TEST_F(Cli, mean_and_std_take_a_value_a_channel) {
  const std::string path = folder.path("rgb.riffle"), image = picture("a.png", 10);
  ASSERT_EQ(riffle({"build", "v2", "--width", "0.5", "--size", "32x32", path}).code, 0);
  const Result result = riffle({"classify", path, "--mean", "0.485,0.456,0.406", image, "--std", "0.229,0.224,0.225"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out, riffle({"classify", path, image}).out);
}

TEST_F(Cli, a_model_of_two_classes_has_two_guesses) {
  const std::string path = model({"--classes", "2"}), image = picture("a.png", 10);
  const Result result = riffle({"classify", path, image});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "2."));
  EXPECT_EQ(result.out.find("3."), std::string::npos) << result.out;
  const Result refused = riffle({"classify", path, image, "--top", "3"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_TRUE(contains(refused.err, "--top: 3 guesses; the model has 2 classes"));
}

std::string ten_names(const std::string& beginning) {
  std::string names;
  for (int i = 0; i < 10; ++i) names += beginning + std::to_string(i) + "\n";
  return names;
}

TEST_F(Cli, models_carry_labels_and_preprocessing) {
  const std::string plain = model(), image = picture("a.png", 10);
  const std::string names = folder.write("names", bytes_of(ten_names("thing")));
  EXPECT_TRUE(contains(riffle({"inspect", plain}).out, "labels: none\npictures: no preprocessing is carried\n"));
  EXPECT_TRUE(contains(riffle({"classify", plain, image}).out,
                       "pictures: stretched to 32 x 32, antialiased; mean 0; std 1 (by default)\n"));

  std::string from = plain;
  for (const std::string name : {"carries.riffle", "carries.onnx", "again.riffle"}) {
    const std::string to = folder.path(name);
    std::vector<std::string> words = {"convert", from, to};
    if (from == plain) {
      words.insert(words.end(), {"--labels", names, "--resize", "crop", "--resize-size", "40", "--no-antialias",
                                 "--mean", "0.5", "--std", "0.25"});
    }
    const Result converted = riffle(words);
    ASSERT_EQ(converted.code, 0) << converted.err;
    const std::string how = "shorter edge to 40, middle 32 x 32, not antialiased; mean 0.5; std 0.25";
    EXPECT_TRUE(contains(riffle({"inspect", to}).out, "labels: 10, thing0 to thing9\npictures: " + how + "\n"));
    const Result classified = riffle({"classify", to, image, "--top", "10"});
    EXPECT_TRUE(contains(classified.out, "thing7"));
    EXPECT_TRUE(contains(classified.out, "pictures: " + how + " (from the model)\n"));
    from = to;
  }
  // The same by options, up to the line that says where it is from.
  const auto table = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--labels", folder.write("names", bytes_of(ten_names("thing")))});
    const Result result = riffle(words);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out.substr(0, result.out.find(" ("));
  };
  EXPECT_EQ(table({"classify", from, image}), table({"classify", plain, image, "--resize", "crop", "--resize-size",
                                                     "40", "--no-antialias", "--mean", "0.5", "--std", "0.25"}));

  const Result over = riffle({"classify", from, image, "--resize", "stretch", "--mean", "0", "--labels",
                              folder.write("others", bytes_of(ten_names("other")))});
  EXPECT_TRUE(contains(over.out,
                       "stretched to 32 x 32, not antialiased; mean 0; std 0.25 (from the model, but for "
                       "--resize, --mean)"));
  EXPECT_TRUE(contains(over.out, "other"));
}

TEST_F(Cli, control_characters_in_labels_are_not_printed) {
  const std::string names = folder.write("names", bytes_of(ten_names("\x1b[2J\x7F\xC2\x9B.")));
  const std::string to = folder.path("to.riffle");
  ASSERT_EQ(riffle({"convert", model(), to, "--labels", names}).code, 0);
  for (const Result& result : {riffle({"classify", to, picture("a.png", 10)}), riffle({"inspect", to})}) {
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_TRUE(contains(result.out, "?[2J??."));
    EXPECT_EQ(result.out.find('\x1b'), std::string::npos);
  }
}

TEST_F(Cli, pictures_are_classified_upright) {
  const std::string path = model();
  Bytes upright, on_its_side;
  for (int y = 0; y < 8; ++y) {
    upright.push_back(std::byte{0});
    on_its_side.push_back(std::byte{0});
    for (int x = 0; x < 8; ++x) {
      upright.push_back(static_cast<std::byte>(30 * x));
      on_its_side.push_back(static_cast<std::byte>(30 * (7 - y)));
    }
  }
  const auto classified = [&](const Png& file) {
    return riffle({"classify", path, folder.write("x.png", png(file))}).out;
  };
  const std::string expected = classified({.width = 8, .height = 8, .lines = upright});
  EXPECT_NE(classified({.width = 8, .height = 8, .lines = on_its_side}), expected);
  EXPECT_EQ(classified({.width = 8, .height = 8, .chunks = {{"eXIf", exif(6)}}, .lines = on_its_side}), expected);
}

TEST_F(Cli, classify_prints_a_row_a_picture) {
  const std::string path = model();
  std::string labels;
  for (int i = 0; i < 10; ++i) labels += "name" + std::to_string(i) + "\n";
  const std::vector<std::string> arguments = {"classify", path, picture("a.png", 10), picture("b.png", 150)};
  const Result numbers = riffle(arguments);
  ASSERT_EQ(numbers.code, 0) << numbers.err;
  EXPECT_EQ(std::count(numbers.out.begin(), numbers.out.end(), '\n'), 5);
  EXPECT_TRUE(contains(numbers.out, "a.png"));
  EXPECT_TRUE(contains(numbers.out, "b.png"));
  EXPECT_FALSE(numbers.out.find(folder.path("")) != std::string::npos) << "a folder is printed";

  std::vector<std::string> more = arguments;
  more.insert(more.end(), {"--labels", folder.write("labels.txt", bytes_of(labels)), "--top", "10", "--mean", "0.5",
                           "--std", "0.25"});
  const Result names = riffle(more);
  ASSERT_EQ(names.code, 0) << names.err;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(contains(names.out, "name" + std::to_string(i)));
}

TEST_F(Cli, classify_measures_accuracy) {
  const std::string path = model();
  Bytes pixels;
  for (int i = 0; i < 5 * 8 * 8; ++i) pixels.push_back(static_cast<std::byte>(i * 37));
  const std::string images = folder.write("images.gz", gzip(idx(8, {5, 8, 8}, pixels)));
  int right = 0;
  // Every image has one class: over the labels 0 to 9, each is right once.
  for (int label = 0; label < 10; ++label) {
    const std::string labels = folder.write("labels", idx(8, {5}, Bytes(5, static_cast<std::byte>(label))));
    const Result result = riffle({"classify", path, "--idx", images, labels, "--threads", "3"});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_TRUE(contains(result.out, " of 5 right"));
    EXPECT_TRUE(contains(result.out, "images/s"));
    EXPECT_TRUE(result.err.empty()) << "a progress bar, and no terminal";
    right += std::stoi(result.out);
  }
  EXPECT_EQ(right, 5);
}

/// What every command makes of a model with several inputs and outputs, of several types.
TEST_F(Cli, inspect_names_every_input_and_output) {
  const Result result = riffle({"inspect", two_headed(), "--plan", "--svg", folder.path("net.svg")});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("two_headed\n\n")) << result.out;
  for (const std::string row :
       {R"(input +image +3 x 16 x 16 +u8 +0\.0078125 +128 +768\n)", R"(input +mask +1 x 16 x 16 +f32 +1,024\n)",
        R"(output +classes +5 x 1 x 1 +f32 +20\n)", R"(output +map +2 x 16 x 16 +i8 +0\.5 +-3 +512\n)"}) {
    EXPECT_TRUE(std::regex_search(result.out, std::regex(row))) << row << "\n" << result.out;
  }
  EXPECT_TRUE(contains(result.out, "activation, ReLU6"));
  EXPECT_TRUE(contains(result.out, "activation, sigmoid"));
  EXPECT_TRUE(contains(result.out, "reads image 3 x 16 x 16 u8 (scale 0.0078125, zero point 128)\n"));
  EXPECT_TRUE(contains(result.out, "writes map 2 x 16 x 16 i8 (scale 0.5, zero point -3)\n"));
  EXPECT_GT(read_file(folder.path("net.svg"), 1 << 24).size(), 1000U);
  EXPECT_TRUE(contains(riffle({"inspect", model()}).out, "v2_x0.5_note, input 1 x 32 x 32\n"));
}

TEST_F(Cli, bench_runs_models_of_several_inputs_and_outputs) {
  const std::string path = two_headed();
  const std::string inputs = "inputs image 3 x 16 x 16 u8 (scale 0.0078125, zero point 128), mask 1 x 16 x 16";
  const Result result = riffle({"bench", path, "--repeat", "2", "--batch", "3", "--profile"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "two_headed.riffle, " + inputs + ", "));
  const Result cold = riffle({"bench", path, "--repeat", "1", "--cold"});
  ASSERT_EQ(cold.code, 0) << cold.err;
  EXPECT_TRUE(contains(cold.out, "two_headed.riffle, " + inputs + ", "));
  for (const std::vector<std::string>& how : {std::vector<std::string>{}, {"--cold"}}) {
    std::vector<std::string> words = {"bench", path, "--repeat", "1", "--json"};
    words.insert(words.end(), how.begin(), how.end());
    const nlohmann::json object = nlohmann::json::parse(riffle(words).out);
    EXPECT_EQ(object.at("inputs"), nlohmann::json::parse(R"([
        {"name": "image", "shape": [3, 16, 16], "type": "u8", "scale": 0.0078125, "zero_point": 128},
        {"name": "mask", "shape": [1, 16, 16], "type": "f32"}])"));
    EXPECT_EQ(object.at("outputs"), nlohmann::json::parse(R"([
        {"name": "classes", "shape": [5, 1, 1], "type": "f32"},
        {"name": "map", "shape": [2, 16, 16], "type": "i8", "scale": 0.5, "zero_point": -3}])"));
  }
}

TEST_F(Cli, convert_keeps_several_inputs_and_outputs) {
  const std::string to = folder.path("to.riffle");
  const Result result = riffle({"convert", two_headed(), to});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out,
                       "to.riffle: inputs image 3 x 16 x 16 u8 (scale 0.0078125, zero point 128), mask 1 x "
                       "16 x 16, 0.06 M MAC, "));
  EXPECT_TRUE(contains(riffle({"inspect", to}).out, "classes"));
}

TEST_F(Cli, inspect_prints_the_graph) {
  const Result result = riffle({"inspect", two_headed(), "--graph"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "\n%0 = input()  3x16x16  image\n%1 = input()  1x16x16  mask\n"));
  EXPECT_TRUE(contains(result.out, "\n%8 = convolution(%7)  2x16x16  to map  -> output map i8\n"));
}

TEST_F(Cli, inspect_says_what_each_pass_does) {
  // Beside the folding and fusing, a shuffle behind which an activation stands, an add that a convolution takes in.
  graph::Graph graph = testing::two_headed_network();
  const auto id = [&](const std::string& name) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      if (graph.nodes[i].name == name) return static_cast<graph::NodeId>(i);
    }
    return graph::NodeId{-1};
  };
  const graph::NodeId none = graph.add("none", graph::Activate{graph::Activation::none}, {id("sum")});
  const graph::NodeId shuffled = graph.add("shuffle", graph::Shuffle{2}, {none});
  const graph::NodeId bright = graph.add("bright", graph::Activate{graph::Activation::relu}, {shuffled});
  graph::Convolution mixing;
  mixing.outputs = 8;
  mixing.weights = graph::Constant(std::vector<float>(64, 0.5F));
  mixing.bias = graph::Constant(std::vector<float>(8, 0.5F));
  const graph::NodeId mixed = graph.add("mix", mixing, {bright});
  const graph::Constant twos(std::vector<float>(8, 2.0F));
  const graph::NodeId scaled = graph.add("scale", graph::BatchNorm{twos, twos, twos, twos}, {mixed});
  graph.outputs.push_back({graph.add("both", graph::Add{}, {scaled, bright}), "third"});
  graph.add("dead", graph::Shuffle{4}, {bright});
  const std::string path = folder.path("passes.riffle"), again = folder.path("again.riffle");
  format::save_file(graph, path);
  const Result result = riffle({"inspect", path, "--passes"});
  ASSERT_EQ(result.code, 0) << result.err;
  const std::string listing = R"(
remove_dead_nodes: 18 nodes become 17
  - dead: shuffle(bright)

remove_identities: 17 nodes become 16
  - none: activation(sum)

fold_batch_norm: 16 nodes become 14
  ~ stem: convolution(image) -> convolution, bias(image)
  - norm: batch norm(stem)
  ~ mix: convolution, bias(bright), other weights
  - scale: batch norm(mix)

hoist_activation: 14 nodes
  + shuffle.activation0: activation, ReLU(sum)
  - bright: activation, ReLU(shuffle)

fuse_activation: 14 nodes become 12
  ~ stem: convolution, bias(image) -> convolution, bias, ReLU6(image)
  - relu6: activation, ReLU6(stem)
  ~ spread: convolution(mask) -> convolution, sigmoid(mask)
  - gate: activation, sigmoid(spread)

fuse_residual: 12 nodes become 11
  ~ mix: convolution, bias(shuffle) -> convolution, bias(shuffle, shuffle)
  - both: add(mix, shuffle)
)";
  EXPECT_TRUE(result.out.ends_with(listing)) << result.out;
  ASSERT_EQ(riffle({"convert", path, again}).code, 0);
  EXPECT_TRUE(contains(riffle({"inspect", again, "--passes"}).out,
                       "\nno pass changes anything: the graph is as they leave it\n"));
}

/// What it writes beside the classes is no matter.
TEST_F(Cli, classify_takes_the_first_output) {
  graph::Graph graph;
  graph.add("picture", graph::Input{{4, 4, 1}});
  const graph::NodeId mean = graph.add("mean", graph::GlobalAveragePool{}, {0});
  const graph::Constant weights(std::vector<float>{-1, 1, 2});
  const graph::NodeId dense = graph.add("dense", graph::FullyConnected{3, weights, {}}, {mean});
  graph.outputs = {{dense, "classes"}, {0, "picture again", Type::u8, {0.5F, 0}}};
  const std::string path = folder.path("two_outputs.riffle");
  format::save_file(graph, path);
  const Result named = riffle({"classify", path, picture("a.png", 150)});
  ASSERT_EQ(named.code, 0) << named.err;
  EXPECT_TRUE(std::regex_search(named.out, std::regex("a.png +2 "))) << named.out;
  const std::string images = folder.write("images", idx(8, {2, 4, 4}, Bytes(32, std::byte{200})));
  const std::string labels = folder.write("labels", idx(8, {2}, Bytes(2, std::byte{2})));
  EXPECT_TRUE(contains(riffle({"classify", path, "--idx", images, labels}).out, "2 of 2 right"));
}

TEST_F(Cli, inspect_prints_layers_plan_and_picture) {
  const std::string path = model();
  const Result layers = riffle({"inspect", path});
  ASSERT_EQ(layers.code, 0) << layers.err;
  for (const std::string word : {"convolution", "fully connected", "total", "MACs"})
    EXPECT_TRUE(contains(layers.out, word));
  const Result all = riffle({"inspect", path, "--plan", "--svg", folder.path("net.svg"), "--size", "64x40"});
  ASSERT_EQ(all.code, 0) << all.err;
  EXPECT_TRUE(contains(all.out, "1 x 64 x 40"));
  EXPECT_TRUE(contains(all.out, "arena"));
  EXPECT_GT(read_file(folder.path("net.svg"), 1 << 24).size(), 1000U);
}

TEST_F(Cli, bench_prints_times) {
  const std::string path = model();
  const Result result = riffle({"bench", path, "--repeat", "3", "--warmup", "0", "--profile"});
  ASSERT_EQ(result.code, 0) << result.err;
  for (const std::string word : {"median", "p95", "GMAC/s", "pointwise", "total", "% of limit", "FMA", "bytes"})
    EXPECT_TRUE(contains(result.out, word));
}

TEST_F(Cli, bench_takes_batches) {
  const std::string path = model();
  const Result result = riffle({"bench", path, "--repeat", "2", "--warmup", "1", "--batch", "3"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "2 runs of 3 images"));
  EXPECT_EQ(riffle({"bench", path, "--batch", "0"}).code, 1);
}

TEST_F(Cli, bench_measures_a_cold_start) {
  const std::string path = model();
  const Result result = riffle({"bench", path, "--cold", "--repeat", "2"});
  ASSERT_EQ(result.code, 0) << result.err;
  for (const std::string word : {"open and map", "verify", "packing", "first run", "load to first answer", "warm",
                                 "page cache", "peak resident memory"})
    EXPECT_TRUE(contains(result.out, word)) << word;
  const Result as_json = riffle({"bench", path, "--cold", "--repeat", "3", "--json", "--size", "64x48"});
  ASSERT_EQ(as_json.code, 0) << as_json.err;
  const nlohmann::json object = nlohmann::json::parse(as_json.out);
  EXPECT_EQ(object.at("loads"), 3);
  EXPECT_EQ(object.at("page_cache"), "warm");
  EXPECT_EQ(object.at("inputs").at(0).at("shape"), (nlohmann::json{1, 64, 48}));
  EXPECT_GT(object.at("peak_over_start_bytes"), 0);
  EXPECT_EQ(object.at("file_bytes"), read_file(path, 1 << 26).size());
  for (const char* where : {"new_process", "same_process"}) {
    const nlohmann::json& measured = object.at(where);
    double longest = 0;
    for (const nlohmann::json& phase : measured.at("phases")) longest = std::max<double>(longest, phase.at("ms"));
    EXPECT_EQ(measured.at("phases").size(), 8U);
    EXPECT_GT(longest, 0.0);
    EXPECT_GT(measured.at("total_ms"), 0.0);
    EXPECT_GT(measured.at("warm_median_ms"), 0.0);
    EXPECT_GT(measured.at("ratio"), 0.0);
  }
  EXPECT_EQ(riffle({"bench", path, "--cold", "--batch", "2"}).code, 1);
  const Result missing = riffle({"bench", folder.path("none.riffle"), "--cold"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_TRUE(contains(missing.err, "none.riffle"));
}

TEST_F(Cli, bench_draws_a_roofline) {
  const std::string path = model();
  const Result result = riffle({"bench", path, "--repeat", "3", "--warmup", "0", "--threads", "2", "--profile", "--svg",
                                folder.path("roofline.svg")});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "roofline.svg"));
  EXPECT_GT(read_file(folder.path("roofline.svg"), 1 << 24).size(), 1000U);
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"model.riffle", "roofline.svg"}));
}

/// What the trace says each worker did: its slices, one after the other, and all tiles of all steps by somebody.
TEST_F(Cli, bench_traces_its_workers) {
  const std::string path = two_headed(), file = folder.path("trace.json");
  for (const int threads : {1, 3}) {
    const Result result =
        riffle({"bench", path, "--repeat", "1", "--threads", std::to_string(threads), "--trace", file});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_TRUE(contains(result.out, "trace.json: an inference"));
    const Bytes bytes = read_file(file, 1 << 24);
    const nlohmann::json trace =
        nlohmann::json::parse(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    std::map<int, double> ends;                           // by worker
    std::map<int, std::string> workers;                   // their names
    std::map<std::string, std::pair<int, int>> of_steps;  // by name and operation: tiles done, tiles that there are
    for (const nlohmann::json& event : trace.at("traceEvents")) {
      const int worker = event.at("tid");
      const nlohmann::json& args = event.at("args");
      if (event.at("ph") == "M") {
        if (event.at("name") == "thread_name") workers[worker] = args.at("name");
        continue;
      }
      ASSERT_EQ(event.at("ph"), "X");
      EXPECT_TRUE(workers.contains(worker)) << "a row without a name";
      const double begin = event.at("ts"), duration = event.at("dur");
      EXPECT_GE(begin, ends[worker] - 1e-6) << event;
      EXPECT_GE(duration, 0);
      ends[worker] = begin + duration;
      EXPECT_FALSE(args.at("kernel").get<std::string>().empty());
      auto& [done, all] =
          of_steps[event.at("name").get<std::string>() + ": " + args.at("operation").get<std::string>()];
      done += args.at("tiles").get<int>();
      all = args.at("step_tiles");
    }
    EXPECT_EQ(std::ssize(workers), threads);
    EXPECT_EQ(of_steps.size(), 9U);
    EXPECT_TRUE(of_steps.contains("image: convert"));
    for (const auto& [step, tiles] : of_steps) EXPECT_EQ(tiles.first, tiles.second) << step;
  }
  const Result quiet = riffle({"bench", path, "--repeat", "1", "--json", "--trace", file});
  EXPECT_TRUE(nlohmann::json::accept(quiet.out)) << "nothing but the object";
}

TEST_F(Cli, bench_prints_one_json_object) {
  const std::string path = model();
  const Result result = riffle(
      {"bench", path, "--repeat", "5", "--warmup", "1", "--threads", "1", "--json", "--profile", "--size", "64x48"},
      {"RIFFLE_ISA=scalar"});
  ASSERT_EQ(result.code, 0) << result.err;
  const nlohmann::json object = nlohmann::json::parse(result.out);
  EXPECT_EQ(object.at("isa"), "scalar");
  EXPECT_EQ(object.at("threads"), 1);
  EXPECT_EQ(object.at("repeat"), 5);
  EXPECT_EQ(object.at("model"), "model.riffle");
  EXPECT_EQ(object.at("inputs"), nlohmann::json::parse(R"([{"name": "input", "shape": [1, 64, 48], "type": "f32"}])"));
  EXPECT_EQ(object.at("outputs").at(0).at("shape"), (nlohmann::json{10, 1, 1}));
  EXPECT_GT(object.at("min_ms"), 0.0);
  EXPECT_LE(object.at("min_ms"), object.at("median_ms"));
  EXPECT_LE(object.at("median_ms"), object.at("p95_ms"));
  EXPECT_GT(object.at("mean_ms"), 0.0);
  EXPECT_GT(object.at("gmac_per_s"), 0.0);
  for (const std::string limit : {"gmac_per_s", "activation_gb_per_s", "weight_gb_per_s"}) {
    EXPECT_GT(object.at("limits").at(limit), 0.0) << limit;
  }
  std::int64_t macs = 0;
  double share = 0, limit_ms = 0;
  for (const nlohmann::json& step : object.at("steps")) {
    macs += step.at("macs").get<std::int64_t>();
    share += step.at("share").get<double>();
    limit_ms += step.at("limit_ms").get<double>();
    EXPECT_GT(step.at("limit_ms"), 0.0);
    EXPECT_TRUE(step.at("binds") == "FMA" || step.at("binds") == "bytes");
    EXPECT_NEAR(step.at("share_of_limit").get<double>() * step.at("ms").get<double>(), step.at("limit_ms"), 1e-9);
  }
  EXPECT_NEAR(object.at("steps_limit_ms"), limit_ms, 1e-9);
  EXPECT_EQ(object.at("macs"), macs);
  EXPECT_GT(macs, 0);
  EXPECT_NEAR(share, 1, 1e-6);
}

}  // namespace
}  // namespace riffle::tests
