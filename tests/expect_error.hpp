// An Error is expected, and that its message says what it should.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "engine/graph/graph.hpp"

namespace riffle::tests {

/// The message of the Error that `call` throws; a failed test and nothing if it throws none.
template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return "";
}

inline ::testing::AssertionResult contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "\"" << text << "\" does not contain \"" << part << "\"";
}

}  // namespace riffle::tests
