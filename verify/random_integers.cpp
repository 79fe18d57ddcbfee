#include "verify/random_integers.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "engine/graph/quantization.hpp"
#include "verify/random_graph.hpp"

namespace riffle::verify {
namespace {

using graph::NodeId;
using graph::Shape;

class IntegerGenerator {
 public:
  explicit IntegerGenerator(std::uint64_t seed) : random_(seed) {}

  graph::Graph run() {
    graph_.name = "random quantised";
    const Quantization pixels{random_.chance(50) ? 1.0F : 0.02F, random_.chance(50) ? 0 : random_.between(1, 255)};
    const bool is_large = random_.chance(20);  // enough to be computed by rows, or kept in halves
    const auto side = [&] { return is_large ? random_.between(40, 80) : random_.between(1, 20); };
    graph::Input input{{side(), side(), random_.between(1, 6)}};
    if (random_.chance(40)) input.type = Type::u8, input.quantization = pixels;
    add(input, {}, pixels);
    if (random_.chance(60)) random_.chance(20) ? add_pair(0) : add_convolution(0);
    if (is_large) add_unit();
    for (std::int32_t i = random_.between(1, 10); i > 0; --i) add_any(random_.chance(60) ? newest() : any());
    graph_.outputs = {{newest(), "y"}};
    const graph::NumbersRead read = graph::numbers_read(graph_)[newest()];
    if (read.integers && !read.zero_point) requantise_each();
    const NodeId last = newest();
    if (random_.chance(30) && graph::numbers_read(graph_)[last].integers) {
      add(graph::GlobalAveragePool{}, {last}, zero_point(0.05F));
      add_layer(newest());
      graph_.outputs.push_back({newest(), "classes"});
    }
    if (random_.chance(30) && graph::numbers_read(graph_)[last].integers) {
      add_real(last);
      if (newest() > graph_.outputs.back().node) graph_.outputs.push_back({newest(), "real"});
    }
    if (const auto zero = graph::numbers_read(graph_)[graph_.outputs[0].node].zero_point; zero && random_.chance(40)) {
      graph_.outputs[0].type = Type::u8;
      graph_.outputs[0].quantization.zero_point = *zero;
    }
    return std::move(graph_);
  }

 private:
  [[nodiscard]] bool is_literal(NodeId id) const {
    return std::holds_alternative<graph::Literal>(graph_.nodes[id].operation);
  }
  /// Of what depends on the input: others' files have no operations on numbers that are known.
  [[nodiscard]] NodeId newest() const {
    NodeId id = graph_.nodes.end_id() - 1;
    while (is_literal(id)) --id;
    return id;
  }
  NodeId any() {
    const NodeId id = random_.below(graph_.nodes.end_id());
    return is_literal(id) ? 0 : id;
  }
  [[nodiscard]] const Shape& shape(NodeId id) const { return shapes_[id]; }

  void add(graph::Operation operation, std::vector<NodeId> inputs, std::optional<Quantization> quantization = {}) {
    graph_.add("n" + std::to_string(graph_.nodes.size()), std::move(operation), std::move(inputs));
    graph_.nodes.back().quantization = quantization;
    // The node may be none: its channels may have different zero points.
    std::vector<graph::Output> outputs = std::exchange(graph_.outputs, {{0}});
    try {
      shapes_ = graph::infer_shapes(graph_);
    } catch (const Error&) {  // windows that do not fit, zero points that differ
      graph_.nodes.pop_back();
    }
    graph_.outputs = std::move(outputs);
  }

  Quantization zero_point(float scale = 1.0F) { return {scale, random_.chance(50) ? 0 : random_.between(0, 255)}; }

  graph::Activation activation() {
    if (random_.chance(70)) return graph::Activation::none;
    return {{static_cast<float>(random_.between(-20, 0)), static_cast<float>(random_.between(1, 200)) + 0.3F}};
  }

