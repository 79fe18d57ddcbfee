#include <algorithm>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "engine/graph/quantization.hpp"
#include "riffle_generated.h"

namespace riffle::format {
namespace {

using flatbuffers::Offset;

/// Is it one that Activation in riffle.fbs has no word for?
bool is_new(const graph::Activation& a) {
  using graph::Activation;
  return a != Activation::none && a != Activation::relu && a != Activation::relu6;
}

/// Are the numbers to be written as they are stored? Floats with factors are written as their products, which every
/// reader knows.
bool is_typed(const graph::Constant& constant) { return constant.type() != Type::f32; }

// Would an older reader, which passes over the fields that are marked so in riffle.fbs, misread ...

bool needs_version_5(const graph::Node& node) {
  const graph::Activation* activation = graph::fused_activation(node.operation);
  if (activation != nullptr && activation->function > kernels::Function::hard_swish) return true;
  if (const auto* input = std::get_if<graph::Input>(&node.operation)) {
    return input->arrangement != graph::Arrangement{};
  }
  return std::holds_alternative<graph::Rearrange>(node.operation) ||
         std::holds_alternative<graph::Join>(node.operation);
}

bool is_arranged(const graph::Output& output) { return output.arrangement != graph::Arrangement{}; }
bool needs_version_5(const graph::Preprocessing& p) { return p.resize == graph::Fit::letterbox || p.bgr || p.rounded; }

bool needs_version_3(const graph::Node& node) {
  const auto* input = std::get_if<graph::Input>(&node.operation);
  if (input != nullptr && input->type != Type::f32) return true;
  const graph::Activation* activation = graph::fused_activation(node.operation);
  if (activation != nullptr && is_new(*activation)) return true;
  bool typed = false;
  graph::for_each_constant(node.operation, [&](std::string_view, const graph::Constant& constant, const auto&) {
    typed |= is_typed(constant);
  });
  return typed;
}

bool needs_outputs(const graph::Graph& graph) {
  const graph::Output& first = graph.outputs[0];
  return graph.outputs.size() != 1 || !first.name.empty() || first.type != Type::f32 || is_arranged(first);
}

bool needs_version_2(const graph::Node& node) {
  if (const auto* input = std::get_if<graph::Input>(&node.operation)) return !input->only_size.empty();
  if (const auto* convolution = std::get_if<graph::Convolution>(&node.operation)) {
    return convolution->window.auto_pad != graph::AutoPad::none;
  }
  if (const auto* pool = std::get_if<graph::Pool>(&node.operation)) {
    const graph::Window& w = pool->window;
    return w.auto_pad != graph::AutoPad::none || w.ceil_mode || w.kernel_h == 0 || w.kernel_w == 0;
  }
  const auto* dense = std::get_if<graph::FullyConnected>(&node.operation);
  return dense != nullptr && (dense->height != 1 || dense->width != 1);
}

class Saver {
 public:
  std::vector<std::byte> save(const graph::Graph& graph) {
    shapes_ = graph::infer_shapes(graph);  // nothing is written that could not be read again
    graph::check_metadata(graph);
    expect_room(graph);
    std::vector<Offset<fbs::Node>> nodes;
    for (const graph::Node& node : graph.nodes) {
      const auto name = out_.CreateString(node.name);
      const Written operation = std::visit([&](const auto& o) { return write(o); }, node.operation);
      const auto inputs = out_.CreateVector(node.inputs);
      const Quantization known = node.quantization.value_or(Quantization{});
      const fbs::Quantization q(known.scale, known.zero_point);
      nodes.push_back(
          fbs::CreateNode(out_, name, operation.type, operation.table, inputs, node.quantization ? &q : nullptr));
    }
    const auto name = out_.CreateString(graph.name);
    const auto list = out_.CreateVector(nodes);
    const auto labels = graph.labels.empty() ? 0 : out_.CreateVectorOfStrings(graph.labels);
    const auto preprocessing = graph.preprocessing ? write(*graph.preprocessing) : 0;
    const auto outputs = needs_outputs(graph) ? write(graph.outputs) : 0;
    const WrittenTask task =
        graph.task ? std::visit([&](const auto& t) { return write_task(t); }, *graph.task) : WrittenTask{};
    fbs::FinishModelBuffer(out_, fbs::CreateModel(out_, version_of(graph), name, list, graph.outputs[0].node, labels,
                                                  preprocessing, outputs, task.type, task.table));
    const auto* begin = reinterpret_cast<const std::byte*>(out_.GetBufferPointer());
    return {begin, begin + out_.GetSize()};
  }

