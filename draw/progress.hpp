// A progress bar on the standard error stream, drawn only if that is a terminal.
#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace riffle::draw {

/// While it lives, its bar gives way to whatever the program prints by std::cout or std::cerr, and to a signal that
/// ends the program (SIGINT, SIGTERM, SIGHUP, SIGQUIT). One at a time.
class Progress {
 public:
  Progress(std::string label, std::int64_t total);
  /// Wipes the bar.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` of the total, and behind the bar `words`, or else the time left: one line, as wide as the terminal allows.
  /// Draws at most ten times a second, however many bars there are one after the other. For one thread at a time.
  void update(std::int64_t done, const std::string& words = {});

  /// Takes the bar from the terminal, if one is there. A signal handler may call it.
  static void wipe() noexcept;
  /// Takes from a terminal whatever stands on its line: beside a bar the ^C that stopped a program between two.
  static void wipe_line() noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::array ending_signals_ = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

  std::string label_;
  std::int64_t total_;
  bool visible_;
  Clock::time_point start_;
  // As they were before.
  std::ostream *tie_of_out_ = nullptr, *tie_of_err_ = nullptr;
  std::array<struct sigaction, ending_signals_.size()> actions_ = {};
};

/// The bar's line, of at most so many columns. The narrower it is the less is in it: first the bar gets shorter, then
/// `words` are left away, from the last comma on, then the bar, then the label.
std::string progress_line(std::string_view label, std::int64_t done, std::int64_t total, std::string_view words,
                          std::size_t columns);

}  // namespace riffle::draw
