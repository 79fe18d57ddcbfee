// The public API over the trainer: nothing but translation.
#include <algorithm>
#include <new>
#include <utility>

#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "io/model_file.hpp"
#include "models/models.hpp"
#include "riffle/trainer.hpp"
#include "trainer/initial/initialise.hpp"
#include "trainer/initial/weights.hpp"
#include "trainer/network/network.hpp"
#include "trainer/optimizer/optimizer.hpp"
#include "trainer/ranks/alone.hpp"

namespace riffle::training {
namespace {

constexpr int max_threads = 256;

/// Runs f; `failure` is the status of an Error that it throws.
template <class F>
decltype(auto) guarded(riffle_status failure, F&& f) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    throw Failure(RIFFLE_NO_MEMORY, "not enough memory");
  } catch (const Exhausted& error) {
    throw Failure(RIFFLE_NO_MEMORY, error.what());
  } catch (const Error& error) {
    throw Failure(failure, error.what());
  }
}

models::WeightSource source_of(const Start& start) {
  switch (start.initialisation) {
    case Initialisation::kaiming_uniform:
      return trainer::kaiming_uniform(start.seed);
    case Initialisation::kaiming_normal:
      return trainer::kaiming_normal(start.seed);
    case Initialisation::xavier_uniform:
      break;
  }
  return trainer::xavier_uniform(start.seed);
}

graph::Graph graph_of(const Spec& spec, const Start& start) {
  const models::Flavour flavour = spec.note ? models::Flavour::study_note : models::Flavour::paper;
  if (spec.family == Family::v1) {
    return models::shufflenet_v1({.groups = spec.groups,
                                  .width_multiplier = spec.width_multiplier,
                                  .flavour = flavour,
                                  .in_channels = spec.channels,
                                  .classes = spec.classes,
                                  .height = spec.height,
                                  .width = spec.width},
                                 source_of(start));
  }
  return models::shufflenet_v2({.width_multiplier = spec.width_multiplier,
                                .flavour = flavour,
                                .residual = spec.residual,
                                .in_channels = spec.channels,
                                .classes = spec.classes,
                                .height = spec.height,
                                .width = spec.width},
                               source_of(start));
}

trainer::NetworkOptions options_of(const Options& options) {
  if (options.threads < 1 || options.threads > max_threads) {
    throw Error(std::to_string(options.threads) + " threads; 1 to " + std::to_string(max_threads) + " are possible");
  }
  trainer::NetworkOptions result;
  result.batch = options.batch;
  result.threads = options.threads;
  result.momentum = options.momentum;
  result.label_smoothing = options.label_smoothing;
  result.freeze = options.freeze;
  result.ranks = options.ranks;
  result.synchronise_norms = options.synchronise_norms;
  return result;
}

ParameterKind kind_of(trainer::ParameterKind kind) {
  switch (kind) {
    case trainer::ParameterKind::bias:
      return ParameterKind::bias;
    case trainer::ParameterKind::norm_scale:
      return ParameterKind::norm_scale;
    case trainer::ParameterKind::norm_shift:
      return ParameterKind::norm_shift;
    case trainer::ParameterKind::weight:
      break;
  }
  return ParameterKind::weight;
}

}  // namespace

struct Network::State {
  State(trainer::Network made, Ranks& ranks) : network(std::move(made)) {
    for (const trainer::Parameter& one : network.parameters()) {
      ranks.broadcast(std::as_writable_bytes(one.values), 0);
    }
    for (const trainer::Statistic& one : network.statistics()) {
      ranks.broadcast(std::as_writable_bytes(one.values), 0);
    }
    for (const trainer::Parameter& one : network.parameters()) {
      parameters.push_back({.name = one.name,
                            .kind = kind_of(one.kind),
                            .shape = one.shape,
                            .values = one.values,
                            .gradient = one.gradient,
                            .frozen = one.frozen});
    }
  }

  trainer::Network network;
  std::vector<Parameter> parameters;
};

Network::Network(const Spec& spec, const Options& options, const Start& start) {
  guarded(RIFFLE_BAD_ARGUMENT, [&] {
    state_ = std::make_unique<State>(trainer::Network(graph_of(spec, start), options_of(options)),
                                     trainer::or_alone(options.ranks));
  });
}