 private:
  struct Written {
    fbs::Operation type;
    Offset<void> table;
  };

  [[nodiscard]] bool has_new_operation(const graph::Node& node) const {
    if (const auto* binary = std::get_if<graph::Binary>(&node.operation)) {
      return binary->kind != graph::BinaryKind::add || shapes_[node.inputs[0]] != shapes_[node.inputs[1]];
    }
    const auto* softmax = std::get_if<graph::Softmax>(&node.operation);
    return (softmax != nullptr && softmax->groups != 1) || std::holds_alternative<graph::Literal>(node.operation) ||
           std::holds_alternative<graph::Reduce>(node.operation) ||
           std::holds_alternative<graph::Resize>(node.operation) ||
           std::holds_alternative<graph::Crop>(node.operation) || std::holds_alternative<graph::Pad>(node.operation) ||
           std::holds_alternative<graph::TransposedConvolution>(node.operation);
  }

  [[nodiscard]] std::uint32_t version_of(const graph::Graph& graph) const {
    const auto any = [&](auto&& needs) { return std::any_of(graph.nodes.begin(), graph.nodes.end(), needs); };
    const auto has_i32 = [](const graph::Output& output) { return output.type == Type::i32; };
    if (any([&](const graph::Node& node) { return needs_version_5(node) || has_new_operation(node); })) return 5;
    if (std::any_of(graph.outputs.begin(), graph.outputs.end(), has_i32)) return 5;
    if (std::any_of(graph.outputs.begin(), graph.outputs.end(), is_arranged)) return 5;
    if (graph.preprocessing && needs_version_5(*graph.preprocessing)) return 5;
    if (graph::is_quantised(graph)) return 4;
    if (graph.input_count() > 1 || needs_outputs(graph) || any(needs_version_3)) return 3;
    return any(needs_version_2) ? 2 : 1;
  }

  static void expect_room(const graph::Graph& graph) {
    std::int64_t bytes = 0;
    for (const graph::Node& node : graph.nodes) {
      bytes += 1024 + static_cast<std::int64_t>(node.name.size() + node.inputs.size() * sizeof(std::int32_t));
      if (const auto* input = std::get_if<graph::Input>(&node.operation)) {
        bytes += static_cast<std::int64_t>(input->only_size.size());
      }
      if (const auto* gather = std::get_if<graph::Gather>(&node.operation)) {
        bytes += static_cast<std::int64_t>(gather->channels.size() * sizeof(std::int32_t));
      }
      graph::for_each_constant(node.operation, [&](std::string_view, const graph::Constant& constant, const auto&) {
        bytes +=
            static_cast<std::int64_t>(constant.size() * sizeof(float) + constant.row_scale().size() * sizeof(double));
      });
    }
    for (const graph::Output& output : graph.outputs) bytes += 64 + static_cast<std::int64_t>(output.name.size());
    for (const std::string& label : graph.labels) bytes += 16 + static_cast<std::int64_t>(label.size());
    if (bytes > (1LL << 31) - (1 << 20)) throw Error("the model is larger than the 2 GiB that a .riffle file can hold");
  }

  Offset<fbs::Floats> floats(const graph::Constant& constant) {
    if (constant.empty()) return 0;
    if (is_typed(constant)) return typed(constant);
    out_.ForceVectorAlignment(constant.size(), sizeof(float), 16);
    return fbs::CreateFloats(out_, out_.CreateVector(constant.values().data(), constant.size()));
  }

