// The command line of which a call of the system fails (failing_calls.hpp), as the environment says:
//
//   RIFFLE_FAULT="7 28 0"  the eighth call fails with errno 28
//   RIFFLE_FAULT="7 0 15"  before the eighth call the program gets signal 15
//   RIFFLE_TRACE=FILE      which is made when that happens
#include <cstdlib>
#include <sstream>

#include "tests/failing_calls.hpp"

namespace {

using riffle::testing::Fault;

Fault fault_of_environment() {
  const char* const words = std::getenv("RIFFLE_FAULT");
  if (words == nullptr) return Fault::of_call(Fault::never, 0);
  long call = 0;
  int error = 0, signal = 0;
  std::istringstream(words) >> call >> error >> signal;
  Fault::trace = std::getenv("RIFFLE_TRACE");
  return signal != 0 ? Fault::of_signal(call, signal) : Fault::of_call(call, error);
}

/// From before main() to behind its end.
const Fault fault = fault_of_environment();

}  // namespace
