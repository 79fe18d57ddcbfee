#include "kernels/pool/pool.hpp"

#include <cmath>

#include "kernels/byte_panels.hpp"
#include "kernels/reference.hpp"

namespace riffle::kernels {

namespace {

/// Calls f(pixel of the output, channel of the output, run, channel of the run, y, x) for every output.
template <class F>
void for_outputs(const PoolArgs& args, F&& f) {
  for (std::int32_t r = 0; r < args.run_count; ++r) {
    for (std::int32_t y = 0; y < args.extent.out_h; ++y) {
      for (std::int32_t x = 0; x < args.extent.out_w; ++x) {
        for (std::int32_t c = 0; c < args.runs[r].input.channels; ++c) f(args.runs[r], c, y, x);
      }
    }
  }
}

void set_output(const PoolArgs& args, const ChannelwiseRun& run, std::int32_t c, std::int32_t y, std::int32_t x,
                const Addresses& memory, double value) {
  set_element(args.output, static_cast<std::int64_t>(y) * args.extent.out_w + x, run.output_channel + c, memory,
              clamped(value, args.clamp));
}

/// The taps of output (y, x) that lie inside the image and its padding.
std::int32_t padded_taps(const PoolArgs& args, std::int32_t y, std::int32_t x) {
  const Window& window = args.window;
  std::int32_t rows = 0, columns = 0;
  for (std::int32_t i = 0; i < window.kernel_h; ++i) {
    const std::int32_t at = y * window.stride_h - window.pad_top + i * window.dilation_h;
    if (at < args.extent.in_h + window.pad_bottom) ++rows;
  }
  for (std::int32_t j = 0; j < window.kernel_w; ++j) {
    const std::int32_t at = x * window.stride_w - window.pad_left + j * window.dilation_w;
    if (at < args.extent.in_w + window.pad_right) ++columns;
  }
  return rows * columns;
}

}  // namespace

void max_pool_reference(const PoolArgs& args, const Addresses& memory) {
  for_outputs(args, [&](const ChannelwiseRun& run, std::int32_t c, std::int32_t y, std::int32_t x) {
    double most = -std::numeric_limits<double>::infinity();
    for_taps_inside(args.extent, args.window, y, x, [&](std::int32_t, std::int64_t pixel) {
      const double value = element(run.input, pixel, c, memory);
      if (value > most || std::isnan(value)) most = value;  // and nothing is larger than a NaN
    });
    if (is_quantised(args.output.type)) {
      most = clamped(most - args.zeros.input, args.clamp) + args.zeros.output;
      return set_element(args.output, std::int64_t{y} * args.extent.out_w + x, run.output_channel + c, memory, most);
    }
    set_output(args, run, c, y, x, memory, most);
  });
}

void average_pool_reference(const PoolArgs& args, const Addresses& memory) {
  for_outputs(args, [&](const ChannelwiseRun& run, std::int32_t c, std::int32_t y, std::int32_t x) {
    double sum = 0;
    std::int32_t inside = 0;
    for_taps_inside(args.extent, args.window, y, x, [&](std::int32_t, std::int64_t pixel) {
      sum += element(run.input, pixel, c, memory);
      ++inside;
    });
    const std::int32_t divisor = args.count_padding ? padded_taps(args, y, x) : inside;
    if (is_quantised(args.output.type)) {
      const auto exact = static_cast<std::int64_t>(sum) - std::int64_t{inside} * args.zeros.input;
      return set_element(args.output, std::int64_t{y} * args.extent.out_w + x, run.output_channel + c, memory,
                         requantised_reference(exact, mean_factor(args.scale, divisor), args.clamp, args.zeros.output));
    }
    set_output(args, run, c, y, x, memory, sum / divisor);
  });
}

void global_average_pool_reference(const GlobalAveragePoolArgs& args, const Addresses& memory) {
  for (std::int32_t r = 0; r < args.run_count; ++r) {
    const ChannelwiseRun& run = args.runs[r];
    for (std::int32_t c = 0; c < run.input.channels; ++c) {
      double sum = 0;
      for (std::int32_t p = 0; p < args.pixels; ++p) sum += element(run.input, p, c, memory);
      if (is_quantised(args.output.type)) {
        const auto exact = static_cast<std::int64_t>(sum) - std::int64_t{args.pixels} * args.zeros.input;
        set_element(args.output, 0, run.output_channel + c, memory,
                    requantised_reference(exact, mean_factor(args.scale, args.pixels), args.clamp, args.zeros.output));
        continue;
      }
      set_element(args.output, 0, run.output_channel + c, memory, clamped(sum / args.pixels, args.clamp));
    }
  }
}

}  // namespace riffle::kernels
