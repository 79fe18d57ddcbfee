// Where the pixels of a result come from that is the operand resized, cropped or padded: the one place that says how
// large such a result is and which of the operand's rows and columns it has, to shape inference, the plan, the
// verification and importers alike. The rules of resizing are those of ONNX's Resize, in single precision, as runtimes
// compute them: which pixel is the nearest may hang on the last bit.
//
// All throw Error, without a node's name, for numbers that are out of range or do not fit the operand.
#pragma once

#include <vector>

#include "engine/graph/graph.hpp"
#include "kernels/resize/resize.hpp"

namespace riffle::graph {

/// `like`: the shape of the second operand, or null.
Shape result_shape(const Resize& resize, const Shape& operand, const Shape* like);
Shape result_shape(const Crop& crop, const Shape& operand);
Shape result_shape(const Pad& pad, const Shape& operand);
/// Of the result, which may be of no size at all: whoever asks checks it as any other.
Shape result_shape(const TransposedConvolution& convolution, const Shape& operand);

/// For each row and each column of a resize's result where it lies on the operand, in rows and columns of that.
struct Places {
  std::vector<float> rows, columns;
};
Places places(const Resize& resize, const Shape& operand, const Shape& result);

/// For each row and each column of a result that of the operand; -1: none.
struct SelectedPixels {
  std::vector<std::int32_t> rows, columns;
};
/// Of a resize to the nearest.
SelectedPixels selected_pixels(const Resize& resize, const Shape& operand, const Shape& result);
SelectedPixels selected_pixels(const Crop& crop, const Shape& operand, const Shape& result);
SelectedPixels selected_pixels(const Pad& pad, const Shape& operand, const Shape& result);

/// For each row and each column of a result between which two of the operand it lies.
struct MixedPixels {
  std::vector<kernels::Between> rows, columns;
};
/// Of a linear resize.
MixedPixels mixed_pixels(const Resize& resize, const Shape& operand, const Shape& result);

}  // namespace riffle::graph
