#include <bit>
#include <cstddef>

#include "engine/format/format.hpp"
#include "engine/graph/built.hpp"
#include "riffle_generated.h"

static_assert(std::endian::native == std::endian::little, "weights are used where the file has them");

namespace riffle::format {
namespace {

constexpr std::uint32_t newest_version = 5;
// What malloc gives: 16 bytes, on most 32-bit systems 8. Kernels read weights at any address of a float.
constexpr std::size_t alignment = alignof(std::max_align_t);

/// Turns verified FlatBuffers into graph nodes. Everything read is taken off a budget of the file's own size: tables
/// can be shared inside a FlatBuffer, and a small file must not grow into a large graph.
class Loader {
 public:
  /// `owner` keeps the bytes; `file` is it, where it is a mapped file.
  Loader(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const memory::MappedFile* file = nullptr)
      : budget_(bytes.size()), owner_(std::move(owner)), file_(file) {}

  graph::Graph load(const fbs::Model& model) {
    if (model.version() < 1 || model.version() > newest_version) {
      throw Error({"the model file has version ", model.version(), "; this build reads versions 1 to ", newest_version,
                   ": read it with a newer riffle, or convert the model again with this one"});
    }
    graph::Graph graph;
    graph.name = text(model.name());
    if (model.nodes() == nullptr) throw Error("the model file has no nodes");
    if (model.nodes()->size() > graph::max_nodes) throw Error("the model file has too many nodes");
    for (const fbs::Node* node : *model.nodes()) {
      where_ = joined({"node ", graph.nodes.size()});
      std::string name = text(node->name());
      where_ += joined({" '", name, "'"});
      graph::Operation operation = read_operation(*node);
      graph.add(std::move(name), std::move(operation), integers(node->inputs()));
      if (node->quantization() != nullptr) graph.nodes.back().quantization = quantization(node->quantization());
    }
    read_outputs(model, graph);
    (void)graph::infer_shapes(graph);
    read_metadata(model, graph);
    return graph;
  }

 private:
  [[noreturn]] void fail(std::initializer_list<Piece> what) const { throw Error({where_, ": ", joined(what)}); }

  void spend(std::size_t bytes) {
    if (bytes > budget_) fail({"the file's tables are shared so that they say more than the file holds"});
    budget_ -= bytes;
  }

  std::string text(const flatbuffers::String* string) {
    if (string == nullptr) return {};
    spend(string->size());
    return string->str();
  }

  std::vector<std::int32_t> integers(const flatbuffers::Vector<std::int32_t>* list) {
    if (list == nullptr) return {};
    spend(list->size() * sizeof(std::int32_t));
    return {list->begin(), list->end()};
  }

  Type type(fbs::Type value) const {
    if (static_cast<std::size_t>(value) < type_facts.size()) return static_cast<Type>(value);
    fail({"unknown type of numbers ", static_cast<int>(value)});
  }

  /// The graph's enum that has the file's values, the largest of which is `last`.
  template <class Enum, class Stored>
  Enum known(Stored value, Stored last, const char* what) const {
    if (value > last) fail({"unknown ", what, " ", static_cast<int>(value)});
    return static_cast<Enum>(value);
  }

  static Quantization quantization(const fbs::Quantization* q) {
    return q == nullptr ? Quantization{} : Quantization{q->scale(), q->zero_point()};
  }

  graph::Arrangement arrangement(const flatbuffers::String* string) {
    if (string == nullptr) return {};
    try {
      return graph::arranged(text(string));
    } catch (const Error& error) {
      fail({error.what()});
    }
  }

  void read_outputs(const fbs::Model& model, graph::Graph& graph) {
    where_ = "the model file";
    if (model.outputs() == nullptr) {
      graph.outputs.emplace_back().node = model.output();
      return;
    }
    if (model.outputs()->size() > graph::max_tensors) fail({"it has too many outputs"});
    for (const fbs::Output* output : *model.outputs()) {
      spend(sizeof(std::int32_t));
      graph.outputs.emplace_back() = {output->node(), text(output->name()), type(output->type()),
                                      quantization(output->quantization()), arrangement(output->arrangement())};
    }
  }

