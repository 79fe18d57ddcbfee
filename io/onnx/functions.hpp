// Which ONNX operator a function of one number is: the one list that the importer and the exporter go by. What is more
// than an operator with numbers as attributes (PRelu, Pow, Gelu, Swish) is not in it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernels/function/function.hpp"

namespace riffle::onnx {

/// An attribute that is a parameter of the function; without a name there is none.
struct FunctionAttribute {
  const char* name = nullptr;
  float otherwise = 0;  ///< where the attribute is left out
};

struct FunctionOperator {
  kernels::Function function;
  const char* type;
  std::int64_t opset;  ///< the first that has it
  FunctionAttribute a = {}, b = {};
};
inline constexpr std::array function_operators = {
    FunctionOperator{kernels::Function::sigmoid, "Sigmoid", 6},
    FunctionOperator{kernels::Function::hard_swish, "HardSwish", 14},
    FunctionOperator{kernels::Function::tanh, "Tanh", 6},
    FunctionOperator{kernels::Function::hard_sigmoid, "HardSigmoid", 6, {"alpha", 0.2F}, {"beta", 0.5F}},
    FunctionOperator{kernels::Function::mish, "Mish", 18},
    FunctionOperator{kernels::Function::softplus, "Softplus", 1},
    FunctionOperator{kernels::Function::exp, "Exp", 6},
    FunctionOperator{kernels::Function::log, "Log", 6},
    FunctionOperator{kernels::Function::sqrt, "Sqrt", 6},
    FunctionOperator{kernels::Function::reciprocal, "Reciprocal", 6},
    FunctionOperator{kernels::Function::absolute, "Abs", 6},
    FunctionOperator{kernels::Function::negative, "Neg", 6},
    FunctionOperator{kernels::Function::leaky, "LeakyRelu", 6, {"alpha", 0.01F}},
    FunctionOperator{kernels::Function::elu, "Elu", 6, {"alpha", 1.0F}},
    FunctionOperator{kernels::Function::celu, "Celu", 12, {"alpha", 1.0F}},
    FunctionOperator{kernels::Function::selu, "Selu", 6, {"alpha", 1.67326319F}, {"gamma", 1.05070102F}},
    FunctionOperator{kernels::Function::thresholded, "ThresholdedRelu", 10, {"alpha", 1.0F}},
    FunctionOperator{kernels::Function::softsign, "Softsign", 1},
    FunctionOperator{kernels::Function::erf, "Erf", 9},
    FunctionOperator{kernels::Function::floor, "Floor", 6},
    FunctionOperator{kernels::Function::ceil, "Ceil", 6},
    FunctionOperator{kernels::Function::round, "Round", 11},
    FunctionOperator{kernels::Function::sign, "Sign", 9},
};

/// Null where there is none.
constexpr const FunctionOperator* operator_of(kernels::Function function) {
  const auto* const found = std::ranges::find(function_operators, function, &FunctionOperator::function);
  return found == function_operators.end() ? nullptr : found;
}

}  // namespace riffle::onnx
