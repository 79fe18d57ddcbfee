#include "tools/onnx/numbers.hpp"

#include <algorithm>

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

void expect_few(const std::vector<std::int64_t>& dims) {
  std::vector<std::int64_t> at_least_one;
  for (const std::int64_t dim : dims) at_least_one.push_back(std::max<std::int64_t>(dim, 1));
  if (element_count(at_least_one) > max_numbers) {
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
    if (!known) throw Error("the number " + text(one) + " is not a known integer");
    result.push_back(*known);
  }
  return result;
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
    result.values.push_back(f(a.values[single_a ? 0 : i], b.values[single_b ? 0 : i]));
  }
  return result;
}

Numbers take(const Numbers& numbers, std::size_t axis, std::span<const std::int64_t> positions) {
  const Strides s = strides(numbers.dims, axis);
  expect_small(static_cast<std::uint64_t>(s.outer) * s.inner * positions.size());
  Numbers result;
  result.dims = numbers.dims;
  result.dims[axis] = static_cast<std::int64_t>(positions.size());
  result.real = numbers.real;
  for (std::size_t o = 0; o < s.outer; ++o) {
    for (const std::int64_t position : positions) {
      const auto first = numbers.values.begin() +
                         static_cast<std::ptrdiff_t>((o * s.along + static_cast<std::size_t>(position)) * s.inner);
      result.values.insert(result.values.end(), first, first + static_cast<std::ptrdiff_t>(s.inner));
    }
  }
  return result;
}

Numbers concatenate(std::span<const Numbers* const> parts, std::size_t axis) {
  Numbers result;
  result.dims = parts[0]->dims;
  result.dims[axis] = 0;
  std::uint64_t count = 0;
  for (const Numbers* part : parts) {
    std::vector<std::int64_t> dims = part->dims;
    if (dims.size() != result.dims.size()) throw Error("the ranks of the numbers differ");
    result.dims[axis] += dims[axis];
    dims[axis] = result.dims[axis];
    if (dims != result.dims) throw Error("the shapes of the numbers differ");
    result.real = result.real || part->real;
    count += part->values.size();
    expect_small(count);
  }
  const std::size_t outer = strides(result.dims, axis).outer;
  for (std::size_t o = 0; o < outer; ++o) {
    for (const Numbers* part : parts) {
      const std::size_t share = part->values.size() / outer;
      const auto first = part->values.begin() + static_cast<std::ptrdiff_t>(o * share);
      result.values.insert(result.values.end(), first, first + static_cast<std::ptrdiff_t>(share));
    }
  }
  return result;
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

Numbers transpose(const Numbers& numbers, std::span<const std::size_t> order) {
  Numbers result;
  result.real = numbers.real;
  for (const std::size_t axis : order) result.dims.push_back(numbers.dims[axis]);
  for (const std::size_t position : transposed_positions(numbers.dims, order)) {
    result.values.push_back(numbers.values[position]);
  }
  return result;
}

}  // namespace riffle::onnx
