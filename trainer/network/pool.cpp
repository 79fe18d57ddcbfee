// Pooling, some rows of an image at a time (bands.hpp).
#include <algorithm>

#include "trainer/network/bands.hpp"
#include "trainer/network/operation.hpp"

namespace riffle::trainer {
namespace {

using kernels::ChannelwiseRun;
using kernels::Place;
using kernels::Space;

class Pooling final : public Operation {
 public:
  Pooling(const KernelTables& tables, const graph::Pool& pool, const kernels::Window& window,
          const kernels::Extent& extent, Operand operand, const LayerResult& result)
      : tables_(tables),
        kind_(pool.kind),
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
    args_.count_padding = pool.count_padding;
    run_.input = {Place{0, Space::rows}, static_cast<std::int32_t>(stride_), result.channels, in_.pixels()};
    if (operand_.is_plain()) run_.input.pixel_stride = operand_.columns(), run_.input.ring = 0;
  }

  [[nodiscard]] std::int64_t scratch() const override { return 2 * in_.floats() + out_.floats() + 3 * slack; }

  void forward(const Share& share) override {
    const kernels::PoolArgs args = pool_args(args_, run_);
    kernels::Addresses memory;
    float* const x = share.scratch;
    memory.rows = kernels::bytes_at(x);
    const float* const in_place = operand_.in_place();
    const auto run = kind_ == graph::PoolKind::max ? tables_.kernels.row<kernels::PoolKernel>().max
                                                   : tables_.kernels.row<kernels::PoolKernel>().average;
    const Extent& extent = args_.extent;
    for (std::int64_t image = share.first; image < share.last; ++image) {
      const std::int64_t in_first = image * in_pixels_, first = image * result_.pixels;
      memory.arena = kernels::bytes_at(result_.y + first * result_.channels);
      if (in_place != nullptr)
        memory.rows = kernels::bytes_at(const_cast<float*>(in_place + in_first * operand_.columns()));  // only read
      bands_.for_each([&](const Band& band) {
        in_.for_each(band.in, [&](std::int64_t pixel, std::int64_t count, std::int64_t at) {
          operand_.prepare(share.worker, in_first + pixel, count);
          if (in_place == nullptr) operand_.read(tables_.training_kernels, in_first + pixel, count, x + at, stride_);
        });
        run(args, memory, {band.out.begin, band.out.end});
        const std::int64_t out = band.out.begin * extent.out_w;
        result_.computed(share.worker, first + out, band.out.end * extent.out_w - out);
      });
    }
  }

  void backward(const Share& share) override {
    float* const x = share.scratch;
    float* const dx = x + in_.floats() + slack;
    float* const dy = dx + in_.floats() + slack;
    const TrainingKernels& kernels = tables_.training_kernels;
    for (std::int64_t image = share.first; image < share.last; ++image) {
      const std::int64_t in_first = image * in_pixels_, first = image * result_.pixels;
      bands_.for_each([&](const Band& band) {
        out_.for_each(band.out, [&](std::int64_t pixel, std::int64_t count, std::int64_t at) {
          result_.read_gradient(kernels, first + pixel, count, dy + at, stride_);
        });
        in_.for_each(band.in, [&](std::int64_t pixel, std::int64_t count, std::int64_t at) {
          if (kind_ == graph::PoolKind::max) {
            operand_.read(kernels, in_first + pixel, count, x + at, stride_);
          } else {
            std::fill_n(dx + at, count * stride_, 0.0F);
          }
        });
        if (kind_ == graph::PoolKind::max) {
          kernels.max_pool_gradient(args_, band.out, band.in, x, dy, dx);
        } else {
          kernels.average_pool_gradient(args_, band.out, dy, dx);
        }
        in_.for_each(band.done, [&](std::int64_t pixel, std::int64_t count, std::int64_t at) {
          operand_.write_gradient(kernels, share.worker, in_first + pixel, count, dx + at, stride_);
        });
      });
    }
  }

 private:
  const KernelTables& tables_;
  graph::PoolKind kind_;
  WindowArgs args_;
  Operand operand_;
  const LayerResult& result_;
  std::int64_t stride_, in_pixels_;
  Bands bands_;
  Ring in_, out_;
  ChannelwiseRun run_;
};

class GlobalAveragePool final : public Operation {
 public:
  GlobalAveragePool(const KernelTables& tables, Operand operand, const LayerResult& result)
      : tables_(tables),
        operand_(std::move(operand)),
        result_(result),
        stride_(row_floats(result.channels)),
        run_{{Place{0, Space::rows}, static_cast<std::int32_t>(stride_), result.channels, 0}, 0} {}

  [[nodiscard]] std::int64_t scratch() const override { return operand_.pixels() * stride_ + slack; }

  void forward(const Share& share) override {
    const std::int64_t pixels = operand_.pixels();
    kernels::GlobalAveragePoolArgs args;
    args.pixels = static_cast<std::int32_t>(pixels);
    args.runs = &run_;
    args.run_count = 1;
    args.output = {Place{0, Space::arena}, result_.channels, 0};
    args.tiles = 1;
    kernels::Addresses memory;
    memory.rows = kernels::bytes_at(share.scratch);
    for (std::int64_t image = share.first; image < share.last; ++image) {
      operand_.prepare(share.worker, image * pixels, pixels);
      operand_.read(tables_.training_kernels, image * pixels, pixels, share.scratch, stride_);
      memory.arena = kernels::bytes_at(result_.y + image * result_.channels);
      tables_.kernels.row<kernels::PoolKernel>().global_average(args, memory, {0, 1});
      result_.computed(share.worker, image, 1);
    }
  }

  void backward(const Share& share) override {
    const std::int64_t pixels = operand_.pixels();
    const float each = 1.0F / static_cast<float>(pixels);
    for (std::int64_t image = share.first; image < share.last; ++image) {
      float* const dy = share.scratch;
      result_.read_gradient(tables_.training_kernels, image, 1, dy, stride_);
      for (std::int32_t c = 0; c < result_.channels; ++c) dy[c] *= each;
      operand_.write_gradient(tables_.training_kernels, share.worker, image * pixels, pixels, dy, 0);
    }
  }

 private:
  const KernelTables& tables_;
  Operand operand_;
  const LayerResult& result_;
  std::int64_t stride_;
  ChannelwiseRun run_;
};

}  // namespace

std::unique_ptr<Operation> make_pool(const KernelTables& tables, const graph::Pool& pool, const kernels::Window& window,
                                     const kernels::Extent& extent, Operand operand, const LayerResult& result) {
  return std::make_unique<Pooling>(tables, pool, window, extent, std::move(operand), result);
}

std::unique_ptr<Operation> make_global_average_pool(const KernelTables& tables, Operand operand,
                                                    const LayerResult& result) {
  return std::make_unique<GlobalAveragePool>(tables, std::move(operand), result);
}

}  // namespace riffle::trainer
