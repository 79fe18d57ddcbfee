// Which mutants each test comes by, and how long it takes: a line a test in the file that the environment's
// RIFFLE_REACHED names. mutate.py includes this in one source of a test program.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/mutation/mutation.hpp"

namespace mutation {

class Listener : public ::testing::EmptyTestEventListener {
  void OnTestStart(const ::testing::TestInfo& /*test*/) override {
    for (bool& one : reached) one = false;
  }
  void OnTestEnd(const ::testing::TestInfo& test) override {
    std::ofstream file(std::getenv("RIFFLE_REACHED"), std::ios::app);
    file << test.test_suite_name() << '.' << test.name() << ' ' << test.result()->elapsed_time();
    for (int n = 0; n < most; ++n) {
      if (reached[n]) file << ' ' << n;
    }
    file << '\n';
  }
};

inline const bool is_listening = [] {
  if (std::getenv("RIFFLE_REACHED") != nullptr) ::testing::UnitTest::GetInstance()->listeners().Append(new Listener);
  return true;
}();

}  // namespace mutation
