// Convolution in groups as products of matrices, a few hundred pixels at a time:
//
//   x   pixels x inputs    a group's operand; where a window is larger than a pixel, its taps side by side (im2col)
//   y   = x W              forward, by the engine's pointwise kernel
//   dx  = dy W^T           backward, by the same
//   dW += x^T dy           backward, by WeightGradientBody, while x and dy are still in the second-level cache
#include <algorithm>
#include <cstring>
#include <numeric>

#include "engine/memory/aligned.hpp"
#include "trainer/network/operation.hpp"
#include "trainer/team.hpp"

namespace riffle::trainer {
namespace {

using kernels::Place;
using kernels::PointwiseArgs;
using kernels::Space;

/// rows x W for all groups: packed weights and the arguments of the pointwise kernel that do not change.
class Product {
 public:
  /// The orders are pack_pointwise's.
  Product(const KernelTables& tables, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
          std::ptrdiff_t in_stride, std::ptrdiff_t out_stride, std::vector<std::int32_t> input_order,
          std::vector<std::int32_t> output_order)
      : kernel_(tables.kernels.row<kernels::PointwiseKernel>()),
        multiply_(tables.training_kernels.multiply),
        dots_(tables.training_kernels.dots),
        groups_(groups),
        inputs_(inputs),
        outputs_(outputs),
        rest_(dots_ == nullptr ? 0 : dots_among(inputs, outputs, kernel_.lanes)),
        in_stride_(in_stride),
        out_stride_(out_stride),
        input_order_(std::move(input_order)) {
    const std::int32_t whole = outputs - rest_;
    for (std::int32_t h = 0; h < groups; ++h) {
      for (std::int32_t n = 0; n < outputs; ++n) {
        const std::int32_t row = h * outputs + output_order[static_cast<std::size_t>(h * outputs + n)];
        if (n < whole) {
          output_order_.push_back(row - h * whole);
        } else {
          rest_rows_.push_back(row);
        }
      }
    }
    packed_rest_floats_ = rest_ == 0 ? 0 : packed_dots_size(inputs, rest_, kernel_.lanes);
    packed_rest_ = memory::allocate<float>(groups * packed_rest_floats_);
    rest_bias_.resize(rest_rows_.size());
    const std::int64_t floats = kernels::packed_pointwise_size(groups, inputs, whole, kernel_.lanes);
    packed_ = memory::allocate<float>(floats);
    packed_floats_ = static_cast<std::size_t>(floats);
    for (std::int32_t h = 0; h < groups; ++h) {
      runs_.push_back({Place{0, Space::rows}.behind(static_cast<std::int64_t>(h) * inputs, Type::f32),
                       static_cast<std::int32_t>(in_stride), inputs, 0});
      blocks_.push_back({Place{0, Space::arena}.behind(static_cast<std::int64_t>(h) * outputs, Type::f32),
                         static_cast<std::int32_t>(out_stride), 0});
    }
    run_begin_.resize(static_cast<std::size_t>(groups) + 1);
    std::iota(run_begin_.begin(), run_begin_.end(), 0);
  }

  /// weights[(h * outputs + n) * inputs + k], bias or nothing.
  void pack(std::span<const float> weights, std::span<const float> bias) {
    kernels::pack_pointwise(kernel_, groups_, inputs_, outputs_ - rest_, weights, bias, input_order_, output_order_,
                            {packed_.get(), packed_floats_});
    const auto rest = static_cast<std::size_t>(rest_), inputs = static_cast<std::size_t>(inputs_);
    for (std::size_t h = 0; h < static_cast<std::size_t>(groups_) && rest != 0; ++h) {
      const auto floats = static_cast<std::size_t>(packed_rest_floats_);
      pack_dots(kernel_.lanes, inputs_, weights, std::span(rest_rows_).subspan(h * rest, rest),
                std::span(input_order_).subspan(h * inputs, inputs), {packed_rest_.get() + h * floats, floats});
    }
    for (std::size_t i = 0; i < rest_rows_.size() && !bias.empty(); ++i) {
      rest_bias_[i] = bias[static_cast<std::size_t>(rest_rows_[i])];
    }
  }

