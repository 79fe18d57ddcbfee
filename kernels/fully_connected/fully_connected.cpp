#include "kernels/fully_connected/fully_connected.hpp"

#include "kernels/packing.hpp"
#include "kernels/reference.hpp"

namespace riffle::kernels {

void pack_fully_connected(std::int32_t inputs, std::int32_t outputs, const Weights& weights,
                          std::span<const std::int32_t> input_order, std::span<const std::int32_t> output_order,
                          std::span<std::byte> packed, Type type) {
  PackedFloats floats(packed, type);
  for (const std::int32_t output : output_order.first(static_cast<std::size_t>(outputs))) {
    float* to = floats.next(static_cast<std::size_t>(inputs));
    const auto row = static_cast<std::size_t>(output);
    const float* from = weights.values.data() + row * static_cast<std::size_t>(inputs);
    if (weights.row_scale.empty()) {
      for (const std::int32_t input : input_order) *to++ = from[input];
    } else {
      for (const std::int32_t input : input_order) *to++ = static_cast<float>(from[input] * weights.row_scale[row]);
    }
  }
}

void fully_connected_bytes_reference(const FullyConnectedArgs& args, std::span<const std::int8_t> weights,
                                     const Addresses& memory) {
  std::size_t k = 0;
  for (std::int32_t o = 0; o < args.outputs; ++o) {
    std::int64_t sum = args.sums[o];
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      for (std::int32_t c = 0; c < args.runs[r].channels; ++c, ++k) {
        sum += static_cast<std::int64_t>(element(args.runs[r], 0, c, memory)) * weights[k];
      }
    }
    const float result = static_cast<float>(sum) * args.factors[o];
    set_number(args.output, o, memory, clamped(static_cast<double>(result), args.clamp));
  }
}

void fully_connected_reference(const FullyConnectedArgs& args, std::span<const float> weights,
                               const Addresses& memory) {
  const float* weight = weights.data();
  for (std::int32_t n = 0; n < args.outputs; ++n) {
    double sum = args.bias == nullptr ? 0.0 : static_cast<double>(args.bias[n]);
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      for (std::int32_t c = 0; c < args.runs[r].channels; ++c) {
        sum += element(args.runs[r], 0, c, memory) * static_cast<double>(*weight++);
      }
    }
    set_number(args.output, n, memory, clamped(sum, args.clamp));
  }
}

}  // namespace riffle::kernels
