#include "trainer/network/norm.hpp"

#include <algorithm>
#include <cmath>

#include "trainer/team.hpp"

namespace riffle::trainer {
namespace {

// As many floats as are added up before the sum goes on in double.
constexpr std::int64_t pixels_in_float = 256;

}  // namespace

void Norm::Sums::clear() {
  std::fill(first.begin(), first.end(), 0.0F);
  std::fill(second.begin(), second.end(), 0.0F);
  std::fill(firsts.begin(), firsts.end(), 0.0);
  std::fill(seconds.begin(), seconds.end(), 0.0);
  pixels = 0;
}

void Norm::Sums::carry(std::size_t begin, std::size_t end) {
  for (std::size_t c = begin; c < end; ++c) {
    firsts[c] += static_cast<double>(first[c]);
    seconds[c] += static_cast<double>(second[c]);
    first[c] = second[c] = 0.0F;
  }
}

Norm::Norm(const TrainingKernels& kernels, const NormParameters& parameters, std::vector<std::int32_t> channel,
           int workers)
    : kernels_(kernels), parameters_(parameters), channel_(std::move(channel)) {
  const std::size_t channels = channel_.size();
  for (std::vector<float>* values : {&mean_, &inverse_, &scale_, &shift_, &a_, &b_, &k_}) values->resize(channels);
  sign_.resize(channels, 1.0F);
  if (is_synchronised()) joined_.resize(2 * channels + 1);
  sums_.resize(static_cast<std::size_t>(workers));
  for (Sums& sums : sums_) {
    for (std::vector<float>* values : {&sums.shift, &sums.first, &sums.second}) values->resize(channels);
    for (std::vector<double>* values : {&sums.firsts, &sums.seconds}) values->resize(channels);
  }
}

void Norm::negate_channels() {
  for (std::size_t p = 0; p < channel_.size(); ++p) {
    sign_[p] = parameters_.scale[static_cast<std::size_t>(channel_[p])] < 0 ? -1.0F : 1.0F;
  }
}

void Norm::begin() {
  for (Sums& sums : sums_) sums.clear();
}

void Norm::observe(int worker, const float* rows, std::ptrdiff_t row_stride, std::int64_t pixels) {
  if (parameters_.frozen || pixels == 0) return;
  const auto channels = static_cast<std::int32_t>(channel_.size());
  Sums& sums = sums_[static_cast<std::size_t>(worker)];
  if (sums.pixels == 0) std::copy_n(rows, channels, sums.shift.begin());
  for (std::int64_t p = 0; p < pixels; p += pixels_in_float) {
    kernels_.moments(rows + p * row_stride, row_stride, channels, std::min(pixels - p, pixels_in_float),
                     sums.shift.data(), sums.first.data(), sums.second.data());
    sums.carry(0, channel_.size());
  }
  sums.pixels += pixels;
}

Norm::Moments Norm::moments(std::size_t p) const {
  // Means and sums of squared deviations of the shares, joined (Chan, Golub, LeVeque 1979).
  Moments all;
  for (const Sums& sums : sums_) {
    if (sums.pixels == 0) continue;
    const auto n = static_cast<double>(sums.pixels);
    const double own_mean = static_cast<double>(sums.shift[p]) + sums.firsts[p] / n;
    const double own_squares = sums.seconds[p] - sums.firsts[p] * sums.firsts[p] / n;
    const double distance = own_mean - all.mean;
    all.squares += own_squares + distance * distance * all.count * n / (all.count + n);
    all.count += n;
    all.mean += distance * n / all.count;
  }
  all.squares = all.squares < 0 ? 0 : all.squares;  // a NaN stays one
  return all;
}

void Norm::join(int worker, int workers) {
  for_share(static_cast<std::int64_t>(channel_.size()), worker, workers, [&](std::int64_t position) {
    const auto p = static_cast<std::size_t>(position);
    const Moments own = moments(p);
    const double distance = own.mean - running_mean(p);
    joined_[2 * p] = own.count * distance;
    joined_[2 * p + 1] = own.squares + own.count * distance * distance;
    if (p == 0) joined_.back() = own.count;
  });
}

Norm::Moments Norm::joined_moments(std::size_t p) const {
  const double count = joined_.back(), first = joined_[2 * p], second = joined_[2 * p + 1];
  return {count, running_mean(p) + first / count, std::max(second - first * first / count, 0.0)};
}

void Norm::finish(std::int64_t pixels, int worker, int workers) {
  for_share(static_cast<std::int64_t>(channel_.size()), worker, workers, [&](std::int64_t position) {
    const auto p = static_cast<std::size_t>(position);
    const auto c = static_cast<std::size_t>(channel_[p]);
    const double sign = sign_[p], scale = sign * parameters_.scale[c];
    double mean = running_mean(p), variance = parameters_.running_variance[c];
    if (!parameters_.frozen) {
      Moments batch = is_synchronised() ? joined_moments(p) : moments(p);
      if (!is_synchronised()) batch.count = static_cast<double>(pixels);
      mean = batch.mean;
      variance = batch.squares / batch.count;
      const double momentum = parameters_.momentum;
      const double unbiased = batch.squares / (batch.count > 1 ? batch.count - 1 : 1);
      parameters_.running_mean[c] += static_cast<float>(momentum * (sign * mean - parameters_.running_mean[c]));
      parameters_.running_variance[c] += static_cast<float>(momentum * (unbiased - parameters_.running_variance[c]));
    }
    const double inverse = 1.0 / std::sqrt(variance + static_cast<double>(parameters_.epsilon));
    mean_[p] = static_cast<float>(mean);
    inverse_[p] = static_cast<float>(inverse);
    scale_[p] = static_cast<float>(scale * inverse);
    shift_[p] = static_cast<float>(parameters_.shift[c] - mean * scale * inverse);
  });
}

void Norm::complete(int worker, Completion run, std::int32_t position, std::int64_t pixels, const float* rows,
                    std::ptrdiff_t row_stride) {
  Sums& sums = sums_[static_cast<std::size_t>(worker)];
  run.scale = scale_.data() + position;
  run.shift = shift_.data() + position;
  run.mean = mean_.data() + position;
  run.sum = sums.first.data() + position;
  run.product = sums.second.data() + position;
  for (std::int64_t p = 0; p < pixels; p += pixels_in_float) {
    kernels_.complete(run, std::min(pixels - p, pixels_in_float), rows + p * row_stride, row_stride);
    sums.carry(static_cast<std::size_t>(position), static_cast<std::size_t>(position + run.to.channels));
    run.to.first += pixels_in_float * run.to.pixel_stride;
    run.y += pixels_in_float * run.to.pixel_stride;
  }
}

Norm::GradientSums Norm::gradient_sums(std::size_t p) const {
  GradientSums all;
  for (const Sums& sums : sums_) {
    all.sum += sums.firsts[p];
    all.product += sums.seconds[p];
  }
  return all;
}

void Norm::join_backward(std::int64_t pixels, int worker, int workers) {
  for_share(static_cast<std::int64_t>(channel_.size()), worker, workers, [&](std::int64_t position) {
    const auto p = static_cast<std::size_t>(position);
    const GradientSums own = gradient_sums(p);
    joined_[2 * p] = own.sum;
    joined_[2 * p + 1] = own.product;
    if (p == 0) joined_.back() = static_cast<double>(pixels);
  });
}

void Norm::finish_backward(std::int64_t pixels, int worker, int workers) {
  const double count = is_synchronised() ? joined_.back() : static_cast<double>(pixels);
  for_share(static_cast<std::int64_t>(channel_.size()), worker, workers, [&](std::int64_t position) {
    const auto p = static_cast<std::size_t>(position);
    const auto c = static_cast<std::size_t>(channel_[p]);
    // The gradients of the parameters are this rank's own part, and are summed up with those of all other parameters.
    const GradientSums own = gradient_sums(p);
    const GradientSums all = is_synchronised() ? GradientSums{joined_[2 * p], joined_[2 * p + 1]} : own;
    const double sign = sign_[p], inverse = inverse_[p], mean = mean_[p];
    const double scaled = sign * parameters_.scale[c] * inverse;
    parameters_.shift_gradient[c] = static_cast<float>(own.sum);
    parameters_.scale_gradient[c] = static_cast<float>(sign * own.product * inverse);
    const double b = -scaled * inverse * (all.product * inverse / count);
    a_[p] = static_cast<float>(scaled);
    b_[p] = static_cast<float>(b);
    k_[p] = static_cast<float>(-scaled * all.sum / count - b * mean);
  });
}

void Norm::fill(GradientColumns& columns, std::int32_t position) const {
  columns.a = a_.data() + position;
  columns.b = b_.data() + position;
  columns.k = k_.data() + position;
}

}  // namespace riffle::trainer
