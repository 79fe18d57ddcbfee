// The convolution of the network's input, whose gradient nobody wants: forward by the engine's stem kernel, and
// backward, over the rows of outputs, to the gradient of the weights alone.
//
//   picture, two planes, 3x3     lines: what a row of outputs reads, between zeros for what is outside the picture
//   . . . . . . .                0 . . . . . . . 0    plane 0                 a tap of the row's outputs, with stride
//   2: . . . . . . .     ------>    0 . . . . . . . 0                                x   x   x   x . . . . . . . 0 . .
//   . . . . . 0 . . . . . . .                0 . . . . . . . 0    plane 1 ...
//                                1 1 1 1 1 1 1 1 1    ones, whose tap is the bias
//
// Where max pooling stands behind it, only what that keeps is ever in memory: norm and activation leave the order of a
// channel's values as it is, once the channels with a negative scale are negated (Norm::negate_channels), so
// that the largest values can be picked before the batch's statistics are known, and the norm's and the activation's
// gradients are sums over those alone. The others are computed again on the way back, which costs less than to read
// them.
//
//   forward    picture --stem--> a ring of rows --pool--> result        backward   picture --stem--> the ring again
//                                    '--> statistics                    result's gradient --pool--> rows of gradients
#include <algorithm>

#include "engine/memory/aligned.hpp"
#include "trainer/network/bands.hpp"
#include "trainer/network/operation.hpp"
#include "trainer/team.hpp"

namespace riffle::trainer {
namespace {

using kernels::ChannelwiseRun;
using kernels::Place;
using kernels::Space;
using kernels::StemArgs;

/// The convolution: rows of outputs, and what their gradients are to the weights.
class StemRows {
 public:
  StemRows(const KernelTables& tables, const kernels::Window& window, const WeightParameters& parameters,
           const kernels::Extent& extent, const LayerResult& input, const LayerResult& result,
           const kernels::Block& output)
      : tables_(tables), parameters_(parameters), input_(input), result_(result) {
    const std::int32_t taps = window.kernel_h * window.kernel_w;
    const auto& kernel = tables.kernels.row<kernels::StemKernel>();
    packed_bytes_ = static_cast<std::size_t>(kernels::packed_stem_bytes(kernel, input.channels, taps, result.channels));
    packed_ = memory::allocate<std::byte>(static_cast<std::int64_t>(packed_bytes_));
    args_.extent = extent;
    args_.window = window;
    args_.channels = input.channels;
    args_.outputs = result.channels;
    args_.input = {{0, Space::input}};
    args_.packed = packed_.get();
    args_.output = output;
    args_.tile_rows = 1;
    args_.tiles = extent.out_h;
    signs_.resize(static_cast<std::size_t>(result.channels), 1.0);
    if (!wants_gradient()) return;

    const std::int32_t reach = (extent.out_w - 1) * window.stride_w + (window.kernel_w - 1) * window.dilation_w + 1;
    line_ = std::max(window.pad_left + extent.in_w, reach);
    lines_ = input.channels * window.kernel_h;
    for (std::int32_t line = 0; line < lines_; ++line) {
      for (std::int32_t j = 0; j < window.kernel_w; ++j) taps_.push_back(line * line_ + j * window.dilation_w);
    }
    if (!parameters_.bias_gradient.empty()) taps_.push_back(lines_ * line_);
    parts_.resize(static_cast<std::size_t>(tables.workers));
    for (std::vector<float>& part : parts_) part.resize(taps_.size() * static_cast<std::size_t>(result.channels));
    ones_.resize(static_cast<std::size_t>(result.channels), 1.0F);
    zeros_.resize(ones_.size(), 0.0F);
  }

  [[nodiscard]] const kernels::Extent& extent() const { return args_.extent; }
  [[nodiscard]] bool wants_gradient() const { return !parameters_.weight_gradient.empty(); }

  /// With the channels negated that the norm has so.
  void pack() {
    for (std::size_t position = 0; result_.norm && position < result_.order.size(); ++position) {
      signs_[static_cast<std::size_t>(result_.order[position])] = static_cast<double>(result_.norm->sign(position));
    }
    bias_.assign(parameters_.bias.begin(), parameters_.bias.end());
    for (std::size_t output = 0; output < bias_.size(); ++output) bias_[output] *= static_cast<float>(signs_[output]);
    kernels::pack_stem(tables_.kernels.row<kernels::StemKernel>(), input_.channels,
                       args_.window.kernel_h * args_.window.kernel_w, result_.channels, {parameters_.weights, signs_},
                       bias_, result_.order, {packed_.get(), packed_bytes_});
  }

  /// Rows of an image's outputs.
  void compute(std::int64_t image, Rows rows, kernels::Addresses memory) const {
    const std::byte* const planes = kernels::bytes_at(picture(image));
    memory.inputs = &planes;
    tables_.kernels.row<kernels::StemKernel>().run(args_, memory, {rows.begin, rows.end});
  }

