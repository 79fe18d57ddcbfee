#include "tools/interrupt.hpp"

#include "draw/progress.hpp"

namespace riffle::tools {
namespace {

volatile std::sig_atomic_t noted = 0;

void note(int signal) {
  if (noted == 0) {
    noted = signal;
    return;
  }
  draw::Progress::wipe();
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

void listen(int signal, struct sigaction& before) {
  ::sigaction(signal, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return;
  struct sigaction action = {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
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
