#include "io/onnx/numbers.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

namespace riffle::onnx {
namespace {

/// The elements before, on and behind an axis.
struct Strides {
  std::size_t outer = 1, along = 1, inner = 1;
};

Strides strides(const std::vector<std::int64_t>& dims, std::size_t axis) {
  Strides result;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    (i < axis ? result.outer : i == axis ? result.along : result.inner) *= static_cast<std::size_t>(dims[i]);
  }
  return result;
}

void expect_small(std::uint64_t count) {
  if (count > max_numbers) throw Error("the shape arithmetic makes an array of too many numbers");
}

}  // namespace

std::int64_t element_count(const std::vector<std::int64_t>& dims) {
  std::int64_t count = 1;
  for (const std::int64_t dim : dims) {
    if (dim < 0) throw Error("a dimension is " + std::to_string(dim));
    // Zero elsewhere does not excuse an absurd dimension: multiply as if it were one.
    if (__builtin_mul_overflow(count, std::max<std::int64_t>(dim, 1), &count) || count > (1LL << 48)) {
      throw Error("its shape has too many elements");
    }
  }
  return std::ranges::find(dims, 0) != dims.end() ? 0 : count;
}

std::int64_t loop_count(std::vector<std::int64_t> dims) {
  for (std::int64_t& dim : dims) dim = std::max<std::int64_t>(dim, 1);
  return element_count(dims);
}

void expect_few(const std::vector<std::int64_t>& dims) {
  if (loop_count(dims) > max_numbers) {
    throw Error("more than " + std::to_string(max_numbers) + " numbers are not supported");
  }
}

Numbers list_of(std::vector<Quantity> values) {
  Numbers result;
  result.dims = {static_cast<std::int64_t>(values.size())};
  result.values = std::move(values);
  return result;
}

std::vector<std::int64_t> known_integers(const Numbers& numbers) {
  std::vector<std::int64_t> result;
  for (const Quantity& one : numbers.values) {
    const auto known = one.known_integer();
    if (one.made_of.any()) throw Error("the number " + text(one) + " was computed from the input's size");
    if (!known) throw Error("the number " + text(one) + " is not a known integer");
    result.push_back(*known);
  }
  return result;
}

Floats floats_of(const Numbers& numbers) {
  std::vector<float> values;
  for (const Quantity& one : numbers.values) {
    if (one.made_of.any()) throw Error("the number " + text(one) + " was computed from the input's size");
    if (one.times_batch) throw Error("the number " + text(one) + " depends on the batch");
    values.push_back(static_cast<float>(static_cast<double>(one.numerator) / static_cast<double>(one.denominator)));
  }
  return {.dims = numbers.dims, .values = graph::Constant(std::move(values))};
}

Numbers combine(const Numbers& a, const Numbers& b,
                const std::function<Quantity(const Quantity&, const Quantity&)>& f) {
  const bool single_a = a.values.size() == 1, single_b = b.values.size() == 1;
  if (!single_a && !single_b && a.dims != b.dims) throw Error("the shapes of the numbers differ");
  Numbers result;
  result.dims = single_b && !(single_a && b.dims.size() > a.dims.size()) ? a.dims : b.dims;
  result.real = a.real || b.real;
  const std::size_t count = single_b ? a.values.size() : b.values.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Quantity &one = a.values[single_a ? 0 : i], &other = b.values[single_b ? 0 : i];
    result.values.push_back(f(one, other));
    result.values.back().made_of = one.made_of | other.made_of;
  }
  return result;
}

Numbers apply(Numbers numbers, const std::function<Quantity(const Quantity&)>& f) {
  for (Quantity& one : numbers.values) {
    const Extents made_of = one.made_of;
    one = f(one);
    one.made_of = made_of;
  }
  return numbers;
}

std::vector<std::int64_t>& dims_of(Value& constant) {
  auto* numbers = std::get_if<Numbers>(&constant);
  return numbers != nullptr ? numbers->dims : std::get<Floats>(constant).dims;
}

const std::vector<std::int64_t>& dims_of(const Value& constant) {
  const auto* numbers = std::get_if<Numbers>(&constant);
  return numbers != nullptr ? numbers->dims : std::get<Floats>(constant).dims;
}

Value pick(const Value& constant, std::vector<std::int64_t> dims, std::span<const std::size_t> positions) {
  if (const auto* numbers = std::get_if<Numbers>(&constant)) {
    expect_small(positions.size());
    Numbers result{.dims = std::move(dims), .values = {}, .real = numbers->real};
    for (const std::size_t position : positions) result.values.push_back(numbers->values[position]);
    return result;
  }
  const graph::Constant& from = std::get<Floats>(constant).values;
  const bool as_stored = from.row_scale().empty();  // else the floats: their rows will not be rows
  const Type type = as_stored ? from.type() : Type::f32;
  const std::span<const std::byte> elements = as_stored ? from.stored() : std::as_bytes(from.values());
  const auto size = static_cast<std::size_t>(size_of(type));
  const auto bytes = std::make_shared<std::vector<std::byte>>(positions.size() * size);
  for (std::size_t i = 0; i < positions.size(); ++i) {
    std::memcpy(bytes->data() + i * size, elements.data() + positions[i] * size, size);
  }
  return Floats{.dims = std::move(dims), .values = graph::Constant(type, *bytes, bytes)};
}

