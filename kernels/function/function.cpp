#include "kernels/function/function.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/reference.hpp"

namespace riffle::kernels {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// 0 times infinity is what it tends to: 0.
double gated(double x, double gate) { return gate == 0 ? 0 : x * gate; }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
/// A NaN stays one.
double within(double x, double lower, double upper) { return x < lower ? lower : x > upper ? upper : x; }

double power(double x, double a) {
  return x < 0 && a != std::nearbyint(a) ? std::numeric_limits<double>::quiet_NaN() : std::pow(x, a);
}

}  // namespace

double reference_of(const FunctionArgs& args, double x, std::int64_t channel) {
  const double a = args.a, b = args.b;
  switch (args.function) {
    case Function::none:
      return x;
    case Function::sigmoid:
      return sigmoid(x);
    case Function::hard_swish:
      return gated(x, within(x / 6 + 0.5, 0, 1));
    case Function::tanh:
      return std::tanh(x);
    case Function::hard_sigmoid:
      return within(a * x + b, 0, 1);
    case Function::silu:
      return gated(x, sigmoid(x));
    case Function::mish:
      return gated(x, std::tanh(std::log1p(std::exp(x))));
    case Function::softplus:
      return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
    case Function::exp:
      return std::exp(x);
    case Function::log:
      return std::log(x);
    case Function::sqrt:
      return std::sqrt(x);
    case Function::reciprocal:
      return 1 / x;
    case Function::power:
      return power(x, a);
    case Function::absolute:
      return std::abs(x);
    case Function::negative:
      return -x;
    case Function::leaky:
      return x < 0 ? a * x : x;
    case Function::prelu:
      return x < 0 ? static_cast<double>(args.slopes[channel]) * x : x;
    case Function::elu:
      return x < 0 ? a * std::expm1(x) : x;
    case Function::celu:
      return x < 0 ? a * std::expm1(x / a) : x;
    case Function::selu:
      return b * (x < 0 ? a * std::expm1(x) : x);
    case Function::gelu:
      return gated(x, std::erfc(-x / std::numbers::sqrt2) / 2);
    case Function::gelu_tanh:
      return gated(x, sigmoid(2 * std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Function::thresholded:
      return x <= a ? 0 : x;
    case Function::softsign:
      return std::isinf(x) ? std::copysign(1, x) : x / (1 + std::abs(x));
    case Function::erf:
      return std::erf(x);
    case Function::floor:
      return std::floor(x);
    case Function::ceil:
      return std::ceil(x);
    case Function::round:
      return std::nearbyint(x);
    case Function::sign:
      return x < 0 ? -1 : x > 0 ? 1 : x;
    case Function::table:
      return args.table[channel * args.table_step + static_cast<std::int64_t>(within(x + a, 0, 255))] - b;
  }
  return x;
}

double steepest(const FunctionArgs& args, std::int64_t channel) {
  const double a = std::abs(static_cast<double>(args.a)), b = std::abs(static_cast<double>(args.b));
  switch (args.function) {
    case Function::none:
    case Function::tanh:
    case Function::softplus:
    case Function::absolute:
    case Function::negative:
    case Function::celu:
    case Function::softsign:
      return 1;
    case Function::sigmoid:
      return 0.25;
    case Function::hard_swish:
      return 1.5;
    case Function::silu:
    case Function::mish:
      return 1.1;
    case Function::gelu:
    case Function::gelu_tanh:
    case Function::erf:
      return 1.13;
    case Function::hard_sigmoid:
      return a;
    case Function::leaky:
    case Function::elu:
      return std::max(1.0, a);
    case Function::prelu:
      return std::max(1.0, std::abs(static_cast<double>(args.slopes[channel])));
    case Function::selu:
      return b * std::max(1.0, a);
    case Function::exp:
    case Function::log:
    case Function::sqrt:
    case Function::reciprocal:
    case Function::power:
    case Function::thresholded:
    case Function::floor:
    case Function::ceil:
    case Function::round:
    case Function::sign:
      return infinity;
    case Function::table:
      return 255;
  }
  return infinity;
}

double spread(const FunctionArgs& args, double x, double error, std::int64_t channel) {
  if (error == 0 || !std::isfinite(error)) return error;
  if (const double bound = steepest(args, channel); std::isfinite(bound)) return bound * error;
  // The others rise or fall all the way, but where they pass 0 (a power, a reciprocal) or jump (a threshold).
  const double y = reference_of(args, x, channel);
  const double low = x - error, high = x + error;
  double far = 0;
  for (const double other : {low, high, 0.0, static_cast<double>(args.a)}) {
    if (other < low || other > high) continue;
    const double apart = std::abs(reference_of(args, other, channel) - y);
    far = apart <= far ? far : std::isnan(apart) ? infinity : apart;
  }
  return args.function == Function::thresholded ? far + error : far;
}

void function_reference(const FunctionArgs& args, const Block& values, std::int64_t pixels, std::int32_t channels,
                        const Addresses& memory) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (std::int32_t c = 0; c < channels; ++c) {
      const Numbers numbers{values.first, values.type};
      const std::int64_t at = p * values.pixel_stride + c;
      if (is_quantised(values.type)) {
        auto* const byte = memory.write<std::uint8_t>(values.first) + at;
        *byte = args.table[c * args.table_step + *byte];
        continue;
      }
      set_number(numbers, at, memory, reference_of(args, number(numbers, at, memory), c));
    }
  }
}

}  // namespace riffle::kernels
