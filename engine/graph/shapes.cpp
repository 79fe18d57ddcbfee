// Shape inference and verification: one function an operation.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <span>
#include <string_view>

#include "base/sort.hpp"
#include "engine/graph/built.hpp"
#include "engine/graph/pixels.hpp"
#include "engine/graph/quantization.hpp"

namespace riffle::graph {
namespace {

std::string text(const Shape& s) { return joined({s.c, "x", s.h, "x", s.w}); }

/// The node in question, and how to complain about it.
class Checker {
 public:
  Checker(const Graph& graph, NodeId id, const ById<Shape>& shapes)
      : graph_(graph), node_(graph.nodes[id]), id_(id), shapes_(shapes) {}

  [[noreturn]] void fail(std::initializer_list<Piece> what) const {
    throw Error({"node ", id_, " '", node_.name, "' (", operation_name(node_.operation), "): ", joined(what)});
  }

  /// Of what this build has no code for (built.hpp).
  [[noreturn]] void leave_out(std::string_view what) const {
    throw Unsupported({"node '", node_.name, "': this build has no ", what, " (RIFFLE_OPERATIONS)"});
  }
  [[noreturn]] void leave_out() const { leave_out(operation_name(node_.operation)); }

  void expect_operands(std::size_t least, std::size_t most) const {
    const std::size_t n = node_.inputs.size();
    if (n < least || n > most) fail({"has ", n, " operands"});
  }

  [[nodiscard]] Shape operand(std::size_t i) const { return shapes_[node_.inputs[i]]; }
  [[nodiscard]] std::size_t operands() const { return node_.inputs.size(); }
  /// Is it a literal of one pixel, which counts for as many as are asked for?
  [[nodiscard]] bool is_literal_pixel(std::size_t i) const {
    return operand(i).pixels() == 1 && std::holds_alternative<Literal>(graph_.nodes[node_.inputs[i]].operation);
  }

  /// `size` numbers in so many rows, each of which may count a factor times.
  void expect_size(const char* what, const Constant& constant, std::int64_t size, std::int32_t rows) const {
    const auto factors = static_cast<std::int32_t>(constant.row_scale().size());
    if (factors != 0) expect_range(joined({what, ": its number of factors"}).c_str(), factors, rows, rows);
    if (static_cast<std::int64_t>(constant.size()) != size) {
      fail({what, ": ", constant.size(), " values where the shapes ask for ", size});
    }
  }

  void expect_range(const char* what, std::int64_t value, std::int64_t least, std::int64_t most) const {
    if (value < least || value > most) {
      fail({what, " is ", value, ", not in ", least, " to ", most});
    }
  }

  /// What f returns; an Error that it throws becomes one of this node.
  template <class F>
  [[nodiscard]] auto named(F&& f) const {
    try {
      return f();
    } catch (const Error& error) {
      fail({error.what()});
    }
  }

  /// What a rule, a window or an arrangement, is for an operand of this shape.
  template <class Rule>
  [[nodiscard]] auto resolved(const Rule& rule, const Shape& in) const {
    return named([&] { return resolve(rule, in); });
  }

