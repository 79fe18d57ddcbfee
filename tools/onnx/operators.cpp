#include "tools/onnx/operators.hpp"

#include <algorithm>
#include <array>

namespace riffle::onnx {
namespace {

struct Operator {
  std::string_view type;
  ImportFunction import;
};

constexpr auto operators = std::to_array<Operator>({
    {"Conv", import_convolution},
    {"BatchNormalization", import_batch_normalization},
    {"Pad", import_pad},

    {"MaxPool", import_pool},
    {"AveragePool", import_pool},
    {"GlobalAveragePool", import_global_average_pool},
    {"ReduceMean", import_reduce_mean},

    {"Relu", import_relu},
    {"Clip", import_clip},
    {"Add", import_add},
    {"Softmax", import_softmax},
    {"Identity", import_identity},
    {"Dropout", import_identity},

    {"Gemm", import_gemm},
    {"MatMul", import_matmul},

    {"Reshape", import_reshape},
    {"Transpose", import_transpose},
    {"Flatten", import_flatten},
    {"Squeeze", import_squeeze},
    {"Unsqueeze", import_unsqueeze},

    {"Slice", import_slice},
    {"Split", import_split},
    {"Gather", import_gather},
    {"Concat", import_concat},

    {"Constant", import_constant},
    {"ConstantOfShape", import_constant_of_shape},
    {"Shape", import_shape},
    {"Cast", import_cast},
    {"Sub", import_arithmetic},
    {"Mul", import_arithmetic},
    {"Div", import_arithmetic},
    {"Mod", import_arithmetic},
    {"Less", import_arithmetic},
    {"Greater", import_arithmetic},
    {"Equal", import_arithmetic},
    {"And", import_arithmetic},
    {"Or", import_arithmetic},
    {"Xor", import_arithmetic},
    {"Floor", import_floor},
    {"Not", import_not},
    {"Where", import_where},
    {"Expand", import_expand},
});

}  // namespace

ImportFunction find_operator(std::string_view type) {
  const auto found = std::ranges::find(operators, type, &Operator::type);
  return found == operators.end() ? nullptr : found->import;
}

}  // namespace riffle::onnx
