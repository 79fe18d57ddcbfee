#include "kernels/elementwise/elementwise.hpp"

#include "kernels/byte_panels.hpp"
#include "kernels/reference.hpp"

namespace riffle::kernels {

void elementwise_reference(const ElementwiseArgs& args, const Addresses& memory) {
  for (std::int32_t r = 0; r < args.run_count; ++r) {
    const ChannelwiseRun& a = args.a[r];
    for (std::int64_t p = 0; p < args.pixels; ++p) {
      for (std::int32_t c = 0; c < a.input.channels; ++c) {
        const double b = args.b == nullptr ? 0.0 : element(args.b[r], p, c, memory);
        const double sum = element(a.input, p, c, memory) + b;
        if (is_quantised(args.output.type)) {
          const std::int32_t zeros = args.zeros.input + (args.b == nullptr ? 0 : args.zeros.residual);
          set_element(args.output, p, a.output_channel + c, memory,
                      requantised_reference(static_cast<std::int64_t>(sum) - zeros, args.factor, args.clamp,
                                            args.zeros.output));
          continue;
        }
        set_element(args.output, p, a.output_channel + c, memory, clamped(sum, args.clamp));
      }
    }
  }
}

}  // namespace riffle::kernels
