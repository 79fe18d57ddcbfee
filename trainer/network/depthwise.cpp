// Depthwise 3x3 convolution, some rows of an image at a time (bands.hpp): forward, and backward at stride 1 with the
// filter turned round, by the engine's kernel.
#include <algorithm>

#include "trainer/network/bands.hpp"
#include "trainer/network/operation.hpp"
#include "trainer/team.hpp"

namespace riffle::trainer {
namespace {

using kernels::ChannelwiseRun;
using kernels::DepthwiseArgs;
using kernels::Place;
using kernels::Space;

constexpr std::int32_t taps = 9;

class Depthwise final : public Operation {
 public:
  Depthwise(const KernelTables& tables, const kernels::Window& window, const WeightParameters& parameters,
            const kernels::Extent& extent, Operand operand, const LayerResult& result)
      : tables_(tables),
        parameters_(parameters),
        operand_(std::move(operand)),
        result_(result),
        stride_(row_floats(result.channels)),
        in_pixels_(static_cast<std::int64_t>(extent.in_h) * extent.in_w),
        bands_(extent, window, extent.in_w * stride_),
        in_{bands_.in_rows(), extent.in_w, stride_},
        out_{bands_.out_rows(), extent.out_w, stride_} {
    args_.extent = extent;
    args_.window = window;
    args_.channels = result.channels;
    args_.in_stride = args_.out_stride = stride_;
    args_.in_ring = in_.pixels();
    args_.out_ring = out_.pixels();
    runs_ = {ChannelwiseRun{{Place{0, Space::rows}, static_cast<std::int32_t>(stride_), result.channels, 0}, 0}};
    packed_.resize(static_cast<std::size_t>(kernels::packed_depthwise_bytes(row(), runs_, taps)) / sizeof(float));
    wants_input_gradient_ = result.wants_gradient && operand_.wants_gradient();
    // Each output reads its own pixel and the eight around it: then each input is read by the same nine, mirrored.
    mirrored_ = window.stride_h == 1 && window.stride_w == 1 && window.pad_top == 1 && window.pad_left == 1 &&
                extent.in_h == extent.out_h && extent.in_w == extent.out_w;
    if (mirrored_) packed_mirrored_.resize(packed_.size());
    filters_.resize(static_cast<std::size_t>(taps * stride_));
    if (!parameters_.weight_gradient.empty()) {
      parts_.resize(static_cast<std::size_t>(tables.workers));
      for (Part& part : parts_) {
        part.weights.resize(filters_.size());
        part.bias.resize(static_cast<std::size_t>(result.channels));
        part.squares.resize(part.bias.size());
      }
      zeros_.resize(static_cast<std::size_t>(result.channels), 0.0F);
    }
  }

  [[nodiscard]] std::int64_t scratch() const override { return 2 * in_.floats() + out_.floats() + 3 * slack; }

  void pack() override {
    kernels::pack_depthwise(row(), taps, runs_, parameters_.weights, parameters_.bias, result_.order,
                            std::as_writable_bytes(std::span(packed_)));
    if (!wants_input_gradient_) return;
    if (mirrored_) {
      mirrored_weights_.resize(parameters_.weights.size());
      for (std::size_t i = 0; i < mirrored_weights_.size(); i += taps) {
        std::reverse_copy(parameters_.weights.begin() + static_cast<std::ptrdiff_t>(i),
                          parameters_.weights.begin() + static_cast<std::ptrdiff_t>(i) + taps,
                          mirrored_weights_.begin() + static_cast<std::ptrdiff_t>(i));
      }
      kernels::pack_depthwise(row(), taps, runs_, mirrored_weights_, {}, result_.order,
                              std::as_writable_bytes(std::span(packed_mirrored_)));
      return;
    }
    for (std::size_t position = 0; position < result_.order.size(); ++position) {
      const auto channel = static_cast<std::size_t>(result_.order[position]);
      for (std::size_t t = 0; t < taps; ++t) {
        filters_[t * static_cast<std::size_t>(stride_) + position] = parameters_.weights[channel * taps + t];
      }
    }
  }

  void forward(const Share& share) override {
    float* const x = share.scratch;
    const Extent& extent = args_.extent;
    for (std::int64_t image = share.first; image < share.last; ++image) {
      const std::int64_t in_first = image * in_pixels_, first = image * result_.pixels;
      bands_.for_each([&](const Band& band) {
        in_.for_each(band.in, [&](std::int64_t pixel, std::int64_t count, std::int64_t at) {
          operand_.prepare(share.worker, in_first + pixel, count);
          operand_.read(tables_.training_kernels, in_first + pixel, count, x + at, stride_);
        });
        convolve(packed_.data(), band.out, x, in_, result_.y + first * result_.channels, result_.channels);
        const std::int64_t out = band.out.begin * extent.out_w;
        result_.computed(share.worker, first + out, band.out.end * extent.out_w - out);
      });
    }
  }

