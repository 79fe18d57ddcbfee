// A cold start: from a model's file to its first answer, phase by phase, and what memory that takes.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace riffle::measure {

struct ColdStartOptions {
  std::string model;  ///< a .riffle file
  int threads = 1;
  int loads = 1;                       ///< each in a process of its own, and as many again in one process
  std::int32_t height = 0, width = 0;  ///< of the inputs; 0: the model's own
};

inline constexpr std::array phase_names = {"open and map", "verify",  "graph", "passes",
                                           "plan",         "packing", "arena", "first run"};
inline constexpr std::size_t phases = phase_names.size();

/// Medians over loads.
struct LoadTimes {
  std::array<double, phases> ms = {}, page_faults = {};
  double total_ms = 0, total_page_faults = 0;
  double warm_ms = 0;      ///< of a run behind the first one
  double ratio = 0;        ///< total_ms to warm_ms
  double grown_bytes = 0;  ///< the process's peak resident memory over that before the load
};

struct ColdStart {
  std::string isa;
  std::int64_t file_bytes = 0, packed_bytes = 0, arena_bytes = 0;
  LoadTimes new_process, same_process;
};

/// To be called by a process that has loaded nothing: what is measured are its forks. Throws Error for what cannot be
/// loaded, naming the file.
ColdStart cold_start(const ColdStartOptions& options);

}  // namespace riffle::measure
