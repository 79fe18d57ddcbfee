#include "trainer/network/matrix_product.hpp"

#include <algorithm>
#include <numeric>

namespace riffle::trainer {
namespace {

using kernels::Place;
using kernels::PointwiseArgs;
using kernels::Space;

constexpr std::int32_t near_floats = 6 * 1024;  // of x that stay in the first-level cache
constexpr std::int32_t least_pixels = 48;       // or the weights would come too often from the second

}  // namespace

MatrixProduct::MatrixProduct(const KernelTables& tables, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
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
  const std::int64_t bytes = kernels::packed_panels_bytes(kernels::panels_of(kernel_), groups, inputs, whole);
  packed_ = memory::allocate<std::byte>(bytes);
  packed_bytes_ = static_cast<std::size_t>(bytes);
  for (std::int32_t h = 0; h < groups; ++h) {
    runs_.push_back({Place{0, Space::rows}.behind(static_cast<std::int64_t>(h) * inputs, Type::f32),
                     static_cast<std::int32_t>(in_stride), inputs, 0});
    blocks_.push_back({Place{0, Space::arena}.behind(static_cast<std::int64_t>(h) * outputs, Type::f32),
                       static_cast<std::int32_t>(out_stride), 0});
  }
  run_begin_.resize(static_cast<std::size_t>(groups) + 1);
  std::iota(run_begin_.begin(), run_begin_.end(), 0);
}

void MatrixProduct::pack(std::span<const float> weights, std::span<const float> bias) {
  kernels::pack_panels(kernels::panels_of(kernel_), groups_, inputs_, outputs_ - rest_, weights, bias, input_order_,
                       output_order_, {packed_.get(), packed_bytes_});
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

void MatrixProduct::run(const float* x, std::int32_t pixels, float* y, Prefetcher& prefetcher) const {
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

}  // namespace riffle::trainer
