// The state of an import: what every name of the model stands for so far, and the graph that grows.
//
// Nodes of the model are taken in order. An operation that computes adds a node to the graph; one that only renames
// (reshape, transpose, slice ...) makes a view, and one on shapes is computed on the spot. A view becomes a node of its
// own (slice, shuffle, gather) when something that computes reads it.
//
// The graph is for every size of the inputs, which is one size for all of them, as far as the model is. Where what a
// node does cannot be said for every size (it squeezes rows that are one at the model's size, picks by a number that
// was computed from the height ...), the function that imports it throws, or finds a view that it does not know; the
// importer then closes the size, which makes the graph one for the model's own size alone (graph::Input::only_size),
// and tries again. Of inputs of several sizes, and of vectors, it is closed from the start.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/graph/graph.hpp"
#include "io/onnx/import.hpp"
#include "io/onnx/integers.hpp"
#include "io/onnx/ranges.hpp"
#include "io/onnx/value.hpp"

namespace onnx {
class AttributeProto;
class GraphProto;
class ModelProto;
class NodeProto;
class TensorProto;
class ValueInfoProto;
}  // namespace onnx

namespace riffle::onnx {

/// Which axes of a view become a tensor's rows, columns and channels: the outermost first.
struct AxesAs {
  std::vector<std::size_t> rows, columns, channels;
};
/// As (N, C, H, W) has them.
inline AxesAs as_image() { return {.rows = {2}, .columns = {3}, .channels = {1}}; }

/// All axes but that of the batch and those `without`.
std::vector<std::size_t> axes_but_batch(const View& view, std::span<const std::size_t> without = {});
/// These axes as channels; the others are columns, if there are several of them, and rows.
AxesAs with_channels(const View& view, std::vector<std::size_t> channels);
/// This axis as rows; of the others those that hold channels alone stay channels, or else the last one becomes them.
AxesAs with_rows(const View& view, std::size_t axis);

class Importer {
 public:
  /// Takes the weights out of the model, which outlives the importer.
  explicit Importer(::onnx::ModelProto& model, ImportOptions options = {});

  // One of the two, once.
  graph::Graph run();
  Ranged run_as_ranges();

  /// Nodes in the place of one of the model, which stands for them.
  void import_instead(std::vector<::onnx::NodeProto> nodes);

  [[nodiscard]] std::int64_t opset() const { return opset_; }
  [[nodiscard]] Batch batch() const { return batch_; }
  [[nodiscard]] const graph::Shape& shape(graph::NodeId node) const { return shapes_[node]; }
  /// Which of the node's extents another input size changes.
  [[nodiscard]] Extents open(graph::NodeId node) const { return open_[node]; }
  /// The whole of a node's tensor, as the model's (N, C, H, W).
  [[nodiscard]] View whole(graph::NodeId node, std::string name = "") const;

  /// What a name stands for; loads the initialiser of that name if it is one. The reference stays valid.
  Value& value(const std::string& name);
  void define(const std::string& name, Value value);
  /// What the name of one of the model's inputs stands for; null for any other name.
  [[nodiscard]] View* input(const std::string& name);
  /// An input of int8 or uint8 is read with this quantization. Throws Error where it has been read with another one.
  void keep_quantization(View& input, const Quantization& quantization);
  /// A view that QuantizeLinear made is read as numbers: it becomes one of a node's integers.
  void round(View& view);
  /// What some of the graph's nodes stand for until it is finished.
  [[nodiscard]] Conversions& conversions() { return conversions_; }
  /// How many nodes and outputs of the model read a name.
  [[nodiscard]] int uses(const std::string& name) const;

  /// Does only this name, read once, stand for any part of the node's tensor? Then the node may still be changed,
  /// unless the tensor is wanted itself.
  [[nodiscard]] bool is_private(const std::string& name, graph::NodeId node) const;

  /// Appends a node to the graph; checks it first and knows its shape afterwards.
  graph::NodeId add(const std::string& name, graph::Operation operation, std::vector<graph::NodeId> operands);
  [[nodiscard]] graph::Node& node(graph::NodeId id) { return graph_.nodes[id]; }

  /// Makes the view's node hold exactly the view's channels in the view's order, with a slice, shuffle or gather if it
  /// must. Channels that are spread over several axes become those of axis 1; see arrange().
  void settle(View& view);

  /// A tensor that is padded becomes one that a node makes: of zeros around it, which nothing but a convolution or a
  /// mean reads as its own padding.
  View& materialise(Value& value);
  /// Makes the view one of a node whose rows, columns and channels are these axes of it, all but the batch's. It adds a
  /// node that rearranges, if it must. Throws Error where the batch is not the outermost dimension, and where several
  /// axes become one that another input size changes.
  void arrange(View& view, const AxesAs& as);
  /// How the view's node has these axes of it; afterwards the view is of all of its node's channels.
  graph::Arrangement arrangement_of(View& view, const std::vector<std::size_t>& axes);

  /// Accounts for memory that the importer makes beyond the model's own weights. Throws Error when it is out of all
  /// proportion to the model, as only a hostile one's is.
  void charge(std::int64_t floats);

