// A network's answers drawn on the picture that they are about: boxes with tags, points, masks.
//
// Lines and letters grow with the picture, so that it can be looked at in any size.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "draw/canvas.hpp"

namespace riffle::draw {

/// Of a class: neighbours differ, and after sixteen they begin anew.
Color color_of(std::int32_t label);
/// What letters on it are read best in: nearly black, or white.
Color ink_on(Color background);
/// Of two colours, from 1 to 21, as the WCAG define it.
double contrast(Color a, Color b);

/// An object, in the picture's pixels.
struct Mark {
  Rectangle box = {};
  std::string label = {};  ///< stands in a tag at the box; empty: there is none
  Color color = {};
  std::vector<Point> points = {};
  bool has_frame = true;
};

/// The best first: where tags would lie on one another, it has the better place. What reaches beyond the picture's
/// edge is drawn along it.
void draw_marks(io::Picture& picture, std::span<const Mark> marks);

/// How much each of rows x columns parts of a rectangle belongs to something, from 0 to 1.
struct Mask {
  std::int32_t columns = 0, rows = 0;
  std::span<const float> shares;  ///< row after row
  Rectangle covers;               ///< in the picture's pixels; it may reach beyond it
};

/// Paints what belongs to it by more than a half: a veil, and a line around it, which is smooth however coarse the mask
/// is.
void draw_mask(io::Picture& picture, const Mask& mask, Color color);

/// Tags in the upper left corner, one below the other.
struct KeyEntry {
  std::string label;
  Color color;
};
void draw_key(io::Picture& picture, std::span<const KeyEntry> entries);

}  // namespace riffle::draw
