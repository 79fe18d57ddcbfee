#include "trainer/data/open.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/encode.hpp"
#include "tests/expect_error.hpp"

namespace riffle::trainer {
namespace {

using tests::Bytes;
using tests::bytes_of;
using tests::contains;
using tests::error_of;

/// A folder to fill with sets.
class Open : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return folder.path(name); }
  [[nodiscard]] std::string data() const { return path("data"); }

  std::string write(const std::string& name, const Bytes& bytes) {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    return folder.write(name, bytes);
  }
  /// An image a label.
  std::vector<std::string> write_idx(const std::string& images, const std::string& labels, const std::string& values) {
    const auto count = static_cast<std::uint32_t>(values.size());
    const auto pack = [](const std::string& name, const Bytes& file) {
      return name.ends_with(".gz") ? tests::gzip(file) : file;
    };
    return {write(images, pack(images, tests::idx(8, {count, 1, 1}, Bytes(count)))),
            write(labels, pack(labels, tests::idx(8, {count}, bytes_of(values))))};
  }
  void write_pictures(const std::string& class_folder, int count) {
    for (int i = 0; i < count; ++i) {
      write(class_folder + "/" + std::to_string(i) + ".png", tests::png({.lines = Bytes(2)}));
    }
  }
  static std::string refusal(const std::vector<std::string>& paths, const OpenOptions& options = {}) {
    return error_of([&] { open_data(paths, options); });
  }

  tests::Folder folder;
};

const std::string twenty(20, '\1');

TEST_F(Open, two_idx_files_are_split) {
  const OpenedData opened = open_data(write_idx("images", "labels", twenty), {.validation_share = 0.25});
  EXPECT_EQ(opened.train->size(), 15);
  EXPECT_EQ(opened.validation->size(), 5);
  EXPECT_EQ(opened.train->classes().size(), 2U);
}

TEST_F(Open, two_idx_files_and_two_to_validate_with) {
  const auto train = write_idx("images", "labels", {"\2\0\1", 3}), validation = write_idx("i", "l", {"\0", 1});
  const OpenedData opened = open_data(train, {.validation = validation});
  EXPECT_EQ(opened.train->size(), 3);
  EXPECT_EQ(opened.validation->size(), 1);
  EXPECT_EQ(opened.validation->classes(), opened.train->classes());
  EXPECT_TRUE(
      contains(refusal(train, {.validation = write_idx("i", "l", "\3")}), path("l") + ": image 0 has the label 3"));
}

TEST_F(Open, names_come_from_a_file) {
  const auto pair = write_idx("images", "labels", twenty);
  const std::string names = write("names.txt", bytes_of("coat\nbag\nshirt\n"));
  EXPECT_EQ(open_data(pair, {.names = names}).validation->classes(),
            (std::vector<std::string>{"coat", "bag", "shirt"}));
  EXPECT_TRUE(open_data(pair, {.names = names}).named);
  EXPECT_FALSE(open_data(pair, {}).named);
  EXPECT_TRUE(contains(refusal(pair, {.names = write("one.txt", bytes_of("coat"))}), "there are 1 classes"));
  EXPECT_TRUE(contains(refusal(pair, {.names = write("none.txt", {})}), path("none.txt") + ": no names"));
  write_pictures("data/a", 2);
  EXPECT_TRUE(contains(refusal({data()}, {.names = names}), names));
}

TEST_F(Open, the_official_files_of_mnist) {
  for (const std::string gz : {".gz", ""}) {  // as they are comes before packed
    const std::string more(gz.empty() ? 1 : 0, '\1');
    write_idx("data/train-images-idx3-ubyte" + gz, "data/train-labels-idx1-ubyte" + gz, twenty + more);
    EXPECT_EQ(open_data({data()}, {}).train->size() + open_data({data()}, {}).validation->size(),
              std::ssize(twenty + more));
    write_idx("data/t10k-images-idx3-ubyte" + gz, "data/t10k-labels-idx1-ubyte" + gz, "\1\1" + more);
    const OpenedData opened = open_data({data()}, {});
    EXPECT_EQ(opened.train->size(), std::ssize(twenty + more));
    EXPECT_EQ(opened.validation->size(), std::ssize("\1\1" + more));
    if (gz.empty()) break;
    std::filesystem::remove(path("data/t10k-images-idx3-ubyte.gz"));
    std::filesystem::remove(path("data/t10k-labels-idx1-ubyte.gz"));
  }
  const OpenedData other = open_data(write_idx("i", "l", twenty), {.validation = {data()}});
  EXPECT_EQ(other.validation->size(), 3);
}

