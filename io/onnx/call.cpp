// One node of the model while it is imported.
#include <onnx.pb.h>

#include "io/onnx/importer.hpp"
#include "io/onnx/numbers.hpp"

namespace riffle::onnx {
namespace {

constexpr int max_rank = 8;

}  // namespace

std::string_view Call::type() const { return proto_.op_type(); }

std::string Call::name() const { return proto_.name().empty() ? output_name(0) : proto_.name(); }

std::size_t Call::inputs() const { return static_cast<std::size_t>(proto_.input_size()); }

std::size_t Call::outputs() const { return static_cast<std::size_t>(proto_.output_size()); }

bool Call::has(std::size_t i) const { return i < inputs() && !input_name(i).empty(); }

bool Call::output_used(std::size_t i) const {
  return i < outputs() && !output_name(i).empty() && importer.uses(output_name(i)) > 0;
}

const std::string& Call::input_name(std::size_t i) const {
  if (i >= inputs()) throw Error("input " + std::to_string(i) + " is missing");
  return proto_.input(static_cast<int>(i));
}

const std::string& Call::output_name(std::size_t i) const {
  if (i >= outputs()) throw Error("output " + std::to_string(i) + " is missing");
  return proto_.output(static_cast<int>(i));
}

Value& Call::value(std::size_t i) {
  Value& found = value_of_any_type(i);
  if (const auto* view = std::get_if<View>(&found); view != nullptr && is_quantised(view->type)) {
    throw Error("input " + std::to_string(i) + " '" + input_name(i) + "' is of type " +
                std::string(name_of(view->type)) +
                ": an input of the model becomes float by Cast or DequantizeLinear, and layers compute in float");
  }
  if (std::holds_alternative<Places>(found)) {
    throw Error("input " + std::to_string(i) + " '" + input_name(i) +
                "' is what Cast makes of bytes: places in a table, which Gather alone reads");
  }
  if (const View* view = importer.input(input_name(i)); view != nullptr && view->type == Type::i32) {
    throw Error("input " + std::to_string(i) + " '" + input_name(i) +
                "' is an input of the model of whole numbers: it becomes float by Cast, and only its shape is read " +
                "otherwise");
  }
  return found;
}

Value& Call::value_of_any_type(std::size_t i) {
  if (!has(i)) throw Error("input " + std::to_string(i) + " is missing");
  Value& found = importer.value(input_name(i));
  if (std::holds_alternative<Padded>(found)) importer.materialise(found);
  return found;
}

const Padded* Call::padded(std::size_t i) {
  return has(i) ? std::get_if<Padded>(&importer.value(input_name(i))) : nullptr;
}

const Places* Call::places(std::size_t i) {
  return has(i) ? std::get_if<Places>(&importer.value(input_name(i))) : nullptr;
}

View& Call::tensor(std::size_t i) {
  Value& found = value(i);
  if (auto* view = std::get_if<View>(&found)) return *view;
  throw Error("input " + std::to_string(i) + " '" + input_name(i) +
              "' is a constant, not a tensor that depends on the input");
}

View Call::image_or_line(std::size_t i) {
  const View& given = tensor(i);
  if (given.axes.size() != 3) return image(i);
  View view = given;
  view.axes.insert(view.axes.begin() + 2, Axis{});
  importer.arrange(view, as_image());
  return view;
}

View& Call::image(std::size_t i) {
  View& view = tensor(i);
  if (channel_axis(view)) importer.settle(view);
  if (view.axes == importer.whole(view.node).axes) return view;
  if (view.axes.size() == 4) importer.arrange(view, as_image());
  if (view.axes != importer.whole(view.node).axes) {
    throw Error("input " + std::to_string(i) + " '" + input_name(i) + "' is a view " + onnx::text(view) +
                ", not (N, C, H, W)");
  }
  return view;
}

const Floats& Call::floats(std::size_t i) {
  const auto* found = std::get_if<Floats>(&value(i));
  if (found != nullptr && !found->are_raw()) return *found;
  throw Error("input " + std::to_string(i) + " '" + input_name(i) + "' is not a constant of floats" +
              (found != nullptr ? " but of " + std::string(name_of(found->values.type())) : ""));
}

const Value& Call::constant(std::size_t i) {
  const Value& found = value(i);
  if (std::holds_alternative<View>(found) || std::holds_alternative<Padded>(found)) {
    throw Error(
        "input " + std::to_string(i) + " '" + input_name(i) +
        "' is not known when the model is imported: only constants and a shape's arithmetic are supported here");
  }
  importer.charge(3 * element_count(dims_of(found)));
  return found;
}

Numbers Call::numbers(std::size_t i) {
  Value& found = value(i);
  if (const auto* numbers = std::get_if<Numbers>(&found)) {
    importer.charge(static_cast<std::int64_t>(numbers->values.size()));
    return *numbers;
  }
  const auto* floats = std::get_if<Floats>(&found);
  if (floats == nullptr || static_cast<std::int64_t>(floats->values.size()) > max_numbers) {
    throw Error("input " + std::to_string(i) + " '" + input_name(i) +
                "' is not known when the model is imported: only a shape's arithmetic is supported here");
  }
  importer.charge(static_cast<std::int64_t>(floats->values.size()));
  Numbers result;
  result.dims = floats->dims;
  result.real = true;
  for (const float one : floats->values.values()) {
    result.values.push_back(Quantity::from_real(static_cast<double>(one)));
  }
  return result;
}

Floats Call::any_floats(std::size_t i) {
  if (const auto* numbers = std::get_if<Numbers>(&value(i))) return floats_of(*numbers);
  return floats(i);
}

::onnx::AttributeProto* Call::find(const char* attribute, int type) {
  asked_.insert(attribute);
  for (auto& one : *proto_.mutable_attribute()) {
    if (one.name() != attribute) continue;
    if (one.type() != type) throw Error(std::string("the attribute ") + attribute + " is of a wrong type");
    return &one;
  }
  return nullptr;
}

std::int64_t Call::integer(const char* attribute, std::int64_t otherwise) {
  const auto* found = find(attribute, ::onnx::AttributeProto::INT);
  return found != nullptr ? found->i() : otherwise;
}

std::optional<std::vector<std::int64_t>> Call::integers(const char* attribute) {
  const auto* found = find(attribute, ::onnx::AttributeProto::INTS);
  if (found == nullptr) return std::nullopt;
  return std::vector<std::int64_t>(found->ints().begin(), found->ints().end());
}

float Call::real(const char* attribute, float otherwise) {
  const auto* found = find(attribute, ::onnx::AttributeProto::FLOAT);
  return found != nullptr ? found->f() : otherwise;
}

std::string Call::text(const char* attribute, const char* otherwise) {
  const auto* found = find(attribute, ::onnx::AttributeProto::STRING);
  return found != nullptr ? found->s() : otherwise;
}

std::optional<std::vector<std::int64_t>> Call::list(const char* attribute, std::size_t input) {
  if (auto found = integers(attribute)) return found;
  if (!has(input)) return std::nullopt;
  const Numbers found = numbers(input);
  if (found.dims.size() > 1) throw Error("input " + std::to_string(input) + " is not a list");
  return known_integers(found);
}

std::size_t Call::axis(std::int64_t axis, std::size_t rank) {
  const auto ranks = static_cast<std::int64_t>(rank);
  if (axis < -ranks || axis >= ranks) {
    throw Error("axis " + std::to_string(axis) + " of a tensor of " + std::to_string(rank) + " dimensions");
  }
  return static_cast<std::size_t>(axis < 0 ? axis + ranks : axis);
}

void Call::result(Value value, std::size_t i) {
  if (auto* view = std::get_if<View>(&value)) {
    view->type = Type::f32;
    view->quantization.reset();
  }
  define(std::move(value), i);
}

void Call::result_of_type(View view, Type type, std::optional<Quantization> quantization) {
  view.type = type;
  view.quantization = quantization;
  define(std::move(view), 0);
}

void Call::define(Value value, std::size_t i) {
  if (i >= outputs() || output_name(i).empty()) return;  // an output that the model does not name
  if (auto* view = std::get_if<View>(&value)) {
    if (view->axes.size() > max_rank) throw Error("the result has more than 8 dimensions");
    view->name = output_name(i);
  }
  importer.define(output_name(i), std::move(value));
}

void Call::result_image(graph::NodeId node) {
  View view = importer.whole(node);
  const auto* operand = std::get_if<View>(&importer.value(input_name(0)));
  if (operand != nullptr && operand->axes.size() == 3) view.axes.erase(view.axes.begin() + 2);
  result(std::move(view));
}

void Call::finish() const {
  for (const auto& attribute : proto_.attribute()) {
    if (!asked_.contains(attribute.name())) throw Error("the attribute " + attribute.name() + " is not supported");
  }
}

}  // namespace riffle::onnx
