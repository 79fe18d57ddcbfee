// The sliding window of a convolution or a pooling, from its attributes.
#pragma once

#include "io/onnx/importer.hpp"

namespace riffle::onnx {

struct WindowAttributes {
  graph::Window window;
  bool pads = false;  ///< Does it pad by itself, beside what a Pad node before it brought?
};

/// Reads kernel_shape (which must be kernel_h x kernel_w where those are not 0), strides, pads, auto_pad and dilations
/// for an input around which `before` are zeros. Throws Error for values that are out of range.
WindowAttributes read_window(Call& call, const Padding& before, std::int64_t kernel_h, std::int64_t kernel_w);

}  // namespace riffle::onnx
