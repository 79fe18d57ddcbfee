// The convolution of the network's input, whose gradient nobody wants: forward by the engine's stem kernel, and
// backward, over the rows of outputs, to the gradient of the weights alone.
//
//   picture, two planes, 3x3     lines: what a row of outputs reads, between zeros for what is outside the picture
//   . . . . . . .                0 . . . . . . . 0    plane 0                 a tap of the row's outputs, with stride
//   2: . . . . . . .     ------>    0 . . . . . . . 0                                x   x   x   x . . . . . . . 0 . .
//   . . . . . 0 . . . . . . .                0 . . . . . . . 0    plane 1 ...
//                                1 1 1 1 1 1 1 1 1    ones, whose tap is the bias
#include <algorithm>

#include "engine/plan/storage.hpp"
#include "engine/run/team.hpp"
#include "trainer/network/operation.hpp"

namespace riffle::trainer {
namespace {

using kernels::Place;
using kernels::Space;
using kernels::StemArgs;

class Stem final : public Operation {
 public:
  Stem(const Tools& tools, const graph::Convolution& convolution, const WeightParameters& parameters,
       const kernels::Extent& extent, const Block& input, const Block& block)
      : tools_(tools), parameters_(parameters), input_(input), block_(block) {
    const kernels::Window& window = convolution.window;
    const std::int32_t taps = window.kernel_h * window.kernel_w;
    packed_floats_ = static_cast<std::size_t>(
        kernels::packed_stem_size(input.channels, taps, block.channels, tools.kernels.stem.lanes));
    packed_ = plan::allocate_floats(packed_floats_);
    args_.extent = extent;
    args_.window = window;
    args_.channels = input.channels;
    args_.outputs = block.channels;
    args_.input = {0, Space::input};
    args_.packed = packed_.get();
    args_.output = {Place{0, Space::arena}, block.channels, 0};
    args_.tile_rows = 1;
    args_.tiles = extent.out_h;
    if (parameters_.weight_gradient.empty()) return;

    const std::int32_t reach = (extent.out_w - 1) * window.stride_w + (window.kernel_w - 1) * window.dilation_w + 1;
    line_ = std::max(window.pad_left + extent.in_w, reach);
    lines_ = input.channels * window.kernel_h;
    for (std::int32_t line = 0; line < lines_; ++line) {
      for (std::int32_t j = 0; j < window.kernel_w; ++j) taps_.push_back(line * line_ + j * window.dilation_w);
    }
    if (!parameters_.bias_gradient.empty()) taps_.push_back(lines_ * line_);
    parts_.resize(static_cast<std::size_t>(tools.workers));
    for (std::vector<float>& part : parts_) part.resize(taps_.size() * static_cast<std::size_t>(block.channels));
    ones_.resize(static_cast<std::size_t>(block.channels), 1.0F);
    zeros_.resize(ones_.size(), 0.0F);
  }

  [[nodiscard]] std::int64_t scratch() const override { return (lines_ + 1) * line_; }

  void pack() override {
    kernels::pack_stem(tools_.kernels.stem, input_.channels, args_.window.kernel_h * args_.window.kernel_w,
                       block_.channels, parameters_.weights, parameters_.bias, block_.order,
                       {packed_.get(), packed_floats_});
  }

  void forward(const Share& share) override {
    const std::int32_t width = args_.extent.out_w;
    for (std::int64_t image = share.first; image < share.last; ++image) {
      kernels::Memory memory;
      memory.input = picture(image);
      memory.arena = block_.y + image * block_.pixels * block_.channels;
      for (std::int32_t y = 0; y < args_.extent.out_h; ++y) {
        tools_.kernels.stem.run(args_, memory, {y, y + 1});
        block_.computed(share.worker, image * block_.pixels + y * width, width);
      }
    }
  }

  void backward(const Share& share) override {
    if (parts_.empty()) return;
    std::vector<float>& part = parts_[static_cast<std::size_t>(share.worker)];
    std::fill(part.begin(), part.end(), 0.0F);
    float* const lines = share.scratch;
    std::fill_n(lines, lines_ * line_, 0.0F);
    std::fill_n(lines + lines_ * line_, line_, 1.0F);
    TapsArgs args;
    args.x = lines;
    args.taps = taps_.data();
    args.tap_count = static_cast<std::int32_t>(taps_.size());
    args.step = args_.window.stride_w;
    args.pixels = args_.extent.out_w;
    args.gradient = part.data();
    args.gradient_stride = block_.channels;
    for (std::int64_t image = share.first; image < share.last; ++image) {
      for (std::int32_t y = 0; y < args_.extent.out_h; ++y) {
        copy_lines(picture(image), y, lines);
        args.dy = gradient_columns(image * block_.pixels + y * args_.extent.out_w);
        tools_.training_kernels.taps(args);
      }
    }
  }

  void collect(const Share& share) override {
    if (parts_.empty() || share.worker != 0) return;
    const std::size_t channels = block_.order.size(), inputs = parameters_.weights.size() / channels;
    for (std::size_t position = 0; position < channels; ++position) {
      const auto output = static_cast<std::size_t>(block_.order[position]);
      for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
        float sum = 0;
        for (const std::vector<float>& part : parts_) sum += part[tap * channels + position];
        (tap < inputs ? parameters_.weight_gradient[output * inputs + tap] : parameters_.bias_gradient[output]) = sum;
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

  /// The block's, also where there is no norm: then as 1 * gradient + 0 * gradient + 0.
  [[nodiscard]] GradientColumns gradient_columns(std::int64_t first) const {
    GradientColumns columns = block_.gradient_columns(block_.parts[0], first);
    if (columns.a != nullptr) return columns;
    columns.y = columns.gradient;
    columns.a = ones_.data();
    columns.b = columns.k = zeros_.data();
    return columns;
  }

  const Tools& tools_;
  WeightParameters parameters_;
  const Block &input_, &block_;
  StemArgs args_;
  plan::AlignedFloats packed_;
  std::size_t packed_floats_ = 0;
  std::int64_t line_ = 0, lines_ = 0;      ///< floats of a line, and how many there are but for the ones
  std::vector<std::ptrdiff_t> taps_;       ///< in the order of an output's weights, then the bias
  std::vector<std::vector<float>> parts_;  ///< by worker: its sums, tap by tap, a value a position
  std::vector<float> ones_, zeros_;
};

}  // namespace

std::unique_ptr<Operation> make_stem(const Tools& tools, const graph::Convolution& convolution,
                                     const WeightParameters& parameters, const kernels::Extent& extent,
                                     const Block& input, const Block& block) {
  return std::make_unique<Stem>(tools, convolution, parameters, extent, input, block);
}

}  // namespace riffle::trainer
