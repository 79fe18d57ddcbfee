// A progress bar on the standard error stream, drawn only if that is a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace riffle::tools {

class Progress {
 public:
  Progress(std::string label, std::int64_t total);
  /// Wipes the bar.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` of the total, and behind the bar `words`, or else the time left. Draws at most ten times a second. For one
  /// thread at a time.
  void update(std::int64_t done, const std::string& words = {});

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  std::int64_t total_;
  bool visible_;
  Clock::time_point start_;
  Clock::time_point drawn_;
};

}  // namespace riffle::tools
