#include <algorithm>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "riffle_generated.h"

namespace riffle::format {
namespace {

using flatbuffers::Offset;

/// Would an older reader, which passes over the fields that are marked so in riffle.fbs, misread the node?
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
    (void)graph::infer_shapes(graph);  // nothing is written that could not be read again
    graph::check_metadata(graph);
    expect_room(graph);
    std::vector<Offset<fbs::Node>> nodes;
    for (const graph::Node& node : graph.nodes) {
      const auto name = out_.CreateString(node.name);
      const Written operation = std::visit([&](const auto& o) { return write(o); }, node.operation);
      const auto inputs = out_.CreateVector(node.inputs);
      nodes.push_back(fbs::CreateNode(out_, name, operation.type, operation.table, inputs));
    }
    const auto name = out_.CreateString(graph.name);
    const auto list = out_.CreateVector(nodes);
    const auto labels = graph.labels.empty() ? 0 : out_.CreateVectorOfStrings(graph.labels);
    const auto preprocessing = graph.preprocessing ? write(*graph.preprocessing) : 0;
    const std::uint32_t version = std::any_of(graph.nodes.begin(), graph.nodes.end(), needs_version_2) ? 2 : 1;
    fbs::FinishModelBuffer(out_, fbs::CreateModel(out_, version, name, list, graph.output, labels, preprocessing));
    const auto* begin = reinterpret_cast<const std::byte*>(out_.GetBufferPointer());
    return {begin, begin + out_.GetSize()};
  }

 private:
  struct Written {
    fbs::Operation type;
    Offset<void> table;
  };

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
        bytes += static_cast<std::int64_t>(constant.size() * sizeof(float));
      });
    }
    for (const std::string& label : graph.labels) bytes += 16 + static_cast<std::int64_t>(label.size());
    if (bytes > (1LL << 31) - (1 << 20)) throw Error("the model is larger than the 2 GiB that a .riffle file can hold");
  }

  Offset<fbs::Floats> floats(const graph::Constant& constant) {
    if (constant.empty()) return 0;
    out_.ForceVectorAlignment(constant.size(), sizeof(float), 16);
    return fbs::CreateFloats(out_, out_.CreateVector(constant.values().data(), constant.size()));
  }

  Offset<fbs::Preprocessing> write(const graph::Preprocessing& p) {
    static_assert(static_cast<int>(graph::Resize::crop) == static_cast<int>(fbs::Resize::crop));
    const auto mean = out_.CreateVector(p.mean), deviation = out_.CreateVector(p.deviation);
    return fbs::CreatePreprocessing(out_, static_cast<fbs::Resize>(p.resize), p.antialias, p.resize_size, mean,
                                    deviation);
  }

  static fbs::Activation activation(graph::Activation a) { return static_cast<fbs::Activation>(a); }
  static_assert(static_cast<int>(graph::Activation::relu6) == static_cast<int>(fbs::Activation::relu6));
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
    return {fbs::Operation::Input, fbs::CreateInput(out_, o.shape.h, o.shape.w, o.shape.c, only_size).Union()};
  }
  Written write(const graph::Convolution& o) {
    const fbs::Window w = window(o.window);
    const auto weights = floats(o.weights), bias = floats(o.bias);
    return {fbs::Operation::Convolution, fbs::CreateConvolution(out_, o.outputs, o.groups, &w, weights, bias,
                                                                activation(o.activation), auto_pad(o.window))
                                             .Union()};
  }
  Written write(const graph::BatchNorm& o) {
    const auto scale = floats(o.scale), shift = floats(o.shift), mean = floats(o.mean), variance = floats(o.variance);
    return {fbs::Operation::BatchNorm, fbs::CreateBatchNorm(out_, scale, shift, mean, variance, o.epsilon).Union()};
  }
  Written write(const graph::Activate& o) {
    return {fbs::Operation::Activate, fbs::CreateActivate(out_, activation(o.kind)).Union()};
  }
  Written write(const graph::Pool& o) {
    const fbs::Window w = window(o.window);
    const auto kind = static_cast<fbs::PoolKind>(o.kind);
    return {fbs::Operation::Pool, fbs::CreatePool(out_, kind, &w, o.count_padding, activation(o.activation),
                                                  auto_pad(o.window), o.window.ceil_mode)
                                      .Union()};
  }
  Written write(const graph::GlobalAveragePool& o) {
    return {fbs::Operation::GlobalAveragePool, fbs::CreateGlobalAveragePool(out_, activation(o.activation)).Union()};
  }
  Written write(const graph::Add& o) {
    return {fbs::Operation::Add, fbs::CreateAdd(out_, activation(o.activation)).Union()};
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
    return {
        fbs::Operation::FullyConnected,
        fbs::CreateFullyConnected(out_, o.outputs, weights, bias, activation(o.activation), o.height, o.width).Union()};
  }
  Written write(const graph::Softmax&) { return {fbs::Operation::Softmax, fbs::CreateSoftmax(out_).Union()}; }

  flatbuffers::FlatBufferBuilder out_;
};

}  // namespace

std::vector<std::byte> save(const graph::Graph& graph) { return Saver().save(graph); }

void save_file(const graph::Graph& graph, const std::string& path) { write_file(path, {save(graph)}); }

}  // namespace riffle::format
