#include "quantise/search.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "quantise/parallel.hpp"
#include "quantise/rounding.hpp"

namespace riffle::quantise {
namespace {

using graph::NodeId;

/// A list of groups of (P, K) times (O, K) transposed: (groups, P, O).
class Product {
 public:
  Product(std::int32_t patches, std::int32_t columns, std::int32_t outputs)
      : patches_(static_cast<std::size_t>(patches)),
        columns_(static_cast<std::size_t>(columns)),
        outputs_(static_cast<std::size_t>(outputs)),
        transposed_(columns_ * outputs_) {}

  void set_weight(std::size_t output, std::size_t column, float w) { transposed_[column * outputs_ + output] = w; }

  /// result[p * outputs + o]
  void multiply(const float* numbers, std::vector<float>& result) const {
    result.assign(patches_ * outputs_, 0.0F);
    for (std::size_t p = 0; p < patches_; ++p) {
      float* const to = result.data() + p * outputs_;
      for (std::size_t k = 0; k < columns_; ++k) {
        const float x = numbers[p * columns_ + k];
        const float* const w = transposed_.data() + k * outputs_;
        for (std::size_t o = 0; o < outputs_; ++o) to[o] += x * w[o];
      }
    }
  }

 private:
  std::size_t patches_, columns_, outputs_;
  std::vector<float> transposed_;
};

/// A layer that reads integers.
class Reader {
 public:
  Reader(const Layer& layer, const passes::ChannelList& operand, Method method)
      : layer_(layer), operand_(operand), method_(method) {
    const Matrix& m = layer.matrix;
    Product product(layer.patches.count, m.columns(), m.outputs);
    exact_.resize(static_cast<std::size_t>(m.groups));
    for (std::int32_t g = 0; g < m.groups; ++g) {
      for (std::int32_t o = 0; o < m.outputs; ++o) {
        const std::span<const float> row = m.row(g * m.outputs + o);
        for (std::size_t k = 0; k < row.size(); ++k) product.set_weight(static_cast<std::size_t>(o), k, row[k]);
      }
      std::vector<float>& exact = exact_[static_cast<std::size_t>(g)];
      product.multiply(numbers(g), exact);
      activate(g, exact);
      add_signal(exact, m.outputs);
    }
  }

  /// Of the results with these scales, or of what is read, against what it would be: noise to signal.
  [[nodiscard]] double error(const Scales& scales) const {
    const Matrix& m = layer_.matrix;
    const auto columns = static_cast<std::size_t>(m.columns()),
               patches = static_cast<std::size_t>(layer_.patches.count);
    double noise = 0.0, signal_read = 0.0, noise_read = 0.0;
    Product product(layer_.patches.count, m.columns(), m.outputs);
    std::vector<float> rounded(patches * columns), results;
    std::vector<double> column_scales(columns), moments(columns), weights(columns);
    for (std::int32_t g = 0; g < m.groups; ++g) {
      std::ranges::fill(moments, 0.0);
      const float* const from = numbers(g);
      for (std::size_t k = 0; k < columns; ++k) {
        const passes::Channel& channel = this->channel(g, k);
        column_scales[k] = scales.scale(channel);
        const auto scale = static_cast<float>(column_scales[k]), inverse = 1.0F / scale;
        const auto zero = static_cast<float>(scales.zero_point(channel.node));
        for (std::size_t p = 0; p < patches; ++p) {
          const float x = from[p * columns + k];
          const float q = nearest(std::clamp(x * inverse, -zero, 255.0F - zero));
          rounded[p * columns + k] = q;
          moments[k] += static_cast<double>(q * q);
          noise_read += static_cast<double>((q * scale - x) * (q * scale - x));
          signal_read += static_cast<double>(x * x);
        }
      }
      if (method_ == Method::mse) continue;
      for (std::int32_t o = 0; o < m.outputs; ++o) {
        const std::span<const float> row = m.row(g * m.outputs + o);
        for (std::size_t k = 0; k < columns; ++k) weights[k] = static_cast<double>(row[k]) * column_scales[k];
        if (!m.is_average) {
          const RoundedRow rounded_row = round_row(weights, moments, {});
          for (std::size_t k = 0; k < columns; ++k) weights[k] = rounded_row.numbers[k] * rounded_row.factor;
        }
        for (std::size_t k = 0; k < columns; ++k) {
          product.set_weight(static_cast<std::size_t>(o), k, static_cast<float>(weights[k]));
        }
      }
      product.multiply(rounded.data(), results);
      activate(g, results);
      const std::vector<float>& exact = exact_[static_cast<std::size_t>(g)];
      for (std::size_t i = 0; i < exact.size(); ++i) {
        noise += static_cast<double>((results[i] - exact[i]) * (results[i] - exact[i]));
      }
    }
    return method_ == Method::mse ? ratio(noise_read, signal_read) : ratio(noise, signal_);
  }

