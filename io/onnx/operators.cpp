#include "io/onnx/operators.hpp"

#include <onnx.pb.h>

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/graph/graph.hpp"
#include "io/onnx/functions.hpp"

namespace riffle::onnx {
namespace {

constexpr std::string_view microsoft = "com.microsoft";  // what ONNX Runtime has beyond ONNX

constexpr auto operators_but_functions = std::to_array<Operator>({
    {"Conv", import_convolution},
    {"ConvTranspose", import_transposed_convolution},
    {"BatchNormalization", import_batch_normalization},
    {"Pad", import_pad},
    {"Resize", import_resize},
    {"Upsample", import_resize},

    {"MaxPool", import_pool, Kind::moves},
    {"AveragePool", import_pool},
    {"LpPool", import_pool},
    {"GlobalAveragePool", import_global_pool},
    {"GlobalMaxPool", import_global_pool},
    {"GlobalLpPool", import_global_pool},
    {"ReduceMean", import_reduce},
    {"ReduceMax", import_reduce},
    {"ReduceMin", import_reduce},
    {"ReduceSum", import_reduce},
    {"ReduceL1", import_reduce},
    {"ReduceL2", import_reduce},
    {"ReduceSumSquare", import_reduce},
    {"ReduceLogSum", import_reduce},
    {"ReduceLogSumExp", import_reduce},
    {"ReduceProd", import_reduce, Kind::of_shapes},
    {"ArgMax", import_arg},
    {"ArgMin", import_arg},
    {"Hardmax", import_hardmax},
    {"CumSum", import_cumulative_sum},

    {"LayerNormalization", import_layer_normalization},
    {"InstanceNormalization", import_instance_normalization},
    {"GroupNormalization", import_group_normalization},
    {"LpNormalization", import_lp_normalization},
    {"MeanVarianceNormalization", import_mean_variance_normalization},
    {"LRN", import_lrn},

    {"Relu", import_relu},
    {"Clip", import_clip},
    {"Max", import_binary},
    {"Min", import_binary},
    {"Pow", import_binary},
    {"PRelu", import_prelu},
    {"Gelu", import_gelu},
    {"Swish", import_swish},
    {"Sin", import_formula},
    {"Cos", import_formula},
    {"Tan", import_formula},
    {"Asin", import_formula},
    {"Acos", import_formula},
    {"Atan", import_formula},
    {"Sinh", import_formula},
    {"Cosh", import_formula},
    {"Asinh", import_formula},
    {"Acosh", import_formula},
    {"Atanh", import_formula},
    {"Shrink", import_shrink},
    {"Add", import_binary},
    {"Sub", import_binary},
    {"Mul", import_binary},
    {"Div", import_binary},
    {"Sum", import_binary},
    {"Mean", import_binary},
    {"Expand", import_expand},
    {"LogSoftmax", import_log_softmax},
    {"Softmax", import_softmax},
    {"Identity", import_identity, Kind::moves},
    {"Dropout", import_identity},

    {"Gemm", import_gemm},
    {"MatMul", import_matmul},
    {"Einsum", import_einsum},

    {"Reshape", import_reshape, Kind::moves},
    {"Transpose", import_transpose, Kind::moves},
    {"Flatten", import_flatten, Kind::moves},
    {"Squeeze", import_squeeze, Kind::moves},
    {"Unsqueeze", import_unsqueeze, Kind::moves},
    {"DepthToSpace", import_depth_to_space},
    {"SpaceToDepth", import_space_to_depth},

    {"Slice", import_slice, Kind::moves},
    {"Split", import_split, Kind::moves},
    {"Gather", import_gather, Kind::moves},
    {"Concat", import_concat, Kind::moves},
    {"Tile", import_tile},

    {"Cast", import_cast},
    {"QuantizeLinear", import_quantize},
    {"DequantizeLinear", import_dequantize},

    {"QLinearConv", import_qlinear},
    {"QLinearMatMul", import_qlinear},
    {"QGemm", import_qlinear, Kind::computes, microsoft},
    {"QLinearAdd", import_qlinear, Kind::computes, microsoft},
    {"QLinearConcat", import_qlinear, Kind::computes, microsoft},
    {"QLinearAveragePool", import_qlinear, Kind::computes, microsoft},
    {"QLinearGlobalAveragePool", import_qlinear, Kind::computes, microsoft},
    {"QLinearSigmoid", import_qlinear, Kind::computes, microsoft},

    {"Constant", import_constant},
    {"ConstantOfShape", import_constant_of_shape, Kind::of_shapes},
    {"Shape", import_shape},
    {"Mod", import_binary},
    {"Range", import_range, Kind::of_shapes},
    {"If", import_if, Kind::of_shapes},
    {"Size", import_size},
    {"Less", import_comparison},
    {"LessOrEqual", import_comparison},
    {"Greater", import_comparison},
    {"GreaterOrEqual", import_comparison},
    {"Equal", import_comparison},
    {"And", import_comparison},
    {"Or", import_comparison},
    {"Xor", import_comparison},
    {"Not", import_not},
    {"Where", import_where},
});

constexpr auto operators = [] {
  std::array<Operator, operators_but_functions.size() + function_operators.size()> all = {};
  auto* const functions = std::ranges::copy(operators_but_functions, all.begin()).out;
  std::ranges::transform(function_operators, functions, [](const FunctionOperator& one) {
    const kernels::Function f = one.function;
    return Operator{one.type, f == kernels::Function::round                                   ? import_round
                              : f == kernels::Function::floor || f == kernels::Function::ceil ? import_floor
                                                                                              : import_function};
  });
  return all;
}();

// Kinds that a message names; a model of ordinary make lacks few.
constexpr std::size_t most_named = 20;

/// Of initialisers.
using Dims = std::unordered_map<std::string, std::vector<std::int64_t>>;

/// How many dimensions the node's windows have, where it has windows of another kind than are supported: of lines
/// pooling, and convolutions of a single channel, as a gate has it that looks at neighbouring channels (ECA). Else 0.
std::size_t unsupported_dimensions(const ::onnx::NodeProto& node, const Dims& dims) {
  const bool is_convolution = node.op_type() == "Conv" || node.op_type() == "ConvTranspose";
  if (!is_convolution && node.op_type() != "MaxPool" && node.op_type() != "AveragePool" && node.op_type() != "LpPool") {
    return 0;
  }
  const auto weights = node.input_size() > 1 ? dims.find(node.input(1)) : dims.end();
  std::size_t dimensions = 2;
  if (weights != dims.end() && weights->second.size() > 2) dimensions = weights->second.size() - 2;
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() == "kernel_shape") dimensions = static_cast<std::size_t>(attribute.ints_size());
  }
  const bool is_of_one_channel = node.op_type() == "Conv" && weights != dims.end() && weights->second.size() == 3 &&
                                 weights->second[0] == 1 && weights->second[1] == 1;
  const bool is_supported = dimensions == 2 || (dimensions == 1 && (!is_convolution || is_of_one_channel));
  return is_supported || dimensions > 3 ? 0 : dimensions;
}

