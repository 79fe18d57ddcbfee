// Ctrl-C as a wish, not as an end.
#pragma once

#include <csignal>

namespace riffle::tools {

/// While it lives, SIGINT and SIGTERM are noted; a second one ends the program as it always did. A signal that was
/// ignored stays so. One at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// The signal that came, or 0.
  [[nodiscard]] int signal() const;

 private:
  struct sigaction interrupt_ = {}, terminate_ = {};  ///< what was there
};

}  // namespace riffle::tools