  void run(const float* x, std::int32_t pixels, float* y, Prefetcher& prefetcher) const {
    PointwiseArgs args;
    args.pixels = pixels;
    args.groups = groups_;
    args.inputs = inputs_;
    args.outputs = outputs_ - rest_;
    args.runs = runs_.data();
    args.run_begin = run_begin_.data();
    args.packed = packed_.get();
    args.blocks = blocks_.data();
    args.block_pixels = std::max(near_floats / inputs_, least_pixels);
    args.tile_pixels = 1;
    args.tiles = pixels;
    kernels::Addresses memory;
    memory.arena = kernels::bytes_at(y);
    memory.rows = kernels::bytes_at(const_cast<float*>(x));  // only read
    multiply_(args, memory, {0, pixels}, prefetcher);
    for (std::int32_t h = 0; h < groups_ && rest_ != 0; ++h) {
      DotsArgs dots;
      dots.x = x + h * static_cast<std::ptrdiff_t>(inputs_);
      dots.x_stride = in_stride_;
      dots.inputs = inputs_;
      dots.outputs = rest_;
      dots.packed = packed_rest_.get() + h * packed_rest_floats_;
      dots.bias = rest_bias_.data() + h * rest_;
      dots.pixels = pixels;
      dots.y = y + (h + 1) * static_cast<std::ptrdiff_t>(outputs_) - rest_;
      dots.y_stride = out_stride_;
      dots_(dots);
    }
  }

 private:
  static constexpr std::int32_t near_floats = 6 * 1024;  // of x that stay in the first-level cache
  static constexpr std::int32_t least_pixels = 48;       // or the weights would come too often from the second

