// How the numbers of a tensor (H, W, C) stand in axes, as reshapes and transposes have arranged them: a rule for every
// size. An index, row, column or channel, is cut into digits, as a number is into tens and ones; an axis is a list of
// digits. With the digits of an index counted from 0, the outermost, and their extents behind a colon, as einops does:
//
//   h w c                      pixels, each with its channels
//   c h w                      planes
//   c                          a vector; there is one row and one column
//   (h w c0:3) c1:85           3 anchors at each pixel, 85 numbers an anchor: (H W 3, 85)
//   (h c1:2) (w c2:2) c0       depth to space: four channels are the pixels of a square
//
// A digit without an extent is open: it has all values that the others of its index leave.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace riffle::graph {

struct Shape;

enum class Index : std::uint8_t { row, column, channel };

struct Digit {
  Index index = Index::channel;
  std::int32_t extent = 0;  ///< how many values it has; 0: it is open, which one digit of an index may be
  bool operator==(const Digit&) const = default;
};

struct Arrangement {
  /// Of rows, of columns, of channels, each the outermost first. An index without a digit has one value.
  std::vector<Digit> digits;
  /// The outermost first: of each which of the digits, the outermost first. Every digit stands on one axis.
  std::vector<std::vector<std::int32_t>> axes;
  /// Of a caller's tensor: the batch is no axis in front of these but the outermost part of the first one, "(n h w) c",
  /// or, where there is no axis, nowhere: "()".
  bool joins_batch = false;

  bool operator==(const Arrangement&) const = default;
};

/// Of "h w c", "(h w c0:3) c1:85", "c 1": an axis that is nothing but 1 has no digit. Throws Error where it is none.
Arrangement arranged(std::string_view text);
/// "h w c", with the height and width of a picture.
Arrangement pixels_arrangement();
std::string to_text(const Arrangement& arrangement);

/// What an arrangement is for a tensor of one shape.
struct ResolvedArrangement {
  struct Digit {
    Index index = Index::channel;
    std::int64_t extent = 1;
    std::int64_t step = 1;    ///< rows, columns or channels from one value to the next
    std::int64_t stride = 0;  ///< numbers, where the axes stand in memory as they are
    std::size_t axis = 0;
  };
  std::vector<std::int64_t> extents;  ///< of the axes
  std::vector<Digit> digits;          ///< as Arrangement has them
};

/// Throws Error, without a node's name, where the arrangement is none, or does not divide the shape.
ResolvedArrangement resolve(const Arrangement& arrangement, const Shape& shape);

/// The place of row y, column x and channel c among the arrangement's numbers.
std::int64_t place_of(const ResolvedArrangement& arrangement, std::int64_t y, std::int64_t x, std::int64_t c);

/// `second` of the rows, columns and channels that the axes of `first` make, as an arrangement of what `first` is of.
/// None where `second` cuts an axis at another place than between two digits or in one of a known extent.
std::optional<Arrangement> composed(const Arrangement& first, const Arrangement& second);

}  // namespace riffle::graph
