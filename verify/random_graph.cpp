#include "verify/random_graph.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "models/random.hpp"
#include "verify/effort.hpp"
#include "verify/numbers.hpp"

namespace riffle::verify {
namespace {

using graph::NodeId;
using graph::Shape;

constexpr std::int32_t most_channels = 80;      // of a tensor; several vectors of every instruction set, and a rest
constexpr std::int64_t small_cost = 400'000;    // elements read by most graphs
constexpr std::int64_t large_cost = 6'000'000;  // by one that has large tensors
constexpr int tries = 20;                       // until a node fits

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  graph::Graph run() {
    const bool large = random_.chance(15);
    graph_.name = "random";
    add_inputs(large);
    budget_ = large ? large_cost : small_cost;
    const std::int32_t nodes = random_.between(1, large ? 8 : 16);
    if (random_.chance(large ? 70 : 30)) add<graph::Convolution>();
    if (large && random_.chance(50)) add_unit();
    // There may be no room left for as many: a number of trials, then.
    const NodeId last_input = static_cast<NodeId>(graph_.input_count()) - 1;
    for (std::int32_t trial = 0; trial < 2 * nodes && newest() < last_input + nodes; ++trial) {
      if (random_.chance(15)) {
        add_unit();
      } else if (random_.chance(8)) {
        add_heads();
      } else {
        add_any();
      }
    }
    graph_.outputs = choose_outputs();
    return std::move(graph_);
  }

 private:
  template <class O>
  struct Kind {};

  /// A node's operation and operands.
  struct Drawn {
    graph::Operation operation;
    std::vector<NodeId> inputs;
  };

  [[nodiscard]] NodeId newest() const { return graph_.nodes.end_id() - 1; }
  [[nodiscard]] const Shape& shape(NodeId id) const { return shapes_[id]; }

  /// Numbers that stand in the network, and what is made of them alone, are read where they are made for it.
  [[nodiscard]] bool is_literal(NodeId id) const {
    const graph::Node& node = graph_.nodes[id];
    return !std::holds_alternative<graph::Input>(node.operation) &&
           std::ranges::all_of(node.inputs, [&](NodeId input) { return is_literal(input); });
  }

  NodeId any_node() {
    for (;;) {
      const NodeId id = random_.chance(60) ? newest() : random_.below(newest() + 1);
      if (!is_literal(id)) return id;
    }
  }

  /// Mostly one; or else a few, mostly of one size, some of which have as many channels.
  void add_inputs(bool large) {
    const auto side = [&] { return large ? random_.between(40, 80) : random_.between(1, 14); };
    Shape shape{side(), side(), 0};
    const std::int32_t count = random_.chance(85) ? 1 : random_.between(2, 3);
    for (std::int32_t i = 0; i < count; ++i) {
      if (i > 0 && random_.chance(15)) shape.h = side(), shape.w = side();
      if (i == 0 || random_.chance(50)) {
        shape.c = random_.chance(50) ? random_.between(1, 4) : random_.between(1, 24);
      }
      graph::Input input{shape};
      choose_type(input);
      if (random_.chance(10)) input.arrangement = graph::pixels_arrangement();
      append(std::move(input), {});
    }
  }

  /// Mostly the newest node alone; or else a few, which may be the same, read further, inputs, and some of one
  /// another's channels.
  std::vector<graph::Output> choose_outputs() {
    std::vector<graph::Output> outputs = {{any_node()}};
    for (std::int32_t i = random_.chance(75) ? 0 : random_.between(1, 3); i > 0; --i) {
      const std::int32_t kind = random_.below(100);
      if (kind < 30) {
        outputs.push_back({add_moved_channels().value_or(any_node())});
      } else {
        outputs.push_back({kind < 50 ? outputs.back().node : any_node()});
      }
    }
    std::set<std::string> taken;
    for (graph::Output& output : outputs) {
      const std::string own = "output" + std::to_string(taken.size());
      if (random_.chance(50)) output.name = random_.chance(90) ? own : node_name(random_.below(newest() + 1));
      if (!taken.insert(graph_.output_name(output)).second) taken.insert(output.name = own);
      choose_type(output);
      if (graph::is_index(graph_.nodes[output.node].operation) && random_.chance(50))
        output.type = Type::i32, output.quantization = {};
      if (random_.chance(20)) {
        output.arrangement = random_.chance(50)
                                 ? graph::arranged("h w c")
                                 : any_arrangement(shape(output.node), static_cast<std::size_t>(random_.between(1, 4)));
        output.arrangement.joins_batch = random_.chance(20);
      }
    }
    return outputs;
  }

