#include "quantise/quantise.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "engine/passes/passes.hpp"
#include "quantise/refine.hpp"
#include "quantise/search.hpp"

namespace riffle::quantise {
namespace {

using graph::Graph;
using graph::NodeId;

/// What tensors of all samples may take at a time.
constexpr std::int64_t most_bytes = std::int64_t{1} << 30;

std::string picture_name(const Samples& samples, std::int64_t i) {
  return samples.names.empty() ? "picture " + std::to_string(i) : samples.names[static_cast<std::size_t>(i)];
}

void check_samples(const Graph& graph, const Samples& samples) {
  const std::string what = "calibration data: ";
  const auto counts = gathered<std::int64_t>(samples.peers, {samples.count});
  if (std::ranges::max(counts) < 1)
    throw Error(what + "there are no pictures; take some hundred of those that the network is for");
  if (samples.inputs.size() != graph.input_count()) {
    throw Error(what + std::to_string(samples.inputs.size()) + " tensors; the network has " +
                std::to_string(graph.input_count()) + " inputs");
  }
  std::vector<float> least, most;  // by input
  for (std::size_t i = 0; i < samples.inputs.size(); ++i) {
    const std::vector<float>& numbers = samples.inputs[i];
    const auto size = static_cast<std::size_t>(graph.input(i).shape.size());
    if (numbers.size() != size * static_cast<std::size_t>(samples.count)) {
      throw Error(what + "of another size than the input '" + graph.nodes[static_cast<NodeId>(i)].name + "', " +
                  graph::chw(graph.input(i).shape));
    }
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      if (std::isfinite(numbers[k])) continue;
      throw Error(what + picture_name(samples, static_cast<std::int64_t>(k / size)) +
                  " holds a number that is not finite; leave it out, or look at how it was normalised");
    }
    constexpr float beyond = std::numeric_limits<float>::infinity();
    least.push_back(numbers.empty() ? beyond : std::ranges::min(numbers));
    most.push_back(numbers.empty() ? -beyond : std::ranges::max(numbers));
  }
  const std::vector<float> all_least = gathered(samples.peers, least), all_most = gathered(samples.peers, most);
  for (std::size_t i = 0; i < all_least.size(); ++i) {
    const std::size_t input = i % least.size();
    least[input] = std::min(least[input], all_least[i]);
    most[input] = std::max(most[input], all_most[i]);
  }
  if (least == most) {
    throw Error(what +
                "all pictures are one constant, from which nothing can be learnt; take pictures that the network "
                "is for, and look at how they are normalised");
  }
}

/// How many letters have to be put in, taken out or exchanged to make one of the other.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t exchanged = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({exchanged, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

graph::ById<bool> nodes_of(const Graph& graph, const std::vector<std::string>& names) {
  graph::ById<bool> result(graph.nodes.size(), false);
  for (const std::string& name : names) {
    bool found = false;
    std::vector<std::string> others;
    for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
      const graph::Node& node = graph.nodes[id];
      if (graph::moves_channels(node.operation)) continue;
      if (node.name == name) result[id] = found = true;
      others.push_back(node.name);
    }
    if (found) continue;
    std::ranges::stable_sort(others, {}, [&](const std::string& other) { return distance(name, other); });
    std::string near;
    for (std::size_t i = 0; i < std::min<std::size_t>(others.size(), 3); ++i)
      near += (i > 0 ? ", '" : "'") + others[i] + "'";
    throw Error("no node '" + name + "' computes anything once the network is optimised; there are " + near);
  }
  return result;
}

Graph optimised(Graph graph) {
  if (graph::is_quantised(graph)) throw Error("the network is quantised already; take the one that it was made from");
  passes::optimise(graph);
  passes::lower_transposed_convolution(graph);  // whose parts are convolutions like any other
  return graph;
}

std::optional<Range> as_range(const kernels::Clamp& bounds) {
  if (!std::isfinite(bounds.lower) || !std::isfinite(bounds.upper)) return std::nullopt;
  return Range{static_cast<double>(bounds.lower), static_cast<double>(bounds.upper)};
}

/// Of every node of which bounds say it, by channel. Those of the inputs are given.
Ranges ranges_by_bounds(const Graph& graph, std::span<const kernels::Clamp> inputs) {
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(graph);
  const graph::ById<std::int32_t> readers = graph::reader_counts(graph);
  Ranges ranges(graph.nodes.size());
  const auto set = [&](NodeId id, const kernels::Clamp& bounds) {
    if (const auto range = as_range(bounds)) ranges[id].assign(static_cast<std::size_t>(shapes[id].c), *range);
  };
  for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    const graph::Operation& operation = graph.nodes[id].operation;
    if (std::holds_alternative<graph::Input>(operation)) set(id, inputs[static_cast<std::size_t>(id)]);
    const graph::Activation* activation = graph::fused_activation(operation);
    if (activation == nullptr) continue;
    // A function that was taken out of the node before it has taken the bounds along.
    const bool is_function = activation->function != kernels::Function::none;
    const NodeId within = is_function ? graph.nodes[id].inputs[0] : id;
    if (!is_function || readers[within] == 1) set(within, activation->bounds);
  }
  return ranges;
}