  graph::Constant floats(const fbs::Floats* table) {
    if (table == nullptr) return {};
    if (table->bytes() != nullptr) return typed(*table, *table->bytes());
    if (table->values() == nullptr) return {};
    const auto& values = *table->values();
    spend(values.size() * sizeof(float));
    return graph::Constant(std::span<const float>(reinterpret_cast<const float*>(values.Data()), values.size()), owner_,
                           file_);
  }

  graph::Constant typed(const fbs::Floats& table, const flatbuffers::Vector<std::uint8_t>& bytes) {
    const Type of = type(table.type());
    if (of == Type::i32) fail({"numbers of type i32 where there are none"});
    const auto width = static_cast<std::size_t>(size_of(of));
    if (bytes.size() % width != 0 || reinterpret_cast<std::uintptr_t>(bytes.Data()) % width != 0) {
      fail({"numbers of ", name_of(of), " that are not whole and aligned"});
    }
    spend(bytes.size());
    const graph::Constant stored(of, std::as_bytes(std::span(bytes.Data(), bytes.size())), owner_, file_);
    if (table.row_scale() == nullptr) return stored;
    const auto& scales = *table.row_scale();
    if (scales.size() == 0 || stored.size() % scales.size() != 0) fail({"numbers that are not in rows of one length"});
    spend(scales.size() * sizeof(double));
    return stored.scaled(std::vector<double>(scales.data(), scales.data() + scales.size()));
  }

  /// Of a table that has one, which calls it `kind`.
  template <class Table>
  graph::Activation activation(fbs::Activation kind, const Table& table) {
    graph::Activation result = known(kind);
    if (const fbs::Bounds* bounds = table.bounds()) result.bounds = {bounds->lower(), bounds->upper()};
    result.function = known<kernels::Function>(table.function(), fbs::Function::MAX, "function");
    if (const fbs::Parameters* parameters = table.parameters()) result.a = parameters->a(), result.b = parameters->b();
    (result.function == kernels::Function::table ? result.table : result.slopes) = floats(table.slopes());
    return result;
  }

  graph::Activation known(fbs::Activation value) const {
    switch (value) {
      case fbs::Activation::none:
        return graph::Activation::none;
      case fbs::Activation::relu:
        return graph::Activation::relu;
      case fbs::Activation::relu6:
        return graph::Activation::relu6;
    }
    fail({"unknown activation ", static_cast<int>(value)});
  }

  graph::Window window(const fbs::Window* w, fbs::AutoPad rule, bool ceil_mode) const {
    if (w == nullptr) fail({"it has no window"});
    return {w->kernel_h(),
            w->kernel_w(),
            w->stride_h(),
            w->stride_w(),
            w->pad_top(),
            w->pad_left(),
            w->pad_bottom(),
            w->pad_right(),
            w->dilation_h(),
            w->dilation_w(),
            known<graph::AutoPad>(rule, fbs::AutoPad::MAX, "padding"),
            ceil_mode};
  }

  void read_metadata(const fbs::Model& model, graph::Graph& graph) {
    where_ = "the model file";
    read_task(model, graph);
    // Of a task that is not read there may be more labels, or fewer, than a classifier has.
    if (model.labels() != nullptr && (graph.task || model.task_type() == fbs::Task::NONE)) {
      if (model.labels()->size() > graph::max_extent) fail({"it has too many labels"});
      for (const flatbuffers::String* label : *model.labels()) graph.labels.push_back(text(label));
    }
    if (model.preprocessing() != nullptr) graph.preprocessing = read(*model.preprocessing());
    graph::check_metadata(graph);
  }

  std::vector<float> numbers(const flatbuffers::Vector<float>* list) {
    if (list == nullptr) return {};
    spend(list->size() * sizeof(float));
    return {list->begin(), list->end()};
  }

