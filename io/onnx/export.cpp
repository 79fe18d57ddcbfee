#include "io/onnx/export.hpp"

#include <onnx.pb.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/graph/quantization.hpp"
#include "io/onnx/functions.hpp"
#include "io/onnx/metadata.hpp"
#include "io/onnx/types.hpp"
#include "io/onnx/writer.hpp"

namespace riffle::onnx {
namespace {

using ::onnx::NodeProto;

// The opset of what needs no later one, and the version that belongs to it (and to 14).
constexpr std::int64_t usual_opset = 13, ir_version = 7;
// And the last one in which all operators are written as they are in that one.
constexpr std::int64_t latest_opset = 17;

/// What protobuf can count.
constexpr std::int64_t max_bytes = std::numeric_limits<std::int32_t>::max();

/// What a node takes in the file, on the generous side.
std::int64_t bytes_of(const graph::Node& node) {
  std::int64_t floats = 0, integers = 0;
  std::visit(
      [&](const auto& o) {
        if constexpr (requires { o.channels; }) integers = static_cast<std::int64_t>(o.channels.size());
      },
      node.operation);
  graph::for_each_constant(node.operation, [&](std::string_view, const graph::Constant& constant, const auto&) {
    floats += static_cast<std::int64_t>(constant.size());
  });
  return 4096 + 64 * static_cast<std::int64_t>(node.name.size() + node.inputs.size()) + 4 * floats + 8 * integers;
}

/// A tensor (n, ...), or, where the batch is in its first axis, (n * ..., ...).
void describe(::onnx::ValueInfoProto& value, const std::string& name, Type element, std::vector<std::int64_t> axes,
              bool joins_batch = false) {
  value.set_name(name);
  auto& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(number_of_type(element));
  auto& first = *type.mutable_shape()->add_dim();
  if (!joins_batch) {
    first.set_dim_param("n");
  } else if (!axes.empty()) {
    if (axes[0] == 1) first.set_dim_param("n");
    axes.erase(axes.begin());
  }
  for (const std::int64_t extent : axes) type.mutable_shape()->add_dim()->set_dim_value(extent);
}

/// A node's tensor in the model: (n, C, H, W) or, behind a fully connected layer, (n, C).
struct Tensor {
  std::string name;
  bool vector = false;
};

class Exporter : Writer {
 public:
  explicit Exporter(const graph::Graph& of) : graph_(of), shapes_(graph::infer_shapes(of)) {}

  std::string run() {
    std::int64_t bytes_expected = 0;
    for (const graph::Node& one : graph_.nodes) bytes_expected += bytes_of(one);
    for (const graph::Output& one : graph_.outputs) bytes_expected += 4096 + 64 * std::ssize(graph_.output_name(one));
    for (const std::string& label : graph_.labels) bytes_expected += 8 * static_cast<std::int64_t>(label.size()) + 8;
    if (bytes_expected > max_bytes) throw too_large();
    model.set_ir_version(ir_version);
    model.set_producer_name("riffle");
    out.set_name(graph_.name);
    graph::check_metadata(graph_);
    write_metadata(graph_, model);
    write_inputs();
    name_outputs();
    for (id_ = 0; id_ < graph_.nodes.end_id(); ++id_) {
      const int nodes_before = out.node_size();
      tensors_.push_back(std::visit([this](const auto& o) { return write(o); }, node().operation));
      if (is_rounded_here()) tensors_.back().name = rounded(tensors_.back().name);
      // What is written as its operand gets an Identity in the end.
      const auto name = result_names_.find(id_);
      if (name != result_names_.end() && out.node_size() > nodes_before) rename_result(name->second);
    }
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) write_output(i);
    write_only_size();
    model.add_opset_import()->set_version(opset_);
    std::string bytes;
    if (!model.SerializeToString(&bytes)) throw too_large();
    return bytes;
  }

 private:
  using Writer::append;

  void write_inputs() {
    for (std::size_t i = 0; i < graph_.input_count(); ++i) {
      const graph::Input& input = graph_.input(i);
      const graph::Arrangement arrangement = graph::arrangement_of(input.arrangement);
      describe(*out.add_input(), unique(graph_.nodes[i].name), input.type,
               graph::resolve(arrangement, input.shape).extents, arrangement.joins_batch);
      if (only_size_.empty()) only_size_ = input.only_size;
    }
  }

  void write_only_size() {
    if (only_size_.empty()) return;
    ::onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(only_size_key);
    entry.set_value(only_size_);
  }

  /// Is a node's tensor an input as the caller brings it, if perhaps of another type?
  [[nodiscard]] bool is_input(graph::NodeId id) const {
    const auto* input = std::get_if<graph::Input>(&graph_.nodes[id].operation);
    return input != nullptr && !graph_.nodes[id].quantization && is_planes(input->arrangement);
  }
  static bool is_planes(const graph::Arrangement& arrangement) {
    return graph::arrangement_of(arrangement) == graph::planes_arrangement();
  }
  [[nodiscard]] const std::string& input_name(graph::NodeId id) const { return out.input(id).name(); }