  // Backward: begin(), add() for every row of outputs, and when all workers have done so finish() by one. `lines` are
  // line_floats() of scratch.
  [[nodiscard]] std::int64_t line_floats() const { return (lines_ + 1) * line_; }
  void begin(int worker, float* lines) {
    std::vector<float>& part = parts_[static_cast<std::size_t>(worker)];
    std::fill(part.begin(), part.end(), 0.0F);
    std::fill_n(lines, lines_ * line_, 0.0F);
    std::fill_n(lines + lines_ * line_, line_, 1.0F);
  }
  /// Row y, of whose first output `dy` is the gradient.
  void add(int worker, std::int64_t image, std::int32_t y, const GradientColumns& dy, float* lines) {
    copy_lines(picture(image), y, lines);
    StemWeightGradientArgs args;
    args.x = lines;
    args.taps = taps_.data();
    args.tap_count = static_cast<std::int32_t>(taps_.size());
    args.step = args_.window.stride_w;
    args.dy = dy;
    if (dy.a == nullptr) {  // 1 * gradient + 0 * gradient + 0
      args.dy.y = dy.gradient;
      args.dy.a = ones_.data();
      args.dy.b = args.dy.k = zeros_.data();
    }
    args.pixels = args_.extent.out_w;
    args.gradient = parts_[static_cast<std::size_t>(worker)].data();
    args.gradient_stride = result_.channels;
    tables_.training_kernels.stem_weight_gradient(args);
  }
  void finish() const {
    const std::size_t channels = result_.order.size(), inputs = parameters_.weights.size() / channels;
    for (std::size_t position = 0; position < channels; ++position) {
      const auto output = static_cast<std::size_t>(result_.order[position]);
      for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
        float sum = 0;
        for (const std::vector<float>& part : parts_) sum += part[tap * channels + position];
        (tap < inputs ? parameters_.weight_gradient[output * inputs + tap] : parameters_.bias_gradient[output]) =
            sum * static_cast<float>(signs_[output]);
      }
    }
  }

 private:
  [[nodiscard]] const float* picture(std::int64_t image) const {
    return input_.y + image * input_.pixels * input_.channels;
  }

  /// What row y of the outputs reads of a picture.
  void copy_lines(const float* picture, std::int32_t y, float* lines) const {
    const kernels::Window& window = args_.window;
    float* to = lines + window.pad_left;
    for (std::int32_t c = 0; c < input_.channels; ++c, picture += input_.pixels) {
      for (std::int32_t i = 0; i < window.kernel_h; ++i, to += line_) {
        const std::int32_t row = y * window.stride_h - window.pad_top + i * window.dilation_h;
        if (row >= 0 && row < args_.extent.in_h) {
          std::copy_n(picture + static_cast<std::ptrdiff_t>(row) * args_.extent.in_w, args_.extent.in_w, to);
        } else {
          std::fill_n(to, args_.extent.in_w, 0.0F);
        }
      }
    }
  }

  const KernelTables& tables_;
  WeightParameters parameters_;
  const LayerResult &input_, &result_;
  StemArgs args_;
  memory::Aligned<std::byte> packed_;
  std::size_t packed_bytes_ = 0;
  std::vector<double> signs_;              ///< by output
  std::vector<float> bias_;                ///< times those
  std::int64_t line_ = 0, lines_ = 0;      ///< floats of a line, and how many there are but for the ones
  std::vector<std::ptrdiff_t> taps_;       ///< in the order of an output's weights, then the bias
  std::vector<std::vector<float>> parts_;  ///< by worker: its sums, tap by tap, a value a position
  std::vector<float> ones_, zeros_;
};

class Stem final : public Operation {
 public:
  Stem(const KernelTables& tables, const kernels::Window& window, const WeightParameters& parameters,
       const kernels::Extent& extent, const LayerResult& input, const LayerResult& result)
      : rows_(tables, window, parameters, extent, input, result, {Place{0, Space::arena}, result.channels, 0}),
        result_(result) {}

  [[nodiscard]] std::int64_t scratch() const override { return rows_.line_floats(); }

  void pack() override { rows_.pack(); }

  void forward(const Share& share) override {
    const std::int32_t width = rows_.extent().out_w;
    for (std::int64_t image = share.first; image < share.last; ++image) {
      kernels::Addresses memory;
      memory.arena = kernels::bytes_at(result_.y + image * result_.pixels * result_.channels);
      for (std::int32_t y = 0; y < rows_.extent().out_h; ++y) {
        rows_.compute(image, {y, y + 1}, memory);
        result_.computed(share.worker, image * result_.pixels + y * width, width);
      }
    }
  }

