#include "kernels/pointwise/pointwise.hpp"

#include "kernels/pointwise/residual_reference.hpp"
#include "kernels/reference.hpp"

namespace riffle::kernels {
namespace {

/// A kernel may read so many floats behind the last weight.
constexpr std::int64_t read_ahead = 32;

}  // namespace

std::int64_t packed_pointwise_size(std::int32_t groups, std::int32_t inputs, std::int32_t outputs, std::int32_t lanes) {
  const std::int64_t vectors = (outputs + lanes - 1) / lanes;
  return groups * vectors * lanes * (static_cast<std::int64_t>(inputs) + 1) + read_ahead;
}

void pack_pointwise(const PointwiseKernel& kernel, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
                    std::span<const float> weights, std::span<const float> bias,
                    std::span<const std::int32_t> input_order, std::span<const std::int32_t> output_order,
                    std::span<float> packed) {
  const std::int32_t lanes = kernel.lanes, vectors = (outputs + lanes - 1) / lanes;
  const std::int32_t panels = panel_count(outputs, lanes, kernel.max_vectors);
  float* to = packed.data();
  for (std::int32_t group = 0; group < groups; ++group) {
    const std::int32_t* reads = input_order.data() + static_cast<std::ptrdiff_t>(group) * inputs;
    const std::int32_t* writes = output_order.data() + static_cast<std::ptrdiff_t>(group) * outputs;
    for (std::int32_t panel = 0; panel < panels; ++panel) {
      const std::int32_t begin = panel_begin(panel, vectors, panels) * lanes;
      const std::int32_t end = panel_begin(panel + 1, vectors, panels) * lanes;
      const bool half = kernel.pairs_halves && end - outputs >= lanes / 2;
      for (std::int32_t k = -1; k < inputs; ++k) {  // -1: the bias
        for (std::int32_t column = begin; column < end; ++column) {
          const std::int32_t n = half && column >= end - lanes / 2 ? column - lanes / 2 : column;
          if (n >= outputs || (k < 0 && bias.empty())) {
            *to++ = 0.0F;
            continue;
          }
          const auto output = static_cast<std::size_t>(group * outputs + writes[n]);
          *to++ = k < 0 ? bias[output]
                        : weights[output * static_cast<std::size_t>(inputs) + static_cast<std::size_t>(reads[k])];
        }
      }
    }
  }
}

void pointwise_reference(const PointwiseArgs& args, std::span<const float> weights, std::span<const float> bias,
                         const Memory& memory, std::int32_t lanes) {
  for (std::int64_t pixel = 0; pixel < args.pixels; ++pixel) {
    for (std::int32_t o = 0; o < args.groups * args.outputs; ++o) {
      const std::int32_t group = o / args.outputs;
      double sum = bias.empty() ? 0.0 : static_cast<double>(bias[static_cast<std::size_t>(o)]);
      std::size_t k = static_cast<std::size_t>(o) * static_cast<std::size_t>(args.inputs);
      for (std::int32_t r = args.run_begin[group * args.parts]; r < args.run_begin[(group + 1) * args.parts]; ++r) {
        for (std::int32_t c = 0; c < args.runs[r].channels; ++c, ++k) {
          sum += element(args.runs[r], pixel, c, memory) * static_cast<double>(weights[k]);
        }
      }
      sum += residual_element(args.residual, args.outputs, o, pixel, lanes, memory);
      element(args.blocks[group], pixel, o % args.outputs, memory) = static_cast<float>(clamped(sum, args.clamp));
    }
  }
}

}  // namespace riffle::kernels