  Offset<fbs::Floats> typed(const graph::Constant& constant) {
    const std::span<const std::byte> stored = constant.stored();
    out_.ForceVectorAlignment(stored.size(), 1, 16);
    const auto bytes = out_.CreateVector(reinterpret_cast<const std::uint8_t*>(stored.data()), stored.size());
    const std::span<const double> scale = constant.row_scale();
    const auto row_scale = scale.empty() ? 0 : out_.CreateVector(scale.data(), scale.size());
    return fbs::CreateFloats(out_, 0, type(constant.type()), bytes, row_scale);
  }

  /// Nothing where there is none.
  Offset<flatbuffers::String> text(const graph::Arrangement& arrangement) {
    if (arrangement == graph::Arrangement{}) return 0;
    return out_.CreateString(graph::to_text(arrangement));
  }

  static fbs::Type type(Type t) { return static_cast<fbs::Type>(t); }
  static_assert(static_cast<int>(Type::i32) == static_cast<int>(fbs::Type::i32));

  Offset<flatbuffers::Vector<Offset<fbs::Output>>> write(const std::vector<graph::Output>& outputs) {
    std::vector<Offset<fbs::Output>> list;
    for (const graph::Output& output : outputs) {
      const auto name = output.name.empty() ? 0 : out_.CreateString(output.name);
      const fbs::Quantization q(output.quantization.scale, output.quantization.zero_point);
      const auto arrangement = text(output.arrangement);
      list.push_back(fbs::CreateOutput(out_, output.node, name, type(output.type),
                                       output.quantization == Quantization{} ? nullptr : &q, arrangement));
    }
    return out_.CreateVector(list);
  }

  Offset<fbs::Preprocessing> write(const graph::Preprocessing& p) {
    static_assert(static_cast<int>(graph::Fit::letterbox) == static_cast<int>(fbs::Fit::letterbox));
    static_assert(static_cast<int>(graph::Align::top_left) == static_cast<int>(fbs::Align::top_left));
    const auto mean = out_.CreateVector(p.mean), deviation = out_.CreateVector(p.deviation);
    const auto pad = p.pad == graph::Preprocessing().pad ? 0 : out_.CreateVector(p.pad);
    return fbs::CreatePreprocessing(out_, static_cast<fbs::Fit>(p.resize), p.antialias, p.resize_size, mean, deviation,
                                    p.bgr, p.rounded, static_cast<fbs::Align>(p.align), pad);
  }

  struct WrittenTask {
    fbs::Task type = fbs::Task::NONE;
    Offset<void> table;
  };

  /// A mapping in a table; the one that changes nothing is left out.
  struct MappedBy {
    explicit MappedBy(const graph::Mapping& m)
        : is_written(m != graph::Mapping()),
          mapping(static_cast<fbs::Transform>(m.transform), static_cast<fbs::Unit>(m.unit), m.before, m.times, m.plus,
                  m.power) {}
    [[nodiscard]] const fbs::Mapping* get() const { return is_written ? &mapping : nullptr; }
    bool is_written;
    fbs::Mapping mapping;
  };
  static_assert(static_cast<int>(graph::Transform::softmax) == static_cast<int>(fbs::Transform::softmax));
  static_assert(static_cast<int>(graph::Unit::anchor) == static_cast<int>(fbs::Unit::anchor));
  static_assert(static_cast<int>(graph::Components::planes) == static_cast<int>(fbs::Components::planes));
  static_assert(static_cast<int>(graph::BoxForm::corners) == static_cast<int>(fbs::BoxForm::corners));
  static_assert(static_cast<int>(graph::Suppression::gaussian) == static_cast<int>(fbs::Suppression::gaussian));

  Offset<fbs::Part> write(const graph::Part& part) {
    if (part.output.empty()) return 0;
    const auto name = out_.CreateSharedString(part.output);
    return fbs::CreatePart(out_, name, part.first, part.count, static_cast<fbs::Components>(part.components));
  }

