// riffle classify, and what models carry for it: labels and preprocessing.
#include <algorithm>
#include <regex>

#include "tests/cli_fixture.hpp"

namespace riffle::tests {
namespace {

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

TEST_F(Cli, models_carry_descriptions) {
  const std::string plain = model();
  const Result before = riffle({"inspect", plain});
  EXPECT_FALSE(contains(before.out, "answers: "));
  const graph::Graph network = format::load_file(plain);
  const std::string output = network.output_name(network.outputs[0]);
  const std::string text = R"({"resize": {"kind": "letterbox", "pad": 114}, "task": "landmarks", "labels": ["a", "b"],
                               "points": {"output": ")" +
                           output + R"(", "count": 4}, "threshold": 0.25})";
  const std::string description = folder.write("net.json", bytes_of(text));
  std::string from = plain;
  for (const std::string name : {"described.riffle", "described.onnx", "described again.riffle"}) {
    const std::string to = folder.path(name);
    std::vector<std::string> words = {"convert", from, to};
    if (from == plain) words.insert(words.end(), {"--describe", description});
    const Result converted = riffle(words);
    ASSERT_EQ(converted.code, 0) << converted.err;
    EXPECT_TRUE(contains(riffle({"inspect", to}).out,
                         "labels: 2, a to b\npictures: letterboxed to 32 x 32, centred, pad 114, antialiased; mean 0; "
                         "std 1\nanswers: finds 2 points of 2 numbers\n"));
    from = to;
  }
  // A classifier's labels are its own.
  EXPECT_EQ(riffle({"classify", from, picture("a.png", 10)}).code, 1);
  const std::string wrong = folder.write("wrong.json", bytes_of(R"({"task": "segment", "scores": "mask"})"));
  const Result refused = riffle({"convert", plain, folder.path("never.riffle"), "--describe", wrong});
  EXPECT_EQ(refused.code, 1);
  EXPECT_TRUE(contains(refused.err, wrong + ": scores: the network has no output \"mask\"; it has \"" + output));
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

/// What it writes beside the classes is no matter, nor is it that halves go in and come out.
TEST_F(Cli, classify_takes_the_first_output) {
  graph::Graph graph;
  graph.add("picture", graph::Input{{4, 4, 1}, {}, Type::f16});
  const graph::NodeId mean = graph.add("mean", graph::GlobalAveragePool{}, {0});
  const graph::Constant weights(std::vector<float>{-1, 1, 2});
  const graph::NodeId dense = graph.add("dense", graph::FullyConnected{3, weights, {}}, {mean});
  graph.outputs = {{dense, "classes", Type::f16}, {0, "picture again", Type::u8, {0.5F, 0}}};
  const std::string path = folder.path("two_outputs.riffle");
  format::save_file(graph, path);
  const Result named = riffle({"classify", path, picture("a.png", 150)});
  ASSERT_EQ(named.code, 0) << named.err;
  EXPECT_TRUE(std::regex_search(named.out, std::regex("a.png +2 "))) << named.out;
  const std::string images = folder.write("images", idx(8, {2, 4, 4}, Bytes(32, std::byte{200})));
  const std::string labels = folder.write("labels", idx(8, {2}, Bytes(2, std::byte{2})));
  EXPECT_TRUE(contains(riffle({"classify", path, "--idx", images, labels}).out, "2 of 2 right"));
}

}  // namespace
}  // namespace riffle::tests
