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

Quantity truth(bool value) { return Quantity(value ? 1 : 0); }
bool is_true(const Quantity& value) { return value != Quantity(0); }

using Binary = Quantity (*)(const Quantity&, const Quantity&);

struct Arithmetic {
  std::string_view type;
  Binary real, integer;
  bool is_comparison = false;
};

Quantity larger(const Quantity& a, const Quantity& b) { return less(a, b) ? b : a; }
Quantity smaller(const Quantity& a, const Quantity& b) { return less(b, a) ? b : a; }
Quantity divide_integers(const Quantity& a, const Quantity& b) { return truncate(divide(a, b)); }
Quantity is_less(const Quantity& a, const Quantity& b) { return truth(less(a, b)); }
Quantity is_greater(const Quantity& a, const Quantity& b) { return truth(less(b, a)); }
Quantity is_equal(const Quantity& a, const Quantity& b) { return truth(equal(a, b)); }
Quantity both(const Quantity& a, const Quantity& b) { return truth(is_true(a) && is_true(b)); }
Quantity either(const Quantity& a, const Quantity& b) { return truth(is_true(a) || is_true(b)); }
Quantity one_of(const Quantity& a, const Quantity& b) { return truth(is_true(a) != is_true(b)); }

constexpr Arithmetic operations[] = {
    {"Add", add, add},
    {"Sub", subtract, subtract},
    {"Mul", multiply, multiply},
    {"Div", divide, divide_integers},
    {"Max", larger, larger},
    {"Min", smaller, smaller},
    {"Mod", modulo, modulo},
    {"Less", is_less, is_less, true},
    {"Greater", is_greater, is_greater, true},
    {"Equal", is_equal, is_equal, true},
    {"And", both, both, true},
    {"Or", either, either, true},
    {"Xor", one_of, one_of, true},
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
  Numbers result = combine(a, b, a.real || b.real ? operation.real : operation.integer);
  if (operation.is_comparison) result.real = false;
  call.result(std::move(result));
}

void import_not(Call& call) {
  call.result(apply(call.numbers(0), [](const Quantity& one) { return truth(!is_true(one)); }));
}

void import_where(Call& call) {
  const Numbers condition = call.numbers(0);
  // One choice for all, or one an element: with the other choice masked out, the sum picks.
  const Numbers yes = combine(condition, call.numbers(1),
                              [](const Quantity& c, const Quantity& a) { return is_true(c) ? a : Quantity(0); });
  const Numbers no = combine(condition, call.numbers(2),
                             [](const Quantity& c, const Quantity& b) { return is_true(c) ? Quantity(0) : b; });
  call.result(combine(yes, no, add));
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
