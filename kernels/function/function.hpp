// Functions of one number, in place: x[p][c] = f(x[p][c]).
//
// What a step's kernel does not do itself: bounds are in every kernel, any other activation is a function that runs on
// what a tile has just written, while it is in the cache. A function is an entry of the list below, with its reference,
// and a vector body in function_body.hpp.
//
// Reads and writes exactly the channels. A NaN stays a NaN.
#pragma once

#include <array>
#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

/// The values are those of files (engine/format/riffle.fbs) and never change.
enum class Function : std::uint8_t {
  none,
  sigmoid,     ///< 1 / (1 + e^-x)
  hard_swish,  ///< x * min(max(x / 6 + 1/2, 0), 1) (ONNX HardSwish; MobileNetV3, section 5.2)
};

/// What there is to know of a function.
struct FunctionFacts {
  Function function;
  std::string_view word;  ///< for people, and the name of its benchmark
  double steepest;        ///< how many times as far apart as two numbers what it makes of them can be
};
inline constexpr std::array function_facts = {
    FunctionFacts{Function::none, "none", 1.0},
    FunctionFacts{Function::sigmoid, "sigmoid", 0.25},
    FunctionFacts{Function::hard_swish, "hard swish", 1.5},
};
static_assert([] {
  for (std::size_t i = 0; i < function_facts.size(); ++i) {
    if (function_facts[i].function != static_cast<Function>(i)) return false;
  }
  return true;
}());

constexpr const FunctionFacts& facts_of(Function function) {
  return function_facts[static_cast<std::size_t>(function)];
}

struct FunctionKernel {
  static constexpr std::string_view operation = "function";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  /// Of `pixels` pixels of `channels` channels, `pixel_stride` elements apart.
  void (*run)(Function function, void* values, std::int64_t pixels, std::int32_t channels,
              std::int32_t pixel_stride) = nullptr;
};

/// The equation.
double reference_of(Function function, double x);

/// The equation in place, number by number, of `channels` channels.
void function_reference(Function function, const Block& values, std::int64_t pixels, std::int32_t channels,
                        const Addresses& memory);

}  // namespace riffle::kernels
