// Pooling, an image at a time.
#include "trainer/network/operation.hpp"

namespace riffle::trainer {
namespace {

using kernels::MappedRun;
using kernels::Place;
using kernels::Space;

class Pooling final : public Operation {
 public:
  Pooling(const Tools& tools, const graph::Pool& pool, const kernels::Extent& extent, Operand operand,
          const Block& block)
      : tools_(tools),
        kind_(pool.kind),
        operand_(std::move(operand)),
        block_(block),
        stride_(row_floats(block.channels)),
        in_pixels_(static_cast<std::int64_t>(extent.in_h) * extent.in_w),
        run_{{Place{0, Space::rows}, static_cast<std::int32_t>(stride_), block.channels, 0}, 0} {
    args_.extent = extent;
    args_.window = pool.window;
    args_.channels = block.channels;
    args_.in_stride = args_.out_stride = stride_;
    args_.count_padding = pool.count_padding;
  }

  [[nodiscard]] std::int64_t scratch() const override { return (2 * in_pixels_ + block_.pixels) * stride_ + 3 * slack; }

  void forward(const Share& share) override {
    kernels::PoolArgs args;
    args.extent = args_.extent;
    args.window = args_.window;
    args.count_padding = args_.count_padding;
    args.runs = &run_;
    args.run_count = 1;
    args.output = {Place{0, Space::arena}, block_.channels, 0};
    args.tile_rows = 1;
    args.tiles = args_.extent.out_h;
    kernels::Memory memory;
    memory.rows = share.scratch;
    const auto run = kind_ == graph::PoolKind::max ? tools_.kernels.pool.max : tools_.kernels.pool.average;
    for (std::int64_t image = share.first; image < share.last; ++image) {
      operand_.prepare(share.worker, image * in_pixels_, in_pixels_);
      operand_.read(tools_.training_kernels, image * in_pixels_, in_pixels_, share.scratch, stride_);
      memory.arena = block_.y + image * block_.pixels * block_.channels;
      run(args, memory, {0, args.tiles});
      block_.computed(share.worker, image * block_.pixels, block_.pixels);
    }
  }

  void backward(const Share& share) override {
    float* const x = share.scratch;
    float* const dy = x + in_pixels_ * stride_ + slack;
    float* const dx = dy + block_.pixels * stride_ + slack;
    const TrainingKernels& kernels = tools_.training_kernels;
    for (std::int64_t image = share.first; image < share.last; ++image) {
      kernels.gather_gradient(block_.gradient_columns(image * block_.pixels), block_.pixels, dy, stride_);
      if (kind_ == graph::PoolKind::max) {
        operand_.read(kernels, image * in_pixels_, in_pixels_, x, stride_);
        kernels.max_pool_gradient(args_, x, dy, dx);
      } else {
        kernels.average_pool_gradient(args_, dy, dx);
      }
      operand_.write_gradient(kernels, share.worker, image * in_pixels_, in_pixels_, dx, stride_);
    }
  }

 private:
  const Tools& tools_;
  graph::PoolKind kind_;
  WindowArgs args_;
  Operand operand_;
  const Block& block_;
  std::int64_t stride_, in_pixels_;
  MappedRun run_;
};

class GlobalAveragePool final : public Operation {
 public:
  GlobalAveragePool(const Tools& tools, Operand operand, const Block& block)
      : tools_(tools),
        operand_(std::move(operand)),
        block_(block),
        stride_(row_floats(block.channels)),
        run_{{Place{0, Space::rows}, static_cast<std::int32_t>(stride_), block.channels, 0}, 0} {}

  [[nodiscard]] std::int64_t scratch() const override { return operand_.pixels() * stride_ + slack; }

  void forward(const Share& share) override {
    const std::int64_t pixels = operand_.pixels();
    kernels::GlobalAveragePoolArgs args;
    args.pixels = static_cast<std::int32_t>(pixels);
    args.runs = &run_;
    args.run_count = 1;
    args.output = {Place{0, Space::arena}, block_.channels, 0};
    args.tiles = 1;
    kernels::Memory memory;
    memory.rows = share.scratch;
    for (std::int64_t image = share.first; image < share.last; ++image) {
      operand_.prepare(share.worker, image * pixels, pixels);
      operand_.read(tools_.training_kernels, image * pixels, pixels, share.scratch, stride_);
      memory.arena = block_.y + image * block_.channels;
      tools_.kernels.pool.global_average(args, memory, {0, 1});
      block_.computed(share.worker, image, 1);
    }
  }

  void backward(const Share& share) override {
    const std::int64_t pixels = operand_.pixels();
    const float each = 1.0F / static_cast<float>(pixels);
    for (std::int64_t image = share.first; image < share.last; ++image) {
      float* const dy = share.scratch;
      tools_.training_kernels.gather_gradient(block_.gradient_columns(image), 1, dy, stride_);
      for (std::int32_t c = 0; c < block_.channels; ++c) dy[c] *= each;
      operand_.write_gradient(tools_.training_kernels, share.worker, image * pixels, pixels, dy, 0);
    }
  }

 private:
  const Tools& tools_;
  Operand operand_;
  const Block& block_;
  std::int64_t stride_;
  MappedRun run_;
};

}  // namespace

std::unique_ptr<Operation> make_pool(const Tools& tools, const graph::Pool& pool, const kernels::Extent& extent,
                                     Operand operand, const Block& block) {
  return std::make_unique<Pooling>(tools, pool, extent, std::move(operand), block);
}

std::unique_ptr<Operation> make_global_average_pool(const Tools& tools, Operand operand, const Block& block) {
  return std::make_unique<GlobalAveragePool>(tools, std::move(operand), block);
}

}  // namespace riffle::trainer