  void backward(const Share& share) override {
    float* const x = share.scratch;
    float* const dy = x + in_.floats() + slack;
    float* const dx = dy + out_.floats() + slack;
    Part* const part = parts_.empty() ? nullptr : &parts_[static_cast<std::size_t>(share.worker)];
    if (part != nullptr) {
      std::fill(part->weights.begin(), part->weights.end(), 0.0F);
      std::fill(part->bias.begin(), part->bias.end(), 0.0F);
    }
    const TrainingKernels& kernels = tables_.training_kernels;
    const Extent& extent = args_.extent;
    Prefetcher prefetcher;
    for (std::int64_t image = share.first; image < share.last; ++image) {
      const std::int64_t in_first = image * in_pixels_, first = image * result_.pixels;
      bands_.for_each([&](const Band& band) {
        out_.for_each(band.out, [&](std::int64_t pixel, std::int64_t count, std::int64_t at) {
          result_.read_gradient(kernels, first + pixel, count, dy + at, stride_);
          if (!parameters_.bias_gradient.empty()) {
            kernels.moments(dy + at, stride_, result_.channels, count, zeros_.data(), part->bias.data(),
                            part->squares.data());
          }
        });
        if (part != nullptr) {
          in_.for_each(band.in, [&](std::int64_t pixel, std::int64_t count, std::int64_t at) {
            operand_.read(kernels, in_first + pixel, count, x + at, stride_);
          });
          prefetch_next(band, in_first, first, prefetcher);
          kernels.depthwise_weight_gradient(args_, band.out, x, dy, part->weights.data(), stride_, prefetcher);
        }
        if (!wants_input_gradient_ || band.done.begin == band.done.end) return;
        const std::int64_t done = band.done.begin * extent.in_w, count = band.done.end * extent.in_w - done;
        if (mirrored_) {
          convolve(packed_mirrored_.data(), band.done, dy, out_, dx - done * stride_, stride_);
        } else {
          kernels.depthwise_input_gradient(args_, band.done, dy, filters_.data(), stride_, dx);
        }
        operand_.write_gradient(kernels, share.worker, in_first + done, count, dx, stride_);
      });
    }
  }

  void collect(const Share& share) override {
    if (parts_.empty()) return;
    for_share(result_.channels, share.worker, share.workers, [&](std::int64_t at) {
      const auto position = static_cast<std::size_t>(at);
      const auto channel = static_cast<std::size_t>(result_.order[position]);
      for (std::size_t t = 0; t < taps; ++t) {
        float sum = 0;
        for (const Part& part : parts_) sum += part.weights[t * static_cast<std::size_t>(stride_) + position];
        parameters_.weight_gradient[channel * taps + t] = sum;
      }
      if (parameters_.bias_gradient.empty()) return;
      float sum = 0;
      for (const Part& part : parts_) sum += part.bias[position];
      parameters_.bias_gradient[channel] = sum;
    });
  }

 private:
  [[nodiscard]] const kernels::DepthwiseKernel& row() const { return tables_.kernels.row<kernels::DepthwiseKernel>(); }
  struct Part {
    std::vector<float> weights;        ///< tap by tap, a value a position
    std::vector<float> bias, squares;  ///< the latter come with the sums and are not used
  };

  /// What the backward pass reads for as many rows behind a band, of the next image, too.
  void prefetch_next(const Band& band, std::int64_t in_first, std::int64_t first, Prefetcher& prefetcher) const {
    const std::int64_t in_w = args_.extent.in_w, out_w = args_.extent.out_w;
    prefetcher.clear();
    result_.prefetch_gradient(prefetcher, first + band.out.end * out_w, (band.out.end - band.out.begin) * out_w);
    operand_.prefetch(prefetcher, in_first + band.in.end * in_w, (band.in.end - band.in.begin) * in_w);
  }

  /// Rows `out` of an image, of which `ring` has what they read.
  void convolve(const float* packed, Rows out, const float* from, const Ring& ring, float* to,
                std::int64_t to_stride) const {
    ChannelwiseRun run = runs_[0];
    run.input.ring = ring.pixels();
    DepthwiseArgs args;
    args.extent = args_.extent;
    args.window = args_.window;
    args.runs = &run;
    args.run_count = 1;
    args.packed = packed;
    args.output = {Place{0, Space::arena}, static_cast<std::int32_t>(to_stride), 0};
    args.tile_rows = 1;
    args.tiles = args_.extent.out_h;
    kernels::Addresses memory;
    memory.arena = kernels::bytes_at(to);
    memory.rows = kernels::bytes_at(const_cast<float*>(from));  // only read
    row().run(args, memory, {out.begin, out.end});
  }

  const KernelTables& tables_;
  WindowArgs args_;
  WeightParameters parameters_;
  Operand operand_;
  const LayerResult& result_;
  std::int64_t stride_, in_pixels_;
  Bands bands_;
  Ring in_, out_;
  std::vector<ChannelwiseRun> runs_;
  bool wants_input_gradient_ = false, mirrored_ = false;
  std::vector<float> packed_, packed_mirrored_, mirrored_weights_, filters_, zeros_;
  std::vector<Part> parts_;
};

}  // namespace

std::unique_ptr<Operation> make_depthwise(const KernelTables& tables, const kernels::Window& window,
                                          const WeightParameters& parameters, const kernels::Extent& extent,
                                          Operand operand, const LayerResult& result) {
  return std::make_unique<Depthwise>(tables, window, parameters, extent, std::move(operand), result);
}

}  // namespace riffle::trainer