  /// The groups of scales that it depends on.
  [[nodiscard]] std::vector<bool> groups(const Scales& scales) const {
    std::vector<bool> result(scales.group_count(), false);
    for (const passes::Channel& channel : operand_) scales.add_groups(channel, result);
    return result;
  }

 private:
  static double ratio(double noise, double signal) { return signal > 0.0 ? noise / signal : noise; }

  [[nodiscard]] const float* numbers(std::int32_t group) const {
    return layer_.patches.numbers.data() + std::int64_t{group} * layer_.patches.count * layer_.matrix.columns();
  }
  [[nodiscard]] const passes::Channel& channel(std::int32_t group, std::size_t column) const {
    const auto input = column / static_cast<std::size_t>(layer_.matrix.taps);
    return operand_[static_cast<std::size_t>(group * layer_.matrix.inputs) + input];
  }

  /// What is lost beyond the bounds is no loss.
  void activate(std::int32_t group, std::vector<float>& results) const {
    const auto outputs = static_cast<std::size_t>(layer_.matrix.outputs),
               first = static_cast<std::size_t>(group) * outputs;
    for (std::size_t i = 0; i < results.size(); ++i) {
      const float bias = layer_.bias.empty() ? 0.0F : layer_.bias[first + i % outputs];
      results[i] = std::clamp(results[i] + bias, layer_.bounds.lower, layer_.bounds.upper);
    }
  }

  /// What varies in each output.
  void add_signal(const std::vector<float>& results, std::int32_t outputs) {
    const auto width = static_cast<std::size_t>(outputs), patches = static_cast<std::size_t>(layer_.patches.count);
    for (std::size_t o = 0; o < width; ++o) {
      double sum = 0.0, squares = 0.0;
      for (std::size_t p = 0; p < patches; ++p) {
        const auto y = static_cast<double>(results[p * width + o]);
        sum += y;
        squares += y * y;
      }
      signal_ += std::max(squares - sum * sum / static_cast<double>(patches), 0.0);
    }
  }

  const Layer& layer_;
  const passes::ChannelList& operand_;
  Method method_;
  std::vector<std::vector<float>> exact_;  // by group
  double signal_ = 0.0;
};

}  // namespace

Scales search(const graph::Graph& graph, const Agreement& agreement, const Statistics& statistics, Method method,
              const Peers& peers, int threads, const std::function<void(double)>& progress) {
  Scales scales(graph, agreement, statistics.ranges_of_half);
  std::vector<std::unique_ptr<const Reader>> readers;
  std::vector<std::vector<const Reader*>> readers_of(scales.group_count());
  for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    if (!statistics.layers[id] || !agreement.reads_integers[id]) continue;
    readers.push_back(std::make_unique<Reader>(*statistics.layers[id], agreement.lowered.operands[id][0], method));
    const std::vector<bool> groups = readers.back()->groups(scales);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      if (groups[g]) readers_of[g].push_back(readers.back().get());
    }
  }
  for (std::size_t group = 0; group < scales.group_count(); ++group) {
    progress(static_cast<double>(group) / static_cast<double>(scales.group_count()));
    const auto choose_best = [&](const std::vector<Choice>& candidates) {
      const auto errors = shared_out<double>(peers, std::ssize(candidates), 1, threads,
                                             [&](std::int64_t i, int, std::span<double> error) {
                                               Scales tried = scales;
                                               tried.choose(group, candidates[static_cast<std::size_t>(i)]);
                                               for (const Reader* reader : readers_of[group])
                                                 error[0] += reader->error(tried);
                                             });
      scales.choose(group, candidates[static_cast<std::size_t>(std::ranges::min_element(errors) - errors.begin())]);
    };
    if (readers_of[group].empty() || scales.is_given(group)) continue;
    if (method == Method::best && scales.has_spread(group)) {
      choose_best({{1.0, 0.0}, {1.0, 0.25}, {1.0, 0.5}, {1.0, 0.75}, {1.0, 1.0}});
    }
    const double spread = scales.choice(group).spread;
    std::vector<Choice> clips;
    for (const double clip : {1.0, 0.7, 0.8, 0.9, 1.1, 1.2, 1.35, 1.5}) clips.push_back({clip, spread});
    choose_best(clips);
  }
  return scales;
}

}  // namespace riffle::quantise
