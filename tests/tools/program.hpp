// The program under test, run as its user does.
#pragma once

#include <string>
#include <vector>

namespace riffle::tests {

struct Result {
  int code = 0;  ///< the exit code, or -1 if a signal ended it
  std::string out, err;
};

/// Runs riffle with the arguments, under the emulator where the build has one. `environment`: "NAME=value" pairs that
/// are added.
Result riffle(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {});

}  // namespace riffle::tests
