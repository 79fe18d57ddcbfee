// From frames to boxes, points and masks, through the C API.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine/format/format.hpp"
#include "riffle/riffle.hpp"

namespace riffle {
namespace {

/// The means of 8 x 8 pixels of a picture of 32 x 32: R, G, B twice, in planes of 4 x 4.
graph::Graph means() {
  graph::Graph graph;
  graph.name = "means";
  graph.add("input", graph::Input{.shape = {32, 32, 3}});
  const graph::Pool pool = {.kind = graph::PoolKind::average,
                            .window = {.kernel_h = 8, .kernel_w = 8, .stride_h = 8, .stride_w = 8}};
  const graph::NodeId pooled = graph.add("pool", pool, {0});
  graph.outputs = {{.node = graph.add("twice", graph::Concat{}, {pooled, pooled}), .name = "heads"}};
  return graph;
}

/// White is an object of 2 x 2 cells, whose point is a cell right of and a cell below its own.
graph::Graph boxes() {
  graph::Graph graph = means();
  graph.task = graph::Detect{
      .levels = {{.stride = 8, .scores = {"heads", 4, 1}, .boxes = {"heads", 0, 4}, .points = {"heads", 1, 2}}},
      .offset = 0.5F,
      .form = graph::BoxForm::distances,
      .size = {.unit = graph::Unit::cell},
      .point = {.unit = graph::Unit::cell},
      .threshold = 0.9F};
  return graph;
}

class DetectorApi : public ::testing::Test {
 protected:
  void open(const graph::Graph& graph, const riffle_detector_options& options = {}) {
    bytes_ = format::save(graph);
    model_.emplace(std::span<const std::byte>(bytes_));
    session_.emplace(*model_);
    detector_.emplace(*session_, options);
  }

  /// Black, and a white square of 16 x 16 from (x, y) on.
  riffle_frame frame(std::int32_t width, std::int32_t height, std::int32_t x, std::int32_t y) {
    pixels_.assign(static_cast<std::size_t>(3 * width * height), 0);
    for (std::int32_t row = y; row < y + 16; ++row) {
      std::memset(pixels_.data() + 3 * (row * width + x), 255, 3 * 16);
    }
    riffle_frame result = {};
    result.planes[0] = pixels_.data();
    result.width = width;
    result.height = height;
    return result;
  }

