#include "io/onnx/test_model.hpp"

#include <numeric>
#include <span>

#include "engine/passes/passes.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "io/onnx/import.hpp"

namespace riffle::onnx {

TestModel::TestModel(std::vector<std::int64_t> input_dims, std::int64_t opset, ::onnx::TensorProto::DataType type) {
  proto.set_ir_version(7);
  proto.add_opset_import()->set_version(opset);
  proto.mutable_graph()->set_name("test");
  input("x", input_dims, type);
  output("y");
}

void TestModel::input(const std::string& name, const std::vector<std::int64_t>& dims,
                      ::onnx::TensorProto::DataType type) {
  auto* input = proto.mutable_graph()->add_input();
  input->set_name(name);
  auto* tensor = input->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  for (const std::int64_t extent : dims) {
    auto* dim = tensor->mutable_shape()->add_dim();
    if (extent == 0) {
      dim->set_dim_param("n");
    } else {
      dim->set_dim_value(extent);
    }
  }
}

void TestModel::output(const std::string& name) { proto.mutable_graph()->add_output()->set_name(name); }

::onnx::NodeProto& TestModel::node(const char* type, std::vector<std::string> inputs, const std::string& output,
                                   std::initializer_list<Attribute> attributes) {
  auto& node = *proto.mutable_graph()->add_node();
  node.set_name("the_node");
  node.set_op_type(type);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output);
  for (const Attribute& attribute : attributes) {
    auto& one = *node.add_attribute();
    one.set_name(attribute.name);
    if (const auto* integer = std::get_if<int>(&attribute.value)) {
      one.set_type(::onnx::AttributeProto::INT);
      one.set_i(*integer);
    } else if (const auto* real = std::get_if<float>(&attribute.value)) {
      one.set_type(::onnx::AttributeProto::FLOAT);
      one.set_f(*real);
    } else if (const auto* text = std::get_if<const char*>(&attribute.value)) {
      one.set_type(::onnx::AttributeProto::STRING);
      one.set_s(*text);
    } else {
      one.set_type(::onnx::AttributeProto::INTS);
      for (const std::int64_t value : std::get<std::vector<std::int64_t>>(attribute.value)) one.add_ints(value);
    }
  }
  return node;
}

std::string TestModel::new_name() { return "constant_" + std::to_string(names_++); }

std::string TestModel::list(std::vector<std::int64_t> values) {
  auto& tensor = initialiser(new_name());
  tensor.set_data_type(::onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<std::int64_t>(values.size()));
  for (const std::int64_t value : values) tensor.add_int64_data(value);
  return tensor.name();
}

std::string TestModel::scalar(std::int64_t value) {
  const std::string name = list({value});
  initialiser(name).clear_dims();
  return name;
}

std::string TestModel::scalar(std::int64_t value, ::onnx::TensorProto::DataType type) {
  auto& tensor = initialiser(new_name());
  tensor.set_data_type(type);
  tensor.add_int32_data(static_cast<std::int32_t>(value));
  return tensor.name();
}

std::string TestModel::floats(std::vector<std::int64_t> dims) {
  std::vector<float> values(
      static_cast<std::size_t>(std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>())));
  std::iota(values.begin(), values.end(), 1.0F);
  return floats(std::move(dims), values);
}

std::string TestModel::floats(std::vector<std::int64_t> dims, const std::vector<float>& values) {
  auto& tensor = initialiser(new_name());
  tensor.set_data_type(::onnx::TensorProto::FLOAT);
  for (const std::int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_raw_data(values.data(), values.size() * sizeof(float));
  return tensor.name();
}

::onnx::TensorProto& TestModel::initialiser(const std::string& name) {
  for (auto& tensor : *proto.mutable_graph()->mutable_initializer()) {
    if (tensor.name() == name) return tensor;
  }
  auto& tensor = *proto.mutable_graph()->add_initializer();
  tensor.set_name(name);
  return tensor;
}

graph::Graph TestModel::import() const {
  const std::string bytes = proto.SerializeAsString();
  return onnx::import(std::as_bytes(std::span(bytes)));
}

std::string TestModel::operations() const { return onnx::operations(import()); }

std::string TestModel::refusal() const {
  try {
    static_cast<void>(import());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string operations(graph::Graph graph) {
  passes::remove_dead_nodes(graph);
  std::string result;
  for (const graph::Node& node : graph.nodes) {
    result.append(result.empty() ? "" : ", ").append(graph::operation_name(node.operation));
  }
  return result;
}

std::vector<Bytes> outputs_of(const graph::Graph& graph, const std::vector<Bytes>& inputs, std::int64_t batch) {
  const auto plan = plan::make(graph);
  std::vector<Bytes> outputs;
  std::vector<const void*> from;
  std::vector<void*> to;
  for (std::size_t i = 0; i < plan->inputs.size(); ++i) {
    if (static_cast<std::int64_t>(inputs.at(i).size()) != batch * plan->inputs[i].bytes()) {
      throw Error("the test has numbers of another size than input " + std::to_string(i));
    }
    from.push_back(inputs[i].data());
  }
  for (const plan::Tensor& output : plan->outputs) {
    outputs.emplace_back(static_cast<std::size_t>(batch * output.bytes()), std::byte{0xFF});
  }
  for (Bytes& output : outputs) to.push_back(output.data());
  run::Session(plan).run(from.data(), to.data(), batch);
  return outputs;
}

}  // namespace riffle::onnx
