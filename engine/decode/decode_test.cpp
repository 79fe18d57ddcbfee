#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/decode/detector.hpp"
#include "engine/decode/points_and_masks.hpp"

namespace riffle::decode {
namespace {

using graph::BoxForm;
using graph::Components;
using graph::Detect;
using graph::Mapping;
using graph::Transform;
using graph::Unit;

struct Output {
  OutputShape shape;
  std::vector<float> numbers;
};

Output zeros(std::string name, std::vector<std::int32_t> extents) {
  std::size_t size = 1;
  for (const std::int32_t extent : extents) size *= static_cast<std::size_t>(extent);
  return {{std::move(name), std::move(extents)}, std::vector<float>(size)};
}

std::vector<OutputShape> shapes_of(const std::vector<Output>& outputs) {
  std::vector<OutputShape> shapes;
  for (const Output& output : outputs) shapes.push_back(output.shape);
  return shapes;
}

struct Found {
  std::vector<Detection> detections;
  std::vector<float> points;
};

Found run(const Detect& task, const std::vector<Output>& outputs, std::int32_t height, std::int32_t width,
          const Placement& placement = {}) {
  Detector detector(task, shapes_of(outputs), height, width);
  std::vector<const float*> numbers;
  for (const Output& output : outputs) numbers.push_back(output.numbers.data());
  Found found{std::vector<Detection>(detector.capacity()),
              std::vector<float>(2 * detector.points() * detector.capacity())};
  const std::size_t count = detector.run(numbers, placement, height, width, found.detections, found.points);
  found.detections.resize(count);
  found.points.resize(2 * detector.points() * count);
  return found;
}

std::string error_of(const Detect& task, const std::vector<Output>& outputs) {
  try {
    Detector(task, shapes_of(outputs), 32, 32);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void expect_box(const Detection& one, float x0, float y0, float x1, float y1) {
  EXPECT_NEAR(one.x0, x0, 1e-4);
  EXPECT_NEAR(one.y0, y0, 1e-4);
  EXPECT_NEAR(one.x1, x1, 1e-4);
  EXPECT_NEAR(one.y1, y1, 1e-4);
}

/// Corners and a score a class, in lists of so many.
Detect list_of_corners() {
  Detect task;
  task.levels = {{.scores = {.output = "scores"}, .boxes = {.output = "boxes"}}};
  task.form = BoxForm::corners;
  return task;
}

std::vector<Output> list(std::vector<std::array<float, 4>> boxes, std::vector<std::vector<float>> scores) {
  const auto count = static_cast<std::int32_t>(boxes.size()), classes = static_cast<std::int32_t>(scores[0].size());
  std::vector<Output> outputs = {zeros("scores", {count, classes}), zeros("boxes", {count, 4})};
  outputs[0].numbers.clear();
  outputs[1].numbers.clear();
  for (const auto& row : scores) outputs[0].numbers.insert(outputs[0].numbers.end(), row.begin(), row.end());
  for (const auto& box : boxes) outputs[1].numbers.insert(outputs[1].numbers.end(), box.begin(), box.end());
  return outputs;
}

// Three boxes of which the first two overlap by 0.6, and one of another class over the first.
std::vector<Output> three() {
  return list({{0, 0, 8, 10}, {2, 0, 10, 10}, {0, 0, 8, 9}}, {{0.8F, 0.1F}, {0.9F, 0.2F}, {0.1F, 0.7F}});
}

TEST(Detector, SuppressesWhatOverlapsABetterOneOfItsClass) {
  Detect task = list_of_corners();
  Found found = run(task, three(), 32, 32);
  ASSERT_EQ(found.detections.size(), 2U);
  expect_box(found.detections[0], 2, 0, 10, 10);
  EXPECT_EQ(found.detections[0].score, 0.9F);
  EXPECT_EQ(found.detections[0].label, 0);
  EXPECT_EQ(found.detections[1].label, 1);

  task.iou = 0.65F;  // the first two do not overlap so much
  EXPECT_EQ(run(task, three(), 32, 32).detections.size(), 3U);
  task.iou = 0.5F;
  task.per_class = false;
  EXPECT_EQ(run(task, three(), 32, 32).detections.size(), 1U);
}

TEST(Detector, KeepsOnlyWhatIsAboveTheThreshold) {
  Detect task = list_of_corners();
  task.iou = 1;
  task.threshold = 0.7F;
  EXPECT_EQ(run(task, three(), 32, 32).detections.size(), 2U);
  task.inclusive = true;
  EXPECT_EQ(run(task, three(), 32, 32).detections.size(), 3U);
  task.most = 1;
  EXPECT_EQ(run(task, three(), 32, 32).detections.size(), 1U);
}

TEST(Detector, MergesByScores) {
  Detect task = list_of_corners();
  task.suppression = graph::Suppression::weighted;
  const Found found = run(task, three(), 32, 32);
  ASSERT_EQ(found.detections.size(), 2U);
  const float x0 = 2 * 0.9F / 1.7F;
  expect_box(found.detections[0], x0, 0, x0 + 8, 10);
  EXPECT_EQ(found.detections[0].score, 0.9F);
}

TEST(Detector, LowersTheScoresOfWhatOverlaps) {
  Detect task = list_of_corners();
  task.threshold = 0.3F;
  task.suppression = graph::Suppression::linear;
  Found found = run(task, three(), 32, 32);
  ASSERT_EQ(found.detections.size(), 3U);
  EXPECT_EQ(found.detections[1].label, 1);  // now better than the lowered one
  EXPECT_NEAR(found.detections[2].score, 0.8 * (1 - 0.6), 1e-6);
  task.suppression = graph::Suppression::gaussian;
  found = run(task, three(), 32, 32);
  EXPECT_NEAR(found.detections[2].score, 0.8 * std::exp(-0.36 / 0.5), 1e-6);
}

TEST(Detector, OfEqualScoresTakesTheFirst) {
  const Found found = run(list_of_corners(), list({{0, 0, 8, 8}, {0, 0, 8, 9}}, {{0.8F}, {0.8F}}), 32, 32);
  ASSERT_EQ(found.detections.size(), 1U);
  expect_box(found.detections[0], 0, 0, 8, 8);
}

TEST(Detector, PassesOverWhatIsNoNumber) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const Found found =
      run(list_of_corners(), list({{0, 0, 8, 8}, {0, nan, 8, 9}, {20, 0, 30, 9}}, {{nan}, {1}, {0.9F}}), 32, 32);
  ASSERT_EQ(found.detections.size(), 1U);
  expect_box(found.detections[0], 20, 0, 30, 9);
}

/// One cell of a 4 x 4 grid of 8 pixels each: its scores, box and a point, however the outputs hold them.
TEST(Detector, ReadsAGridInEveryLayout) {
  Detect task;
  task.offset = 0.5F;
  task.position = {.transform = Transform::tanh, .unit = Unit::cell};
  task.size = {.transform = Transform::sigmoid, .unit = Unit::input};
  task.point.unit = Unit::cell;
  task.levels = {{.stride = 8,
                  .scores = {.output = "all", .first = 7},
                  .objectness = {.output = "all", .first = 0, .count = 1},
                  .boxes = {.output = "all", .first = 1, .count = 4},
                  .points = {.output = "all", .first = 5, .count = 2}}};
  // cell (2, 3): objectness, box, point, two classes
  const float cell[] = {0.9F, 0.5F, -0.5F, 0, -1, 0.25F, 0.5F, 0.1F, 0.8F};
  const auto check = [&](std::vector<std::int32_t> extents, std::size_t first, std::size_t step) {
    std::vector<Output> outputs = {zeros("all", std::move(extents))};
    for (std::size_t k = 0; k < 9; ++k) outputs[0].numbers[first + k * step] = cell[k];
    const Found found = run(task, outputs, 32, 32);
    ASSERT_EQ(found.detections.size(), 1U);
    const float x = 28 + 8 * std::tanh(0.5F), y = 20 - 8 * std::tanh(0.5F), half = 16 / (1 + std::exp(1.0F));
    expect_box(found.detections[0], x - 8, y - half, x + 8, y + half);
    EXPECT_NEAR(found.detections[0].score, 0.72, 1e-6);
    EXPECT_EQ(found.detections[0].label, 1);
    EXPECT_NEAR(found.points[0], 30, 1e-5);
    EXPECT_NEAR(found.points[1], 24, 1e-5);
  };
  check({9, 4, 4}, 11, 16);   // planes
  check({16, 9}, 11 * 9, 1);  // rows
  check({9, 16}, 11, 16);
  check({4, 4, 9}, 11 * 9, 1);
}

TEST(Detector, ReadsAnchorsInEveryLayout) {
  Detect task;
  task.position.unit = Unit::cell;
  task.size = {.transform = Transform::sigmoid, .times = 2, .power = 2, .unit = Unit::anchor};
  task.levels = {{.stride = 8,
                  .anchors = 2,
                  .sizes = {4, 8, 10, 12},
                  .scores = {.output = "all", .first = 4},
                  .boxes = {.output = "all", .first = 0, .count = 4}}};
  const float cell[] = {0.5F, 0.5F, 0, 0, 0.9F};  // of anchor 1 of cell (2, 3)
  const auto check = [&](std::vector<std::int32_t> extents, std::size_t first, std::size_t step) {
    std::vector<Output> outputs = {zeros("all", std::move(extents))};
    for (std::size_t k = 0; k < 5; ++k) outputs[0].numbers[first + k * step] = cell[k];
    const Found found = run(task, outputs, 32, 32);
    ASSERT_EQ(found.detections.size(), 1U);
    expect_box(found.detections[0], 28 - 5, 20 - 6, 28 + 5, 20 + 6);
  };
  check({10, 4, 4}, 5 * 16 + 11, 16);     // planes, anchor by anchor
  check({2, 4, 4, 5}, (16 + 11) * 5, 1);  // YOLO's permuted head
  check({32, 5}, (2 * 11 + 1) * 5, 1);    // rows
  check({5, 32}, 2 * 11 + 1, 32);
}

TEST(Detector, ReadsDistancesAsDistributions) {
  Detect task;
  task.form = BoxForm::distances;
  task.bins = 3;
  task.size.unit = Unit::cell;
  task.offset = 0.5F;
  task.clip_to_input = true;
  task.levels = {{.stride = 16, .scores = {.output = "scores"}, .boxes = {.output = "boxes"}}};
  std::vector<Output> outputs = {zeros("scores", {4, 2}), zeros("boxes", {4, 12})};
  outputs[0].numbers[2 * 2 + 1] = 0.9F;  // cell (1, 0)
  float* const box = outputs[1].numbers.data() + 2 * 12;
  box[2] = 100;                       // left: 2
  box[3 + 1] = 100;                   // top: 1; right: 1, the mean of 0, 1, 2
  box[9] = box[10] = std::log(2.0F);  // bottom: (0 * 2 + 1 * 2 + 2 * 1) / 5
  const Found found = run(task, outputs, 32, 32);
  ASSERT_EQ(found.detections.size(), 1U);
  expect_box(found.detections[0], 0, 24 - 16, 8 + 16, 32);
}

TEST(Detector, TakesTheBestOfALevel) {
  Detect task = list_of_corners();
  std::vector<Output> outputs = three();
  for (std::size_t i = 0; i < 2; ++i) {
    outputs.push_back(outputs[i]);
    outputs.back().shape.name += " again";
  }
  task.levels.push_back({.scores = {.output = "scores again"}, .boxes = {.output = "boxes again"}});
  task.most_of_level = 1;
  task.iou = 1;
  EXPECT_EQ(run(task, outputs, 32, 32).detections.size(), 2U);
}

/// Levels whose boxes are in one output stand there one after the other, in rows or in planes.
TEST(Detector, ReadsLevelsThatShareAnOutput) {
  Detect task;
  task.position.unit = Unit::cell;
  for (const float stride : {16.0F, 8.0F}) {
    task.levels.push_back({.stride = stride,
                           .anchors = 2,
                           .scores = {.output = "all", .first = 4},
                           .boxes = {.output = "all", .first = 0, .count = 4}});
  }
  const float numbers[] = {0.5F, 0.5F, 4, 6, 0.9F};
  const auto check = [&](std::vector<std::int32_t> extents, std::size_t candidate, std::size_t component) {
    std::vector<Output> outputs = {zeros("all", std::move(extents))};
    // anchor 1 of cell (2, 3) of the 4 x 4 behind 2 x 2
    for (std::size_t k = 0; k < 5; ++k) outputs[0].numbers[(8 + 2 * 11 + 1) * candidate + k * component] = numbers[k];
    const Found found = run(task, outputs, 32, 32);
    ASSERT_EQ(found.detections.size(), 1U);
    expect_box(found.detections[0], 28 - 2, 20 - 3, 28 + 2, 20 + 3);
  };
  check({40, 5}, 5, 1);
  check({5, 40}, 1, 40);
  check({5, 40, 1}, 1, 40);
  Detect lists = list_of_corners();
  lists.levels.push_back(lists.levels[0]);
  EXPECT_NE(error_of(lists, three()).find("without a grid"), std::string::npos);
}

TEST(Detector, TheBackgroundIsNoClass) {
  Detect task = list_of_corners();
  task.background = true;
  task.threshold = 0.2F;
  Found found = run(task, list({{0, 0, 8, 8}}, {{0.9F, 0.1F, 0.3F}}), 32, 32);
  ASSERT_EQ(found.detections.size(), 1U);
  EXPECT_EQ(found.detections[0].label, 1);
  EXPECT_EQ(found.detections[0].score, 0.3F);
  task.score.transform = Transform::softmax;
  found = run(task, list({{0, 0, 8, 8}}, {{std::log(2.0F), 0, 0}}), 32, 32);
  ASSERT_EQ(found.detections.size(), 1U);
  EXPECT_EQ(found.detections[0].label, 0);
  EXPECT_NEAR(found.detections[0].score, 0.25, 1e-6);
}

TEST(Detector, SoftmaxIsOverAllClasses) {
  Detect task = list_of_corners();
  task.score.transform = Transform::softmax;
  task.levels[0].scores = {.output = "scores", .first = 0};
  const Found found = run(task, list({{0, 0, 8, 8}}, {{0, std::log(3.0F)}}), 32, 32);
  ASSERT_EQ(found.detections.size(), 1U);
  EXPECT_NEAR(found.detections[0].score, 0.75, 1e-6);
  EXPECT_EQ(found.detections[0].label, 1);
}

TEST(Detector, PlacesBoxesInAPicture) {
  Detect task = list_of_corners();
  task.clip_to_picture = true;
  const Placement mirrored = {.xx = -2, .x0 = 40, .yy = 3, .y0 = -6};
  const Found found = run(task, list({{0, 0, 8, 8}}, {{1}}), 32, 30, mirrored);
  expect_box(found.detections[0], 24, 0, 30, 18);
}

TEST(Detector, WritesNoMoreThanThereIsRoomFor) {
  Detect task = list_of_corners();
  task.iou = 1;
  const std::vector<Output> outputs = three();
  Detector detector(task, shapes_of(outputs), 32, 32);
  const float* const numbers[] = {outputs[0].numbers.data(), outputs[1].numbers.data()};
  std::vector<Detection> room(1);
  EXPECT_EQ(detector.run(numbers, {}, 32, 32, room, {}), 3U);
  expect_box(room[0], 2, 0, 10, 10);
}

TEST(Detector, RefusesWhatDoesNotFit) {
  const Detect sound = list_of_corners();
  EXPECT_EQ(error_of(sound, three()), "");
  Detect task = sound;
  task.levels[0].boxes.output = "box";
  EXPECT_EQ(error_of(task, three()),
            "level 0 of the detector: the network has no output 'box'; it has 'scores', 'boxes'");
  task = sound;
  task.levels[0].boxes.components = Components::last;
  task.levels[0].boxes.count = 3;
  EXPECT_NE(error_of(task, three()).find("boxes: 3 components where 4 are read"), std::string::npos);
  task.levels[0].boxes.first = 2;
  EXPECT_NE(error_of(task, three()).find("components 2 to 4 of the 4"), std::string::npos);
  task = sound;
  task.levels[0].stride = 8;
  EXPECT_NE(error_of(task, three()).find("12 numbers, which are not shared out among 4 x 4 cells"), std::string::npos);
  task = sound;
  task.levels[0].scores.output = "";
  EXPECT_NE(error_of(task, three()).find("no scores"), std::string::npos);
  task = sound;
  task.size.unit = Unit::anchor;
  EXPECT_NE(error_of(task, three()).find("sizes of anchors"), std::string::npos);
  task = sound;
  task.score.times = -1;
  EXPECT_NE(error_of(task, three()).find("grows"), std::string::npos);
  EXPECT_NE(error_of({}, three()).find("1 to 64 levels, not 0"), std::string::npos);
}

TEST(Landmarks, AreOfTheInputOrInPixels) {
  Output points = zeros("points", {1, 1, 6}), flag = zeros("flag", {1});
  points.numbers = {0.5F, 0.25F, 1, 0, 1, 2};
  flag.numbers = {0};
  graph::Landmarks task;
  task.points.output = "points";
  task.point.unit = Unit::input;
  task.score.output = "flag";
  task.score_mapping.transform = Transform::sigmoid;
  const std::vector<OutputShape> shapes = {points.shape, flag.shape};
  const float* const numbers[] = {points.numbers.data(), flag.numbers.data()};
  std::vector<float> written(6);
  const Landmarks flat(task, shapes, 40, 80);
  EXPECT_EQ(flat.points(), 3U);
  EXPECT_EQ(flat.run(numbers, {.x0 = 1}, written), 0.5);
  EXPECT_EQ(written, (std::vector<float>{41, 10, 81, 0, 81, 80}));
  task.dimensions = 3;
  task.point.unit = Unit::pixel;
  const Landmarks deep(task, shapes, 40, 80);
  EXPECT_EQ(deep.points(), 2U);
  deep.run(numbers, {.xx = 0, .xy = -2, .yx = 2, .yy = 0}, written);
  EXPECT_EQ(written, (std::vector<float>{-0.5F, 1, 2, -2, 0, 4}));
  task.dimensions = 4;
  EXPECT_THROW(Landmarks(task, shapes, 40, 80), Error);
}

TEST(Segment, IsWhatWinsOrTheForeground) {
  Output scores = zeros("scores", {2, 2, 3});  // planes of 2 rows of 3
  scores.numbers = {0, 1, 0, 2, 0, 0, 1, 0, 0.5F, 0, 3, 0};
  graph::Segment task;
  task.scores.output = "scores";
  const std::vector<OutputShape> shapes = {scores.shape};
  const float* const numbers[] = {scores.numbers.data()};
  std::vector<std::uint8_t> mask(6);
  const Segment winner(task, shapes);
  EXPECT_EQ(winner.height(), 2);
  EXPECT_EQ(winner.width(), 3);
  winner.run(numbers, mask);
  EXPECT_EQ(mask, (std::vector<std::uint8_t>{1, 0, 1, 0, 1, 0}));
  task.foreground = 1;
  task.transform = Transform::softmax;
  task.threshold = 0.7F;
  const Segment person(task, shapes);
  person.run(numbers, mask);
  EXPECT_EQ(mask, (std::vector<std::uint8_t>{1, 0, 0, 0, 1, 0}));
  EXPECT_NEAR(person.foreground(numbers, 1, 1), 1 / (1 + std::exp(-3.0)), 1e-6);
  task.foreground = 2;
  EXPECT_THROW(Segment(task, shapes), Error);
}

}  // namespace
}  // namespace riffle::decode
