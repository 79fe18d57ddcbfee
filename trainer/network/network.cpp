#include "trainer/network/network.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <optional>
#include <set>

#include "engine/memory/aligned.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/barrier.hpp"
#include "trainer/network/loss.hpp"
#include "trainer/network/program.hpp"
#include "trainer/ranks/bucketed_sum.hpp"
#include "trainer/team.hpp"

namespace riffle::trainer {
namespace {

using graph::NodeId;

/// Takes the softmax off a classifier's end. Throws Error where there is not one output, of one value a class.
graph::Graph without_softmax(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes) {
  graph::Graph result = graph;
  if (graph.input_count() != 1 || graph.outputs.size() != 1 || graph.input().type != Type::f32 ||
      graph.outputs[0].type != Type::f32) {
    throw Error("'" + graph.name + "' cannot be trained: it has not one input and one output of float32");
  }
  if (graph::arrangement_of(graph.input().arrangement) != graph::planes_arrangement()) {
    throw Error("'" + graph.name + "' cannot be trained: its input is arranged as " +
                to_text(graph.input().arrangement) + ", not as planes");
  }
  graph::NodeId& last = result.outputs[0].node;
  while (std::holds_alternative<graph::Softmax>(result.nodes[last].operation)) last = result.nodes[last].inputs[0];
  const graph::Shape& out = shapes[last];
  if (out.pixels() != 1 || out.c < 2) {
    throw Error("'" + graph.name + "' is no classifier: its output is " + std::to_string(out.h) + " x " +
                std::to_string(out.w) + " pixels of " + std::to_string(out.c) + " values");
  }
  return result;
}

/// The first node that is trained. Throws Error where nothing is frozen by that name.
NodeId first_trained(const graph::Graph& graph, const std::string& freeze) {
  if (freeze.empty()) return 0;
  const auto starts_so = [&](const graph::Node& node) { return node.name.starts_with(freeze); };
  const auto found = std::find_if(graph.nodes.begin(), graph.nodes.end(), starts_so);
  if (found == graph.nodes.end()) throw Error("freeze: no node's name starts with '" + freeze + "'");
  return static_cast<NodeId>(found - graph.nodes.begin());
}

std::set<NodeId> nodes_of(const Trace& trace) {
  std::set<NodeId> nodes;
  for (const Layer& layer : trace.layers) {
    nodes.insert(layer.node);
    if (layer.norm >= 0) nodes.insert(layer.norm);
  }
  return nodes;
}

}  // namespace

struct Network::State {
  State(const graph::Graph& source, const NetworkOptions& chosen,
        std::shared_ptr<const quantise::Quantised> in_integers = nullptr);

  /// One of the threads that have come. What is computed is cut into as many shares as threads were asked for, and
  /// each thread does every `count`-th of them: the bits depend on how many were asked for, not on how many came.
  struct Thread {
    int index, count;
  };

  /// Calls f(share) for each share of the thread's.
  template <class F>
  void for_shares(const Thread& thread, F&& f) const {
    for (int worker = thread.index; worker < tables.workers; worker += thread.count) {
      f(Share{worker, tables.workers, share_begin(images, worker, tables.workers),
              share_begin(images, worker + 1, tables.workers),
              program.scratch.get() + worker * program.scratch_floats});
    }
  }

  /// The first result whose batch norm sees one number of each image, or null.
  [[nodiscard]] const LayerResult* norm_of_one_number() const {
    for (const std::unique_ptr<LayerResult>& result : program.results) {
      const Norm* const norm = result->norm.get();
      if (norm != nullptr && norm->takes_statistics() && !norm->is_synchronised() && result->norm_pixels == 1) {
        return result.get();
      }
    }
    return nullptr;
  }

  [[nodiscard]] bool rounds_input() const { return rounding && !rounding->results[0].steps.empty(); }

