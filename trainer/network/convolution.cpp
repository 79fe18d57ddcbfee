// Convolution in groups as products of matrices, a few hundred pixels at a time:
//
//   x   pixels x inputs    a group's operand; where a window is larger than a pixel, its taps side by side (im2col.hpp)
//   y   = x W              forward (matrix_product.hpp)
//   dx  = dy W^T           backward, by the same
//   dW += x^T dy           backward (weight_sums.hpp), while x and dy are still in the second-level cache
#include <algorithm>
#include <optional>

#include "trainer/network/im2col.hpp"
#include "trainer/network/matrix_product.hpp"
#include "trainer/network/operation.hpp"
#include "trainer/network/weight_sums.hpp"

namespace riffle::trainer {
namespace {

/// One tap, of each pixel in turn; of one tap, any dilation is none.
bool is_pointwise(kernels::Window window) {
  window.dilation_h = window.dilation_w = 1;
  return window == kernels::Window{};
}

class Convolution final : public Operation {
 public:
  Convolution(const KernelTables& tables, const kernels::Window& window, std::int32_t groups,
              const WeightParameters& parameters, const kernels::Extent& extent, Operand operand,
              std::vector<std::int32_t> input_order, const LayerResult& result)
      : tables_(tables),
        pointwise_(is_pointwise(window)),
        parameters_(parameters),
        operand_(std::move(operand)),
        result_(result),
        groups_(groups),
        inputs_(operand_.columns() / groups * window.kernel_h * window.kernel_w),
        outputs_(result.channels / groups_),
        in_place_(pointwise_ && operand_.is_plain()),
        dx_stride_(row_floats(groups_ * static_cast<std::int64_t>(inputs_))),
        x_stride_(in_place_ ? operand_.columns() : dx_stride_),
        y_stride_(row_floats(result.channels)),
        im2col_(window, extent, groups, operand_.columns() / groups, dx_stride_) {
    const std::int64_t fits = cache_floats / (2 * dx_stride_ + y_stride_);
    rows_ = static_cast<std::int32_t>(std::clamp<std::int64_t>(fits / 24 * 24, least_rows, most_rows));
    // By column: where its weight stands among an output's.
    const std::int32_t taps = window.kernel_h * window.kernel_w, group_channels = inputs_ / taps;
    weight_of_column_.resize(static_cast<std::size_t>(groups_) * inputs_);
    for (std::int32_t h = 0; h < groups_; ++h) {
      for (std::int32_t t = 0; t < taps; ++t) {
        for (std::int32_t c = 0; c < group_channels; ++c) {
          const auto channel = static_cast<std::size_t>(h * group_channels + c);
          weight_of_column_[static_cast<std::size_t>(h * inputs_ + t * group_channels + c)] =
              input_order[channel] * taps + t;
        }
      }
    }
    forward_ = std::make_unique<MatrixProduct>(tables, groups_, inputs_, outputs_, x_stride_,
                                               result.is_one_part() ? result.channels : y_stride_, weight_of_column_,
                                               plan::within_groups(result.order, groups_));
    if (result.wants_gradient && operand_.wants_gradient()) {
      if (pointwise_) direct_ = operand_.gradient_in_place();
      const auto straight = [&](std::int32_t count) {
        return plan::within_groups(plan::natural_order(groups_ * count), groups_);
      };
      backward_ = std::make_unique<MatrixProduct>(tables, groups_, outputs_, inputs_, y_stride_,
                                                  direct_ != nullptr ? direct_->channels : dx_stride_,
                                                  straight(outputs_), straight(inputs_));
    }
    if (!parameters_.weight_gradient.empty()) {
      weight_sums_.emplace(tables, parameters_, groups_, inputs_, outputs_, weight_of_column_, result.order);
    }
  }

  [[nodiscard]] std::int64_t scratch() const override {
    const std::int64_t matrices = rows_ * (2 * dx_stride_ + y_stride_) + 3 * slack;
    return pointwise_ ? matrices : matrices + 2 * (im2col_.image_floats() + slack);
  }

