#include "verify/interpret.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "verify/integers.hpp"
#include "verify/loops.hpp"

namespace riffle::verify {
namespace {

/// The larger of two; a NaN is larger than any number.
double larger(double a, double b) { return std::isnan(a) || b <= a ? a : b; }

/// Numbers below this are far enough from what float32 cannot hold: so are their products, as of a weight and a batch
/// norm's scale, and their sums before they are divided to a mean.
constexpr double far_from_limits = 1e15;

/// What a sum of `count` terms that are together at most `terms` large loses in float32, at most. A factor that is too
/// small for float32 may count as 0: then a term loses what it is multiplied with, which is at most `multiplied`.
double rounding(std::int64_t count, double terms, double multiplied = 1.0) {
  constexpr double unit = 1.0 / (1 << 23), least = std::numeric_limits<float>::min();
  if (!(terms < far_from_limits && multiplied < far_from_limits)) return std::numeric_limits<double>::infinity();
  return static_cast<double>(count + 4) * (unit * terms + least * std::max(multiplied, 1.0));
}

/// The largest magnitude.
double largest_of(const Tensor& tensor) {
  double largest = 0.0;
  for (const double value : tensor.values) largest = larger(largest, std::abs(value));
  return largest;
}

/// A NaN stays one.
void activate(Tensor& tensor, const graph::Activation& activation) {
  const double lower = activation.bounds.lower, upper = activation.bounds.upper;
  for (double& x : tensor.values) {
    x = kernels::reference_of(activation.function, x < lower ? lower : x > upper ? upper : x);
  }
  if (activation.function == kernels::Function::none) return;
  tensor.error = kernels::facts_of(activation.function).steepest * tensor.error + rounding(1, 1.0 + largest_of(tensor));
}

/// Weights (outputs, C / groups, kernel_h, kernel_w), and a bias an output or none.
void convolve(const Tensor& in, const std::vector<double>& weight, const std::vector<double>& bias, std::int64_t groups,
              const kernels::Window& window, Tensor& out) {
  const std::int64_t inputs = in.shape.c / groups, outputs = out.shape.c / groups;
  const std::int64_t taps = std::int64_t{window.kernel_h} * window.kernel_w;
  double most_terms = 0.0;
  for_each_pixel(out, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
    for (std::int64_t o = 0; o < out.shape.c; ++o) {
      double sum = bias.empty() ? 0.0 : bias[static_cast<std::size_t>(o)];
      double terms = std::abs(sum);
      const std::int64_t first = o / outputs * inputs;  // the group's first input channel
      for_each_tap(window, in.shape.h, in.shape.w, y, x, [&](std::int64_t in_y, std::int64_t in_x, std::int64_t tap) {
        for (std::int64_t i = 0; i < inputs; ++i) {
          const double term =
              in.at(n, in_y, in_x, first + i) * weight[static_cast<std::size_t>((o * inputs + i) * taps + tap)];
          sum += term;
          terms += std::abs(term);
        }
      });
      out.at(n, y, x, o) = sum;
      most_terms = larger(most_terms, terms);
    }
  });
  double gain = 0.0;
  for (std::int64_t o = 0; o < out.shape.c; ++o) {
    double row = 0.0;
    for (std::int64_t i = 0; i < inputs * taps; ++i) {
      row += std::abs(weight[static_cast<std::size_t>(o * inputs * taps + i)]);
    }
    gain = larger(gain, row);
  }
  out.error = larger(gain * in.error + rounding(inputs * taps, most_terms, largest_of(in)), rounding(0, gain));
}

/// One node: its operands are complete, `out` has its shape and is 0.
class Equation {
 public:
  Equation(graph::NodeId node, std::vector<const Tensor*> operands, std::span<const std::vector<float>> inputs,
           const Interpretation& how, Tensor& out)
      : node_(node), operands_(std::move(operands)), inputs_(inputs), how_(how), out_(out) {}

