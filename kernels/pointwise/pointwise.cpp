#include "kernels/pointwise/pointwise.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "kernels/byte_panels.hpp"
#include "kernels/dot_panels.hpp"
#include "kernels/packing.hpp"
#include "kernels/pointwise/residual_reference.hpp"
#include "kernels/reference.hpp"

namespace riffle::kernels {
namespace {

/// A kernel may read so many bytes behind the last weight.
constexpr std::int64_t read_ahead = 128;

/// Columns that are packed together: a cache line of the packed weights is written whole, and so many rows are read
/// side by side, each from its start to its end.
constexpr std::int32_t strip_columns = 16;

/// A vector on any CPU that has some; elsewhere compilers make it of single floats.
using Four = float __attribute__((vector_size(16)));

/// A row of weights, which becomes a column of a panel.
struct Row {
  const float* values = nullptr;
  double scale = 1;
};

template <bool Scaled>
RIFFLE_INLINE float weight_at(const Row& row, std::int32_t i) {
  return Scaled ? static_cast<float>(row.values[i] * row.scale) : row.values[i];
}

/// Weights i to i + 3 of a row.
template <bool Scaled>
RIFFLE_INLINE Four four_at(const Row& row, std::int32_t i) {
  Four four;
  if constexpr (Scaled) {
    for (std::int32_t j = 0; j < 4; ++j) four[j] = weight_at<Scaled>(row, i + j);
  } else {
    std::memcpy(&four, row.values + i, sizeof four);
  }
  return four;
}

/// Neighbouring columns of a panel: to[places[i] * width + n] = rows[n][i].
template <bool Scaled>
void pack_strip(std::span<const Row> rows, std::span<const std::int32_t> places, float* to, std::size_t width) {
  const auto inputs = static_cast<std::int32_t>(places.size());
  const auto place = [&](std::int32_t i) {
    return to + static_cast<std::size_t>(places[static_cast<std::size_t>(i)]) * width;
  };
  // Kernels without vectors have panels of any width: those go one by one, and so does the end of every row.
  const std::int32_t by_four = rows.size() % 4 == 0 ? inputs / 4 * 4 : 0;
  for (std::int32_t i = 0; i < by_four; i += 4) {
    for (std::size_t n = 0; n < rows.size(); n += 4) {
      const Four a = four_at<Scaled>(rows[n], i), b = four_at<Scaled>(rows[n + 1], i),
                 c = four_at<Scaled>(rows[n + 2], i), d = four_at<Scaled>(rows[n + 3], i);
      const Four ac01 = __builtin_shufflevector(a, c, 0, 4, 1, 5), ac23 = __builtin_shufflevector(a, c, 2, 6, 3, 7),
                 bd01 = __builtin_shufflevector(b, d, 0, 4, 1, 5), bd23 = __builtin_shufflevector(b, d, 2, 6, 3, 7);
      const std::array<Four, 4> columns{
          __builtin_shufflevector(ac01, bd01, 0, 4, 1, 5), __builtin_shufflevector(ac01, bd01, 2, 6, 3, 7),
          __builtin_shufflevector(ac23, bd23, 0, 4, 1, 5), __builtin_shufflevector(ac23, bd23, 2, 6, 3, 7)};
      for (std::int32_t j = 0; j < 4; ++j)
        std::memcpy(place(i + j) + n, &columns[static_cast<std::size_t>(j)], sizeof(Four));
    }
  }
  for (std::int32_t i = by_four; i < inputs; ++i) {
    for (std::size_t n = 0; n < rows.size(); ++n) place(i)[n] = weight_at<Scaled>(rows[n], i);
  }
}

}  // namespace

std::int64_t packed_panels_bytes(const Panels& panels, std::int32_t groups, std::int32_t inputs, std::int32_t outputs) {
  if (panels.dot > 1) return dot_panels_bytes(panels, groups, inputs, outputs);
  const std::int64_t vectors = (outputs + panels.lanes - 1) / panels.lanes;
  return groups * vectors * panels.lanes * (static_cast<std::int64_t>(inputs) + 1) * size_of(panels.type) + read_ahead;
}

void pack_panels(const Panels& panels, std::int32_t groups, std::int32_t inputs, std::int32_t outputs,
                 const Weights& weights, std::span<const float> bias, std::span<const std::int32_t> input_order,
                 std::span<const std::int32_t> output_order, std::span<std::byte> packed) {
  if (panels.dot > 1) {
    return pack_dot_panels(panels, groups, inputs, outputs, weights, bias, input_order, output_order, packed);
  }
  const std::int32_t lanes = panels.lanes, vectors = (outputs + lanes - 1) / lanes;
  const std::int32_t count = panel_count(outputs, lanes, panels.max_vectors);
  const bool scaled = !weights.row_scale.empty();
  const auto row_floats = static_cast<std::size_t>(inputs);
  const std::vector<float> nothing(row_floats);  // what an empty column holds
  std::vector<std::int32_t> places(row_floats);  // of a group's inputs, in the order in which they are read
  PackedFloats floats(packed, panels.type);
  for (std::int32_t group = 0; group < groups; ++group) {
    const std::int32_t* reads = input_order.data() + static_cast<std::ptrdiff_t>(group) * inputs;
    const std::int32_t* writes = output_order.data() + static_cast<std::ptrdiff_t>(group) * outputs;
    for (std::int32_t k = 0; k < inputs; ++k) places[static_cast<std::size_t>(reads[k])] = k;
    for (std::int32_t panel = 0; panel < count; ++panel) {
      const std::int32_t begin = panel_begin(panel, vectors, count) * lanes;
      const std::int32_t end = panel_begin(panel + 1, vectors, count) * lanes;
      const auto width = static_cast<std::size_t>(end - begin);
      const bool half = panels.pairs_halves && end - outputs >= lanes / 2;
      /// The output whose weights a column holds, -1 if it is empty.
      const auto output_of = [&](std::int32_t column) {
        const std::int32_t n = half && column >= end - lanes / 2 ? column - lanes / 2 : column;
        return n < outputs ? group * outputs + writes[n] : -1;
      };
      const auto row_of = [&](std::int32_t column) -> Row {
        const std::int32_t output = output_of(column);
        if (output < 0) return {nothing.data()};
        const auto row = static_cast<std::size_t>(output);
        return {weights.values.data() + row * row_floats, scaled ? weights.row_scale[row] : 1.0};
      };
      float* to = floats.next((row_floats + 1) * width);
      for (std::int32_t column = begin; column < end; ++column) {
        const std::int32_t output = output_of(column);
        *to++ = output < 0 || bias.empty() ? 0.0F : bias[static_cast<std::size_t>(output)];
      }
      for (std::int32_t first = begin; first < end; first += strip_columns) {
        std::array<Row, strip_columns> rows;
        const auto in_strip = static_cast<std::size_t>(std::min(strip_columns, end - first));
        for (std::size_t n = 0; n < in_strip; ++n) rows[n] = row_of(first + static_cast<std::int32_t>(n));
        const auto pack = scaled ? pack_strip<true> : pack_strip<false>;
        pack(std::span(rows).first(in_strip), places, to + (first - begin), width);
      }
    }
  }
}

void pointwise_reference(const PointwiseArgs& args, std::span<const float> weights, std::span<const float> bias,
                         const Addresses& memory, std::int32_t lanes) {
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
      set_element(args.blocks[group], pixel, o % args.outputs, memory, clamped(sum, args.clamp));
    }
  }
}

