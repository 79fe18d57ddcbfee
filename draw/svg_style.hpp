// What the drawings share: a page's sizes and colours.
#pragma once

#include <string_view>

namespace riffle::draw {

inline constexpr double page_width = 1600;
inline constexpr double margin = 48;
inline constexpr std::string_view ink = "#1f2328";
inline constexpr std::string_view faint_ink = "#6e7781";
inline constexpr std::string_view panel = "#f6f8fa";
inline constexpr std::string_view rule = "#d8dee4";
inline constexpr std::string_view grid = "#e3e7eb";

}  // namespace riffle::draw
