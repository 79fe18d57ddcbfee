#include "kernels/convolution/convolution.hpp"

#include <vector>

#include "kernels/pointwise/residual_reference.hpp"
#include "kernels/reference.hpp"

namespace riffle::kernels {

std::int64_t packed_convolution_bytes(const ConvolutionKernel& kernel, std::int32_t groups, std::int32_t inputs,
                                      std::int32_t outputs, std::int32_t taps) {
  return packed_panels_bytes(panels_of(kernel), groups, inputs * taps, outputs);
}

void pack_convolution(const ConvolutionKernel& kernel, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
                      std::int32_t taps, const Weights& weights, std::span<const float> bias,
                      std::span<const std::int32_t> input_order, std::span<const std::int32_t> output_order,
                      std::span<std::byte> packed) {
  // The pointwise packing of a matrix whose rows are (input, tap), read tap by tap.
  std::vector<std::int32_t> row_order;
  row_order.reserve(input_order.size() * static_cast<std::size_t>(taps));
  for (std::int32_t group = 0; group < groups; ++group) {
    const auto order = input_order.subspan(static_cast<std::size_t>(group) * static_cast<std::size_t>(inputs),
                                           static_cast<std::size_t>(inputs));
    for (std::int32_t tap = 0; tap < taps; ++tap) {
      for (const std::int32_t input : order) row_order.push_back(input * taps + tap);
    }
  }
  pack_panels(panels_of(kernel), groups, inputs * taps, outputs, weights, bias, row_order, output_order, packed);
}

void convolution_reference(const ConvolutionArgs& args, std::span<const float> weights, std::span<const float> bias,
                           const Addresses& memory, std::int32_t lanes) {
  const Extent& extent = args.extent;
  const std::size_t taps = static_cast<std::size_t>(args.window.kernel_h * args.window.kernel_w);
  for (std::int32_t y = 0; y < extent.out_h; ++y) {
    for (std::int32_t x = 0; x < extent.out_w; ++x) {
      const std::int64_t out_pixel = static_cast<std::int64_t>(y) * extent.out_w + x;
      for (std::int32_t o = 0; o < args.groups * args.outputs; ++o) {
        const std::int32_t group = o / args.outputs;
        double sum = bias.empty() ? 0.0 : static_cast<double>(bias[static_cast<std::size_t>(o)]);
        std::size_t k = static_cast<std::size_t>(o) * static_cast<std::size_t>(args.inputs) * taps;
        for (std::int32_t r = args.run_begin[group]; r < args.run_begin[group + 1]; ++r) {
          for (std::int32_t c = 0; c < args.runs[r].channels; ++c, k += taps) {
            for_taps_inside(extent, args.window, y, x, [&](std::int32_t tap, std::int64_t pixel) {
              sum += element(args.runs[r], pixel, c, memory) *
                     static_cast<double>(weights[k + static_cast<std::size_t>(tap)]);
            });
          }
        }
        sum += residual_element(args.residual, args.outputs, o, out_pixel, lanes, memory);
        set_element(args.output, out_pixel, o, memory, clamped(sum, args.clamp));
      }
    }
  }
}

}  // namespace riffle::kernels
