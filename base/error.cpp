#include "base/error.hpp"

namespace riffle {

void Piece::append_to(std::string& message) const {
  if (text_.data() != nullptr) {
    message += text_;
  } else {
    message += std::to_string(number_);
  }
}

std::string joined(std::initializer_list<Piece> pieces) {
  std::string message;
  for (const Piece& piece : pieces) piece.append_to(message);
  return message;
}

Error::Error(std::initializer_list<Piece> pieces) : std::runtime_error(joined(pieces)) {}

}  // namespace riffle
