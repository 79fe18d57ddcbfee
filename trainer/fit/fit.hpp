// The loop: epochs of steps, a test behind each, everything that is worth keeping in a folder.
//
//   last.checkpoint   all that the next step needs: the run goes on from here
//   last.riffle       the network as it is now
//   best.riffle       the network of the epoch with the highest test accuracy
//   best.onnx         the same for other runtimes
//   confusion.svg     what the best network takes for what
//   metrics.csv       a line an epoch
//   curves.svg        accuracy and loss by epoch
//   lock              while a run is under way
//
// Each is written beside and renamed, in this order, and all others follow from the checkpoint: wherever the program
// is ended, the run that goes on from there leaves the files of one that was not. With an average, the networks are the
// averaged ones.
//
// Several ranks (riffle/ranks.hpp) train together: each has its own network, optimizer and loaders, which hold the same
// floats between two steps. Rank 0 alone writes files, so that the run goes on from them on any number of ranks.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "trainer/data/loader.hpp"
#include "trainer/fit/checkpoint.hpp"
#include "trainer/fit/record.hpp"
#include "trainer/network/network.hpp"
#include "trainer/optimizer/optimizer.hpp"
#include "trainer/optimizer/schedule.hpp"

namespace riffle::trainer {

struct FitOptions {
  std::int64_t epochs = 10;
  Schedule schedule;                 ///< by the run's steps: epochs * Loader::steps()
  double clip = 0;                   ///< the gradients' norm at most; 0: as they come
  double average = 0;                ///< the decay of a moving average of the weights; 0: none
  std::string folder;                ///< made where there is none, unless a run is to go on in it
  bool resume = false;               ///< go on from last.checkpoint
  std::vector<Setting> recipe;       ///< what a run that goes on must share with the one that stopped
  std::vector<std::string> classes;  ///< their names
  std::string test = "test";         ///< what the second set is called: "test", "validation"
  int threads = 1;                   ///< of the tests
  std::int64_t save_every = 0;       ///< steps, behind which last.checkpoint is written within an epoch, too; 0: never
  training::Ranks* ranks = nullptr;  ///< the network's and the loaders'; null: this process alone
  std::function<bool()> stop;        ///< asked after each step and during the tests; may be empty
  std::ostream* log = nullptr;       ///< a line an epoch, and a summary; null: none
};

struct FitResult {
  bool stopped = false;  ///< because stop() said so, on one of the ranks; the run is saved as it stands, in the middle
                         ///< of an epoch too
  Record run;
};

/// Trains. The same network, data and options give the same bits, whether or not the run was stopped and resumed in
/// between. Throws Error: for a folder that already holds a run where none is to be resumed, or none where one is; for
/// one in which another process trains; for a checkpoint that is damaged or not this run's; for a file that cannot be
/// written, before the first step where there is no room for a checkpoint; for a loss, a gradient or a parameter that
/// is not finite, naming the step and the layer (last.checkpoint is then that of an earlier step). Throws Exhausted
/// where memory is short. Where the file system knows no locks, the log has a word of warning. Of several ranks all
/// throw the same for whatever they can know of; where a picture cannot be read, or a file not be written in the middle
/// of a run, the one that needs it does, and is to end the others.
FitResult fit(Network& network, Optimizer& optimizer, Loader& training, Loader& test, const FitOptions& options);

}  // namespace riffle::trainer
