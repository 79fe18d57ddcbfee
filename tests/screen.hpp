// What a terminal shows of the bytes that it was sent.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace riffle::tests {

/// As many lines as are needed, none of which scrolls away. Knows what the program sends: characters of one column each
/// in UTF-8, carriage return, line feed, and ESC [ K.
class Screen {
 public:
  explicit Screen(std::size_t columns) : columns_(columns) {}

  void print(std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      constexpr std::string_view erase = "\x1B[K";
      if (bytes.substr(at).starts_with(erase)) {
        line().resize(std::min(line().size(), column_));
        at += erase.size();
      } else if (bytes[at] == '\r') {
        column_ = 0;
        ++at;
      } else if (bytes[at] == '\n') {
        ++row_;
        ++at;
      } else {
        std::size_t length = 1;
        while (at + length < bytes.size() && (static_cast<unsigned char>(bytes[at + length]) & 0xC0) == 0x80) ++length;
        put(bytes.substr(at, length));
        at += length;
      }
    }
  }

  /// How often a line went on in the next one.
  [[nodiscard]] int wraps() const { return wraps_; }

  /// All that is to be seen, a line feed between two lines; without the empty lines at the end.
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const auto& line : lines_) {
      for (const std::string& character : line) all += character;
      all += '\n';
    }
    return all.erase(all.find_last_not_of('\n') + 1);
  }

 private:
  std::vector<std::string>& line() {
    if (lines_.size() <= row_) lines_.resize(row_ + 1);
    return lines_[row_];
  }

  void put(std::string_view character) {
    if (column_ == columns_) {
      ++row_;
      column_ = 0;
      ++wraps_;
    }
    if (line().size() <= column_) line().resize(column_ + 1, " ");
    line()[column_++] = character;
  }

  std::size_t columns_, row_ = 0, column_ = 0;
  int wraps_ = 0;
  std::vector<std::vector<std::string>> lines_;  ///< by row and column, a character each
};

}  // namespace riffle::tests
