#include "io/onnx/dequantised.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "io/onnx/numbers.hpp"

namespace riffle::onnx {
namespace {

/// The numbers as they stand in the file.
std::vector<std::int32_t> stored_numbers(const Value& constant) {
  std::vector<std::int32_t> result;
  if (const auto* numbers = std::get_if<Numbers>(&constant)) {
    for (const std::int64_t one : known_integers(*numbers)) result.push_back(static_cast<std::int32_t>(one));
    return result;
  }
  const graph::Constant& values = std::get<Floats>(constant).values;
  for (const std::byte byte : values.stored()) {
    const auto unsigned_byte = std::to_integer<std::uint8_t>(byte);
    result.push_back(values.type() == Type::i8 ? static_cast<std::int8_t>(unsigned_byte) : unsigned_byte);
  }
  return result;
}

graph::Constant rows(const std::vector<std::int32_t>& numbers, std::vector<double> factors) {
  const auto bytes = std::make_shared<std::vector<std::int8_t>>(numbers.begin(), numbers.end());
  return graph::Constant(Type::i8, std::as_bytes(std::span(*bytes)), bytes).scaled(std::move(factors));
}

}  // namespace

Scales read_scales(Call& call, Type type) {
  if (call.integer("block_size", 0) != 0) throw Error("blocks are not supported");
  Scales result;
  const Floats& scales = call.floats(1);
  if (scales.dims.size() > 1) throw Error("its scales are no list");
  for (const float scale : scales.values.values()) {
    if (!(scale >= std::numeric_limits<float>::min()) || !std::isfinite(scale)) {
      throw Error("its scale is no positive number: " + std::to_string(scale));
    }
    result.scales.push_back(scale);
  }
  result.zero_points.assign(result.scales.size(), 0);
  if (!call.has(2)) return result;
  const std::vector<std::int64_t> zero_points = known_integers(call.numbers(2));
  if (zero_points.size() != result.scales.size()) {
    throw Error("it has " + std::to_string(zero_points.size()) + " zero points for " +
                std::to_string(result.scales.size()) + " scales");
  }
  const std::int64_t least = type == Type::i8 ? -128 : 0, most = type == Type::i8 ? 127 : type == Type::u8 ? 255 : 0;
  for (std::size_t i = 0; i < zero_points.size(); ++i) {
    if (zero_points[i] < least || zero_points[i] > most) {
      throw Error("the zero point is " + std::to_string(zero_points[i]) + ", not in " + std::to_string(least) + " to " +
                  std::to_string(most));
    }
    result.zero_points[i] = static_cast<std::int32_t>(zero_points[i]);
  }
  return result;
}

Floats dequantised(Call& call, const Value& constant) {
  const auto* bytes = std::get_if<Floats>(&constant);
  if (std::holds_alternative<Padded>(constant) || (bytes != nullptr && !is_quantised(bytes->values.type()))) {
    throw Error("what it reads is neither int8 nor uint8 nor int32");
  }
  const auto [scales, zero_points] = read_scales(call, bytes != nullptr ? bytes->values.type() : Type::i32);
  const std::vector<std::int64_t>& dims = dims_of(constant);
  const std::int64_t given_axis = call.integer("axis", 1);
  const bool is_one = scales.size() == 1;
  const std::size_t axis = is_one ? 0 : Call::axis(given_axis, dims.size());
  if (!is_one && dims[axis] != std::ssize(scales)) {
    throw Error("it has " + std::to_string(scales.size()) + " scales for " + std::to_string(dims[axis]) +
                " positions of axis " + std::to_string(axis));
  }

  std::vector<std::int32_t> numbers = stored_numbers(constant);
  call.importer.charge(static_cast<std::int64_t>(numbers.size()));
  std::size_t inner = 1;  // numbers at one position of the axis, side by side
  for (std::size_t i = axis + 1; i < dims.size(); ++i) inner *= static_cast<std::size_t>(dims[i]);
  const auto position = [&](std::size_t i) { return is_one ? 0 : i / inner % scales.size(); };
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] -= zero_points[position(i)];

  const auto is_small = [](std::int32_t number) { return number >= -128 && number <= 127; };
  const bool stays = bytes != nullptr && dims.size() > 1 && !numbers.empty() && std::ranges::all_of(numbers, is_small);
  const auto factors = [&](std::int64_t count) {
    if (!is_one) return std::vector<double>(scales.begin(), scales.end());
    return std::vector<double>(static_cast<std::size_t>(count), scales[0]);
  };
  Floats result{.dims = dims, .values = {}};
  if (stays && axis == 0) {
    result.values = rows(numbers, factors(dims[0]));
  } else {
    std::vector<float> values;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      values.push_back(static_cast<float>(numbers[i]) * scales[position(i)]);
    }
    result.values = graph::Constant(std::move(values));
  }
  if (stays && dims.size() == 2 && (is_one || axis == 1)) {
    std::vector<std::int32_t> transposed;
    for (const std::size_t at : transposed_positions(dims, std::vector<std::size_t>{1, 0})) {
      transposed.push_back(numbers[at]);
    }
    result.transpose = rows(transposed, factors(dims[1]));
  }
  return result;
}

}  // namespace riffle::onnx