  // What the threads of a team do together. pack() allocates; the others, whose threads wait for one another, do not.
  void pack();
  void forward(const Thread& thread, run::Barrier& barrier, const float* input) noexcept;
  void backward(const Thread& thread, run::Barrier& barrier) noexcept;

  // What the team's first thread, which is the caller's, does with other ranks.
  void sum_over_ranks(Norm& norm, const Thread& thread, run::Barrier& barrier) noexcept;
  void complete_gradients(std::size_t first) noexcept;
  void average_statistics();

  graph::Graph given;  ///< as it came
  graph::ById<graph::Shape> shapes;
  graph::Graph classified;  ///< without softmax; the same nodes
  NetworkOptions options;
  KernelTables tables;
  Trace traced;
  Parameters parameters;
  std::shared_ptr<const quantise::Quantised> quantised;  ///< or null
  std::optional<Rounding> rounding;                      ///< its
  Program program;

  std::int64_t logit_stride = 0;
  memory::Aligned<float> logits, logit_gradient;  ///< batch rows
  std::vector<float> logits_out;                  ///< without what stands between two rows

  std::int64_t images = 0;             ///< of the last forward()
  std::atomic<std::size_t> packed{0};  ///< operations that a thread of this forward() has taken to pack
  bool ready = false;                  ///< is there a forward() that backward() has not yet followed?

