// That a loader at work allocates nothing. A program of its own, for it replaces operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "trainer/data/loader.hpp"

// A counting allocator: every operator new of this program goes through it.
namespace {
std::atomic<long> allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace riffle::trainer {
namespace {

class Black final : public Dataset {
 public:
  [[nodiscard]] std::int64_t size() const override { return 100; }
  [[nodiscard]] const std::vector<std::string>& classes() const override { return classes_; }
  [[nodiscard]] std::int32_t channels() const override { return 1; }
  [[nodiscard]] std::int32_t label(std::int64_t) const override { return 0; }
  void read(std::int64_t, tools::Picture& picture) const override {
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
