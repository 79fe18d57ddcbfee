// The table from an ONNX operator to the function that imports it. docs/operators.md says what each takes.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace onnx {
class GraphProto;
}

namespace riffle::onnx {

class Call;

enum class Kind : std::uint8_t {
  computes,   ///< tensors of floats, or whatever the function says
  moves,      ///< makes only numbers that it reads: so of tensors of int8 and uint8 as well (qlinear.cpp)
  of_shapes,  ///< only for constants and a shape's arithmetic, not for tensors
};

struct Operator {
  std::string_view type;
  void (*import)(Call&);
  Kind kind = Kind::computes;
  std::string_view domain = "";  ///< empty: ONNX's own
};

/// The whole table.
std::span<const Operator> all_operators();

/// Null for an operation that is not supported.
const Operator* find_operator(std::string_view type);

/// Throws Error where the graph has nodes that are not supported whatever they read: all kinds of them are named, how
/// many nodes there are of each, and a node.
void expect_supported(const ::onnx::GraphProto& graph);

// convolution.cpp
void import_convolution(Call& call);
void import_transposed_convolution(Call& call);
void import_batch_normalization(Call& call);

// pixels.cpp
void import_resize(Call& call);
void import_pad(Call& call);

// pooling.cpp
void import_pool(Call& call);
void import_global_pool(Call& call);

// reduce.cpp
void import_reduce(Call& call);
void import_arg(Call& call);
void import_hardmax(Call& call);
void import_cumulative_sum(Call& call);

// norms.cpp
void import_layer_normalization(Call& call);
void import_instance_normalization(Call& call);
void import_group_normalization(Call& call);
void import_lp_normalization(Call& call);
void import_mean_variance_normalization(Call& call);
void import_softmax(Call& call);
void import_log_softmax(Call& call);
void import_lrn(Call& call);

// elementwise.cpp
void import_relu(Call& call);
void import_function(Call& call);  // all of functions.hpp
void import_floor(Call& call);     // and Ceil
void import_prelu(Call& call);
void import_gelu(Call& call);
void import_swish(Call& call);
void import_clip(Call& call);
void import_binary(Call& call);  // also of several operands
void import_expand(Call& call);
void import_identity(Call& call);

// formulas.cpp
void import_formula(Call& call);
void import_shrink(Call& call);

// dense.cpp
void import_gemm(Call& call);
void import_matmul(Call& call);

// einsum.cpp
void import_einsum(Call& call);

// subgraphs.cpp
void import_if(Call& call);

// axes.cpp
void import_reshape(Call& call);
void import_transpose(Call& call);
void import_flatten(Call& call);
void import_squeeze(Call& call);
void import_unsqueeze(Call& call);
void import_depth_to_space(Call& call);
void import_space_to_depth(Call& call);

// selection.cpp
void import_slice(Call& call);
void import_split(Call& call);
void import_gather(Call& call);

// lookup.cpp
void import_rows(Call& call);
void import_lookup(Call& call);

// concat.cpp
void import_concat(Call& call);
void import_tile(Call& call);

// conversion.cpp
void import_cast(Call& call);
void import_quantize(Call& call);
void import_dequantize(Call& call);
void import_round(Call& call);

// qlinear.cpp
void import_qlinear(Call& call);
/// Of an operator that only moves numbers: does it read tensors of int8 or uint8?
bool moves_integers(Call& call);
void import_moved_integers(Call& call);

// logic.cpp
void import_comparison(Call& call);  // and And, Or, Xor
void import_not(Call& call);
void import_where(Call& call);

// shape_arithmetic.cpp
void import_constant(Call& call);
void import_constant_of_shape(Call& call);
void import_shape(Call& call);
void import_size(Call& call);
void import_range(Call& call);
void import_arithmetic(Call& call);
void import_expanded_constant(Call& call);

}  // namespace riffle::onnx
