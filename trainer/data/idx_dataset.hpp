// MNIST and its kin: all images in one IDX file, all labels in another.
#pragma once

#include "io/idx.hpp"
#include "trainer/data/dataset.hpp"

namespace riffle::trainer {

class IdxDataset final : public Dataset {
 public:
  /// Reads both files, gzip or not, to memory. The classes are `names`; without names there are `classes` of them,
  /// named 0, 1, 2 ...; without either one more than the largest label. Throws Error naming the file: for what
  /// io::read_idx refuses, for another number of labels than images, for a label out of range.
  IdxDataset(const std::string& images, const std::string& labels, std::vector<std::string> names = {},
             std::int32_t classes = 0);

  [[nodiscard]] std::int64_t size() const override { return images_.shape[0]; }
  [[nodiscard]] const std::vector<std::string>& classes() const override { return classes_; }
  [[nodiscard]] std::int32_t channels() const override { return 1; }
  [[nodiscard]] std::int32_t label(std::int64_t index) const override {
    return labels_.values[static_cast<std::size_t>(index)];
  }
  void read(std::int64_t index, io::Picture& picture) const override;

 private:
  io::ByteTensor images_, labels_;
  std::vector<std::string> classes_;
};

}  // namespace riffle::trainer
