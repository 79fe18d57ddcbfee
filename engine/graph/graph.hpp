// The network as mathematics: nodes over logical (N, H, W, C) tensors.
//
// Every node makes one tensor, named by the node's index; nodes stand in an order in which each comes after what it
// reads, the inputs first. N, the batch, is free everywhere: no operation here mixes images, so shapes are those of one
// image. H and W are an input's property (Graph::input_shape): shapes are inferred anew for another size, nothing else
// changes. What depends on the size stands in the graph as a rule (Window); what holds for one size alone refuses the
// others (FullyConnected, Input::only_size).
//
// A Graph is a plain value: copy it, rewrite it, throw it away. Weights are shared and immutable.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "engine/graph/arrangement.hpp"
#include "engine/graph/constant.hpp"
#include "engine/graph/description.hpp"
#include "engine/graph/preprocessing.hpp"
#include "kernels/element.hpp"
#include "kernels/elementwise/elementwise.hpp"
#include "kernels/function/function.hpp"
#include "kernels/reduce/reduce.hpp"
#include "kernels/types.hpp"

namespace riffle::graph {

/// The shape of one image's tensor.
struct Shape {
  std::int32_t h = 0, w = 0, c = 0;
  bool operator==(const Shape&) const = default;
  [[nodiscard]] std::int64_t pixels() const { return static_cast<std::int64_t>(h) * w; }
  [[nodiscard]] std::int64_t size() const { return pixels() * c; }
};

/// Padding that follows from the operand's size, beside the pixels that a window names itself: as much as makes the
/// result ceil(size / stride) long, half of it before the operand and half behind.
enum class AutoPad : std::uint8_t {
  none,
  same_upper,  ///< an odd pixel is behind
  same_lower,  ///< an odd pixel is before
};

/// A sliding window as a network has it: a rule, which holds for every size of the operand. What it is for one size
/// says resolve(); nobody but readers and writers of files looks at the rule itself.
struct Window {
  std::int32_t kernel_h = 1, kernel_w = 1;  ///< of pooling, 0: as large as the operand, neither padded nor moved
  std::int32_t stride_h = 1, stride_w = 1;
  std::int32_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  std::int32_t dilation_h = 1, dilation_w = 1;
  AutoPad auto_pad = AutoPad::none;  ///< of the operand with the padding above around it
  bool ceil_mode = false;  ///< of pooling: a last window may hang over the end, if it begins before the operand's end
  bool operator==(const Window&) const = default;
};

/// A window on an operand of one size, in the kernels' words. A window that hangs over the end is one that
/// extent.out_h and out_w count though the padding does not reach so far.
struct ResolvedWindow {
  kernels::Window window;
  kernels::Extent extent;
};

/// Throws Error, without a node's name, where a number is out of range or the window does not fit.
ResolvedWindow resolve(const Window& window, const Shape& operand);

/// What is done to each number of a result: y = function(min(max(x, bounds.lower), bounds.upper)). A NaN stays a NaN.
/// The kernels know the bounds; a function runs on what they have written.
struct Activation {
  kernels::Clamp bounds = {};
  kernels::Function function = kernels::Function::none;
  float a = 0, b = 0;    ///< the function's parameters (kernels/function/function.hpp), 0 where it has none
  Constant slopes = {};  ///< of prelu, one a channel; else empty
  Constant table = {};   ///< of table, 256 bytes (u8), or as many for each channel; else empty
  bool operator==(const Activation& other) const;

  /// One that is known when riffle is compiled.
  struct Known {
    kernels::Clamp bounds = {};
    kernels::Function function = kernels::Function::none;
    operator Activation() const { return {bounds, function}; }  // NOLINT: it is one
  };
  static const Known none, relu, relu6, sigmoid, hard_swish;
};
inline constexpr Activation::Known Activation::none = {};
inline constexpr Activation::Known Activation::relu = {{0.0F, std::numeric_limits<float>::infinity()}};
inline constexpr Activation::Known Activation::relu6 = {{0.0F, 6.0F}};
inline constexpr Activation::Known Activation::sigmoid = {{}, kernels::Function::sigmoid};
inline constexpr Activation::Known Activation::hard_swish = {{}, kernels::Function::hard_swish};

/// As the kernels take it; `slopes`: where prelu's stand, if not as the activation has them.
kernels::FunctionArgs function_args(const Activation& activation, const float* slopes = nullptr);

/// A constant's extents, the outermost first.
using Extents = std::vector<std::int64_t>;
inline Extents extent_of(const Constant& constant) { return {static_cast<std::int64_t>(constant.size())}; }

// An operation's struct says what it is: its word, whether it computes each channel from the same channel of its
// operands alone (a depthwise convolution does, which its numbers say), whether it computes nothing and only chooses
// channels, and whether it computes nothing and only puts numbers elsewhere.

/// A tensor that the caller brings.
struct Input {
  static constexpr std::string_view word = "input";
  Shape shape;
  /// Why the graph computes what it should for this height and width alone; empty where it does for any.
  std::string only_size = {};
  Type type = Type::f32;           ///< of the caller's numbers: any but i32
  Quantization quantization = {};  ///< of i8 and u8: what the numbers stand for
  Arrangement arrangement = {};    ///< of the caller's numbers; none: planes, "c h w"
};

/// Cross-correlation in `groups` groups, weights (outputs, C / groups, kernel_h, kernel_w), bias (outputs) or empty.
/// A second operand, the residual, has the output's shape and is added before the activation.
struct Convolution {
  static constexpr std::string_view word = "convolution";
  std::int32_t outputs = 0;
  std::int32_t groups = 1;
  Window window;
  Constant weights;
  Constant bias;
  Activation activation = Activation::none;

