// Einsum of two operands: what it names is a product over axes, as MatMul's is.
#include <onnx.pb.h>

#include <algorithm>

#include "io/onnx/dense.hpp"
#include "io/onnx/numbers.hpp"
#include "io/onnx/operators.hpp"

namespace riffle::onnx {
namespace {

struct Equation {
  std::string a, b, result;  ///< a letter for each axis
};

Equation read_equation(Call& call) {
  std::string text = call.text("equation", "");
  std::erase(text, ' ');
  const std::size_t comma = text.find(','), arrow = text.find("->");
  const auto refuse = [&] {
    throw Error("the equation '" + text + "' is not of two operands and a result, each of different letters");
  };
  if (comma == std::string::npos || arrow == std::string::npos || arrow < comma) refuse();
  Equation result{text.substr(0, comma), text.substr(comma + 1, arrow - comma - 1), text.substr(arrow + 2)};
  for (const std::string* letters : {&result.a, &result.b, &result.result}) {
    for (const char letter : *letters) {
      if (std::isalpha(static_cast<unsigned char>(letter)) == 0 || std::ranges::count(*letters, letter) != 1) refuse();
    }
  }
  const auto holds = [](const std::string& letters, char letter) { return letters.find(letter) != std::string::npos; };
  for (const char letter : result.result) {
    if (!holds(result.a, letter) && !holds(result.b, letter)) refuse();
  }
  for (const std::string* letters : {&result.a, &result.b}) {
    for (const char letter : *letters) {
      const bool is_summed_alone =
          !holds(result.result, letter) && !(holds(result.a, letter) && holds(result.b, letter));
      if (is_summed_alone) throw Error("it sums over an axis of one operand, '" + std::string(1, letter) + "'");
    }
  }
  return result;
}

std::optional<std::size_t> axis_of(const std::string& letters, char letter) {
  const std::size_t at = letters.find(letter);
  return at == std::string::npos ? std::nullopt : std::optional(at);
}

/// The axes of the result, from where each is to be had.
View ordered(const Equation& equation, View result, const View& a, const View& b) {
  result.axes.clear();
  result.first_channel = 0;
  for (const char letter : equation.result) {
    const auto of_a = axis_of(equation.a, letter);
    result.axes.push_back(of_a ? a.axes[*of_a] : b.axes[*axis_of(equation.b, letter)]);
  }
  return result;
}

/// Of a tensor a and a constant b, which have one axis in common that is summed.
void multiply_by_constant(Call& call, const Equation& equation, View& view, const Floats& constant) {
  std::vector<std::size_t> order, common;
  std::int64_t outputs = 1;
  std::vector<std::int64_t> dims;
  for (std::size_t i = 0; i < equation.b.size(); ++i) {
    if (axis_of(equation.a, equation.b[i])) {
      common.push_back(i);
      continue;
    }
    order.push_back(i);
    dims.push_back(constant.dims[i]);
    outputs *= constant.dims[i];
  }
  if (common.size() != 1 || axis_of(equation.result, equation.b[common[0]])) {
    throw Error("of a tensor and a constant only a sum over one axis is supported");
  }
  order.push_back(common[0]);
  if (outputs < 1 || outputs > graph::max_extent)
    throw Error("the weights are for " + std::to_string(outputs) + " outputs");
  const std::int64_t inputs = constant.dims[common[0]];
  call.importer.charge(3 * element_count(constant.dims));
  const Value weights = pick(constant, {outputs, inputs}, transposed_positions(constant.dims, order));
  const std::size_t axis = *axis_of(equation.a, equation.b[common[0]]);
  View product = product_along(call, view, axis, std::get<Floats>(weights).values, inputs, outputs, {});
  View divided = product;  // the outputs as the axes of the constant that they are of
  divided.axes.assign(equation.b.size(), {});
  std::int64_t step = 1;
  for (std::size_t i = dims.size(); i-- > 0; step *= dims[i]) {
    if (dims[i] > 1) divided.axes[order[i]] = {{.index = Index::channel, .extent = dims[i], .step = step}};
  }
  call.result(ordered(equation, product, product, divided));
}

}  // namespace

void import_einsum(Call& call) {
  if (call.inputs() != 2) throw Error("only one of two operands is supported");
  Equation equation = read_equation(call);
  const auto rank = [&](std::size_t i) {
    return call.is_tensor(i) ? call.tensor(i).axes.size() : dims_of(call.constant(i)).size();
  };
  if (rank(0) != equation.a.size() || rank(1) != equation.b.size()) throw Error("its equation is of other ranks");
  if (!call.is_tensor(0) || !call.is_tensor(1)) {
    const std::size_t tensor = call.is_tensor(0) ? 0 : 1;
    if (tensor == 1) std::swap(equation.a, equation.b);
    return multiply_by_constant(call, equation, call.tensor(tensor), call.floats(1 - tensor));
  }
  View a = call.tensor(0), b = call.tensor(1);
  ContractedAxes axes;
  for (std::size_t i = 0; i < equation.a.size(); ++i) {
    const auto of_b = axis_of(equation.b, equation.a[i]);
    if (!of_b) {
      axes.rows.push_back(i);
    } else {
      (axis_of(equation.result, equation.a[i]) ? axes.common : axes.summed).push_back({i, *of_b});
    }
  }
  for (std::size_t i = 0; i < equation.b.size(); ++i) {
    if (!axis_of(equation.a, equation.b[i])) axes.columns.push_back(i);
  }
  View result = a;
  result.node = sum_of_products(call.importer, call.name(), a, b, axes);
  call.result(ordered(equation, std::move(result), a, b));
}

}  // namespace riffle::onnx
