// How often a text has a part: what a picture's elements are counted by.
#pragma once

#include <cstddef>
#include <string>

namespace riffle::tests {

/// Overlapping ones, too. `part` is not empty.
inline std::ptrdiff_t count(const std::string& text, const std::string& part) {
  std::ptrdiff_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace riffle::tests