 private:
  /// The graph, in which conversions are nodes of their own.
  void import_all();
  void finish(graph::Graph& graph) const;
  void read_opset();
  void read_initialisers();
  void read_inputs();
  void import_node(::onnx::NodeProto& node);
  void import_operator(::onnx::NodeProto& node);
  graph::Arrangement as_declared(View& view);
  graph::Output read_output(const ::onnx::ValueInfoProto& output);
  void read_every_tensor();
  [[nodiscard]] graph::Shape shape_of_concat(std::span<const graph::NodeId> operands) const;
  void expect_alike(const graph::Operation& operation, std::span<const graph::NodeId> operands) const;
  [[nodiscard]] Extents open_result(const graph::Operation& operation, std::span<const graph::NodeId> operands) const;
  /// Is the graph for other sizes than the model's?
  [[nodiscard]] bool is_size_open() const;
  /// Makes it one for the model's size alone, and says why. What names stand for afterwards is so at this size.
  void close_size(const std::string& reason);
  /// Calls f. If it throws while the size is open, closes the size, undoes what f defined and calls it again; if it
  /// throws then, the Error says where.
  void at_any_size(const std::string& where, const std::function<void()>& f);

  ::onnx::ModelProto& model_;
  ImportOptions options_;
  std::int64_t opset_ = 0;
  Batch batch_;
  graph::Graph graph_;
  graph::ById<graph::Shape> shapes_;
  graph::ById<Extents> open_;
  Conversions conversions_;
  graph::ById<int> views_;  ///< of each node, how many names were given to views of it
  std::unordered_map<std::string, ::onnx::TensorProto*> initialisers_;
  std::unordered_map<std::string, Value> values_;
  std::unordered_set<std::string> inputs_;
  std::vector<std::string> defined_;  ///< names that the node in question has defined so far
  std::unordered_map<std::string, int> uses_;
  std::int64_t budget_ = 0;
};

/// One node of the model while it is imported. Inputs and outputs are counted from 0. Everything throws Error where the
/// node is not as asked.
class Call {
 public:
  Call(Importer& in, ::onnx::NodeProto& node) : importer(in), proto_(node) {}

  Importer& importer;

  [[nodiscard]] const ::onnx::NodeProto& proto() const { return proto_; }
  [[nodiscard]] std::string_view type() const;
  /// For the graph's node: the model node's own name, or else its result's.
  [[nodiscard]] std::string name() const;

  [[nodiscard]] std::size_t inputs() const;
  [[nodiscard]] std::size_t outputs() const;
  /// Is there an input i? (An optional one may be left out.)
  [[nodiscard]] bool has(std::size_t i) const;
  [[nodiscard]] bool output_used(std::size_t i) const;
  [[nodiscard]] const std::string& input_name(std::size_t i) const;

  /// Throws Error for a tensor of int8 or uint8, which no layer reads.
  Value& value(std::size_t i);
  Value& value_of_any_type(std::size_t i);
  /// Of what is padded and has no node yet; else null. Whoever asks for the input otherwise makes it one.
  const Padded* padded(std::size_t i);
  /// Of places in a table; else null. Whoever asks for the input otherwise is told that they are.
  const Places* places(std::size_t i);
  View& tensor(std::size_t i);
  /// A tensor that is (N, C, H, W) with its channels settled in a node.
  View& image(std::size_t i);
  /// Likewise, or of (N, C, L) an image that is one row high.
  View image_or_line(std::size_t i);
  const Floats& floats(std::size_t i);
  /// Floats or Numbers; charged for what making others of its elements takes.
  const Value& constant(std::size_t i);
  /// Also of a few floats that are exact.
  Numbers numbers(std::size_t i);
  /// Also of numbers, as floats.
  Floats any_floats(std::size_t i);
  bool is_tensor(std::size_t i) { return std::holds_alternative<View>(value(i)); }

  // Attributes. Those that are never asked for are refused (finish): they would mean something.
  std::int64_t integer(const char* attribute, std::int64_t otherwise);
  std::optional<std::vector<std::int64_t>> integers(const char* attribute);
  float real(const char* attribute, float otherwise);
  std::string text(const char* attribute, const char* otherwise);
  ::onnx::AttributeProto* find(const char* attribute, int type);
  void ignore(const char* attribute) { asked_.insert(attribute); }

  /// A list that is an attribute up to some opset, an input afterwards; none if it is in neither place.
  std::optional<std::vector<std::int64_t>> list(const char* attribute, std::size_t input);

  /// axis, or axis + rank if it is negative. Throws Error where it is out of range.
  static std::size_t axis(std::int64_t axis, std::size_t rank);

  void result(Value value, std::size_t i = 0);
  /// What may be an output of that type, and else is read as float.
  void result_of_type(View view, Type type, std::optional<Quantization> quantization);
  /// The whole of a node's tensor, as the model's (N, C, H, W), or (N, C, L) where input 0 is so.
  void result_image(graph::NodeId node);
  [[nodiscard]] const std::string& output_name(std::size_t i) const;

  void finish() const;

 private:
  void define(Value value, std::size_t i);

  ::onnx::NodeProto& proto_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace riffle::onnx
