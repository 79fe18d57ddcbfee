// riffle bench --cold: from a model's file to its first answer, phase by phase, and what memory that takes.
#pragma once

#include <string>

#include "tools/options.hpp"

namespace riffle::tools {

struct ColdOptions {
  std::string model;  ///< a .riffle file
  int threads = 1;
  int loads = 1;  ///< each in a process of its own, and as many again in one process
  ImageSize size;
  bool json = false;
};

/// Measures and prints. To be called by a process that has loaded nothing: what is measured are its forks. Throws Error
/// for what cannot be loaded, naming the file.
void bench_cold(const ColdOptions& options);

}  // namespace riffle::tools
