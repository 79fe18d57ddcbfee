// What a user sees who runs the program in a terminal.
#include <gtest/gtest.h>

#include <chrono>
#include <regex>

#include "tests/count.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"
#include "tests/program.hpp"
#include "tests/screen.hpp"

namespace riffle::tests {
namespace {

class InTerminal : public ::testing::Test {
 protected:
  /// A model that takes some milliseconds, under an emulator, too, and so many images that a bar is drawn.
  InTerminal() {
    const bool emulated = !std::string(RIFFLE_EMULATOR).empty();
    const Result built = riffle({"build", "v2", "--flavour", "note", "--size", emulated ? "32x32" : "224x224", model});
    EXPECT_EQ(built.code, 0) << built.err;
    folder.write("images", idx(8, {images, 8, 8}, Bytes(images * 64)));
    folder.write("labels", idx(8, {images}, Bytes(images)));
  }

  [[nodiscard]] Result classify(const Terminal& terminal) const {
    return riffle_in_terminal({"classify", model, "--idx", folder.path("images"), folder.path("labels")}, terminal);
  }

  static constexpr std::uint32_t images = 100;
  Folder folder;
  std::string model = folder.path("model.riffle");
};

TEST_F(InTerminal, a_bar_fits_and_leaves_nothing) {
  for (const int columns : {1, 20, 80, 200}) {
    const auto start = std::chrono::steady_clock::now();
    const Result result = classify({.columns = columns});
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_TRUE(contains(result.out, " of 100 right"));
    Screen screen(static_cast<std::size_t>(columns));
    screen.print(result.err);
    EXPECT_EQ(screen.wraps(), 0) << columns;
    EXPECT_EQ(screen.text(), "") << columns;
    if (columns < 20) continue;
    const auto drawn = tests::count(result.err, "/100");
    EXPECT_GE(drawn, 1) << columns;
    EXPECT_LE(static_cast<double>(drawn), 10 * seconds.count()) << columns;
  }
}

TEST_F(InTerminal, what_is_printed_stands_alone) {
  const Result result = classify({.columns = 100, .shows_out = true});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.err, "░"));
  Screen screen(100);
  screen.print(result.err);
  const std::string text = screen.text();
  EXPECT_TRUE(std::regex_match(text, std::regex("[0-9]+ of 100 right: [^\n]*\npictures: [^\n]*\n?"))) << text;
}

TEST_F(InTerminal, ctrl_c_takes_the_bar_along) {
  const Result result = classify({.columns = 80, .shows_out = true, .interrupt_at = "░"});
  EXPECT_EQ(result.code, -1) << "the signal ends it";
  Screen screen(80);
  screen.print(result.err);
  EXPECT_EQ(screen.text(), "");
}

}  // namespace
}  // namespace riffle::tests
