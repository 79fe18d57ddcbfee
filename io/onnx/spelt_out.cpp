#include "io/onnx/spelt_out.hpp"

#include <onnx.pb.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/onnx/functions.hpp"
#include "io/onnx/subgraphs.hpp"
#include "io/onnx/tensor_data.hpp"
#include "io/onnx/writer.hpp"

namespace riffle::onnx {
namespace {

using kernels::Function;
using ::onnx::NodeProto;

constexpr std::size_t near_points = 25;  // from -9.6 to 9.6, 0 and none where a known function bends
constexpr std::array far_points = {16.0, 50.0, 200.0, 5000.0, 70000.0};  // and less than 0: a bound may be anywhere
constexpr std::size_t points = near_points + 2 * far_points.size();
constexpr int longest = 10;              // operators that a function is spelt out in
constexpr std::size_t remembered = 256;  // nodes: what belongs together stands together
constexpr double precision = 2e-6;

using Samples = std::array<double, points>;

double point(std::size_t i) {
  if (i < near_points) return 0.8 * (static_cast<double>(i) - 12.0);
  const double far = far_points[(i - near_points) / 2];
  return i % 2 == 0 ? far : -far;
}

/// What a tensor is as a function of another one, the root, from which so many operators lead to it.
struct Curve {
  std::string root;
  Samples y;
  int operators = 0;
};

float attribute(const NodeProto& node, const char* name, float otherwise) {
  for (const auto& one : node.attribute()) {
    if (one.name() == name) return one.f();
  }
  return otherwise;
}

/// An operator that has this name, and what a model writes for it.
struct Known {
  const char* type;
  kernels::FunctionArgs function;
  std::vector<FunctionAttribute> attributes = {};
  const char* approximation = nullptr;
};

std::vector<Known> known_functions(const Samples& y) {
  // Of a leaky ReLU its slope is what is made of the first point, which is negative.
  const auto slope = static_cast<float>(y[0] / point(0));
  std::vector<Known> all = {
      {"Swish", {Function::silu}},
      {"HardSwish", {Function::hard_swish}},
      {"Mish", {Function::mish}},
      {"Gelu", {Function::gelu}},
      {"Gelu", {Function::gelu_tanh}, {}, "tanh"},
      {"Sigmoid", {Function::sigmoid}},
      {"Tanh", {Function::tanh}},
      {"Softplus", {Function::softplus}},
      {"HardSigmoid", {Function::hard_sigmoid, 1.0F / 6, 0.5F}, {{"alpha", 1.0F / 6}, {"beta", 0.5F}}},
      {"HardSigmoid", {Function::hard_sigmoid, 0.2F, 0.5F}, {{"alpha", 0.2F}, {"beta", 0.5F}}}};
  if (slope > 0 && slope < 0.999F) all.push_back({"LeakyRelu", {Function::leaky, slope}, {{"alpha", slope}}});
  return all;
}

bool is_same(const Samples& y, const kernels::FunctionArgs& function) {
  for (std::size_t i = 0; i < points; ++i) {
    // Far away what is spelt out may overflow, as log(1 + e^x) does.
    if (i >= near_points && !std::isfinite(y[i])) continue;
    const double wanted = kernels::reference_of(function, point(i));
    if (!(std::abs(y[i] - wanted) <= precision * std::max(1.0, std::abs(wanted)))) return false;
  }
  return true;
}

class Joiner {
 public:
  explicit Joiner(::onnx::GraphProto& graph) : graph_(graph) {
    for (const auto& tensor : graph.initializer()) note_constant(tensor.name(), tensor);
    for (const NodeProto& node : graph.node()) {
      for_each_read(node, [&](const std::string& name) { ++readers_[name]; });
    }
    for (const auto& output : graph.output()) ++readers_[output.name()];
  }

