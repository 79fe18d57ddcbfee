// Ctrl-C as a wish, not as an end; and so is a terminal that goes away.
#pragma once

#include <array>
#include <csignal>

namespace riffle::tools {

/// While it lives, the first SIGINT, SIGTERM or SIGHUP is noted; the second one ends the program as it always did. A
/// signal that was ignored stays so. One at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// The signal that came, or 0.
  [[nodiscard]] int signal() const;

 private:
  static constexpr std::array signals_ = {SIGINT, SIGTERM, SIGHUP};
  std::array<struct sigaction, signals_.size()> before_ = {};
};

}  // namespace riffle::tools
