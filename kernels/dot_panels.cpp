#include "kernels/dot_panels.hpp"

#include <algorithm>
#include <cstring>

namespace riffle::kernels {

std::int64_t dot_panels_bytes(const Panels& panels, std::int32_t groups, std::int32_t inputs, std::int32_t outputs) {
  const std::int64_t vectors = (outputs + panels.lanes - 1) / panels.lanes;
  return groups * vectors * dot_vector_bytes(panels.lanes, filled_inputs(panels.form, panels.dot, inputs));
}

void pack_dot_panels(const Panels& panels, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
                     const Weights& weights, std::span<const float> bias, std::span<const std::int32_t> input_order,
                     std::span<const std::int32_t> output_order, std::span<std::byte> packed) {
  const std::int32_t lanes = panels.lanes, dot = panels.dot, vectors = (outputs + lanes - 1) / lanes;
  const std::int32_t count = panel_count(outputs, lanes, panels.max_vectors);
  std::fill(packed.begin(), packed.end(), std::byte{0});
  std::byte* to = packed.data();
  for (std::int32_t group = 0; group < groups; ++group) {
    const std::int32_t* const reads = input_order.data() + std::ptrdiff_t{group} * inputs;
    for (std::int32_t panel = 0; panel < count; ++panel) {
      const std::int32_t begin = panel_begin(panel, vectors, count) * lanes;
      const std::int32_t end = panel_begin(panel + 1, vectors, count) * lanes, width = end - begin;
      auto* const numbers = reinterpret_cast<std::uint16_t*>(to + std::ptrdiff_t{width} * 4);
      for (std::int32_t column = 0; column < width && begin + column < outputs; ++column) {
        const auto n = static_cast<std::size_t>(group * outputs + begin + column);
        const auto output = static_cast<std::size_t>(group * outputs + output_order[n]);
        if (!bias.empty()) std::memcpy(to + std::ptrdiff_t{column} * 4, &bias[output], sizeof(float));
        const float* const row = weights.values.data() + output * static_cast<std::size_t>(inputs);
        const double scale = weights.row_scale.empty() ? 1.0 : weights.row_scale[output];
        for (std::ptrdiff_t k = 0; k < inputs; ++k) {
          numbers[(k / dot * width + column) * dot + k % dot] = to_bf16(static_cast<float>(row[reads[k]] * scale));
        }
      }
      to += (width / lanes) * dot_vector_bytes(lanes, filled_inputs(panels.form, dot, inputs));
    }
  }
}

}  // namespace riffle::kernels
