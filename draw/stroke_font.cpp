#include "draw/stroke_font.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace riffle::draw {
namespace {

// A stroke is a word of points, each of them two characters: x, as a digit ('0' is 0, ':' 10, '<' 12), and y, as a
// letter: 'a' is -4, where descenders end, 'e' 0, the baseline, 'o' 10, the height of small letters, 's' 14, of capital
// ones. A capital letter is the control point of a curve, as in TrueType: a parabola touches the lines that lead to
// it, and between two control points the curve goes through the middle. A stroke of one place is a dot.
constexpr std::array<std::string_view, 95> glyphs = {
    "",                                   // space
    "0s0j 0e0e",                          // !
    "0s0p 3s3p",                          // "
    "3s1e 7s5e 1n9n 0i8i",                // #
    "8p8S0S0L8L8E0E0h 4u4c",              // $
    "9s1e 0q0S4S4O0O0q 6g6I:I:E6E6g",     // %
    "9e2n1O1S7S7N3M0L0E8E8j",             // &
    "0s0p",                               // '
    "3u0R0D3c",                           // (
    "0u3R3D0c",                           // )
    "3s3m 0q6o 6q0o",                     // *
    "4o4g 0k8k",                          // +
    "1e0b",                               // ,
    "0k5k",                               // -
    "0e0e",                               // .
    "6t0d",                               // /
    "0l0S8S8E0E0l",                       // 0
    "0p4s4e",                             // 1
    "0o0S8S8N6l0e8e",                     // 2
    "0p0S7S7L3l8L8E0E0h",                 // 3
    "6e6s0i8i",                           // 4
    "7s1s0l2N8N8E0E0h",                   // 5
    "6s0O0i0E8E8N0N0i",                   // 6
    "0s8s3e",                             // 7
    "4l1L1S7S7L4l8L8E0E0L4l",             // 8
    "2e8I8o8S0S0J8J8o",                   // 9
    "0e0e 0n0n",                          // :
    "1n1n 1e0b",                          // ;
    "7o0k7g",                             // <
    "0m7m 0i7i",                          // =
    "0o7k0g",                             // >
    "0p0S7S7M3M3i 3e3e",                  // ?
    "8k8N3N3H8H8k 8n8j8G<G<k<S0S0C8C:c",  // @
    "0e5s:e 2i8i",                        // A
    "0l0s5s8S8L5l0l0e5e9E9L5l",           // B
    "9p9S0S0E9E9h",                       // C
    "0e0s4s9S9E4e0e",                     // D
    "8s0s0e8e 0l7l",                      // E
    "8s0s0e 0l7l",                        // F
    "9p9S0S0E9E9k5k",                     // G
    "0s0e 9s9e 0l9l",                     // H
    "0s0e",                               // I
    "6s6j6E0E0i",                         // J
    "0s0e 8s0j 3m8e",                     // K
    "0s0e7e",                             // L
    "0e0s5h:s:e",                         // M
    "0e0s9e9s",                           // N
    "0l0S:S:E0E0l",                       // O
    "0e0s5s9S9K5k0k",                     // P
    "0l0S:S:E0E0l 6i:d",                  // Q
    "0e0s5s9S9K5k0k 5k9e",                // R
    "8p8S0S0L8L8E0E0h",                   // S
    "0s8s 4s4e",                          // T
    "0s0j0E9E9j9s",                       // U
    "0s5e:s",                             // V
    "0s3e6q9e<s",                         // W
    "0s9e 9s0e",                          // X
    "0s4l8s 4l4e",                        // Y
    "0s8s0e8e",                           // Z
    "3u0u0c3c",                           // [
    "0t6d",                               // backslash
    "0u3u3c0c",                           // ]
    "0n3s6n",                             // ^
    "0c8c",                               // _
    "0s2p",                               // `
    "0m0O7O7k7e 7k3k0K0E7E7i",            // a
    "0s0e 0j0O7O7E0E0j",                  // b
    "7m7O0O0E7E7g",                       // c
    "7s7e 7j7O0O0E7E7j",                  // d
    "0j7j7O0O0E7E7g",                     // e
    "5s2S2o2e 0o5o",                      // f
    "7j7O0O0E7E7j 7o7f7A0A0c",            // g
    "0s0e 0j0O7O7j7e",                    // h
    "0o0e 0s0s",                          // i
    "3o3d3A0a 3s3s",                      // j
    "0s0e 7o0i 3l7e",                     // k
    "0s0h0E3e",                           // l
    "0o0e 0k0O5O5k5e 5k5O:O:k:e",         // m
    "0o0e 0j0O7O7j7e",                    // n
    "0j0O7O7E0E0j",                       // o
    "0o0a 0j0O7O7E0E0j",                  // p
    "7o7a 7j7O0O0E7E7j",                  // q
    "0o0e 0j0O4o",                        // r
    "6m6O0O0J6J6E0E0g",                   // s
    "2s2h2E5e 0o5o",                      // t
    "0o0j0E7E7j 7o7e",                    // u
    "0o4e8o",                             // v
    "0o3e6n9e<o",                         // w
    "0o7e 7o0e",                          // x
    "0o4e 8o3c2A0a",                      // y
    "0o7o0e7e",                           // z
    "5u2U2o2K0k2K2g2C5c",                 // {
    "0u0c",                               // |
    "0u3U3o3K5k3K3g3C0c",                 // }
    "0j1M4K7H8l",                         // ~
};
constexpr double cap_height = 14, letter_gap = 4, space = 3;

std::string_view glyph_of(char character) {
  const auto code = static_cast<unsigned char>(character);
  return glyphs[code >= 32 && code < 127 ? code - 32U : '?' - 32U];
}

double glyph_width(std::string_view glyph) {
  if (glyph.empty()) return space;
  int width = 0;
  for (std::size_t i = 0; i < glyph.size(); ++i) {
    if (glyph[i] == ' ') continue;
    width = std::max(width, glyph[i] - '0');
    ++i;
  }
  return width;
}

/// Bytes in the middle of a character of UTF-8.
bool continues(char character) { return (static_cast<unsigned char>(character) & 0xC0U) == 0x80U; }

Point middle(Point a, Point b) { return {(a.x + b.x) / 2, (a.y + b.y) / 2}; }

/// Appends lines and parabolas to a list of segments, in cap heights.
class Pen {
 public:
  explicit Pen(std::vector<Segment>& segments) : segments_(segments) {}