Network::Network(const std::string& path, const Options& options, std::int32_t classes, const Start& start) {
  graph::Graph graph = guarded(RIFFLE_BAD_MODEL, [&] { return io::load_model(path); });
  guarded(RIFFLE_BAD_ARGUMENT, [&] {
    if (classes != 0) graph = trainer::with_classes(std::move(graph), classes, source_of(start));
    state_ = std::make_unique<State>(trainer::Network(graph, options_of(options)), trainer::or_alone(options.ranks));
  });
}

Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

ImageShape Network::input_shape() const {
  const graph::Shape shape = state_->network.input();
  return {shape.c, shape.h, shape.w};
}

std::size_t Network::input_size() const { return static_cast<std::size_t>(state_->network.input().size()); }

std::int32_t Network::classes() const { return state_->network.classes(); }

std::span<const Parameter> Network::parameters() const { return state_->parameters; }

Outcome Network::forward(std::span<const float> images, std::span<const std::int32_t> labels, std::int64_t of) {
  const trainer::Outcome outcome =
      guarded(RIFFLE_BAD_ARGUMENT, [&] { return state_->network.forward(images, labels, of); });
  return {.loss = outcome.loss, .correct = outcome.correct};
}

std::span<const float> Network::logits() const { return state_->network.logits(); }

void Network::backward(bool more_to_come) {
  guarded(RIFFLE_BAD_ARGUMENT, [&] { state_->network.backward(more_to_come); });
}

std::vector<float> Network::predict(std::span<const float> images) const {
  return guarded(RIFFLE_BAD_ARGUMENT, [&] {
    const std::size_t batch = images.size() / input_size();
    if (batch * input_size() != images.size()) {
      throw Error(std::to_string(images.size()) + " values are no whole number of images of " +
                  std::to_string(input_size()));
    }
    run::Session session(plan::make(state_->network.graph(), {}), state_->network.threads());
    std::vector<float> logits(batch * static_cast<std::size_t>(session.plan().outputs[0].shape.size()));
    session.run(images.data(), logits.data(), static_cast<std::int64_t>(batch));
    return logits;
  });
}

void Network::save(const std::string& path) const {
  guarded(RIFFLE_BAD_MODEL, [&] { io::save_model(state_->network.graph(), path); });
}

double clip_gradients(Network& network, double limit) {
  return guarded(RIFFLE_BAD_ARGUMENT,
                 [&] { return trainer::clip_gradients(network.state_->network.parameters(), limit); });
}

struct Optimizer::State {
  explicit State(std::unique_ptr<trainer::Optimizer> made) : optimizer(std::move(made)) {}
  std::unique_ptr<trainer::Optimizer> optimizer;
};

Optimizer Optimizer::sgd(Network& network, const Sgd& options) {
  return guarded(RIFFLE_BAD_ARGUMENT, [&] {
    const trainer::Network& trained = network.state_->network;
    return Optimizer(std::make_unique<State>(trainer::make_sgd(
        trained.parameters(), {.momentum = options.momentum, .nesterov = options.nesterov},
        {.weight_decay = options.weight_decay, .weights_only = options.weights_only}, trained.threads())));
  });
}

Optimizer Optimizer::adam(Network& network, const Adam& options) {
  return guarded(RIFFLE_BAD_ARGUMENT, [&] {
    const trainer::Network& trained = network.state_->network;
    return Optimizer(std::make_unique<State>(trainer::make_adam(
        trained.parameters(),
        {.beta1 = options.beta1, .beta2 = options.beta2, .epsilon = options.epsilon, .decoupled = options.decoupled},
        {.weight_decay = options.weight_decay, .weights_only = options.weights_only}, trained.threads())));
  });
}

Optimizer::Optimizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Optimizer::~Optimizer() = default;
Optimizer::Optimizer(Optimizer&&) noexcept = default;
Optimizer& Optimizer::operator=(Optimizer&&) noexcept = default;

void Optimizer::step(double rate) {
  guarded(RIFFLE_BAD_ARGUMENT, [&] { state_->optimizer->step(rate); });
}

}  // namespace riffle::training
