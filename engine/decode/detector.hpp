// From a detector's raw outputs to boxes in a picture's pixels.
//
//   candidates of all levels --score > threshold--> boxes, points --best first--> suppression --placement--> detections
//
// A detector knows nothing of the network but the shapes of its outputs, so that it is of use alone. It is made once;
// what runs afterwards allocates nothing. It has room of its own to work in: one thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/decode/parts.hpp"
#include "engine/decode/placement.hpp"
#include "engine/graph/description.hpp"

namespace riffle::decode {

struct Detection {
  float x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  float score = 0;
  std::int32_t label = 0;  ///< the class
};

class Detector {
 public:
  /// For an input of this size. Throws Error where the outputs are not as the description says.
  Detector(graph::Detect task, std::span<const OutputShape> outputs, std::int32_t height, std::int32_t width);

  /// The most detections that there can be.
  [[nodiscard]] std::size_t capacity() const { return candidates_.size(); }
  [[nodiscard]] std::int32_t classes() const { return classes_; }
  /// That each detection has.
  [[nodiscard]] std::size_t points() const { return points_; }

  /// outputs[i] are the numbers of output i, of one image. Detections come best first, as many as there is room for,
  /// and so do their points, x and y of each; the room for those may be less, or none. `height` and `width` are the
  /// picture's. Returns how many detections there are, which may be more than there is room for.
  std::size_t run(std::span<const float* const> outputs, const Placement& placement, double height, double width,
                  std::span<Detection> detections, std::span<float> points);

 private:
  struct Level {
    Grid grid;
    PartView scores, objectness, boxes, points;
  };
  struct Box {
    double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  };
  struct Candidate {
    double score = 0;
    Box box;  // in the input's pixels
    std::int32_t label = 0;
    std::int32_t level = 0, cell = 0, anchor = 0;
    bool taken = false;  // of suppression: it is one of those that count no more
  };

  static double overlap(const Box& a, const Box& b);
  static bool is_better(const Candidate& a, const Candidate& b);

  void collect(std::int32_t level, std::span<const float* const> outputs);
  void find_best(const Level& level, std::span<const float* const> outputs, std::int64_t cell, std::int64_t anchor,
                 std::int32_t cells);
  [[nodiscard]] std::int32_t class_of(const Level& level, std::span<const float* const> outputs, std::int64_t cell,
                                      std::int64_t anchor, float best) const;
  void keep_best(std::size_t first, std::int32_t most);
  void locate(Candidate& candidate, std::span<const float* const> outputs) const;
  void point_of(const Candidate& candidate, std::span<const float* const> outputs, std::size_t i, double& x,
                double& y) const;
  [[nodiscard]] bool passes(double score) const;
  [[nodiscard]] bool overlaps(const Candidate& a, const Candidate& b) const;
  [[nodiscard]] double cell_x(const Candidate& candidate) const;
  [[nodiscard]] double cell_y(const Candidate& candidate) const;
  [[nodiscard]] double unit_of(graph::Unit unit, const Candidate& candidate, bool vertical) const;

  void suppress_hard();
  void suppress_softly();
  void merge(std::span<const float* const> outputs);

  static constexpr std::int32_t block = 64;  // cells whose best classes are found at once

  graph::Detect task_;
  double height_, width_;
  std::vector<Level> levels_;
  std::size_t points_ = 0;
  std::int32_t classes_ = 0;
  float best_[block];                  // by cell of a block: the largest raw score
  std::vector<Candidate> candidates_;  // room for all
  std::size_t count_ = 0;              // of those that are used
  std::vector<double> merged_points_;  // of weighted suppression: x and y, candidate after candidate
};

}  // namespace riffle::decode
