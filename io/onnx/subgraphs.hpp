// What stands in a model beside its one list of nodes: functions of its own, which nodes call, and the branches of an
// If.
#pragma once

#include <functional>
#include <string>

namespace onnx {
class GraphProto;
class ModelProto;
class NodeProto;
}  // namespace onnx

namespace riffle::onnx {

/// Puts the nodes of the model's functions in the place of those that call them, as PyTorch's first exporter by
/// torch.dynamo leaves them. Throws Error where they call one another without end, or make too many nodes.
void inline_functions(::onnx::ModelProto& model);

/// Calls f for every name that the node reads, also in its subgraphs; there the names that it makes itself as well.
void for_each_read(const ::onnx::NodeProto& node, const std::function<void(const std::string&)>& f);

}  // namespace riffle::onnx
