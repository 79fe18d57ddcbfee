// Comparisons and choices. Of a shape's numbers they are known when the model is imported; of tensors and constants
// they are numbers, 1 for what is true and 0 for what is not.
#include <algorithm>
#include <cmath>
#include <limits>

#include "io/onnx/combine.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"

namespace riffle::onnx {
namespace {

using graph::BinaryKind;

Quantity truth(bool value) { return Quantity(value ? 1 : 0); }
bool is_true(const Quantity& value) { return value != Quantity(0); }

/// 1 where a is larger.
Operand larger_one(Importer& importer, const std::string& name, const Operand& a, const Operand& b) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const Operand difference = combined(importer, name + ".difference", BinaryKind::subtract, a, b);
  return activated(importer, name, {{0.0F, infinity}, kernels::Function::sign}, difference);
}

/// 1 where they differ.
Operand different(Importer& importer, const std::string& name, const Operand& a, const Operand& b) {
  const Operand difference = combined(importer, name + ".difference", BinaryKind::subtract, a, b);
  const Operand sign = activated(importer, name + ".sign", {{}, kernels::Function::sign}, difference);
  return activated(importer, name, {{}, kernels::Function::absolute}, sign);
}

Operand opposite(Importer& importer, const std::string& name, const Operand& a) {
  const Floats one{.dims = {}, .values = graph::Constant(std::vector<float>{1.0F})};
  return combined(importer, name, BinaryKind::subtract, one, a);
}

using OfTensors = Operand (*)(Importer&, const std::string&, const Operand&, const Operand&);

struct Comparison {
  std::string_view type;
  Quantity (*of_numbers)(const Quantity&, const Quantity&);
  OfTensors of_tensors;
};
constexpr Comparison comparisons[] = {
    {"Less", [](const Quantity& a, const Quantity& b) { return truth(less(a, b)); },
     [](Importer& i, const std::string& name, const Operand& a, const Operand& b) {
       return larger_one(i, name, b, a);
     }},
    {"Greater", [](const Quantity& a, const Quantity& b) { return truth(less(b, a)); }, larger_one},
    {"LessOrEqual", [](const Quantity& a, const Quantity& b) { return truth(!less(b, a)); },
     [](Importer& i, const std::string& name, const Operand& a, const Operand& b) {
       return opposite(i, name, larger_one(i, name + ".greater", a, b));
     }},
    {"GreaterOrEqual", [](const Quantity& a, const Quantity& b) { return truth(!less(a, b)); },
     [](Importer& i, const std::string& name, const Operand& a, const Operand& b) {
       return opposite(i, name, larger_one(i, name + ".less", b, a));
     }},
    {"Equal", [](const Quantity& a, const Quantity& b) { return truth(equal(a, b)); },
     [](Importer& i, const std::string& name, const Operand& a, const Operand& b) {
       return opposite(i, name, different(i, name + ".different", a, b));
     }},
    {"And", [](const Quantity& a, const Quantity& b) { return truth(is_true(a) && is_true(b)); },
     [](Importer& i, const std::string& name, const Operand& a, const Operand& b) {
       return combined(i, name, BinaryKind::multiply, a, b);
     }},
    {"Or", [](const Quantity& a, const Quantity& b) { return truth(is_true(a) || is_true(b)); },
     [](Importer& i, const std::string& name, const Operand& a, const Operand& b) {
       return combined(i, name, BinaryKind::maximum, a, b);
     }},
    {"Xor", [](const Quantity& a, const Quantity& b) { return truth(is_true(a) != is_true(b)); }, different},
};

/// Are all operands numbers of shapes, or single ones?
bool are_numbers(Call& call) {
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    const auto* floats = std::get_if<Floats>(&call.value(i));
    if (call.is_tensor(i) || (floats != nullptr && floats->values.size() != 1)) return false;
  }
  return true;
}

void give(Call& call, Operand result) {
  std::visit([&](auto& one) { call.result(std::move(one)); }, result);
}

/// x where the condition is 1, and 0 elsewhere.
Operand masked(Call& call, const std::string& name, const Operand& condition, const Operand& x) {
  const auto *constant = std::get_if<Floats>(&condition), *values = std::get_if<Floats>(&x);
  if (constant != nullptr && values != nullptr) {
    return combined(call.importer, *constant, *values, [](double c, double one) { return c != 0.0 ? one : 0.0; });
  }
  const auto is_infinite = [](float one) { return !std::isfinite(one); };
  if (values != nullptr && std::ranges::any_of(values->values.values(), is_infinite)) {
    throw Error("what it may choose is not finite, and its condition is not known when the model is imported");
  }
  return combined(call.importer, name, BinaryKind::multiply, condition, x);
}

}  // namespace

void import_comparison(Call& call) {
  if (call.inputs() != 2) throw Error("it has not two inputs");
  const Comparison& one = *std::ranges::find(comparisons, call.type(), &Comparison::type);
  if (are_numbers(call)) {
    Numbers result = combine(call.numbers(0), call.numbers(1), one.of_numbers);
    result.real = false;
    return call.result(std::move(result));
  }
  give(call, one.of_tensors(call.importer, call.name(), operand(call, 0), operand(call, 1)));
}

void import_not(Call& call) {
  if (!are_numbers(call)) return give(call, opposite(call.importer, call.name(), operand(call, 0)));
  call.result(apply(call.numbers(0), [](const Quantity& one) { return truth(!is_true(one)); }));
}

void import_where(Call& call) {
  if (call.inputs() != 3) throw Error("it has not three inputs");
  if (are_numbers(call)) {
    const Numbers condition = call.numbers(0);
    // One choice for all, or one an element: with the other choice masked out, the sum picks.
    const Numbers yes = combine(condition, call.numbers(1),
                                [](const Quantity& c, const Quantity& a) { return is_true(c) ? a : Quantity(0); });
    const Numbers no = combine(condition, call.numbers(2),
                               [](const Quantity& c, const Quantity& b) { return is_true(c) ? Quantity(0) : b; });
    return call.result(combine(yes, no, add));
  }
  const std::string name = call.name();
  const Operand condition = operand(call, 0);
  const Operand yes = masked(call, name + ".yes", condition, operand(call, 1));
  const Operand no = masked(call, name + ".no", opposite(call.importer, name + ".not", condition), operand(call, 2));
  give(call, combined(call.importer, name, BinaryKind::add, yes, no));
}

}  // namespace riffle::onnx
