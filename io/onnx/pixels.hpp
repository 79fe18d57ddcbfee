// Views whose rows and columns become others: what Resize, Pad, Slice and Split do to images, in whatever order the
// model has their axes.
#pragma once

#include "io/onnx/importer.hpp"

namespace riffle::onnx {

/// Index::row or Index::column where the axis is all rows or all columns of the view's node; none where it is anything
/// else.
std::optional<Index> pixel_axis(const Importer& importer, const View& view, std::size_t axis);

/// The view, whose channels are settled, of a node with as many channels and other rows and columns.
View with_pixels_of(const Importer& importer, const View& view, graph::NodeId node);

/// Of one direction, what graph::Crop says of two.
struct CroppedAxis {
  std::int32_t before = 0, after = 0, step = 1;
};
/// A node that crops, or one more crop in a node that does.
View cropped(Call& call, View& view, Index index, const CroppedAxis& by);

}  // namespace riffle::onnx
