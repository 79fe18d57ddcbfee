#include "draw/svg.hpp"

#include "base/text.hpp"

namespace riffle::draw {
namespace {

std::string escaped(std::string_view words) {
  std::string result;
  for (const char c : words) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        // XML allows no other control characters, not even as references.
        result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return result;
}

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + escaped(value) + "\"";
}

std::string attribute(std::string_view name, double value) { return attribute(name, fixed(value, 2)); }

std::string_view anchor_name(Anchor anchor) {
  switch (anchor) {
    case Anchor::start:
      return "start";
    case Anchor::middle:
      return "middle";
    case Anchor::end:
      return "end";
  }
  return "start";
}

}  // namespace

double text_width(std::string_view words, double size) {
  return 0.6 * size * static_cast<double>(character_count(words));
}

void Svg::box(const Box& box, std::string_view fill, double rounding, std::string_view tooltip) {
  body_ += "<rect" + attribute("x", box.x) + attribute("y", box.y) + attribute("width", box.width) +
           attribute("height", box.height) + attribute("fill", fill);
  if (rounding > 0) body_ += attribute("rx", rounding);
  body_ += tooltip.empty() ? "/>\n" : "><title>" + escaped(tooltip) + "</title></rect>\n";
}

void Svg::dot(double x, double y, double radius, std::string_view fill, std::string_view tooltip) {
  body_ += "<circle" + attribute("cx", x) + attribute("cy", y) + attribute("r", radius) + attribute("fill", fill) +
           attribute("fill-opacity", 0.85) + attribute("stroke", "#ffffff") + attribute("stroke-width", 1);
  body_ += tooltip.empty() ? "/>\n" : "><title>" + escaped(tooltip) + "</title></circle>\n";
}

void Svg::text(double x, double y, std::string_view words, const TextStyle& style) {
  // The baseline lies about a third of the size below the middle; dominant-baseline is not understood everywhere.
  const double drop = 0.35 * style.size;
  body_ += "<text" + attribute("font-size", style.size) + attribute("fill", style.color) +
           attribute("text-anchor", anchor_name(style.anchor));
  if (style.bold) body_ += attribute("font-weight", "600");
  if (style.turn != 0) {
    body_ += attribute("transform",
                       "translate(" + fixed(x, 2) + "," + fixed(y, 2) + ") rotate(" + fixed(style.turn, 2) + ")");
    body_ += attribute("y", drop);
  } else {
    body_ += attribute("x", x) + attribute("y", y + drop);
  }
  body_ += attribute("pointer-events", "none") + ">" + escaped(words) + "</text>\n";
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view color, double width) {
  body_ += "<line" + attribute("x1", x1) + attribute("y1", y1) + attribute("x2", x2) + attribute("y2", y2) +
           attribute("stroke", color) + attribute("stroke-width", width) + "/>\n";
}

void Svg::polyline(std::string_view points, std::string_view color, double width) {
  body_ += "<polyline" + attribute("points", points) + attribute("fill", "none") + attribute("stroke", color) +
           attribute("stroke-width", width) + attribute("stroke-linejoin", "round") + "/>\n";
}

void Svg::polygon(std::string_view points, std::string_view fill) {
  body_ += "<polygon" + attribute("points", points) + attribute("fill", fill) + "/>\n";
}

std::string Svg::finish(double width, double height, std::string_view title) const {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\"" + attribute("width", fixed(width, 0)) +
         attribute("height", fixed(height, 0)) +
         attribute("viewBox", "0 0 " + fixed(width, 0) + " " + fixed(height, 0)) +
         attribute("font-family", "Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif") +
         ">\n<title>" + escaped(title) + "</title>\n" + body_ + "</svg>\n";
}

}  // namespace riffle::draw
