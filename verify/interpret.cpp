#include "verify/interpret.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/graph/pixels.hpp"
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

/// A NaN stays one. What a function makes of a number that is off by the tensor's error is off by no more than what it
/// makes of the interval around the number; a power by logarithms loses as much more as its exponent of e is large.
void activate(Tensor& tensor, const graph::Activation& activation) {
  const double lower = activation.bounds.lower, upper = activation.bounds.upper;
  const kernels::FunctionArgs function = graph::function_args(activation);
  double far = 0.0, most_lost = 1.0;
  std::int64_t channel = 0;
  for (double& x : tensor.values) {
    x = x < lower ? lower : x > upper ? upper : x;
    far = larger(far, kernels::spread(function, x, tensor.error, channel));
    const double y = kernels::reference_of(function, x, channel);
    if (function.function == kernels::Function::power && y != 0.0) {
      most_lost = larger(most_lost, std::abs(y * std::log(std::abs(y))));
    }
    x = y;
    if (++channel == tensor.shape.c) channel = 0;
  }
  if (function.function == kernels::Function::none) return;
  tensor.error = far + rounding(5, most_lost + largest_of(tensor));
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
  void operator()(const graph::Binary& o) const {
    const auto operand = [&](std::size_t i, auto n, auto y, auto x, auto c) {
      const graph::Shape& s = in(i).shape;
      return in(i).at(n, s.h == 1 ? 0 : y, s.w == 1 ? 0 : x, s.c == 1 ? 0 : c);
    };
    double error = 0.0;
    each([&](auto n, auto y, auto x, auto c) {
      const double a = operand(0, n, y, x, c), b = operand(1, n, y, x, c), result = kernels::reference_of(o.kind, a, b);
      error = larger(error, displacement(o.kind, a, b, result));
      return result;
    });
    // What float32 takes for 0 loses what it is multiplied with.
    const double a = largest_of(in(0)), b = largest_of(in(1)), most = larger(a, b);
    const bool is_sum = o.kind == graph::BinaryKind::add || o.kind == graph::BinaryKind::subtract;
    out_.error = error + rounding(1, is_sum ? a + b : larger(largest_of(out_), most), most);
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
      const bool is_pixel = in(i).shape.pixels() == 1;  // which may count for all
      return in(i).at(n, is_pixel ? 0 : y, is_pixel ? 0 : x, c);
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
  void operator()(const graph::Resize& o) const {
    if (o.mode == graph::ResizeMode::nearest) return select(graph::selected_pixels(o, in().shape, out_.shape), 0.0);
    const graph::MixedPixels between = graph::mixed_pixels(o, in().shape, out_.shape);
    const auto mixed = [](double first, double second, float weight) {
      return first * (1.0 - static_cast<double>(weight)) + second * static_cast<double>(weight);
    };
    each([&](auto n, auto y, auto x, auto c) {
      const kernels::Between row = between.rows[static_cast<std::size_t>(y)];
      const kernels::Between column = between.columns[static_cast<std::size_t>(x)];
      const auto line = [&](std::int32_t in_y) {
        return mixed(in().at(n, in_y, column.first, c), in().at(n, in_y, column.second, c), column.weight);
      };
      return mixed(line(row.first), line(row.second), row.weight);
    });
    out_.error = in().error + rounding(4, largest_of(in()));
  }
  void operator()(const graph::Crop& o) const { select(graph::selected_pixels(o, in().shape, out_.shape), 0.0); }
  void operator()(const graph::Pad& o) const {
    select(graph::selected_pixels(o, in().shape, out_.shape), static_cast<double>(o.value));
  }
  void operator()(const graph::TransposedConvolution& o) const {
    transpose(o);
    activate(out_, o.activation);
  }
  void operator()(const graph::Softmax& o) const {
    const std::int64_t each_group = out_.shape.c / o.groups;
    for_each_pixel(out_, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
      for (std::int64_t first = 0; first < out_.shape.c; first += each_group) {
        const std::int64_t end = first + each_group;
        double most = -std::numeric_limits<double>::infinity(), sum = 0.0;
        for (std::int64_t c = first; c < end; ++c) most = std::max(most, in().at(n, y, x, c));
        for (std::int64_t c = first; c < end; ++c) sum += std::exp(in().at(n, y, x, c) - most);
        for (std::int64_t c = first; c < end; ++c) out_.at(n, y, x, c) = std::exp(in().at(n, y, x, c) - most) / sum;
      }
    });
    out_.error = 2.0 * in().error + rounding(each_group, 1.0 + largest_of(in()));
  }
  void operator()(const graph::Literal& o) const {
    const graph::Shape& s = o.shape;
    const std::span<const float> values = o.values.values();
    each([&](auto, auto y, auto x, auto c) {
      return static_cast<double>(values[static_cast<std::size_t>((c * s.h + y) * s.w + x)]);
    });
    if (!std::isfinite(largest_of(out_))) out_.error = std::numeric_limits<double>::infinity();
  }
  void operator()(const graph::Reduce& o) const {
    const std::int64_t count = in().shape.c / o.groups;
    std::vector<double> numbers(static_cast<std::size_t>(count));
    double error = 0.0;
    each([&](auto n, auto y, auto x, auto g) {
      for (std::int64_t c = 0; c < count; ++c) {
        numbers[static_cast<std::size_t>(c)] = in().at(n, y, x, g * count + c);
      }
      const double result = kernels::reference_of(o.kind, numbers);
      error = larger(error, displacement(o.kind, numbers, result));
      return result;
    });
    const double largest = largest_of(in());
    const bool is_sum = o.kind == graph::ReduceKind::sum || o.kind == graph::ReduceKind::mean;
    const bool is_root = o.kind == graph::ReduceKind::l2;
    out_.error = error;
    if (is_sum || is_root) out_.error += rounding(count, largest * static_cast<double>(count), largest);
    // Squares below what float32 holds count as 0.
    if (is_root) out_.error += std::sqrt(static_cast<double>(count) * std::numeric_limits<float>::min());
  }

 private:
  /// How far from a op b it can be where a and b are as far off as they may. Each operation rises or falls with each
  /// operand where there is no step or pole, so that the ends say it.
  [[nodiscard]] double displacement(graph::BinaryKind kind, double a, double b, double result) const {
    const double around_a = in(0).error, around_b = in(1).error;
    constexpr double infinity = std::numeric_limits<double>::infinity(), least = std::numeric_limits<float>::min();
    if (kind == graph::BinaryKind::divide && std::abs(b) - around_b < least) return infinity;
    if (kind == graph::BinaryKind::power) {
      if (a - around_a < least && (around_a > 0.0 || around_b > 0.0 || std::abs(a) < least)) return infinity;
    }
    double furthest = 0.0;
    for (const double x : {a - around_a, a + around_a}) {
      for (const double y : {b - around_b, b + around_b}) {
        const double distance = std::abs(kernels::reference_of(kind, x, y) - result);
        if (!(distance <= furthest)) furthest = distance;
      }
    }
    return std::isnan(furthest) ? infinity : furthest;
  }

  [[nodiscard]] double displacement(graph::ReduceKind kind, const std::vector<double>& numbers, double result) const {
    const auto count = static_cast<double>(numbers.size());
    switch (kind) {
      case graph::ReduceKind::sum:
        return count * in().error;
      case graph::ReduceKind::l2:
        return std::sqrt(count) * in().error;
      case graph::ReduceKind::arg_max:
      case graph::ReduceKind::arg_min: {  // any that could be the largest
        double furthest = 0.0;
        const double best = numbers[static_cast<std::size_t>(result)];
        for (std::size_t i = 0; i < numbers.size(); ++i) {
          if (std::abs(numbers[i] - best) > 2.0 * in().error) continue;
          if (in().error > 0.0) furthest = larger(furthest, std::abs(static_cast<double>(i) - result));
        }
        return furthest;
      }
      default:
        return in().error;
    }
  }

  /// The node's parameter of that name: the graph's, or what stands for it.
  [[nodiscard]] std::vector<double> numbers(const char* word, const graph::Constant& constant) const {
    if (constant.empty()) return {};
    if (how_.parameters != nullptr) return how_.parameters->at({node_, word});
    return {constant.values().begin(), constant.values().end()};
  }

  [[nodiscard]] const Tensor& in(std::size_t i = 0) const { return *operands_[i]; }

  /// Every element becomes the operand's of the rows and columns that are chosen, or `fill`.
  void select(const graph::SelectedPixels& pixels, double fill) const {
    each([&](auto n, auto y, auto x, auto c) {
      const std::int32_t row = pixels.rows[static_cast<std::size_t>(y)];
      const std::int32_t column = pixels.columns[static_cast<std::size_t>(x)];
      return row < 0 || column < 0 ? fill : in().at(n, row, column, c);
    });
    out_.error = std::isfinite(fill) ? in().error : std::numeric_limits<double>::infinity();
  }

  /// Every operand's pixel joins those of the result that its taps reach.
  void transpose(const graph::TransposedConvolution& o) const {
    const std::vector<double> weight = numbers("weight", o.weights), bias = numbers("bias", o.bias);
    const graph::Window& w = o.window;
    const std::int64_t inputs = in().shape.c / o.groups, outputs = o.outputs / o.groups;
    const std::int64_t taps = std::int64_t{w.kernel_h} * w.kernel_w;
    Tensor terms(out_.shape, out_.batch);
    each([&](auto, auto, auto, auto c) { return bias.empty() ? 0.0 : bias[static_cast<std::size_t>(c)]; });
    for (std::size_t i = 0; i < terms.values.size(); ++i) terms.values[i] = std::abs(out_.values[i]);
    std::vector<double> gains(static_cast<std::size_t>(o.outputs), 0.0);
    for (std::int64_t i = 0; i < in().shape.c; ++i) {
      for (std::int64_t k = 0; k < outputs; ++k) {
        const std::int64_t c = i / inputs * outputs + k;
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          const double factor = weight[static_cast<std::size_t>((i * outputs + k) * taps + tap)];
          gains[static_cast<std::size_t>(c)] += std::abs(factor);
          for_each_pixel(in(), [&](std::int64_t n, std::int64_t y, std::int64_t x) {
            const std::int64_t out_y = y * w.stride_h - w.pad_top + tap / w.kernel_w * w.dilation_h;
            const std::int64_t out_x = x * w.stride_w - w.pad_left + tap % w.kernel_w * w.dilation_w;
            if (out_y < 0 || out_y >= out_.shape.h || out_x < 0 || out_x >= out_.shape.w) return;
            const double term = in().at(n, y, x, i) * factor;
            out_.at(n, out_y, out_x, c) += term;
            terms.at(n, out_y, out_x, c) += std::abs(term);
          });
        }
      }
    }
    double gain = 0.0;
    for (const double one : gains) gain = larger(gain, one);
    out_.error =
        larger(gain * in().error + rounding(inputs * taps, largest_of(terms), largest_of(in())), rounding(0, gain));
  }

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
    if (reads_integers && !graph::only_moves(node.operation)) {
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