  Offset<fbs::Level> write(const graph::Level& level) {
    const auto sizes = level.sizes.empty() ? 0 : out_.CreateVector(level.sizes);
    const auto scores = write(level.scores), objectness = write(level.objectness), boxes = write(level.boxes),
               points = write(level.points);
    return fbs::CreateLevel(out_, level.stride, level.anchors, sizes, scores, objectness, boxes, points);
  }

  WrittenTask write_task(const graph::Classify&) { return {fbs::Task::Classify, fbs::CreateClassify(out_).Union()}; }
  WrittenTask write_task(const graph::Detect& d) {
    std::vector<Offset<fbs::Level>> list;
    for (const graph::Level& level : d.levels) list.push_back(write(level));
    const auto levels = out_.CreateVector(list);
    const MappedBy position(d.position), size(d.size), score(d.score), objectness(d.objectness), point(d.point);
    return {fbs::Task::Detect,
            fbs::CreateDetect(out_, levels, d.offset, d.shift, static_cast<fbs::BoxForm>(d.form), position.get(),
                              size.get(), d.bins, score.get(), objectness.get(), point.get(), d.background, d.threshold,
                              d.inclusive, d.clip_to_input, d.clip_to_picture, d.most_of_level, d.most,
                              static_cast<fbs::Suppression>(d.suppression), d.iou, d.sigma, d.per_class)
                .Union()};
  }
  WrittenTask write_task(const graph::Landmarks& l) {
    const auto points = write(l.points), score = write(l.score);
    const MappedBy point(l.point), score_mapping(l.score_mapping);
    const graph::Region& r = l.region;
    const auto region =
        r == graph::Region() ? 0 : fbs::CreateRegion(out_, r.scale, r.square, r.turn_from, r.turn_to, r.cut);
    return {fbs::Task::Landmarks, fbs::CreateLandmarks(out_, points, l.dimensions, point.get(), score,
                                                       score_mapping.get(), l.threshold, region)
                                      .Union()};
  }
  WrittenTask write_task(const graph::Segment& s) {
    const auto scores = write(s.scores);
    return {fbs::Task::Segment, fbs::CreateSegment(out_, scores, static_cast<fbs::Transform>(s.transform), s.foreground,
                                                   s.threshold, s.inclusive)
                                    .Union()};
  }

  /// An activation's fields in a table: where older readers have a word for it, that one alone.
  struct Activated {
    explicit Activated(const graph::Activation& a, Offset<fbs::Floats> floats)
        : kind(a == graph::Activation::relu    ? fbs::Activation::relu
               : a == graph::Activation::relu6 ? fbs::Activation::relu6
                                               : fbs::Activation::none),
          function(static_cast<fbs::Function>(a.function)),
          slopes(floats),
          has_bounds(is_new(a) && a.bounds.has_bounds()),
          has_parameters(kernels::facts_of(a.function).parameters > 0),
          clip(a.bounds.lower, a.bounds.upper),
          numbers(a.a, a.b) {}
    [[nodiscard]] const fbs::Bounds* bounds() const { return has_bounds ? &clip : nullptr; }
    [[nodiscard]] const fbs::Parameters* parameters() const { return has_parameters ? &numbers : nullptr; }
    fbs::Activation kind;
    fbs::Function function;
    Offset<fbs::Floats> slopes;
    bool has_bounds, has_parameters;
    fbs::Bounds clip;
    fbs::Parameters numbers;
  };
  Activated activated(const graph::Activation& a) {
    return Activated(a, floats(a.slopes.empty() ? a.table : a.slopes));
  }
  static_assert(static_cast<int>(kernels::Function::table) == static_cast<int>(fbs::Function::table));
  static_assert(kernels::function_facts.size() == static_cast<std::size_t>(fbs::Function::MAX) + 1);
  static_assert(static_cast<int>(graph::PoolKind::average) == static_cast<int>(fbs::PoolKind::average));
  static fbs::AutoPad auto_pad(const graph::Window& w) { return static_cast<fbs::AutoPad>(w.auto_pad); }
  static_assert(static_cast<int>(graph::AutoPad::same_lower) == static_cast<int>(fbs::AutoPad::same_lower));

