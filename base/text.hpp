// Numbers in words, for tables and messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace riffle {

/// "3.14": `digits` behind the point.
std::string fixed(double value, int digits);
/// "0.485": as few digits as tell the float from its neighbours.
std::string shortest(float value);
/// "1,234,567".
std::string grouped(std::int64_t value);
/// "144.9 M": multiply-adds in millions, with a digit more below ten.
std::string millions(std::int64_t value);
/// "512 B", "1.5 KiB", "8.7 MiB".
std::string bytes_text(std::int64_t bytes);
/// "4.1 s", "41 s", "6 min 10 s", "2 h 5 min".
std::string duration_text(double seconds);
/// The characters of UTF-8 text, for the width of a column.
std::size_t character_count(std::string_view text);
/// The text with a question mark for each control character, of which a terminal might make something.
std::string printable(std::string_view text);
/// Everything behind the last slash.
std::string file_name(const std::string& path);

}  // namespace riffle