  void operator()(const graph::Input& o) const {
    const graph::Shape& s = out_.shape;
    const std::vector<float>& images = inputs_[node_];
    const graph::ResolvedArrangement arranged = graph::resolve(graph::arrangement_of(o.arrangement), s);
    each([&](auto n, auto y, auto x, auto c) {
      return static_cast<double>(images[static_cast<std::size_t>(n * s.size() + graph::place_of(arranged, y, x, c))]);
    });
    if (!std::isfinite(largest_of(out_))) out_.error = std::numeric_limits<double>::infinity();
  }
  void operator()(const graph::Convolution& o) const {
    convolve(in(), numbers("weight", o.weights), numbers("bias", o.bias), o.groups,
             graph::resolve(o.window, in().shape).window, out_);
    if (operands_.size() == 2) {
      out_.error += in(1).error + rounding(1, largest_of(out_) + largest_of(in(1)));
      each([&](auto n, auto y, auto x, auto c) { return out_.at(n, y, x, c) + in(1).at(n, y, x, c); });
    }
    activate(out_, o.activation);
  }
  void operator()(const graph::FullyConnected& o) const {
    convolve(in(), numbers("weight", o.weights), numbers("bias", o.bias), 1,
             {.kernel_h = o.height, .kernel_w = o.width}, out_);
    activate(out_, o.activation);
  }
  void operator()(const graph::BatchNorm& o) const {
    const std::vector<double> scale = numbers("weight", o.scale), shift = numbers("bias", o.shift);
    const double largest = largest_of(in());
    for (std::int64_t c = 0; c < out_.shape.c; ++c) {
      const auto i = static_cast<std::size_t>(c);
      double mean = 0.0, variance = 0.0;
      if (how_.training) {
        const auto count = static_cast<double>(in().batch * in().shape.pixels());
        for_each_pixel(in(), [&](auto n, auto y, auto x) { mean += in().at(n, y, x, c) / count; });
        for_each_pixel(in(),
                       [&](auto n, auto y, auto x) { variance += std::pow(in().at(n, y, x, c) - mean, 2) / count; });
      } else {
        mean = static_cast<double>(o.mean.values()[i]);
        variance = static_cast<double>(o.variance.values()[i]);
      }
      const double factor = scale[i] / std::sqrt(variance + static_cast<double>(o.epsilon));
      for_each_pixel(out_, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
        out_.at(n, y, x, c) = (in().at(n, y, x, c) - mean) * factor + shift[i];
      });
      const double terms = std::abs(factor) * (largest + std::abs(mean)) + std::abs(shift[i]);
      out_.error = larger(out_.error,
                          std::abs(factor) * in().error + rounding(3, terms, largest) + rounding(0, std::abs(factor)));
    }
  }
  void operator()(const graph::Activate& o) const {
    each([&](auto n, auto y, auto x, auto c) { return in().at(n, y, x, c); });
    out_.error = in().error;
    activate(out_, o.kind);
  }
  void operator()(const graph::Pool& o) const {
    const graph::Shape& from = in().shape;
    const kernels::Window w = graph::resolve(o.window, from).window;
    each([&](auto n, auto y, auto x, auto c) {
      double largest = -std::numeric_limits<double>::infinity(), sum = 0.0, count = 0.0;
      for_each_tap(w, from.h, from.w, y, x, [&](std::int64_t in_y, std::int64_t in_x, std::int64_t) {
        const double value = in().at(n, in_y, in_x, c);
        if (!(value <= largest)) largest = value;
        sum += value;
        ++count;
      });
      if (o.kind == graph::PoolKind::max) return largest;
      if (o.count_padding) {  // but not what lies behind it
        kernels::Window shifted = w;
        shifted.pad_top = shifted.pad_left = 0;
        count = 0.0;
        for_each_tap(shifted, std::int64_t{from.h} + w.pad_top + w.pad_bottom,
                     std::int64_t{from.w} + w.pad_left + w.pad_right, y, x,
                     [&](std::int64_t, std::int64_t, std::int64_t) { ++count; });
      }
      return sum / count;
    });
    out_.error = in().error;
    if (o.kind == graph::PoolKind::average) {
      out_.error += rounding(std::int64_t{w.kernel_h} * w.kernel_w, largest_of(in()));
    }
    activate(out_, o.activation);
  }
  void operator()(const graph::GlobalAveragePool& o) const {
    const auto pixels = static_cast<double>(in().shape.pixels());
    for_each_pixel(in(), [&](std::int64_t n, std::int64_t y, std::int64_t x) {
      for (std::int64_t c = 0; c < out_.shape.c; ++c) out_.at(n, 0, 0, c) += in().at(n, y, x, c) / pixels;
    });
    out_.error = in().error + rounding(in().shape.pixels(), largest_of(in()));
    activate(out_, o.activation);
  }
  void operator()(const graph::Add& o) const {
    each([&](auto n, auto y, auto x, auto c) { return in(0).at(n, y, x, c) + in(1).at(n, y, x, c); });
    out_.error = in(0).error + in(1).error + rounding(1, largest_of(in(0)) + largest_of(in(1)));
    activate(out_, o.activation);
  }
  void operator()(const graph::Slice& o) const {
    each([&](auto n, auto y, auto x, auto c) { return in().at(n, y, x, o.first + c); });
    out_.error = in().error;
  }
  void operator()(const graph::Concat&) const {
    each([&](auto n, auto y, auto x, auto c) {
      std::size_t i = 0;
      for (; c >= in(i).shape.c; ++i) c -= in(i).shape.c;
      return in(i).at(n, y, x, c);
    });
    for (const Tensor* operand : operands_) out_.error = larger(out_.error, operand->error);
  }
  void operator()(const graph::Shuffle& o) const {
    const std::int64_t each_group = out_.shape.c / o.groups;
    each([&](auto n, auto y, auto x, auto c) { return in().at(n, y, x, c % o.groups * each_group + c / o.groups); });
    out_.error = in().error;
  }
  void operator()(const graph::Gather& o) const {
    each([&](auto n, auto y, auto x, auto c) { return in().at(n, y, x, o.channels[static_cast<std::size_t>(c)]); });
    out_.error = in().error;
  }
  void operator()(const graph::Rearrange& o) const {
    const graph::ResolvedArrangement from = graph::resolve(o.to, in().shape);
    const graph::Shape& s = in().shape;
    const std::int64_t size = out_.shape.size();
    for_each_pixel(in(), [&](std::int64_t n, std::int64_t y, std::int64_t x) {
      for (std::int64_t c = 0; c < s.c; ++c) {
        out_.values[static_cast<std::size_t>(n * size + graph::place_of(from, y, x, c))] = in().at(n, y, x, c);
      }
    });
    out_.error = in().error;
  }
  void operator()(const graph::Join& o) const {
    each([&](auto n, auto y, auto x, auto c) {
      std::size_t i = 0;
      if (o.along == graph::Direction::rows) {
        for (; y >= in(i).shape.h; ++i) y -= in(i).shape.h;
      } else {
        for (; x >= in(i).shape.w; ++i) x -= in(i).shape.w;
      }
      return in(i).at(n, y, x, c);
    });
    for (const Tensor* operand : operands_) out_.error = larger(out_.error, operand->error);
  }
  void operator()(const graph::Softmax&) const {
    for_each_pixel(out_, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
      double most = -std::numeric_limits<double>::infinity(), sum = 0.0;
      for (std::int64_t c = 0; c < out_.shape.c; ++c) most = std::max(most, in().at(n, y, x, c));
      for (std::int64_t c = 0; c < out_.shape.c; ++c) sum += std::exp(in().at(n, y, x, c) - most);
      for (std::int64_t c = 0; c < out_.shape.c; ++c) out_.at(n, y, x, c) = std::exp(in().at(n, y, x, c) - most) / sum;
    });
    out_.error = 2.0 * in().error + rounding(out_.shape.c, 1.0 + largest_of(in()));
  }

 private:
  /// The node's parameter of that name: the graph's, or what stands for it.
  [[nodiscard]] std::vector<double> numbers(const char* word, const graph::Constant& constant) const {
    if (constant.empty()) return {};
    if (how_.parameters != nullptr) return how_.parameters->at({node_, word});
    return {constant.values().begin(), constant.values().end()};
  }

  [[nodiscard]] const Tensor& in(std::size_t i = 0) const { return *operands_[i]; }

  /// Every element becomes value(n, y, x, c).
  template <class F>
  void each(F&& value) const {
    for_each_pixel(out_, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
      for (std::int64_t c = 0; c < out_.shape.c; ++c) out_.at(n, y, x, c) = value(n, y, x, c);
    });
  }

  graph::NodeId node_;
  std::vector<const Tensor*> operands_;
  std::span<const std::vector<float>> inputs_;
  const Interpretation& how_;
  Tensor& out_;
};

}  // namespace

