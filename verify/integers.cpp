#include "verify/integers.hpp"

#include <algorithm>
#include <cmath>

#include "verify/loops.hpp"

namespace riffle::verify {
namespace {

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
    if (node_.quantization) return;
    for (double& y : out_.values) {
      y = std::clamp(y, static_cast<double>(o.activation.bounds.lower), static_cast<double>(o.activation.bounds.upper));
    }
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
  void operator()(const graph::Binary&) const {
    for (std::size_t i = 0; i < out_.values.size(); ++i) {
      const double sum = operands_[0]->values[i] + operands_[1]->values[i];
      out_.values[i] = mean(sum, 1);
    }
  }
  void operator()(const graph::Activate&) const {
    out_.values = in().values;
    if (node_.quantization) quantise(node_, out_);
  }
  /// Moves channels, or is refused by check_quantization().
  template <class Other>
  void operator()(const Other&) const {}

 private:
  [[nodiscard]] const Tensor& in() const { return *operands_[0]; }

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
          to = result;
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
  std::visit(IntegerEquation(node, operands, out), node.operation);
}

void quantise(const graph::Node& node, Tensor& out) {
  const graph::IntegerBounds bounds = graph::integer_bounds(node);
  const float scale = node.quantization->scale;
  for (double& x : out.values) x = graph::rounded(static_cast<float>(x) / scale, bounds.lower, bounds.upper);
  if (out.error != 0.0) out.error = out.error / scale + 1.0;
}

}  // namespace riffle::verify
