// What a network's answers mean: metadata, from which the numbers that it gives become boxes, points and masks
// (engine/decode). Coordinates are continuous pixels of the network's input: pixel (j, i) covers [j, j + 1) x [i, i +
// 1).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace riffle::graph {

enum class Transform : std::uint8_t { none, sigmoid, tanh, exponential, softmax };

enum class Unit : std::uint8_t {
  pixel,
  cell,    ///< of its level: `stride` pixels
  input,   ///< the input's width, or its height
  anchor,  ///< the anchor's width, or its height
};

/// What a raw number x stands for: unit * (times * transform(before * x) + plus) ^ power.
struct Mapping {
  Transform transform = Transform::none;
  float before = 1, times = 1, plus = 0, power = 1;
  Unit unit = Unit::pixel;
  bool operator==(const Mapping&) const = default;
};

/// How an output holds a number of components for each candidate.
enum class Components : std::uint8_t {
  by_shape,  ///< planes where its last two extents are the level's rows and columns, or its last one the number of
             ///< candidates; else last
  last,  ///< a candidate's stand side by side: (candidates, K), (rows, columns, anchors K), (anchors, rows, columns, K)
  planes,  ///< a candidate's stand a plane apart: (K, candidates), (anchors K, rows, columns)
};

/// Components [first, first + count) of an output.
struct Part {
  std::string output = {};  ///< its name; empty: there is no such part
  std::int32_t first = 0;
  std::int32_t count = 0;  ///< 0: all from `first` on
  Components components = Components::by_shape;
  bool operator==(const Part&) const = default;
};

/// Candidates for objects: one or some ("anchors") for each cell of a grid over the input, row by row, the anchors of a
/// cell one after the other; or a list without a grid. Levels whose boxes are in one output have their candidates there
/// one after the other.
struct Level {
  float stride = 0;               ///< pixels from a cell to the next; 0: there is no grid
  std::int32_t anchors = 1;       ///< candidates a cell
  std::vector<float> sizes = {};  ///< width and height of each anchor, in pixels; empty where no unit asks for them
  Part scores = {};               ///< one a class; the best is the candidate's
  Part objectness = {};           ///< its score counts times this; may be missing
  Part boxes = {};
  Part points = {};  ///< x and y of each; may be missing
  bool operator==(const Level&) const = default;
};

enum class BoxForm : std::uint8_t {
  centre,     ///< x, y from the cell's point, then width, height
  distances,  ///< left, top, right, bottom from the cell's point
  corners,    ///< left, top, right, bottom from the input's corner
};

enum class Suppression : std::uint8_t {
  hard,      ///< what overlaps a better one goes
  weighted,  ///< what overlaps the best becomes one with it, each counting as much as its score (BlazeFace)
  linear,    ///< the score of what overlaps a better one counts 1 - iou times (soft-NMS, Bodla et al. 2017)
  gaussian,  ///< exp(-iou^2 / sigma) times (the same)
};

/// A detector: candidates, a threshold, suppression.
struct Detect {
  std::vector<Level> levels = {};
  float offset = 0, shift = 0;  ///< a cell's point is (cell + offset) * stride + shift
  BoxForm form = BoxForm::centre;
  Mapping position = {};  ///< of x and y, or of corners
  Mapping size = {};      ///< of width and height, or of distances
  std::int32_t bins = 0;  ///< of distances: each is the mean of a softmax over so many raw numbers (generalised focal
                          ///< loss, Li et al. 2020); 0: it is one number
  Mapping score = {}, objectness = {};
  Mapping point = {};       ///< from the cell's point
  bool background = false;  ///< the first of the scores is the background's: it counts in a softmax, and is no class
  float threshold = 0.5F;
  bool inclusive = false;          ///< a score that is the threshold passes
  bool clip_to_input = false;      ///< boxes end at the input's edges, before suppression
  bool clip_to_picture = false;    ///< at the picture's, behind it
  std::int32_t most_of_level = 0;  ///< the best of a level that go on; 0: all
  std::int32_t most = 0;           ///< the best of all that suppression looks at; 0: all
  Suppression suppression = Suppression::hard;
  float iou = 0.5F;       ///< overlaps are intersections over unions above this
  float sigma = 0.5F;     ///< of gaussian
  bool per_class = true;  ///< objects of different classes do not suppress one another
  bool operator==(const Detect&) const = default;
};

/// Which part of a picture becomes the input: a box that another network has found, as large as is said, about its
/// centre.
struct Region {
  float scale = 1;
  bool square = false;  ///< as wide as high: the longer of its sides
  /// Turned so that the line from one of the box's points to another goes to the right; -1: upright.
  std::int32_t turn_from = -1, turn_to = -1;
  bool cut = false;  ///< it ends at the picture's edges, and at whole pixels; else the edge goes on outside
  bool operator==(const Region&) const = default;
  [[nodiscard]] bool is_turned() const { return turn_from >= 0 && turn_to >= 0; }
};

/// Points of one object, which fills the input.
struct Landmarks {
  Part points = {};
  std::int32_t dimensions = 2;  ///< numbers a point: x, y, and perhaps z, which grows as x does
  Mapping point = {};
  Part score = {};  ///< whether the object is there; may be missing
  Mapping score_mapping = {};
  float threshold = 0.5F;
  Region region = {};  ///< of a picture in which another network has found the object
  bool operator==(const Landmarks&) const = default;
};

/// A class for each pixel of an output (K, rows, columns) or (rows, columns, K), which covers the input.
struct Segment {
  Part scores = {};
  Transform transform = Transform::none;  ///< of a pixel's components
  std::int32_t foreground = -1;  ///< the component of two answers, yes above the threshold; -1: the largest wins
  float threshold = 0.5F;
  bool inclusive = false;
  bool operator==(const Segment&) const = default;
};

/// What classifies has no more to say: its labels are the graph's.
struct Classify {
  bool operator==(const Classify&) const = default;
};

using Task = std::variant<Classify, Detect, Landmarks, Segment>;

}  // namespace riffle::graph