  void pack() override {
    forward_->pack(parameters_.weights, parameters_.bias);
    if (!backward_) return;
    transposed_.resize(parameters_.weights.size());
    float* to = transposed_.data();
    for (std::int32_t h = 0; h < groups_; ++h) {
      const std::int32_t* const order = result_.order.data() + h * outputs_;
      for (std::int32_t k = 0; k < inputs_; ++k) {
        const float* const column =
            parameters_.weights.data() + weight_of_column_[static_cast<std::size_t>(h * inputs_ + k)];
        for (std::int32_t n = 0; n < outputs_; ++n) *to++ = column[static_cast<std::int64_t>(order[n]) * inputs_];
      }
    }
    backward_->pack(transposed_, {});
  }

  void forward(const Share& share) override {
    const Matrices m(*this, share);
    Prefetcher prefetcher;
    for_rows(share, m, true, [&](const float* x, std::int64_t first, std::int32_t count) {
      prefetch_next(share, first + count, prefetcher, [&](std::int64_t next, std::int64_t rows) {
        if (pointwise_) operand_.prefetch(prefetcher, next, rows, true);
        result_.prefetch_results(prefetcher, next, rows);
      });
      if (result_.is_one_part()) {
        forward_->run(x, count, result_.y + first * result_.channels, prefetcher);
        result_.computed(share.worker, first, count);
      } else {
        forward_->run(x, count, m.dy, prefetcher);
        result_.write(tables_.training_kernels, share.worker, first, count, m.dy, y_stride_);
      }
    });
  }

  void backward(const Share& share) override {
    const Matrices m(*this, share);
    if (weight_sums_) weight_sums_->begin(share.worker);
    Prefetcher prefetcher;
    for_rows(share, m, false, [&](const float* x, std::int64_t first, std::int32_t count) {
      prefetch_next(share, first + count, prefetcher, [&](std::int64_t next, std::int64_t rows) {
        result_.prefetch_gradient(prefetcher, next, rows);
        if (!pointwise_) return;
        operand_.prefetch(prefetcher, next, rows);
        if (backward_) operand_.prefetch_gradient(prefetcher, next, rows);
      });
      result_.read_gradient(tables_.training_kernels, first, count, m.dy, y_stride_);
      if (weight_sums_) weight_sums_->add(share.worker, x, x_stride_, m.dy, y_stride_, count, prefetcher);
      if (!backward_) return;
      if (direct_ != nullptr) {
        float* const dx = direct_->gradient + first * direct_->channels;
        backward_->run(m.dy, count, dx, prefetcher);
        operand_.write_gradient(tables_.training_kernels, share.worker, first, count, dx, direct_->channels);
        return;
      }
      backward_->run(m.dy, count, m.dx, prefetcher);
      if (pointwise_) {
        operand_.write_gradient(tables_.training_kernels, share.worker, first, count, m.dx, dx_stride_);
      } else {
        fold(m, share.worker, first, count);
      }
    });
  }

  void collect(const Share& share) override {
    if (weight_sums_) weight_sums_->join(share);
  }

 private:
  // A worker's matrices together: half of a second-level cache of 512 KiB, and enough rows for the tiles of weights to
  // be worth loading and storing.
  static constexpr std::int64_t cache_floats = 64 * 1024;
  static constexpr std::int64_t least_rows = 96, most_rows = 240;

  /// Where a worker's matrices stand in its scratch.
  struct Matrices {
    float *x, *dy, *dx, *image = nullptr, *image_gradient = nullptr;
    Matrices(const Convolution& of, const Share& share)
        : x(share.scratch), dy(x + of.rows_ * of.dx_stride_ + slack), dx(dy + of.rows_ * of.y_stride_ + slack) {
      if (of.pointwise_) return;
      image = dx + of.rows_ * of.dx_stride_ + slack;
      image_gradient = image + of.im2col_.image_floats() + slack;
    }
  };