  /// Gives the outputs their names before any tensor but an input takes one of them. A single output that has none of
  /// its own is called as its tensor is.
  void name_outputs() {
    const graph::Output& first = graph_.outputs[0];
    const bool is_single = graph_.outputs.size() == 1 && first.name.empty() && first.type == Type::f32 &&
                           first.arrangement == graph::Arrangement{};
    for (const graph::Output& output : graph_.outputs) {
      const graph::NodeId id = output.node;
      const std::string& wanted = graph_.output_name(output);
      if (is_single) {
        output_names_.push_back(is_input(id) ? unique("output") : "");
      } else if (is_input(id) && wanted == input_name(id) && is_planes(output.arrangement) &&
                 output.type == graph_.input(id).type && output.quantization == graph_.input(id).quantization) {
        output_names_.push_back(wanted);  // the input itself
      } else {
        output_names_.push_back(unique(wanted));
        const bool is_as_made = output.type == Type::f32 && output.arrangement == graph::Arrangement{};
        if (!is_input(id) && is_as_made) result_names_.emplace(id, output_names_.back());
      }
    }
  }

  /// Of the newest tensor, which the newest node makes.
  void rename_result(const std::string& unique_name) {
    set_name(*out.mutable_node(out.node_size() - 1), unique_name);
    tensors_.back().name = unique_name;
  }

  void write_output(std::size_t i) {
    const graph::Output& output = graph_.outputs[i];
    const graph::NodeId id = output.node;
    const Tensor tensor = as_caller_has_it(output);
    const std::string& name = output_names_[i].empty() ? tensor.name : output_names_[i];
    const bool is_input_itself = is_input(id) && name == input_name(id);
    if (read_[id].integers && output.type == Type::u8) {
      // The bytes themselves; once more by the scale that they have for the caller, where the file says it.
      const Quantization units{1.0F, output.quantization.zero_point};
      std::string bytes = append_conversion(name, tensor.name, Type::f32, Type::u8, units).output(0);
      if (output.quantization != units) {
        const std::string real = append_conversion(name, bytes, Type::u8, Type::f32, output.quantization).output(0);
        append_conversion(name, real, Type::f32, Type::u8, output.quantization);
      }
      set_name(*out.mutable_node(out.node_size() - 1), name);
    } else if (output.type == Type::i32 && !graph::is_index(graph_.nodes[id].operation)) {
      throw Error("output '" + name + "': ONNX has no rounding to integers of 32 bits");
    } else if (!is_input_itself && output.type != Type::f32) {
      set_name(append_conversion(name, tensor.name, Type::f32, output.type, output.quantization), name);
    } else if (!is_input_itself && name != tensor.name) {
      set_name(append("Identity", name, {tensor.name}), name);
    }
    const graph::Shape& s = shapes_[id];
    if (output.arrangement != graph::Arrangement{}) {
      describe(*out.add_output(), name, output.type, graph::resolve(output.arrangement, s).extents,
               output.arrangement.joins_batch);
    } else if (tensor.vector) {
      describe(*out.add_output(), name, output.type, {s.c});
    } else {
      describe(*out.add_output(), name, output.type, {s.c, s.h, s.w});
    }
  }

  /// A node's tensor in the axes in which the caller gets it.
  Tensor as_caller_has_it(const graph::Output& output) {
    const Tensor& tensor = tensors_[output.node];
    const graph::Arrangement& wanted = output.arrangement;
    const graph::Shape& s = shapes_[output.node];
    if (wanted == graph::Arrangement{} || (!tensor.vector && is_planes(wanted))) return tensor;
    if (tensor.vector && wanted == graph::arranged("c")) return tensor;
    const std::string name = tensor.name + ".arranged";
    const graph::ResolvedArrangement resolved = graph::resolve(wanted, s);
    const Integers have = tensor.vector ? Integers{0, s.c} : image_shape(s);
    return {rearranged(tensor.name, name, resolved, planes_of(wanted), digits_of(wanted.axes), have,
                       shape_of(resolved, wanted.joins_batch)),
            false};
  }

  /// As a caller's tensor, where 0 is the batch that there is, and -1 what is left.
  static Integers shape_of(const graph::ResolvedArrangement& resolved, bool joins_batch) {
    Integers shape = resolved.extents;
    if (!joins_batch) {
      shape.insert(shape.begin(), 0);
    } else if (shape.empty()) {
      shape = {-1};
    } else {
      shape[0] = -1;
    }
    return shape;
  }

  /// The digits in the order in which planes (C, H, W) have them.
  static std::vector<std::int32_t> planes_of(const graph::Arrangement& arrangement) {
    std::vector<std::int32_t> result;
    for (const graph::Index index : {graph::Index::channel, graph::Index::row, graph::Index::column}) {
      for (std::size_t i = 0; i < arrangement.digits.size(); ++i) {
        if (arrangement.digits[i].index == index) result.push_back(static_cast<std::int32_t>(i));
      }
    }
    return result;
  }
  static std::vector<std::int32_t> digits_of(const std::vector<std::vector<std::int32_t>>& axes) {
    std::vector<std::int32_t> result;
    for (const auto& axis : axes) result.insert(result.end(), axis.begin(), axis.end());
    return result;
  }