  /// Numbers of i8, and factors that make results of some dozens.
  graph::Constant weights(std::int32_t outputs, std::int32_t terms) {
    auto values = std::make_shared<std::vector<std::int8_t>>();
    for (std::int32_t i = 0; i < outputs * terms; ++i) {
      values->push_back(static_cast<std::int8_t>(random_.between(-127, 127)));
    }
    std::vector<double> factors;
    for (std::int32_t o = 0; o < outputs; ++o) {
      factors.push_back(random_.between(1, 100) / (10'000.0 * std::sqrt(static_cast<double>(terms))));
    }
    const std::span<const std::byte> bytes = std::as_bytes(std::span(*values));
    return graph::Constant(Type::i8, bytes, std::move(values)).scaled(std::move(factors));
  }
  graph::Constant bias(std::int32_t outputs) {
    if (random_.chance(30)) return {};
    std::vector<float> values;
    for (std::int32_t o = 0; o < outputs; ++o) values.push_back(100.0F * random_.real());
    return graph::Constant(std::move(values));
  }

  graph::Window window(std::int32_t largest) {
    graph::Window w;
    w.kernel_h = random_.chance(60) ? 3 : random_.between(1, largest);
    w.kernel_w = random_.chance(60) ? 3 : random_.between(1, largest);
    w.stride_h = w.stride_w = random_.between(1, 2);
    w.pad_top = random_.below(w.kernel_h);
    w.pad_left = random_.below(w.kernel_w);
    w.pad_bottom = random_.below(w.kernel_h);
    w.pad_right = random_.below(w.kernel_w);
    if (random_.chance(40)) {  // of its operand's size, so that it may have a residual
      w.stride_h = w.stride_w = 1;
      w.pad_top = w.pad_bottom = w.kernel_h / 2;
      w.pad_left = w.pad_right = w.kernel_w / 2;
    }
    return w;
  }

  void add_convolution(NodeId operand) {
    graph::Convolution o;
    const std::int32_t channels = shape(operand).c;
    const bool depthwise = random_.chance(30), has_residual = random_.chance(30);
    const NodeId residual = any();
    if (depthwise) {
      o.groups = o.outputs = channels;
    } else if (has_residual) {
      o.outputs = shape(residual).c;
    } else {
      o.groups = random_.chance(30) && channels % 2 == 0 ? 2 : 1;
      o.outputs = o.groups * random_.between(1, random_.chance(20) ? 90 : 30);
    }
    if (depthwise || random_.chance(30)) {
      o.window = window(5);
      if (random_.chance(20)) o.window.dilation_h = o.window.dilation_w = 2;
    }
    std::vector<NodeId> inputs{operand};
    if (has_residual) inputs.push_back(residual);
    add_with_weights(std::move(o), std::move(inputs));
  }

  void add_with_weights(graph::Convolution o, std::vector<NodeId> inputs) {
    const std::int32_t terms = shape(inputs[0]).c / o.groups * o.window.kernel_h * o.window.kernel_w;
    o.weights = weights(o.outputs, terms);
    o.bias = bias(o.outputs);
    o.activation = activation();
    add(std::move(o), std::move(inputs), zero_point());
  }

  /// What a plan computes row by row: windows with a stride of 2 alone read what a pointwise convolution or the stem
  /// makes.
  void add_pair(NodeId operand) {
    const graph::Window three{3, 3, 1, 1, 1, 1, 1, 1}, by_two{3, 3, 2, 2, 1, 1, 1, 1};
    graph::Convolution first;
    first.outputs = random_.between(1, 30);
    if (operand == 0) first.window = three;
    add_with_weights(first, {operand});
    const graph::NumbersRead made = graph::numbers_read(graph_)[newest()];
    if (random_.chance(50) && made.integers) {
      const auto kind = random_.chance(50) ? graph::PoolKind::max : graph::PoolKind::average;
      return add(graph::Pool{kind, by_two}, {newest()}, Quantization{1.0F, made.zero_point.value_or(0)});
    }
    graph::Convolution second;
    second.groups = second.outputs = shape(newest()).c;
    second.window = by_two;
    add_with_weights(second, {newest()});
  }

  void add_layer(NodeId operand) {
    graph::FullyConnected o;
    o.outputs = random_.between(1, 40);
    o.weights = weights(o.outputs, shape(operand).c);
    o.bias = bias(o.outputs);
    o.activation = activation();
    add(std::move(o), {operand});
  }

  void add_pool(NodeId operand) {
    graph::Pool o;
    o.window = window(3);
    const auto zero = graph::numbers_read(graph_)[operand].zero_point;
    o.kind = zero && random_.chance(50) ? graph::PoolKind::max : graph::PoolKind::average;
    o.count_padding = o.kind == graph::PoolKind::average && random_.chance(50);
    o.activation = activation();
    add(o, {operand},
        o.kind == graph::PoolKind::max ? Quantization{1.0F, *zero} : zero_point(random_.chance(50) ? 1.0F : 0.7F));
  }

  /// Channels of several producers, split, shuffled and joined.
  void add_shuffle(NodeId operand) {
    const std::int32_t channels = shape(operand).c;
    if (channels % 2 != 0) return add_convolution(operand);
    NodeId rest = operand;
    if (random_.chance(50)) add(graph::Slice{channels / 2, channels / 2}, {operand}), rest = newest();
    add(graph::Slice{0, channels / 2}, {operand});
    add_convolution(newest());
    if (shape(newest()).h != shape(operand).h || shape(newest()).w != shape(operand).w) return;
    add(graph::Concat{}, {rest, newest()});
    if (shape(newest()).c % 2 == 0) add(graph::Shuffle{2}, {newest()});
    if (random_.chance(70)) return;
    graph::Gather some;
    for (std::int32_t i = random_.between(1, 20); i > 0; --i) some.channels.push_back(random_.below(shape(newest()).c));
    add(some, {newest()});
  }

  /// Of an even number of channels, so that they can be split.
  void add_unit() {
    graph::Convolution o;
    o.outputs = 2 * random_.between(5, 15);
    add_with_weights(o, {newest()});
    add_shuffle(newest());
  }

  void add_binary(NodeId operand) {
    using Kind = graph::BinaryKind;
    const Shape one = shape(operand);
    NodeId other = -1;
    if (random_.chance(40)) {  // a gate: a number a channel or a pixel, or one for all
      const bool by_channel = random_.chance(50);
      other = literal({by_channel ? 1 : one.h, by_channel ? 1 : one.w, by_channel ? one.c : 1});
    }
    for (NodeId id = 0; other < 0 && id < graph_.nodes.end_id(); ++id) {
      if (!is_literal(id) && shape(id) == one && random_.chance(60)) other = id;
    }
    if (other < 0) return;
    constexpr std::array<Kind, 5> kinds = {Kind::add, Kind::subtract, Kind::multiply, Kind::maximum, Kind::minimum};
    graph::Binary o;
    o.kind = random_.chance(40) ? Kind::add : kinds[static_cast<std::size_t>(random_.below(5))];
    o.activation = activation();
    const bool is_product = o.kind == Kind::multiply;
    const Quantization q = zero_point(is_product ? 90.0F : random_.chance(50) ? 1.0F : 1.7F);
    if (random_.chance(50)) return add(o, {operand, other}, q);
    add(o, {other, operand}, q);
  }

  NodeId literal(const Shape& of) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < of.size(); ++i) values.push_back(100.0F * random_.real());
    const NodeId next = graph_.nodes.end_id();
    add(graph::Literal{of, graph::Constant(std::move(values))}, {}, zero_point());
    return next < graph_.nodes.end_id() ? next : -1;
  }