  graph::Preprocessing read(const fbs::Preprocessing& p) {
    graph::Preprocessing result;
    result.resize = known<graph::Fit>(p.resize(), fbs::Fit::MAX, "way to resize pictures");
    result.antialias = p.antialias();
    result.resize_size = p.resize_size();
    result.mean = numbers(p.mean());
    result.deviation = numbers(p.deviation());
    result.bgr = p.bgr();
    result.align = known<graph::Align>(p.align(), fbs::Align::MAX, "place of pictures");
    if (p.pad() != nullptr) result.pad = numbers(p.pad());
    result.rounded = p.rounded();
    return result;
  }

  graph::Transform transform(fbs::Transform value) const {
    return known<graph::Transform>(value, fbs::Transform::MAX, "transform");
  }

  graph::Mapping mapping(const fbs::Mapping* m) const {
    if (m == nullptr) return {};
    return {transform(m->transform()),
            m->before(),
            m->times(),
            m->plus(),
            m->power(),
            known<graph::Unit>(m->unit(), fbs::Unit::MAX, "unit")};
  }

  graph::Part part(const fbs::Part* p) {
    if (p == nullptr) return {};
    return {text(p->output()), p->first(), p->count(),
            known<graph::Components>(p->components(), fbs::Components::MAX, "order of components")};
  }

  void read_task(const fbs::Model& model, graph::Graph& graph) {
    if (model.task_type() == fbs::Task::NONE) return;
    if (model.task() == nullptr) fail({"its task is empty"});  // the verifier lets a type without a table pass
    if (model.task_type() == fbs::Task::Classify) graph.task = graph::Classify{};
    if constexpr (!graph::built::tasks) return;
    switch (model.task_type()) {
      case fbs::Task::Detect:
        graph.task = read(*model.task_as_Detect());
        return;
      case fbs::Task::Landmarks:
        graph.task = read(*model.task_as_Landmarks());
        return;
      case fbs::Task::Segment:
        graph.task = read(*model.task_as_Segment());
        return;
      default:
        break;  // a newer riffle's: the network is what it is
    }
  }

  graph::Detect read(const fbs::Detect& d) {
    graph::Detect result;
    if (d.levels() != nullptr) {
      for (const fbs::Level* level : *d.levels()) {
        spend(sizeof(std::int32_t));
        result.levels.push_back({level->stride(), level->anchors(), numbers(level->sizes()), part(level->scores()),
                                 part(level->objectness()), part(level->boxes()), part(level->points())});
      }
    }
    result.offset = d.offset();
    result.shift = d.shift();
    result.form = known<graph::BoxForm>(d.form(), fbs::BoxForm::MAX, "form of boxes");
    result.position = mapping(d.position());
    result.size = mapping(d.size());
    result.bins = d.bins();
    result.score = mapping(d.score());
    result.objectness = mapping(d.objectness());
    result.point = mapping(d.point());
    result.background = d.background();
    result.threshold = d.threshold();
    result.inclusive = d.inclusive();
    result.clip_to_input = d.clip_to_input();
    result.clip_to_picture = d.clip_to_picture();
    result.most_of_level = d.most_of_level();
    result.most = d.most();
    result.suppression = known<graph::Suppression>(d.suppression(), fbs::Suppression::MAX, "suppression");
    result.iou = d.iou();
    result.sigma = d.sigma();
    result.per_class = d.per_class();
    return result;
  }

  graph::Landmarks read(const fbs::Landmarks& l) {
    graph::Landmarks result = {part(l.points()),           l.dimensions(), mapping(l.point()), part(l.score()),
                               mapping(l.score_mapping()), l.threshold()};
    if (const fbs::Region* r = l.region()) {
      result.region = {r->scale(), r->square(), r->turn_from(), r->turn_to(), r->cut()};
    }
    return result;
  }

  graph::Segment read(const fbs::Segment& s) {
    return {part(s.scores()), transform(s.transform()), s.foreground(), s.threshold(), s.inclusive()};
  }

