#include "io/onnx/subgraphs.hpp"

#include <onnx.pb.h>

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "engine/graph/graph.hpp"
#include "io/onnx/importer.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"

namespace riffle::onnx {
namespace {

using ::onnx::AttributeProto;
using ::onnx::FunctionProto;
using ::onnx::GraphProto;
using ::onnx::NodeProto;

constexpr int most_calls = 32;  ///< inside one another

class FunctionInliner {
 public:
  explicit FunctionInliner(::onnx::ModelProto& model)
      : model_(model), most_bytes_((std::size_t{1} << 26) + 2 * model.ByteSizeLong()) {
    for (const FunctionProto& function : model.functions()) {
      if (!functions_.emplace(function.domain() + ":" + function.name(), &function).second) {
        throw Error("the model has two functions '" + function.name() + "'");
      }
    }
  }

  void run() {
    auto& nodes = *model_.mutable_graph()->mutable_node();
    std::vector<NodeProto> before(std::make_move_iterator(nodes.begin()), std::make_move_iterator(nodes.end()));
    nodes.Clear();
    for (NodeProto& node : before) expand(std::move(node), 0);
  }

 private:
  void expand(NodeProto node, int depth) {
    const auto found = functions_.find(node.domain() + ":" + node.op_type());
    if (found == functions_.end()) {
      auto& nodes = *model_.mutable_graph()->mutable_node();
      if (static_cast<std::size_t>(nodes.size()) >= graph::max_nodes) throw Error("the model has too many nodes");
      bytes_ += node.ByteSizeLong();
      if (bytes_ > most_bytes_) throw Error("the model's functions make far more of it than it is large");
      *nodes.Add() = std::move(node);
      return;
    }
    const FunctionProto& function = *found->second;
    if (static_cast<std::size_t>(calls_) >= graph::max_nodes) throw Error("the model has too many nodes");
    const std::string call = "call " + std::to_string(++calls_);  // its own names are no other call's
    if (depth == most_calls) throw Error("the model's function '" + function.name() + "' calls itself");
    std::unordered_map<std::string, std::string> names = {{"", ""}};
    for (int i = 0; i < function.input_size(); ++i) {  // an optional one may be left out
      names[function.input(i)] = i < node.input_size() ? node.input(i) : "";
    }
    for (int i = 0; i < function.output_size() && i < node.output_size(); ++i) {
      if (!node.output(i).empty()) names[function.output(i)] = node.output(i);
    }
    const auto rename = [&](std::string& name) {
      const auto known = names.find(name);
      name = known != names.end() ? known->second : call + "." + name;
    };
    for (const NodeProto& one : function.node()) {
      NodeProto copy = one;
      for (auto& name : *copy.mutable_input()) rename(name);
      for (auto& name : *copy.mutable_output()) rename(name);
      copy.set_name((node.name().empty() ? function.name() : node.name()) + "." +
                    (one.name().empty() ? one.op_type() : one.name()));
      copy.clear_attribute();
      for (const AttributeProto& attribute : one.attribute()) {
        if (attribute.type() == AttributeProto::GRAPH || attribute.type() == AttributeProto::GRAPHS) {
          throw Error("the model's function '" + function.name() + "' has a node with a graph of its own, '" +
                      copy.name() + "', which is not supported");
        }
        give(copy, attribute, node, function);
      }
      expand(std::move(copy), depth + 1);
    }
  }

  /// The attribute as it is, or what the call says in the place of the one that it refers to, if it says it.
  static void give(NodeProto& to, const AttributeProto& attribute, const NodeProto& call,
                   const FunctionProto& function) {
    if (attribute.ref_attr_name().empty()) {
      *to.add_attribute() = attribute;
      return;
    }
    const std::string& name = attribute.ref_attr_name();
    const auto given = std::ranges::find(call.attribute(), name, &AttributeProto::name);
    if (given != call.attribute().end()) {
      AttributeProto& made = *to.add_attribute();
      made = *given;
      made.set_name(attribute.name());
    } else if (std::ranges::find(function.attribute(), name) == function.attribute().end()) {
      throw Error("the model's function '" + function.name() + "' has a default for its attribute '" + name +
                  "', which is not supported; export the model without functions");
    }
  }

  ::onnx::ModelProto& model_;
  std::unordered_map<std::string, const FunctionProto*> functions_;
  std::size_t bytes_ = 0, most_bytes_;
  int calls_ = 0;
};

}  // namespace

void inline_functions(::onnx::ModelProto& model) {
  if (model.functions_size() > 0) FunctionInliner(model).run();
}

void for_each_read(const NodeProto& node, const std::function<void(const std::string&)>& f) {
  for (const auto& input : node.input()) f(input);
  for (const AttributeProto& attribute : node.attribute()) {
    if (!attribute.has_g()) continue;
    for (const NodeProto& inner : attribute.g().node()) for_each_read(inner, f);
    for (const auto& output : attribute.g().output()) f(output.name());
  }
}

/// Of a condition that is known when the model is imported: the nodes of the branch that it chooses.
void import_if(Call& call) {
  const std::vector<std::int64_t> condition = known_integers(call.numbers(0));
  if (condition.size() != 1) throw Error("its condition is not a single number");
  const auto* yes = call.find("then_branch", AttributeProto::GRAPH);
  const auto* no = call.find("else_branch", AttributeProto::GRAPH);
  if (yes == nullptr || no == nullptr) throw Error("it has not two branches");
  const GraphProto& branch = (condition[0] != 0 ? yes : no)->g();
  expect_supported(branch);
  if (branch.output_size() != static_cast<int>(call.outputs())) throw Error("its branches do not make its outputs");
  std::vector<NodeProto> nodes;
  for (const auto& tensor : branch.initializer()) {
    NodeProto& constant = nodes.emplace_back();
    constant.set_op_type("Constant");
    constant.add_output(tensor.name());
    AttributeProto& value = *constant.add_attribute();
    value.set_name("value");
    value.set_type(AttributeProto::TENSOR);
    *value.mutable_t() = tensor;  // a copy: at one size alone the node may be looked at again
  }
  for (const NodeProto& node : branch.node()) nodes.push_back(node);
  for (int i = 0; i < branch.output_size(); ++i) {
    NodeProto& result = nodes.emplace_back();
    result.set_op_type("Identity");
    result.set_name(call.name());
    result.add_input(branch.output(i).name());
    result.add_output(call.output_name(static_cast<std::size_t>(i)));
  }
  call.importer.import_instead(std::move(nodes));
}

}  // namespace riffle::onnx