  Ranks& ranks;
  std::exception_ptr fault;              ///< of ranks, in a team
  std::vector<float> kept;               ///< gradients of backward()s with more to come; empty: of none yet
  bool adds_kept = false;                ///< are they of this step?
  std::optional<BucketedSum> sum;        ///< of the gradients, during a backward() with none to come
  std::size_t complete_from = 0;         ///< the gradients that have been given to it
  graph::ById<std::size_t> open_before;  ///< by layer: behind its backward pass, gradients from here on are complete
  std::vector<LayerTime> times;
};

Network::State::State(const graph::Graph& source, const NetworkOptions& chosen,
                      std::shared_ptr<const quantise::Quantised> in_integers)
    : given(source),
      shapes(graph::infer_shapes(source)),
      classified(without_softmax(source, shapes)),
      options(chosen),
      tables(chosen.kernels != nullptr ? *chosen.kernels : kernels::choose_kernels(), std::max(1, chosen.threads)),
      traced(trace(classified, shapes)),
      parameters(given, nodes_of(traced), first_trained(given, chosen.freeze)),
      quantised(std::move(in_integers)),
      ranks(or_alone(chosen.ranks)) {
  if (quantised) rounding.emplace(*quantised);
  if (options.batch < 1) throw Error("a batch of " + std::to_string(options.batch) + " images");
  const std::span<const Parameter> moved = parameters.moved();
  if (std::all_of(moved.begin(), moved.end(), [](const Parameter& p) { return p.frozen; })) {
    throw Error("'" + given.name + "': no parameter is left to train");
  }
  program = make_program(tables, given, traced, parameters, rounding ? &*rounding : nullptr, options.batch,
                         {options.momentum, options.synchronise_norms && ranks.size() > 1});
  logit_stride = row_floats(program.output.columns());
  const std::size_t batch = static_cast<std::size_t>(options.batch);
  logits = memory::allocate<float>(batch * static_cast<std::size_t>(logit_stride));
  logit_gradient = memory::allocate<float>(batch * static_cast<std::size_t>(logit_stride));
  logits_out.resize(batch * static_cast<std::size_t>(program.output.columns()));
  for (const std::unique_ptr<LayerResult>& result : program.results) {
    times.push_back({result->name, result->pixels * result->channels});
  }
  std::size_t open = 0;
  for (const Layer& layer : traced.layers) {
    open_before.push_back(open);
    open = std::max(open, parameters.gradients_end(layer.node));
    if (layer.norm >= 0) open = std::max(open, parameters.gradients_end(layer.norm));
  }
}

void Network::State::pack() {
  // Whoever is free packs the next, the last layers first, which have the most weights.
  const std::size_t count = program.operations.size();
  for (std::size_t n; (n = packed.fetch_add(1, std::memory_order_relaxed)) < count;) {
    const std::size_t i = count - 1 - n;
    if (program.rounded[i]) program.rounded[i]->round();
    if (program.operations[i]) program.operations[i]->pack();
    if (program.results[i]->norm) program.results[i]->norm->begin();
  }
}

void Network::State::forward(const Thread& thread, run::Barrier& barrier, const float* input) noexcept {
  using Clock = std::chrono::steady_clock;
  // The caller's planes, as they are or to channels side by side.
  const graph::Shape shape = classified.input_shape();
  for_shares(thread, [&](const Share& share) {
    for (std::int64_t image = share.first; image < share.last; ++image) {
      const float* const from = input + image * shape.size();
      float* const to = program.results[0]->y + image * shape.size();
      if (program.results[0]->planes) {
        std::copy_n(from, shape.size(), to);
      } else {
        for (std::int64_t p = 0; p < shape.pixels(); ++p) {
          for (std::int32_t c = 0; c < shape.c; ++c) to[p * shape.c + c] = from[c * shape.pixels() + p];
        }
      }
      if (rounds_input()) {
        round_input(rounding->results[0], {to, static_cast<std::size_t>(shape.size())});
      }
    }
  });
  barrier.wait(thread.count);
  for (std::size_t i = 1; i < program.operations.size(); ++i) {
    const Clock::time_point before = Clock::now();
    for_shares(thread, [&](const Share& share) { program.operations[i]->forward(share); });
    barrier.wait(thread.count);
    if (Norm* const norm = program.results[i]->norm.get()) {
      if (norm->is_synchronised()) {
        for_shares(thread, [&](const Share& share) { norm->join(share.worker, share.workers); });
        sum_over_ranks(*norm, thread, barrier);
      }
      for_shares(thread, [&](const Share& share) {
        norm->finish(images * program.results[i]->norm_pixels, share.worker, share.workers);
      });
      barrier.wait(thread.count);
    }
    if (thread.index == 0) times[i].forward += std::chrono::duration<double>(Clock::now() - before).count();
  }
  for_shares(thread, [&](const Share& share) {
    program.output.read(tables.training_kernels, share.first, share.last - share.first,
                        logits.get() + share.first * logit_stride, logit_stride);
  });
}

void Network::State::backward(const Thread& thread, run::Barrier& barrier) noexcept {
  using Clock = std::chrono::steady_clock;
  for (std::size_t i = static_cast<std::size_t>(thread.index); i < program.results.size();
       i += static_cast<std::size_t>(thread.count)) {
    if (program.results[i]->norm) program.results[i]->norm->begin();
  }
  barrier.wait(thread.count);
  for_shares(thread, [&](const Share& share) {
    program.output.write_gradient(tables.training_kernels, share.worker, share.first, share.last - share.first,
                                  logit_gradient.get() + share.first * logit_stride, logit_stride);
  });
  barrier.wait(thread.count);
  std::size_t complete = parameters.gradients().size();
  for (std::size_t i = program.operations.size(); i-- > 1;) {
    const LayerResult& result = *program.results[i];
    if (!result.wants_gradient) continue;
    const Clock::time_point before = Clock::now();
    if (result.norm && result.norm->is_synchronised()) {
      for_shares(thread, [&](const Share& share) {
        result.norm->join_backward(images * result.norm_pixels, share.worker, share.workers);
      });
      sum_over_ranks(*result.norm, thread, barrier);
    }
    for_shares(thread, [&](const Share& share) {
      const std::int64_t first = share.first * result.pixels, pixels = (share.last - share.first) * result.pixels;
      for (const Piece& piece : program.never_read[i]) {
        const float zero[16] = {};
        tables.training_kernels.scatter(result.gradient_run(piece.first, 1, first, false), pixels, zero, 0);
      }
      if (result.norm) result.norm->finish_backward(images * result.norm_pixels, share.worker, share.workers);
    });
    if (result.norm) barrier.wait(thread.count);
    for_shares(thread, [&](const Share& share) { program.operations[i]->backward(share); });
    barrier.wait(thread.count);
    // All threads are here: what they did for the layers behind this one is done.
    if (thread.index == 0) complete_gradients(complete);
    complete = open_before[i];
    for_shares(thread, [&](const Share& share) { program.operations[i]->collect(share); });
    if (thread.index == 0) times[i].backward += std::chrono::duration<double>(Clock::now() - before).count();
  }
}

/// The norm's sums, which every thread has its part in, become those of all ranks.
void Network::State::sum_over_ranks(Norm& norm, const Thread& thread, run::Barrier& barrier) noexcept {
  barrier.wait(thread.count);
  if (thread.index == 0 && !fault) {
    try {
      ranks.sum(norm.sums());
    } catch (...) {
      fault = std::current_exception();
    }
  }
  barrier.wait(thread.count);
}

/// The gradients from `first` on are complete: those that were kept are added, and the ranks' sum may begin.
void Network::State::complete_gradients(std::size_t first) noexcept {
  if (!sum) return;
  const std::span<float> gradients = parameters.gradients();
  if (adds_kept) {
    for (std::size_t i = first; i < complete_from; ++i) gradients[i] += kept[i];
  }
  complete_from = std::min(complete_from, first);
  sum->complete(complete_from);
}

/// Each rank has moved its running statistics by those of its own batch: their mean is what moving by the mean of these
/// would have left.
void Network::State::average_statistics() {
  if (ranks.size() == 1 || options.synchronise_norms) return;
  std::vector<float> values;
  for (const Statistic& statistic : parameters.moved_statistics()) {
    values.insert(values.end(), statistic.values.begin(), statistic.values.end());
  }
  ranks.begin_sum(values);
  ranks.finish_sums();
  auto value = values.begin();
  for (const Statistic& statistic : parameters.moved_statistics()) {
    for (float& mean : statistic.values) mean = *value++ / static_cast<float>(ranks.size());
  }
}

Network::Network(const graph::Graph& graph, const NetworkOptions& options)
    : state_(std::make_unique<State>(graph, options)) {}
Network::Network(std::shared_ptr<const quantise::Quantised> quantised, const NetworkOptions& options)
    : state_(std::make_unique<State>(quantised->before, options, quantised)) {}
Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

std::span<const Parameter> Network::parameters() const { return state_->parameters.moved(); }
std::span<const Statistic> Network::statistics() const { return state_->parameters.statistics(); }
graph::Shape Network::input() const { return state_->classified.input_shape(); }
std::int32_t Network::classes() const { return state_->program.output.columns(); }
std::int64_t Network::macs() const { return graph::total_cost(state_->given).macs; }
std::int32_t Network::least_batch() const { return state_->norm_of_one_number() == nullptr ? 1 : 2; }
int Network::threads() const { return state_->tables.workers; }

Outcome Network::forward(std::span<const float> images, std::span<const std::int32_t> labels, std::int64_t of) {
  State& s = *state_;
  const std::size_t count = labels.size();
  if (count < 1 || count > static_cast<std::size_t>(s.options.batch)) {
    throw Error("a batch of " + std::to_string(count) + " images; 1 to " + std::to_string(s.options.batch) + " fit");
  }
  if (const LayerResult* const norm = count == 1 ? s.norm_of_one_number() : nullptr) {
    throw Error("a batch of one image, of which the batch norm of '" + norm->name +
                "' sees a single number a channel, which has no variance; 2 to " + std::to_string(s.options.batch) +
                " fit");
  }
  if (images.size() != count * static_cast<std::size_t>(input().size())) {
    throw Error("a batch of " + std::to_string(count) + " images with " + std::to_string(images.size()) +
                " values; an image has " + std::to_string(input().size()));
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (labels[i] < 0 || labels[i] >= classes()) {
      throw Error("label " + std::to_string(labels[i]) + " of image " + std::to_string(i) + " is not in [0, " +
                  std::to_string(classes()) + ")");
    }
  }
  if (of == 0) of = std::ssize(labels) * s.ranks.size();
  if (of < std::ssize(labels)) {
    throw Error("a batch of " + std::to_string(count) + " images as a part of " + std::to_string(of));
  }
  s.ready = false;
  s.packed = 0;
  on_team(s.tables.workers, [&](int, int) { s.pack(); });
  s.images = static_cast<std::int64_t>(count);
  run::Barrier barrier;
  on_team(s.tables.workers, [&](int thread, int threads) { s.forward({thread, threads}, barrier, images.data()); });
  if (s.fault) std::rethrow_exception(s.fault);
  const auto floats = static_cast<std::size_t>(s.images * s.logit_stride);
  const Loss loss = softmax_cross_entropy({s.logits.get(), floats}, s.logit_stride, classes(), labels,
                                          s.options.label_smoothing, of, {s.logit_gradient.get(), floats});
  for (std::size_t i = 0; i < count; ++i) {
    std::copy_n(s.logits.get() + static_cast<std::int64_t>(i) * s.logit_stride, classes(),
                s.logits_out.begin() + static_cast<std::ptrdiff_t>(i) * classes());
  }
  s.ready = true;
  return {loss.part, loss.correct};
}

std::span<const float> Network::logits() const {
  return std::span(state_->logits_out).first(static_cast<std::size_t>(state_->images * classes()));
}

void Network::backward(bool more_to_come) {
  State& s = *state_;
  if (!s.ready) throw Error("backward() without a forward() before it");
  s.ready = false;
  const std::span<float> gradients = s.parameters.gradients();
  if (more_to_come) s.kept.resize(gradients.size());
  if (!more_to_come) s.sum.emplace(s.ranks, gradients);
  s.complete_from = gradients.size();
  run::Barrier barrier;
  on_team(s.tables.workers, [&](int thread, int threads) { s.backward({thread, threads}, barrier); });
  if (s.fault) std::rethrow_exception(s.fault);
  if (more_to_come) {
    for (std::size_t i = 0; i < gradients.size(); ++i) s.kept[i] = gradients[i] + (s.adds_kept ? s.kept[i] : 0.0F);
    s.adds_kept = true;
    return;
  }
  s.complete_gradients(0);
  s.adds_kept = false;
  s.sum->finish();
  s.sum.reset();
  s.average_statistics();
}

std::string Network::first_not_finite() const {
  for (std::size_t i = 0; i < state_->program.results.size(); ++i) {
    const LayerResult& result = *state_->program.results[i];
    if (!result.wants_gradient && i != 0) continue;  // its memory is another's by now
    const std::int64_t floats = state_->images * result.pixels * result.channels;
    for (std::int64_t f = 0; f < floats; ++f) {
      if (!std::isfinite(result.y[f])) return result.name;
    }
    if (!result.norm) continue;
    for (std::int32_t c = 0; c < result.channels; ++c) {
      if (!std::isfinite(result.norm->scale()[c]) || !std::isfinite(result.norm->shift()[c])) return result.name;
    }
  }
  return {};
}

graph::Graph Network::graph(const ValuesOf& values) const {
  graph::Graph result = state_->given;
  state_->parameters.write(result, values);
  return state_->quantised ? quantise::with_weights(*state_->quantised, result) : result;
}

std::int64_t Network::bytes() const { return state_->program.bytes(state_->tables.workers); }

std::vector<LayerTime> Network::times() const { return state_->times; }

}  // namespace riffle::trainer