  /// Other pixels of the operand, or between them.
  void add_pixels(NodeId operand) {
    const Shape& in = shape(operand);
    const auto zero = graph::numbers_read(graph_)[operand].zero_point;
    const Quantization same{1.0F, zero.value_or(0)};
    if (std::int64_t{in.h} * in.w > 400) return;
    graph::Resize resize;
    resize.height = random_.between(1, 2 * in.h);
    resize.width = random_.between(1, 2 * in.w);
    switch (random_.below(4)) {
      case 0:
        return add(resize, {operand}, same);
      case 1:
        resize.mode = graph::ResizeMode::linear;
        return add(resize, {operand}, zero_point(random_.chance(50) ? 1.0F : 0.8F));
      case 2:
        return add(graph::Crop{random_.below(3), random_.below(3), random_.below(3), random_.below(3),
                               random_.between(1, 2), random_.between(1, 2)},
                   {operand}, same);
      default:
        return add(graph::Pad{random_.below(3), random_.below(3), random_.below(3), random_.below(3),
                              static_cast<graph::PadMode>(random_.below(3)), 200.0F * random_.real()},
                   {operand}, same);
    }
  }

  /// Numbers elsewhere.
  void add_move(NodeId operand) {
    const Shape& in = shape(operand);
    if (random_.chance(50))
      return add(graph::Join{random_.chance(50) ? graph::Direction::rows : graph::Direction::columns},
                 {operand, any()});
    const char* const to = in.c % 4 == 0 ? "(h c0:2) (w c1:2) c2" : in.c % 3 == 0 ? "(h w c0:3) 1 c1" : "w h c";
    add(graph::Rearrange{graph::arranged(to)}, {operand});
  }

