#include "io/onnx/importer.hpp"

#include <onnx.pb.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "io/onnx/combine.hpp"
#include "io/onnx/export.hpp"
#include "io/onnx/import.hpp"
#include "io/onnx/metadata.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"
#include "io/onnx/spelt_out.hpp"
#include "io/onnx/subgraphs.hpp"
#include "io/onnx/tensor_data.hpp"
#include "io/onnx/types.hpp"

namespace riffle::onnx {
namespace {

constexpr std::int64_t max_batch = 1 << 20;

std::string describe(const ::onnx::NodeProto& node) {
  if (!node.name().empty()) return node.op_type() + " node '" + node.name() + "'";
  return node.op_type() + " node that makes '" + (node.output_size() > 0 ? node.output(0) : "") + "'";
}

/// Exporters write what is open as a name, as nothing, or as -1.
bool is_open(const ::onnx::TensorShapeProto::Dimension& dim) { return !dim.has_dim_value() || dim.dim_value() == -1; }

std::int32_t read_extent(const ::onnx::TensorShapeProto& shape, int i, const char* what) {
  const auto& dim = shape.dim(i);
  if (is_open(dim)) {
    throw Error(std::string("its ") + what + " is not fixed in the model ('" + dim.dim_param() +
                "'); only the batch, height and width may be");
  }
  if (dim.dim_value() < 1 || dim.dim_value() > graph::max_extent) {
    throw Error(std::string("its ") + what + " is " + std::to_string(dim.dim_value()) + ", not in 1 to " +
                std::to_string(graph::max_extent));
  }
  return static_cast<std::int32_t>(dim.dim_value());
}

/// An input as the model declares it.
struct Declaration {
  std::string name;
  Batch batch;
  graph::Shape shape;
  bool is_vector = false;  ///< (N, C)
  bool is_line = false;    ///< (N, C, L), as an image that is one row high
  bool is_whole = false;   ///< of int32 or int64
  bool is_pixels = false;  ///< (N, H, W, C), else (N, C, H, W)
  Type type = Type::f32;
  bool took_default = false;  ///< of an open height or width
};

/// What the model does with an input before anything else, but for what is done to each of its numbers.
struct FirstReader {
  bool transposes_pixels = false;        ///< from (N, H, W, C) to (N, C, H, W): so models do that take pixels
  std::optional<std::int64_t> channels;  ///< of the convolution's weights
};

FirstReader first_reader(const ::onnx::GraphProto& graph, std::string name) {
  constexpr std::string_view keeps[] = {"Cast",           "Identity",        "Add", "Sub", "Mul", "Div", "Pad",
                                        "QuantizeLinear", "DequantizeLinear"};
  FirstReader result;
  for (const auto& node : graph.node()) {  // in order: what reads a result stands behind it
    if (std::ranges::find(node.input(), name) == node.input().end() || node.output_size() == 0) continue;
    const auto attribute = std::ranges::find_if(node.attribute(), [&](const auto& one) {
      return one.name() == (node.op_type() == "Transpose" ? "perm" : "group");
    });
    if (node.op_type() == "Transpose" && !result.transposes_pixels && attribute != node.attribute().end()) {
      constexpr std::int64_t to_planes[] = {0, 3, 1, 2};
      result.transposes_pixels = std::ranges::equal(attribute->ints(), to_planes);
      if (!result.transposes_pixels) return result;
    } else if (node.op_type() == "Conv" && node.input_size() > 1) {
      const auto weights = std::ranges::find(graph.initializer(), node.input(1), &::onnx::TensorProto::name);
      const std::int64_t groups = attribute != node.attribute().end() ? attribute->i() : 1;
      if (weights != graph.initializer().end() && weights->dims_size() == 4 && groups == 1) {
        result.channels = weights->dims(1);
      }
      return result;
    } else if (std::ranges::find(keeps, node.op_type()) == std::end(keeps)) {
      return result;
    }
    name = node.output(0);
  }
  return result;
}

Declaration read_declaration(const ::onnx::ValueInfoProto& input, const ::onnx::GraphProto& graph,
                             const ImportOptions& options) {
  if (!input.type().has_tensor_type()) throw Error("it is not a tensor");
  const auto& type = input.type().tensor_type();
  const bool is_double = type.elem_type() == ::onnx::TensorProto::DOUBLE;  // which becomes float like all else
  const bool is_whole =
      type.elem_type() == ::onnx::TensorProto::INT32 || type.elem_type() == ::onnx::TensorProto::INT64;
  const std::optional<Type> known = is_double || is_whole ? Type::f32 : type_of_number(type.elem_type());
  if (!known) {
    throw Error("its element type " + type_text(type.elem_type()) +
                " is not supported (float, float16, bfloat16, double, int8, uint8, int32 and int64 are)");
  }
  const auto& dims = type.shape();
  if (dims.dim_size() < 2 || dims.dim_size() > 4) {
    throw Error("it has " + std::to_string(dims.dim_size()) +
                " dimensions; supported are (N, C, H, W), (N, C, L) and (N, C)");
  }
  const FirstReader reader = first_reader(graph, input.name());
  Declaration result{.name = input.name(), .batch = {}, .shape = {}, .type = *known};
  result.is_vector = dims.dim_size() == 2;
  result.is_line = dims.dim_size() == 3;
  result.is_whole = is_whole;
  result.is_pixels = dims.dim_size() == 4 && reader.transposes_pixels;
  if (!is_open(dims.dim(0))) {
    result.batch = dims.dim(0).dim_value();
    if (*result.batch < 1 || *result.batch > max_batch) {
      throw Error("its batch is " + std::to_string(*result.batch) + ", not in 1 to " + std::to_string(max_batch));
    }
  }
  const int height = result.is_pixels ? 1 : 2;
  const int channels = result.is_pixels ? 3 : 1;
  const bool says_weights = is_open(dims.dim(channels)) && reader.channels >= 1 && reader.channels <= graph::max_extent;
  result.shape = {.h = 1,
                  .w = 1,
                  .c = says_weights ? static_cast<std::int32_t>(*reader.channels)
                                    : read_extent(dims, channels, "number of channels")};
  if (result.is_vector) return result;
  const auto read = [&](int i, std::int32_t given, const char* what) {
    if (!is_open(dims.dim(i))) return read_extent(dims, i, what);
    result.took_default = result.took_default || given == 0;
    return given == 0 ? default_extent : given;
  };
  if (result.is_line) {
    result.shape.w = read(2, options.width, "length");
    return result;
  }
  result.shape.h = read(height, options.height, "height");
  result.shape.w = read(height + 1, options.width, "width");
  return result;
}

}  // namespace

Importer::Importer(::onnx::ModelProto& model, ImportOptions options) : model_(model), options_(std::move(options)) {}

graph::Graph Importer::run() {
  import_all();
  if (!conversions_.empty()) graph_ = in_integers(graph_, graph::infer_shapes(graph_), conversions_);
  finish(graph_);
  return std::move(graph_);
}

Ranged Importer::run_as_ranges() {
  import_all();
  if (conversions_.dequantised.empty())
    throw Error("it is not quantised, so that it has no ranges; convert it without --folded");
  Ranged result = in_floats(graph_, conversions_);
  finish(result.graph);
  return result;
}

void Importer::finish(graph::Graph& graph) const {
  graph::infer_shapes(graph);
  if (!options_.every_tensor) read_metadata(model_, graph);
}

void Importer::import_all() {
  if (!model_.has_graph()) throw Error("it is no ONNX model: it has no graph");
  graph_.name = model_.graph().name();
  // A model of ordinary make needs at most its weights once more (transposed, scaled).
  budget_ = (1 << 22) + static_cast<std::int64_t>(model_.ByteSizeLong());
  read_opset();
  inline_functions(model_);
  read_initialisers();
  join_spelt_out(*model_.mutable_graph());
  expect_supported(model_.graph());
  read_inputs();
  for (const auto& node : model_.graph().node()) {
    for_each_read(node, [&](const std::string& name) { ++uses_[name]; });
  }
  for (const auto& output : model_.graph().output()) ++uses_[output.name()];
  for (auto& node : *model_.mutable_graph()->mutable_node()) import_node(node);
  for (const auto& output : model_.graph().output()) {
    at_any_size("the output '" + output.name() + "'", [&] { graph_.outputs.push_back(read_output(output)); });
  }
  if (options_.every_tensor) read_every_tensor();
}

void Importer::read_opset() {
  for (const auto& set : model_.opset_import()) {
    if (set.domain().empty() || set.domain() == "ai.onnx") opset_ = set.version();
  }
  if (opset_ < least_opset || opset_ > greatest_opset) {
    throw Error("its opset is " + std::to_string(opset_) + "; supported are " + std::to_string(least_opset) + " to " +
                std::to_string(greatest_opset));
  }
}

void Importer::read_initialisers() {
  for (auto& tensor : *model_.mutable_graph()->mutable_initializer()) {
    if (!initialisers_.emplace(tensor.name(), &tensor).second) {
      throw Error("two initialisers are named '" + tensor.name() + "'");
    }
  }
}

void Importer::read_inputs() {
  std::vector<Declaration> inputs;
  for (const auto& input : model_.graph().input()) {
    if (initialisers_.contains(input.name())) continue;  // a weight that a caller might replace
    try {
      inputs.push_back(read_declaration(input, model_.graph(), options_));
    } catch (const Error& error) {
      throw Error("the input '" + input.name() + "': " + error.what());
    }
  }
  if (inputs.empty()) throw Error("it has no input");
  const auto by_default = std::ranges::find(inputs, true, &Declaration::took_default);
  if (by_default != inputs.end() && options_.say) {
    options_.say("the size of the input '" + by_default->name + "' is open in the model; " +
                 graph::hw(by_default->shape) + " is taken where none is given");
  }
  std::string only_size;
  for (const auto& entry : model_.metadata_props()) {
    if (entry.key() == only_size_key) only_size = entry.value();
  }
  for (const Declaration& input : inputs) {
    if (batch_ && input.batch && batch_ != input.batch) {
      throw Error("the input '" + input.name + "' has a batch of " + std::to_string(*input.batch) +
                  ", one before it of " + std::to_string(*batch_) + "; a run has one batch for all");
    }
    if (input.batch) batch_ = input.batch;
    const graph::Shape& first = inputs[0].shape;
    if (only_size.empty() && input.is_vector) only_size = "an input of the ONNX model is a vector (N, C)";
    if (only_size.empty() && input.is_line) only_size = "an input of the ONNX model is a line (N, C, L)";
    if (only_size.empty() && (input.shape.h != first.h || input.shape.w != first.w)) {
      only_size = "the inputs of the ONNX model are of several sizes";
    }
  }
  for (const Declaration& input : inputs) {
    shapes_.push_back(input.shape);
    open_.push_back({.rows = only_size.empty(), .columns = only_size.empty()});
    views_.push_back(0);
    const graph::NodeId node = graph_.add(input.name, graph::Input{input.shape, only_size, input.type});
    View view = input.is_vector ? whole_vector(input.name, node, input.shape.c, batch_) : whole(node, input.name);
    if (input.is_pixels) view = transpose(view, std::array<std::size_t, 4>{0, 2, 3, 1});
    if (input.is_line) view.axes.erase(view.axes.begin() + 2);
    View declared = view;
    std::get<graph::Input>(graph_.nodes[node].operation).arrangement = as_declared(declared);
    view.type = input.is_whole ? Type::i32 : input.type;
    define(input.name, std::move(view));
    inputs_.insert(input.name);
  }
  graph::Graph alone = graph_;
  alone.outputs = {{0}};
  graph::infer_shapes(alone);
}

bool Importer::is_size_open() const { return graph_.input().only_size.empty(); }

void Importer::close_size(const std::string& reason) {
  for (std::size_t i = 0; i < graph_.input_count(); ++i) {
    std::get<graph::Input>(graph_.nodes[i].operation).only_size = reason;
  }
  std::ranges::fill(open_, Extents{});
  for (auto& [name, value] : values_) {
    if (auto* view = std::get_if<View>(&value)) *view = closed(*view);
    if (auto* padded = std::get_if<Padded>(&value)) padded->view = closed(padded->view);
    if (auto* places = std::get_if<Places>(&value)) places->bytes = closed(places->bytes);
    if (auto* numbers = std::get_if<Numbers>(&value)) {
      for (Quantity& one : numbers->values) {
        one.made_of = {};
        one.measure.reset();
      }
    }
  }
}

void Importer::at_any_size(const std::string& where, const std::function<void()>& f) {
  defined_.clear();
  if (is_size_open()) {
    try {
      return f();
    } catch (const Error& error) {
      for (const std::string& name : defined_) values_.erase(name);
      close_size("ONNX " + where + ": " + error.what());
    }
  }
  try {
    return f();
  } catch (const Error& error) {
    throw Error(where + ": " + error.what());
  }
}

void Importer::import_node(::onnx::NodeProto& node) {
  at_any_size(describe(node), [&] { import_operator(node); });
}

void Importer::import_instead(std::vector<::onnx::NodeProto> nodes) {
  for (const auto& node : nodes) {
    for_each_read(node, [&](const std::string& name) { ++uses_[name]; });
  }
  for (auto& node : nodes) import_operator(node);
}

void Importer::import_operator(::onnx::NodeProto& node) {
  Call call(*this, node);
  if (call.outputs() == 0) throw Error("it has no output");
  const Operator& one = *find_operator(node.op_type());
  if (one.kind == Kind::moves && moves_integers(call)) return import_moved_integers(call);
  one.import(call);
  call.finish();
}

/// The arrangement of an output, or an input, that is so: none where it is what none says.
graph::Arrangement Importer::as_declared(View& view) {
  if (channel_axis(view)) settle(view);  // channels in another order are names, and need no digits
  // An arrangement without an axis would be none: of a tensor (N) the batch joins the only one that there is.
  const bool has_batch_axis = view.axes.size() > 1 && std::ranges::all_of(view.axes[0], is_batch);
  if (view.axes.empty() && !batch_) throw Error("it has no dimension for the batch");
  std::vector<std::size_t> axes(view.axes.size());
  std::iota(axes.begin(), axes.end(), std::size_t{0});
  if (has_batch_axis) axes.erase(axes.begin());
  graph::Arrangement result = arrangement_of(view, axes);
  result.joins_batch = !has_batch_axis;
  // One channel has no digit. Where a single axis is one long, it is the channels' all the same.
  const auto is_one = [](const std::vector<std::int32_t>& axis) { return axis.empty(); };
  if (shape(view.node).c == 1 && std::ranges::count_if(result.axes, is_one) == 1) {
    std::ranges::find_if(result.axes, is_one)->push_back(static_cast<std::int32_t>(result.digits.size()));
    result.digits.push_back({graph::Index::channel});
  }
  const bool is_pixel = shape(view.node).pixels() == 1;
  const std::string text = to_text(result);
  return text == (is_pixel ? "c" : "c h w") ? graph::Arrangement{} : result;
}

graph::Output Importer::read_output(const ::onnx::ValueInfoProto& output) {
  const std::string& name = output.name();
  Value& made = value(name);
  if (const auto* numbers = std::get_if<Numbers>(&made)) {
    if (!numbers->real) throw Error("it does not depend on the input, and holds integers, which are no output");
    made = floats_of(*numbers);
  }
  if (std::holds_alternative<Places>(made)) throw Error("it is bytes as whole numbers, which only Gather reads");
  if (const auto* constant = std::get_if<Floats>(&made)) made = literal(*this, name, *constant, batch_);
  const View* found = &materialise(made);
  Quantization quantization = found->quantization.value_or(Quantization{});
  View view = *found;
  if (node(view.node).quantization) {
    quantization.scale = 1.0F;      // of the node's integers
    if (found->type == Type::i8) {  // which are bytes of u8
      view.node = add(name, graph::Activate{graph::Activation::none}, {view.node});
      conversions_.dequantised[view.node] = 1.0F;
    }
  }
  graph::Arrangement arrangement = as_declared(view);
  View* itself = input(name);
  if (itself != nullptr && is_quantised(itself->type)) keep_quantization(*itself, quantization);
  if (itself != nullptr && itself->type == Type::i32) throw Error("it is an input of whole numbers, as it is");
  // What layers make is float to them; to the caller it is what the model says.
  if (found->type == Type::i32) {
    return {.node = view.node, .name = name, .type = Type::i32, .arrangement = std::move(arrangement)};
  }
  const auto declared = type_of_number(output.type().tensor_type().elem_type());
  const bool is_cast = found->type == Type::f32 && declared && !is_quantised(*declared);
  return {.node = view.node,
          .name = name,
          .type = is_cast ? *declared : found->type,
          .quantization = quantization,
          .arrangement = std::move(arrangement)};
}

void Importer::read_every_tensor() {
  std::unordered_map<std::string, graph::Output> own;
  std::vector<graph::Output> every;
  for (graph::Output& output : std::exchange(graph_.outputs, {})) {
    if (inputs_.contains(output.name)) {
      every.push_back(std::move(output));
    } else {
      own.emplace(output.name, std::move(output));
    }
  }
  // What stands between a quantised layer's result and its integers is computed with it, and has no tensor of its own.
  const bool only_integers = !conversions_.empty();
  const auto is_there = [&](const Value& value) {
    if (const auto* view = std::get_if<View>(&value)) return !only_integers || is_quantised(view->type);
    return !only_integers && std::holds_alternative<Padded>(value);
  };
  std::string left_out;
  for (const auto& node : model_.graph().node()) {
    for (const std::string& name : node.output()) {
      const auto found = values_.find(name);
      if (const auto output = own.find(name); output != own.end()) {
        every.push_back(std::move(output->second));
      } else if (found != values_.end() && is_there(found->second)) {
        ::onnx::ValueInfoProto as_it_is;
        as_it_is.set_name(name);
        try {
          every.push_back(read_output(as_it_is));
        } catch (const Error&) {  // a view that names numbers twice, or has its batch elsewhere
          left_out.append(left_out.empty() ? "" : ", ").append("'" + name + "'");
        }
      }
    }
  }
  graph_.outputs = std::move(every);
  if (!left_out.empty() && options_.say) options_.say("left out, as no tensor that can be handed over: " + left_out);
}

View Importer::whole(graph::NodeId node, std::string name) const {
  return onnx::whole(std::move(name), node, shape(node), batch_, open(node));
}

Value& Importer::value(const std::string& name) {
  if (const auto found = values_.find(name); found != values_.end()) return found->second;
  const auto initialiser = initialisers_.find(name);
  if (initialiser == initialisers_.end()) {
    throw Error("nothing before it makes '" + name + "': a missing initialiser, or nodes in a wrong order or a cycle");
  }
  return values_.emplace(name, take_data(*initialiser->second)).first->second;
}

void Importer::define(const std::string& name, Value value) {
  if (const auto* numbers = std::get_if<Numbers>(&value)) charge(6 * static_cast<std::int64_t>(numbers->values.size()));
  if (const auto* view = std::get_if<View>(&value)) ++views_[view->node];
  if (initialisers_.contains(name) || !values_.emplace(name, std::move(value)).second) {
    throw Error("'" + name + "' is made twice");
  }
  defined_.push_back(name);
}

View* Importer::input(const std::string& name) {
  return inputs_.contains(name) ? &std::get<View>(values_.at(name)) : nullptr;
}

void Importer::keep_quantization(View& input, const Quantization& quantization) {
  if (input.quantization && *input.quantization != quantization) {
    throw Error("the input '" + input.name + "' is read with two scales or zero points");
  }
  input.quantization = quantization;
  std::get<graph::Input>(node(input.node).operation).quantization = quantization;
}

void Importer::round(View& view) {
  if (node(view.node).quantization) return;
  view.node = add(view.name, graph::Activate{graph::Activation::none}, {view.node});
  const auto& [scale, zero_point] = *view.quantization;
  node(view.node).quantization = {scale, zero_point + (view.type == Type::i8 ? 128 : 0)};
}

bool Importer::is_private(const std::string& name, graph::NodeId node) const {
  return uses(name) == 1 && views_[node] == 1 && !options_.every_tensor;
}

int Importer::uses(const std::string& name) const {
  const auto found = uses_.find(name);
  return found == uses_.end() ? 0 : found->second;
}

graph::NodeId Importer::add(const std::string& name, graph::Operation operation, std::vector<graph::NodeId> operands) {
  if (graph_.nodes.size() >= graph::max_nodes) throw Error("the model has too many nodes");
  expect_alike(operation, operands);
  // The engine's own rules say what is right and what the shape is, asked with a graph of just this node. The channels
  // of a concatenation add up.
  graph::Graph alone;
  alone.name = graph_.name;
  std::vector<graph::NodeId> read;
  const auto add_operand = [&](const graph::Shape& of) {
    read.push_back(alone.add("operand" + std::to_string(read.size()), graph::Input{of}));
  };
  if (std::holds_alternative<graph::Concat>(operation)) {
    add_operand(shape_of_concat(operands));
  } else {
    for (const graph::NodeId operand : operands) add_operand(shape(operand));
  }
  if (read.empty()) alone.add("nothing", graph::Input{{1, 1, 1}});  // a graph has an input
  const graph::NodeId made = alone.add(name, std::move(operation), std::move(read));
  alone.outputs = {{made}};
  const graph::Shape out = graph::infer_shapes(alone)[made];
  graph::Operation& checked = alone.nodes[made].operation;
  const Extents open_out = open_result(checked, operands);
  shapes_.push_back(out);
  open_.push_back(open_out);
  views_.push_back(0);
  return graph_.add(name, std::move(checked), std::move(operands));
}

graph::Shape Importer::shape_of_concat(std::span<const graph::NodeId> operands) const {
  const auto is_literal_pixel = [&](graph::NodeId id) {
    return shape(id).pixels() == 1 && std::holds_alternative<graph::Literal>(graph_.nodes[id].operation);
  };
  const auto sized = std::ranges::find_if_not(operands, is_literal_pixel);
  graph::Shape result = shape(sized == operands.end() ? operands[0] : *sized);
  std::int64_t channels = 0;
  for (const graph::NodeId operand : operands) {
    const graph::Shape& other = shape(operand);
    const bool fits = (other.h == result.h && other.w == result.w) || is_literal_pixel(operand);
    if (!fits) throw Error("the operands differ in height or width");
    channels += other.c;
  }
  if (channels > graph::max_extent) throw Error("the result has too many channels");
  result.c = static_cast<std::int32_t>(channels);
  return result;
}

/// Operands that are equally large at the model's size are so at every size, or the size is closed.
void Importer::expect_alike(const graph::Operation& operation, std::span<const graph::NodeId> operands) const {
  if (std::holds_alternative<graph::Resize>(operation)) return;
  for (const graph::NodeId operand : operands) {
    const graph::Shape &a = shape(operands[0]), &b = shape(operand);
    const auto differ = [](std::int32_t extent, std::int32_t other, bool is_open, bool is_other_open) {
      return extent == other && extent != 1 && is_open != is_other_open;
    };
    if (differ(a.h, b.h, open(operands[0]).rows, open(operand).rows) ||
        differ(a.w, b.w, open(operands[0]).columns, open(operand).columns)) {
      throw Error("one operand has a fixed size and another one follows the input's");
    }
  }
}

Extents Importer::open_result(const graph::Operation& operation, std::span<const graph::NodeId> operands) const {
  Extents result;
  for (const graph::NodeId operand : operands) result = result | open(operand);
  if (std::holds_alternative<graph::GlobalAveragePool>(operation) ||
      std::holds_alternative<graph::FullyConnected>(operation)) {
    return {};
  }
  if (const auto* resize = std::get_if<graph::Resize>(&operation)) {
    result = open(operands.back());
    result.rows = result.rows && resize->height == 0;
    result.columns = result.columns && resize->width == 0;
  }
  if (const auto* rearrange = std::get_if<graph::Rearrange>(&operation)) {
    const auto is_open = [&](std::size_t axis) {
      return std::ranges::any_of(rearrange->to.axes[axis], [&](std::int32_t digit) {
        const auto [index, extent] = rearrange->to.digits[static_cast<std::size_t>(digit)];
        if (extent != 0) return false;
        return index == graph::Index::row ? result.rows : index == graph::Index::column && result.columns;
      });
    };
    if (is_open(2)) throw Error("its channels would depend on the input's size");
    return {.rows = is_open(0), .columns = is_open(1)};
  }
  if (const auto* pool = std::get_if<graph::Pool>(&operation)) {
    result.rows = result.rows && pool->window.kernel_h != 0;
    result.columns = result.columns && pool->window.kernel_w != 0;
  }
  return result;
}

void Importer::settle(View& view) {
  if (is_settled(view, shape(view.node).c)) return;
  if (!channel_axis(view)) {  // they are spread: those of the model's convention become the channels
    if (view.axes.size() < 2) throw Error("the channels of '" + view.name + "' are spread in its view " + text(view));
    return arrange(view, with_channels(view, {1}));
  }
  std::vector<std::int32_t> picked = channels(view);
  charge(static_cast<std::int64_t>(picked.size()));
  const auto count = static_cast<std::int32_t>(picked.size());
  auto operation = choose_channels(std::move(picked), shape(view.node).c);
  // Without one the digits may still be several, side by side: they become one all the same.
  const graph::NodeId node = operation ? add(view.name, std::move(*operation), {view.node}) : view.node;
  view = with_channels_of(view, node, count);
}

View& Importer::materialise(Value& value) {
  if (const auto* padded = std::get_if<Padded>(&value)) {
    const auto& [top, left, bottom, right] = padded->padding;
    const auto narrow = [](std::int64_t pixels) { return static_cast<std::int32_t>(pixels); };
    const graph::Pad pad{narrow(top), narrow(left), narrow(bottom), narrow(right)};
    const std::string name = padded->name;
    value = whole(add(name, pad, {padded->view.node}), name);
  }
  return std::get<View>(value);
}

void Importer::charge(std::int64_t floats) {
  budget_ -= floats;
  if (budget_ < 0) throw Error("the model would need far more memory than it is large");
}

}  // namespace riffle::onnx