  void run() {
    for (NodeProto& node : *graph_.mutable_node()) {
      if (node.output_size() != 1 || !(node.domain().empty() || node.domain() == "ai.onnx")) continue;
      if (node.op_type() == "Constant") {
        for (const auto& one : node.attribute()) {
          if (one.name() == "value") note_constant(node.output(0), one.t());
          if (one.name() == "value_float") constants_[node.output(0)] = static_cast<double>(one.f());
        }
        continue;
      }
      pass_by_expand(node);
      std::vector<Curve> curves = follow(node);
      if (curves.empty()) continue;
      for (const Curve& curve : curves) {
        if (curve.operators > 1 && join(node, curve)) break;
      }
      remember(node.output(0), std::move(curves));
    }
    if (has_joined_) remove_unread();
  }

 private:
  /// A single number, of no more dimensions than any tensor has.
  void note_constant(const std::string& name, const ::onnx::TensorProto& tensor) {
    if (tensor.dims_size() > 1 || (tensor.dims_size() == 1 && tensor.dims(0) != 1)) return;
    if (tensor.data_location() == ::onnx::TensorProto::EXTERNAL) return;
    try {
      ::onnx::TensorProto copy = tensor;
      const Value value = take_data(copy);
      if (const auto* floats = std::get_if<Floats>(&value); floats != nullptr && floats->values.size() == 1) {
        constants_[name] = static_cast<double>(floats->values.values()[0]);
      }
      if (const auto* numbers = std::get_if<Numbers>(&value); numbers != nullptr && numbers->values.size() == 1) {
        const Quantity& one = numbers->values[0];
        constants_[name] = static_cast<double>(one.numerator) / static_cast<double>(one.denominator);
      }
    } catch (const Error&) {  // whoever needs it will say so
    }
  }

  /// A PRelu's slopes are broadcast to its tensor: to be expanded before says nothing, and may take much memory.
  void pass_by_expand(NodeProto& node) {
    if (node.op_type() == "Expand" && node.input_size() == 2) expanded_[node.output(0)] = node.input(0);
    if (node.op_type() != "PRelu" || node.input_size() != 2) return;
    const auto found = expanded_.find(node.input(1));
    if (found == expanded_.end()) return;
    --readers_[node.input(1)];
    ++readers_[found->second];
    node.set_input(1, found->second);
    has_joined_ = true;
  }

  void remember(const std::string& name, std::vector<Curve> curves) {
    curves_[name] = std::move(curves);
    recent_.push_back(name);
    if (recent_.size() <= remembered) return;
    curves_.erase(recent_.front());
    recent_.pop_front();
  }

  /// What a name is, of itself and of whatever it is computed from.
  std::vector<Curve> curves_of(const std::string& name) const {
    Curve itself{name, {}};
    for (std::size_t i = 0; i < points; ++i) itself.y[i] = point(i);
    std::vector<Curve> all = {std::move(itself)};
    if (const auto found = curves_.find(name); found != curves_.end()) {
      all.insert(all.end(), found->second.begin(), found->second.end());
    }
    return all;
  }

  [[nodiscard]] std::optional<double> constant(const NodeProto& node, int input) const {
    if (input >= node.input_size()) return std::nullopt;
    const auto found = constants_.find(node.input(input));
    return found == constants_.end() ? std::nullopt : std::optional(found->second);
  }

  /// f of every curve of the node's first input.
  template <class F>
  std::vector<Curve> map(const std::string& name, F&& f) const {
    std::vector<Curve> result = curves_of(name);
    std::erase_if(result, [](const Curve& curve) { return curve.operators >= longest; });
    for (Curve& curve : result) {
      ++curve.operators;
      for (double& y : curve.y) y = f(y);
    }
    return result;
  }

  template <class F>
  std::vector<Curve> combine(const NodeProto& node, F&& f) const {
    const std::optional<double> a = constant(node, 0), b = constant(node, 1);
    if (a && b) return {};
    if (a) return map(node.input(1), [&](double y) { return f(*a, y); });
    if (b) return map(node.input(0), [&](double y) { return f(y, *b); });
    std::vector<Curve> result;
    const std::vector<Curve> others = curves_of(node.input(1));
    for (Curve& one : curves_of(node.input(0))) {
      const auto other = std::ranges::find(others, one.root, &Curve::root);
      if (other == others.end() || one.operators + other->operators >= longest) continue;
      for (std::size_t i = 0; i < points; ++i) one.y[i] = f(one.y[i], other->y[i]);
      one.operators += other->operators + 1;
      result.push_back(std::move(one));
    }
    return result;
  }

