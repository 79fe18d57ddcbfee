#include "kernels/convolution/convolution.hpp"

#include <vector>

#include "kernels/byte_panels.hpp"
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

std::int64_t packed_convolution_bytes(const ConvolutionKernel& kernel, std::int32_t groups, std::int32_t terms,
                                      std::int32_t outputs) {
  return byte_panels_bytes(byte_panels_of(kernel), groups, (terms + 3) / 4, outputs);
}

void pack_convolution(const ConvolutionKernel& kernel, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
                      std::int32_t taps, const IntegerWeights& weights, std::span<const std::int32_t> input_order,
                      std::span<const std::int32_t> output_order, std::span<std::byte> packed) {
  const std::int32_t quads = (taps * inputs + 3) / 4;
  std::vector<std::int32_t> reads(static_cast<std::size_t>(groups * quads) * 4, -1);
  for (std::int32_t group = 0; group < groups; ++group) {
    for (std::int32_t tap = 0; tap < taps; ++tap) {
      for (std::int32_t k = 0; k < inputs; ++k) {
        const std::int32_t input = input_order[static_cast<std::size_t>(group * inputs + k)];
        reads[static_cast<std::size_t>(group * quads * 4 + tap * inputs + k)] = input * taps + tap;
      }
    }
  }
  pack_byte_panels(byte_panels_of(kernel), groups, quads, outputs, weights, reads, output_order, packed);
}

void convolution_bytes_reference(const ConvolutionArgs& args, const IntegerWeights& weights, const Addresses& memory,
                                 std::int32_t lanes) {
  const Extent& extent = args.extent;
  const std::int64_t taps = std::int64_t{args.window.kernel_h} * args.window.kernel_w;
  for (std::int32_t o = 0; o < args.groups * args.outputs; ++o) {
    const std::int32_t group = o / args.outputs;
    const auto output = static_cast<std::size_t>(o);
    for (std::int32_t y = 0; y < extent.out_h; ++y) {
      for (std::int32_t x = 0; x < extent.out_w; ++x) {
        double sum = weights.bias[output];
        const std::int8_t* row = weights.values.data() + o * args.inputs * taps;
        for (std::int64_t k = 0; k < args.inputs * taps; ++k) sum += args.byte_zeros.input * row[k];
        for (std::int32_t r = args.run_begin[group]; r < args.run_begin[group + 1]; ++r) {
          for (std::int32_t c = 0; c < args.runs[r].channels; ++c, row += taps) {
            for_taps_inside(extent, args.window, y, x, [&](std::int32_t tap, std::int64_t pixel) {
              sum += (element(args.runs[r], pixel, c, memory) - args.byte_zeros.input) * row[tap];
            });
          }
        }
        const std::int64_t pixel = static_cast<std::int64_t>(y) * extent.out_w + x;
        const auto residual =
            static_cast<std::int32_t>(residual_element(args.residual, args.outputs, o, pixel, lanes, memory)) -
            args.byte_zeros.residual;
        set_element(
            args.output, pixel, o, memory,
            layer_reference(args.output.type, static_cast<std::int64_t>(sum), weights.factors[output], args.clamp,
                            args.byte_zeros.output, args.residual == nullptr ? nullptr : &residual));
      }
    }
  }
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