  template <class Self, class F>
  static void constants(Self& o, F&& f) {
    const std::int64_t taps = static_cast<std::int64_t>(o.window.kernel_h) * o.window.kernel_w;
    const std::int64_t inputs = static_cast<std::int64_t>(o.weights.size()) / (o.outputs * taps);
    f("weight", o.weights, Extents{o.outputs, inputs, o.window.kernel_h, o.window.kernel_w});
    f("bias", o.bias, extent_of(o.bias));
  }
};

/// scale * (x - mean) / sqrt(variance + epsilon) + shift, a value a channel.
struct BatchNorm {
  static constexpr std::string_view word = "batch norm";
  Constant scale, shift, mean, variance;
  float epsilon = 1e-5F;

  template <class Self, class F>
  static void constants(Self& o, F&& f) {
    f("weight", o.scale, extent_of(o.scale));
    f("bias", o.shift, extent_of(o.shift));
    f("running_mean", o.mean, extent_of(o.mean));
    f("running_var", o.variance, extent_of(o.variance));
  }
};

struct Activate {
  static constexpr std::string_view word = "activation";
  static constexpr bool is_channelwise = true;
  Activation kind = Activation::relu;
};

enum class PoolKind : std::uint8_t { max, average };

/// Padding never wins a maximum; `count_padding` says whether it counts in a mean. What a window holds beyond the
/// padding never counts.
struct Pool {
  static constexpr std::string_view word = "pooling";
  static constexpr bool is_channelwise = true;
  PoolKind kind = PoolKind::max;
  Window window;
  bool count_padding = false;
  Activation activation = Activation::none;
};

struct GlobalAveragePool {
  static constexpr std::string_view word = "global average pooling";
  static constexpr bool is_channelwise = true;
  Activation activation = Activation::none;
};

using kernels::BinaryKind;

/// a op b. Each of H, W, C of an operand is the result's, or 1: then it counts for all.
struct Binary {
  static constexpr std::array<std::string_view, 7> words = {"add",     "subtract", "multiply", "divide",
                                                            "maximum", "minimum",  "power"};  // by kind
  static constexpr bool is_channelwise = true;
  BinaryKind kind = BinaryKind::add;
  Activation activation = Activation::none;
};

/// Channels [first, first + count). A channel split is one Slice a part.
struct Slice {
  static constexpr std::string_view word = "slice";
  static constexpr bool moves_channels = true;
  std::int32_t first = 0, count = 0;
};

/// The operands' channels one after the other. A Literal of one pixel counts for every pixel of the others.
struct Concat {
  static constexpr std::string_view word = "concat";
  static constexpr bool moves_channels = true;
};

/// View C as (groups, C / groups) and transpose: output channel j * groups + h is input channel h * (C / groups) + j.
struct Shuffle {
  static constexpr std::string_view word = "shuffle";
  static constexpr bool moves_channels = true;
  std::int32_t groups = 1;
};

/// Output channel i is input channel channels[i]: any other choice of channels.
struct Gather {
  static constexpr std::string_view word = "gather";
  static constexpr bool moves_channels = true;
  std::vector<std::int32_t> channels;
};

/// Of a whole (H, W, C) tensor, which is of this height and width or is refused; weights (outputs, C, H, W), bias
/// (outputs) or empty.
struct FullyConnected {
  static constexpr std::string_view word = "fully connected";
  std::int32_t outputs = 0;
  Constant weights;
  Constant bias;
  Activation activation = Activation::none;
  std::int32_t height = 1, width = 1;