  void move_to(Point to) { at_ = to; }
  void line_to(Point to) {
    segments_.push_back({at_, to});
    at_ = to;
  }
  void curve_to(Point control, Point to) {
    const Point from = at_;
    constexpr int steps = 8;
    for (int i = 1; i <= steps; ++i) {
      const double t = static_cast<double>(i) / steps, s = 1 - t;
      line_to({s * s * from.x + 2 * s * t * control.x + t * t * to.x,
               s * s * from.y + 2 * s * t * control.y + t * t * to.y});
    }
  }

 private:
  std::vector<Segment>& segments_;
  Point at_ = {};
};

void append_stroke(std::string_view stroke, double left, std::vector<Segment>& segments) {
  Pen pen(segments);
  Point control = {};
  bool is_curve = false;  // from where the pen is, with that control point
  for (std::size_t i = 0; i + 1 < stroke.size(); i += 2) {
    const bool is_control = stroke[i + 1] < 'a';
    const Point point = {(left + (stroke[i] - '0')) / cap_height,
                         -((stroke[i + 1] | 0x20) - 'e') / cap_height};  // NOLINT: a capital letter's small one
    if (i == 0) {
      pen.move_to(point);
    } else if (is_curve) {
      pen.curve_to(control, is_control ? middle(control, point) : point);
    } else if (!is_control) {
      pen.line_to(point);
    }
    control = point;
    is_curve = is_control;
  }
}

/// Calls f(glyph, left) for each character; returns the text's width. In units of the table.
template <class F>
double for_each_glyph(std::string_view text, F&& f) {
  double left = 0;
  for (const char character : text) {
    if (continues(character)) continue;
    const std::string_view glyph = glyph_of(character);
    f(glyph, left);
    left += glyph_width(glyph) + letter_gap;
  }
  return std::max(left - letter_gap, 0.0);
}

}  // namespace

std::vector<Segment> text_strokes(std::string_view text) {
  std::vector<Segment> segments;
  for_each_glyph(text, [&](std::string_view glyph, double left) {
    while (!glyph.empty()) {
      const std::size_t end = std::min(glyph.find(' '), glyph.size());
      append_stroke(glyph.substr(0, end), left, segments);
      glyph.remove_prefix(std::min(end + 1, glyph.size()));
    }
  });
  return segments;
}

double text_width(std::string_view text) {
  return for_each_glyph(text, [](std::string_view, double) {}) / cap_height;
}

}  // namespace riffle::draw