  /// Calls f(x, first pixel of the batch, count) for every matrix of the share's pixels.
  template <class F>
  void for_rows(const Share& share, const Matrices& m, bool first_time, F&& f) {
    if (pointwise_) {
      const std::int64_t end = share.last * result_.pixels;
      for (std::int64_t first = share.first * result_.pixels; first < end; first += rows_) {
        const auto count = static_cast<std::int32_t>(std::min<std::int64_t>(rows_, end - first));
        if (first_time) operand_.prepare(share.worker, first, count);
        if (in_place_) {
          f(operand_.in_place() + first * x_stride_, first, count);
        } else {
          operand_.read(tables_.training_kernels, first, count, m.x, x_stride_);
          f(m.x, first, count);
        }
      }
      return;
    }
    const std::int64_t in_pixels = operand_.pixels();
    for (std::int64_t image = share.first; image < share.last; ++image) {
      if (first_time) operand_.prepare(share.worker, image * in_pixels, in_pixels);
      const float* whole = operand_.in_place();
      if (whole != nullptr) {
        whole += image * im2col_.image_floats();
      } else {
        operand_.read(tables_.training_kernels, image * in_pixels, in_pixels, m.image, operand_.columns());
        whole = m.image;
      }
      for (std::int64_t pixel = 0; pixel < result_.pixels; pixel += rows_) {
        const auto count = static_cast<std::int32_t>(std::min<std::int64_t>(rows_, result_.pixels - pixel));
        im2col_.unfold(whole, pixel, count, m.x);
        f(m.x, image * result_.pixels + pixel, count);
      }
    }
  }

  /// From the rows' gradient to the image's, which is written with its last pixel.
  void fold(const Matrices& m, int worker, std::int64_t first, std::int32_t count) const {
    const std::int64_t image = first / result_.pixels, pixel = first % result_.pixels;
    if (pixel == 0) std::fill_n(m.image_gradient, im2col_.image_floats(), 0.0F);
    im2col_.fold(m.dx, pixel, count, m.image_gradient);
    if (pixel + count == result_.pixels) {
      operand_.write_gradient(tables_.training_kernels, worker, image * operand_.pixels(), operand_.pixels(),
                              m.image_gradient, operand_.columns());
    }
  }

  /// Calls f(first, count) for the rows of the next matrices, if there are any, to fill the list anew.
  template <class F>
  void prefetch_next(const Share& share, std::int64_t first, Prefetcher& prefetcher, F&& f) const {
    prefetcher.clear();
    const std::int64_t count = std::min<std::int64_t>(rows_, share.last * result_.pixels - first);
    if (count > 0) f(first, count);
  }

  const KernelTables& tables_;
  bool pointwise_;
  WeightParameters parameters_;
  Operand operand_;
  const LayerResult& result_;
  std::int32_t groups_;
  std::int32_t inputs_, outputs_;  ///< of a group, K and N
  bool in_place_;                  ///< x is the operand where it stands
  std::int64_t dx_stride_, x_stride_, y_stride_;
  Im2col im2col_;  ///< where it is not pointwise
  std::int32_t rows_ = 0;
  std::unique_ptr<MatrixProduct> forward_, backward_;
  std::optional<WeightSums> weight_sums_;  ///< none where the weights are frozen
  const LayerResult* direct_ = nullptr;    ///< whose gradient dx is written to as it is computed
  std::vector<std::int32_t> weight_of_column_;
  std::vector<float> transposed_;
};

}  // namespace

std::unique_ptr<Operation> make_convolution(const KernelTables& tables, const kernels::Window& window,
                                            std::int32_t groups, const WeightParameters& parameters,
                                            const kernels::Extent& extent, Operand operand,
                                            std::vector<std::int32_t> input_order, const LayerResult& result) {
  return std::make_unique<Convolution>(tables, window, groups, parameters, extent, std::move(operand),
                                       std::move(input_order), result);
}

}  // namespace riffle::trainer