TEST_F(Open, an_official_file_that_is_missing_is_named) {
  write_idx("data/train-images-idx3-ubyte", "data/train-labels-idx1-ubyte", twenty);
  std::filesystem::remove(path("data/train-labels-idx1-ubyte"));
  EXPECT_TRUE(contains(refusal({data()}), path("data/train-labels-idx1-ubyte") + ": cannot be opened"));
}

TEST_F(Open, class_folders_are_split) {
  write_pictures("data/cat", 10);
  write_pictures("data/dog", 20);
  const OpenedData opened = open_data({data()}, {});
  EXPECT_EQ(opened.train->size(), 27);
  EXPECT_EQ(opened.validation->size(), 3);
  EXPECT_EQ(opened.train->channels(), 3);
  EXPECT_EQ(opened.train->classes(), (std::vector<std::string>{"cat", "dog"}));
}

TEST_F(Open, folders_for_training_and_validation) {
  write_pictures("data/train/cat", 10);
  write_pictures("data/train/dog", 10);
  EXPECT_EQ(open_data({data()}, {}).validation->size(), 2);
  write_pictures("data/test/dog", 3);
  OpenedData opened = open_data({data()}, {.channels = 1});
  EXPECT_EQ(opened.train->size(), 20);
  EXPECT_EQ(opened.validation->size(), 3);
  EXPECT_EQ(opened.validation->label(0), 1);
  EXPECT_EQ(opened.validation->channels(), 1);
  write_pictures("data/val/cat", 4);
  EXPECT_EQ(open_data({data()}, {}).validation->size(), 4);
  EXPECT_EQ(open_data({data()}, {.validation = {path("data/test")}}).validation->size(), 3);
  write_pictures("data/val/cow", 1);
  EXPECT_TRUE(contains(refusal({data()}), path("data/val/cow") + ": is not one of the classes"));
}

TEST_F(Open, broken_pictures_of_both_sets_are_told) {
  for (const std::string set : {"data/train", "data/val"}) {
    write_pictures(set + "/cat", 2);
    write(set + "/cat/x.png", bytes_of("broken"));
  }
  const OpenedData opened = open_data({data()}, {.skip_broken = true, .threads = 2});
  EXPECT_EQ(opened.train->size(), 2);
  EXPECT_EQ(opened.validation->size(), 2);
  ASSERT_EQ(opened.skipped.size(), 2U);
  EXPECT_TRUE(contains(opened.skipped[0], path("data/train/cat/x.png")));
  EXPECT_TRUE(contains(opened.skipped[1], path("data/val/cat/x.png")));
  EXPECT_EQ(open_data({data()}, {}).train->size(), 3);
}

TEST_F(Open, what_is_no_data_is_named) {
  const std::string file = write("file", bytes_of("x"));
  EXPECT_TRUE(contains(refusal({}), "IMAGES LABELS"));
  EXPECT_TRUE(contains(refusal({"a", "b", "c"}), "3 paths"));
  EXPECT_TRUE(contains(refusal({path("none")}), path("none") + ": no such folder"));
  EXPECT_TRUE(contains(refusal({file}), file + ": is not a folder"));
  EXPECT_TRUE(contains(refusal({file, file}), file + ": not an IDX file"));
  std::filesystem::create_directory(data());
  EXPECT_TRUE(contains(refusal({data()}), data() + ": no class folders"));
  const auto pair = write_idx("images", "labels", twenty);
  write_pictures("data/1", 1);
  write_pictures("data/0", 1);
  EXPECT_TRUE(contains(refusal(pair, {.validation = {data()}}), data() + ": pictures of 3 channels"));
  EXPECT_TRUE(contains(refusal(pair, {.validation_share = 2}), "validation: a share of 2"));
}

}  // namespace
}  // namespace riffle::trainer
