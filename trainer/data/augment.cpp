#include "trainer/data/augment.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

namespace riffle::trainer {
namespace {

constexpr double min_erased_area = 0.02, max_erased_area = 0.33;
constexpr double min_erased_aspect = 0.3, max_erased_aspect = 3.3;
constexpr int erasing_attempts = 10;

void check_probability(float value, const char* what) {
  if (!(value >= 0 && value <= 1)) throw Error(std::string(what) + ": a probability is between 0 and 1");
}

Rectangle draw_rectangle(std::int32_t height, std::int32_t width, Random& random) {
  for (int attempt = 0; attempt < erasing_attempts; ++attempt) {
    const double area = random.uniform(min_erased_area, max_erased_area) * height * width;
    const double aspect = std::exp(random.uniform(std::log(min_erased_aspect), std::log(max_erased_aspect)));
    const double h = std::round(std::sqrt(area * aspect)), w = std::round(std::sqrt(area / aspect));
    if (h < 1 || w < 1 || h > height || w > width) continue;
    Rectangle rectangle = {0, 0, static_cast<std::int32_t>(h), static_cast<std::int32_t>(w)};
    rectangle.top = static_cast<std::int32_t>(random.below(height - rectangle.height + 1));
    rectangle.left = static_cast<std::int32_t>(random.below(width - rectangle.width + 1));
    return rectangle;
  }
  return {};
}

/// Pixel (y, x) becomes what (y + down, x + right) was, or zero where that is outside. Rows move in the order in which
/// none is overwritten before it has moved.
void shift(float* plane, std::int32_t height, std::int32_t width, std::int32_t down, std::int32_t right) {
  const std::int32_t first = std::clamp(-right, 0, width), last = std::clamp(width - right, first, width);
  for (std::int32_t i = 0; i < height; ++i) {
    const std::int32_t y = down >= 0 ? i : height - 1 - i;
    float* const row = plane + static_cast<std::ptrdiff_t>(y) * width;
    if (y + down < 0 || y + down >= height || first == last) {
      std::fill_n(row, width, 0.0F);
      continue;
    }
    const float* const from = row + static_cast<std::ptrdiff_t>(down) * width + first + right;
    std::memmove(row + first, from, static_cast<std::size_t>(last - first) * sizeof(float));
    std::fill(row, row + first, 0.0F);
    std::fill(row + last, row + width, 0.0F);
  }
}

}  // namespace

void check(const Augmentation& augmentation) {
  if (augmentation.crop_padding < 0 || augmentation.crop_padding > graph::max_extent) {
    throw Error("crop: a padding of " + std::to_string(augmentation.crop_padding) + " pixels");
  }
  check_probability(augmentation.flip, "flip");
  check_probability(augmentation.erase, "erase");
}

Change draw_change(const Augmentation& augmentation, std::int32_t height, std::int32_t width, Random& random) {
  Change change;
  if (augmentation.crop_padding > 0) {
    const std::int32_t places = 2 * augmentation.crop_padding + 1;
    change.down = static_cast<std::int32_t>(random.below(places)) - augmentation.crop_padding;
    change.right = static_cast<std::int32_t>(random.below(places)) - augmentation.crop_padding;
  }
  if (augmentation.flip > 0) change.flip = random.uniform() < static_cast<double>(augmentation.flip);
  if (augmentation.erase > 0 && random.uniform() < static_cast<double>(augmentation.erase)) {
    change.erased = draw_rectangle(height, width, random);
  }
  return change;
}

void apply(const Change& change, const graph::Shape& input, std::span<float> planes) {
  assert(static_cast<std::int64_t>(planes.size()) == input.size());
  for (std::int32_t c = 0; c < input.c; ++c) {
    float* const plane = planes.data() + static_cast<std::ptrdiff_t>(c * input.pixels());
    if (change.down != 0 || change.right != 0) shift(plane, input.h, input.w, change.down, change.right);
    if (change.flip) {
      for (std::int32_t y = 0; y < input.h; ++y) {
        float* const row = plane + static_cast<std::ptrdiff_t>(y) * input.w;
        std::reverse(row, row + input.w);
      }
    }
    for (std::int32_t y = 0; y < change.erased.height; ++y) {
      float* const row = plane + static_cast<std::ptrdiff_t>(change.erased.top + y) * input.w;
      std::fill_n(row + change.erased.left, change.erased.width, 0.0F);
    }
  }
}

}  // namespace riffle::trainer
