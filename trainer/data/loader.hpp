// Batches: pictures in an epoch's order, resized, normalised, augmented, made ready by threads of its own while the
// network works on the batch before.
//
//   positions of the epoch   0 1 2 3 | 4 5 6 7 | 8 9 . .      a worker takes the next position,
//   ring of batches          [  0   ] [  1   ] [  2   ]       and writes its picture into the batch's place in the ring
//                            with the  being    being
//                            network   filled   filled
//
// Several ranks (riffle/ranks.hpp) share an epoch: of each step's pictures, which are neighbours in the epoch's order,
// every rank takes as many batches as every other, of as many pictures but for one.
//
//   positions of the epoch   0 1 2 3 4 5 6 7 | 8 9 . . .      two ranks, batches of two, two a step
//   rank 0                   0 1     4 5
//   rank 1                       2 3     6 7
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/kernels.hpp"
#include "trainer/data/augment.hpp"
#include "trainer/data/dataset.hpp"

namespace riffle::trainer {

struct LoaderOptions {
  std::int32_t batch = 64;       ///< pictures, on each rank
  std::int32_t least_batch = 1;  ///< where fewer are left for a batch of the epoch's last step, it goes without them;
                                 ///< 0: it never does, and some ranks may have fewer batches than others
  int rank = 0, ranks = 1;       ///< which rank's pictures these are
  std::int32_t accumulate = 1;   ///< batches of a rank that make up a step
  std::int32_t height = 0, width = 0;  ///< pixels of the network's input
  std::int32_t channels = 0;           ///< of the network's input: 1, or 3 for gray pictures, too; 0: the dataset's
  Augmentation augmentation = {};      ///< see augment.hpp; the default one is none
  graph::Preprocessing preprocessing = {};
  std::uint64_t seed = 0;
  bool shuffle = true;                        ///< or else in the dataset's order
  int threads = 1;                            ///< its own, 1 to 256
  const kernels::Kernels* kernels = nullptr;  ///< null: as the engine chooses (RIFFLE_ISA)
};

struct Batch {
  std::span<const float> images;         ///< (n, C, H, W); valid until the next call of next() or begin()
  std::span<const std::int32_t> labels;  ///< n, valid as long
  std::int64_t of_step = 0;              ///< pictures of its step, on all ranks
  bool ends_step = true;                 ///< is it the step's last on this rank?
};

/// What epoch e brings depends on (seed, e) alone, and what happens to picture i in it on (seed, e, i): not on threads,
/// not on what ran before. One thread uses it. Once it is made it allocates nothing, but for what a dataset's read()
/// and io::Preprocess do.
class Loader {
 public:
  /// The dataset outlives the loader. Throws Error for an option that is out of range or does not fit the dataset,
  /// Exhausted where there is not enough memory or a thread does not start.
  Loader(const Dataset& dataset, const LoaderOptions& options);
  /// May be called at any time; waits for the pictures that are being made.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  [[nodiscard]] std::int64_t steps() const;     ///< of an epoch; the last one may have fewer pictures
  [[nodiscard]] std::int64_t batches() const;   ///< of an epoch, of this rank
  [[nodiscard]] std::int64_t pictures() const;  ///< of an epoch, on all ranks: the dataset's, but for those left out

  /// From the first step of epoch `epoch` on, or from a later one (as a run that is taken up again wants). Whatever is
  /// left of an epoch before is dropped.
  void begin(std::int64_t epoch, std::int64_t first_step = 0);

  /// False at the epoch's end, and before begin(). Throws Error naming the first picture of the batch that cannot be
  /// read, and again for every call until begin().
  bool next(Batch& batch);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace riffle::trainer
