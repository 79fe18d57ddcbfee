#include "kernels/depthwise/depthwise.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/byte_panels.hpp"
#include "kernels/packing.hpp"
#include "kernels/reference.hpp"

namespace riffle::kernels {

std::int64_t packed_depthwise_bytes(const DepthwiseKernel& kernel, std::span<const ChannelwiseRun> runs,
                                    std::int32_t taps) {
  const std::int32_t lanes = kernel.lanes;
  std::int64_t vectors = 0;
  for (const ChannelwiseRun& run : runs) vectors += (run.input.channels + lanes - 1) / lanes;
  return vectors * lanes * (taps + 1) * size_of(kernel.types.weights);
}

void pack_depthwise(const DepthwiseKernel& kernel, std::int32_t taps, std::span<const ChannelwiseRun> runs,
                    const Weights& weights, std::span<const float> bias, std::span<const std::int32_t> order,
                    std::span<std::byte> packed) {
  const std::size_t width = static_cast<std::size_t>(kernel.lanes), tap_count = static_cast<std::size_t>(taps);
  PackedFloats floats(packed, kernel.types.weights);
  std::size_t run_first = 0;  // the run's first channel, in `order`
  for (const ChannelwiseRun& run : runs) {
    const std::size_t channels = static_cast<std::size_t>(run.input.channels);
    for (std::size_t begin = 0; begin < channels; begin += width) {
      const std::size_t first = std::min(begin, channels - std::min(channels, width));
      float* to = floats.next((tap_count + 1) * width);
      for (std::size_t lane = 0; lane < width; ++lane, ++to) {
        const bool valid = first + lane < channels;
        const std::size_t filter = valid ? static_cast<std::size_t>(order[run_first + first + lane]) : 0;
        to[0] = valid && !bias.empty() ? bias[filter] : 0.0F;
        const double scale = weights.row_scale.empty() ? 1.0 : weights.row_scale[filter];
        for (std::size_t tap = 0; tap < tap_count; ++tap) {
          to[(tap + 1) * width] = valid ? static_cast<float>(weights.values[filter * tap_count + tap] * scale) : 0.0F;
        }
      }
    }
    run_first += channels;
  }
}

std::int64_t packed_depthwise_bytes(const DepthwiseKernel& kernel, std::span<const ChannelwiseRun> runs,
                                    const Window& window) {
  const std::int32_t lanes = kernel.lanes, quads = window.kernel_h * ((window.kernel_w + 3) / 4);
  std::int64_t vectors = 0;
  for (const ChannelwiseRun& run : runs) vectors += (run.input.channels + lanes - 1) / lanes;
  return vectors * lanes * (8 + std::int64_t{quads} * quad_bytes(kernel.form));
}

void pack_depthwise(const DepthwiseKernel& kernel, const Window& window, std::span<const ChannelwiseRun> runs,
                    const IntegerWeights& weights, std::span<const std::int32_t> order, std::span<std::byte> packed) {
  const std::int32_t lanes = kernel.lanes, quads = (window.kernel_w + 3) / 4, lead = quads * 4 - window.kernel_w;
  const std::ptrdiff_t taps = std::ptrdiff_t{window.kernel_h} * window.kernel_w;
  std::fill(packed.begin(), packed.end(), std::byte{0});
  std::byte* to = packed.data();
  std::int32_t run_first = 0;  // the run's first channel, in `order`
  for (const ChannelwiseRun& run : runs) {
    const std::int32_t channels = run.input.channels;
    for (std::int32_t begin = 0; begin < channels; begin += lanes) {
      const std::int32_t first = std::min(begin, channels - std::min(channels, lanes));
      std::byte* const quad_rows = to + lanes * 8;
      for (std::int32_t lane = 0; lane < std::min(lanes, channels); ++lane) {
        const auto filter = static_cast<std::size_t>(order[static_cast<std::size_t>(run_first + first + lane)]);
        std::memcpy(to + lane * 4, &weights.bias[filter], 4);
        std::memcpy(to + (lanes + lane) * 4, &weights.factors[filter], 4);
        const std::int8_t* const from = weights.values.data() + static_cast<std::ptrdiff_t>(filter) * taps;
        for (std::int32_t i = 0; i < window.kernel_h; ++i) {
          for (std::int32_t q = 0; q < quads; ++q) {
            std::int8_t four[4];
            for (std::int32_t j = 0; j < 4; ++j) {
              const std::int32_t tap = q * 4 + j - lead;
              four[j] = tap < 0 ? std::int8_t{0} : from[i * window.kernel_w + tap];
            }
            const std::ptrdiff_t vector = std::ptrdiff_t{i} * quads + q;
            pack_quad(four, lane, lanes, kernel.form, quad_rows + vector * lanes * quad_bytes(kernel.form));
          }
        }
      }
      to = quad_rows + static_cast<std::ptrdiff_t>(window.kernel_h) * quads * lanes * quad_bytes(kernel.form);
    }
    run_first += channels;
  }
}

namespace {

/// Calls f(filter, run, its channel, y, x) for every output.
template <class F>
void for_depthwise_outputs(const DepthwiseArgs& args, F&& f) {
  std::size_t filter = 0;
  for (std::int32_t r = 0; r < args.run_count; ++r) {
    for (std::int32_t c = 0; c < args.runs[r].input.channels; ++c, ++filter) {
      for (std::int32_t y = 0; y < args.extent.out_h; ++y) {
        for (std::int32_t x = 0; x < args.extent.out_w; ++x) f(filter, args.runs[r], c, y, x);
      }
    }
  }
}

}  // namespace

void depthwise_bytes_reference(const DepthwiseArgs& args, const IntegerWeights& weights, const Addresses& memory) {
  const std::size_t taps = static_cast<std::size_t>(args.window.kernel_h * args.window.kernel_w);
  for_depthwise_outputs(
      args, [&](std::size_t filter, const ChannelwiseRun& run, std::int32_t c, std::int32_t y, std::int32_t x) {
        double sum = weights.bias[filter];
        for (std::size_t tap = 0; tap < taps; ++tap) sum += args.zeros.input * weights.values[filter * taps + tap];
        for_taps_inside(args.extent, args.window, y, x, [&](std::int32_t tap, std::int64_t pixel) {
          sum += (element(run.input, pixel, c, memory) - args.zeros.input) *
                 weights.values[filter * taps + static_cast<std::size_t>(tap)];
        });
        set_element(args.output, static_cast<std::int64_t>(y) * args.extent.out_w + x, run.output_channel + c, memory,
                    layer_reference(args.output.type, static_cast<std::int64_t>(sum), weights.factors[filter],
                                    args.clamp, args.zeros.output));
      });
}

void depthwise_reference(const DepthwiseArgs& args, std::span<const float> weights, std::span<const float> bias,
                         const Addresses& memory) {
  const std::size_t taps = static_cast<std::size_t>(args.window.kernel_h * args.window.kernel_w);
  for_depthwise_outputs(
      args, [&](std::size_t filter, const ChannelwiseRun& run, std::int32_t c, std::int32_t y, std::int32_t x) {
        double sum = bias.empty() ? 0.0 : static_cast<double>(bias[filter]);
        for_taps_inside(args.extent, args.window, y, x, [&](std::int32_t tap, std::int64_t pixel) {
          sum += element(run.input, pixel, c, memory) *
                 static_cast<double>(weights[filter * taps + static_cast<std::size_t>(tap)]);
        });
        set_element(args.output, static_cast<std::int64_t>(y) * args.extent.out_w + x, run.output_channel + c, memory,
                    clamped(sum, args.clamp));
      });
}

}  // namespace riffle::kernels
