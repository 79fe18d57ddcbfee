#include "kernels/elementwise/elementwise.hpp"

#include <cmath>

#include "kernels/byte_panels.hpp"
#include "kernels/reference.hpp"

namespace riffle::kernels {
namespace {

/// A NaN is larger than any number.
double larger(double a, double b) { return std::isnan(a) || b <= a ? a : b; }

/// The number of an operand for the result's pixel and channel.
double operand(const ChannelRun& run, const PixelSteps& steps, const ElementwiseArgs& args, std::int64_t pixel,
               std::int32_t channel, const Addresses& memory) {
  const std::int64_t from = pixel / args.width * steps.row + pixel % args.width * steps.column;
  return element(run, from, run.channels == 1 ? 0 : channel, memory);
}

}  // namespace

double reference_of(BinaryKind kind, double a, double b) {
  switch (kind) {
    case BinaryKind::add:
      return a + b;
    case BinaryKind::subtract:
      return a - b;
    case BinaryKind::multiply:
      return a * b;
    case BinaryKind::divide:
      return a / b;
    case BinaryKind::maximum:
      return larger(a, b);
    case BinaryKind::minimum:
      return -larger(-a, -b);
    case BinaryKind::power:
      return std::pow(a, b);
  }
  return 0;
}

void elementwise_reference(const ElementwiseArgs& args, const Addresses& memory) {
  for (std::int32_t r = 0; r < args.run_count; ++r) {
    const ChannelwiseRun& a = args.a[r];
    for (std::int64_t p = 0; p < args.pixels; ++p) {
      for (std::int32_t c = 0; c < channels_of(args, r); ++c) {
        double x = operand(a.input, args.a_steps, args, p, c, memory) - args.zeros.input;
        if (args.b != nullptr) {
          const double y = operand(args.b[r], args.b_steps, args, p, c, memory) - args.zeros.residual;
          x = reference_of(args.kind, x, y);
        }
        if (is_quantised(args.output.type)) {
          set_element(args.output, p, a.output_channel + c, memory,
                      requantised_reference(static_cast<std::int64_t>(x), args.factor, args.clamp, args.zeros.output));
          continue;
        }
        set_element(args.output, p, a.output_channel + c, memory, clamped(x, args.clamp));
      }
    }
  }
}

}  // namespace riffle::kernels
