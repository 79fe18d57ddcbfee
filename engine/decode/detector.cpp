#include "engine/decode/detector.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "base/error.hpp"

namespace riffle::decode {
namespace {

using graph::Transform;

constexpr std::size_t max_levels = 64;
constexpr std::int64_t max_candidates = 1 << 20;
constexpr std::int32_t max_bins = 1024;

/// The largest raw score has the largest score only where the mapping grows.
void expect_growing(const graph::Mapping& mapping, const char* what) {
  expect_finite(mapping, what);
  if (mapping.before > 0 && mapping.times > 0 && mapping.power > 0) return;
  throw Error({"a mapping of ", what, " grows: before, times and power are positive"});
}

void expect_count(const PartView& part, std::int32_t count, const std::string& what) {
  if (part.exists() && part.count != count) {
    throw Error({what, ": ", part.count, " components where ", count, " are read"});
  }
}

/// The mean of 0 .. bins - 1, as the softmax of so many numbers weighs them.
double mean_bin(const float* first, std::int64_t step, std::int32_t bins) {
  double most = -std::numeric_limits<double>::infinity(), sum = 0, mean = 0;
  for (std::int32_t i = 0; i < bins; ++i) most = std::max(most, static_cast<double>(first[i * step]));
  for (std::int32_t i = 0; i < bins; ++i) {
    const double weight = std::exp(static_cast<double>(first[i * step]) - most);
    sum += weight;
    mean += i * weight;
  }
  return mean / sum;
}

}  // namespace

Detector::Detector(graph::Detect task, std::span<const OutputShape> outputs, std::int32_t height, std::int32_t width)
    : task_(std::move(task)), height_(height), width_(width) {
  expect_growing(task_.score, "scores");
  expect_growing(task_.objectness, "objectness");
  expect_finite(task_.position, "position");
  expect_finite(task_.size, "size");
  expect_finite(task_.point, "point");
  if (task_.levels.empty() || task_.levels.size() > max_levels) {
    throw Error({"a detector has 1 to ", max_levels, " levels, not ", task_.levels.size()});
  }
  if (task_.bins < 0 || task_.bins > max_bins) throw Error({"bins: ", task_.bins, " is not in 0 to ", max_bins});
  for (const float number : {task_.offset, task_.shift, task_.threshold, task_.iou}) {
    if (!std::isfinite(number)) throw Error("offset, shift, threshold or iou: it is not finite");
  }
  if (!(task_.sigma > 0 && std::isfinite(task_.sigma))) throw Error("sigma: it is not positive");
  const bool of_anchors = task_.position.unit == graph::Unit::anchor || task_.size.unit == graph::Unit::anchor ||
                          task_.point.unit == graph::Unit::anchor;
  const std::int32_t numbers = task_.bins > 0 ? 4 * task_.bins : 4;  // of a box
  const std::vector<Grid> grids = grids_of(task_.levels, numbers, outputs, height, width);
  std::int64_t candidates = 0;
  for (std::size_t i = 0; i < task_.levels.size(); ++i) {
    const graph::Level& given = task_.levels[i];
    const std::string where = level_text(i);
    Level level;
    level.grid = grids[i];
    const auto find = [&](const graph::Part& part, const char* what) {
      return find_part(part, level.grid, outputs, joined({where, ": ", what}));
    };
    level.scores = find(given.scores, "scores");
    level.objectness = find(given.objectness, "objectness");
    level.boxes = find(given.boxes, "boxes");
    level.points = find(given.points, "points");
    if (!level.scores.exists()) throw Error({where, ": it has no scores"});
    expect_count(level.objectness, 1, where + ": objectness");
    expect_count(level.boxes, numbers, where + ": boxes");
    const std::size_t points = level.points.exists() ? static_cast<std::size_t>(level.points.count) / 2 : 0;
    if (i > 0 && points != points_) throw Error({where, ": ", points, " points, others have ", points_});
    points_ = points;
    const std::int32_t classes = level.scores.count - (task_.background ? 1 : 0);
    if (i > 0 && classes != classes_) throw Error({where, ": ", classes, " classes, others have ", classes_});
    classes_ = classes;
    if (classes < 1) throw Error({where, ": it has no class but the background"});
    const bool has_sizes = given.sizes.size() == 2 * static_cast<std::size_t>(level.grid.anchors);
    if (!has_sizes && (of_anchors || !given.sizes.empty())) {
      throw Error({where, ": ", given.sizes.size(), " sizes of anchors; a width and a height is one for each of ",
                   level.grid.anchors});
    }
    candidates += level.grid.candidates();
    levels_.push_back(level);
  }
  if (candidates > max_candidates)
    throw Error({"a detector of ", candidates, " candidates; more than ", max_candidates});
  candidates_.resize(static_cast<std::size_t>(candidates));
  if (task_.suppression == graph::Suppression::weighted) merged_points_.resize(2 * points_ * candidates_.size());
}

bool Detector::passes(double score) const {
  const auto threshold = static_cast<double>(task_.threshold);
  return task_.inclusive ? score >= threshold : score > threshold;
}

double Detector::overlap(const Box& a, const Box& b) {
  const auto area = [](const Box& box) { return (box.x1 - box.x0) * (box.y1 - box.y0); };
  const double width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  const double height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  if (!(width > 0 && height > 0)) return 0;
  const double both = width * height;
  return both / std::max(area(a) + area(b) - both, std::numeric_limits<double>::min());
}

bool Detector::overlaps(const Candidate& a, const Candidate& b) const {
  if (task_.per_class && a.label != b.label) return false;
  return overlap(a.box, b.box) > static_cast<double>(task_.iou);
}

/// Of equal scores the one that stands first.
bool Detector::is_better(const Candidate& a, const Candidate& b) {
  if (a.score != b.score) return a.score > b.score;
  return std::tie(a.level, a.cell, a.anchor) < std::tie(b.level, b.cell, b.anchor);
}

/// best_ of `cells` cells, in components of the scores. A NaN is never the best.
void Detector::find_best(const Level& level, std::span<const float* const> outputs, std::int64_t cell,
                         std::int64_t anchor, std::int32_t cells) {
  const PartView& part = level.scores;
  const std::int32_t first_class = task_.background ? 1 : 0;
  const float* const first = part.at(outputs, cell, anchor) + first_class * part.component;
  const std::int32_t count = part.count - first_class;
  const auto larger = [](float a, float b) { return a > b ? a : b; };
  if (part.component == 1) {  // a cell's classes stand side by side: a few at once
    constexpr std::int32_t lanes = 8;
    for (std::int32_t i = 0; i < cells; ++i) {
      const float* const raw = first + i * part.cell;
      float most[lanes];
      std::fill_n(most, lanes, -std::numeric_limits<float>::infinity());
      std::int32_t k = 0;
      for (; k + lanes <= count; k += lanes) {
        for (std::int32_t lane = 0; lane < lanes; ++lane) most[lane] = larger(raw[k + lane], most[lane]);
      }
      for (; k < count; ++k) most[0] = larger(raw[k], most[0]);
      best_[i] = *std::max_element(most, most + lanes);
    }
    return;
  }
  std::fill_n(best_, cells, -std::numeric_limits<float>::infinity());
  for (std::int32_t k = 0; k < count; ++k) {
    const float* const plane = first + k * part.component;
    for (std::int32_t i = 0; i < cells; ++i) best_[i] = larger(plane[i * part.cell], best_[i]);
  }
}

/// The first class whose raw score is `best`, as they stand in the output.
std::int32_t Detector::class_of(const Level& level, std::span<const float* const> outputs, std::int64_t cell,
                                std::int64_t anchor, float best) const {
  const PartView& part = level.scores;
  const float* const raw = part.at(outputs, cell, anchor);
  const std::int32_t first_class = task_.background ? 1 : 0;
  for (std::int32_t k = first_class; k < part.count; ++k) {
    if (raw[k * part.component] == best) return k;
  }
  return first_class;
}

void Detector::collect(std::int32_t index, std::span<const float* const> outputs) {
  const Level& level = levels_[static_cast<std::size_t>(index)];
  const std::size_t first = count_;
  const auto cells = static_cast<std::int32_t>(level.grid.cells());
  for (std::int32_t begin = 0; begin < cells; begin += block) {
    const std::int32_t count = std::min(block, cells - begin);
    for (std::int32_t anchor = 0; anchor < level.grid.anchors; ++anchor) {
      find_best(level, outputs, begin, anchor, count);
      for (std::int32_t i = 0; i < count; ++i) {
        const std::int32_t cell = begin + i;
        double raw = static_cast<double>(best_[i]);
        if (task_.score.transform == Transform::softmax) {
          raw = softmax_share(level.scores.at(outputs, cell, anchor), level.scores.component, level.scores.count,
                              class_of(level, outputs, cell, anchor, best_[i]));
        }
        double score = mapped(task_.score, raw);
        if (level.objectness.exists()) {
          score *= mapped(task_.objectness, static_cast<double>(*level.objectness.at(outputs, cell, anchor)));
        }
        if (!passes(score)) continue;
        const std::int32_t label = class_of(level, outputs, cell, anchor, best_[i]) - (task_.background ? 1 : 0);
        candidates_[count_++] = {score, {}, label, index, cell, anchor, false};
      }
    }
  }
  keep_best(first, task_.most_of_level);
}

/// Of the candidates from `first` on, the `most` best, in order; 0: all, as they are.
void Detector::keep_best(std::size_t first, std::int32_t most) {
  if (most <= 0 || count_ - first <= static_cast<std::size_t>(most)) return;
  const auto begin = candidates_.begin() + static_cast<std::ptrdiff_t>(first);
  std::partial_sort(begin, begin + most, candidates_.begin() + static_cast<std::ptrdiff_t>(count_), is_better);
  count_ = first + static_cast<std::size_t>(most);
}

double Detector::cell_x(const Candidate& candidate) const {
  const std::size_t i = static_cast<std::size_t>(candidate.level);
  const std::int32_t column = candidate.cell % levels_[i].grid.columns;
  return static_cast<double>((static_cast<float>(column) + task_.offset) * task_.levels[i].stride + task_.shift);
}

double Detector::cell_y(const Candidate& candidate) const {
  const std::size_t i = static_cast<std::size_t>(candidate.level);
  const std::int32_t row = candidate.cell / levels_[i].grid.columns;
  return static_cast<double>((static_cast<float>(row) + task_.offset) * task_.levels[i].stride + task_.shift);
}

double Detector::unit_of(graph::Unit unit, const Candidate& candidate, bool vertical) const {
  const graph::Level& level = task_.levels[static_cast<std::size_t>(candidate.level)];
  switch (unit) {
    case graph::Unit::pixel:
      return 1;
    case graph::Unit::cell:
      return static_cast<double>(level.stride);
    case graph::Unit::input:
      return vertical ? height_ : width_;
    case graph::Unit::anchor:
      return static_cast<double>(level.sizes[static_cast<std::size_t>(2 * candidate.anchor + (vertical ? 1 : 0))]);
  }
  return 1;
}

void Detector::locate(Candidate& candidate, std::span<const float* const> outputs) const {
  const Level& level = levels_[static_cast<std::size_t>(candidate.level)];
  const float* const raw = level.boxes.at(outputs, candidate.cell, candidate.anchor);
  const std::int64_t step = level.boxes.component;
  const auto number = [&](std::int32_t k, const graph::Mapping& mapping) {
    const double x =
        task_.bins > 0 ? mean_bin(raw + k * task_.bins * step, step, task_.bins) : static_cast<double>(raw[k * step]);
    return mapped(mapping, x) * unit_of(mapping.unit, candidate, k % 2 == 1);
  };
  Box& box = candidate.box;
  if (task_.form == graph::BoxForm::corners) {
    box = {number(0, task_.position), number(1, task_.position), number(2, task_.position), number(3, task_.position)};
  } else {
    // A list has no cells to count from.
    const bool has_cells = task_.levels[static_cast<std::size_t>(candidate.level)].stride > 0;
    const double x = has_cells ? cell_x(candidate) : 0, y = has_cells ? cell_y(candidate) : 0;
    if (task_.form == graph::BoxForm::distances) {
      box = {x - number(0, task_.size), y - number(1, task_.size), x + number(2, task_.size),
             y + number(3, task_.size)};
    } else {
      const double centre_x = x + number(0, task_.position), centre_y = y + number(1, task_.position);
      const double half_width = number(2, task_.size) / 2, half_height = number(3, task_.size) / 2;
      box = {centre_x - half_width, centre_y - half_height, centre_x + half_width, centre_y + half_height};
    }
  }
  if (task_.clip_to_input) {
    box = {std::clamp(box.x0, 0.0, width_), std::clamp(box.y0, 0.0, height_), std::clamp(box.x1, 0.0, width_),
           std::clamp(box.y1, 0.0, height_)};
  }
}

void Detector::point_of(const Candidate& candidate, std::span<const float* const> outputs, std::size_t i, double& x,
                        double& y) const {
  const Level& level = levels_[static_cast<std::size_t>(candidate.level)];
  const float* const raw = level.points.at(outputs, candidate.cell, candidate.anchor);
  const auto number = [&](std::int64_t k, bool vertical) {
    return mapped(task_.point, static_cast<double>(raw[k * level.points.component])) *
           unit_of(task_.point.unit, candidate, vertical);
  };
  const bool has_cells = task_.levels[static_cast<std::size_t>(candidate.level)].stride > 0;
  const auto k = static_cast<std::int64_t>(2 * i);
  x = (has_cells ? cell_x(candidate) : 0) + number(k, false);
  y = (has_cells ? cell_y(candidate) : 0) + number(k + 1, true);
}

void Detector::suppress_hard() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const auto is_over = [&](const Candidate& better) { return overlaps(better, candidates_[i]); };
    const auto better = std::span(candidates_).first(kept);
    if (std::none_of(better.begin(), better.end(), is_over)) candidates_[kept++] = candidates_[i];
  }
  count_ = kept;
}

