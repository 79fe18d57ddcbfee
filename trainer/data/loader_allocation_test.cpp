// That a loader at work allocates nothing. A program of its own, for it replaces operator new.
#include <gtest/gtest.h>

#include "tests/counting_allocator.hpp"
#include "trainer/data/loader.hpp"

namespace riffle::trainer {
namespace {

class Black final : public Dataset {
 public:
  [[nodiscard]] std::int64_t size() const override { return 100; }
  [[nodiscard]] const std::vector<std::string>& classes() const override { return classes_; }
  [[nodiscard]] std::int32_t channels() const override { return 1; }
  [[nodiscard]] std::int32_t label(std::int64_t) const override { return 0; }
  void read(std::int64_t, io::Picture& picture) const override {
    picture.width = picture.height = 28;
    picture.channels = 1;
    picture.pixels.assign(28 * 28, 0);
  }

 private:
  std::vector<std::string> classes_ = {"black"};
};

TEST(Loader, allocates_nothing_at_work) {
  const Black data;
  Loader loader(data, {.batch = 8,
                       .height = 32,
                       .width = 32,
                       .channels = 3,
                       .augmentation = {.crop_padding = 2, .flip = 0.5F, .erase = 0.5F},
                       .threads = 2});
  Batch batch;
  long before = 0;
  for (std::int64_t epoch = 0; epoch < 6; ++epoch) {
    // Until then each worker has most likely had its first picture, for which it allocates.
    if (epoch == 3) before = allocations.load();
    loader.begin(epoch);
    while (loader.next(batch)) EXPECT_LE(batch.labels.size(), 8U);
  }
  EXPECT_LE(allocations.load() - before, 1);
}

TEST(Loader, the_counting_allocator_counts) {
  const long before = allocations.load();
  const std::vector<float> some(100);
  EXPECT_GT(allocations.load(), before);
}

}  // namespace
}  // namespace riffle::trainer