  static fbs::Window window(const graph::Window& w) {
    return {w.kernel_h, w.kernel_w,   w.stride_h,  w.stride_w,   w.pad_top,
            w.pad_left, w.pad_bottom, w.pad_right, w.dilation_h, w.dilation_w};
  }

  Written write(const graph::Input& o) {
    Offset<flatbuffers::String> only_size;
    if (!o.only_size.empty()) only_size = out_.CreateString(o.only_size);
    const fbs::Quantization q(o.quantization.scale, o.quantization.zero_point);
    const auto arrangement = text(o.arrangement);
    return {fbs::Operation::Input, fbs::CreateInput(out_, o.shape.h, o.shape.w, o.shape.c, only_size, type(o.type),
                                                    o.quantization == Quantization{} ? nullptr : &q, arrangement)
                                       .Union()};
  }
  Written write(const graph::Convolution& o) {
    const fbs::Window w = window(o.window);
    const auto weights = floats(o.weights), bias = floats(o.bias);
    const Activated a = activated(o.activation);
    return {fbs::Operation::Convolution,
            fbs::CreateConvolution(out_, o.outputs, o.groups, &w, weights, bias, a.kind, auto_pad(o.window), a.bounds(),
                                   a.function, a.parameters(), a.slopes)
                .Union()};
  }
  Written write(const graph::BatchNorm& o) {
    const auto scale = floats(o.scale), shift = floats(o.shift), mean = floats(o.mean), variance = floats(o.variance);
    return {fbs::Operation::BatchNorm, fbs::CreateBatchNorm(out_, scale, shift, mean, variance, o.epsilon).Union()};
  }
  Written write(const graph::Activate& o) {
    const Activated a = activated(o.kind);
    return {fbs::Operation::Activate,
            fbs::CreateActivate(out_, a.kind, a.bounds(), a.function, a.parameters(), a.slopes).Union()};
  }
  Written write(const graph::Pool& o) {
    const fbs::Window w = window(o.window);
    const auto kind = static_cast<fbs::PoolKind>(o.kind);
    const Activated a = activated(o.activation);
    return {fbs::Operation::Pool, fbs::CreatePool(out_, kind, &w, o.count_padding, a.kind, auto_pad(o.window),
                                                  o.window.ceil_mode, a.bounds(), a.function, a.parameters(), a.slopes)
                                      .Union()};
  }
  Written write(const graph::GlobalAveragePool& o) {
    const Activated a = activated(o.activation);
    return {fbs::Operation::GlobalAveragePool,
            fbs::CreateGlobalAveragePool(out_, a.kind, a.bounds(), a.function, a.parameters(), a.slopes).Union()};
  }
  Written write(const graph::Binary& o) {
    const Activated a = activated(o.activation);
    const auto kind = static_cast<fbs::BinaryKind>(o.kind);
    return {fbs::Operation::Add,
            fbs::CreateAdd(out_, a.kind, a.bounds(), a.function, a.parameters(), a.slopes, kind).Union()};
  }
  Written write(const graph::Slice& o) {
    return {fbs::Operation::Slice, fbs::CreateSlice(out_, o.first, o.count).Union()};
  }
  Written write(const graph::Concat&) { return {fbs::Operation::Concat, fbs::CreateConcat(out_).Union()}; }
  Written write(const graph::Shuffle& o) {
    return {fbs::Operation::Shuffle, fbs::CreateShuffle(out_, o.groups).Union()};
  }
  Written write(const graph::Gather& o) {
    return {fbs::Operation::Gather, fbs::CreateGather(out_, out_.CreateVector(o.channels)).Union()};
  }
  Written write(const graph::FullyConnected& o) {
    const auto weights = floats(o.weights), bias = floats(o.bias);
    const Activated a = activated(o.activation);
    return {fbs::Operation::FullyConnected,
            fbs::CreateFullyConnected(out_, o.outputs, weights, bias, a.kind, o.height, o.width, a.bounds(), a.function,
                                      a.parameters(), a.slopes)
                .Union()};
  }
  Written write(const graph::Softmax& o) {
    return {fbs::Operation::Softmax, fbs::CreateSoftmax(out_, o.groups).Union()};
  }
  Written write(const graph::Literal& o) {
    const auto values = floats(o.values);
    return {fbs::Operation::Literal, fbs::CreateLiteral(out_, o.shape.h, o.shape.w, o.shape.c, values).Union()};
  }
  Written write(const graph::Reduce& o) {
    return {fbs::Operation::Reduce, fbs::CreateReduce(out_, static_cast<fbs::ReduceKind>(o.kind), o.groups).Union()};
  }
  static_assert(static_cast<int>(graph::BinaryKind::power) == static_cast<int>(fbs::BinaryKind::power));
  static_assert(static_cast<int>(graph::ReduceKind::arg_min) == static_cast<int>(fbs::ReduceKind::arg_min));
  static_assert(static_cast<int>(graph::ResizeMode::linear) == static_cast<int>(fbs::ResizeMode::linear));
  static_assert(static_cast<int>(graph::Coordinates::align_corners) ==
                static_cast<int>(fbs::Coordinates::align_corners));
  static_assert(static_cast<int>(graph::Rounding::ceil) == static_cast<int>(fbs::Rounding::ceil));
  static_assert(static_cast<int>(graph::PadMode::reflect) == static_cast<int>(fbs::PadMode::reflect));
  Written write(const graph::Resize& o) {
    const auto mode = static_cast<fbs::ResizeMode>(o.mode);
    const auto coordinates = static_cast<fbs::Coordinates>(o.coordinates);
    const auto rounding = static_cast<fbs::Rounding>(o.rounding);
    return {fbs::Operation::Resize,
            fbs::CreateResize(out_, mode, coordinates, rounding, o.scale_h, o.scale_w, o.height, o.width).Union()};
  }
  Written write(const graph::Crop& o) {
    return {fbs::Operation::Crop, fbs::CreateCrop(out_, o.top, o.left, o.bottom, o.right, o.step_h, o.step_w).Union()};
  }
  Written write(const graph::Pad& o) {
    const auto mode = static_cast<fbs::PadMode>(o.mode);
    return {fbs::Operation::Pad, fbs::CreatePad(out_, o.top, o.left, o.bottom, o.right, mode, o.value).Union()};
  }
  Written write(const graph::TransposedConvolution& o) {
    const fbs::Window w = window(o.window);
    const auto weights = floats(o.weights), bias = floats(o.bias);
    const Activated a = activated(o.activation);
    return {fbs::Operation::TransposedConvolution,
            fbs::CreateTransposedConvolution(out_, o.outputs, o.groups, &w, o.more_bottom, o.more_right, weights, bias,
                                             a.kind, a.bounds(), a.function, a.parameters(), a.slopes)
                .Union()};
  }
  Written write(const graph::Rearrange& o) {
    return {fbs::Operation::Rearrange, fbs::CreateRearrange(out_, text(o.to)).Union()};
  }
  Written write(const graph::Join& o) {
    static_assert(static_cast<int>(graph::Direction::columns) == static_cast<int>(fbs::Direction::columns));
    return {fbs::Operation::Join, fbs::CreateJoin(out_, static_cast<fbs::Direction>(o.along)).Union()};
  }

  graph::ById<graph::Shape> shapes_;
  flatbuffers::FlatBufferBuilder out_;
};

}  // namespace

std::vector<std::byte> save(const graph::Graph& graph) { return Saver().save(graph); }

void save_file(const graph::Graph& graph, const std::string& path) { write_file(path, {save(graph)}); }

}  // namespace riffle::format