  const kernels::PointwiseKernel& kernel_;
  Multiply multiply_;
  Dots dots_;
  std::int32_t groups_, inputs_, outputs_;
  std::int32_t rest_;  ///< of a group's outputs, the last ones: by dot products
  std::ptrdiff_t in_stride_, out_stride_;
  memory::Aligned<float> packed_;
  std::size_t packed_floats_ = 0;
  std::vector<kernels::ChannelRun> runs_;
  std::vector<kernels::Block> blocks_;
  std::vector<std::int32_t> run_begin_, input_order_, output_order_;
  std::vector<std::int64_t> rest_rows_;  ///< rows of weights
  memory::Aligned<float> packed_rest_;   ///< group after group
  std::int64_t packed_rest_floats_ = 0;  ///< of a group
  std::vector<float> rest_bias_;
};

/// One tap, of each pixel in turn; of one tap, any dilation is none.
bool is_pointwise(kernels::Window window) {
  window.dilation_h = window.dilation_w = 1;
  return window == kernels::Window{};
}

class Convolution final : public Operation {
 public:
  Convolution(const KernelTables& tables, const kernels::Window& window, std::int32_t groups,
              const WeightParameters& parameters, const kernels::Extent& extent, Operand operand,
              std::vector<std::int32_t> input_order, const LayerResult& block)
      : tables_(tables),
        window_(window),
        pointwise_(is_pointwise(window)),
        extent_(extent),
        parameters_(parameters),
        operand_(std::move(operand)),
        block_(block),
        groups_(groups),
        taps_(window_.kernel_h * window_.kernel_w),
        group_channels_(operand_.columns() / groups_),
        inputs_(group_channels_ * taps_),
        outputs_(block.channels / groups_),
        in_place_(pointwise_ && operand_.is_plain()),
        turned_(filled(inputs_, tables.kernels.lanes) > filled(outputs_, tables.kernels.lanes)),
        dx_stride_(row_floats(groups_ * static_cast<std::int64_t>(inputs_))),
        x_stride_(in_place_ ? operand_.columns() : dx_stride_),
        y_stride_(row_floats(block.channels)),
        image_stride_(operand_.columns()),
        gradient_stride_(row_floats(turned_ ? inputs_ : outputs_)) {
    const std::int64_t fits = cache_floats / (2 * dx_stride_ + y_stride_);
    rows_ = static_cast<std::int32_t>(std::clamp<std::int64_t>(fits / 24 * 24, least_rows, most_rows));
    // By column: where its weight stands among an output's; by position: which of the group's outputs it is.
    weight_of_column_.resize(static_cast<std::size_t>(groups_) * inputs_);
    for (std::int32_t h = 0; h < groups_; ++h) {
      for (std::int32_t t = 0; t < taps_; ++t) {
        for (std::int32_t c = 0; c < group_channels_; ++c) {
          const auto channel = static_cast<std::size_t>(h * group_channels_ + c);
          weight_of_column_[static_cast<std::size_t>(h * inputs_ + t * group_channels_ + c)] =
              input_order[channel] * taps_ + t;
        }
      }
    }
    std::vector<std::int32_t> output_order(block.order);
    for (std::size_t position = 0; position < output_order.size(); ++position) {
      output_order[position] -= static_cast<std::int32_t>(position) / outputs_ * outputs_;
    }
    forward_ = std::make_unique<Product>(tables, groups_, inputs_, outputs_, x_stride_,
                                         block.is_one_part() ? block.channels : y_stride_, weight_of_column_,
                                         std::move(output_order));
    if (block.wants_gradient && operand_.wants_gradient()) {
      if (pointwise_) direct_ = operand_.gradient_in_place();
      const auto straight = [&](std::int32_t count) {
        std::vector<std::int32_t> order(static_cast<std::size_t>(groups_) * count);
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i) % count;
        return order;
      };
      backward_ = std::make_unique<Product>(tables, groups_, outputs_, inputs_, y_stride_,
                                            direct_ != nullptr ? direct_->channels : dx_stride_, straight(outputs_),
                                            straight(inputs_));
    }
    if (!parameters_.weight_gradient.empty()) {
      parts_.resize(static_cast<std::size_t>(tables.workers));
      for (Part& part : parts_) {
        part.weights = memory::allocate<float>(weight_floats() + slack);
        part.bias.resize(static_cast<std::size_t>(block.channels));
        part.squares.resize(part.bias.size());
      }
      zeros_.resize(static_cast<std::size_t>(block.channels), 0.0F);
      column_place_.assign(weight_of_column_.begin(), weight_of_column_.end());
      row_place_.assign(block.order.begin(), block.order.end());
      for (std::int64_t& place : row_place_) place *= inputs_;
      if (!turned_) std::swap(column_place_, row_place_);
    }
  }

  [[nodiscard]] std::int64_t scratch() const override {
    const std::int64_t matrices = rows_ * (2 * dx_stride_ + y_stride_) + 3 * slack;
    return pointwise_ ? matrices : matrices + 2 * (in_pixels() * image_stride_ + slack);
  }