/// Has nodes of which no range is known, or what reads them, stay in floats. Returns whether there were any.
bool keep_what_has_no_range(const Graph& graph, const Agreement& agreement, const Ranges& ranges,
                            graph::ById<bool>& keep) {
  const auto has_none = [&](NodeId id) {
    return agreement.has_integers(id) && agreement.origin[id] != Origin::given && ranges[id].empty();
  };
  bool found = false;
  for (NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    bool is_kept = agreement.makes_integers[id] && has_none(id);
    for (const passes::ChannelList& operand : agreement.lowered.operands[id]) {
      is_kept |= agreement.reads_integers[id] && std::ranges::any_of(operand, has_none, &passes::Channel::node);
    }
    found |= is_kept;
    keep[id] = keep[id] || is_kept;
  }
  return found;
}

}  // namespace

std::int64_t most_samples(const Graph& graph) {
  const Graph before = optimised(graph);
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(before);
  const passes::LoweredChannels lowered = passes::lower_channels(before, shapes);
  const graph::ById<NodeId> last = last_readers(before, lowered);
  std::int64_t most = 1;
  for (NodeId id = 0; id < before.nodes.end_id(); ++id) {
    std::int64_t floats = 0;
    for (NodeId other = 0; other <= id; ++other) {
      if (last[other] >= id && lowered.computes[other]) floats += shapes[other].size();
    }
    most = std::max(most, floats);
  }
  return std::max<std::int64_t>(most_bytes / (most * 4), 1);
}

Quantised quantise(Graph graph, const Samples& samples, const Options& options) {
  Quantised quantised;
  Graph& before = quantised.before;
  before = optimised(std::move(graph));
  check_samples(before, samples);
  before = without_functions(before, nodes_of(before, options.keep));
  const graph::ById<bool> keep = nodes_of(before, options.keep);

  const auto part = [&](double from, double to) {
    return [&options, from, to](double done) {
      if (options.progress) options.progress(from + (to - from) * done);
    };
  };
  const double tail = options.method == Method::percentile ? 1e-4 : 0.0;
  Statistics statistics = collect(before, samples, tail, options.threads, part(0.0, 0.3));
  const Agreement agreement = agree(before, keep);
  for (Ranges* ranges : {&statistics.ranges, &statistics.ranges_of_half}) {
    leave_out_saturated(before, agreement, *ranges);
  }
  Scales scales(before, agreement, statistics.ranges);
  if (options.method == Method::best || options.method == Method::mse) {
    scales.choose_as(
        search(before, agreement, statistics, options.method, samples.peers, options.threads, part(0.3, 0.7)));
  }
  scales.hold_sums(statistics.layers);
  rewrite(quantised, agreement, scales);
  (void)graph::infer_shapes(quantised.after);
  refine(quantised, agreement, scales, statistics, samples, options.threads, part(0.7, 1.0));
  return quantised;
}

Quantised quantise_within_bounds(Graph graph, std::span<const kernels::Clamp> inputs) {
  Quantised quantised;
  Graph& before = quantised.before;
  before = optimised(std::move(graph));
  before = without_functions(before, graph::ById<bool>(before.nodes.size(), false));
  const Ranges ranges = ranges_by_bounds(before, inputs);
  graph::ById<bool> keep(before.nodes.size(), false);
  Agreement agreement = agree(before, keep);
  while (keep_what_has_no_range(before, agreement, ranges, keep)) agreement = agree(before, keep);
  if (std::ranges::none_of(agreement.reads_integers, std::identity())) {
    throw Error("no layer reads numbers within bounds, so that none could compute in integers");
  }
  rewrite(quantised, agreement, Scales(before, agreement, ranges));
  (void)graph::infer_shapes(quantised.after);
  return quantised;
}

std::vector<Loss> losses(const Quantised& quantised, const Samples& samples, int threads) {
  Walk before(quantised.before, samples, threads), after(quantised.after, samples, threads);
  std::vector<Loss> result;
  while (!before.is_done()) {
    const NodeId id = before.step(), same = quantised.node[id];
    if (same < 0) continue;
    while (after.next() <= same) after.step();
    const Planes &exact = before.result(id), &lossy = after.result(same);
    std::vector<double> sums(2 * static_cast<std::size_t>(samples.count));  // by picture: signal, noise
    for_each_index(samples.count, threads, [&](std::int64_t n, int) {
      double &signal = sums[2 * static_cast<std::size_t>(n)], &noise = sums[2 * static_cast<std::size_t>(n) + 1];
      for (std::int32_t c = 0; c < exact.shape.c; ++c) {
        const std::span<const float> x = exact.plane(n, c), y = lossy.plane(n, c);
        const double scale = quantised.scales[id][static_cast<std::size_t>(c)];
        for (std::size_t i = 0; i < x.size(); ++i) {
          const double lost = static_cast<double>(y[i]) * scale - static_cast<double>(x[i]);
          signal += static_cast<double>(x[i]) * static_cast<double>(x[i]);
          noise += lost * lost;
        }
      }
    });
    sums = gathered(samples.peers, std::move(sums));
    double signal = 0.0, noise = 0.0;
    for (std::size_t i = 0; i < sums.size(); i += 2) {
      signal += sums[i];
      noise += sums[i + 1];
    }
    const graph::Node& node = quantised.after.nodes[same];
    Loss loss{id, node.quantization.has_value(), 0.0, 0};
    loss.decibels = noise > 0.0 ? 10.0 * std::log10(signal / noise) : std::numeric_limits<double>::infinity();
    graph::for_each_constant(node.operation, [&](std::string_view word, const graph::Constant& constant, const auto&) {
      if (word != "weight") return;
      loss.integers |= constant.type() == Type::i8;
      loss.weight_bytes = static_cast<std::int64_t>(constant.stored().size());
    });
    result.push_back(loss);
  }
  return result;
}

}  // namespace riffle::quantise
