#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "tests/encode.hpp"
#include "tests/expect_error.hpp"
#include "trainer/data/folder_dataset.hpp"
#include "trainer/data/idx_dataset.hpp"
#include "trainer/data/natural_order.hpp"
#include "trainer/data/subset.hpp"

namespace riffle::trainer {
namespace {

using tests::Bytes;
using tests::bytes_of;
using tests::contains;
using tests::error_of;
using tests::Folder;

constexpr std::uint8_t unsigned_byte = 8;

Bytes labels_of(std::string_view text) {
  return tests::idx(unsigned_byte, {static_cast<std::uint32_t>(text.size())}, bytes_of(text));
}

/// A picture of one gray pixel.
Bytes gray_png(char value) { return tests::png({.lines = bytes_of(std::string{'\0', value})}); }

class Idx : public ::testing::Test {
 protected:
  std::string open_error(const Bytes& images, const Bytes& labels, std::vector<std::string> names = {},
                         std::int32_t classes = 0) {
    const std::string i = folder.write("images", images), l = folder.write("labels", labels);
    return error_of([&] { IdxDataset(i, l, std::move(names), classes); });
  }

  Folder folder;
  const Bytes three_images = tests::idx(unsigned_byte, {3, 1, 2}, bytes_of("abcdef"));
  const Bytes three_labels = labels_of({"\2\0\1", 3});
};

TEST_F(Idx, reads_pictures_and_labels_packed_or_not) {
  for (const bool packed : {false, true}) {
    const std::string images = folder.write("images", packed ? tests::gzip(three_images) : three_images);
    const std::string labels = folder.write("labels", packed ? tests::gzip(three_labels) : three_labels);
    const IdxDataset data(images, labels);
    EXPECT_EQ(data.size(), 3);
    EXPECT_EQ(data.channels(), 1);
    EXPECT_EQ(data.classes(), (std::vector<std::string>{"0", "1", "2"}));
    EXPECT_EQ(data.label(0), 2);
    EXPECT_EQ(data.label(2), 1);
    const io::Picture picture = data.picture(1);
    EXPECT_EQ(picture.width, 2);
    EXPECT_EQ(picture.height, 1);
    EXPECT_EQ(picture.channels, 1);
    EXPECT_EQ(picture.pixels, (std::vector<std::uint8_t>{'c', 'd'}));
  }
}

TEST_F(Idx, classes_are_named_or_counted_or_found) {
  const std::string images = folder.write("images", three_images), labels = folder.write("labels", three_labels);
  EXPECT_EQ(IdxDataset(images, labels, {}, 5).classes().size(), 5U);
  EXPECT_EQ(IdxDataset(images, labels, {"a", "b", "c", "d"}).classes()[3], "d");
}

TEST_F(Idx, of_other_pictures_have_another_checksum) {
  const auto set = [&](const Bytes& images, const Bytes& labels) {
    return IdxDataset(folder.write("images", images), folder.write("labels", labels)).checksum();
  };
  const std::uint32_t expected = set(three_images, three_labels);
  EXPECT_EQ(set(tests::gzip(three_images), three_labels), expected);
  EXPECT_NE(set(tests::idx(unsigned_byte, {3, 1, 2}, bytes_of("abcdeg")), three_labels), expected);
  EXPECT_NE(set(tests::idx(unsigned_byte, {3, 2, 1}, bytes_of("abcdef")), three_labels), expected);
  EXPECT_NE(set(three_images, labels_of({"\2\1\0", 3})), expected);
}

TEST_F(Idx, labels_out_of_range_are_named) {
  EXPECT_TRUE(
      contains(open_error(three_images, three_labels, {}, 2), "labels: image 0 has the label 2; there are 2 classes"));
  EXPECT_TRUE(contains(open_error(three_images, labels_of("\1\1\377"), {"a", "b"}), "image 2 has the label 255"));
}

TEST_F(Idx, counts_that_differ_are_named) {
  const std::string message = open_error(three_images, labels_of("\1\1"));
  EXPECT_TRUE(contains(message, folder.path("labels") + ": 2 labels for the 3 images of " + folder.path("images")));
}

TEST_F(Idx, damaged_files_are_named) {
  const Bytes cut(three_images.begin(), three_images.end() - 1);
  EXPECT_TRUE(contains(open_error(cut, three_labels), folder.path("images") + ": truncated"));
  EXPECT_TRUE(contains(open_error(three_images, tests::gzip(Bytes(three_labels.begin(), three_labels.end() - 1))),
                       folder.path("labels") + ": truncated"));
  EXPECT_TRUE(
      contains(open_error(three_labels, three_images), folder.path("images") + ": an IDX file of 1 dimensions"));
  EXPECT_TRUE(contains(open_error(three_images, bytes_of("no labels")), folder.path("labels") + ": not an IDX file"));
  EXPECT_TRUE(contains(error_of([&] { IdxDataset(folder.path("none"), folder.path("labels")); }), folder.path("none")));
}

class Folders : public ::testing::Test {
 protected:
  void make(const std::string& name) { std::filesystem::create_directories(folder.path(name)); }
  std::string write(const std::string& name, const Bytes& bytes) {
    make(std::filesystem::path(name).parent_path().string());
    return folder.write(name, bytes);
  }
  std::string open_error(const FolderOptions& options = {}) {
    return error_of([&] { FolderDataset(folder.path("set"), options); });
  }

