// A network in training: parameters that move, a forward pass that remembers, a backward pass.
//
//   graph --trace--> operations over layers' results --forward--> loss --backward--> a gradient a parameter
//
// Like the engine's plan it has no shuffle, split or concatenation: operations read channel runs. Unlike it, it works
// on a whole batch at a time, because a batch norm's statistics are those of the batch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "kernels/kernels.hpp"
#include "quantise/quantise.hpp"
#include "riffle/ranks.hpp"

namespace riffle::trainer {

/// What decays and what does not: optimizers tell weights from the rest.
enum class ParameterKind : std::uint8_t { weight, bias, norm_scale, norm_shift };

/// Floats that training moves, in the graph's (that is, PyTorch's) order: convolution (outputs, inputs / groups,
/// kernel_h, kernel_w), fully connected (outputs, inputs), a value a channel.
struct Parameter {
  std::string name;  ///< the node's name and PyTorch's word: "units.3.reduce.0.weight", "units.3.reduce.1.bias"
  ParameterKind kind = ParameterKind::weight;
  std::vector<std::int64_t> shape;  ///< outermost first
  std::span<float> values;          ///< whoever writes them is seen by the next forward()
  std::span<float> gradient;        ///< of the mean loss; written (not added to) by backward()
  bool frozen = false;              ///< stays as it is; its gradient is never written
};

/// What batch norm remembers for evaluation: "units.3.reduce.1.running_mean", "... .running_var".
struct Statistic {
  std::string name;
  std::span<float> values;  ///< moved by every forward() of a training batch
};

/// What stands for a parameter's or a statistic's values, as many: an average of them. Empty: the values themselves.
using ValuesOf = std::function<std::span<const float>(std::span<const float>)>;

struct NetworkOptions {
  std::int32_t batch = 64;                    ///< the most images of one forward()
  int threads = 1;                            ///< OpenMP's, at most: see Network; without OpenMP one does all the work
  float momentum = 0.1F;                      ///< of the running statistics: running += momentum * (batch - running)
  float label_smoothing = 0.0F;               ///< the share of a label that is spread evenly over all classes
  std::string freeze = {};                    ///< the nodes before the first one whose name starts so are frozen
  const kernels::Kernels* kernels = nullptr;  ///< null: as the engine chooses (RIFFLE_ISA)
  training::Ranks* ranks = nullptr;           ///< that train it together (riffle/ranks.hpp); null: this process alone
  bool synchronise_norms = false;             ///< batch norm's batch is that of all ranks
};

/// What a batch's forward pass came to.
struct Outcome {
  double loss = 0;           ///< the mean cross-entropy, or the batch's part of it; NaN if an image's is
  std::int32_t correct = 0;  ///< images whose largest logit is their label's
};

/// What a layer stores, and the seconds that it has taken in all calls so far, batch norm and gradients of weights
/// included.
struct LayerTime {
  std::string name;
  std::int64_t values = 0;  ///< of an image; behind max pooling, where that is part of the layer
  double forward = 0, backward = 0;
};

/// One thread at a time calls it. The same calls with the same NetworkOptions::threads give the same bits, however many
/// threads OpenMP has to give. Those do not outlive fork(): a child of a process that has trained on several must not
/// train.
class Network {
 public:
  /// The graph classifies: its output is one value a class (a softmax at its end is taken off). Weights are copied;
  /// batch norm may be unfolded or folded, activations and residuals fused or not. Throws Error where the graph does
  /// not verify, is no classifier, freezes everything or nothing by a name that no node has; Exhausted where it does
  /// not fit in memory.
  Network(const graph::Graph& graph, const NetworkOptions& options);
  /// The same for a network that is quantised: its weights, with batch norm folded into them, learn to be rounded
  /// (rounding.hpp).
  Network(std::shared_ptr<const quantise::Quantised> quantised, const NetworkOptions& options);
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;

  [[nodiscard]] std::span<const Parameter> parameters() const;
  [[nodiscard]] std::span<const Statistic> statistics() const;
  [[nodiscard]] graph::Shape input() const;  ///< of one image
  [[nodiscard]] std::int32_t classes() const;
  [[nodiscard]] std::int64_t macs() const;  ///< of one image's forward pass
  [[nodiscard]] int threads() const;        ///< that were asked for
  /// The fewest images of one forward(): 2 where a batch norm sees one number of each image, for one alone has no
  /// variance; or else 1. With synchronised norms there are the other ranks' images.
  [[nodiscard]] std::int32_t least_batch() const;

  /// A training batch: images (n, C, H, W), n labels in [0, classes), least_batch() <= n <= batch. Batch norm takes the
  /// batch's statistics (frozen ones their running statistics) and moves the running ones. Throws Error for a label or
  /// a size that is out of range, std::bad_alloc where memory is used up; then there is nothing for backward().
  ///
  /// Where the batch is a part of one that several ranks share, or that goes through the network in several parts, `of`
  /// says how many images all the parts have: the loss and its gradient are then this part's share of the mean over all
  /// of them, so that those of the parts add up. 0: as many images as there are here, on each rank.
  Outcome forward(std::span<const float> images, std::span<const std::int32_t> labels, std::int64_t of = 0);

  /// The logits (n, classes) of the last forward().
  [[nodiscard]] std::span<const float> logits() const;

  /// The gradients of the last forward()'s mean loss, summed up over the ranks; and of the forward()s before it whose
  /// backward() said that there was `more_to_come`. Of such a call nothing is to be seen before the last one. Behind
  /// that, running statistics are the mean of the ranks', so that networks that were the same are the same again once
  /// they have taken the same step.
  void backward(bool more_to_come = false);

  /// The node whose result was the first to hold a NaN or an infinity in the last forward(), or empty.
  [[nodiscard]] std::string first_not_finite() const;

  /// The network as it is now, to be run, saved or exported: the graph that came in, with its weights and statistics,
  /// or what `values` gives for them, copied in. Evaluation is the engine's work. Of a network that is quantised the
  /// graph is the one in integers; throws Error where weights are not finite.
  [[nodiscard]] graph::Graph graph(const ValuesOf& values = {}) const;

  /// Bytes of activations, gradients and scratch.
  [[nodiscard]] std::int64_t bytes() const;

  /// By layer, in order; the first is the input.
  [[nodiscard]] std::vector<LayerTime> times() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace riffle::trainer