  /// x, of the shape `have`, whose digits stand in the order `from`, with them in the order `to`, as axes of the shape
  /// `wanted`. Where digits are no axes, the numbers of rows and columns stand in the file, as a shuffle's do.
  std::string rearranged(const std::string& x, const std::string& name, const graph::ResolvedArrangement& digits,
                         const std::vector<std::int32_t>& from, const std::vector<std::int32_t>& to,
                         const Integers& have, const Integers& wanted, bool of_input = false) {
    const auto cut = [&](const std::vector<std::int32_t>& order) {
      Integers shape = {0};
      for (const std::int32_t digit : order) shape.push_back(digits.digits[static_cast<std::size_t>(digit)].extent);
      return shape;
    };
    Integers perm = {0};
    for (const std::int32_t digit : to) perm.push_back(std::ranges::find(from, digit) - from.begin() + 1);
    // An input that is transposed so would be taken for one of pixels (as is right in write(Input)).
    const bool is_from_pixels = perm == Integers{0, 3, 1, 2} && !of_input;
    // Of a shape with a 1 in it nobody could say where rows or columns would be that are one here.
    const auto is_one = [](const graph::ResolvedArrangement::Digit& digit) {
      return digit.extent == 1 && digit.index != graph::Index::channel;
    };
    const bool has_digits = cut(from) == have && !is_from_pixels;
    const bool is_reshaped = from == to || !has_digits || cut(to) != wanted;
    if (is_reshaped && only_size_.empty() && std::ranges::any_of(digits.digits, is_one)) {
      only_size_ = "the tensor '" + name + "' is rearranged, and has one row or column at this size";
    }
    if (from == to) return reshaped(x, name, wanted);
    const std::string operand = has_digits ? x : reshaped(x, name + ".digits", cut(from));
    const bool is_all = cut(to) == wanted;
    NodeProto& transposed = append("Transpose", is_all ? name : name + ".transposed", {operand});
    set(transposed, "perm", perm);
    return is_all ? transposed.output(0) : reshaped(transposed.output(0), name, wanted);
  }

  [[nodiscard]] Error too_large() const {
    return Error("graph '" + graph_.name + "' is larger than the 2 GiB that an ONNX file can hold");
  }

  // The node in question.
  [[nodiscard]] const graph::Node& node() const { return graph_.nodes[id_]; }
  [[nodiscard]] const graph::Shape& shape() const { return shapes_[id_]; }
  [[nodiscard]] const Tensor& operand(std::size_t i = 0) const { return tensors_[node().inputs[i]]; }
  [[nodiscard]] const graph::Shape& operand_shape() const { return shapes_[node().inputs[0]]; }

  /// A parameter of this node, under its own name: a vector.
  std::string parameter(const char* word, const graph::Constant& constant) {
    return floats(node().name + "." + word, {static_cast<std::int64_t>(constant.size())}, constant.values());
  }

  // Quantised nodes, in QDQ form: floating-point operators, each between DequantizeLinear and QuantizeLinear. Whoever
  // reads a node's integers reads q - zero_point, so every DequantizeLinear of a tensor has a scale of 1, and it is the
  // weights' that tell what an integer is worth. A runtime that computes such a convolution in integers multiplies its
  // sums by scale_in * scale_weight / scale_out in float, which is our factor: to the same bits. One that computes it
  // in floats sums rounded products, and comes to a neighbour where y is next to the middle between two integers. So
  // may a mean or a sum with a scale of its own, of which runtimes divide by the scale where we multiply by 1 / scale;
  // and what is resized linearly by weights that are no whole 128ths, as ours are.

  [[nodiscard]] bool reads_integers() const { return !node().inputs.empty() && read_[node().inputs[0]].integers; }

  /// Is the node's result integers of one zero point? Rounded again, what only moved channels is what it was; it lets
  /// runtimes move bytes, and compute what reads them in integers. Of several zero points there is no such form: what
  /// reads them is computed in floats.
  [[nodiscard]] bool is_rounded_here() const {
    const bool moves = graph::only_moves(node().operation);
    return node().quantization || (moves && read_[id_].zero_point);
  }

  /// The integers of x, and what whoever reads them reads.
  std::string rounded(const std::string& x, const std::string& name, const Quantization& to) {
    const std::string bytes = append_conversion(name, x, Type::f32, Type::u8, to).output(0);
    return append_conversion(name + ".integers", bytes, Type::u8, Type::f32, {1.0F, to.zero_point}).output(0);
  }
  std::string rounded(const std::string& x) {
    const bool is_alone = std::holds_alternative<graph::Activate>(node().operation);
    Quantization to = node().quantization.value_or(Quantization{1.0F, read_[id_].zero_point.value_or(0)});
    if (graph::has_table(node())) to.scale = 1.0F;  // of the integers that it holds
    return rounded(x, node().name + (is_alone ? "" : ".u8"), to);
  }

  /// A layer's weights and, if it has one, its bias.
  struct Parameters {
    std::string weights, bias;
  };

