// What is thrown where something is wrong.
#pragma once

#include <stdexcept>

namespace riffle {

/// What is wrong with a model, a file or an argument, in words for its user. Thrown inside the engine and by the
/// tools; never crosses the C API.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What was left out when this library was built.
class Unsupported : public Error {
 public:
  using Error::Error;
};

/// What the system does not give: memory, a thread.
class Exhausted : public Error {
 public:
  using Error::Error;
};

}  // namespace riffle
