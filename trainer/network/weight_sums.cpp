#include "trainer/network/weight_sums.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "trainer/team.hpp"

namespace riffle::trainer {
namespace {

// Of a worker's sums, which are written transposed: a line of each row, so that lines stay in the first-level cache.
constexpr std::int32_t columns_at_once = 16;
constexpr std::int32_t prefetched_rows = 8;  // whose lines are too far apart for the CPU to guess them

/// How much of their last vector a row's values fill, as a part of all vectors.
double filled(std::int32_t values, std::int32_t lanes) {
  return static_cast<double>(values) / (static_cast<double>(lanes) * ((values + lanes - 1) / lanes));
}

}  // namespace

WeightSums::WeightSums(const KernelTables& tables, const WeightParameters& parameters, std::int32_t groups,
                       std::int32_t inputs, std::int32_t outputs, std::span<const std::int32_t> weight_of_input,
                       std::span<const std::int32_t> order)
    : tables_(tables),
      parameters_(parameters),
      groups_(groups),
      inputs_(inputs),
      outputs_(outputs),
      transposed_(filled(inputs, tables.kernels.lanes) > filled(outputs, tables.kernels.lanes)),
      stride_(row_floats(transposed_ ? inputs : outputs)),
      order_(order.begin(), order.end()),
      row_place_(order.begin(), order.end()),
      column_place_(weight_of_input.begin(), weight_of_input.end()),
      zeros_(order.size(), 0.0F),
      sums_(static_cast<std::size_t>(tables.workers)) {
  for (std::int64_t& place : row_place_) place *= inputs;
  if (!transposed_) std::swap(column_place_, row_place_);
  for (Sums& sums : sums_) {
    sums.weights = memory::allocate<float>(floats() + slack);
    sums.bias.resize(order_.size());
    sums.squares.resize(order_.size());
  }
}

void WeightSums::begin(int worker) {
  Sums& sums = sums_[static_cast<std::size_t>(worker)];
  std::memset(static_cast<void*>(sums.weights.get()), 0, static_cast<std::size_t>(floats()) * sizeof(float));
  std::fill(sums.bias.begin(), sums.bias.end(), 0.0F);
}

void WeightSums::add(int worker, const float* x, std::int64_t x_stride, const float* dy, std::int64_t dy_stride,
                     std::int32_t pixels, Prefetcher& prefetcher) {
  Sums& sums = sums_[static_cast<std::size_t>(worker)];
  for (std::int32_t h = 0; h < groups_; ++h) {
    WeightGradientArgs args;
    args.x = x + static_cast<std::ptrdiff_t>(h) * inputs_;
    args.dy = dy + static_cast<std::ptrdiff_t>(h) * outputs_;
    args.x_stride = x_stride;
    args.dy_stride = dy_stride;
    args.inputs = inputs_;
    args.outputs = outputs_;
    if (transposed_) {
      std::swap(args.x, args.dy);
      std::swap(args.x_stride, args.dy_stride);
      std::swap(args.inputs, args.outputs);
    }
    args.pixels = pixels;
    args.gradient = sums.weights.get() + static_cast<std::int64_t>(h) * args.inputs * stride_;
    args.gradient_stride = stride_;
    tables_.training_kernels.weight_gradient(args, prefetcher);
  }
  if (!parameters_.bias_gradient.empty()) {
    tables_.training_kernels.moments(dy, dy_stride, static_cast<std::int32_t>(order_.size()), pixels, zeros_.data(),
                                     sums.bias.data(), sums.squares.data());
  }
}

void WeightSums::join(const Share& share) const {
  const std::int32_t width = transposed_ ? inputs_ : outputs_, height = transposed_ ? outputs_ : inputs_;
  const std::int32_t lines = (width + columns_at_once - 1) / columns_at_once;
  for_share(static_cast<std::int64_t>(groups_) * lines, share.worker, share.workers, [&](std::int64_t line) {
    const auto h = static_cast<std::int32_t>(line / lines),
               i0 = static_cast<std::int32_t>(line % lines) * columns_at_once;
    const std::int32_t i1 = std::min(i0 + columns_at_once, width);
    const std::int64_t* const column_places = column_place_.data() + h * width + i0;
    for (std::int32_t row = h * height; row < (h + 1) * height; ++row) {
      const std::int64_t at = row * stride_ + i0;
      float all[columns_at_once] = {};
      for (const Sums& sums : sums_) {
        const float* const from = sums.weights.get() + at;
        __builtin_prefetch(from + prefetched_rows * stride_);
        for (std::int32_t i = 0; i < columns_at_once; ++i) all[i] += from[i];
      }
      float* const to = parameters_.weight_gradient.data() + row_place_[static_cast<std::size_t>(row)];
      for (std::int32_t i = 0; i < i1 - i0; ++i) to[column_places[i]] = all[i];
    }
  });
  if (parameters_.bias_gradient.empty()) return;
  for_share(static_cast<std::int64_t>(order_.size()), share.worker, share.workers, [&](std::int64_t at) {
    const auto position = static_cast<std::size_t>(at);
    float sum = 0;
    for (const Sums& sums : sums_) sum += sums.bias[position];
    parameters_.bias_gradient[static_cast<std::size_t>(order_[position])] = sum;
  });
}

}  // namespace riffle::trainer
