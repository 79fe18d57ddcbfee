// Constants, and what models compute with shapes: all of it is known when the model is imported.
#include <onnx.pb.h>

#include <algorithm>

#include "io/onnx/importer.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"
#include "io/onnx/tensor_data.hpp"

namespace riffle::onnx {
namespace {

using ::onnx::AttributeProto;

using Binary = Quantity (*)(const Quantity&, const Quantity&);

struct Arithmetic {
  std::string_view type;
  Binary real, integer;
};

Quantity larger(const Quantity& a, const Quantity& b) { return less(a, b) ? b : a; }
Quantity smaller(const Quantity& a, const Quantity& b) { return less(b, a) ? b : a; }
Quantity divide_integers(const Quantity& a, const Quantity& b) { return truncate(divide(a, b)); }
constexpr Arithmetic operations[] = {
    {"Add", add, add},       {"Sub", subtract, subtract}, {"Mul", multiply, multiply}, {"Div", divide, divide_integers},
    {"Max", larger, larger}, {"Min", smaller, smaller},   {"Mod", modulo, modulo},
};

}  // namespace

void import_constant(Call& call) {
  if (auto* value = call.find("value", AttributeProto::TENSOR)) return call.result(take_data(*value->mutable_t()));
  if (const auto* value = call.find("value_int", AttributeProto::INT)) {
    return call.result(Numbers{.dims = {}, .values = {Quantity(value->i())}, .real = false});
  }
  if (const auto* value = call.find("value_float", AttributeProto::FLOAT)) {
    return call.result(Floats{.dims = {}, .values = graph::Constant(std::vector<float>{value->f()})});
  }
  if (const auto values = call.integers("value_ints")) {
    std::vector<Quantity> list;
    for (const std::int64_t value : *values) list.emplace_back(value);
    Numbers result = list_of(std::move(list));
    expect_few(result.dims);
    return call.result(std::move(result));
  }
  if (const auto* values = call.find("value_floats", AttributeProto::FLOATS)) {
    return call.result(
        Floats{.dims = {values->floats_size()},
               .values = graph::Constant(std::vector<float>(values->floats().begin(), values->floats().end()))});
  }
  throw Error("a constant that is not of numbers is not supported");
}

void import_constant_of_shape(Call& call) {
  const std::vector<std::int64_t> dims = known_integers(call.numbers(0));
  if (dims.size() > 8) throw Error("more than 8 dimensions");
  expect_few(dims);
  const auto count = static_cast<std::size_t>(element_count(dims));
  call.importer.charge(static_cast<std::int64_t>(count));
  auto* value = call.find("value", AttributeProto::TENSOR);
  const Value fill = value != nullptr ? take_data(*value->mutable_t())
                                      : Floats{.dims = {1}, .values = graph::Constant(std::vector<float>{0.0F})};
  if (const auto* numbers = std::get_if<Numbers>(&fill); numbers != nullptr && numbers->values.size() == 1) {
    return call.result(
        Numbers{.dims = dims, .values = std::vector<Quantity>(count, numbers->values[0]), .real = false});
  }
  if (const auto* floats = std::get_if<Floats>(&fill); floats != nullptr && floats->values.size() == 1) {
    const float single = floats->values.values()[0];
    return call.result(Floats{.dims = dims, .values = graph::Constant(std::vector<float>(count, single))});
  }
  throw Error("the value is not a single number");
}

void import_shape(Call& call) {
  const Value& value = call.value_of_any_type(0);
  std::vector<Quantity> all;
  if (const auto* floats = std::get_if<Floats>(&value)) {
    for (const std::int64_t dim : floats->dims) all.emplace_back(dim);
  } else if (const auto* numbers = std::get_if<Numbers>(&value)) {
    for (const std::int64_t dim : numbers->dims) all.emplace_back(dim);
  } else if (const auto* view = std::get_if<View>(&value)) {
    all = extents(*view);
  }
  const auto rank = static_cast<std::int64_t>(all.size());
  const auto position = [&](std::int64_t p) { return std::clamp<std::int64_t>(p < 0 ? p + rank : p, 0, rank); };
  const std::int64_t start = position(call.integer("start", 0)), end = position(call.integer("end", rank));
  if (start >= end) return call.result(list_of({}));
  call.result(list_of({all.begin() + start, all.begin() + end}));
}

void import_arithmetic(Call& call) {
  if (call.inputs() != 2 || call.is_tensor(0) || call.is_tensor(1)) {
    throw Error("of tensors this is not supported, only of two shapes");
  }
  const auto* const found = std::ranges::find(operations, call.type(), &Arithmetic::type);
  if (found == std::end(operations)) throw Error("of a shape's numbers this is not supported");
  const Arithmetic& operation = *found;
  if (call.integer("fmod", 0) != 0) throw Error("fmod is not supported");
  const Numbers a = call.numbers(0), b = call.numbers(1);
  call.result(combine(a, b, a.real || b.real ? operation.real : operation.integer));
}

/// How many numbers there are.
void import_size(Call& call) {
  const Value& value = call.value_of_any_type(0);
  Numbers result{.dims = {}, .values = {Quantity(1)}};
  Quantity& count = result.values[0];
  if (const auto* view = std::get_if<View>(&value)) {
    for (const Quantity& one : extents(*view)) {
      const Extents made_of = count.made_of | one.made_of;
      count = multiply(count, one);
      count.made_of = made_of;
    }
    count.measure.reset();
  } else {
    count = Quantity(element_count(dims_of(value)));
  }
  call.result(std::move(result));
}

/// start, start + delta ... before limit.
void import_range(Call& call) {
  const Numbers start = call.numbers(0), limit = call.numbers(1), delta = call.numbers(2);
  Extents made_of;
  for (const Numbers* one : {&start, &limit, &delta}) {
    if (one->values.size() != 1) throw Error("start, limit and delta are not single numbers");
    made_of = made_of | one->values[0].made_of;
  }
  if (made_of.any()) throw Error("as many numbers as the input's size says");
  const Quantity length = subtract(limit.values[0], start.values[0]);
  const Quantity minus_one(-1);
  const auto count = multiply(minus_one, floor(multiply(minus_one, divide(length, delta.values[0])))).known_integer();
  if (!count) throw Error("how many numbers there are depends on the batch");
  if (*count > max_numbers) expect_few({*count});
  Numbers result = list_of({});
  result.real = start.real || limit.real || delta.real;
  for (std::int64_t i = 0; i < *count; ++i) {
    result.values.push_back(add(start.values[0], multiply(Quantity(i), delta.values[0])));
  }
  result.dims = {std::max<std::int64_t>(*count, 0)};
  call.result(std::move(result));
}

void import_expanded_constant(Call& call) {
  const Value& from = call.constant(0);
  const Numbers wanted = call.numbers(1);
  if (wanted.values.size() > 8) throw Error("more than 8 dimensions");
  std::vector<std::int64_t> dims;
  for (const Quantity& one : wanted.values) {
    // As many as there are images, rows or columns: it counts for all of them as it is.
    const auto known = one.known_integer();
    dims.push_back(known && !one.made_of.any() ? *known : 1);
  }
  element_count(dims);  // throws where one is negative
  // Of two extents that fit together the result has the larger one.
  std::vector<std::int64_t> result = dims;
  const std::vector<std::int64_t>& own = dims_of(from);
  if (own.size() > result.size()) result.insert(result.begin(), own.size() - result.size(), 1);
  for (std::size_t i = 0; i < own.size(); ++i) {
    std::int64_t& extent = result[result.size() - own.size() + i];
    extent = std::max(extent, own[i]);
  }
  const std::int64_t most = loop_count(result);
  if (std::holds_alternative<Numbers>(from)) expect_few({most});
  call.importer.charge(3 * most);
  call.result(broadcast(from, dims));
}

}  // namespace riffle::onnx
