#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/tools/encode.hpp"
#include "tests/tools/expect_error.hpp"
#include "tools/files.hpp"
#include "tools/model_file.hpp"

namespace riffle::tests {
namespace {

TEST(Files, are_written_whole_and_replaced) {
  const Folder folder;
  const std::string path = folder.write("f", bytes_of("old contents"));
  tools::write_file(path, {bytes_of("ne"), {}, bytes_of("w")});
  EXPECT_EQ(tools::read_file(path, 100), bytes_of("new"));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"f"});
}

TEST(Files, a_link_stays_a_link) {
  const Folder folder;
  const std::string target = folder.write("target", bytes_of("old"));
  std::filesystem::create_symlink(target, folder.path("link"));
  tools::write_file(folder.path("link"), {bytes_of("new")});
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("link")));
  EXPECT_EQ(tools::read_file(target, 100), bytes_of("new"));
}

TEST(Files, a_device_stays_a_device) {
  tools::write_file("/dev/null", {bytes_of("anything")});
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(Files, that_cannot_be_written_are_named) {
  const Folder folder;
  EXPECT_TRUE(contains(error_of([&] { tools::write_file(folder.path("no/such"), {}); }), folder.path("no/such")));
  std::filesystem::create_directory(folder.path("d"));
  EXPECT_TRUE(contains(error_of([&] { tools::write_file(folder.path("d"), {}); }), "is a directory"));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"d"});
}

TEST(Files, that_cannot_be_read_are_named) {
  const Folder folder;
  const std::string path = folder.write("f", bytes_of("12345"));
  EXPECT_EQ(tools::read_file(path, 5).size(), 5U);
  EXPECT_TRUE(contains(error_of([&] { tools::read_file(path, 4); }), path + ": 5 bytes are more than the 4"));
  EXPECT_EQ(tools::read_beginning(path, 3), bytes_of("123"));
  EXPECT_TRUE(contains(error_of([&] { tools::read_file(folder.path("none"), 4); }), "cannot be opened"));
  EXPECT_TRUE(contains(error_of([&] { tools::read_file(folder.path(""), 4); }), "is a directory"));
  EXPECT_TRUE(contains(error_of([&] { tools::read_file("/dev/zero", 4); }), "not a regular file"));
  // A pipe that nobody writes to is refused, not waited for.
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_TRUE(contains(error_of([&] { tools::read_file(folder.path("pipe"), 4); }), "not a regular file"));
}

TEST(ModelFile, other_files_are_refused) {
  const Folder folder;
  EXPECT_TRUE(contains(error_of([&] { tools::load_model(folder.write("x.txt", bytes_of("hello"))); }),
                       "neither a .riffle file nor one whose name ends in .onnx"));
  EXPECT_TRUE(contains(error_of([&] { tools::load_model(folder.path("none.riffle")); }), "none.riffle"));
}

}  // namespace
}  // namespace riffle::tests
