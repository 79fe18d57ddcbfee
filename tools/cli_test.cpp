// The program as a whole: its help, the samples of README.md.
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <regex>

#include "tests/cli_fixture.hpp"

namespace riffle::tests {
namespace {

TEST_F(Cli, help_and_version) {
  const Result help = riffle({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const std::string command :
       {"build", "convert", "embed", "run", "classify", "detect", "landmarks", "segment", "inspect", "bench"}) {
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
  for (const std::string command : {"build", "run", "classify", "detect", "landmarks", "segment", "bench"}) {
    // CLI11's releases differ in where lines end.
    const std::string help = std::regex_replace(riffle({command, "--help"}).out, std::regex("\\s+"), " ");
    const std::regex any("--[a-z-]+ [NX][ =]"), with_range("--[a-z-]+ [NX][ =][^(]*\\(-?[0-9.e+]+ to [0-9.e+]+\\)");
    const auto count = [&](const std::regex& which) {
      return std::distance(std::sregex_iterator(help.begin(), help.end(), which), std::sregex_iterator());
    };
    EXPECT_GT(count(any), 0) << command;
    EXPECT_EQ(count(any), count(with_range)) << help;
  }
}

}  // namespace
}  // namespace riffle::tests
