// Graph to ONNX, for every runtime: opset 13, or 14 where there is a hard swish.
#pragma once

#include <string>

#include "engine/graph/graph.hpp"

namespace riffle::onnx {

/// An exported model's metadata (metadata_props) has Input::only_size under this key, for the importer.
inline constexpr char only_size_key[] = "riffle.only_size";

/// A serialised ModelProto that computes what the graph does, for any batch: inputs (n, C, H, W), outputs (n, C, H, W)
/// or, behind a fully connected layer, (n, C). H and W are numbers: other runtimes refuse an input of another size,
/// while riffle, which reads windows as rules and views as views, takes the file for as many sizes as the graph. Batch
/// norm stays as the graph has it, folded or not; activations and residuals that are fused into a node become nodes of
/// their own. Outputs have the graph's names (but a single one without a name of its own that of its tensor), tensors
/// the nodes', initialisers the parameters' ("units.3.reduce.0.weight", "units.3.reduce.1.running_mean"); what is taken
/// gets a number behind it. A quantised graph is written in QDQ form (export.cpp says how near other runtimes come).
/// Labels and preprocessing become the model's metadata (metadata.hpp). Throws Error where the graph does not verify,
/// holds a pooling that ONNX has not, or is larger than the 2 GiB that protobuf can hold.
std::string export_model(const graph::Graph& graph);

}  // namespace riffle::onnx