  void pack() override {
    forward_->pack(parameters_.weights, parameters_.bias);
    if (!backward_) return;
    transposed_.resize(parameters_.weights.size());
    float* to = transposed_.data();
    for (std::int32_t h = 0; h < groups_; ++h) {
      const std::int32_t* const order = block_.order.data() + h * outputs_;
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
        block_.prefetch_results(prefetcher, next, rows);
      });
      if (block_.is_one_part()) {
        forward_->run(x, count, block_.y + first * block_.channels, prefetcher);
        block_.computed(share.worker, first, count);
      } else {
        forward_->run(x, count, m.dy, prefetcher);
        block_.write(tables_.training_kernels, share.worker, first, count, m.dy, y_stride_);
      }
    });
  }

  void backward(const Share& share) override {
    const Matrices m(*this, share);
    Part* const part = parts_.empty() ? nullptr : &parts_[static_cast<std::size_t>(share.worker)];
    if (part != nullptr) {
      std::memset(static_cast<void*>(part->weights.get()), 0,
                  static_cast<std::size_t>(weight_floats()) * sizeof(float));
      std::fill(part->bias.begin(), part->bias.end(), 0.0F);
    }
    Prefetcher prefetcher;
    for_rows(share, m, false, [&](const float* x, std::int64_t first, std::int32_t count) {
      prefetch_next(share, first + count, prefetcher, [&](std::int64_t next, std::int64_t rows) {
        block_.prefetch_gradient(prefetcher, next, rows);
        if (!pointwise_) return;
        operand_.prefetch(prefetcher, next, rows);
        if (backward_) operand_.prefetch_gradient(prefetcher, next, rows);
      });
      block_.read_gradient(tables_.training_kernels, first, count, m.dy, y_stride_);
      if (part != nullptr) add_weight_gradient(*part, x, m.dy, count, prefetcher);
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
    if (parts_.empty()) return;
    const std::int32_t width = turned_ ? inputs_ : outputs_, height = turned_ ? outputs_ : inputs_;
    const std::int32_t blocks = (width + columns_at_once - 1) / columns_at_once;
    for_share(static_cast<std::int64_t>(groups_) * blocks, share.worker, share.workers, [&](std::int64_t b) {
      const auto h = static_cast<std::int32_t>(b / blocks),
                 i0 = static_cast<std::int32_t>(b % blocks) * columns_at_once;
      const std::int32_t i1 = std::min(i0 + columns_at_once, width);
      const std::int64_t* const column_places = column_place_.data() + h * width + i0;
      for (std::int32_t row = h * height; row < (h + 1) * height; ++row) {
        const std::int64_t at = row * gradient_stride_ + i0;
        float sums[columns_at_once] = {};
        for (const Part& part : parts_) {
          const float* const from = part.weights.get() + at;
          __builtin_prefetch(from + rows_ahead * gradient_stride_);
          for (std::int32_t i = 0; i < columns_at_once; ++i) sums[i] += from[i];
        }
        float* const to = parameters_.weight_gradient.data() + row_place_[static_cast<std::size_t>(row)];
        for (std::int32_t i = 0; i < i1 - i0; ++i) to[column_places[i]] = sums[i];
      }
    });
    if (parameters_.bias_gradient.empty()) return;
    for_share(block_.channels, share.worker, share.workers, [&](std::int64_t at) {
      const auto position = static_cast<std::size_t>(at);
      float sum = 0;
      for (const Part& part : parts_) sum += part.bias[position];
      parameters_.bias_gradient[static_cast<std::size_t>(block_.order[position])] = sum;
    });
  }

 private:
  // A worker's matrices together: half of a second-level cache of 512 KiB, and enough rows for the tiles of weights to
  // be worth loading and storing.
  static constexpr std::int64_t cache_floats = 64 * 1024;
  static constexpr std::int64_t least_rows = 96, most_rows = 240;
  // Of a worker's sums, which are written transposed: a line of each row, so that lines stay in the first-level cache.
  static constexpr std::int32_t columns_at_once = 16;
  static constexpr std::int32_t rows_ahead = 8;  // whose lines are asked for: they are too far apart to be guessed

  /// How much of their last vector a row's values fill, as a part of all vectors.
  static double filled(std::int32_t values, std::int32_t lanes) {
    return static_cast<double>(values) / (static_cast<double>(lanes) * ((values + lanes - 1) / lanes));
  }

  /// One worker's sums over its share.
  struct Part {
    memory::Aligned<float> weights;  ///< groups * inputs rows of outputs, or turned
    std::vector<float> bias;
    std::vector<float> squares;  ///< a sum that comes with the bias's and is not used
  };

  /// Where a worker's matrices stand in its scratch.
  struct Matrices {
    float *x, *dy, *dx, *image = nullptr, *image_gradient = nullptr;
    Matrices(const Convolution& of, const Share& share)
        : x(share.scratch), dy(x + of.rows_ * of.dx_stride_ + slack), dx(dy + of.rows_ * of.y_stride_ + slack) {
      if (of.pointwise_) return;
      image = dx + of.rows_ * of.dx_stride_ + slack;
      image_gradient = image + of.in_pixels() * of.image_stride_ + slack;
    }
  };

  [[nodiscard]] std::int64_t in_pixels() const { return static_cast<std::int64_t>(extent_.in_h) * extent_.in_w; }
  [[nodiscard]] std::int64_t weight_floats() const {
    return static_cast<std::int64_t>(groups_) * (turned_ ? outputs_ : inputs_) * gradient_stride_;
  }

  /// Calls f(x, first pixel of the batch, count) for every matrix of the share's pixels.
  template <class F>
  void for_rows(const Share& share, const Matrices& m, bool first_time, F&& f) {
    if (pointwise_) {
      const std::int64_t end = share.last * block_.pixels;
      for (std::int64_t first = share.first * block_.pixels; first < end; first += rows_) {
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
    for (std::int64_t image = share.first; image < share.last; ++image) {
      if (first_time) operand_.prepare(share.worker, image * in_pixels(), in_pixels());
      const float* whole = operand_.in_place();
      if (whole != nullptr) {
        whole += image * in_pixels() * image_stride_;
      } else {
        operand_.read(tables_.training_kernels, image * in_pixels(), in_pixels(), m.image, image_stride_);
        whole = m.image;
      }
      for (std::int64_t pixel = 0; pixel < block_.pixels; pixel += rows_) {
        const auto count = static_cast<std::int32_t>(std::min<std::int64_t>(rows_, block_.pixels - pixel));
        unfold(m, whole, pixel, count);
        f(m.x, image * block_.pixels + pixel, count);
      }
    }
  }

  /// Calls f(floats of the matrix, floats of the image or null outside it, how many) for what the windows of `count`
  /// output pixels read: a row of a window at once where it lies inside and side by side, else a tap's channels of a
  /// group.
  template <class F>
  void for_taps(float* rows, float* image, std::int64_t pixel, std::int32_t count, F&& f) const {
    const kernels::Window& w = window_;
    std::int32_t out_y = static_cast<std::int32_t>(pixel / extent_.out_w);
    std::int32_t out_x = static_cast<std::int32_t>(pixel % extent_.out_w);
    const std::int32_t reach = (w.kernel_w - 1) * w.dilation_w;
    for (std::int32_t p = 0; p < count; ++p, rows += x_stride_) {
      const std::int32_t top = out_y * w.stride_h - w.pad_top, left = out_x * w.stride_w - w.pad_left;
      const bool whole_rows = groups_ == 1 && w.dilation_w == 1 && left >= 0 && left + reach < extent_.in_w;
      for (std::int32_t i = 0; i < w.kernel_h; ++i) {
        const std::int32_t y = top + i * w.dilation_h;
        const bool inside = y >= 0 && y < extent_.in_h;
        float* to = rows + i * w.kernel_w * group_channels_;
        if (whole_rows) {
          float* const from = image + (static_cast<std::int64_t>(y) * extent_.in_w + left) * image_stride_;
          f(to, inside ? from : nullptr, w.kernel_w * group_channels_);
          continue;
        }
        for (std::int32_t j = 0; j < w.kernel_w; ++j, to += group_channels_) {
          const std::int32_t x = left + j * w.dilation_w;
          const bool tap_inside = inside && x >= 0 && x < extent_.in_w;
          float* const from = image + (static_cast<std::int64_t>(y) * extent_.in_w + x) * image_stride_;
          for (std::int32_t h = 0; h < groups_; ++h) {
            f(to + h * inputs_, tap_inside ? from + h * group_channels_ : nullptr, group_channels_);
          }
        }
      }
      if (++out_x == extent_.out_w) out_x = 0, ++out_y;
    }
  }

  void unfold(const Matrices& m, const float* image, std::int64_t pixel, std::int32_t count) const {
    for_taps(m.x, const_cast<float*>(image), pixel, count, [](float* to, const float* from, std::int32_t floats) {
      if (from == nullptr) {
        for (std::int32_t c = 0; c < floats; ++c) to[c] = 0.0F;
      } else {
        for (std::int32_t c = 0; c < floats; ++c) to[c] = from[c];
      }
    });
  }

  /// The gradient of unfold(): pixels that several windows hold add up. An image's gradient is written with its last
  /// pixel.
  void fold(const Matrices& m, int worker, std::int64_t first, std::int32_t count) const {
    const std::int64_t image = first / block_.pixels, pixel = first % block_.pixels;
    if (pixel == 0) std::fill_n(m.image_gradient, in_pixels() * image_stride_, 0.0F);
    for_taps(m.dx, m.image_gradient, pixel, count, [](const float* from, float* to, std::int32_t floats) {
      if (to == nullptr) return;
      for (std::int32_t c = 0; c < floats; ++c) to[c] += from[c];
    });
    if (pixel + count == block_.pixels) {
      operand_.write_gradient(tables_.training_kernels, worker, image * in_pixels(), in_pixels(), m.image_gradient,
                              image_stride_);
    }
  }

  /// Calls f(first, count) for the rows of the next matrices, if there are any, to fill the list anew.
  template <class F>
  void prefetch_next(const Share& share, std::int64_t first, Prefetcher& prefetcher, F&& f) const {
    prefetcher.clear();
    const std::int64_t count = std::min<std::int64_t>(rows_, share.last * block_.pixels - first);
    if (count > 0) f(first, count);
  }

  void add_weight_gradient(Part& part, const float* x, const float* dy, std::int32_t count,
                           Prefetcher& prefetcher) const {
    for (std::int32_t h = 0; h < groups_; ++h) {
      WeightGradientArgs args;
      args.x = x + static_cast<std::ptrdiff_t>(h) * inputs_;
      args.dy = dy + static_cast<std::ptrdiff_t>(h) * outputs_;
      args.x_stride = x_stride_;
      args.dy_stride = y_stride_;
      args.inputs = inputs_;
      args.outputs = outputs_;
      if (turned_) {
        std::swap(args.x, args.dy);
        std::swap(args.x_stride, args.dy_stride);
        std::swap(args.inputs, args.outputs);
      }
      args.pixels = count;
      args.gradient = part.weights.get() + static_cast<std::int64_t>(h) * args.inputs * gradient_stride_;
      args.gradient_stride = gradient_stride_;
      tables_.training_kernels.weight_gradient(args, prefetcher);
    }
    if (!parameters_.bias_gradient.empty()) {
      tables_.training_kernels.moments(dy, y_stride_, block_.channels, count, zeros_.data(), part.bias.data(),
                                       part.squares.data());
    }
  }

  const KernelTables& tables_;
  kernels::Window window_;
  bool pointwise_;
  kernels::Extent extent_;
  WeightParameters parameters_;
  Operand operand_;
  const LayerResult& block_;
  std::int32_t groups_, taps_, group_channels_;
  std::int32_t inputs_, outputs_;  ///< of a group, K and N
  bool in_place_;                  ///< x is the operand where it stands
  bool turned_;                    ///< dW is summed up as dy^T x, outputs x inputs: its vectors are fuller
  std::int64_t dx_stride_, x_stride_, y_stride_, image_stride_, gradient_stride_;
  std::int32_t rows_ = 0;
  std::unique_ptr<Product> forward_, backward_;
  const LayerResult* direct_ = nullptr;  ///< whose gradient dx is written to as it is computed
  std::vector<std::int32_t> weight_of_column_;
  std::vector<float> transposed_, zeros_;
  std::vector<std::int64_t> row_place_, column_place_;  ///< of a worker's sums: their sum is a weight's place
  std::vector<Part> parts_;
};

}  // namespace

std::unique_ptr<Operation> make_convolution(const KernelTables& tables, const kernels::Window& window,
                                            std::int32_t groups, const WeightParameters& parameters,
                                            const kernels::Extent& extent, Operand operand,
                                            std::vector<std::int32_t> input_order, const LayerResult& block) {
  return std::make_unique<Convolution>(tables, window, groups, parameters, extent, std::move(operand),
                                       std::move(input_order), block);
}

}  // namespace riffle::trainer