  Folder folder;
};

TEST(NaturalOrder, counts_as_people_do) {
  const std::vector<std::string> sorted = {"",
                                           "-1",
                                           ".",
                                           "007",
                                           "07",
                                           "7",
                                           "10",
                                           "010a",
                                           "10a",
                                           "10b",
                                           "B",
                                           "a",
                                           "a0",
                                           "a00b",
                                           "a1",
                                           "a1b2",
                                           "a1b10",
                                           "a2",
                                           "img2.png",
                                           "img10.png",
                                           "img99999999999999999999",
                                           "img100000000000000000000",
                                           "z",
                                           "\xC3\xA4"};
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (std::size_t j = 0; j < sorted.size(); ++j) {
      EXPECT_EQ(natural_less(sorted[i], sorted[j]), i < j) << sorted[i] << " and " << sorted[j];
    }
  }
}

TEST_F(Folders, of_numbers_are_classes_in_the_order_of_the_numbers) {
  for (const std::string name : {"1", "10", "2"}) write("set/" + name + "/1.png", gray_png(1));
  const FolderDataset data(folder.path("set"), {});
  EXPECT_EQ(data.classes(), (std::vector<std::string>{"1", "2", "10"}));
}

TEST_F(Folders, of_other_pictures_have_another_checksum) {
  const auto set = [&](const std::string& name) { return FolderDataset(folder.path(name), {}).checksum(); };
  for (const std::string name : {"set", "same", "renamed", "moved", "content", "longer", "fewer"}) {
    write(name + "/a/1.png", gray_png(1));
    write(name + "/a/2.png", gray_png(2));
    write(name + "/b/3.png", gray_png(3));
  }
  std::filesystem::rename(folder.path("renamed/a/1.png"), folder.path("renamed/a/0.png"));
  std::filesystem::rename(folder.path("moved/a/2.png"), folder.path("moved/b/2.png"));
  ASSERT_EQ(gray_png(2).size(), gray_png(7).size());
  write("content/a/2.png", gray_png(7));
  Bytes longer = gray_png(2);
  longer.push_back({});
  write("longer/a/2.png", longer);
  std::filesystem::remove(folder.path("fewer/a/2.png"));
  const std::uint32_t expected = set("set");
  EXPECT_EQ(set("same"), expected);
  for (const std::string name : {"renamed", "moved", "content", "longer", "fewer"})
    EXPECT_NE(set(name), expected) << name;
  const FolderDataset data(folder.path("fewer"), {});
  std::filesystem::remove(folder.path("fewer/a/1.png"));
  EXPECT_TRUE(contains(error_of([&] { (void)data.checksum(); }), folder.path("fewer/a/1.png")));
}

TEST_F(Folders, are_read_in_natural_order) {
  write("set/b/2.png", gray_png(2));
  write("set/b/10.PNG", gray_png(1));
  write("set/a/x.jpeg", tests::jpeg({.color = {9, 90, 200}}));
  write("set/a/x.jpg", tests::jpeg({.color = {30}}));
  write("set/a/notes.txt", bytes_of("no picture"));
  write("set/a/.hidden.png", bytes_of("no picture"));
  write("set/list.png", bytes_of("no class"));
  make("set/.git");
  const FolderDataset data(folder.path("set"), {.channels = 1});
  EXPECT_EQ(data.classes(), (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(data.size(), 4);
  EXPECT_EQ(data.channels(), 1);
  const std::vector<std::int32_t> labels = {data.label(0), data.label(1), data.label(2), data.label(3)};
  EXPECT_EQ(labels, (std::vector<std::int32_t>{0, 0, 1, 1}));
  EXPECT_EQ(data.picture(0).width, 8);
  EXPECT_NEAR(data.picture(1).pixels[0], 30, 2);
  EXPECT_EQ(data.picture(2).pixels, std::vector<std::uint8_t>{2});
  EXPECT_EQ(data.picture(3).pixels, std::vector<std::uint8_t>{1});
  const io::Picture color = FolderDataset(folder.path("set"), {.channels = 3}).picture(2);
  EXPECT_EQ(color.pixels, (std::vector<std::uint8_t>{2, 2, 2}));
}

TEST_F(Folders, take_the_classes_of_others) {
  write("set/b/1.png", gray_png(1));
  const FolderDataset data(folder.path("set"), {.classes = {"c", "b", "a"}});
  EXPECT_EQ(data.classes().size(), 3U);
  EXPECT_EQ(data.label(0), 1);
  EXPECT_TRUE(contains(open_error({.classes = {"a", "c"}}), folder.path("set/b") + ": is not one of the classes"));
}

TEST_F(Folders, without_pictures_are_named) {
  EXPECT_TRUE(contains(open_error(), folder.path("set") + ": cannot be read"));
  make("set");
  EXPECT_TRUE(contains(open_error(), folder.path("set") + ": no class folders"));
  write("set/a/1.png", gray_png(1));
  make("set/empty");
  EXPECT_TRUE(contains(open_error(), folder.path("set/empty") + ": no PNG or JPEG files"));
  EXPECT_TRUE(contains(open_error({.channels = 2}), "1 or 3 channels"));
}

TEST_F(Folders, name_a_broken_picture_when_it_is_read) {
  write("set/a/1.png", gray_png(1));
  write("set/a/2.png", bytes_of("broken"));
  const FolderDataset data(folder.path("set"), {});
  ASSERT_EQ(data.size(), 2);
  EXPECT_EQ(data.picture(0).width, 1);
  EXPECT_TRUE(contains(error_of([&] { (void)data.picture(1); }), folder.path("set/a/2.png")));
}

TEST_F(Folders, leave_out_broken_pictures_when_asked_to) {
  for (char i = 0; i < 20; ++i) write("set/a/" + std::string(1, static_cast<char>('a' + i)) + ".png", gray_png(i));
  Bytes cut = gray_png(0);
  cut.resize(cut.size() - 15);
  write("set/a/c.png", cut);
  write("set/a/d.png", {});
  write("set/b/1.jpg", tests::jpeg({.color = {30}}));
  make("set/b/2.jpg");
  for (const int threads : {1, 3}) {
    const FolderDataset data(folder.path("set"), {.skip_broken = true, .threads = threads});
    EXPECT_EQ(data.size(), 19);
    ASSERT_EQ(data.skipped().size(), 3U);
    EXPECT_TRUE(contains(data.skipped()[0], folder.path("set/a/c.png")));
    EXPECT_TRUE(contains(data.skipped()[1], folder.path("set/a/d.png")));
    EXPECT_TRUE(contains(data.skipped()[2], folder.path("set/b/2.jpg")));
    EXPECT_EQ(data.picture(1).pixels[0], 1);
    EXPECT_EQ(data.picture(2).pixels[0], 4);
    EXPECT_EQ(data.label(18), 1);
  }
  write("set/c/1.png", bytes_of("broken"));
  EXPECT_TRUE(
      contains(open_error({.skip_broken = true}), folder.path("set/c") + ": no picture can be decoded; the first: "));
}

/// Pictures of which only the label is known: 50 of class 0, 21 of 1, 1 of 2, none of 3.
class Labels final : public Dataset {
 public:
  [[nodiscard]] std::int64_t size() const override { return 72; }
  [[nodiscard]] const std::vector<std::string>& classes() const override { return classes_; }
  [[nodiscard]] std::int32_t channels() const override { return 1; }
  [[nodiscard]] std::int32_t label(std::int64_t index) const override {
    return index == 71 ? 2 : index % 10 < 3 && index < 70 ? 1 : 0;
  }
  void read(std::int64_t index, io::Picture& picture) const override {
    picture = {1, 1, 1, {static_cast<std::uint8_t>(index)}};
  }

 private:
  std::vector<std::string> classes_ = {"a", "b", "c", "d"};
};

std::vector<int> members(const Dataset& data) {
  std::vector<int> pictures;
  for (std::int64_t i = 0; i < data.size(); ++i) pictures.push_back(data.picture(i).pixels[0]);
  return pictures;
}

std::vector<int> count_labels(const Dataset& data) {
  std::vector<int> counts(data.classes().size());
  for (std::int64_t i = 0; i < data.size(); ++i) ++counts[static_cast<std::size_t>(data.label(i))];
  return counts;
}

TEST(Subset, is_some_of_the_whole) {
  const auto whole = std::make_shared<Labels>();
  const Subset some(whole, {71, 3, 0});
  EXPECT_EQ(members(some), (std::vector<int>{71, 3, 0}));
  EXPECT_EQ(some.label(0), 2);
  EXPECT_EQ(some.label(1), 0);
  EXPECT_EQ(some.classes().size(), 4U);
  EXPECT_EQ(some.checksum(), Subset(whole, {71, 3, 0}).checksum());
  EXPECT_NE(some.checksum(), Subset(whole, {71, 0, 3}).checksum());
  EXPECT_TRUE(contains(error_of([&] { Subset(whole, {72}); }), "picture 72 of 72"));
  EXPECT_TRUE(contains(error_of([&] { Subset(whole, {-1}); }), "picture -1"));
  EXPECT_TRUE(contains(error_of([&] { Subset(whole, {}); }), "without pictures"));
}

TEST(Split, is_by_class_and_takes_every_picture_once) {
  const auto whole = std::make_shared<Labels>();
  ASSERT_EQ(count_labels(*whole), (std::vector<int>{50, 21, 1, 0}));
  const Datasets parts = split(whole, 0.2, 1);
  EXPECT_EQ(count_labels(*parts.validation), (std::vector<int>{10, 4, 0, 0}));
  EXPECT_EQ(count_labels(*parts.train), (std::vector<int>{40, 17, 1, 0}));
  const std::vector<int> train = members(*parts.train), validation = members(*parts.validation);
  EXPECT_TRUE(std::is_sorted(train.begin(), train.end()));
  EXPECT_TRUE(std::is_sorted(validation.begin(), validation.end()));
  std::set<int> all(train.begin(), train.end());
  all.insert(validation.begin(), validation.end());
  EXPECT_EQ(all.size(), 72U);
}

TEST(Split, follows_the_seed) {
  const auto whole = std::make_shared<Labels>();
  EXPECT_EQ(members(*split(whole, 0.2, 1).validation), members(*split(whole, 0.2, 1).validation));
  EXPECT_NE(members(*split(whole, 0.2, 1).validation), members(*split(whole, 0.2, 2).validation));
}

TEST(Split, leaves_something_on_both_sides) {
  const auto whole = std::make_shared<Labels>();
  EXPECT_EQ(count_labels(*split(whole, 0.999, 1).train), (std::vector<int>{1, 1, 1, 0}));
  EXPECT_TRUE(contains(error_of([&] { split(whole, 0.001, 1); }), "is none"));
  for (const double share : {0.0, 1.0, -0.5, std::nan("")}) {
    EXPECT_TRUE(contains(error_of([&] { split(whole, share, 1); }), "between 0 and 1")) << share;
  }
}

}  // namespace
}  // namespace riffle::trainer
