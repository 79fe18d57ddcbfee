#include "verify/integers.hpp"

#include <algorithm>
#include <cmath>

#include "engine/graph/pixels.hpp"
#include "verify/loops.hpp"

namespace riffle::verify {
namespace {

/// Further than two integers can be from one another.
constexpr double anything = 512;

class IntegerEquation {
 public:
  IntegerEquation(const graph::Node& node, const std::vector<const Tensor*>& operands, Tensor& out)
      : node_(node), operands_(operands), out_(out) {
    for (const Tensor* operand : operands) out_.error = std::max(out_.error, operand->error);
    if (node.quantization) bounds_ = graph::integer_bounds(node);
  }

  void operator()(const graph::Convolution& o) const {
    layer(o.weights, o.bias, o.groups, graph::resolve(o.window, in().shape).window);
  }
  void operator()(const graph::FullyConnected& o) const {
    const kernels::Window whole{.kernel_h = o.height, .kernel_w = o.width};
    layer(o.weights, o.bias, 1, whole);
  }
  void operator()(const graph::Pool& o) const {
    const kernels::Window w = graph::resolve(o.window, in().shape).window;
    const graph::Shape padded{in().shape.h + w.pad_top + w.pad_bottom, in().shape.w + w.pad_left + w.pad_right, 1};
    kernels::Window shifted = w;
    shifted.pad_top = shifted.pad_left = 0;
    for_each_pixel(out_, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
      for (std::int64_t c = 0; c < out_.shape.c; ++c) {
        double largest = -256.0, sum = 0.0;
        std::int64_t count = 0;
        for_each_tap(w, in().shape.h, in().shape.w, y, x, [&](std::int64_t in_y, std::int64_t in_x, std::int64_t) {
          largest = std::max(largest, in().at(n, in_y, in_x, c));
          sum += in().at(n, in_y, in_x, c);
          ++count;
        });
        if (o.count_padding) {
          count = 0;
          for_each_tap(shifted, padded.h, padded.w, y, x, [&](std::int64_t, std::int64_t, std::int64_t) { ++count; });
        }
        out_.at(n, y, x, c) = o.kind == graph::PoolKind::max ? integer(static_cast<float>(largest)) : mean(sum, count);
      }
    });
  }
  void operator()(const graph::GlobalAveragePool&) const {
    for_each_pixel(in(), [&](std::int64_t n, std::int64_t y, std::int64_t x) {
      for (std::int64_t c = 0; c < out_.shape.c; ++c) out_.at(n, 0, 0, c) += in().at(n, y, x, c);
    });
    for (double& sum : out_.values) sum = mean(sum, in().shape.pixels());
  }
  void operator()(const graph::Binary& o) const {
    const auto operand = [&](std::size_t i, auto n, auto y, auto x, auto c) {
      const graph::Shape& s = operands_[i]->shape;
      return operands_[i]->at(n, s.h == 1 ? 0 : y, s.w == 1 ? 0 : x, s.c == 1 ? 0 : c);
    };
    each([&](auto n, auto y, auto x, auto c) {
      return mean(kernels::reference_of(o.kind, operand(0, n, y, x, c), operand(1, n, y, x, c)), 1);
    });
    if (out_.error != 0.0) out_.error = anything;
  }
  void operator()(const graph::Activate&) const {
    out_.values = in().values;
    if (node_.quantization) quantise(node_, out_);
  }
  void operator()(const graph::Crop& o) const { choose(graph::selected_pixels(o, in().shape, out_.shape), 0); }
  void operator()(const graph::Pad& o) const {
    choose(graph::selected_pixels(o, in().shape, out_.shape), graph::padded_with(o, node_.quantization->zero_point));
  }
  void operator()(const graph::Resize& o) const {
    if (o.mode == graph::ResizeMode::nearest) {
      return choose(graph::selected_pixels(o, in().shape, out_.shape), 0);
    }
    const graph::MixedPixels mixed = graph::mixed_pixels(o, in().shape, out_.shape);
    constexpr std::int64_t parts = 128;
    const auto part = [](const kernels::Between& place) {
      return std::floor(static_cast<double>(place.weight) * parts + 0.5);
    };
    each([&](auto n, auto y, auto x, auto c) {
      const kernels::Between &row = mixed.rows[static_cast<std::size_t>(y)],
                             &column = mixed.columns[static_cast<std::size_t>(x)];
      const auto line = [&](std::int32_t from) {
        return in().at(n, from, column.first, c) * (parts - part(column)) +
               in().at(n, from, column.second, c) * part(column);
      };
      return mean(line(row.first) * (parts - part(row)) + line(row.second) * part(row), parts * parts);
    });
  }

