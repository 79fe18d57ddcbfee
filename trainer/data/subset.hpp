// Some pictures of a dataset, and a dataset in two.
#pragma once

#include "trainer/data/dataset.hpp"

namespace riffle::trainer {

class Subset final : public Dataset {
 public:
  /// Picture i is picture indices[i] of the whole. Throws Error for an index that is not in it, and for none.
  Subset(std::shared_ptr<const Dataset> whole, std::vector<std::int64_t> indices);

  [[nodiscard]] std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }
  [[nodiscard]] const std::vector<std::string>& classes() const override { return whole_->classes(); }
  [[nodiscard]] std::int32_t channels() const override { return whole_->channels(); }
  [[nodiscard]] std::int32_t label(std::int64_t index) const override { return whole_->label(at(index)); }
  void read(std::int64_t index, io::Picture& picture) const override { whole_->read(at(index), picture); }
  /// Of the whole, and of which pictures of it these are.
  [[nodiscard]] std::uint32_t checksum() const override;

 private:
  [[nodiscard]] std::int64_t at(std::int64_t index) const { return indices_[static_cast<std::size_t>(index)]; }

  std::shared_ptr<const Dataset> whole_;
  std::vector<std::int64_t> indices_;
};

struct Datasets {
  std::shared_ptr<const Dataset> train, validation;
};

/// Every picture goes to one of the two: of each class the share `validation`, rounded, chosen at random by the seed,
/// to validation, but never the whole class. Both keep the order of the whole. Throws Error unless the share is between
/// 0 and 1, and where it leaves nothing to validate with.
Datasets split(const std::shared_ptr<const Dataset>& whole, double validation, std::uint64_t seed);

}  // namespace riffle::trainer
