#include "io/onnx/quantised_constants.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "engine/graph/quantization.hpp"
#include "io/onnx/numbers.hpp"

namespace riffle::onnx {
namespace {

/// The numbers as they stand in the file.
std::vector<std::int32_t> stored_numbers(const Value& constant) {
  std::vector<std::int32_t> result;
  if (const auto* numbers = std::get_if<Numbers>(&constant)) {
    for (const std::int64_t one : known_integers(*numbers)) {
      if (one != static_cast<std::int32_t>(one)) throw Error("the number " + std::to_string(one) + " is no int32");
      result.push_back(static_cast<std::int32_t>(one));
    }
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

/// Which scale is whose, in a constant of these dimensions.
struct Positions {
  std::size_t axis = 0;  ///< of no meaning where there is one scale for all
  std::size_t scales = 1, inner = 1;
  std::size_t operator()(std::size_t number) const { return number / inner % scales; }
};

Positions positions_of(Call& call, const Scales& scales, const std::vector<std::int64_t>& dims) {
  Positions result{.scales = scales.scales.size()};
  const std::int64_t axis = call.integer("axis", 1);
  if (result.scales == 1) return result;
  result.axis = Call::axis(axis, dims.size());
  if (dims[result.axis] != std::ssize(scales.scales)) {
    throw Error("it has " + std::to_string(result.scales) + " scales for " + std::to_string(dims[result.axis]) +
                " positions of axis " + std::to_string(result.axis));
  }
  for (std::size_t i = result.axis + 1; i < dims.size(); ++i) result.inner *= static_cast<std::size_t>(dims[i]);
  return result;
}

}  // namespace

Scales read_scales(Call& call, Type type) {
  if (const std::int64_t size = call.integer("block_size", 0); size != 0) {
    throw Error("it has a scale for each block of " + std::to_string(size) +
                " numbers; only one for all or one for each position of an axis is supported");
  }
  const auto quoted = [&](const char* what, std::size_t input) {
    return std::string(what) + " '" + call.input_name(input) + "'";
  };
  Scales result;
  const Floats& scales = call.floats(1);
  if (scales.dims.size() > 1) throw Error(quoted("the scales", 1) + " are no list");
  for (const float scale : scales.values.values()) {
    if (!(scale >= std::numeric_limits<float>::min()) || !std::isfinite(scale)) {
      throw Error(quoted("the scale", 1) + " is no positive number: " + std::to_string(scale));
    }
    result.scales.push_back(scale);
  }
  result.zero_points.assign(result.scales.size(), 0);
  if (!call.has(2)) return result;
  const Value& zero_points = call.value(2);
  const auto* bytes = std::get_if<Floats>(&zero_points);
  const bool is_of_type = type == Type::i32 ? std::holds_alternative<Numbers>(zero_points)
                                            : bytes != nullptr && bytes->are_raw() && bytes->values.type() == type;
  if (!is_of_type)
    throw Error(quoted("the zero point", 2) + " is not of the numbers' type, " + std::string(name_of(type)));
  result.zero_points = stored_numbers(zero_points);
  if (result.zero_points.size() != result.scales.size()) {
    throw Error("it has " + std::to_string(result.zero_points.size()) + " zero points for " +
                std::to_string(result.scales.size()) + " scales");
  }
  if (type == Type::i32 && std::ranges::any_of(result.zero_points, [](std::int32_t zero) { return zero != 0; })) {
    throw Error(quoted("the zero point", 2) + " of numbers of i32 is not 0");
  }
  return result;
}

Floats quantised(Call& call, const Floats& constant, Type type) {
  const Scales scales = read_scales(call, type);
  const Positions position = positions_of(call, scales, constant.dims);
  call.importer.charge(static_cast<std::int64_t>(constant.values.size()));
  const std::int32_t least = type == Type::i8 ? -128 : 0, most = type == Type::i8 ? 127 : 255;
  const auto bytes = std::make_shared<std::vector<std::byte>>();
  for (const float value : constant.values.values()) {
    const std::size_t at = position(bytes->size());
    const std::int32_t zero_point = scales.zero_points[at];
    const std::int32_t number = graph::rounded(value / scales.scales[at], least - zero_point, most - zero_point);
    bytes->push_back(static_cast<std::byte>(number + zero_point));
  }
  return {.dims = constant.dims, .values = graph::Constant(type, *bytes, bytes)};
}

Floats dequantised(Call& call, const Value& constant) {
  const auto* bytes = std::get_if<Floats>(&constant);
  if (bytes != nullptr ? !is_quantised(bytes->values.type()) : !std::holds_alternative<Numbers>(constant)) {
    throw Error("what it reads is neither int8 nor uint8 nor int32");
  }
  const Scales read = read_scales(call, bytes != nullptr ? bytes->values.type() : Type::i32);
  const std::vector<float>& scales = read.scales;
  const std::vector<std::int64_t>& dims = dims_of(constant);
  const Positions position = positions_of(call, read, dims);

  std::vector<std::int32_t> numbers = stored_numbers(constant);
  call.importer.charge(static_cast<std::int64_t>(numbers.size()));
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] -= read.zero_points[position(i)];

  const auto is_small = [](std::int32_t number) { return number >= -128 && number <= 127; };
  const bool stays = bytes != nullptr && dims.size() > 1 && !numbers.empty() && std::ranges::all_of(numbers, is_small);
  const bool is_one = position.scales == 1;
  const auto factors = [&](std::int64_t count) {
    if (!is_one) return std::vector<double>(scales.begin(), scales.end());
    return std::vector<double>(static_cast<std::size_t>(count), scales[0]);
  };
  Floats result{.dims = dims, .values = {}};
  if (stays && position.axis == 0) {
    result.values = rows(numbers, factors(dims[0]));
  } else {
    std::vector<float> values;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      values.push_back(static_cast<float>(numbers[i]) * scales[position(i)]);
    }
    result.values = graph::Constant(std::move(values));
  }
  if (stays && dims.size() == 2 && (is_one || position.axis == 1)) {
    std::vector<std::int32_t> transposed;
    for (const std::size_t at : transposed_positions(dims, std::vector<std::size_t>{1, 0})) {
      transposed.push_back(numbers[at]);
    }
    result.transpose = rows(transposed, factors(dims[1]));
  }
  return result;
}

}  // namespace riffle::onnx