  /// One for all channels, or one each; by itself, or behind a layer, with which it is one when a plan is made.
  void add_table(NodeId operand) {
    const auto zero = graph::numbers_read(graph_)[operand].zero_point;
    if (!zero) return;
    auto table = std::make_shared<std::vector<std::uint8_t>>();
    const std::int32_t rows = random_.chance(60) ? 1 : shape(operand).c;
    for (std::int32_t i = 0; i < 256 * rows; ++i) table->push_back(static_cast<std::uint8_t>(random_.between(0, 255)));
    const Quantization q = zero_point();
    graph::Activation kind{
        .function = kernels::Function::table, .a = static_cast<float>(*zero), .b = static_cast<float>(q.zero_point)};
    const std::span<const std::byte> bytes = std::as_bytes(std::span(*table));
    kind.table = graph::Constant(Type::u8, bytes, std::move(table));
    add(graph::Activate{std::move(kind)}, {operand}, q);
  }

  /// The last layer may make real numbers, of which there may be a function.
  void add_real(NodeId operand) {
    graph::Convolution o;
    const std::int32_t channels = shape(operand).c;
    const bool is_depthwise = random_.chance(40);
    o.groups = is_depthwise ? channels : 1;
    o.outputs = is_depthwise ? channels : random_.between(1, 40);
    if (is_depthwise || random_.chance(40)) o.window = window(5);
    o.weights = weights(o.outputs, channels / o.groups * o.window.kernel_h * o.window.kernel_w);
    o.bias = bias(o.outputs);
    o.activation = activation();
    if (random_.chance(30)) o.activation = graph::Activation::sigmoid;
    add(std::move(o), {operand});
  }

  /// To real numbers and back.
  void requantise(NodeId operand) {
    add(graph::Activate{graph::Activation::none}, {operand});
    if (newest() == operand) return;
    add(graph::Activate{graph::Activation::none}, {newest()}, zero_point(0.9F));
  }

  /// Of channels with different zero points, by a layer that takes them.
  void requantise_each() {
    graph::Convolution o;
    o.outputs = 7;
    o.weights = weights(o.outputs, shape(newest()).c);
    add(std::move(o), {newest()}, zero_point());
    graph_.outputs = {{newest(), "y"}};
  }

  void add_any(NodeId operand) {
    switch (random_.below(16)) {
      case 0:
        return add_pool(operand);
      case 1:
        return add_binary(operand);
      case 6:
        return add_pixels(operand);
      case 7:
        return add_move(operand);
      case 8:
        return add_table(operand);
      case 9:
      case 10:
        return add_shuffle(operand);
      case 2:
      case 3:
        return add_shuffle(operand);
      case 4:
        return random_.chance(50) ? requantise(operand)
                                  : add(graph::Activate{graph::Activation::none}, {operand}, zero_point(1.3F));
      case 5:
        return add_pair(operand);
      default:
        return add_convolution(operand);
    }
  }

  Random random_;
  graph::Graph graph_;
  graph::ById<Shape> shapes_;
};

}  // namespace

graph::Graph random_quantised_graph(std::uint64_t seed) { return IntegerGenerator(seed).run(); }

}  // namespace riffle::verify
