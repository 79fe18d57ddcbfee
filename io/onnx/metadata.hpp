// What a graph says of its pictures and classes, as metadata_props of an ONNX model:
//
//   riffle.labels          ["T-shirt/top", "trouser", ...]
//   riffle.preprocessing   {"resize": "stretch", "antialias": true, "mean": [0.485, ...], "std": [0.229, ...]}
//                          {"resize": "crop", "resize_size": 256, ...}
//   riffle.description     docs/description.md: the task; and the pictures, if riffle.preprocessing has no words for
//                          them
#pragma once

#include "engine/graph/graph.hpp"

namespace onnx {
class ModelProto;
}  // namespace onnx

namespace riffle::onnx {

/// Bytes of labels that are no UTF-8 become U+FFFD.
void write_metadata(const graph::Graph& graph, ::onnx::ModelProto& model);

/// Into a graph that has passed infer_shapes(). Other properties are left alone. Throws Error naming the property that
/// is not as above, is there twice, or does not fit the graph.
void read_metadata(const ::onnx::ModelProto& model, graph::Graph& graph);

}  // namespace riffle::onnx
