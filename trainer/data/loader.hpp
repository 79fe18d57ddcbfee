// Batches: pictures in an epoch's order, augmented, resized, normalised, made ready by threads of its own while the
// network works on the batch before.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tools/classification.hpp"
#include "trainer/data/augment.hpp"
#include "trainer/data/dataset.hpp"

namespace riffle::trainer {

struct LoaderOptions {
  std::int32_t batch = 64;
  std::int32_t height = 0, width = 0;  ///< pixels of the network's input
  Augmentation augmentation;           ///< see augment.hpp; the default one is none
  tools::Normalisation normalisation;
  std::uint64_t seed = 0;
  bool shuffle = true;
  int threads = 1;
};

struct Batch {
  std::span<const float> images;          ///< (n, C, H, W); valid until the next call of next()
  std::span<const std::int32_t> labels;   ///< n
};

/// What epoch e brings depends on (seed, e) alone: not on threads, not on what ran before. One thread uses it.
class Loader {
 public:
  /// The dataset outlives the loader.
  Loader(const Dataset& dataset, const LoaderOptions& options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  [[nodiscard]] std::int64_t batches() const;  ///< of an epoch; the last one may be smaller

  /// From the first batch of epoch `epoch` on, or from a later one (as a run that is taken up again wants).
  void begin(std::int64_t epoch, std::int64_t first_batch = 0);

  /// False at the epoch's end. Throws Error naming the picture that cannot be read.
  bool next(Batch& batch);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace riffle::trainer