  /// The type of an input's or output's numbers: now and then another than f32.
  template <class Tensor>
  void choose_type(Tensor& tensor) {
    constexpr Type others[] = {Type::f16, Type::bf16, Type::i8, Type::u8};
    if (random_.chance(90)) return;
    tensor.type = others[random_.below(4)];
    if (!is_quantised(tensor.type)) return;
    const std::int32_t least = tensor.type == Type::i8 ? -128 : 0;
    tensor.quantization = {(2.0F + random_.real()) / 128.0F, random_.between(least, least + 255)};
  }

  /// Any node for which `fits` holds, if there is one.
  template <class F>
  std::optional<NodeId> any_node_that(F&& fits) {
    std::vector<NodeId> all;
    for (NodeId id = 0; id <= newest(); ++id) {
      if (!is_literal(id) && fits(id)) all.push_back(id);
    }
    if (all.empty()) return std::nullopt;
    return all[static_cast<std::size_t>(random_.below(static_cast<std::int32_t>(all.size())))];
  }

  /// Those of the family are frequent.
  graph::Activation any_activation(std::int32_t channels) {
    using graph::Activation;
    using kernels::Function;
    const Activation usual[] = {Activation::none, Activation::relu, Activation::relu6};
    if (random_.chance(80)) return usual[random_.below(3)];
    Activation result;
    if (random_.chance(50)) result.bounds = {-0.5F, random_.chance(50) ? 0.75F : Activation::relu.bounds.upper};
    if (random_.chance(30)) return result;
    result.function = static_cast<Function>(random_.below(static_cast<std::int32_t>(Function::table)));  // of integers
    const std::int32_t parameters = kernels::facts_of(result.function).parameters;
    if (parameters > 0) result.a = 1.0F + 0.75F * random_.real();
    if (parameters > 1) result.b = 1.0F + 0.75F * random_.real();
    // Where they are steep, or no numbers at all, nothing could be said of what comes out.
    if (result.function == Function::exp) result.bounds = {-2.0F, 2.0F};
    if (result.function >= Function::log && result.function <= Function::power) result.bounds = {0.25F, 4.0F};
    if (result.function == Function::prelu) result.slopes = constant(channels, 0.25F, 0.75F);
    return result;
  }

  std::int32_t any_divisor(std::int32_t of) {
    std::vector<std::int32_t> all;
    for (std::int32_t d = 1; d <= of; ++d) {
      if (of % d == 0) all.push_back(d);
    }
    return all[static_cast<std::size_t>(random_.below(static_cast<std::int32_t>(all.size())))];
  }

