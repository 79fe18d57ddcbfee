// Which ONNX operator a function of one number is: the one list that the importer and the exporter go by.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/function/function.hpp"

namespace riffle::onnx {

struct FunctionOperator {
  kernels::Function function;
  const char* type;
  std::int64_t opset;  ///< the first that has it
};
inline constexpr std::array function_operators = {
    FunctionOperator{kernels::Function::sigmoid, "Sigmoid", 6},
    FunctionOperator{kernels::Function::hard_swish, "HardSwish", 14},
};
// Every function but none, in their order.
static_assert(function_operators.size() + 1 == kernels::function_facts.size());
static_assert([] {
  for (std::size_t i = 0; i < function_operators.size(); ++i) {
    if (function_operators[i].function != kernels::function_facts[i + 1].function) return false;
  }
  return true;
}());

/// Of any function but none.
constexpr const FunctionOperator& operator_of(kernels::Function function) {
  return function_operators[static_cast<std::size_t>(function) - 1];
}

}  // namespace riffle::onnx
