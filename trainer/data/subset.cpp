#include "trainer/data/subset.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "engine/graph/graph.hpp"
#include "trainer/data/checksum.hpp"
#include "trainer/data/random.hpp"

namespace riffle::trainer {

Subset::Subset(std::shared_ptr<const Dataset> whole, std::vector<std::int64_t> indices)
    : whole_(std::move(whole)), indices_(std::move(indices)) {
  if (indices_.empty()) throw Error("a subset without pictures");
  for (const std::int64_t index : indices_) {
    if (index < 0 || index >= whole_->size()) {
      throw Error("a subset with picture " + std::to_string(index) + " of " + std::to_string(whole_->size()));
    }
  }
}

std::uint32_t Subset::checksum() const {
  Checksum sum;
  sum.add(whole_->checksum());
  for (const std::int64_t index : indices_) sum.add(index);
  return sum.value();
}

Datasets split(const std::shared_ptr<const Dataset>& whole, double validation, std::uint64_t seed) {
  if (!(validation > 0 && validation < 1)) {
    throw Error("validation: a share of " + fixed(validation, 3) + "; it is between 0 and 1");
  }
  std::vector<std::vector<std::int64_t>> by_class(whole->classes().size());
  for (std::int64_t i = 0; i < whole->size(); ++i) by_class[static_cast<std::size_t>(whole->label(i))].push_back(i);

  std::vector<std::int64_t> train, held_out;
  for (std::size_t c = 0; c < by_class.size(); ++c) {
    std::vector<std::int64_t>& indices = by_class[c];
    if (indices.empty()) continue;
    Random random(seed, Purpose::split, static_cast<std::int64_t>(c));
    shuffle(indices, random);
    const auto count = static_cast<std::int64_t>(indices.size());
    const std::int64_t wanted = std::llround(validation * static_cast<double>(count));
    const auto cut = indices.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, count - 1));
    held_out.insert(held_out.end(), indices.begin(), cut);
    train.insert(train.end(), cut, indices.end());
  }
  if (held_out.empty()) {
    throw Error("validation: a share of " + fixed(validation, 3) + " of " + std::to_string(whole->size()) +
                " pictures in " + std::to_string(by_class.size()) + " classes is none");
  }
  std::sort(train.begin(), train.end());
  std::sort(held_out.begin(), held_out.end());
  return {std::make_shared<Subset>(whole, std::move(train)), std::make_shared<Subset>(whole, std::move(held_out))};
}

}  // namespace riffle::trainer
