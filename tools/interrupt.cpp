#include "tools/interrupt.hpp"

namespace riffle::tools {
namespace {

volatile std::sig_atomic_t noted = 0;

void note(int signal) { noted = signal; }

void listen(int signal, struct sigaction& before) {
  ::sigaction(signal, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return;
  struct sigaction action = {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

Interrupt::Interrupt() {
  noted = 0;
  for (std::size_t i = 0; i < signals_.size(); ++i) listen(signals_[i], before_[i]);
}

Interrupt::~Interrupt() {
  for (std::size_t i = 0; i < signals_.size(); ++i) ::sigaction(signals_[i], &before_[i], nullptr);
}

int Interrupt::signal() const { return noted; }

}  // namespace riffle::tools