void Detector::suppress_softly() {
  std::size_t kept = 0;
  while (kept < count_) {
    const auto begin = candidates_.begin() + static_cast<std::ptrdiff_t>(kept);
    const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(count_);
    std::iter_swap(begin, std::min_element(begin, end, is_better));
    const Candidate& best = *begin;
    std::size_t left = ++kept;
    for (std::size_t i = kept; i < count_; ++i) {
      Candidate candidate = candidates_[i];
      if (!task_.per_class || best.label == candidate.label) {
        const double iou = overlap(best.box, candidate.box), sigma = static_cast<double>(task_.sigma);
        if (task_.suppression == graph::Suppression::gaussian) {
          candidate.score *= std::exp(-iou * iou / sigma);
        } else if (iou > static_cast<double>(task_.iou)) {
          candidate.score *= 1 - iou;
        }
      }
      if (passes(candidate.score)) candidates_[left++] = candidate;
    }
    count_ = left;
  }
}

/// What overlaps the best of those that are left becomes one with it: coordinates and points are means, weighed by
/// scores.
void Detector::merge(std::span<const float* const> outputs) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    if (candidates_[i].taken) continue;
    const Candidate best = candidates_[i];
    double weight = 0;
    Box sum;
    double* const points = merged_points_.data() + 2 * points_ * kept;
    std::fill_n(points, 2 * points_, 0.0);
    for (std::size_t k = i; k < count_; ++k) {
      Candidate& one = candidates_[k];
      if (one.taken || (k != i && !overlaps(best, one))) continue;
      one.taken = true;
      weight += one.score;
      sum = {sum.x0 + one.score * one.box.x0, sum.y0 + one.score * one.box.y0, sum.x1 + one.score * one.box.x1,
             sum.y1 + one.score * one.box.y1};
      for (std::size_t p = 0; p < points_; ++p) {
        double x = 0, y = 0;
        point_of(one, outputs, p, x, y);
        points[2 * p] += one.score * x;
        points[2 * p + 1] += one.score * y;
      }
    }
    for (std::size_t p = 0; p < 2 * points_; ++p) points[p] /= weight;
    candidates_[kept] = best;  // its place is behind all that are still looked at
    candidates_[kept].taken = true;
    candidates_[kept++].box = {sum.x0 / weight, sum.y0 / weight, sum.x1 / weight, sum.y1 / weight};
  }
  count_ = kept;
}