  template <class Layer>
  Parameters parameters(const Layer& o, std::initializer_list<std::int64_t> dims) {
    const std::string name = node().name + ".weight";
    if (!reads_integers()) {
      return {floats(name, dims, o.weights.values()), o.bias.empty() ? "" : parameter("bias", o.bias)};
    }
    const std::vector<float> factors(o.weights.row_scale().begin(), o.weights.row_scale().end());
    const std::vector<std::byte> zeros(factors.size());
    const std::string integers = bytes(name, dims, Type::i8, o.weights.stored());
    const std::string scale = floats(name + ".scale", {o.outputs}, factors);
    const std::string zero_point = bytes(name + ".zero_point", {o.outputs}, Type::i8, zeros);
    const auto by_output = [&](NodeProto& dequantised) {
      set(dequantised, "axis", std::int64_t{0});
      return dequantised.output(0);
    };
    Parameters result;
    result.weights = by_output(append("DequantizeLinear", name + ".float", {integers, scale, zero_point}));
    if (!o.bias.empty()) {
      const std::string bias = node().name + ".bias";
      const std::string sums = integers_of_32_bits(bias, {o.outputs}, graph::integer_bias(o.weights, o.bias));
      result.bias = by_output(append("DequantizeLinear", bias + ".float", {sums, scale}));
    }
    return result;
  }

  /// The bounds of this node's activation as far as its byte does not keep them by itself.
  [[nodiscard]] kernels::Clamp bounds_left(const kernels::Clamp& bounds) const {
    if (!node().quantization) return bounds;
    const float scale = node().quantization->scale;
    const std::int32_t zero_point = graph::zero_before_table(node());
    const auto [lower, upper] = graph::integer_bounds(node());
    kernels::Clamp left;
    if (lower > -zero_point) left.lower = static_cast<float>(lower) * scale;
    if (upper < 255 - zero_point) left.upper = static_cast<float>(upper) * scale;
    return left;
  }

  NodeProto& append(const char* type, std::initializer_list<std::string> inputs) {
    return append(type, node().name, inputs);
  }

  std::string clipped(const std::string& input, const kernels::Clamp& bounds, const std::string& name) {
    if (bounds == graph::Activation::relu.bounds) return append("Relu", name, {input}).output(0);
    const auto bound = [&](const char* word, const float& value) {
      return std::isinf(value) ? "" : floats(name + word, {}, {&value, 1});
    };
    return append("Clip", name, {input, bound(".min", bounds.lower), bound(".max", bounds.upper)}).output(0);
  }

  std::string activated(const std::string& input, const graph::Activation& activation, const std::string& name,
                        bool is_vector) {
    const kernels::Clamp bounds = bounds_left(activation.bounds);
    const kernels::Function function = activation.function;
    if (function == kernels::Function::none) return bounds.has_bounds() ? clipped(input, bounds, name) : input;
    const std::string x = bounds.has_bounds() ? clipped(input, bounds, name + ".clip") : input;
    if (function == kernels::Function::table) return looked_up(x, activation, name, is_vector);
    const FunctionOperator* const one = operator_of(function);
    if (one == nullptr || one->opset > latest_opset) return spelt_out(x, activation, name, is_vector);
    opset_ = std::max(opset_, one->opset);
    NodeProto& result = append(one->type, name, {x});
    if (one->a.name != nullptr) set(result, one->a.name, activation.a);
    if (one->b.name != nullptr) set(result, one->b.name, activation.b);
    return result.output(0);
  }

  /// Of bytes, the operand's or what becomes bytes here: the integers that stand in the table at their places, row by
  /// row of channels that have one each.
  std::string looked_up(const std::string& x, const graph::Activation& activation, const std::string& name,
                        bool is_vector) {
    const bool is_alone = std::holds_alternative<graph::Activate>(node().operation);
    const Quantization to{is_alone ? 1.0F : node().quantization->scale, static_cast<std::int32_t>(activation.a)};
    NodeProto& cast =
        append("Cast", name + ".places", {append_conversion(name + ".u8", x, Type::f32, Type::u8, to).output(0)});
    set(cast, "to", std::int64_t{number_of_type(Type::i32)});
    std::string places = cast.output(0);
    const auto rows = static_cast<std::int64_t>(activation.table.size()) / 256;
    if (rows > 1) {
      std::vector<std::int32_t> first;
      for (std::int32_t row = 0; row < rows; ++row) first.push_back(256 * row);
      const std::string begins = is_vector ? integers_of_32_bits(name + ".first", {rows}, first)
                                           : integers_of_32_bits(name + ".first", {rows, 1, 1}, first);
      places = append("Add", name + ".rows", {places, begins}).output(0);
    }
    std::vector<float> numbers;
    for (const float number : activation.table.values()) numbers.push_back(number - activation.b);
    return append("Gather", name, {floats(name + ".table", {256 * rows}, numbers), places}).output(0);
  }

  std::string number(const std::string& name, float value) { return floats(name, {}, {&value, 1}); }

