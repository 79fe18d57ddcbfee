#include "trainer/data/idx_dataset.hpp"

#include <algorithm>

#include "engine/graph/graph.hpp"

namespace riffle::trainer {

IdxDataset::IdxDataset(const std::string& images, const std::string& labels, std::vector<std::string> names,
                       std::int32_t classes)
    : images_(io::read_idx(images, 3)), labels_(io::read_idx(labels, 1)), classes_(std::move(names)) {
  if (labels_.shape[0] != images_.shape[0]) {
    throw Error(labels + ": " + std::to_string(labels_.shape[0]) + " labels for the " +
                std::to_string(images_.shape[0]) + " images of " + images);
  }
  const auto largest = std::max_element(labels_.values.begin(), labels_.values.end());
  if (classes_.empty()) {
    const std::int32_t count = classes > 0 ? classes : *largest + 1;
    for (std::int32_t c = 0; c < count; ++c) classes_.push_back(std::to_string(c));
  }
  if (*largest >= classes_.size()) {
    throw Error(labels + ": image " + std::to_string(largest - labels_.values.begin()) + " has the label " +
                std::to_string(*largest) + "; there are " + std::to_string(classes_.size()) + " classes, from 0 on");
  }
}

void IdxDataset::read(std::int64_t index, io::Picture& picture) const {
  picture.height = images_.shape[1];
  picture.width = images_.shape[2];
  picture.channels = 1;
  const std::int64_t size = static_cast<std::int64_t>(picture.height) * picture.width;
  const auto first = images_.values.begin() + static_cast<std::ptrdiff_t>(index * size);
  picture.pixels.assign(first, first + static_cast<std::ptrdiff_t>(size));
}

}  // namespace riffle::trainer