  graph::Operation read(const fbs::Input& o) {
    return graph::Input{{o.h(), o.w(), o.c()},
                        text(o.only_size()),
                        type(o.type()),
                        quantization(o.quantization()),
                        arrangement(o.arrangement())};
  }
  graph::Operation read(const fbs::Convolution& o) {
    return graph::Convolution{o.outputs(),         o.groups(),       window(o.window(), o.auto_pad(), false),
                              floats(o.weights()), floats(o.bias()), activation(o.activation(), o)};
  }
  graph::Operation read(const fbs::BatchNorm& o) {
    return graph::BatchNorm{floats(o.scale()), floats(o.shift()), floats(o.mean()), floats(o.variance()), o.epsilon()};
  }
  graph::Operation read(const fbs::Activate& o) { return graph::Activate{activation(o.kind(), o)}; }
  graph::Operation read(const fbs::Pool& o) {
    return graph::Pool{known<graph::PoolKind>(o.kind(), fbs::PoolKind::MAX, "kind of pooling"),
                       window(o.window(), o.auto_pad(), o.ceil_mode()), o.count_padding(),
                       activation(o.activation(), o)};
  }
  graph::Operation read(const fbs::GlobalAveragePool& o) {
    return graph::GlobalAveragePool{activation(o.activation(), o)};
  }
  graph::Operation read(const fbs::Add& o) {
    return graph::Binary{known<graph::BinaryKind>(o.kind(), fbs::BinaryKind::MAX, "operation on two tensors"),
                         activation(o.activation(), o)};
  }
  graph::Operation read(const fbs::Slice& o) { return graph::Slice{o.first(), o.count()}; }
  graph::Operation read(const fbs::Concat&) { return graph::Concat{}; }
  graph::Operation read(const fbs::Shuffle& o) { return graph::Shuffle{o.groups()}; }
  graph::Operation read(const fbs::Gather& o) { return graph::Gather{integers(o.channels())}; }
  graph::Operation read(const fbs::FullyConnected& o) {
    return graph::FullyConnected{
        o.outputs(), floats(o.weights()), floats(o.bias()), activation(o.activation(), o), o.height(), o.width()};
  }
  graph::Operation read(const fbs::Softmax& o) { return graph::Softmax{o.groups()}; }
  graph::Operation read(const fbs::Literal& o) { return graph::Literal{{o.h(), o.w(), o.c()}, floats(o.values())}; }
  graph::Operation read(const fbs::Reduce& o) {
    return graph::Reduce{known<graph::ReduceKind>(o.kind(), fbs::ReduceKind::MAX, "reduction"), o.groups()};
  }
  graph::Operation read(const fbs::Resize& o) {
    return graph::Resize{known<graph::ResizeMode>(o.mode(), fbs::ResizeMode::MAX, "way to resize"),
                         known<graph::Coordinates>(o.coordinates(), fbs::Coordinates::MAX, "coordinates"),
                         known<graph::Rounding>(o.rounding(), fbs::Rounding::MAX, "rounding"),
                         o.scale_h(),
                         o.scale_w(),
                         o.height(),
                         o.width()};
  }
  graph::Operation read(const fbs::Crop& o) {
    return graph::Crop{o.top(), o.left(), o.bottom(), o.right(), o.step_h(), o.step_w()};
  }
  graph::Operation read(const fbs::Pad& o) {
    return graph::Pad{
        o.top(),  o.left(), o.bottom(), o.right(), known<graph::PadMode>(o.mode(), fbs::PadMode::MAX, "way to pad"),
        o.value()};
  }
  graph::Operation read(const fbs::TransposedConvolution& o) {
    return graph::TransposedConvolution{o.outputs(),
                                        o.groups(),
                                        window(o.window(), fbs::AutoPad::none, false),
                                        o.more_bottom(),
                                        o.more_right(),
                                        floats(o.weights()),
                                        floats(o.bias()),
                                        activation(o.activation(), o)};
  }
  graph::Operation read(const fbs::Rearrange& o) { return graph::Rearrange{arrangement(o.to())}; }
  graph::Operation read(const fbs::Join& o) {
    return graph::Join{known<graph::Direction>(o.along(), fbs::Direction::MAX, "direction")};
  }

