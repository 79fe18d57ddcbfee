// Something that decides what a run computes.
#pragma once

#include <string>

namespace riffle::trainer {

/// In its user's words: "--batch", "64".
struct Setting {
  std::string name, value;
};

}  // namespace riffle::trainer