  void backward(const Share& share) override {
    if (!rows_.wants_gradient()) return;
    rows_.begin(share.worker, share.scratch);
    for (std::int64_t image = share.first; image < share.last; ++image) {
      for (std::int32_t y = 0; y < rows_.extent().out_h; ++y) {
        const std::int64_t pixel = image * result_.pixels + y * rows_.extent().out_w;
        rows_.add(share.worker, image, y, result_.gradient_columns(result_.parts[0], pixel), share.scratch);
      }
    }
  }

  void collect(const Share& share) override {
    if (rows_.wants_gradient() && share.worker == 0) rows_.finish();
  }

 private:
  StemRows rows_;
  const LayerResult& result_;
};

/// With max pooling behind it.
class PooledStem final : public Operation {
 public:
  PooledStem(const KernelTables& tables, const kernels::Window& window, const WeightParameters& parameters,
             const kernels::Extent& extent, const kernels::Window& pool, const kernels::Extent& pooled,
             const LayerResult& input, const LayerResult& result)
      : tables_(tables),
        result_(result),
        stride_(row_floats(result.channels)),
        bands_(pooled, pool, pooled.in_w * stride_),
        ring_{bands_.in_rows(), pooled.in_w, stride_},
        rows_(tables, window, parameters, extent, input, result,
              {Place{0, Space::rows}, static_cast<std::int32_t>(stride_), ring_.pixels()}) {
    args_.extent = pooled;
    args_.window = pool;
    args_.channels = result.channels;
    args_.in_stride = stride_;
    args_.in_ring = ring_.pixels();
    args_.out_stride = result.channels;
    run_.input = {Place{0, Space::rows}, static_cast<std::int32_t>(stride_), result.channels, ring_.pixels()};
  }

  [[nodiscard]] std::int64_t scratch() const override { return 2 * (ring_.floats() + slack) + rows_.line_floats(); }

  void pack() override {
    if (result_.norm) result_.norm->negate_channels();
    rows_.pack();
  }

  void forward(const Share& share) override {
    const kernels::PoolArgs args = pool_args(args_, run_);
    kernels::Addresses memory;
    memory.rows = kernels::bytes_at(share.scratch);
    for (std::int64_t image = share.first; image < share.last; ++image) {
      memory.arena = kernels::bytes_at(result_.y + image * result_.pixels * result_.channels);
      bands_.for_each([&](const Band& band) {
        for (std::int32_t y = band.in.begin; y < band.in.end; ++y) {
          rows_.compute(image, {y, y + 1}, memory);
          if (result_.norm) result_.norm->observe(share.worker, share.scratch + at(y), stride_, ring_.width);
        }
        tables_.kernels.row<kernels::PoolKernel>().max(args, memory, {band.out.begin, band.out.end});
      });
    }
  }

  void backward(const Share& share) override {
    if (!rows_.wants_gradient()) return;
    float* const x = share.scratch;
    float* const dx = x + ring_.floats() + slack;
    float* const lines = dx + ring_.floats() + slack;
    rows_.begin(share.worker, lines);
    kernels::Addresses memory;
    memory.rows = kernels::bytes_at(x);
    GradientColumns columns;
    columns.pixel_stride = stride_;
    columns.channels = result_.channels;
    if (result_.norm) result_.norm->fill(columns, 0);
    for (std::int64_t image = share.first; image < share.last; ++image) {
      bands_.for_each([&](const Band& band) {
        rows_.compute(image, band.in, memory);
        tables_.training_kernels.max_pool_gradient(args_, band.out, band.in, x,
                                                   result_.gradient + image * result_.pixels * result_.channels, dx);
        for (std::int32_t y = band.done.begin; y < band.done.end; ++y) {
          columns.gradient = dx + at(y);
          columns.y = x + at(y);
          rows_.add(share.worker, image, y, columns, lines);
        }
      });
    }
  }

  void collect(const Share& share) override {
    if (rows_.wants_gradient() && share.worker == 0) rows_.finish();
  }

 private:
  /// Where row y is in a ring.
  [[nodiscard]] std::int64_t at(std::int32_t y) const { return y % ring_.rows * ring_.width * stride_; }

  const KernelTables& tables_;
  const LayerResult& result_;
  WindowArgs args_;
  std::int64_t stride_;
  Bands bands_;
  Ring ring_;
  StemRows rows_;
  ChannelwiseRun run_;
};

}  // namespace

std::unique_ptr<Operation> make_stem(const KernelTables& tables, const kernels::Window& window,
                                     const WeightParameters& parameters, const kernels::Extent& extent,
                                     const LayerResult& input, const LayerResult& result) {
  return std::make_unique<Stem>(tables, window, parameters, extent, input, result);
}

std::unique_ptr<Operation> make_pooled_stem(const KernelTables& tables, const kernels::Window& window,
                                            const WeightParameters& parameters, const kernels::Extent& extent,
                                            const kernels::Window& pool, const kernels::Extent& pooled,
                                            const LayerResult& input, const LayerResult& result) {
  return std::make_unique<PooledStem>(tables, window, parameters, extent, pool, pooled, input, result);
}

}  // namespace riffle::trainer