Parameters parameters_of(const graph::Graph& graph) {
  Parameters all;
  for (graph::NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    graph::for_each_constant(graph.nodes[id].operation,
                             [&](const std::string& word, const graph::Constant& constant, const graph::Extents&) {
                               const bool is_parameter = word == "weight" || word == "bias";
                               if (!is_parameter || constant.empty()) return;
                               all[{id, word}] = {constant.values().begin(), constant.values().end()};
                             });
  }
  return all;
}

graph::ById<Tensor> interpret(const graph::Graph& graph, std::span<const std::vector<float>> inputs, std::int64_t batch,
                              const Interpretation& how) {
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(graph);
  const graph::ById<graph::NumbersRead> read = graph::numbers_read(graph);
  graph::ById<Tensor> tensors;
  tensors.reserve(graph.nodes.size());  // operands are pointed to
  for (graph::NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    const graph::Node& node = graph.nodes[id];
    std::vector<const Tensor*> operands;
    for (const graph::NodeId input : node.inputs) operands.push_back(&tensors[input]);
    Tensor& out = tensors.emplace_back(shapes[id], batch);
    const bool reads_integers = !node.inputs.empty() && read[node.inputs[0]].integers;
    if (reads_integers && !graph::moves_channels(node.operation) && !graph::moves_numbers(node.operation)) {
      interpret_integers(node, operands, out);
      continue;
    }
    const Equation equation(id, std::move(operands), inputs, how, out);
    std::visit(equation, node.operation);
    if (node.quantization) quantise(node, out);
  }
  return tensors;
}

graph::ById<Tensor> interpret(const graph::Graph& graph, std::span<const float> images, std::int64_t batch,
                              const Interpretation& how) {
  const std::vector<float> input(images.begin(), images.end());
  return interpret(graph, std::span(&input, 1), batch, how);
}

std::vector<double> arranged(const Tensor& tensor, const graph::Arrangement& arrangement) {
  const graph::ResolvedArrangement places = graph::resolve(graph::arrangement_of(arrangement), tensor.shape);
  std::vector<double> result(tensor.values.size());
  for_each_pixel(tensor, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
    for (std::int64_t c = 0; c < tensor.shape.c; ++c) {
      result[static_cast<std::size_t>(n * tensor.shape.size() + graph::place_of(places, y, x, c))] =
          tensor.at(n, y, x, c);
    }
  });
  return result;
}

}  // namespace riffle::verify
