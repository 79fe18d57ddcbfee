#include "quantise/layers.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

#include "quantise/parallel.hpp"

namespace riffle::quantise {
namespace {

/// Of one layer's patches.
constexpr std::int64_t most_floats = 1 << 21;
constexpr std::int64_t most_patches = 2048, least_patches = 32;

kernels::Extent extent_of(const graph::Shape& in) { return {in.h, in.w, 1, 1}; }

}  // namespace

std::optional<Matrix> matrix_of(const graph::Operation& operation, const graph::Shape& operand) {
  Matrix matrix;
  const auto weights = [&](const graph::Constant& constant) {
    matrix.weights.assign(constant.values().begin(), constant.values().end());
  };
  const auto slide = [&](const graph::Window& window) {
    const graph::ResolvedWindow resolved = graph::resolve(window, operand);
    matrix.window = resolved.window;
    matrix.extent = resolved.extent;
    matrix.taps = resolved.window.kernel_h * resolved.window.kernel_w;
  };
  const auto average = [&] {
    matrix.is_average = true;
    matrix.groups = operand.c;
    matrix.inputs = matrix.outputs = 1;
    matrix.weights.assign(static_cast<std::size_t>(operand.c * matrix.taps), 1.0F / static_cast<float>(matrix.taps));
  };
  if (const auto* o = std::get_if<graph::Convolution>(&operation)) {
    slide(o->window);
    matrix.groups = o->groups;
    matrix.inputs = operand.c / o->groups;
    matrix.outputs = o->outputs / o->groups;
    weights(o->weights);
  } else if (const auto* dense = std::get_if<graph::FullyConnected>(&operation)) {
    matrix.window = {.kernel_h = operand.h, .kernel_w = operand.w};
    matrix.extent = extent_of(operand);
    matrix.taps = operand.h * operand.w;
    matrix.inputs = operand.c;
    matrix.outputs = dense->outputs;
    weights(dense->weights);
  } else if (std::holds_alternative<graph::GlobalAveragePool>(operation)) {
    matrix.window = {.kernel_h = operand.h, .kernel_w = operand.w};
    matrix.extent = extent_of(operand);
    matrix.taps = operand.h * operand.w;
    average();
  } else if (const auto* pool = std::get_if<graph::Pool>(&operation);
             pool != nullptr && pool->kind == graph::PoolKind::average) {
    slide(pool->window);
    average();
  } else {
    return std::nullopt;
  }
  return matrix;
}

Patches patches_of(const Walk& walk, graph::NodeId node, const Matrix& matrix) {
  const passes::ChannelList& operand = walk.operand(node);
  const auto channels = static_cast<std::int64_t>(operand.size());
  const kernels::Window& w = matrix.window;
  const kernels::Extent& e = matrix.extent;
  const std::int64_t fit = most_floats / (channels * matrix.taps), pictures = walk.count_of_all();
  const std::int64_t samples = std::max<std::int64_t>(pictures / 2, 1), first = pictures > 1 ? 1 : 0;
  const std::int64_t all = samples * e.out_h * e.out_w;
  const auto count = std::min(std::clamp(fit, least_patches, most_patches), all);

  std::vector<float> own;  // (patches of own pictures, channels, taps)
  std::mt19937 random;     // the standard says which numbers it gives
  for (std::int64_t p = 0; p < count; ++p) {
    // One picture after the other, and a pixel by chance.
    const std::int64_t n = first + 2 * (p * samples / count) - walk.first();
    const auto out_y = static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(e.out_h));
    const auto out_x = static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(e.out_w));
    if (n < 0 || n >= walk.count()) continue;
    for (const passes::Channel& channel : operand) {
      const std::span<const float> plane = walk.plane(channel, n);
      for (std::int32_t tap = 0; tap < matrix.taps; ++tap) {
        const std::int32_t y = out_y * w.stride_h - w.pad_top + tap / w.kernel_w * w.dilation_h;
        const std::int32_t x = out_x * w.stride_w - w.pad_left + tap % w.kernel_w * w.dilation_w;
        const bool is_outside = y < 0 || y >= e.in_h || x < 0 || x >= e.in_w;
        own.push_back(is_outside ? 0.0F : plane[static_cast<std::size_t>(y * e.in_w + x)]);
      }
    }
  }
  Patches patches{static_cast<std::int32_t>(count), gathered(walk.peers(), std::move(own))};
  if (matrix.groups == 1) return patches;
  const std::vector<float> by_patch = std::exchange(patches.numbers, {});
  patches.numbers.reserve(by_patch.size());
  for (std::int64_t group = 0; group < matrix.groups; ++group) {
    for (std::int64_t p = 0; p < count; ++p) {
      const auto from = by_patch.begin() + (p * matrix.groups + group) * matrix.columns();
      patches.numbers.insert(patches.numbers.end(), from, from + matrix.columns());
    }
  }
  return patches;
}

std::vector<double> column_means(const Walk& walk, graph::NodeId node, const Matrix& matrix) {
  const passes::ChannelList& operand = walk.operand(node);
  const std::size_t columns = operand.size() * static_cast<std::size_t>(matrix.taps);
  std::vector<float> sums(static_cast<std::size_t>(walk.count()) * columns);  // (pictures, columns)
  for_each_index(walk.count(), walk.threads(), [&](std::int64_t n, int) {
    float* to = sums.data() + static_cast<std::size_t>(n) * columns;
    for (const passes::Channel& channel : operand) {
      const std::span<const float> plane = walk.plane(channel, n);
      for (std::int32_t tap = 0; tap < matrix.taps; ++tap) {
        float sum = 0.0F;
        for_each_joined(matrix, tap,
                        [&](std::int32_t, std::int32_t in) { sum += plane[static_cast<std::size_t>(in)]; });
        *to++ = sum;
      }
    }
  });
  sums = gathered(walk.peers(), std::move(sums));
  std::vector<double> means(columns);
  for (std::size_t i = 0; i < sums.size(); ++i) means[i % columns] += static_cast<double>(sums[i]);
  const double count = static_cast<double>(walk.count_of_all()) * matrix.extent.out_h * matrix.extent.out_w;
  for (double& mean : means) mean /= count;
  return means;
}

}  // namespace riffle::quantise