  template <class Self, class F>
  static void constants(Self& o, F&& f) {
    f("weight", o.weights, Extents{o.outputs, static_cast<std::int64_t>(o.weights.size()) / o.outputs});
    f("bias", o.bias, extent_of(o.bias));
  }
};

/// Over the channels of each pixel, in groups of neighbours.
struct Softmax {
  static constexpr std::string_view word = "softmax";
  static constexpr bool is_channelwise = true;
  std::int32_t groups = 1;
};

/// The same numbers as a tensor of other rows, columns and channels, which are the three axes of the arrangement: depth
/// to space and back, transposes, and a detector's head (H, W, 3 * 85) as a list of all its anchors (H * W * 3, 1, 85).
struct Rearrange {
  static constexpr std::string_view word = "rearrange";
  static constexpr bool moves_numbers = true;
  Arrangement to;
};

enum class Direction : std::uint8_t { rows, columns };

/// The operands one behind the other along their rows or their columns; the other extents are equal.
struct Join {
  static constexpr std::string_view word = "join";
  static constexpr bool moves_numbers = true;
  Direction along = Direction::rows;
};

/// Numbers that stand in the network: a tensor (H, W, C) that does not depend on the input; its values are in the order
/// (C, H, W). It has no operands.
struct Literal {
  static constexpr std::string_view word = "literal";
  Shape shape;
  Constant values;

  template <class Self, class F>
  static void constants(Self& o, F&& f) {
    f("value", o.values, Extents{o.shape.c, o.shape.h, o.shape.w});
  }
};

using kernels::ReduceKind;

/// Over the channels of each pixel, in groups of neighbours: (H, W, groups).
struct Reduce {
  static constexpr std::array<std::string_view, 7> words = {
      "sum of channels", "mean of channels", "maximum of channels", "minimum of channels", "l2 of channels",
      "arg max",         "arg min"};  // by kind
  ReduceKind kind = ReduceKind::sum;
  std::int32_t groups = 1;
};

enum class ResizeMode : std::uint8_t { nearest, linear };
/// Where a row or column of the result lies on the operand, as ONNX names it: see pixels.hpp.
enum class Coordinates : std::uint8_t { half_pixel, pytorch_half_pixel, asymmetric, align_corners };
/// Which pixel is the nearest; the first two differ where a place lies in the middle between two.
enum class Rounding : std::uint8_t { prefer_floor, prefer_ceil, floor, ceil };

/// As many rows and columns as a second operand has, of which nothing else is read; where there is none, height and
/// width where they are not 0, or else scale times as many, rounded down. Places on the operand are those of the result
/// divided by the scale, or, where that is 0, by what the sizes say.
struct Resize {
  static constexpr std::string_view word = "resize";
  static constexpr bool is_channelwise = true;
  ResizeMode mode = ResizeMode::nearest;
  Coordinates coordinates = Coordinates::half_pixel;
  Rounding rounding = Rounding::prefer_floor;  ///< of nearest
  float scale_h = 0.0F, scale_w = 0.0F;
  std::int32_t height = 0, width = 0;
};

/// Leaves out rows and columns at the edges, and of the rest takes the first and every step-th behind it.
struct Crop {
  static constexpr std::string_view word = "crop";
  static constexpr bool is_channelwise = true;
  std::int32_t top = 0, left = 0, bottom = 0, right = 0;
  std::int32_t step_h = 1, step_w = 1;
};

enum class PadMode : std::uint8_t {
  constant,  ///< all pixels beyond the edges are `value`
  edge,      ///< the nearest pixel
  reflect,   ///< mirrored at the middle of the pixels at the edge, which are not repeated
};

struct Pad {
  static constexpr std::string_view word = "pad";
  static constexpr bool is_channelwise = true;
  std::int32_t top = 0, left = 0, bottom = 0, right = 0;
  PadMode mode = PadMode::constant;
  float value = 0.0F;
};

/// The transpose of a convolution: input pixel (y, x) times the weights joins output pixels y * stride_h - pad_top +
/// k * dilation_h, columns alike. So padding takes rows and columns off the result; `more_bottom` rows and `more_right`
/// columns are added to it. Weights (C, outputs / groups, kernel_h, kernel_w), bias (outputs) or empty.
struct TransposedConvolution {
  static constexpr std::string_view word = "transposed convolution";
  std::int32_t outputs = 0;
  std::int32_t groups = 1;
  Window window;  ///< all of it numbers: no rule
  std::int32_t more_bottom = 0, more_right = 0;
  Constant weights;
  Constant bias;
  Activation activation = Activation::none;

