// What the command line calls data, opened.
#pragma once

#include "trainer/data/subset.hpp"

namespace riffle::trainer {

struct OpenOptions {
  std::vector<std::string> validation = {};  ///< paths like the data's, whose validation set is taken if they have one
  double validation_share = 0.1;             ///< of the data, where there is no other validation set
  std::uint64_t seed = 0;                    ///< of that split
  std::string names = {};                    ///< a file of one class name a line, for IDX; empty: 0, 1, 2 ...
  std::int32_t channels = 3;                 ///< 1 or 3, of a folder's pictures; IDX has 1
  bool skip_broken = false;                  ///< leave out pictures that cannot be decoded: see FolderOptions
  int threads = 1;                           ///< that look for them
};

struct OpenedData : Datasets {
  bool named = true;                 ///< have the classes names, or only numbers?
  bool split_off = false;            ///< is the validation set a share of the data?
  std::vector<std::string> skipped;  ///< a message a picture that was left out
};

/// Opens one of these:
///
///   IMAGES LABELS    two IDX files
///   FOLDER           with train-images-idx3-ubyte, train-labels-idx1-ubyte and, for validation,
///   t10k-images-idx3-ubyte,
///                    t10k-labels-idx1-ubyte: each as it is or with .gz
///   FOLDER           with train/ and, for validation, val/ or else test/: folders of class folders
///   FOLDER           of class folders: PNG and JPEG pictures
///
/// Without a validation set of its own, and none in the options, the data is split. Both sets have the same classes and
/// channels. Throws Error naming the path, for whatever the datasets refuse.
OpenedData open_data(const std::vector<std::string>& paths, const OpenOptions& options);

}  // namespace riffle::trainer
