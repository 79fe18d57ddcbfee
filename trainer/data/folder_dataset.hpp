// A folder of folders, one a class, of PNG and JPEG files.
#pragma once

#include "trainer/data/dataset.hpp"

namespace riffle::trainer {

struct FolderOptions {
  std::int32_t channels = 3;              ///< 1 or 3; pictures of the other kind are converted
  std::vector<std::string> classes = {};  ///< the class folders by label; empty: those that are there, in order
  bool skip_broken = false;               ///< decode every file once, and leave out those that cannot be
  int threads = 1;                        ///< that do so
};

/// Pictures by class, then by name, both in natural order (natural_order.hpp): 1, 2, 10. Files with other endings than
/// .png, .jpg and .jpeg and whatever begins with a dot are no pictures. A picture is decoded whenever it is read.
class FolderDataset final : public Dataset {
 public:
  /// Throws Error naming the folder: where it holds no class folders or one that is not among the classes, for a class
  /// folder that holds no picture, or none that can be decoded.
  FolderDataset(const std::string& folder, const FolderOptions& options);

  /// What was left out and why, a message a file.
  [[nodiscard]] const std::vector<std::string>& skipped() const { return skipped_; }

  [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(pictures_.size()); }
  [[nodiscard]] const std::vector<std::string>& classes() const override { return classes_; }
  [[nodiscard]] std::int32_t channels() const override { return channels_; }
  [[nodiscard]] std::int32_t label(std::int64_t index) const override {
    return pictures_[static_cast<std::size_t>(index)].label;
  }
  void read(std::int64_t index, io::Picture& picture) const override;
  /// Of the files' names and sizes, and, where they are at most `most_read` bytes together, of what is in them.
  [[nodiscard]] std::uint32_t checksum() const override;
  static constexpr std::int64_t most_read = std::int64_t{1} << 28;

 private:
  struct Entry {
    std::int32_t label = 0;
    std::string name;
  };
  [[nodiscard]] std::string class_path(std::int32_t label) const;
  [[nodiscard]] std::string path(const Entry& entry) const;
  void list_class(std::int32_t label);
  void leave_out_broken(int threads);

  std::string folder_;
  std::vector<std::string> classes_;
  std::int32_t channels_;
  std::vector<Entry> pictures_;
  std::vector<std::string> skipped_;
};

}  // namespace riffle::trainer