  std::vector<std::byte> bytes_;
  std::optional<Model> model_;
  std::optional<Session> session_;
  std::optional<Detector> detector_;
  std::vector<std::uint8_t> pixels_;
};

void expect_box(const riffle_detection& one, float x0, float y0, float x1, float y1) {
  EXPECT_NEAR(one.x0, x0, 1e-3);
  EXPECT_NEAR(one.y0, y0, 1e-3);
  EXPECT_NEAR(one.x1, x1, 1e-3);
  EXPECT_NEAR(one.y1, y1, 1e-3);
}

TEST_F(DetectorApi, FindsABoxInTheFramesPixels) {
  open(boxes());
  EXPECT_EQ(model_->task(), RIFFLE_DETECT);
  const riffle_findings findings = detector_->run(frame(64, 64, 32, 16));  // twice as large: cell (1, 2)
  ASSERT_EQ(findings.task, RIFFLE_DETECT);
  ASSERT_EQ(findings.count, 1U);
  expect_box(findings.detections[0], 24, 8, 56, 40);
  EXPECT_NEAR(findings.detections[0].score, 1, 1e-5);
  EXPECT_EQ(findings.detections[0].label, 0);
  ASSERT_EQ(findings.point_count, 1U);
  EXPECT_NEAR(findings.points[0], 56, 1e-3);
  EXPECT_NEAR(findings.points[1], 40, 1e-3);
  EXPECT_EQ(detector_->run(frame(64, 64, 24, 16)).count, 0U);  // half of two cells
}

TEST_F(DetectorApi, GoesBackThroughTheLetterbox) {
  graph::Graph graph = boxes();
  graph.preprocessing = {.resize = graph::Fit::letterbox};
  open(graph);
  riffle_findings findings = detector_->run(frame(64, 32, 32, 0));  // 8 rows of padding: cell (1, 2)
  ASSERT_EQ(findings.count, 1U);
  expect_box(findings.detections[0], 24, -8, 56, 24);
  findings = detector_->run(frame(32, 64, 16, 48));
  ASSERT_EQ(findings.count, 1U);
  expect_box(findings.detections[0], 8, 40, 40, 72);

  graph.preprocessing->align = graph::Align::top_left;
  std::get<graph::Detect>(*graph.task).clip_to_picture = true;
  open(graph);
  findings = detector_->run(frame(64, 32, 32, 16));
  ASSERT_EQ(findings.count, 1U);
  expect_box(findings.detections[0], 24, 8, 56, 32);
}

TEST_F(DetectorApi, GoesBackThroughCropRotationAndMirror) {
  open(boxes());
  for (const std::int32_t rotation : {0, 90, 180, 270}) {
    for (const std::int32_t mirrored : {0, 1}) {
      SCOPED_TRACE(std::to_string(rotation) + " degrees" + (mirrored != 0 ? ", mirrored" : ""));
      riffle_frame turned = frame(100, 90, 10 + 16, 20 + 32);
      turned.crop_x = 10;
      turned.crop_y = 20;
      turned.crop_width = turned.crop_height = 64;
      turned.rotation = rotation;
      turned.mirrored = mirrored;
      const riffle_findings findings = detector_->run(turned);
      ASSERT_EQ(findings.count, 1U);
      expect_box(findings.detections[0], 10 + 8, 20 + 24, 10 + 40, 20 + 56);
    }
  }
}

TEST_F(DetectorApi, PlacesWhatItReads) {
  graph::Graph graph = means();
  graph.preprocessing = {.resize = graph::Fit::letterbox, .bgr = true, .pad = {51.0F}};
  bytes_ = format::save(graph);
  const Session session{Model(std::span<const std::byte>(bytes_))};
  const riffle_frame wide = frame(64, 16, 0, 0);  // eight rows, from the twelfth on
  std::vector<float> input(session.input().size);
  session.read_frame(wide, input);
  EXPECT_NEAR(input[0], 0.2F, 1e-6);
  EXPECT_NEAR(input[12 * 32], 1, 1e-6);
  EXPECT_NEAR(input[20 * 32], 0.2F, 1e-6);
  const riffle_placement placement = session.place_frame(wide);
  EXPECT_EQ(placement.xx, 2);
  EXPECT_EQ(placement.yy, 2);
  EXPECT_EQ(placement.x0, 0);
  EXPECT_EQ(placement.y0, -24);
  EXPECT_EQ(placement.width, 64);
  EXPECT_EQ(placement.height, 16);
}

TEST_F(DetectorApi, ThePlanesOfBgrAreTheOthers) {
  graph::Graph graph = means();
  graph.preprocessing = {.bgr = true};
  bytes_ = format::save(graph);
  const Session session{Model(std::span<const std::byte>(bytes_))};
  riffle_frame red = frame(32, 32, 0, 0);
  for (std::size_t i = 0; i < pixels_.size(); ++i) pixels_[i] = i % 3 == 0 ? 255 : 0;
  std::vector<float> input(session.input().size);
  session.read_frame(red, input);
  EXPECT_NEAR(input[0], 0, 1e-6);
  EXPECT_NEAR(input[2 * 32 * 32], 1, 1e-6);
}

TEST_F(DetectorApi, OptionsGoBeforeTheModels) {
  riffle_detector_options options = {};
  options.threshold = 0.2F;
  open(boxes(), options);
  EXPECT_EQ(detector_->run(frame(64, 64, 24, 16)).count, 2U);  // half of two cells, whose boxes hardly overlap
  options.iou = 0.05F;
  open(boxes(), options);
  EXPECT_EQ(detector_->run(frame(64, 64, 20, 16)).count, 2U);
}

TEST_F(DetectorApi, DecodesWhatTheCallerHas) {
  open(boxes());
  std::vector<float> heads(6 * 16);
  for (std::size_t c = 0; c < 6; ++c) heads[c * 16 + 5] = 1;  // cell (1, 1)
  const riffle_input_buffer outputs[] = {input_buffer(heads)};
  riffle_findings findings = detector_->decode(outputs);
  ASSERT_EQ(findings.count, 1U);
  expect_box(findings.detections[0], 4, 4, 20, 20);
  const riffle_placement placement = {2, 0, 100, 0, 3, 0, 200, 200};
  findings = detector_->decode(outputs, &placement);
  expect_box(findings.detections[0], 108, 12, 140, 60);

  EXPECT_THROW((void)detector_->decode({}), Failure);
  const riffle_input_buffer small[] = {input_buffer(std::span<const float>(heads).first(95))};
  EXPECT_THROW((void)detector_->decode(small), Failure);
  riffle_placement broken = placement;
  broken.x0 = std::numeric_limits<double>::infinity();
  EXPECT_THROW((void)detector_->decode(outputs, &broken), Failure);
}

TEST_F(DetectorApi, FindsPoints) {
  graph::Graph graph = means();
  graph.task = graph::Landmarks{
      .points = {"heads", 0, 4}, .point = {.unit = graph::Unit::input}, .score = {"heads", 5, 1}, .threshold = 0.5F};
  open(graph);
  std::vector<float> heads(6 * 16);
  for (std::size_t i = 0; i < 4; ++i) heads[i] = 0.25F * static_cast<float>(i);
  heads[5] = 0.75F;
  const riffle_input_buffer outputs[] = {input_buffer(heads)};
  const riffle_findings findings = detector_->decode(outputs);
  ASSERT_EQ(findings.task, RIFFLE_LANDMARKS);
  EXPECT_EQ(findings.count, 1U);
  EXPECT_EQ(findings.score, 0.75F);
  ASSERT_EQ(findings.point_count, 2U);
  EXPECT_EQ(findings.point_dimensions, 2);
  EXPECT_NEAR(findings.points[1], 8, 1e-5);
  EXPECT_NEAR(findings.points[3], 24, 1e-5);
  riffle_detector_options options = {};
  options.threshold = 0.8F;
  open(graph, options);
  EXPECT_EQ(detector_->decode(outputs).count, 0U);
}

TEST_F(DetectorApi, MakesAMask) {
  graph::Graph graph = means();
  graph.task = graph::Segment{.scores = {"heads", 0, 1, graph::Components::planes}, .foreground = 0};
  open(graph);
  const riffle_findings findings = detector_->run(frame(64, 64, 32, 16));
  ASSERT_EQ(findings.task, RIFFLE_SEGMENT);
  ASSERT_EQ(findings.mask_width, 4);
  ASSERT_EQ(findings.mask_height, 4);
  EXPECT_EQ(findings.class_count, 2);
  for (std::int32_t i = 0; i < 16; ++i) EXPECT_EQ(findings.mask[i], i == 6 ? 1 : 0) << i;
  EXPECT_EQ(findings.mask_placement.xx, 16);  // a cell is 16 of the frame's pixels
  EXPECT_EQ(findings.mask_placement.yy, 16);
}

TEST_F(DetectorApi, WhatIsWrongIsSaid) {
  open(boxes());
  riffle_error error;
  riffle_findings findings;
  const riffle_frame good = frame(64, 64, 32, 16);
  EXPECT_EQ(riffle_detector_run(nullptr, &good, &findings, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(riffle_detector_run(detector_->get(), nullptr, &findings, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(riffle_detector_run(detector_->get(), &good, nullptr, &error), RIFFLE_BAD_ARGUMENT);
  riffle_frame bad = good;
  bad.rotation = 45;
  findings.count = 7;
  EXPECT_EQ(riffle_detector_run(detector_->get(), &bad, &findings, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(findings.count, 0U);
  riffle_detector_options options = {};
  options.iou = 2;
  riffle_detector* made = detector_->get();
  EXPECT_EQ(riffle_detector_create(session_->get(), &options, &made, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(made, nullptr);
  options = {};
  options.reserved[0] = &options;
  EXPECT_EQ(riffle_detector_create(session_->get(), &options, &made, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(riffle_detector_create(nullptr, nullptr, &made, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_THROW(open(means()), Failure);
  graph::Graph classifier = means();
  classifier.task = graph::Classify{};
  EXPECT_THROW(open(classifier), Failure);
  EXPECT_EQ(riffle_model_task(nullptr), RIFFLE_NO_TASK);
  riffle_detector_free(nullptr);
}

}  // namespace
}  // namespace riffle