void pointwise_bytes_reference(const PointwiseArgs& args, const IntegerWeights& weights, const Addresses& memory,
                               std::int32_t lanes) {
  for (std::int64_t pixel = 0; pixel < args.pixels; ++pixel) {
    for (std::int32_t o = 0; o < args.groups * args.outputs; ++o) {
      const std::int32_t group = o / args.outputs;
      const auto output = static_cast<std::size_t>(o);
      double sum = weights.bias[output];
      std::size_t k = output * static_cast<std::size_t>(args.inputs);
      for (std::int32_t r = args.run_begin[group]; r < args.run_begin[group + 1]; ++r) {
        for (std::int32_t c = 0; c < args.runs[r].channels; ++c, ++k) {
          sum += element(args.runs[r], pixel, c, memory) * weights.values[k];
        }
      }
      const auto residual =
          static_cast<std::int32_t>(residual_element(args.residual, args.outputs, o, pixel, lanes, memory)) -
          args.zeros.residual;
      set_element(args.blocks[group], pixel, o % args.outputs, memory,
                  layer_reference(args.blocks[group].type, static_cast<std::int64_t>(sum), weights.factors[output],
                                  args.clamp, args.zeros.output, args.residual == nullptr ? nullptr : &residual));
    }
  }
}

}  // namespace riffle::kernels
