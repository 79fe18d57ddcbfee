#include "kernels/fully_connected/fully_connected.hpp"

#include "kernels/pointwise/pointwise.hpp"
#include "kernels/reference.hpp"

namespace riffle::kernels {

std::int64_t packed_fully_connected_size(std::int32_t inputs, std::int32_t outputs, std::int32_t lanes) {
  return packed_pointwise_size(1, inputs, outputs, lanes);
}

void pack_fully_connected(const FullyConnectedKernel& kernel, std::int32_t inputs, std::int32_t outputs,
                          const Weights& weights, std::span<const float> bias,
                          std::span<const std::int32_t> input_order, std::span<const std::int32_t> output_order,
                          std::span<float> packed) {
  const PointwiseKernel panels{.name = kernel.name, .lanes = kernel.lanes, .max_vectors = kernel.max_vectors};
  pack_pointwise(panels, 1, inputs, outputs, weights, bias, input_order, output_order, packed);
}

void fully_connected_reference(const FullyConnectedArgs& args, std::span<const float> weights,
                               std::span<const float> bias, const Memory& memory) {
  for (std::int32_t n = 0; n < args.outputs; ++n) {
    const std::size_t row = static_cast<std::size_t>(n);
    double sum = bias.empty() ? 0.0 : static_cast<double>(bias[row]);
    std::size_t k = row * static_cast<std::size_t>(args.inputs);
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      for (std::int32_t c = 0; c < args.runs[r].channels; ++c, ++k) {
        sum += element(args.runs[r], 0, c, memory) * static_cast<double>(weights[k]);
      }
    }
    memory.write(args.output)[n] = static_cast<float>(clamped(sum, args.clamp));
  }
}

}  // namespace riffle::kernels