Value take(const Value& constant, std::size_t axis, std::span<const std::int64_t> positions) {
  std::vector<std::int64_t> dims = dims_of(constant);
  const Strides s = strides(dims, axis);
  dims[axis] = static_cast<std::int64_t>(positions.size());
  std::vector<std::size_t> taken;
  const std::size_t outer = positions.empty() ? 0 : s.outer;
  for (std::size_t o = 0; o < outer; ++o) {
    for (const std::int64_t position : positions) {
      const std::size_t first = (o * s.along + static_cast<std::size_t>(position)) * s.inner;
      for (std::size_t i = 0; i < s.inner; ++i) taken.push_back(first + i);
    }
  }
  return pick(constant, std::move(dims), taken);
}

Value concatenate(std::span<const Value* const> parts, std::size_t axis) {
  // One behind the other first; then each row of the result takes its share of every part.
  std::vector<std::int64_t> result = dims_of(*parts[0]);
  result[axis] = 0;
  std::vector<std::size_t> shares;  // elements of a part for one position of the axes before `axis`
  Numbers numbers;
  std::vector<float> floats;
  for (const Value* part : parts) {
    std::vector<std::int64_t> dims = dims_of(*part);
    if (dims.size() != result.size()) throw Error("the ranks of the constants differ");
    const Strides s = strides(dims, axis);
    shares.push_back(s.along * s.inner);
    result[axis] += dims[axis];
    dims[axis] = result[axis];
    if (dims != result) throw Error("the shapes of the constants differ");
    if (const auto* some = std::get_if<Numbers>(part)) {
      expect_small(numbers.values.size() + some->values.size());
      numbers.values.insert(numbers.values.end(), some->values.begin(), some->values.end());
      numbers.real = numbers.real || some->real;
    } else {
      const std::span<const float> values = std::get<Floats>(*part).values.values();
      floats.insert(floats.end(), values.begin(), values.end());
    }
  }
  const bool is_empty = floats.empty() && numbers.values.empty();
  const std::size_t outer = is_empty ? 0 : strides(result, axis).outer;
  std::vector<std::size_t> positions;
  for (std::size_t o = 0; o < outer; ++o) {
    std::size_t part_begin = 0;
    for (const std::size_t share : shares) {
      for (std::size_t i = 0; i < share; ++i) positions.push_back(part_begin + o * share + i);
      part_begin += outer * share;
    }
  }
  if (std::holds_alternative<Numbers>(*parts[0])) return pick(std::move(numbers), std::move(result), positions);
  return pick(Floats{.dims = {}, .values = graph::Constant(std::move(floats))}, std::move(result), positions);
}

Value broadcast(const Value& constant, std::vector<std::int64_t> dims) {
  std::vector<std::int64_t> from = dims_of(constant);
  const std::size_t rank = std::max(from.size(), dims.size());
  from.insert(from.begin(), rank - from.size(), 1);
  dims.insert(dims.begin(), rank - dims.size(), 1);
  std::vector<std::size_t> positions = {0};
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (dims[axis] == 1) dims[axis] = from[axis];
    if (from[axis] != dims[axis] && from[axis] != 1) {
      throw Error("a dimension of " + std::to_string(from[axis]) + " cannot become " + std::to_string(dims[axis]));
    }
    std::vector<std::size_t> longer;
    longer.reserve(positions.size() * static_cast<std::size_t>(dims[axis]));
    for (const std::size_t position : positions) {
      const std::size_t row = position * static_cast<std::size_t>(from[axis]);
      for (std::int64_t i = 0; i < dims[axis]; ++i)
        longer.push_back(row + (from[axis] == 1 ? 0 : static_cast<std::size_t>(i)));
    }
    positions = std::move(longer);
  }
  return pick(constant, std::move(dims), positions);
}

std::vector<std::size_t> transposed_positions(std::span<const std::int64_t> dims, std::span<const std::size_t> order) {
  if (std::ranges::find(dims, 0) != dims.end()) return {};
  std::vector<std::size_t> step(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) step[i - 1] = step[i] * static_cast<std::size_t>(dims[i]);
  std::vector<std::size_t> result = {0};
  for (const std::size_t axis : order) {
    std::vector<std::size_t> longer;
    longer.reserve(result.size() * static_cast<std::size_t>(dims[axis]));
    for (const std::size_t position : result) {
      for (std::int64_t i = 0; i < dims[axis]; ++i) {
        longer.push_back(position + static_cast<std::size_t>(i) * step[axis]);
      }
    }
    result = std::move(longer);
  }
  return result;
}

}  // namespace riffle::onnx
