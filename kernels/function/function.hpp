// Functions of one number, in place: x[p][c] = f(x[p][c]).
//
// What a step's kernel does not do itself: bounds are in every kernel, any other activation is a function that runs on
// what a tile has just written, while it is in the cache. A function is an entry of the list below, with its reference,
// and a vector body in function_body.hpp.
//
// Reads and writes exactly the channels. A NaN stays a NaN. Results are within 1e-6 of the reference, relative to the
// larger of 1 and the result's magnitude; those of `power` with an exponent that is no integer, within 1e-6 and a unit
// in the last place (2^-23) for each unit of |a ln x|. An instruction set that has no subnormal numbers (ARMv7's NEON)
// takes them for 0.
//
// Bytes have one function, `table`, which is any other's of what they stand for. Places beyond its ends are its ends.
#pragma once

#include <array>
#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

/// The values are those of files (engine/format/riffle.fbs) and never change. a and b are the function's parameters.
enum class Function : std::uint8_t {
  none,
  sigmoid,       ///< 1 / (1 + e^-x)
  hard_swish,    ///< x * min(max(x / 6 + 1/2, 0), 1) (ONNX HardSwish; MobileNetV3, section 5.2)
  tanh,          ///< the hyperbolic tangent
  hard_sigmoid,  ///< min(max(a x + b, 0), 1)
  silu,          ///< x * sigmoid(x)
  mish,          ///< x * tanh(softplus(x))
  softplus,      ///< ln(1 + e^x)
  exp,           ///< e^x
  log,           ///< ln x
  sqrt,          ///< the square root
  reciprocal,    ///< 1 / x
  power,         ///< x^a; a is in -most_power to most_power
  absolute,      ///< |x|
  negative,      ///< -x
  leaky,         ///< a x below 0, x above
  prelu,         ///< likewise, with a slope for each channel in place of a
  elu,           ///< a (e^x - 1) below 0, x above
  celu,          ///< a (e^(x/a) - 1) below 0, x above; a is positive
  selu,          ///< b times what elu makes
  gelu,          ///< x times the normal distribution's probability of less than x
  gelu_tanh,     ///< x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  thresholded,   ///< x above a, else 0
  softsign,      ///< x / (1 + |x|)
  erf,           ///< the error function
  floor,         ///< the next integer below
  ceil,          ///< the next integer above
  round,         ///< the nearest integer, of two the even one
  sign,          ///< -1, 0 or 1
  table,         ///< of integers: what stands in a table of 256 bytes at place x + a, less b
};
inline constexpr float most_power = 64;

/// What there is to know of a function.
struct FunctionFacts {
  Function function;
  std::string_view word;        ///< for people, and the name of its benchmark
  std::int32_t parameters = 0;  ///< 1: a, 2: a and b
};
inline constexpr std::array function_facts = {
    FunctionFacts{Function::none, "none"},
    FunctionFacts{Function::sigmoid, "sigmoid"},
    FunctionFacts{Function::hard_swish, "hard swish"},
    FunctionFacts{Function::tanh, "tanh"},
    FunctionFacts{Function::hard_sigmoid, "hard sigmoid", 2},
    FunctionFacts{Function::silu, "SiLU"},
    FunctionFacts{Function::mish, "Mish"},
    FunctionFacts{Function::softplus, "softplus"},
    FunctionFacts{Function::exp, "exp"},
    FunctionFacts{Function::log, "log"},
    FunctionFacts{Function::sqrt, "square root"},
    FunctionFacts{Function::reciprocal, "reciprocal"},
    FunctionFacts{Function::power, "power", 1},
    FunctionFacts{Function::absolute, "absolute value"},
    FunctionFacts{Function::negative, "negative"},
    FunctionFacts{Function::leaky, "leaky ReLU", 1},
    FunctionFacts{Function::prelu, "PReLU"},
    FunctionFacts{Function::elu, "ELU", 1},
    FunctionFacts{Function::celu, "CELU", 1},
    FunctionFacts{Function::selu, "SELU", 2},
    FunctionFacts{Function::gelu, "GELU"},
    FunctionFacts{Function::gelu_tanh, "GELU by tanh"},
    FunctionFacts{Function::thresholded, "thresholded ReLU", 1},
    FunctionFacts{Function::softsign, "softsign"},
    FunctionFacts{Function::erf, "erf"},
    FunctionFacts{Function::floor, "floor"},
    FunctionFacts{Function::ceil, "ceil"},
    FunctionFacts{Function::round, "round"},
    FunctionFacts{Function::sign, "sign"},
    FunctionFacts{Function::table, "table", 2},
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

/// A function with its parameters.
struct FunctionArgs {
  Function function = Function::none;
  float a = 0, b = 0;
  const float* slopes = nullptr;        ///< of prelu: of the channels, in their order
  const std::uint8_t* table = nullptr;  ///< of table, by place; of the kernels, by the byte that stands there
  std::int32_t table_step = 0;          ///< from a channel's table to the next one's; 0: one for all
};

struct FunctionKernel {
  static constexpr std::string_view operation = "function";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  /// Of `pixels` pixels of `channels` channels, `pixel_stride` elements apart.
  void (*run)(const FunctionArgs& args, void* values, std::int64_t pixels, std::int32_t channels,
              std::int32_t pixel_stride) = nullptr;
};

/// The equation, of a number of this channel.
double reference_of(const FunctionArgs& args, double x, std::int64_t channel = 0);

/// How many times as far apart as two numbers what the function makes of them can be; infinite where there is no bound.
double steepest(const FunctionArgs& args, std::int64_t channel = 0);

/// How far apart what the function makes of x, and of a number that is at most `error` from it, can be; infinite where
/// there is no bound.
double spread(const FunctionArgs& args, double x, double error, std::int64_t channel = 0);

/// The equation in place, number by number, of `channels` channels.
void function_reference(const FunctionArgs& args, const Block& values, std::int64_t pixels, std::int32_t channels,
                        const Addresses& memory);

}  // namespace riffle::kernels
