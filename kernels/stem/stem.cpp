#include "kernels/stem/stem.hpp"

#include <numeric>
#include <vector>

#include "kernels/byte_panels.hpp"
#include "kernels/pointwise/pointwise.hpp"
#include "kernels/reference.hpp"

namespace riffle::kernels {
namespace {

/// Of bytes: how many taps stand side by side in whole quads, and how often.
std::int32_t joined_taps(const StemKernel& kernel, std::int32_t channels, const Window& window) {
  return kernel.joins_taps ? channels * window.kernel_h * window.kernel_w : window.kernel_w;
}
std::int32_t byte_quads(const StemKernel& kernel, std::int32_t channels, const Window& window) {
  const std::int32_t joined = joined_taps(kernel, channels, window);
  return channels * window.kernel_h * window.kernel_w / joined * ((joined + 3) / 4);
}

}  // namespace

std::int64_t packed_stem_bytes(const StemKernel& kernel, std::int32_t channels, std::int32_t taps,
                               std::int32_t outputs) {
  return packed_panels_bytes(panels_of(kernel), 1, channels * taps, outputs);
}

void pack_stem(const StemKernel& kernel, std::int32_t channels, std::int32_t taps, std::int32_t outputs,
               const Weights& weights, std::span<const float> bias, std::span<const std::int32_t> output_order,
               std::span<std::byte> packed) {
  std::vector<std::int32_t> input_order(static_cast<std::size_t>(channels) * static_cast<std::size_t>(taps));
  std::iota(input_order.begin(), input_order.end(), 0);
  pack_panels(panels_of(kernel), 1, channels * taps, outputs, weights, bias, input_order, output_order, packed);
}

std::int64_t packed_stem_bytes(const StemKernel& kernel, std::int32_t channels, const Window& window,
                               std::int32_t outputs) {
  return byte_panels_bytes(byte_panels_of(kernel), 1, byte_quads(kernel, channels, window), outputs);
}

void pack_stem(const StemKernel& kernel, std::int32_t channels, const Window& window, std::int32_t outputs,
               const IntegerWeights& weights, std::span<const std::int32_t> output_order, std::span<std::byte> packed) {
  const std::int32_t taps = channels * window.kernel_h * window.kernel_w,
                     joined = joined_taps(kernel, channels, window);
  std::vector<std::int32_t> reads;
  for (std::int32_t tap = 0; tap < taps; ++tap) {
    reads.push_back(tap);
    if ((tap + 1) % joined == 0) reads.resize((reads.size() + 3) / 4 * 4, -1);
  }
  pack_byte_panels(byte_panels_of(kernel), 1, byte_quads(kernel, channels, window), outputs, weights, reads,
                   output_order, packed);
}

void stem_bytes_reference(const StemArgs& args, const IntegerWeights& weights, const Addresses& memory) {
  const Extent& extent = args.extent;
  const std::int64_t taps = std::int64_t{args.window.kernel_h} * args.window.kernel_w;
  const std::int64_t plane_size = static_cast<std::int64_t>(extent.in_h) * extent.in_w;
  for (std::int32_t y = 0; y < extent.out_h; ++y) {
    for (std::int32_t x = 0; x < extent.out_w; ++x) {
      for (std::int32_t n = 0; n < args.outputs; ++n) {
        double sum = weights.bias[static_cast<std::size_t>(n)];
        const std::int8_t* const row = weights.values.data() + n * args.channels * taps;
        for (std::int64_t k = 0; k < args.channels * taps; ++k) sum += args.zeros.input * row[k];
        for (std::int64_t c = 0; c < args.channels; ++c) {
          for_taps_inside(extent, args.window, y, x, [&](std::int32_t tap, std::int64_t pixel) {
            sum += (number(args.input, c * plane_size + pixel, memory) - args.zeros.input) * row[c * taps + tap];
          });
        }
        set_element(args.output, static_cast<std::int64_t>(y) * extent.out_w + x, n, memory,
                    requantised_reference(static_cast<std::int64_t>(sum), weights.factors[static_cast<std::size_t>(n)],
                                          args.clamp, args.zeros.output));
      }
    }
  }
}

void stem_reference(const StemArgs& args, std::span<const float> weights, std::span<const float> bias,
                    const Addresses& memory) {
  const Extent& extent = args.extent;
  const std::size_t taps = static_cast<std::size_t>(args.window.kernel_h * args.window.kernel_w);
  const std::size_t channels = static_cast<std::size_t>(args.channels);
  const std::int64_t plane_size = static_cast<std::int64_t>(extent.in_h) * extent.in_w;
  for (std::int32_t y = 0; y < extent.out_h; ++y) {
    for (std::int32_t x = 0; x < extent.out_w; ++x) {
      for (std::int32_t n = 0; n < args.outputs; ++n) {
        const std::size_t filter = static_cast<std::size_t>(n);
        double sum = bias.empty() ? 0.0 : static_cast<double>(bias[filter]);
        for (std::size_t c = 0; c < channels; ++c) {
          for_taps_inside(extent, args.window, y, x, [&](std::int32_t tap, std::int64_t pixel) {
            const float weight = weights[(filter * channels + c) * taps + static_cast<std::size_t>(tap)];
            sum += number(args.input, static_cast<std::int64_t>(c) * plane_size + pixel, memory) *
                   static_cast<double>(weight);
          });
        }
        set_element(args.output, static_cast<std::int64_t>(y) * extent.out_w + x, n, memory, clamped(sum, args.clamp));
      }
    }
  }
}

}  // namespace riffle::kernels