  template <class Self, class F>
  static void constants(Self& o, F&& f) {
    const std::int64_t taps = static_cast<std::int64_t>(o.window.kernel_h) * o.window.kernel_w;
    const std::int64_t each = o.outputs / o.groups;
    f("weight", o.weights,
      Extents{static_cast<std::int64_t>(o.weights.size()) / (each * taps), each, o.window.kernel_h, o.window.kernel_w});
    f("bias", o.bias, extent_of(o.bias));
  }
};

using Operation = std::variant<Input, Convolution, BatchNorm, Activate, Pool, GlobalAveragePool, Binary, Slice, Concat,
                               Shuffle, Gather, FullyConnected, Softmax, Literal, Rearrange, Join, Resize, Crop, Pad,
                               TransposedConvolution, Reduce>;

using NodeId = std::int32_t;

/// A list with one entry a node (or, as the inputs are the first nodes, an input), which a NodeId indexes as it is.
template <class T>
class ById : public std::vector<T> {
 public:
  using std::vector<T>::vector;
  using std::vector<T>::operator[];
  typename std::vector<T>::reference operator[](NodeId id) { return (*this)[static_cast<std::size_t>(id)]; }
  typename std::vector<T>::const_reference operator[](NodeId id) const { return (*this)[static_cast<std::size_t>(id)]; }

  /// The id behind the last one, which the next entry will have.
  [[nodiscard]] NodeId end_id() const { return static_cast<NodeId>(this->size()); }
};

struct Node {
  std::string name;
  Operation operation;
  std::vector<NodeId> inputs;
  /// Of a node whose result is integers, each of which a byte holds: see quantization.hpp. What moves channels has
  /// none, its channels are its operands'.
  std::optional<Quantization> quantization = {};
};

/// A tensor that the caller gets: what a node makes. A node may be several outputs, and read further.
struct Output {
  NodeId node = -1;
  std::string name = {};           ///< empty: the node's
  Type type = Type::f32;           ///< of the caller's numbers
  Quantization quantization = {};  ///< of i8 and u8: what the numbers stand for
  Arrangement arrangement = {};    ///< of the caller's numbers; none: planes, "c h w"
};

struct Graph {
  std::string name;
  ById<Node> nodes;             ///< the inputs first: input i is node i
  std::vector<Output> outputs;  ///< at least one; of several each has a name that no other has

  // Metadata. It changes nothing that the network computes, and any of it may be missing.
  std::vector<std::string> labels;  ///< names of the classes: of the task's, else the first output's channels
  std::optional<Preprocessing> preprocessing;  ///< of pictures, to the first input
  std::optional<Task> task;                    ///< what the outputs say of a picture

  /// Appends a node and returns its id. Checks nothing: infer_shapes() does.
  NodeId add(std::string node_name, Operation operation, std::vector<NodeId> inputs = {});

  [[nodiscard]] std::size_t input_count() const;
  [[nodiscard]] const Input& input(std::size_t i = 0) const;  ///< throws Error where there is none
  /// The output's own name, or else its node's.
  [[nodiscard]] const std::string& output_name(const Output& output) const;