  /// Nothing where it is no operator that computes number by number.
  std::vector<Curve> follow(const NodeProto& node) const {
    const std::string& type = node.op_type();
    if (node.input_size() == 2) {
      if (type == "Add") return combine(node, [](double a, double b) { return a + b; });
      if (type == "Sub") return combine(node, [](double a, double b) { return a - b; });
      if (type == "Mul") return combine(node, [](double a, double b) { return a * b; });
      if (type == "Div") return combine(node, [](double a, double b) { return a / b; });
      if (type == "Max") return combine(node, [](double a, double b) { return std::max(a, b); });
      if (type == "Min") return combine(node, [](double a, double b) { return std::min(a, b); });
      if (type == "Pow") return combine(node, [](double a, double b) { return std::pow(a, b); });
    }
    if (type == "Clip" && node.input_size() > 0) {
      for (int i = 1; i < node.input_size(); ++i) {
        if (!node.input(i).empty() && !constant(node, i)) return {};
      }
      const double lower = constant(node, 1).value_or(attribute(node, "min", -1e30F));
      const double upper = constant(node, 2).value_or(attribute(node, "max", 1e30F));
      return map(node.input(0), [&](double y) { return std::min(std::max(y, lower), upper); });
    }
    if (node.input_size() != 1) return {};
    if (type == "Relu") return map(node.input(0), [](double y) { return std::max(y, 0.0); });
    const auto* const found =
        std::ranges::find(function_operators, type, [](const FunctionOperator& one) { return one.type; });
    if (found == function_operators.end()) return {};
    kernels::FunctionArgs function{found->function};
    if (found->a.name != nullptr) function.a = attribute(node, found->a.name, found->a.otherwise);
    if (found->b.name != nullptr) function.b = attribute(node, found->b.name, found->b.otherwise);
    return map(node.input(0), [&](double y) { return kernels::reference_of(function, y); });
  }

  bool join(NodeProto& node, const Curve& curve) {
    for (const Known& known : known_functions(curve.y)) {
      if (!is_same(curve.y, known.function)) continue;
      for (const auto& input : node.input()) --readers_[input];
      ++readers_[curve.root];
      node.set_op_type(known.type);
      node.clear_input();
      node.add_input(curve.root);
      node.clear_attribute();
      for (const auto& [name, value] : known.attributes) set(node, name, value);
      if (known.approximation != nullptr) set(node, "approximate", known.approximation);
      has_joined_ = true;
      return true;
    }
    return false;
  }

  /// What was read before, and is not any more.
  void remove_unread() {
    auto& nodes = *graph_.mutable_node();
    std::vector<bool> is_unread(static_cast<std::size_t>(nodes.size()), false);
    for (int i = nodes.size(); i-- > 0;) {
      const NodeProto& node = nodes[i];
      if (node.output_size() != 1 || !readers_.contains(node.output(0)) || readers_[node.output(0)] > 0) continue;
      for_each_read(node, [&](const std::string& name) { --readers_[name]; });
      is_unread[static_cast<std::size_t>(i)] = true;
    }
    int kept = 0;
    for (int i = 0; i < nodes.size(); ++i) {
      if (!is_unread[static_cast<std::size_t>(i)]) nodes.SwapElements(i, kept++);
    }
    nodes.DeleteSubrange(kept, nodes.size() - kept);
  }

  ::onnx::GraphProto& graph_;
  std::unordered_map<std::string, int> readers_;
  std::unordered_map<std::string, double> constants_;
  std::unordered_map<std::string, std::vector<Curve>> curves_;
  std::unordered_map<std::string, std::string> expanded_;  // by what Expand makes, what it is made of
  std::deque<std::string> recent_;                         // the names that have curves
  bool has_joined_ = false;
};

}  // namespace

void join_spelt_out(::onnx::GraphProto& graph) { Joiner(graph).run(); }

}  // namespace riffle::onnx