  /// A function that is no operator, or one that takes tensors, of the opsets that are written.
  std::string spelt_out(const std::string& x, const graph::Activation& activation, const std::string& name,
                        bool is_vector) {
    const auto node = [&](const char* type, const char* word, std::initializer_list<std::string> inputs) {
      return append(type, name + word, inputs).output(0);
    };
    const auto times = [&](const std::string& input, const char* word, float factor) {
      return node("Mul", word, {input, number(name + word + ".factor", factor)});
    };
    const auto gated = [&](const std::string& gate) { return append("Mul", name, {x, gate}).output(0); };
    switch (activation.function) {
      case kernels::Function::silu:
        return gated(node("Sigmoid", ".sigmoid", {x}));
      case kernels::Function::mish:
        return gated(node("Tanh", ".tanh", {node("Softplus", ".softplus", {x})}));
      case kernels::Function::gelu: {
        const std::string erf = node("Erf", ".erf", {times(x, ".scaled", 0.70710678F)});
        return gated(times(node("Add", ".above", {erf, number(name + ".one", 1)}), ".half", 0.5F));
      }
      case kernels::Function::gelu_tanh: {
        const std::string cube = node("Pow", ".cube", {x, number(name + ".three", 3)});
        const std::string sum = node("Add", ".sum", {x, times(cube, ".part", 0.044715F)});
        const std::string tanh = node("Tanh", ".tanh", {times(sum, ".scaled", 0.79788456F)});
        return gated(times(node("Add", ".above", {tanh, number(name + ".one", 1)}), ".half", 0.5F));
      }
      case kernels::Function::power:
        return append("Pow", name, {x, number(name + ".exponent", activation.a)}).output(0);
      case kernels::Function::prelu: {
        const std::span<const float> slopes = activation.slopes.values();
        const auto count = static_cast<std::int64_t>(slopes.size());
        return append("PRelu", name,
                      {x, is_vector ? floats(name + ".slope", {count}, slopes)
                                    : floats(name + ".slope", {count, 1, 1}, slopes)})
            .output(0);
      }
      default:
        throw Error("node '" + this->node().name + "': ONNX has no " + graph::to_text(activation));
    }
  }

  /// The operand as (n, C, H, W).
  std::string image(std::size_t i = 0) {
    const Tensor& tensor = operand(i);
    if (!tensor.vector) return tensor.name;
    const std::int32_t channels = shapes_[node().inputs[i]].c;
    return reshaped(tensor.name, tensor.name + ".image", {0, channels, 1, 1});
  }

  /// Of several operands that have to be of one kind: vectors, if all of them are.
  [[nodiscard]] bool all_vectors() const {
    return std::ranges::all_of(node().inputs, [this](graph::NodeId i) { return tensors_[i].vector; });
  }
  std::string operand_as(std::size_t i, bool vector) { return vector ? operand(i).name : image(i); }

  /// Of a node with a fused activation.
  Tensor finished(const std::string& result, const graph::Activation& activation, bool vector = false) {
    return {activated(result, activation, node().name + ".activation", vector), vector};
  }

  /// The window of a node that reads what padded() makes.
  static void set_window(NodeProto& to, const graph::Window& window) {
    set(to, "kernel_shape", {window.kernel_h, window.kernel_w});
    set(to, "strides", {window.stride_h, window.stride_w});
    if (window.auto_pad == graph::AutoPad::none) {
      set(to, "pads", {window.pad_top, window.pad_left, window.pad_bottom, window.pad_right});
    } else {
      set(to, "auto_pad", window.auto_pad == graph::AutoPad::same_upper ? "SAME_UPPER" : "SAME_LOWER");
    }
  }

  /// ONNX has either padding of a window's own or auto_pad: beside auto_pad, the former is zeros that a Pad node
  /// brings.
  std::string padded(const std::string& x, const graph::Window& w) {
    const Integers pads = {0, 0, w.pad_top, w.pad_left, 0, 0, w.pad_bottom, w.pad_right};
    if (w.auto_pad == graph::AutoPad::none || std::ranges::count(pads, 0) == std::ssize(pads)) return x;
    return append("Pad", node().name + ".pad", {x, integers(node().name + ".pads", pads)}).output(0);
  }

  Tensor write(const graph::Input& o) {
    std::string name = input_name(id_);
    if (o.type != Type::f32) {
      name = append_conversion(name + ".float", name, o.type, Type::f32, o.quantization).output(0);
    }
    if (is_planes(o.arrangement)) return {name, false};
    const graph::ResolvedArrangement resolved = graph::resolve(o.arrangement, o.shape);
    return {rearranged(name, name + ".planes", resolved, digits_of(o.arrangement.axes), planes_of(o.arrangement),
                       shape_of(resolved, o.arrangement.joins_batch), image_shape(o.shape), true),
            false};
  }

  static Integers image_shape(const graph::Shape& s) { return {0, s.c, s.h, s.w}; }

  Tensor write(const graph::Rearrange& o) {
    const std::string x = image();
    const std::vector<std::vector<std::int32_t>> planes = {o.to.axes[2], o.to.axes[0], o.to.axes[1]};
    return {rearranged(x, node().name, graph::resolve(o.to, operand_shape()), planes_of(o.to), digits_of(planes),
                       image_shape(operand_shape()), image_shape(shape())),
            false};
  }

  Tensor write(const graph::Join& o) {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < node().inputs.size(); ++i) parts.push_back(image(i));
    NodeProto& concat = append("Concat", {});
    for (std::string& part : parts) concat.add_input(std::move(part));
    set(concat, "axis", std::int64_t{o.along == graph::Direction::rows ? 2 : 3});
    return {concat.output(0), false};
  }

