// The program under test, run as its user does.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace riffle::tests {

struct Result {
  int code = 0;  ///< the exit code, or -1 if a signal ended it
  std::string out, err;
};

/// Runs riffle with the arguments, under the emulator where the build has one. `environment`: "NAME=value" pairs that
/// are added. `prepare` is called in the new process before the program is.
Result riffle(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {},
              const std::function<void()>& prepare = {});

struct Terminal {
  int columns = 80;
  bool shows_out = false;              ///< the standard output, too; or else that goes to Result::out
  std::string_view interrupt_at = {};  ///< when this is written, Ctrl-C is typed, once; empty: never
};

/// Runs riffle in a terminal; Result::err is all that the terminal was sent.
Result riffle_in_terminal(const std::vector<std::string>& arguments, const Terminal& terminal);

/// Becomes the program with these arguments, under the emulator where there is one: to be called in a process of its
/// own. Does not come back.
[[noreturn]] void execute(const std::vector<std::string>& arguments);

}  // namespace riffle::tests
