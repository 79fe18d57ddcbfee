// riffle bench --cold.
#pragma once

#include "measure/cold_start.hpp"

namespace riffle::tools {

/// Measures and prints. Throws Error for what cannot be loaded, naming the file.
void bench_cold(const measure::ColdStartOptions& options, bool json);

}  // namespace riffle::tools