  graph::Operation read_operation(const fbs::Node& node) {
    if (node.operation() == nullptr) fail({"it has no operation"});  // the verifier lets a type without a table pass
    switch (node.operation_type()) {
      case fbs::Operation::NONE:
        break;
      case fbs::Operation::Input:
        return read(*node.operation_as_Input());
      case fbs::Operation::Convolution:
        return read(*node.operation_as_Convolution());
      case fbs::Operation::BatchNorm:
        return read(*node.operation_as_BatchNorm());
      case fbs::Operation::Activate:
        return read(*node.operation_as_Activate());
      case fbs::Operation::Pool:
        return read(*node.operation_as_Pool());
      case fbs::Operation::GlobalAveragePool:
        return read(*node.operation_as_GlobalAveragePool());
      case fbs::Operation::Add:
        return read(*node.operation_as_Add());
      case fbs::Operation::Slice:
        return read(*node.operation_as_Slice());
      case fbs::Operation::Concat:
        return read(*node.operation_as_Concat());
      case fbs::Operation::Shuffle:
        return read(*node.operation_as_Shuffle());
      case fbs::Operation::Gather:
        return read(*node.operation_as_Gather());
      case fbs::Operation::FullyConnected:
        return read(*node.operation_as_FullyConnected());
      case fbs::Operation::Softmax:
        return read(*node.operation_as_Softmax());
      case fbs::Operation::Literal:
        return read(*node.operation_as_Literal());
      case fbs::Operation::Reduce:
        return read(*node.operation_as_Reduce());
      case fbs::Operation::Resize:
        return read(*node.operation_as_Resize());
      case fbs::Operation::Crop:
        return read(*node.operation_as_Crop());
      case fbs::Operation::Pad:
        return read(*node.operation_as_Pad());
      case fbs::Operation::TransposedConvolution:
        return read(*node.operation_as_TransposedConvolution());
      case fbs::Operation::Rearrange:
        return read(*node.operation_as_Rearrange());
      case fbs::Operation::Join:
        return read(*node.operation_as_Join());
    }
    fail({"unknown operation ", static_cast<int>(node.operation_type())});
  }

  std::size_t budget_;
  std::shared_ptr<const void> owner_;
  const memory::MappedFile* file_;
  std::string where_ = "the model file";
};

}  // namespace

void verify(std::span<const std::byte> bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  if (reinterpret_cast<std::uintptr_t>(data) % alignment != 0) {
    throw Error({"the model's memory is not aligned to ", alignment, " bytes"});
  }
  if (bytes.size() < 8 || !fbs::ModelBufferHasIdentifier(data)) throw Error("this is no .riffle model");
  if (bytes.size() > FLATBUFFERS_MAX_BUFFER_SIZE) throw Error("the model is larger than 2 GiB");
  flatbuffers::Verifier verifier(data, bytes.size());
  if (!fbs::VerifyModelBuffer(verifier)) throw Error("the .riffle model is damaged: it does not verify");
}

graph::Graph load(std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
  verify(bytes);
  return Loader(bytes, std::move(owner)).load(*fbs::GetModel(bytes.data()));
}

graph::Graph read(const std::shared_ptr<const memory::MappedFile>& file) {
  graph::Graph graph = Loader(file->bytes(), file, file.get()).load(*fbs::GetModel(file->bytes().data()));
  file->evict();  // the tables are read, and weights were brought in with them that nobody wants yet
  return graph;
}

graph::Graph load_file(const std::string& path) {
  const auto file = std::make_shared<const memory::MappedFile>(path);
  try {
    verify(file->bytes());
    return read(file);
  } catch (const Unsupported& error) {
    throw Unsupported({path, ": ", error.what()});
  } catch (const Error& error) {
    throw Error({path, ": ", error.what()});
  }
}

}  // namespace riffle::format
