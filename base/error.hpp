// What is thrown where something is wrong.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

namespace riffle {

/// A piece of a message: text or a whole number, for as long as the expression lasts that it stands in.
class Piece {
 public:
  Piece(const char* text) : text_(text) {}         // NOLINT: pieces are what they are made of
  Piece(std::string_view text) : text_(text) {}    // NOLINT
  Piece(const std::string& text) : text_(text) {}  // NOLINT
  template <std::integral Integer>
  Piece(Integer number) : number_(static_cast<std::int64_t>(number)) {}  // NOLINT

  void append_to(std::string& message) const;

 private:
  std::string_view text_ = {nullptr, 0};  ///< null: a number
  std::int64_t number_ = 0;
};

/// The pieces one after the other. A call takes a fraction of the code that a sum of strings does, which counts in a
/// library whose errors say what they are about.
std::string joined(std::initializer_list<Piece> pieces);

/// What is wrong with a model, a file or an argument, in words for its user. Thrown inside the engine and by the
/// tools; never crosses the C API.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
  Error(std::initializer_list<Piece> pieces);
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
