// What is known of a run: its epochs, and what the network made of the test set.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace riffle::trainer {

/// Over a number of images.
struct Score {
  std::int64_t images = 0, correct = 0;
  double loss_sum = 0;  ///< of the images' cross-entropies
  double seconds = 0;

  [[nodiscard]] double accuracy() const { return share(static_cast<double>(correct)); }  ///< 0 to 1
  [[nodiscard]] double loss() const { return share(loss_sum); }                          ///< the mean
  [[nodiscard]] double speed() const {                                                   ///< images a second
    return seconds > 0 ? static_cast<double>(images) / seconds : 0;
  }

 private:
  [[nodiscard]] double share(double sum) const { return images > 0 ? sum / static_cast<double>(images) : 0; }
};

struct Epoch {
  Score train;           ///< of the training batches as they went by, augmented, while the network moved on
  Score test;            ///< behind the epoch's last step
  double last_loss = 0;  ///< of the last training batch
  double rate = 0;       ///< of the last step
};

struct Record {
  std::vector<Epoch> epochs;  ///< done
  Epoch current;              ///< under way
  std::int64_t batch = 0;     ///< its batches done
  std::int64_t best = -1;     ///< the first of the epochs with the highest test accuracy
  std::vector<std::int32_t>
      confusion;  ///< of that epoch, (classes, classes): images of class row taken for class column
};

}  // namespace riffle::trainer
