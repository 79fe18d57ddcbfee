// From an arrangement to the loops of the rearrange kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/graph/graph.hpp"
#include "kernels/rearrange/rearrange.hpp"

namespace riffle::plan {

/// Memory in which the digits of an arrangement have so many elements between their values.
struct ArrangedMemory {
  graph::ResolvedArrangement arrangement;
  std::vector<std::int64_t> strides;  ///< by digit
  kernels::Numbers numbers;
};

/// With the axes side by side, as a caller's tensor.
ArrangedMemory side_by_side(const graph::Arrangement& arrangement, const graph::Shape& shape, kernels::Numbers numbers);
/// With the three axes as rows, columns and channels of a block whose rows are `width` pixels.
ArrangedMemory as_pixels(const graph::Arrangement& arrangement, const graph::Shape& shape, kernels::Numbers numbers,
                         std::int32_t width, std::int32_t pixel_stride);

/// The stride of the pixels of a tensor of this shape, channels side by side, that stand so in the memory; none where
/// they do not.
std::optional<std::int32_t> pixel_stride_in(const ArrangedMemory& memory, const graph::Shape& shape);

enum class MoveTo : std::uint8_t { arranged, pixels };

/// Moves, whose loops are not yet where they stay.
struct MoveList {
  std::vector<kernels::Move> moves;
  std::vector<std::vector<kernels::MoveLoop>> loops;

  /// Between the memory and a run, whose first channel is `channel` of the tensor that is arranged, of this width.
  void add(const ArrangedMemory& memory, const kernels::ChannelRun& run, std::int32_t channel, std::int32_t width,
           MoveTo to);
};

}  // namespace riffle::plan