  graph::Constant constant(std::int64_t count, float centre, float reach) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < count; ++i) values.push_back(centre + reach * random_.real());
    return graph::Constant(std::move(values));
  }

  /// Weights that keep the size of what they are multiplied with.
  graph::Constant weights(std::int64_t outputs, std::int64_t inputs) {
    return constant(outputs * inputs, 0.0F, std::sqrt(3.0F / static_cast<float>(inputs)));
  }

  graph::Constant maybe_bias(std::int32_t outputs) {
    return random_.chance(70) ? constant(outputs, 0.0F, 0.5F) : graph::Constant();
  }

  /// Its padding is less than the kernel by `below_kernel`, at the least.
  graph::Window any_window(std::int32_t below_kernel) {
    graph::Window w;
    w.kernel_h = random_.chance(60) ? 3 : random_.between(1, 5);
    w.kernel_w = random_.chance(60) ? w.kernel_h : random_.between(1, 7);
    w.stride_h = random_.between(1, 2);
    w.stride_w = random_.chance(80) ? w.stride_h : random_.between(1, 3);
    if (random_.chance(70)) {
      w.pad_top = random_.between(0, w.kernel_h - below_kernel);
      w.pad_left = random_.between(0, w.kernel_w - below_kernel);
      w.pad_bottom = random_.chance(60) ? w.pad_top : random_.between(0, w.kernel_h - below_kernel);
      w.pad_right = random_.chance(60) ? w.pad_left : random_.between(0, w.kernel_w - below_kernel);
    }
    if (random_.chance(10)) w.auto_pad = random_.chance(50) ? graph::AutoPad::same_upper : graph::AutoPad::same_lower;
    return w;
  }

  // One function a kind of node: a kind that has none does not compile (add_any).

  std::optional<Drawn> draw(Kind<graph::Input>) { return std::nullopt; }

  std::optional<Drawn> draw(Kind<graph::Convolution>) {
    const NodeId input = any_node();
    const std::int32_t channels = shape(input).c, kind = random_.below(100);
    graph::Convolution o;
    if (kind < 30) {  // depthwise
      o.groups = o.outputs = channels;
      o.window = any_window(0);
    } else {
      o.groups = random_.chance(60) ? 1 : any_divisor(channels);
      o.outputs = o.groups * random_.between(1, std::max(1, std::min(40, most_channels / o.groups)));
      if (kind >= 75) o.window = any_window(0);
      if (kind >= 95) o.window.dilation_h = o.window.dilation_w = 2;
    }
    o.weights = weights(o.outputs, std::int64_t{channels / o.groups} * o.window.kernel_h * o.window.kernel_w);
    o.bias = maybe_bias(o.outputs);
    o.activation = any_activation(o.outputs);
    Drawn drawn{std::move(o), {input}};
    if (!random_.chance(20)) return drawn;
    const std::optional<Shape> out = shape_of(drawn);
    if (!out) return std::nullopt;
    if (const auto residual = any_node_that([&](NodeId id) { return shape(id) == *out; })) {
      drawn.inputs.push_back(*residual);
    }
    return drawn;
  }

  std::optional<Drawn> draw(Kind<graph::BatchNorm>) {
    const NodeId input = any_node();
    const std::int32_t c = shape(input).c;
    graph::BatchNorm o;
    o.scale = constant(c, 0.0F, 1.5F);
    o.shift = constant(c, 0.0F, 0.5F);
    o.mean = constant(c, 0.0F, 0.5F);
    o.variance = constant(c, 1.25F, 0.75F);
    return Drawn{std::move(o), {input}};
  }

  std::optional<Drawn> draw(Kind<graph::Activate>) {
    const NodeId input = any_node();
    return Drawn{graph::Activate{any_activation(shape(input).c)}, {input}};
  }

  std::optional<Drawn> draw(Kind<graph::Pool>) {
    graph::Pool o;
    o.kind = random_.chance(50) ? graph::PoolKind::max : graph::PoolKind::average;
    o.window = any_window(1);
    if (o.window.auto_pad != graph::AutoPad::none) {  // ONNX has no pooling with padding of its own beside it
      o.window.pad_top = o.window.pad_left = o.window.pad_bottom = o.window.pad_right = 0;
    }
    o.window.ceil_mode = random_.chance(20);
    if (random_.chance(10)) {  // a mean or maximum over whole columns, rows or images
      o.window = {.kernel_h = random_.chance(70) ? 0 : 1, .kernel_w = random_.chance(50) ? 0 : 1};
    }
    o.count_padding = o.kind == graph::PoolKind::average && random_.chance(50);
    const NodeId input = any_node();
    o.activation = any_activation(shape(input).c);
    return Drawn{o, {input}};
  }

  std::optional<Drawn> draw(Kind<graph::GlobalAveragePool>) {
    const NodeId input = any_node();
    return Drawn{graph::GlobalAveragePool{any_activation(shape(input).c)}, {input}};
  }

  std::optional<Drawn> draw(Kind<graph::Binary>) {
    constexpr auto kinds = static_cast<std::int32_t>(graph::Binary::words.size());
    graph::Binary o;
    o.kind = random_.chance(40) ? graph::BinaryKind::add : static_cast<graph::BinaryKind>(random_.below(kinds));
    NodeId a = any_node(), b = second_operand(shape(a));
    o.activation = any_activation(std::max(shape(a).c, shape(b).c));
    // Away from poles, and from what has no power.
    const auto within = [&](NodeId id, float lower, float upper) {
      return append(graph::Activate{{{lower, upper}}}, {id});
    };
    if (o.kind == graph::BinaryKind::divide) b = within(b, 0.5F, 2.0F);
    if (o.kind == graph::BinaryKind::power) a = within(a, 0.25F, 4.0F), b = within(b, -2.0F, 2.0F);
    const bool is_commutative = o.kind != graph::BinaryKind::divide && o.kind != graph::BinaryKind::power;
    if (is_commutative && random_.chance(30)) std::swap(a, b);
    return Drawn{o, {a, b}};
  }

  /// Of a tensor of this shape: another of the same, a gate, numbers of the network's own, or whatever is broadcast.
  NodeId second_operand(const Shape& of) {
    const std::int32_t kind = random_.below(100);
    if (kind < 20) return append(graph::GlobalAveragePool{graph::Activation::sigmoid}, {*same_as(of)});
    if (kind < 40) {
      return add_literal({random_.chance(60) ? 1 : of.h, random_.chance(60) ? 1 : of.w, random_.chance(30) ? 1 : of.c});
    }
    const auto fits = [&](std::int32_t x, std::int32_t y) { return x == y || x == 1 || y == 1; };
    const auto is_broadcast = [&](NodeId id) {
      const Shape& other = shape(id);
      return fits(other.h, of.h) && fits(other.w, of.w) && fits(other.c, of.c);
    };
    return kind < 70 ? *any_node_that(is_broadcast) : *same_as(of);
  }
  std::optional<NodeId> same_as(const Shape& of) {
    return any_node_that([&](NodeId id) { return shape(id) == of; });
  }

  /// Of more than one pixel, it is for this size alone.
  NodeId add_literal(const Shape& of) {
    if (of.pixels() > 1) {
      for (std::size_t i = 0; i < graph_.input_count(); ++i) {
        std::get<graph::Input>(graph_.nodes[i].operation).only_size = "a literal is";
      }
    }
    const bool is_zero = random_.chance(20);
    return append(graph::Literal{of, constant(of.size(), is_zero ? 0.0F : 0.25F, is_zero ? 0.0F : 1.0F)}, {});
  }

  std::optional<Drawn> draw(Kind<graph::Literal>) { return std::nullopt; }

  std::optional<Drawn> draw(Kind<graph::Reduce>) {
    constexpr auto kinds = static_cast<std::int32_t>(graph::Reduce::words.size());
    graph::Reduce o{static_cast<graph::ReduceKind>(random_.below(kinds))};
    // Where two numbers are nearly equal, which is the largest depends on how they were rounded: not the caller's.
    const NodeId input =
        graph::is_index(o) ? random_.below(static_cast<std::int32_t>(graph_.input_count())) : any_node();
    o.groups = any_divisor(shape(input).c);
    return Drawn{o, {input}};
  }

  std::optional<Drawn> draw(Kind<graph::Slice>) {
    const NodeId input = any_node();
    const std::int32_t c = shape(input).c, first = random_.below(c);
    return Drawn{graph::Slice{first, random_.between(1, c - first)}, {input}};
  }

  std::optional<Drawn> draw(Kind<graph::Concat>) {
    std::vector<NodeId> inputs = {any_node()};
    for (std::int32_t i = random_.between(0, 3); i > 0; --i) {
      inputs.push_back(*any_node_that(
          [&](NodeId id) { return shape(id).h == shape(inputs[0]).h && shape(id).w == shape(inputs[0]).w; }));
    }
    if (random_.chance(15)) {
      const NodeId literal = add_literal({1, 1, random_.between(1, 8)});
      inputs.insert(inputs.begin() + random_.below(static_cast<std::int32_t>(inputs.size()) + 1), literal);
    }
    return Drawn{graph::Concat{}, std::move(inputs)};
  }

  std::optional<Drawn> draw(Kind<graph::Shuffle>) {
    const NodeId input = any_node();
    return Drawn{graph::Shuffle{any_divisor(shape(input).c)}, {input}};
  }

  std::optional<Drawn> draw(Kind<graph::Gather>) {
    const NodeId input = any_node();
    graph::Gather o;
    for (std::int32_t i = random_.between(1, std::min(shape(input).c + 2, most_channels)); i > 0; --i) {
      o.channels.push_back(random_.below(shape(input).c));
    }
    return Drawn{std::move(o), {input}};
  }

  std::optional<Drawn> draw(Kind<graph::FullyConnected>) {
    const auto pixel = any_node_that([&](NodeId id) { return shape(id).pixels() == 1; });
    const NodeId input = pixel && random_.chance(80) ? *pixel : any_node();
    graph::FullyConnected o;
    o.outputs = random_.between(1, 40);
    o.height = shape(input).h;
    o.width = shape(input).w;
    if (o.outputs * shape(input).size() > budget_) return std::nullopt;  // before so many weights are made
    o.weights = weights(o.outputs, shape(input).size());
    o.bias = maybe_bias(o.outputs);
    o.activation = any_activation(o.outputs);
    return Drawn{std::move(o), {input}};
  }

  std::optional<Drawn> draw(Kind<graph::Resize>) {
    const NodeId input = any_node();
    graph::Resize o;
    o.mode = random_.chance(50) ? graph::ResizeMode::nearest : graph::ResizeMode::linear;
    o.coordinates = static_cast<graph::Coordinates>(random_.below(4));
    o.rounding = static_cast<graph::Rounding>(random_.below(4));
    constexpr float scales[] = {2.0F, 2.0F, 3.0F, 0.5F, 1.5F, 0.75F};
    switch (random_.below(3)) {
      case 0:
        o.scale_h = scales[random_.below(6)];
        o.scale_w = random_.chance(70) ? o.scale_h : scales[random_.below(6)];
        return Drawn{o, {input}};
      case 1:
        o.height = random_.between(1, 2 * shape(input).h);
        o.width = random_.between(1, 2 * shape(input).w);
        return Drawn{o, {input}};
      default:
        return Drawn{o, {input, random_.below(newest() + 1)}};
    }
  }

  std::optional<Drawn> draw(Kind<graph::Crop>) {
    const NodeId input = any_node();
    graph::Crop o;
    o.top = random_.below(std::min(shape(input).h, 3));
    o.left = random_.below(std::min(shape(input).w, 3));
    o.bottom = random_.below(std::min(shape(input).h - o.top, 3));
    o.right = random_.below(std::min(shape(input).w - o.left, 3));
    if (random_.chance(50)) o.step_h = o.step_w = 2;
    if (random_.chance(20)) o.step_w = random_.between(1, 3);
    return Drawn{o, {input}};
  }

  std::optional<Drawn> draw(Kind<graph::Pad>) {
    const NodeId input = any_node();
    graph::Pad o;
    o.mode = static_cast<graph::PadMode>(random_.below(3));
    if (o.mode == graph::PadMode::constant && random_.chance(50)) o.value = random_.real();
    o.top = random_.below(3);
    o.left = random_.below(3);
    o.bottom = random_.below(3);
    o.right = random_.below(3);
    return Drawn{o, {input}};
  }

  std::optional<Drawn> draw(Kind<graph::TransposedConvolution>) {
    const NodeId input = any_node();
    const std::int32_t channels = shape(input).c;
    graph::TransposedConvolution o;
    if (random_.chance(30)) {  // depthwise
      o.groups = o.outputs = channels;
    } else {
      o.groups = random_.chance(70) ? 1 : any_divisor(channels);
      o.outputs = o.groups * random_.between(1, std::max(1, std::min(20, most_channels / o.groups)));
    }
    o.window.kernel_h = random_.between(1, 4);
    o.window.kernel_w = random_.chance(60) ? o.window.kernel_h : random_.between(1, 5);
    o.window.stride_h = random_.between(1, 3);
    o.window.stride_w = random_.chance(80) ? o.window.stride_h : random_.between(1, 3);
    if (random_.chance(15)) o.window.dilation_h = o.window.dilation_w = 2;
    if (random_.chance(60)) {
      o.window.pad_top = random_.below(3);
      o.window.pad_left = random_.below(3);
      o.window.pad_bottom = random_.below(3);
      o.window.pad_right = random_.below(3);
    }
    if (random_.chance(40)) {
      o.more_bottom = random_.below(o.window.stride_h);
      o.more_right = random_.below(o.window.stride_w);
    }
    // As many as (C, outputs / groups, kernel_h, kernel_w).
    o.weights = weights(o.outputs, std::int64_t{channels / o.groups} * o.window.kernel_h * o.window.kernel_w);
    o.bias = maybe_bias(o.outputs);
    o.activation = any_activation(o.outputs);
    return Drawn{std::move(o), {input}};
  }

  std::optional<Drawn> draw(Kind<graph::Softmax>) {
    const NodeId input = any_node();
    return Drawn{graph::Softmax{random_.chance(60) ? 1 : any_divisor(shape(input).c)}, {input}};
  }

  /// Of a tensor of this shape, in so many axes. As far as it divides them, it is for every height and width.
  graph::Arrangement any_arrangement(const Shape& shape, std::size_t axes) {
    graph::Arrangement result;
    result.axes.resize(axes);
    const auto add_index = [&](graph::Index index, std::int32_t size) {
      if (size == 1 && index == graph::Index::channel && random_.chance(50)) return;
      const std::int32_t inner = any_divisor(size);
      if (inner == 1 || inner == size || random_.chance(30)) {  // a file knows no digits of one value
        result.digits.push_back({index});
        return;
      }
      const bool is_open = index != graph::Index::channel || random_.chance(80);
      result.digits.push_back({index, is_open ? 0 : size / inner});
      result.digits.push_back({index, inner});
    };
    add_index(graph::Index::row, shape.h);
    add_index(graph::Index::column, shape.w);
    add_index(graph::Index::channel, shape.c);
    std::vector<std::int32_t> left(result.digits.size());
    std::iota(left.begin(), left.end(), 0);
    while (!left.empty()) {
      const auto digit = left.begin() + random_.below(static_cast<std::int32_t>(left.size()));
      result.axes[static_cast<std::size_t>(random_.below(static_cast<std::int32_t>(axes)))].push_back(*digit);
      left.erase(digit);
    }
    // Nor digits that stand together as before: they are one.
    for (std::vector<std::int32_t>& axis : result.axes) {
      for (std::size_t i = 0; i + 1 < axis.size(); ++i) {
        const auto first = result.digits.begin() + axis[i];
        if (axis[i + 1] != axis[i] + 1 || first->index != (first + 1)->index) continue;
        const std::int32_t gone = axis[i + 1];
        first->extent = 0;
        result.digits.erase(first + 1);
        for (std::vector<std::int32_t>& other : result.axes) {
          std::erase(other, gone);
          for (std::int32_t& digit : other) digit -= digit > gone ? 1 : 0;
        }
      }
    }
    return result;
  }

  /// A list of what each pixel has of each anchor, or anything.
  std::optional<Drawn> draw(Kind<graph::Rearrange>) {
    const NodeId input = any_node();
    if (random_.chance(50)) return Drawn{graph::Rearrange{any_arrangement(shape(input), 3)}, {input}};
    const std::int32_t each = any_divisor(shape(input).c);
    return Drawn{graph::Rearrange{graph::arranged("(h w c0) 1 c1:" + std::to_string(each))}, {input}};
  }

  std::optional<Drawn> draw(Kind<graph::Join>) {
    const bool rows = random_.chance(70);
    std::vector<NodeId> inputs = {any_node()};
    for (std::int32_t i = random_.between(0, 3); i > 0; --i) {
      const Shape& first = shape(inputs[0]);
      inputs.push_back(*any_node_that([&](NodeId id) {
        return shape(id).c == first.c && (rows ? shape(id).w == first.w : shape(id).h == first.h);
      }));
    }
    return Drawn{graph::Join{rows ? graph::Direction::rows : graph::Direction::columns}, std::move(inputs)};
  }

  /// What the node would make, if it may stand at the graph's end.
  std::optional<Shape> shape_of(const Drawn& drawn) {
    graph_.outputs = {{graph_.add("", drawn.operation, drawn.inputs)}};
    std::optional<Shape> result;
    try {
      result = graph::infer_shapes(graph_).back();
    } catch (const Error&) {
      result = std::nullopt;
    }
    if (result && (result->c > most_channels || elements_read(graph_) > budget_)) result = std::nullopt;
    graph_.nodes.pop_back();
    return result;
  }

  static std::string node_name(NodeId id) { return "n" + std::to_string(id); }

  NodeId append(graph::Operation operation, std::vector<NodeId> inputs) {
    graph_.outputs = {{graph_.add(node_name(newest() + 1), std::move(operation), std::move(inputs))}};
    shapes_ = graph::infer_shapes(graph_);
    return graph_.outputs[0].node;
  }

  /// A node of the kind, where one fits.
  template <class O>
  std::optional<NodeId> add() {
    for (int i = 0; i < tries; ++i) {
      std::optional<Drawn> drawn = draw(Kind<O>());
      if (drawn && shape_of(*drawn)) return append(std::move(drawn->operation), std::move(drawn->inputs));
    }
    return std::nullopt;
  }

  template <std::size_t... I>
  void add_kind(std::size_t kind, std::index_sequence<I...>) {
    (void)((I == kind && (add<std::variant_alternative_t<I, graph::Operation>>(), true)) || ...);
  }

  void add_any() {
    constexpr std::size_t kinds = std::variant_size_v<graph::Operation>;
    // Many are convolutions, without which there is nothing whose order may be chosen.
    if (random_.chance(40)) {
      add<graph::Convolution>();
    } else {
      add_kind(static_cast<std::size_t>(random_.below(kinds)), std::make_index_sequence<kinds>());
    }
  }

  std::optional<NodeId> add_moved_channels() {
    switch (random_.below(4)) {
      case 0:
        return add<graph::Slice>();
      case 1:
        return add<graph::Concat>();
      case 2:
        return add<graph::Shuffle>();
      default:
        return add<graph::Gather>();
    }
  }

  /// A detector's heads: of two tensors what each pixel has of each anchor, one list behind the other.
  void add_heads() {
    const std::int32_t each = random_.between(1, 6);
    std::vector<NodeId> lists;
    for (std::int32_t level = random_.between(1, 3); level > 0; --level) {
      const NodeId input = any_node();
      graph::Convolution o;
      o.outputs = each * random_.between(1, 3);
      o.window = any_window(0);
      o.weights = weights(o.outputs, std::int64_t{shape(input).c} * o.window.kernel_h * o.window.kernel_w);
      o.bias = maybe_bias(o.outputs);
      if (!shape_of({o, {input}})) return;
      const NodeId head = append(o, {input});
      const graph::Rearrange list{graph::arranged("(h w c0) 1 c1:" + std::to_string(each))};
      if (shape_of({list, {head}})) lists.push_back(append(list, {head}));
    }
    const Drawn joined{graph::Join{}, lists};
    if (lists.empty() || !shape_of(joined)) return;
    const NodeId all = append(joined.operation, joined.inputs);
    if (random_.chance(50)) {
      append(graph::Activate{any_activation(each)}, {all});
    } else if (random_.chance(50) && shape_of({graph::Softmax{}, {all}})) {
      append(graph::Softmax{}, {all});
    }
  }

  /// The halves of a tensor go different ways, and often meet again, as in ShuffleNet V2's unit.
  void add_unit() {
    const auto whole = any_node_that([&](NodeId id) { return shape(id).c % 2 == 0; });
    if (!whole) return;
    const std::int32_t half = shape(*whole).c / 2;
    if (!shape_of({graph::Slice{0, half}, {*whole}})) return;
    const NodeId left = append(graph::Slice{0, half}, {*whole});
    NodeId right = append(graph::Slice{half, half}, {*whole});
    for (std::int32_t i = random_.between(1, 3); i > 0; --i) {
      right = add<graph::Convolution>().value_or(right);
    }
    if (shape(left).h != shape(right).h || shape(left).w != shape(right).w) return;
    const Drawn joined{graph::Concat{}, {left, right}};
    if (!shape_of(joined)) return;
    const NodeId both = append(joined.operation, joined.inputs);
    const Drawn shuffled{graph::Shuffle{any_divisor(shape(both).c)}, {both}};
    if (random_.chance(70) && shape_of(shuffled)) append(shuffled.operation, shuffled.inputs);
  }

  Random random_;
  graph::Graph graph_;
  graph::ById<Shape> shapes_;
  std::int64_t budget_ = small_cost;
};

}  // namespace

Random::Random(std::uint64_t seed) : state_(models::mix(seed + models::golden_ratio)) {}

std::uint64_t Random::next() { return models::mix(state_ += models::golden_ratio); }

std::int32_t Random::below(std::int32_t count) {
  return static_cast<std::int32_t>((next() >> 32) * static_cast<std::uint64_t>(count) >> 32);
}

float Random::real() { return static_cast<float>(next() >> 40) * (2.0F / 16777216.0F) - 1.0F; }

graph::Graph random_graph(std::uint64_t seed) { return Generator(seed).run(); }

std::vector<std::vector<std::byte>> random_inputs(const graph::Graph& graph, std::int64_t batch, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::vector<std::byte>> inputs;
  for (std::size_t i = 0; i < graph.input_count(); ++i) {
    const graph::Input& input = graph.input(i);
    std::vector<float> numbers(static_cast<std::size_t>(batch * input.shape.size()));
    for (float& number : numbers) number = random.real();
    inputs.push_back(encode(numbers, input.type, input.quantization));
  }
  return inputs;
}

}  // namespace riffle::verify