  Tensor write(const graph::Convolution& o) {
    const graph::Window& w = o.window;
    const std::string x = padded(image(), w);
    const auto [weights, bias] = parameters(o, {o.outputs, operand_shape().c / o.groups, w.kernel_h, w.kernel_w});
    NodeProto& convolution = append("Conv", {x, weights});
    if (!bias.empty()) convolution.add_input(bias);
    set(convolution, "group", std::int64_t{o.groups});
    set(convolution, "dilations", {w.dilation_h, w.dilation_w});
    set_window(convolution, w);
    std::string result = convolution.output(0);
    if (node().inputs.size() == 2) {
      // The residual joins behind the rounding. Runtimes compute such a convolution in floats (see above); to round to
      // a byte would let them compute it in integers, but the sum before the residual may need more than a byte.
      if (reads_integers()) result = append("Round", node().name + ".round", {result}).output(0);
      result = append("Add", node().name + ".add", {result, image(1)}).output(0);
    }
    return finished(result, o.activation);
  }

  Tensor write(const graph::BatchNorm& o) {
    const std::string scale = parameter("weight", o.scale), shift = parameter("bias", o.shift);
    const std::string mean = parameter("running_mean", o.mean), variance = parameter("running_var", o.variance);
    NodeProto& norm = append("BatchNormalization", {operand().name, scale, shift, mean, variance});
    set(norm, "epsilon", o.epsilon);
    return {norm.output(0), operand().vector};
  }

  Tensor write(const graph::Activate& o) {
    if (o.kind == graph::Activation::none) {
      if (node().quantization || reads_integers()) return operand();  // it converts, and that is all
      return {append("Identity", {operand().name}).output(0), operand().vector};
    }
    return {activated(operand().name, o.kind, node().name, operand().vector), operand().vector};
  }

  Tensor write(const graph::Pool& o) {
    const bool average = o.kind == graph::PoolKind::average;
    graph::Window w = o.window;
    const bool all_rows = w.kernel_h == 0, all_columns = w.kernel_w == 0;
    if (all_rows && all_columns) {
      return finished(append(average ? "GlobalAveragePool" : "GlobalMaxPool", {image()}).output(0), o.activation);
    }
    std::string x = image();
    if (all_rows || all_columns) {
      (all_rows ? w.kernel_h : w.kernel_w) = 1;
      const bool is_all = w == graph::Window{};
      NodeProto& reduce = append(average ? "ReduceMean" : "ReduceMax", node().name + (is_all ? "" : ".line"), {x});
      set(reduce, "axes", {all_rows ? std::int64_t{2} : std::int64_t{3}});
      x = reduce.output(0);
      if (is_all) return finished(x, o.activation);
    }
    const std::string operand = padded(x, w);
    if (operand != x && !(average && o.count_padding)) {
      throw Error("node '" + node().name + "': ONNX has no pooling with padding of its own beside auto_pad");
    }
    // Padding as large as the kernel is not allowed. Where no window lies wholly in the padding, none reaches so far.
    w.pad_bottom = std::min(w.pad_bottom, w.kernel_h - 1);
    w.pad_right = std::min(w.pad_right, w.kernel_w - 1);
    NodeProto& pool = append(average ? "AveragePool" : "MaxPool", {operand});
    set_window(pool, w);
    if (w.ceil_mode) set(pool, "ceil_mode", std::int64_t{1});
    if (average) set(pool, "count_include_pad", std::int64_t{o.count_padding});
    return finished(pool.output(0), o.activation);
  }

  Tensor write(const graph::GlobalAveragePool& o) {
    return finished(append("GlobalAveragePool", {image()}).output(0), o.activation);
  }

  Tensor write(const graph::Binary& o) {
    // In the order of the kinds.
    constexpr const char* types[] = {"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow"};
    const bool vectors = all_vectors();
    const std::string a = operand_as(0, vectors), b = operand_as(1, vectors);
    return finished(append(types[static_cast<std::size_t>(o.kind)], {a, b}).output(0), o.activation, vectors);
  }

  Tensor write(const graph::Slice& o) {
    const std::string& name = node().name;
    if (channel_axis_.empty()) channel_axis_ = integers("channel_axis", {1});
    const std::string starts = integers(name + ".starts", {o.first});
    const std::string ends = integers(name + ".ends", {std::int64_t{o.first} + o.count});
    return {append("Slice", {operand().name, starts, ends, channel_axis_}).output(0), operand().vector};
  }

  /// A literal, as many images and, of one pixel, as large as the first operand that is none.
  std::string expanded(std::size_t literal) {
    const std::vector<graph::NodeId>& inputs = node().inputs;
    std::size_t like = 0;
    while (like + 1 < inputs.size() && std::holds_alternative<graph::Literal>(graph_.nodes[inputs[like]].operation)) {
      ++like;
    }
    const std::string name = joined({node().name, ".", literal}), x = image(like);
    const std::string shape = append("Shape", name + ".shape", {x}).output(0);
    const auto part = [&](const char* word, std::int64_t first, std::int64_t end) {
      const std::string begins = integers(name + word + ".start", {first}),
                        ends = integers(name + word + ".end", {end});
      return append("Slice", name + word, {shape, begins, ends}).output(0);
    };
    const std::string images = part(".images", 0, 1), pixels = part(".pixels", 2, 4);
    const std::string channels = integers(name + ".channels", {shapes_[inputs[literal]].c});
    NodeProto& to = append("Concat", name + ".to", {images, channels, pixels});
    set(to, "axis", std::int64_t{0});
    return append("Expand", name + ".expanded", {operand(literal).name, to.output(0)}).output(0);
  }