 private:
  const Graph& graph_;
  const Node& node_;
  NodeId id_;
  const ById<Shape>& shapes_;
};

/// What is wrong with the type and the scale of a caller's tensor; empty where nothing is.
std::string fault_of(Type type, const Quantization& quantization) {
  if (!is_quantised(type)) {
    return quantization == Quantization{} ? "" : "a scale or a zero point is for i8 and u8 alone";
  }
  if (!is_scale(static_cast<double>(quantization.scale))) return "its scale is no positive number";
  const std::int32_t least = type == Type::i8 ? -128 : 0;
  if (quantization.zero_point >= least && quantization.zero_point <= least + 255) return "";
  return joined({"its zero point is ", quantization.zero_point, ", no ", name_of(type)});
}

Shape shape_of(const Input& input, const Checker& check) {
  if (input.type == Type::i32) check.fail({"its type is i32, not one of f32, f16, bf16, i8, u8"});
  if (const std::string fault = fault_of(input.type, input.quantization); !fault.empty()) check.fail({fault});
  if (input.arrangement != Arrangement{}) {
    check.expect_range("its number of axes", std::ssize(input.arrangement.axes), 0, max_rank);
    (void)check.resolved(input.arrangement, input.shape);
  }
  return input.shape;
}

Shape shape_of(const Convolution& o, const Checker& check) {
  check.expect_operands(1, 2);
  const Shape in = check.operand(0);
  check.expect_range("outputs", o.outputs, 1, max_extent);
  check.expect_range("groups", o.groups, 1, max_extent);
  if (in.c % o.groups != 0 || o.outputs % o.groups != 0) {
    check.fail({in.c, " input and ", o.outputs, " output channels do not divide by ", o.groups, " groups"});
  }
  check.expect_range("kernel", o.window.kernel_h, 1, max_extent);
  check.expect_range("kernel", o.window.kernel_w, 1, max_extent);
  if (o.window.ceil_mode) check.fail({"ceil_mode is for pooling alone"});
  const kernels::Extent extent = check.resolved(o.window, in).extent;
  const Shape out{extent.out_h, extent.out_w, o.outputs};
  check.expect_size("weights", o.weights,
                    static_cast<std::int64_t>(o.outputs) * (in.c / o.groups) * o.window.kernel_h * o.window.kernel_w,
                    o.outputs);
  if (!o.bias.empty()) check.expect_size("bias", o.bias, o.outputs, o.outputs);
  if (check.operands() == 2 && check.operand(1) != out) {
    check.fail({"the residual is ", text(check.operand(1)), ", the result ", text(out)});
  }
  return out;
}

Shape shape_of(const BatchNorm& o, const Checker& check) {
  check.expect_operands(1, 1);
  const Shape in = check.operand(0);
  check.expect_size("scale", o.scale, in.c, in.c);
  check.expect_size("shift", o.shift, in.c, in.c);
  check.expect_size("mean", o.mean, in.c, in.c);
  check.expect_size("variance", o.variance, in.c, in.c);
  if (!(o.epsilon >= 0.0F && o.epsilon <= 1.0F)) check.fail({"epsilon is not in 0 to 1"});
  return in;
}

/// What an activation is, of whichever operation whose result has so many channels.
void check_activation(const Activation& activation, std::int32_t channels, const Checker& check) {
  using kernels::Function;
  const auto& [bounds, function, a, b, slopes, table] = activation;
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (!(bounds.lower <= bounds.upper) || bounds.lower == infinity || bounds.upper == -infinity) {
    check.fail({"its activation's bounds are no range"});
  }
  if constexpr (!built::function) {
    if (function != Function::none) check.leave_out("functions");
    return;
  }
  if (static_cast<std::size_t>(function) >= kernels::function_facts.size()) check.fail({"no such function"});
  const kernels::FunctionFacts& facts = kernels::facts_of(function);
  if (!std::isfinite(a) || !std::isfinite(b))
    check.fail({"a parameter of the function ", facts.word, " is not finite"});
  if ((facts.parameters < 1 && a != 0.0F) || (facts.parameters < 2 && b != 0.0F)) {
    check.fail({"the function ", facts.word, " has ", facts.parameters, " parameters"});
  }
  if (function == Function::power && std::abs(a) > kernels::most_power) {
    check.fail({"an exponent is not in ", -static_cast<int>(kernels::most_power), " to ",
                static_cast<int>(kernels::most_power)});
  }
  if (function == Function::celu && !(a > 0.0F)) check.fail({"the parameter of the function CELU is not positive"});
  if (function == Function::prelu) {
    check.expect_size("slopes", slopes, channels, channels);
  } else if (!slopes.empty()) {
    check.fail({"slopes are for the function PReLU alone"});
  }
  if (function == Function::table) {
    const bool is_one = table.size() == 256;
    check.expect_size("the table", table, is_one ? 256 : std::int64_t{channels} * 256, channels);
    if (table.type() != Type::u8 || !table.row_scale().empty()) check.fail({"its table is not of bytes (u8)"});
    if (a != std::clamp(std::nearbyint(a), 0.0F, 255.0F)) check.fail({"its table's zero point is not in 0 to 255"});
  } else if (!table.empty()) {
    check.fail({"a table is for the function of that name alone"});
  }
}

Shape shape_of(const Activate&, const Checker& check) {
  check.expect_operands(1, 1);
  return check.operand(0);
}

Shape shape_of(const Pool& o, const Checker& check) {
  check.expect_operands(1, 1);
  const Shape in = check.operand(0);
  const auto [w, extent] = check.resolved(o.window, in);
  if (w.dilation_h != 1 || w.dilation_w != 1) check.fail({"dilation is not supported"});
  const Shape out{extent.out_h, extent.out_w, in.c};
  // Every window must hold a pixel of the image: an average over nothing, or its maximum, is no number.
  if (w.pad_top >= w.kernel_h || w.pad_left >= w.kernel_w ||
      static_cast<std::int64_t>(out.h - 1) * w.stride_h - w.pad_top >= in.h ||
      static_cast<std::int64_t>(out.w - 1) * w.stride_w - w.pad_left >= in.w) {
    check.fail({"a window lies wholly in the padding"});
  }
  return out;
}

Shape shape_of(const GlobalAveragePool&, const Checker& check) {
  check.expect_operands(1, 1);
  return {1, 1, check.operand(0).c};
}

Shape shape_of(const Binary& o, const Checker& check) {
  check.expect_operands(2, 2);
  if (static_cast<std::size_t>(o.kind) >= Binary::words.size()) check.fail({"no such operation"});
  if (!built::binary && o.kind != BinaryKind::add) check.leave_out();
  const Shape a = check.operand(0), b = check.operand(1);
  const auto larger = [&](std::int32_t x, std::int32_t y) {
    if (x != y && x != 1 && y != 1) check.fail({"the operands are ", text(a), " and ", text(b)});
    return std::max(x, y);
  };
  return {larger(a.h, b.h), larger(a.w, b.w), larger(a.c, b.c)};
}

Shape shape_of(const Slice& o, const Checker& check) {
  check.expect_operands(1, 1);
  Shape shape = check.operand(0);
  check.expect_range("first channel", o.first, 0, shape.c - 1);
  check.expect_range("channels", o.count, 1, shape.c - o.first);
  shape.c = o.count;
  return shape;
}

Shape shape_of(const Concat&, const Checker& check) {
  check.expect_operands(1, max_nodes);
  std::size_t first = 0;  // of those that have a size of their own
  while (first + 1 < check.operands() && check.is_literal_pixel(first)) ++first;
  Shape shape = check.operand(first);
  std::int64_t channels = 0;
  for (std::size_t i = 0; i < check.operands(); ++i) {
    const Shape other = check.operand(i);
    if ((other.h != shape.h || other.w != shape.w) && !check.is_literal_pixel(i)) {
      check.fail({"the operands are ", text(shape), " and ", text(other)});
    }
    channels += other.c;
  }
  check.expect_range("channels", channels, 1, max_extent);
  shape.c = static_cast<std::int32_t>(channels);
  return shape;
}

Shape shape_of(const Shuffle& o, const Checker& check) {
  check.expect_operands(1, 1);
  const Shape shape = check.operand(0);
  check.expect_range("groups", o.groups, 1, max_extent);
  if (shape.c % o.groups != 0) {
    check.fail({shape.c, " channels do not divide by ", o.groups, " groups"});
  }
  return shape;
}

Shape shape_of(const Gather& o, const Checker& check) {
  check.expect_operands(1, 1);
  Shape shape = check.operand(0);
  check.expect_range("channels", static_cast<std::int64_t>(o.channels.size()), 1, max_extent);
  for (const std::int32_t channel : o.channels) check.expect_range("channel", channel, 0, shape.c - 1);
  shape.c = static_cast<std::int32_t>(o.channels.size());
  return shape;
}

Shape shape_of(const FullyConnected& o, const Checker& check) {
  check.expect_operands(1, 1);
  const Shape in = check.operand(0);
  if (in.h != o.height || in.w != o.width) {
    check.fail({"the operand is ", text(in), ", and the weights are for ", text({o.height, o.width, in.c}),
                " (channels x height x width): the network's input must be of the size that they were made for"});
  }
  check.expect_range("outputs", o.outputs, 1, max_extent);
  check.expect_size("weights", o.weights, o.outputs * in.size(), o.outputs);
  if (!o.bias.empty()) check.expect_size("bias", o.bias, o.outputs, o.outputs);
  return {1, 1, o.outputs};
}

/// The operand, whose channels are so many groups.
Shape shape_in_groups(std::int32_t groups, const Checker& check) {
  check.expect_operands(1, 1);
  const Shape in = check.operand(0);
  check.expect_range("groups", groups, 1, max_extent);
  if (in.c % groups != 0) check.fail({in.c, " channels do not divide by ", groups, " groups"});
  return in;
}

Shape shape_of(const Softmax& o, const Checker& check) { return shape_in_groups(o.groups, check); }

Shape shape_of(const Literal& o, const Checker& check) {
  check.expect_operands(0, 0);
  check.expect_range("height", o.shape.h, 1, max_extent);
  check.expect_range("width", o.shape.w, 1, max_extent);
  check.expect_range("channels", o.shape.c, 1, max_extent);
  check.expect_size("values", o.values, o.shape.size(), o.shape.c);
  return o.shape;
}

Shape shape_of(const Reduce& o, const Checker& check) {
  if (static_cast<std::size_t>(o.kind) >= Reduce::words.size()) check.fail({"no such reduction"});
  const Shape in = shape_in_groups(o.groups, check);
  return {in.h, in.w, o.groups};
}

Shape shape_of(const Resize& o, const Checker& check) {
  check.expect_operands(1, 2);
  if (o.mode > ResizeMode::linear || o.coordinates > Coordinates::align_corners || o.rounding > Rounding::ceil) {
    check.fail({"no such way to resize"});
  }
  const Shape like = check.operand(check.operands() - 1);
  return check.named([&] { return result_shape(o, check.operand(0), check.operands() == 2 ? &like : nullptr); });
}

Shape shape_of(const Crop& o, const Checker& check) {
  check.expect_operands(1, 1);
  return check.named([&] { return result_shape(o, check.operand(0)); });
}

Shape shape_of(const Pad& o, const Checker& check) {
  check.expect_operands(1, 1);
  if (o.mode > PadMode::reflect) check.fail({"no such way to pad"});
  return check.named([&] { return result_shape(o, check.operand(0)); });
}

Shape shape_of(const TransposedConvolution& o, const Checker& check) {
  check.expect_operands(1, 1);
  const Shape in = check.operand(0);
  check.expect_range("outputs", o.outputs, 1, max_extent);
  check.expect_range("groups", o.groups, 1, max_extent);
  if (in.c % o.groups != 0 || o.outputs % o.groups != 0) {
    check.fail({in.c, " input and ", o.outputs, " output channels do not divide by ", o.groups, " groups"});
  }
  if (o.window.auto_pad != AutoPad::none || o.window.ceil_mode) check.fail({"its window has a rule"});
  const Shape out = check.named([&] { return result_shape(o, in); });
  check.expect_size("weights", o.weights,
                    static_cast<std::int64_t>(in.c) * (o.outputs / o.groups) * o.window.kernel_h * o.window.kernel_w,
                    in.c);
  if (!o.bias.empty()) check.expect_size("bias", o.bias, o.outputs, o.outputs);
  return out;
}

Shape shape_of(const Rearrange& o, const Checker& check) {
  check.expect_operands(1, 1);
  if (o.to.axes.size() != 3 || o.to.joins_batch) check.fail({"'", to_text(o.to), "' is not rows, columns, channels"});
  const std::vector<std::int64_t> extents = check.resolved(o.to, check.operand(0)).extents;
  check.expect_range("height", extents[0], 1, max_extent);
  check.expect_range("width", extents[1], 1, max_extent);
  check.expect_range("channels", extents[2], 1, max_extent);
  return {static_cast<std::int32_t>(extents[0]), static_cast<std::int32_t>(extents[1]),
          static_cast<std::int32_t>(extents[2])};
}

Shape shape_of(const Join& o, const Checker& check) {
  check.expect_operands(1, max_nodes);
  if (o.along != Direction::rows && o.along != Direction::columns) check.fail({"no such direction"});
  Shape shape = check.operand(0);
  std::int32_t& extent = o.along == Direction::rows ? shape.h : shape.w;
  std::int64_t all = extent;
  for (std::size_t i = 1; i < check.operands(); ++i) {
    const Shape other = check.operand(i);
    const bool is_equal = o.along == Direction::rows ? other.w == shape.w : other.h == shape.h;
    if (!is_equal || other.c != shape.c) {
      check.fail({"the operands are ", text(check.operand(0)), " and ", text(other)});
    }
    all += o.along == Direction::rows ? other.h : other.w;
  }
  check.expect_range(o.along == Direction::rows ? "height" : "width", all, 1, max_extent);
  extent = static_cast<std::int32_t>(all);
  return shape;
}

/// No more than are allowed, and told apart by their names.
void check_names(std::span<const std::string_view> names, const char* what, const std::string& where) {
  if (names.size() > max_tensors) throw Error({where, "more than ", max_tensors, " ", what});
  const auto name = [&](std::int32_t i) { return names[static_cast<std::size_t>(i)]; };
  const std::vector<std::int32_t> order =
      sorted_indices(names.size(), [&](std::int32_t a, std::int32_t b) { return name(a) < name(b); });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (name(order[i - 1]) == name(order[i])) throw Error({where, "two ", what, " are called '", name(order[i]), "'"});
  }
}

/// That the outputs exist, and inputs and outputs are told apart.
void check_ends(const Graph& graph, const std::string& where) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < graph.input_count(); ++i) names.push_back(graph.nodes[i].name);
  check_names(names, "inputs", where);
  names.clear();
  if (graph.outputs.empty()) throw Error({where, "it has no output"});
  for (const Output& output : graph.outputs) {
    if (output.node < 0 || output.node >= graph.nodes.end_id()) {
      throw Error({where, "an output is no node"});
    }
    const std::string& name = graph.output_name(output);
    // Passes may let another node make an output: what has no name of its own would be called like that one.
    if (name.empty() && graph.outputs.size() > 1) throw Error({where, "one of several outputs has no name"});
    names.push_back(name);
    const std::string fault = fault_of(output.type, output.quantization);
    if (!fault.empty()) throw Error({where, "output '", name, "': ", fault});
  }
  check_names(names, "outputs", where);
}

}  // namespace