  /// The activation's function, behind everything else.
  void finish() const {
    const graph::Activation* activation = graph::fused_activation(node_.operation);
    if (activation == nullptr || activation->function == kernels::Function::none) return;
    const kernels::FunctionArgs function = graph::function_args(*activation);
    double far = 0.0;
    each([&](auto n, auto y, auto x, auto c) {
      const double number = out_.at(n, y, x, c);
      far = std::max(far, kernels::spread(function, number, out_.error, c));
      return kernels::reference_of(function, number, c);
    });
    // Of real numbers, functions are as good as function.hpp says.
    double largest = 1.0;
    for (const double number : out_.values) largest = std::max(largest, std::abs(number));
    out_.error = node_.quantization ? far : far + 2e-6 * largest;
  }
  /// Moves channels, or is refused by check_quantization().
  template <class Other>
  void operator()(const Other&) const {}

 private:
  [[nodiscard]] const Tensor& in() const { return *operands_[0]; }

  /// Every number of the result becomes f's.
  template <class F>
  void each(F&& f) const {
    for_each_pixel(out_, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
      for (std::int64_t c = 0; c < out_.shape.c; ++c) out_.at(n, y, x, c) = f(n, y, x, c);
    });
  }

  void choose(const graph::SelectedPixels& pixels, std::int32_t fill) const {
    each([&](auto n, auto y, auto x, auto c) {
      const std::int32_t row = pixels.rows[static_cast<std::size_t>(y)];
      const std::int32_t column = pixels.columns[static_cast<std::size_t>(x)];
      return row < 0 || column < 0 ? fill : in().at(n, row, column, c);
    });
  }

  [[nodiscard]] double integer(float x) const { return graph::rounded(x, bounds_.lower, bounds_.upper); }
  [[nodiscard]] double mean(double sum, std::int64_t count) const {
    const double factor = 1.0 / (static_cast<double>(node_.quantization->scale) * static_cast<double>(count));
    return integer(graph::requantised(static_cast<std::int32_t>(sum), static_cast<float>(factor)));
  }

  void layer(const graph::Constant& weights, const graph::Constant& bias, std::int64_t groups,
             const kernels::Window& w) const {
    const kernels::Weights factors = weights.factors();
    const std::vector<std::int32_t> start = graph::integer_bias(weights, bias);
    const std::int64_t inputs = in().shape.c / groups, outputs = out_.shape.c / groups;
    const std::int64_t taps = std::int64_t{w.kernel_h} * w.kernel_w;
    double gain = 0.0;
    for (std::int64_t o = 0; o < out_.shape.c; ++o) {
      const auto factor = static_cast<float>(factors.row_scale[static_cast<std::size_t>(o)]);
      const float* const row = factors.values.data() + o * inputs * taps;
      double row_gain = 0.0;
      for (std::int64_t i = 0; i < inputs * taps; ++i) row_gain += std::abs(static_cast<double>(row[i]) * factor);
      gain = std::max(gain, row_gain);
      for_each_pixel(out_, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
        double sum = start[static_cast<std::size_t>(o)];
        for_each_tap(w, in().shape.h, in().shape.w, y, x, [&](std::int64_t in_y, std::int64_t in_x, std::int64_t tap) {
          for (std::int64_t k = 0; k < inputs; ++k) {
            sum += in().at(n, in_y, in_x, o / outputs * inputs + k) * row[k * taps + tap];
          }
        });
        const float result = graph::requantised(static_cast<std::int32_t>(sum), factor);
        double& to = out_.at(n, y, x, o);
        if (!node_.quantization) {
          const kernels::Clamp& bounds = graph::fused_activation(node_.operation)->bounds;
          to = static_cast<double>(std::clamp(result, bounds.lower, bounds.upper));
        } else if (operands_.size() == 2) {
          const double residual = operands_[1]->at(n, y, x, o);
          to = integer(static_cast<float>(graph::rounded(result, -32768, 32767) + residual));
        } else {
          to = integer(result);
        }
      });
    }
    const bool exact = in().error == 0.0;
    double error = exact ? 0.0 : gain * in().error + 1.0;
    if (operands_.size() == 2) error += operands_[1]->error;
    out_.error = error;
  }

  const graph::Node& node_;
  const std::vector<const Tensor*>& operands_;
  Tensor& out_;
  graph::IntegerBounds bounds_;
};

}  // namespace

void interpret_integers(const graph::Node& node, const std::vector<const Tensor*>& operands, Tensor& out) {
  const IntegerEquation equation(node, operands, out);
  std::visit(equation, node.operation);
  equation.finish();
}

void quantise(const graph::Node& node, Tensor& out) {
  const graph::IntegerBounds bounds = graph::integer_bounds(node);
  const float scale = node.quantization->scale;
  for (double& x : out.values) x = graph::rounded(static_cast<float>(x) / scale, bounds.lower, bounds.upper);
  if (out.error != 0.0) out.error = out.error / scale + 1.0;
}

}  // namespace riffle::verify