  Tensor write(const graph::Concat&) {
    const bool vectors = all_vectors();
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < node().inputs.size(); ++i) {
      const bool is_literal = std::holds_alternative<graph::Literal>(graph_.nodes[node().inputs[i]].operation);
      parts.push_back(is_literal ? expanded(i) : operand_as(i, vectors));
    }
    NodeProto& concat = append("Concat", {});
    for (std::string& part : parts) concat.add_input(std::move(part));
    set(concat, "axis", std::int64_t{1});
    return {concat.output(0), vectors};
  }

  /// (n, C, H, W) seen as (n, groups, C / groups, H, W), transposed, and seen as before. The numbers H and W stand in
  /// the file, as the input's do: a runtime that is made to take another size finds that the elements do not fit.
  Tensor write(const graph::Shuffle& o) {
    const graph::Shape& s = shape();
    const std::string x = image(), &name = node().name;
    const std::string grouped = reshaped(x, name + ".grouped", {0, o.groups, s.c / o.groups, s.h, s.w});
    NodeProto& transposed = append("Transpose", name + ".transposed", {grouped});
    set(transposed, "perm", {0, 2, 1, 3, 4});
    return {reshaped(transposed.output(0), name, {0, s.c, s.h, s.w}), false};
  }

  Tensor write(const graph::Gather& o) {
    const std::string channels = integers(node().name + ".channels", {o.channels.begin(), o.channels.end()});
    NodeProto& gather = append("Gather", {operand().name, channels});
    set(gather, "axis", std::int64_t{1});
    return {gather.output(0), operand().vector};
  }

  Tensor write(const graph::FullyConnected& o) {
    std::string x = operand().name;
    if (!operand().vector) {
      NodeProto& flatten = append("Flatten", node().name + ".flatten", {x});
      set(flatten, "axis", std::int64_t{1});
      x = flatten.output(0);
      // As is_rounded_here() says of what moves channels.
      const std::optional<std::int32_t> zero_point = read_[node().inputs[0]].zero_point;
      if (zero_point) x = rounded(x, x + ".u8", {1.0F, *zero_point});
    }
    const auto [weights, bias] = parameters(o, {o.outputs, operand_shape().size()});
    NodeProto& gemm = append("Gemm", {x, weights});
    if (!bias.empty()) gemm.add_input(bias);
    set(gemm, "transB", std::int64_t{1});
    return finished(gemm.output(0), o.activation, true);
  }

  Tensor write(const graph::Softmax& o) {
    if (o.groups > 1) {
      const graph::Shape& s = shape();
      const std::string grouped = in_groups(o.groups);
      NodeProto& softmax = append("Softmax", node().name + ".softmax", {grouped});
      set(softmax, "axis", std::int64_t{2});
      return {reshaped(softmax.output(0), node().name, {0, s.c, s.h, s.w}), false};
    }
    NodeProto& softmax = append("Softmax", {operand().name});
    set(softmax, "axis", std::int64_t{1});
    return {softmax.output(0), operand().vector};
  }

  /// The operand as (n, groups, C / groups, H, W).
  std::string in_groups(std::int32_t groups) {
    const graph::Shape& s = operand_shape();
    const std::string x = image(), name = node().name + ".grouped";
    // A 1 in a shape may be taken for rows or columns of which there happens to be one.
    if (groups == s.c) return append("Unsqueeze", name, {x, integers(name + ".axes", {2})}).output(0);
    return reshaped(x, name, {0, groups, s.c / groups, s.h, s.w});
  }

  Tensor write(const graph::Literal& o) {
    return {floats(node().name, {1, o.shape.c, o.shape.h, o.shape.w}, o.values.values()), false};
  }

  Tensor write(const graph::Reduce& o) {
    // In the order of the kinds.
    constexpr const char* types[] = {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin",
                                     "ReduceL2",  "ArgMax",     "ArgMin"};
    const bool is_grouped = o.groups > 1;
    const std::string x = is_grouped ? in_groups(o.groups) : image();
    const std::int64_t axis = is_grouped ? 2 : 1;
    const std::string& name = node().name;
    const bool is_index = graph::is_index(o);
    NodeProto& reduce = append(types[static_cast<std::size_t>(o.kind)], name + (is_index ? ".index" : ""), {x});
    set(reduce, "keepdims", std::int64_t{is_grouped ? 0 : 1});
    if (is_index) {
      set(reduce, "axis", axis);
      return {append_conversion(name, reduce.output(0), Type::i32, Type::f32, {}).output(0), false};
    }
    if (o.kind == graph::ReduceKind::sum) {  // whose axes are an input since opset 13
      reduce.add_input(integers(name + ".axes", {axis}));
    } else {
      set(reduce, "axes", {axis});
    }
    return {reduce.output(0), false};
  }

  /// As many numbers of the batch and channels as the operand has, and of rows and columns as `like`, or `extents`.
  std::string sizes(const std::string& x, const std::string& like, const Integers& extents) {
    const std::string& name = node().name;
    const auto part = [&](const std::string& of, const char* which, std::int64_t first) {
      const std::string shape = append("Shape", name + "." + which + ".shape", {of}).output(0);
      const std::string start = integers(name + "." + which + ".start", {first});
      const std::string end = integers(name + "." + which + ".end", {first + 2});
      return append("Slice", name + "." + which, {shape, start, end}).output(0);
    };
    const std::string outer = part(x, "outer", 0);
    const std::string inner = like.empty() ? integers(name + ".inner", extents) : part(like, "inner", 2);
    NodeProto& joined_sizes = append("Concat", name + ".sizes", {outer, inner});
    set(joined_sizes, "axis", std::int64_t{0});
    return joined_sizes.output(0);
  }

  /// In ONNX there are either scales, which coordinates are divided by, or sizes, of which the scales follow.
  std::string resized(const graph::Resize& o, const std::string& x) {
    const auto fits = [](float scale, std::int32_t from, std::int32_t to) {
      return scale == 0.0F || scale == static_cast<float>(to) / static_cast<float>(from);
    };
    const bool is_like = node().inputs.size() == 2;
    const graph::Shape &in = operand_shape(), &to = shape();
    if (!is_like && o.height == 0 && o.width == 0) {
      const float scales[] = {1.0F, 1.0F, o.scale_h, o.scale_w};
      return append("Resize", {x, "", floats(node().name + ".scales", {4}, scales)}).output(0);
    }
    if (!fits(o.scale_h, in.h, to.h) || !fits(o.scale_w, in.w, to.w)) {
      throw Error("node '" + node().name + "': ONNX has no resize to a size by a scale that is not the sizes'");
    }
    const std::string wanted = sizes(x, is_like ? image(1) : "", {to.h, to.w});
    return append("Resize", {x, "", "", wanted}).output(0);
  }

  Tensor write(const graph::Resize& o) {
    constexpr const char* coordinates[] = {"half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"};
    constexpr const char* roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    const bool is_nearest = o.mode == graph::ResizeMode::nearest;
    std::string x = image();
    // A runtime that resized the bytes themselves would cut off what is behind the point.
    if (!is_nearest && reads_integers()) x = append("Round", node().name + ".whole", {x}).output(0);
    const std::string result = resized(o, x);
    NodeProto& resize = *out.mutable_node(out.node_size() - 1);
    set(resize, "mode", is_nearest ? "nearest" : "linear");
    set(resize, "coordinate_transformation_mode", coordinates[static_cast<std::size_t>(o.coordinates)]);
    if (is_nearest) set(resize, "nearest_mode", roundings[static_cast<std::size_t>(o.rounding)]);
    return {result, false};
  }

  Tensor write(const graph::Crop& o) {
    const std::string& name = node().name;
    constexpr std::int64_t all = std::numeric_limits<std::int64_t>::max();
    const auto end = [](std::int64_t left_out) { return left_out == 0 ? all : -left_out; };
    const std::string x = image(), starts = integers(name + ".starts", {o.top, o.left});
    const std::string ends = integers(name + ".ends", {end(o.bottom), end(o.right)});
    const std::string axes = integers(name + ".axes", {2, 3}), steps = integers(name + ".steps", {o.step_h, o.step_w});
    return {append("Slice", {x, starts, ends, axes, steps}).output(0), false};
  }

  Tensor write(const graph::Pad& o) {
    constexpr const char* modes[] = {"constant", "edge", "reflect"};
    const std::string x = image();
    const std::string pads = integers(node().name + ".pads", {0, 0, o.top, o.left, 0, 0, o.bottom, o.right});
    const std::optional<std::int32_t> zero_point = read_[node().inputs[0]].zero_point;
    const float value = reads_integers() ? static_cast<float>(graph::padded_with(o, *zero_point)) : o.value;
    NodeProto& pad = append("Pad", {x, pads, floats(node().name + ".value", {}, {&value, 1})});
    set(pad, "mode", modes[static_cast<std::size_t>(o.mode)]);
    return {pad.output(0), false};
  }

  Tensor write(const graph::TransposedConvolution& o) {
    const graph::Window& w = o.window;
    const std::string x = image();
    const auto [weights, bias] = parameters(o, {operand_shape().c, o.outputs / o.groups, w.kernel_h, w.kernel_w});
    NodeProto& transposed = append("ConvTranspose", {x, weights});
    if (!bias.empty()) transposed.add_input(bias);
    set(transposed, "group", std::int64_t{o.groups});
    set(transposed, "dilations", {w.dilation_h, w.dilation_w});
    set(transposed, "output_padding", {o.more_bottom, o.more_right});
    set_window(transposed, w);
    return finished(transposed.output(0), o.activation);
  }

  const graph::Graph& graph_;
  graph::ById<graph::Shape> shapes_;
  graph::ById<graph::NumbersRead> read_ = graph::numbers_read(graph_);
  graph::NodeId id_ = 0;                                         ///< the node in question
  graph::ById<Tensor> tensors_;                                  ///< a node's, so far
  std::vector<std::string> output_names_;                        ///< by output; empty: its tensor's
  std::unordered_map<graph::NodeId, std::string> result_names_;  ///< of nodes whose tensor is an output
  std::string only_size_;                                        ///< why the file is for one size alone
  std::string channel_axis_;                                     ///< a constant that nodes share
  std::int64_t opset_ = usual_opset;                             ///< that all nodes so far are of
};

}  // namespace

std::string export_model(const graph::Graph& graph) { return Exporter(graph).run(); }

}  // namespace riffle::onnx