ById<Shape> infer_shapes(const Graph& graph) {
  const std::string where = "graph '" + graph.name + "': ";
  if (graph.nodes.empty()) throw Error({where, "it has no nodes"});
  if (graph.nodes.size() > max_nodes) throw Error({where, "more than ", max_nodes, " nodes"});
  check_ends(graph, where);
  ById<Shape> shapes;
  shapes.reserve(graph.nodes.size());
  std::int64_t channels = 0;
  const auto inputs = std::max(static_cast<NodeId>(graph.input_count()), 1);
  for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    const Node& node = graph.nodes[id];
    const Checker check(graph, id, shapes);
    const bool is_input = std::holds_alternative<Input>(node.operation);
    if (is_input != (id < inputs)) check.fail({"the inputs, and nothing else, are the first nodes"});
    if (is_input) check.expect_operands(0, 0);
    for (const NodeId input : node.inputs) {
      if (input < 0 || input >= id) check.fail({"operand ", input, " does not come before it"});
    }
    const Shape shape = std::visit(
        [&]<class Operation>(const Operation& o) {
          if constexpr (!is_built<Operation>) check.leave_out();
          return shape_of(o, check);
        },
        node.operation);
    check.expect_range("height", shape.h, 1, max_extent);
    check.expect_range("width", shape.w, 1, max_extent);
    check.expect_range("channels", shape.c, 1, max_extent);
    if (const Activation* activation = fused_activation(node.operation)) {
      check_activation(*activation, shape.c, check);
      if (activation->function == kernels::Function::table && !node.quantization) {
        check.fail({"a table is of integers, and makes integers"});
      }
    }
    if (shape.size() > max_tensor_floats) check.fail({"a tensor of ", text(shape), " floats is too large"});
    channels += shape.c;
    if (channels > max_channels) check.fail({"all tensors together have too many channels"});
    shapes.push_back(shape);
  }
  for (const Output& output : graph.outputs) {
    if (output.arrangement == Arrangement{}) continue;
    try {
      if (output.arrangement.axes.size() > max_rank) throw Error({"it has more than ", max_rank, " axes"});
      (void)resolve(output.arrangement, shapes[output.node]);
    } catch (const Error& error) {
      throw Error({where, "output '", graph.output_name(output), "': ", error.what()});
    }
  }
  if constexpr (built::quantised) check_quantization(graph, shapes);
  return shapes;
}

}  // namespace riffle::graph
