#include "trainer/fit/evaluate.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "io/labels.hpp"
#include "trainer/ranks/agree.hpp"
#include "trainer/team.hpp"

namespace riffle::trainer {
namespace {

/// The cross-entropy of one image: what the network gives its label, as logits or as probabilities.
double cross_entropy(std::span<const float> output, std::int32_t label, bool probabilities) {
  const double given = output[static_cast<std::size_t>(label)];
  if (probabilities) return -std::log(given);
  double largest = output[0];
  for (const float logit : output) largest = std::max<double>(largest, logit);
  double sum = 0;
  for (const float logit : output) sum += std::exp(logit - largest);
  return largest + std::log(sum) - given;
}

/// A network on several images at a time: a session a thread.
class Sessions {
 public:
  Sessions(const std::shared_ptr<const plan::Plan>& plan, int threads) : plan_(plan) {
    for (int t = 0; t < threads; ++t) sessions_.emplace_back(plan, 1);
  }

  void run(std::span<const float> images, std::span<float> outputs, std::int64_t count) {
    on_team(static_cast<int>(sessions_.size()), [&](int worker, int workers) {
      for_share(count, worker, workers, [&](std::int64_t i) {
        sessions_[static_cast<std::size_t>(worker)].run(images.data() + i * plan_->inputs[0].shape.size(),
                                                        outputs.data() + i * plan_->outputs[0].shape.size());
      });
    });
  }

 private:
  std::shared_ptr<const plan::Plan> plan_;
  std::vector<run::Session> sessions_;
};

/// Numbers of pictures, which a double holds exactly, and of losses.
void sum_over_ranks(Evaluation& evaluation, Ranks& ranks) {
  Score& score = evaluation.score;
  std::vector<double> sums = {static_cast<double>(score.images), static_cast<double>(score.correct), score.loss_sum};
  sums.insert(sums.end(), evaluation.confusion.begin(), evaluation.confusion.end());
  ranks.sum(sums);
  score.images = static_cast<std::int64_t>(sums[0]);
  score.correct = static_cast<std::int64_t>(sums[1]);
  score.loss_sum = sums[2];
  std::transform(sums.begin() + 3, sums.end(), evaluation.confusion.begin(),
                 [](double count) { return static_cast<std::int32_t>(count); });
}

}  // namespace

std::optional<Evaluation> evaluate(graph::Graph graph, Loader& loader, int threads,
                                   const std::function<bool(std::int64_t)>& go_on, Ranks& ranks) {
  const auto start = std::chrono::steady_clock::now();
  const bool probabilities = std::holds_alternative<graph::Softmax>(graph.nodes[graph.outputs[0].node].operation);
  const auto plan = plan::make(std::move(graph));
  io::require_classifier(*plan);
  if (plan->inputs[0].type != Type::f32) throw Error("the network's input is not f32, as the loader makes pictures");
  const auto classes = static_cast<std::size_t>(plan->outputs[0].shape.c);
  Sessions sessions(plan, threads);

  Evaluation evaluation;
  evaluation.confusion.resize(classes * classes);
  std::vector<float> outputs;
  std::int64_t batches = 0;
  bool goes_on = true;
  loader.begin(0);
  for (Batch batch; goes_on && loader.next(batch);) {
    outputs.resize(batch.labels.size() * classes);
    sessions.run(batch.images, outputs, static_cast<std::int64_t>(batch.labels.size()));
    for (std::size_t i = 0; i < batch.labels.size(); ++i) {
      const std::int32_t label = batch.labels[i];
      if (label < 0 || label >= plan->outputs[0].shape.c) {
        throw Error("a test image has label " + std::to_string(label) + "; the network knows " +
                    std::to_string(classes) + " classes");
      }
      const std::span<const float> output = std::span(outputs).subspan(i * classes, classes);
      const std::int32_t answer = io::largest(output, 1).front();
      ++evaluation.confusion[static_cast<std::size_t>(label) * classes + static_cast<std::size_t>(answer)];
      evaluation.score.correct += answer == label;
      evaluation.score.loss_sum += cross_entropy(output, label, probabilities);
    }
    evaluation.score.images += static_cast<std::int64_t>(batch.labels.size());
    goes_on = go_on(++batches);
  }
  if (any(ranks, !goes_on)) return std::nullopt;
  sum_over_ranks(evaluation, ranks);
  evaluation.score.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return evaluation;
}

}  // namespace riffle::trainer
