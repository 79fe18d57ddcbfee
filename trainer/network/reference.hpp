// The first witness of training: a graph's loss in training mode, straightforwardly and in double. Gradients are then
// central differences. For tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace riffle::trainer::reference {

using graph::NodeId;
using graph::Shape;

/// (n, h, w, c) in double.
struct Tensor {
  Shape shape;
  std::vector<double> values;
  double& at(std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t c) {
    return values[static_cast<std::size_t>(((n * shape.h + y) * shape.w + x) * shape.c + c)];
  }
};

/// Weights in double, by node and PyTorch's word.
using Weights = std::map<std::pair<NodeId, std::string>, std::vector<double>>;

class Evaluation {
 public:
  Evaluation(const graph::Graph& graph, std::int64_t batch)
      : graph_(graph), shapes_(graph::infer_shapes(graph)), batch_(batch) {
    const auto add = [&](NodeId id, const char* word, const graph::Constant& constant) {
      if (!constant.empty()) weights[{id, word}] = {constant.values().begin(), constant.values().end()};
    };
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id) {
      const graph::Operation& operation = graph.nodes[static_cast<std::size_t>(id)].operation;
      if (const auto* convolution = std::get_if<graph::Convolution>(&operation)) {
        add(id, "weight", convolution->weights);
        add(id, "bias", convolution->bias);
      } else if (const auto* dense = std::get_if<graph::FullyConnected>(&operation)) {
        add(id, "weight", dense->weights);
        add(id, "bias", dense->bias);
      } else if (const auto* norm = std::get_if<graph::BatchNorm>(&operation)) {
        add(id, "weight", norm->scale);
        add(id, "bias", norm->shift);
      }
    }
  }

  /// images (n, C, H, W). The mean cross-entropy over the batch.
  double loss(std::span<const float> images, std::span<const std::int32_t> labels, double smoothing) {
    tensors_.clear();
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) tensors_.push_back(compute(static_cast<NodeId>(i), images));
    Tensor& logits = tensors_[static_cast<std::size_t>(graph_.output)];
    const std::int32_t classes = logits.shape.c;
    double total = 0;
    for (std::int64_t n = 0; n < batch_; ++n) {
      double sum = 0;
      for (std::int32_t k = 0; k < classes; ++k) sum += std::exp(logits.at(n, 0, 0, k));
      for (std::int32_t k = 0; k < classes; ++k) {
        const double wanted = smoothing / classes + (k == labels[static_cast<std::size_t>(n)] ? 1 - smoothing : 0);
        total += wanted * (std::log(sum) - logits.at(n, 0, 0, k));
      }
    }
    return total / static_cast<double>(batch_);
  }

  Weights weights;

 private:
  Tensor zeros(const Shape& shape) const {
    return {shape, std::vector<double>(static_cast<std::size_t>(batch_ * shape.size()), 0.0)};
  }

  static double activated(double x, graph::Activation activation) {
    if (activation != graph::Activation::none) x = std::max(x, 0.0);
    return activation == graph::Activation::relu6 ? std::min(x, 6.0) : x;
  }

  /// Calls f(n, y, x) for every pixel of the batch.
  template <class F>
  void for_pixels(const Shape& shape, F&& f) const {
    for (std::int64_t n = 0; n < batch_; ++n) {
      for (std::int64_t y = 0; y < shape.h; ++y) {
        for (std::int64_t x = 0; x < shape.w; ++x) f(n, y, x);
      }
    }
  }

  /// Calls f(row, column, tap) for the taps of a window inside the image.
  template <class F>
  static void for_taps(const kernels::Window& w, const Shape& in, std::int64_t oy, std::int64_t ox, F&& f) {
    for (std::int64_t i = 0; i < w.kernel_h; ++i) {
      for (std::int64_t j = 0; j < w.kernel_w; ++j) {
        const std::int64_t y = oy * w.stride_h - w.pad_top + i * w.dilation_h;
        const std::int64_t x = ox * w.stride_w - w.pad_left + j * w.dilation_w;
        if (y >= 0 && y < in.h && x >= 0 && x < in.w) f(y, x, i * w.kernel_w + j);
      }
    }
  }

  Tensor convolve(NodeId id, Tensor& in, std::int32_t outputs, std::int32_t groups, const kernels::Window& window) {
    Tensor out = zeros(shapes_[static_cast<std::size_t>(id)]);
    const std::vector<double>& weight = weights.at({id, "weight"});
    const auto bias = weights.find({id, "bias"});
    const std::int64_t inputs = in.shape.c / groups, each = outputs / groups;
    const std::int64_t taps = static_cast<std::int64_t>(window.kernel_h) * window.kernel_w;
    for_pixels(out.shape, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
      for (std::int64_t o = 0; o < outputs; ++o) {
        double sum = bias == weights.end() ? 0.0 : bias->second[static_cast<std::size_t>(o)];
        for_taps(window, in.shape, y, x, [&](std::int64_t iy, std::int64_t ix, std::int64_t tap) {
          for (std::int64_t i = 0; i < inputs; ++i) {
            sum += in.at(n, iy, ix, o / each * inputs + i) *
                   weight[static_cast<std::size_t>((o * inputs + i) * taps + tap)];
          }
        });
        out.at(n, y, x, o) = sum;
      }
    });
    return out;
  }

  Tensor normalise(NodeId id, Tensor in, double epsilon) {
    const double count = static_cast<double>(batch_ * in.shape.pixels());
    for (std::int32_t c = 0; c < in.shape.c; ++c) {
      double mean = 0, variance = 0;
      for_pixels(in.shape, [&](auto n, auto y, auto x) { mean += in.at(n, y, x, c) / count; });
      for_pixels(in.shape, [&](auto n, auto y, auto x) { variance += std::pow(in.at(n, y, x, c) - mean, 2) / count; });
      const double scale = weights.at({id, "weight"})[static_cast<std::size_t>(c)] / std::sqrt(variance + epsilon);
      for_pixels(in.shape, [&](auto n, auto y, auto x) {
        in.at(n, y, x, c) = (in.at(n, y, x, c) - mean) * scale + weights.at({id, "bias"})[static_cast<std::size_t>(c)];
      });
    }
    return in;
  }

  Tensor pool(NodeId id, const graph::Pool& pool, Tensor& in) {
    Tensor out = zeros(shapes_[static_cast<std::size_t>(id)]);
    const kernels::Window w = graph::resolve(pool.window, in.shape).window;
    for_pixels(out.shape, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
      for (std::int32_t c = 0; c < out.shape.c; ++c) {
        double largest = -std::numeric_limits<double>::infinity(), sum = 0, count = 0;
        for_taps(w, in.shape, y, x, [&](std::int64_t iy, std::int64_t ix, std::int64_t) {
          largest = std::max(largest, in.at(n, iy, ix, c));
          sum += in.at(n, iy, ix, c);
          ++count;
        });
        if (pool.count_padding) {
          // What lies behind the padding does not count.
          const Shape padded{in.shape.h + w.pad_top + w.pad_bottom, in.shape.w + w.pad_left + w.pad_right, 1};
          kernels::Window shifted = w;
          shifted.pad_top = shifted.pad_left = 0;
          count = 0;
          for_taps(shifted, padded, y, x, [&](std::int64_t, std::int64_t, std::int64_t) { ++count; });
        }
        out.at(n, y, x, c) = pool.kind == graph::PoolKind::max ? largest : sum / count;
      }
    });
    return out;
  }

  Tensor compute(NodeId id, std::span<const float> images) {
    const graph::Node& node = graph_.nodes[static_cast<std::size_t>(id)];
    const graph::Operation& operation = node.operation;
    const Shape& shape = shapes_[static_cast<std::size_t>(id)];
    const auto operand = [&](std::size_t i) -> Tensor& { return tensors_[static_cast<std::size_t>(node.inputs[i])]; };
    Tensor out = zeros(shape);
    const auto each = [&](auto&& value) {
      for_pixels(shape, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
        for (std::int32_t c = 0; c < shape.c; ++c) out.at(n, y, x, c) = value(n, y, x, c);
      });
    };
    if (std::holds_alternative<graph::Input>(operation)) {
      each([&](auto n, auto y, auto x, auto c) {
        return images[static_cast<std::size_t>(((n * shape.c + c) * shape.h + y) * shape.w + x)];
      });
    } else if (const auto* convolution = std::get_if<graph::Convolution>(&operation)) {
      Tensor sum = convolve(id, operand(0), convolution->outputs, convolution->groups,
                            graph::resolve(convolution->window, operand(0).shape).window);
      each([&](auto n, auto y, auto x, auto c) {
        const double residual = node.inputs.size() > 1 ? operand(1).at(n, y, x, c) : 0.0;
        return activated(sum.at(n, y, x, c) + residual, convolution->activation);
      });
    } else if (const auto* dense = std::get_if<graph::FullyConnected>(&operation)) {
      kernels::Window whole;
      whole.kernel_h = dense->height;
      whole.kernel_w = dense->width;
      Tensor sum = convolve(id, operand(0), dense->outputs, 1, whole);
      each([&](auto n, auto y, auto x, auto c) { return activated(sum.at(n, y, x, c), dense->activation); });
    } else if (const auto* norm = std::get_if<graph::BatchNorm>(&operation)) {
      out = normalise(id, operand(0), static_cast<double>(norm->epsilon));
    } else if (const auto* activate = std::get_if<graph::Activate>(&operation)) {
      each([&](auto n, auto y, auto x, auto c) { return activated(operand(0).at(n, y, x, c), activate->kind); });
    } else if (const auto* pooling = std::get_if<graph::Pool>(&operation)) {
      Tensor pooled = pool(id, *pooling, operand(0));
      each([&](auto n, auto y, auto x, auto c) { return activated(pooled.at(n, y, x, c), pooling->activation); });
    } else if (const auto* global = std::get_if<graph::GlobalAveragePool>(&operation)) {
      for_pixels(operand(0).shape, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
        for (std::int32_t c = 0; c < shape.c; ++c) {
          out.at(n, 0, 0, c) += operand(0).at(n, y, x, c) / static_cast<double>(operand(0).shape.pixels());
        }
      });
      each([&](auto n, auto y, auto x, auto c) { return activated(out.at(n, y, x, c), global->activation); });
    } else if (const auto* add = std::get_if<graph::Add>(&operation)) {
      each([&](auto n, auto y, auto x, auto c) {
        return activated(operand(0).at(n, y, x, c) + operand(1).at(n, y, x, c), add->activation);
      });
    } else if (const auto* slice = std::get_if<graph::Slice>(&operation)) {
      each([&](auto n, auto y, auto x, auto c) { return operand(0).at(n, y, x, slice->first + c); });
    } else if (std::holds_alternative<graph::Concat>(operation)) {
      each([&](auto n, auto y, auto x, auto c) {
        std::size_t i = 0;
        std::int32_t at = c;
        for (; at >= operand(i).shape.c; ++i) at -= operand(i).shape.c;
        return operand(i).at(n, y, x, at);
      });
    } else if (const auto* shuffle = std::get_if<graph::Shuffle>(&operation)) {
      each([&](auto n, auto y, auto x, auto c) {
        return operand(0).at(n, y, x, c % shuffle->groups * (shape.c / shuffle->groups) + c / shuffle->groups);
      });
    } else if (const auto* gather = std::get_if<graph::Gather>(&operation)) {
      each([&](auto n, auto y, auto x, auto c) {
        return operand(0).at(n, y, x, gather->channels[static_cast<std::size_t>(c)]);
      });
    }
    return out;
  }

  const graph::Graph& graph_;
  std::vector<Shape> shapes_;
  std::int64_t batch_;
  std::vector<Tensor> tensors_;
};

}  // namespace riffle::trainer::reference