std::size_t Detector::run(std::span<const float* const> outputs, const Placement& placement, double height,
                          double width, std::span<Detection> detections, std::span<float> points) {
  count_ = 0;
  for (std::size_t level = 0; level < levels_.size(); ++level) collect(static_cast<std::int32_t>(level), outputs);
  keep_best(0, task_.most);
  const auto all = std::span(candidates_).first(count_);
  std::sort(all.begin(), all.end(), is_better);
  for (Candidate& candidate : all) locate(candidate, outputs);
  // A box without numbers, of a broken input, is none.
  const auto is_broken = [](const Candidate& c) {
    return !(std::isfinite(c.box.x0) && std::isfinite(c.box.y0) && std::isfinite(c.box.x1) && std::isfinite(c.box.y1));
  };
  count_ = static_cast<std::size_t>(std::remove_if(all.begin(), all.end(), is_broken) - all.begin());
  const bool merges = task_.suppression == graph::Suppression::weighted;
  if (merges) {
    merge(outputs);
  } else if (task_.suppression == graph::Suppression::hard) {
    suppress_hard();
  } else {
    suppress_softly();
  }
  for (std::size_t i = 0; i < std::min(count_, detections.size()); ++i) {
    const Candidate& candidate = candidates_[i];
    const Box& box = candidate.box;
    const double xs[] = {placement.x(box.x0, box.y0), placement.x(box.x1, box.y1)};
    const double ys[] = {placement.y(box.x0, box.y0), placement.y(box.x1, box.y1)};
    Box placed = {std::min(xs[0], xs[1]), std::min(ys[0], ys[1]), std::max(xs[0], xs[1]), std::max(ys[0], ys[1])};
    if (task_.clip_to_picture) {
      placed = {std::clamp(placed.x0, 0.0, width), std::clamp(placed.y0, 0.0, height),
                std::clamp(placed.x1, 0.0, width), std::clamp(placed.y1, 0.0, height)};
    }
    detections[i] = {static_cast<float>(placed.x0), static_cast<float>(placed.y0),       static_cast<float>(placed.x1),
                     static_cast<float>(placed.y1), static_cast<float>(candidate.score), candidate.label};
    for (std::size_t p = 0; p < points_ && 2 * (i * points_ + p) + 1 < points.size(); ++p) {
      double x = 0, y = 0;
      if (merges) {
        x = merged_points_[2 * (i * points_ + p)];
        y = merged_points_[2 * (i * points_ + p) + 1];
      } else {
        point_of(candidate, outputs, p, x, y);
      }
      points[2 * (i * points_ + p)] = static_cast<float>(placement.x(x, y));
      points[2 * (i * points_ + p) + 1] = static_cast<float>(placement.y(x, y));
    }
  }
  return count_;
}

}  // namespace riffle::decode
