#include "kernels/pointwise/pointwise.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include "kernels/pointwise/residual_reference.hpp"
#include "kernels/reference.hpp"

namespace riffle::kernels {
namespace {

/// A kernel may read so many floats behind the last weight.
constexpr std::int64_t read_ahead = 32;

/// So many of a row's weights are packed at a time: what a panel's rows give and what they become stay in L1.
constexpr std::int32_t block_inputs = 64;

/// N neighbouring columns of a panel: to[k * width + n] = rows[n][reads[k]], times the row's scale. Several columns at
/// once, because one is a store for every load.
template <std::size_t N>
void pack_columns(const std::array<const float*, N>& rows, const std::array<double, N>& scales, bool scaled,
                  std::span<const std::int32_t> reads, float* to, std::size_t width) {
  for (std::size_t k = 0; k < reads.size(); ++k) {
    std::array<float, N> values;
    for (std::size_t n = 0; n < N; ++n) values[n] = rows[n][reads[k]];
    if (scaled) {
      for (std::size_t n = 0; n < N; ++n) values[n] = static_cast<float>(values[n] * scales[n]);
    }
    std::memcpy(to + k * width, values.data(), sizeof values);
  }
}

}  // namespace

std::int64_t packed_pointwise_size(std::int32_t groups, std::int32_t inputs, std::int32_t outputs, std::int32_t lanes) {
  const std::int64_t vectors = (outputs + lanes - 1) / lanes;
  return groups * vectors * lanes * (static_cast<std::int64_t>(inputs) + 1) + read_ahead;
}

void pack_pointwise(const PointwiseKernel& kernel, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
                    const Weights& weights, std::span<const float> bias, std::span<const std::int32_t> input_order,
                    std::span<const std::int32_t> output_order, std::span<float> packed) {
  const std::int32_t lanes = kernel.lanes, vectors = (outputs + lanes - 1) / lanes;
  const std::int32_t panels = panel_count(outputs, lanes, kernel.max_vectors);
  const bool scaled = !weights.row_scale.empty();
  float* to = packed.data();
  for (std::int32_t group = 0; group < groups; ++group) {
    const std::int32_t* reads = input_order.data() + static_cast<std::ptrdiff_t>(group) * inputs;
    const std::int32_t* writes = output_order.data() + static_cast<std::ptrdiff_t>(group) * outputs;
    for (std::int32_t panel = 0; panel < panels; ++panel) {
      const std::int32_t begin = panel_begin(panel, vectors, panels) * lanes;
      const std::int32_t end = panel_begin(panel + 1, vectors, panels) * lanes;
      const auto width = static_cast<std::size_t>(end - begin);
      const bool half = kernel.pairs_halves && end - outputs >= lanes / 2;
      /// The output whose weights a column holds, -1 if it is empty.
      const auto output_of = [&](std::int32_t column) {
        const std::int32_t n = half && column >= end - lanes / 2 ? column - lanes / 2 : column;
        return n < outputs ? group * outputs + writes[n] : -1;
      };
      const auto are_outputs = [&](std::int32_t column, std::int32_t count) {
        if (column + count > end) return false;
        for (std::int32_t i = 0; i < count; ++i) {
          if (output_of(column + i) < 0) return false;
        }
        return true;
      };
      for (std::int32_t column = begin; column < end; ++column) {
        const std::int32_t output = output_of(column);
        *to++ = output < 0 || bias.empty() ? 0.0F : bias[static_cast<std::size_t>(output)];
      }
      for (std::int32_t k = 0; k < inputs; k += block_inputs) {
        const std::span block(reads + k, static_cast<std::size_t>(std::min(block_inputs, inputs - k)));
        for (std::int32_t column = begin; column < end;) {
          const auto pack = [&]<std::size_t N>(std::integral_constant<std::size_t, N>) {
            std::array<const float*, N> rows;
            std::array<double, N> scales{};
            for (std::size_t n = 0; n < N; ++n) {
              const auto row = static_cast<std::size_t>(output_of(column + static_cast<std::int32_t>(n)));
              rows[n] = weights.values.data() + row * static_cast<std::size_t>(inputs);
              if (scaled) scales[n] = weights.row_scale[row];
            }
            pack_columns(rows, scales, scaled, block, to + (column - begin), width);
            column += static_cast<std::int32_t>(N);
          };
          if (are_outputs(column, 4)) {
            pack(std::integral_constant<std::size_t, 4>());
          } else if (are_outputs(column, 1)) {
            pack(std::integral_constant<std::size_t, 1>());
          } else {
            for (std::size_t i = 0; i < block.size(); ++i) to[i * width + static_cast<std::size_t>(column - begin)] = 0;
            ++column;
          }
        }
        to += block.size() * width;
      }
    }
  }
}

void pointwise_reference(const PointwiseArgs& args, std::span<const float> weights, std::span<const float> bias,
                         const Memory& memory, std::int32_t lanes) {
  for (std::int64_t pixel = 0; pixel < args.pixels; ++pixel) {
    for (std::int32_t o = 0; o < args.groups * args.outputs; ++o) {
      const std::int32_t group = o / args.outputs;
      double sum = bias.empty() ? 0.0 : static_cast<double>(bias[static_cast<std::size_t>(o)]);
      std::size_t k = static_cast<std::size_t>(o) * static_cast<std::size_t>(args.inputs);
      for (std::int32_t r = args.run_begin[group * args.parts]; r < args.run_begin[(group + 1) * args.parts]; ++r) {
        for (std::int32_t c = 0; c < args.runs[r].channels; ++c, ++k) {
          sum += element(args.runs[r], pixel, c, memory) * static_cast<double>(weights[k]);
        }
      }
      sum += residual_element(args.residual, args.outputs, o, pixel, lanes, memory);
      element(args.blocks[group], pixel, o % args.outputs, memory) = static_cast<float>(clamped(sum, args.clamp));
    }
  }
}

}  // namespace riffle::kernels
