// riffle's trainer for C++: networks whose training loop is your own.
//
//   riffle::training::Network network(riffle::training::Spec{.width_multiplier = 0.5, .classes = 10}, {.batch = 64});
//   riffle::training::Optimizer optimizer = riffle::training::Optimizer::adam(network);
//   for (every batch) {
//     const riffle::training::Outcome outcome = network.forward(images, labels);
//     network.backward();
//     optimizer.step(0.001);
//   }
//   network.save("net.riffle");      // for riffle.hpp's Model
//
// Images are float32, planes of rows (N, C, H, W), one after the other. Sizes are in elements, never bytes.
//
// Failures throw riffle::Failure with a message for people and a status: RIFFLE_BAD_ARGUMENT for an argument (a spec
// that makes no network, a label out of range, a size that does not fit, a network that is no classifier),
// RIFFLE_BAD_MODEL for a file that cannot be read or written or is no model, RIFFLE_NO_MEMORY. What failed is left as
// it was.
//
// Several processes, each with a network of its own, train one together where Options::ranks says how they talk to one
// another (riffle/ranks.hpp): every rank makes the same calls with pictures of its own. backward() sums up the
// gradients of all ranks, so that every network takes the same step. A failure of one rank is not known to the others:
// it ends them.
//
// Threads: one at a time uses a network and its optimizers. The same calls with the same number of threads give the
// same bits. Several threads are OpenMP's, which do not outlive fork(): a child of a process that has trained on them
// must not train. Link riffle::trainer; the engine (riffle::engine) alone does not contain it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "riffle/ranks.hpp"
#include "riffle/riffle.hpp"

namespace riffle::training {

enum class Family : std::uint8_t { v1, v2 };

/// A ShuffleNet.
struct Spec {
  Family family = Family::v2;
  std::int32_t groups = 3;  ///< of v1: 1, 2, 3, 4 or 8
  double width_multiplier = 1.0;
  bool note = false;      ///< the study note's flavour; as published otherwise
  bool residual = false;  ///< of v2: the kept half is added to the right branch
  std::int32_t channels = 3, classes = 1000, height = 224, width = 224;
};

/// PyTorch's; kaiming with mode fan_out and the gain of ReLU. Biases and batch norm start as PyTorch's layers do.
enum class Initialisation : std::uint8_t { xavier_uniform, kaiming_uniform, kaiming_normal };

/// What is not learnt from anything begins with.
struct Start {
  Initialisation initialisation = Initialisation::xavier_uniform;
  std::uint64_t seed = 0;
};

struct Options {
  std::int32_t batch = 64;       ///< the most images of one forward()
  int threads = 1;               ///< 1 to 256
  float momentum = 0.1F;         ///< of the running statistics: running += momentum * (batch - running)
  float label_smoothing = 0.0F;  ///< the share of a label that is spread evenly over all classes
  std::string freeze = {};       ///< the layers before the first one whose name starts so stay as they are; empty: none
  Ranks* ranks = nullptr;        ///< that train it together; null: this process alone. It outlives the network
  bool synchronise_norms = false;  ///< batch norm's batch is that of all ranks
};

struct ImageShape {
  std::int32_t channels = 0, height = 0, width = 0;
};

/// What a batch's forward pass came to.
struct Outcome {
  double loss = 0;           ///< the mean cross-entropy, or the batch's part of it; NaN if an image's is
  std::int32_t correct = 0;  ///< images whose largest logit is their label's
};

enum class ParameterKind : std::uint8_t { weight, bias, norm_scale, norm_shift };

/// Floats that training moves, in PyTorch's order: convolution (outputs, inputs / groups, kernel_h, kernel_w), fully
/// connected (outputs, inputs), a value a channel. The spans live as long as the network.
struct Parameter {
  std::string name;  ///< as PyTorch's state_dict has it: "units.3.reduce.0.weight"
  ParameterKind kind = ParameterKind::weight;
  std::vector<std::int64_t> shape;  ///< outermost first
  std::span<float> values;          ///< may be written between a backward() and the next forward()
  std::span<float> gradient;        ///< of the mean loss, after backward(); may be written before a step
  bool frozen = false;              ///< stays as it is and has no gradient
};

class Network {
 public:
  /// Of several ranks, those of rank 0 are the weights that all begin with.
  explicit Network(const Spec& spec, const Options& options = {}, const Start& start = {});

  /// From a .riffle or an .onnx file, as `save` or PyTorch wrote it. `classes`: 0 keeps the file's; another number gets
  /// a fresh last layer.
  explicit Network(const std::string& path, const Options& options = {}, std::int32_t classes = 0,
                   const Start& start = {});

  ~Network();
  Network(Network&&) noexcept;  ///< optimizers and spans stay good
  Network& operator=(Network&&) noexcept;

  [[nodiscard]] ImageShape input_shape() const;  ///< of one image
  [[nodiscard]] std::size_t input_size() const;  ///< its elements
  [[nodiscard]] std::int32_t classes() const;
  [[nodiscard]] std::span<const Parameter> parameters() const;

  /// A training batch: n images, n labels in [0, classes), 1 <= n <= batch. Batch norm takes the batch's statistics and
  /// moves the running ones; where it sees one number a channel of each image, n is 2 or more.
  ///
  /// Where the batch is a part of a step's images, which several ranks share or which go through the network in several
  /// batches, `of` is the number of all of them: loss and gradient are this part's share of their mean. 0: n on each
  /// rank.
  Outcome forward(std::span<const float> images, std::span<const std::int32_t> labels, std::int64_t of = 0);

  /// The logits (n, classes) of the last forward(), until the next.
  [[nodiscard]] std::span<const float> logits() const;

  /// Writes the gradients of the last forward()'s mean loss, summed up over the ranks. With `more_to_come` they are
  /// kept, and added to those of the next backward().
  void backward(bool more_to_come = false);

  /// The logits (n, classes) of any number of images with the running statistics, as the saved network will compute
  /// them: the engine plans the network for it anew, so that many images at a time are cheaper.
  [[nodiscard]] std::vector<float> predict(std::span<const float> images) const;

  /// The network as it is now: as .onnx (opset 13, any batch) if the path ends so, else as .riffle. Written beside
  /// `path` and renamed.
  void save(const std::string& path) const;

 private:
  friend class Optimizer;
  friend double clip_gradients(Network& network, double limit);
  struct State;
  std::unique_ptr<State> state_;
};

/// torch.nn.utils.clip_grad_norm_: scales all gradients so that their norm together is at most `limit`; returns the
/// norm before.
double clip_gradients(Network& network, double limit);

/// torch.optim.SGD.
struct Sgd {
  float momentum = 0.9F;
  bool nesterov = false;
  float weight_decay = 0.0F;
  bool weights_only = false;  ///< decay neither biases nor batch norm
};

/// torch.optim.Adam, or torch.optim.AdamW where the decay is `decoupled`.
struct Adam {
  float beta1 = 0.9F, beta2 = 0.999F, epsilon = 1e-8F;
  bool decoupled = false;
  float weight_decay = 0.0F;
  bool weights_only = false;  ///< decay neither biases nor batch norm
};

/// The network outlives it.
class Optimizer {
 public:
  static Optimizer sgd(Network& network, const Sgd& options = {});
  static Optimizer adam(Network& network, const Adam& options = {});
  ~Optimizer();
  Optimizer(Optimizer&&) noexcept;
  Optimizer& operator=(Optimizer&&) noexcept;

  /// One step with the gradients as they stand.
  void step(double rate);

 private:
  struct State;
  explicit Optimizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace riffle::training