/// What about the node is not supported, whatever it reads; empty if nothing is.
std::string lacking(const ::onnx::NodeProto& node, bool of_tensors, std::size_t dimensions) {
  const std::string& type = node.op_type();
  if (type.empty()) return "an operator without a name";
  const Operator* found = find_operator(type);
  const std::string domain = node.domain() == "ai.onnx" ? "" : node.domain();
  if (domain != (found == nullptr ? "" : found->domain)) return type + " of the domain '" + node.domain() + "'";
  if (found == nullptr) return type;
  if (found->kind == Kind::of_shapes && of_tensors) return type + " of tensors";
  if (dimensions > 0) return type + " in " + std::to_string(dimensions) + "-D";
  return "";
}

}  // namespace

std::span<const Operator> all_operators() { return operators; }

const Operator* find_operator(std::string_view type) {
  const auto* const found = std::ranges::find(operators, type, &Operator::type);
  return found == operators.end() ? nullptr : found;
}

void expect_supported(const ::onnx::GraphProto& graph) {
  struct Lack {
    std::string what;
    std::string node;  ///< the first one's name
    int nodes = 0;
  };
  Dims dims;
  for (const auto& tensor : graph.initializer()) dims[tensor.name()] = {tensor.dims().begin(), tensor.dims().end()};
  std::unordered_set<std::string> tensors;  // what depends on the input's values, not on its shape alone
  for (const auto& input : graph.input()) {
    if (!dims.contains(input.name())) tensors.insert(input.name());
  }
  std::vector<Lack> all;
  std::size_t unnamed = 0;
  bool picks_boxes = false;
  for (const auto& node : graph.node()) {
    const bool of_tensors = std::ranges::any_of(node.input(), [&](const auto& name) { return tensors.contains(name); });
    for (const auto& output : node.output()) {
      if (of_tensors && node.op_type() != "Shape" && node.op_type() != "Size" && !output.empty())
        tensors.insert(output);
    }
    const std::string what = lacking(node, of_tensors, unsupported_dimensions(node, dims));
    if (what.empty()) continue;
    picks_boxes |= node.op_type() == "TopK" || node.op_type() == "NonMaxSuppression";
    auto found = std::ranges::find(all, what, &Lack::what);
    if (found == all.end() && all.size() == most_named) {
      ++unnamed;
      continue;
    }
    const bool has_name = !node.name().empty() || node.output_size() == 0;
    if (found == all.end()) found = all.insert(found, {what, has_name ? node.name() : node.output(0)});
    ++found->nodes;
  }
  if (all.empty()) return;
  std::string list;
  for (const Lack& one : all) {
    list.append(list.empty() ? "" : ", ").append(one.what);
    list.append(one.nodes == 1 ? " (the node '" : " (" + std::to_string(one.nodes) + " nodes, the first is '");
    list.append(one.node).append("')");
  }
  if (unnamed > 0) list.append(" and ").append(std::to_string(unnamed)).append(" nodes of other kinds");
  throw Error(
      "operators that are not supported: " + list +
      "; export the network without them (end it before them and compute the rest outside of riffle, or build " +
      "it of other operators)" +
      (picks_boxes ? "; which candidates of a detector count, and which of two boxes that overlap, is the engine's to "
                     "find: `riffle convert --describe`"
                   : ""));
}

}  // namespace riffle::onnx
