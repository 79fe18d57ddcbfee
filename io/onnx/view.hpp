// A view: how a model looks at the tensor of a graph node, while it reshapes, transposes and slices it.
//
// A channel shuffle reaches an ONNX file as three or four operations on 5-D or 3-D tensors. None of them computes:
// each only renames the axes. A view follows them. Every axis of a view is a list of factors, outermost first, and a
// factor is a digit of the batch, the channel, the row or the column index of the node's tensor:
//
//   x                            (N, 116, 28, 28)        [N] [c:116*1] [H] [W]
//   reshape (N, 2, 58, 28, 28)                           [N] [c:2*58] [c:58*1] [H] [W]
//   transpose 1, 2                                       [N] [c:58*1] [c:2*58] [H] [W]
//   reshape (N, 116, 28, 28)                             [N] [c:58*1 c:2*58] [H] [W]
//
// where c:e*s is a digit with e values that each step s channels. Once the factors of the channels stand together on
// one axis, the list of source channels is read off them, and with it the shuffle (choose_channels).
//
// Digits of rows and columns that another size of the network's input changes are open: a view says what the model does
// at every size, and a digit that is one pixel at the model's own size has its place all the same. An operation that
// cannot say so has no open view; see Importer::close_size.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "io/onnx/quantity.hpp"

namespace riffle::onnx {

enum class Index : std::uint8_t { batch, channel, row, column };

struct Factor {
  Index index = Index::channel;
  bool open = false;        ///< the batch N that the model leaves open, or all rows or columns of an open size
  std::int64_t extent = 1;  ///< of an open batch 1, of open rows and columns what it is at the model's size; never 1
                            ///< otherwise: such digits say nothing and are dropped
  std::int64_t step = 1;    ///< channels, rows or columns of the source from one value to the next, never 0; of a
                            ///< channel digit it may be negative, of what is open it is 1
  bool operator==(const Factor&) const = default;
};

inline bool is_batch(const Factor& factor) { return factor.index == Index::batch; }
inline bool is_channel(const Factor& factor) { return factor.index == Index::channel; }

using Axis = std::vector<Factor>;

/// And of nothing else.
bool is_of_channels(const Axis& axis);
/// What the axis holds, whichever channels its digits pick and however these are cut.
Axis outline(const Axis& axis);

/// Of a node's tensor; it picks the channels first_channel + sum of (digit * step), all of them of the source.
struct View {
  std::string name;  ///< of the model's tensor, for the node that may have to make it
  graph::NodeId node = 0;
  std::int64_t first_channel = 0;
  std::vector<Axis> axes;
  /// In what the model keeps the numbers, where it matters: of an input, and of what Cast and QuantizeLinear make,
  /// which may be an output. Anything else is read as float.
  Type type = Type::f32;
  /// Of int8 and uint8; of an input none until it is read.
  std::optional<Quantization> quantization = {};
};

/// How many images the model was exported for: a number or, where it is left open, none.
using Batch = std::optional<std::int64_t>;

/// A node's whole tensor, as (N, C, H, W) or, of one pixel at every size, as (N, C).
View whole(std::string name, graph::NodeId node, const graph::Shape& shape, Batch batch, Extents open = {});
View whole_vector(std::string name, graph::NodeId node, std::int32_t channels, Batch batch);

/// How many channels digits on these axes pick.
std::int64_t channel_count(std::span<const Axis> axes);
/// Rows and columns with open digits on the axis.
Extents open_extents(const Axis& axis);
/// The view at the model's own size alone: rows and columns are no longer open.
View closed(const View& view);

Quantity extent(const Axis& axis);
std::vector<Quantity> extents(const View& view);
/// "(N, 2, 58, 28, 28)"
std::string text(const View& view);

// What the model's operations do to a view. Axes are in range and not negative.

/// `shape` holds integers, all of them known (no 0 and no -1 that stand for something else), with the view's product.
/// None if the new axes do not fall on the borders of the digits. Open rows and columns of extent 1 become an axis
/// where a 1 is asked for, of which there are no more, or else they join the axis before them, as in flattening.
std::optional<View> reshape(const View& view, std::span<const Quantity> shape);
View transpose(const View& view, std::span<const std::size_t> order);
/// Positions first, first + step ... of an axis, all within it; count >= 1. None if the axis has several digits or is
/// not of channels, and the slice is not all of it at every size.
std::optional<View> slice(const View& view, std::size_t axis, std::int64_t first, std::int64_t count,
                          std::int64_t step);
/// One position of an axis, which goes away. None if the axis is not one of channels alone (or of extent 1).
std::optional<View> select(const View& view, std::size_t axis, std::int64_t position);

/// The axis on which all channel digits stand side by side; the first axis that could hold them if there are none.
/// None if they are spread.
std::optional<std::size_t> channel_axis(const View& view);
/// The source's channels in the order of the view's, for a view that has a channel_axis.
std::vector<std::int32_t> channels(const View& view);
/// Are the view's channels just the source's, in order, on one axis?
bool is_settled(const View& view, std::int32_t source_channels);
/// The view with its channels replaced by those of `node`, which holds them in this order.
View with_channels_of(const View& view, graph::NodeId node, std::int32_t count);

/// The operation that picks `channels` of a tensor of `source_channels`: none (they are all of them, in order), Slice,
/// Shuffle or Gather.
std::optional<graph::Operation> choose_channels(std::vector<std::int32_t> channels, std::int32_t source_channels);

}  // namespace riffle::onnx
