// A font of strokes: each character is a few lines and curves, which are as thick as whoever draws them wants.
#pragma once

#include <string_view>
#include <vector>

#include "draw/canvas.hpp"

namespace riffle::draw {

struct Segment {
  Point from, to;
};

/// The text's strokes, whose baseline begins at (0, 0); y grows downwards, and the height of a capital letter is 1.
/// Characters that are not ASCII, or not to be seen, are question marks.
std::vector<Segment> text_strokes(std::string_view text);

/// From the middle of the first stroke to the middle of the last one.
double text_width(std::string_view text);

}  // namespace riffle::draw