  /// Of the first input.
  [[nodiscard]] Shape input_shape() const { return input().shape; }
  /// Of all inputs, which have one height and width in common. Throws Error where they have not, and naming both sizes
  /// where the graph holds for another one alone (Input::only_size).
  void set_input_size(std::int32_t h, std::int32_t w);
};

/// The word for an operation: "convolution", "batch norm" ...
std::string_view operation_name(const Operation& operation);
/// What the operation's struct says of it.
bool is_channelwise(const Operation& operation);
bool moves_channels(const Operation& operation);
bool moves_numbers(const Operation& operation);
/// One of the two: every number stays as it is, elsewhere.
inline bool only_moves(const Operation& operation) { return moves_channels(operation) || moves_numbers(operation); }

/// The activation that a node applies to its result, or null if it has no such field. Convolution, Pool,
/// GlobalAveragePool, Binary and FullyConnected have one, and Activate is nothing else.
Activation* fused_activation(Operation& operation);
const Activation* fused_activation(const Operation& operation);

/// Calls f(word, constant, extents) for every constant of an operation of a graph that verifies, with PyTorch's words:
/// "weight", "bias", "running_mean", "running_var", "slope" for a PReLU's, "table", "value" for a literal's. One that
/// is left out, as a bias may be, is empty.
template <class AnyOperation, class F>
void for_each_constant(AnyOperation& operation, F&& f) {
  std::visit(
      [&](auto& o) {
        if constexpr (requires { o.constants(o, f); }) o.constants(o, f);
      },
      operation);
  auto* const activation = fused_activation(operation);
  if (activation != nullptr && !activation->slopes.empty()) {
    f("slope", activation->slopes, extent_of(activation->slopes));
  }
  if (activation != nullptr && !activation->table.empty()) {
    f("table", activation->table, Extents{static_cast<std::int64_t>(activation->table.size()) / 256, 256});
  }
}

/// The operation if it adds two tensors, or null.
const Binary* as_sum(const Operation& operation);
inline bool is_sum(const Operation& operation) { return as_sum(operation) != nullptr; }
/// Are its numbers indices, those of the largest or smallest?
bool is_index(const Operation& operation);

/// The activation that a node applies to its result, or null if it has no such field. Convolution, Pool,
/// GlobalAveragePool, Binary, FullyConnected and TransposedConvolution have one, and Activate is nothing else.
Activation* fused_activation(Operation& operation);
const Activation* fused_activation(const Operation& operation);

/// Is it a plain 1x1 convolution, stride 1, no padding, any groups? So it is for every size or for none.
bool is_pointwise(const Convolution& convolution);
/// Is it one filter a channel (groups == channels == outputs)?
bool is_depthwise(const Convolution& convolution, std::int32_t channels);

/// The limits within which a graph is accepted: nothing larger is ever allocated.
inline constexpr std::int64_t max_extent = 1 << 15;           ///< height, width, channels, kernel, stride, padding
inline constexpr std::int64_t max_transposed_stride = 32;     ///< a convolution for each pair of rows and columns in it
inline constexpr std::int64_t max_tensor_floats = 1LL << 28;  ///< of one image's tensor (1 GiB)
inline constexpr std::size_t max_nodes = 1 << 16;
inline constexpr std::size_t max_tensors = 1 << 12;    ///< inputs, and outputs
inline constexpr std::size_t max_rank = 8;             ///< of their tensors, but for the batch
inline constexpr std::int64_t max_channels = 1 << 24;  ///< of all nodes together

/// Checks every node (operands exist and come before, channels divide by groups, windows fit, weights have the size
/// that the shapes ask for ...) and the outputs, and returns each node's shape. Throws Error naming the node.
ById<Shape> infer_shapes(const Graph& graph);

/// Throws Error unless the preprocessing makes an input of this shape: 1 or 3 channels, a finite mean and deviation for
/// each, the deviation not zero, a size to resize to that the input fits into.
void check(const Preprocessing& preprocessing, const Shape& input);

/// What the graph carries, else the default: pixels / 255, of an input of u8 the pixels.
Preprocessing preprocessing_of(const Graph& graph);

/// How many labels a graph that has passed infer_shapes() takes: one for each class of a detector or a segmentation,
/// for each point of landmarks, for each channel of the first output elsewhere. Throws Error where the outputs are not
/// as the task says.
std::int64_t label_count(const Graph& graph);

/// Throws Error where the metadata does not fit the graph, which has passed infer_shapes(): for another number of
/// labels than label_count(), a label with a zero byte in it (C could not tell its end), for what check() refuses, for
/// a task that the outputs are not as it says.
void check_metadata(const Graph& graph);

/// What a node costs for one image.
struct Cost {
  std::int64_t macs = 0;        ///< multiply-adds of convolutions and fully connected layers
  std::int64_t parameters = 0;  ///< floats of weights, bias, slopes, and batch norm's scale and shift (two a channel)
};
Cost cost(const Graph& graph, const ById<Shape>& shapes, NodeId node);
Cost total_cost(const Graph& graph);

/// How often each node's result is wanted: by other nodes, each of which counts once, and as an output.
ById<std::int32_t> reader_counts(const Graph& graph);

/// For people: "ReLU6", "clip from -1 to 1, sigmoid"; of none it is empty.
std::string to_text(const Activation& activation);

/// The arrangement of a caller's tensor that names none: planes.
Arrangement planes_arrangement();
/// That of an input or output.
inline Arrangement arrangement_of(const Arrangement& arrangement) {
  return arrangement == Arrangement{} ? planes_arrangement() : arrangement;
}

/// Does the caller's tensor hold an image as pixels, each with its channels side by side, or as planes? Nothing where
/// it is arranged as neither.
std::optional<bool> holds_pixels(const Arrangement& arrangement);

/// For people: "58 x 28 x 28", channels, height, width, as NCHW has them; "28 x 28", height, width.
std::string chw(const Shape& shape);
std::string hw(const Shape& shape);

/// A line a node: name, operation, operands, shape. For people.
std::string to_text(const Graph& graph);

}  // namespace riffle::graph
