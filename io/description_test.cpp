#include "io/description.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/decode/detector.hpp"
#include "io/description_presets.hpp"
#include "tests/expect_error.hpp"

namespace riffle::io {
namespace {

using graph::Transform;
using graph::Unit;
using tests::contains;
using tests::error_of;

const std::vector<std::string> names = {"scores", "boxes", "points", "mask", "face", "output0", "a", "b", "c"};

Description parsed(std::string_view text) { return parse_description(text, names); }

graph::Detect detector(std::string_view text) { return std::get<graph::Detect>(*parsed(text).task); }

std::string refused(std::string_view text) {
  return error_of([&] { (void)parsed(text); });
}

/// A description in which nothing is its default.
Description unusual() {
  Description d;
  d.preprocessing = {.resize = graph::Fit::letterbox,
                     .antialias = false,
                     .mean = {0.485F, 0.456F, 0.406F},
                     .deviation = {0.1F, 0.2F, 0.3F},
                     .bgr = true,
                     .align = graph::Align::top_left,
                     .pad = {1.0F, 2.0F, 3.5F},
                     .rounded = true};
  const graph::Mapping mapping = {Transform::tanh, 0.1F, 0.3F, -0.5F, 0.25F, Unit::anchor};
  d.task = graph::Detect{.levels = {{.stride = 8,
                                     .anchors = 2,
                                     .sizes = {1, 2, 3.5F, 4},
                                     .scores = {"scores", 5, 80, graph::Components::planes},
                                     .objectness = {"scores", 4, 1, graph::Components::last},
                                     .boxes = {.output = "boxes"},
                                     .points = {.output = "points", .first = 2}},
                                    {.stride = 15.5F, .scores = {.output = "a"}, .boxes = {.output = "b"}}},
                         .offset = 0.5F,
                         .shift = -0.5F,
                         .form = graph::BoxForm::distances,
                         .position = mapping,
                         .size = {.transform = Transform::exponential},
                         .bins = 7,
                         .score = {.transform = Transform::softmax},
                         .objectness = {.power = 0.5F},
                         .point = {.unit = Unit::cell},
                         .background = true,
                         .threshold = 0.1F,
                         .inclusive = true,
                         .clip_to_input = true,
                         .clip_to_picture = true,
                         .most_of_level = 3,
                         .most = 4,
                         .suppression = graph::Suppression::gaussian,
                         .iou = 0.3F,
                         .sigma = 0.7F,
                         .per_class = false};
  return d;
}

TEST(Description, ComesBackAsItWas) {
  const auto expect_again = [](const Description& d) {
    const std::string text = description_json(d);
    const Description again = parsed(text);
    EXPECT_EQ(again.preprocessing, d.preprocessing) << text;
    EXPECT_EQ(again.task, d.task) << text;
    EXPECT_EQ(again.labels, d.labels) << text;
    EXPECT_EQ(description_json(again), text);
  };
  Description d = unusual();
  expect_again(d);
  d.preprocessing = graph::Preprocessing{.resize = graph::Fit::crop, .resize_size = 256};
  d.labels = {"a", "b \"c\""};
  d.task = graph::Landmarks{.points = {.output = "points", .count = 12},
                            .dimensions = 3,
                            .point = {.unit = Unit::input},
                            .score = {.output = "face"},
                            .score_mapping = {.transform = Transform::sigmoid},
                            .threshold = 0.75F};
  expect_again(d);
  d.task = graph::Segment{.scores = {.output = "mask"},
                          .transform = Transform::softmax,
                          .foreground = 1,
                          .threshold = 0.25F,
                          .inclusive = true};
  expect_again(d);
  d.task = graph::Classify{};
  expect_again(d);
  expect_again({});
  expect_again({.labels = {"x"}});
}

TEST(Description, SaysNothingOfWhatItDoesNotSay) {
  EXPECT_FALSE(parsed("{}").preprocessing);
  EXPECT_FALSE(parsed(R"({"input": {}})").task);
  EXPECT_EQ(parsed(R"({"input": {}})").preprocessing, graph::Preprocessing{});
  EXPECT_FALSE(parsed(R"({"task": "classify"})").preprocessing);
}

TEST(Description, OfPixelsIsOfPartsOf255) {
  const graph::Preprocessing p =
      *parsed(R"({"input": {"mean": [51, 102, 0], "std": 255, "pixels": 255}})").preprocessing;
  EXPECT_EQ(p.mean, (std::vector{0.2F, 0.4F, 0.0F}));
  EXPECT_EQ(p.deviation, std::vector{1.0F});
  const graph::Preprocessing range = *parsed(R"({"input": {"range": [-1, 1]}, "resize": "letterbox"})").preprocessing;
  EXPECT_EQ(range.mean, std::vector{0.5F});
  EXPECT_EQ(range.deviation, std::vector{0.5F});
  EXPECT_EQ(range.resize, graph::Fit::letterbox);
  const graph::Preprocessing pixels = *parsed(R"({"input": {"range": [0, 255]}})").preprocessing;
  EXPECT_EQ(pixels.deviation, std::vector{graph::Preprocessing::of_pixels});
}

TEST(Description, LevelsAreListsOfTheirFields) {
  const graph::Detect lists = detector(R"({"task": "detect", "strides": [8, 16], "anchors": 2,
      "sizes": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]], "scores": ["a", "b"], "boxes": {"output": "c", "first": 1}})");
  const graph::Detect levels = detector(R"({"task": "detect", "levels": [
      {"stride": 8, "anchors": 2, "sizes": [[1, 2], [3, 4]], "scores": "a", "boxes": {"output": "c", "first": 1}},
      {"stride": 16, "anchors": 2, "sizes": [[5, 6], [7, 8]], "scores": "b", "boxes": {"output": "c", "first": 1}}]})");
  EXPECT_NE(lists.levels[0].sizes, lists.levels[1].sizes);
  EXPECT_EQ(lists.levels.size(), 2U);
  EXPECT_EQ(lists, levels);
}

TEST(Description, APresetIsWhatItBeginsWith) {
  const Description d = parsed(R"({"preset": "yolov8", "outputs": "output0", "threshold": 0.4, "nms": {"iou": 0.6},
                                   "mappings": {"score": "sigmoid"}, "resize": {"pad": 0}})");
  const auto& detect = std::get<graph::Detect>(*d.task);
  EXPECT_EQ(detect.levels[0].scores, (graph::Part{.output = "output0", .first = 4}));
  EXPECT_EQ(detect.levels[0].boxes, (graph::Part{.output = "output0", .first = 0, .count = 4}));
  EXPECT_EQ(detect.threshold, 0.4F);
  EXPECT_EQ(detect.iou, 0.6F);
  EXPECT_EQ(detect.score.transform, Transform::sigmoid);
  EXPECT_EQ(d.preprocessing->resize, graph::Fit::letterbox);
  EXPECT_EQ(d.preprocessing->pad, std::vector{0.0F});
}

TEST(Description, YoloV5IsAListOrHeads) {
  const graph::Detect list = detector(R"({"preset": "yolov5", "outputs": "output0"})");
  EXPECT_EQ(list.levels.size(), 1U);
  EXPECT_EQ(list.size.unit, Unit::pixel);
  const graph::Detect heads = detector(R"({"preset": "yolov5", "outputs": ["a", "b", "c"]})");
  ASSERT_EQ(heads.levels.size(), 3U);
  EXPECT_EQ(heads.levels[1].boxes.output, "b");
  EXPECT_EQ(heads.levels[1].stride, 16);
  EXPECT_EQ(heads.levels[1].anchors, 3);
  EXPECT_EQ(heads.size.unit, Unit::anchor);
}

/// A square of one candidate, of 8 x 8 cells of 4 pixels, by what YOLOX's equations say: levels in one list.
TEST(Description, OfYoloXIsDecoded) {
  const graph::Detect task = detector(R"({"preset": "yolox", "strides": [8, 16], "outputs": "output0"})");
  constexpr std::size_t candidates = 16 + 4, each = 7;
  std::vector<float> raw(candidates * each);
  const std::vector<decode::OutputShape> shapes = {{"output0", {candidates, each}}};
  decode::Detector of_list(task, shapes, 32, 32);
  const float cell[each] = {0.5F, 0.25F, 0.0F, std::log(2.0F), 0.9F, 0.1F, 0.8F};
  std::copy_n(cell, each, raw.data() + (16 + 2) * each);  // cell (1, 0) of the second level
  const float* const outputs[] = {raw.data()};
  std::vector<decode::Detection> found(of_list.capacity());
  ASSERT_EQ(of_list.run(outputs, {}, 32, 32, found, {}), 1U);
  EXPECT_NEAR(found[0].x0, 0.5 * 16 - 8, 1e-5);
  EXPECT_NEAR(found[0].y0, 1.25 * 16 - 16, 1e-5);
  EXPECT_NEAR(found[0].x1, 0.5 * 16 + 8, 1e-5);
  EXPECT_NEAR(found[0].y1, 1.25 * 16 + 16, 1e-5);
  EXPECT_NEAR(found[0].score, 0.72, 1e-6);
  EXPECT_EQ(found[0].label, 1);
}

TEST(Description, RefusesWhatItDoesNotKnow) {
  EXPECT_TRUE(contains(refused("[]"), "the description: it is no object"));
  EXPECT_TRUE(contains(refused("{"), "not JSON"));
  EXPECT_TRUE(contains(refused(R"({"taks": "detect"})"), "the description: there is no field 'taks'"));
  EXPECT_TRUE(contains(refused(R"({"task": "count"})"), "task: it is none of \"classify\", \"detect\""));
  EXPECT_TRUE(contains(refused(R"({"preset": "yolov99"})"), "preset: it is none of \"fastestdet\""));
  EXPECT_TRUE(contains(refused(R"({"threshold": 0.5})"), "there is no field 'threshold'"));
  EXPECT_TRUE(contains(refused(R"({"task": "segment", "scores": "mask", "nms": {}})"), "there is no field 'nms'"));
  EXPECT_TRUE(contains(refused(R"({"input": {"mean": ["a"]}})"), "input.mean[0]: it is no number"));
  EXPECT_TRUE(contains(refused(R"({"input": {"std": 1e39}})"), "input.std: it is not in -3.4028235e+38 to"));
  EXPECT_TRUE(contains(refused(R"({"input": {"pixels": 17}})"), "input.pixels: it is neither 1 nor 255"));
  EXPECT_TRUE(contains(refused(R"({"input": {"range": [1]}})"), "input.range: it is no [lowest, highest]"));
  EXPECT_TRUE(contains(refused(R"({"input": {"range": [0, 1], "mean": 0}})"), "in the place of mean and std"));
  EXPECT_TRUE(contains(refused(R"({"resize": {"kind": "tile"}})"), "resize.kind: it is none of"));
  EXPECT_TRUE(contains(refused(R"({"labels": ["a", 1]})"), "labels[1]: it is no string"));
}

TEST(Description, NamesTheFieldThatIsWrong) {
  const auto level = [](const std::string& fields) {
    return refused(R"({"task": "detect", "levels": [{"scores": "scores", "boxes": "boxes"}, {)" + fields + "}]}");
  };
  EXPECT_TRUE(contains(level(R"("scores": "scores", "boxes": {"output": "boxes", "first": -1})"),
                       "levels[1].boxes.first: it is no whole number from 0 to"));
  EXPECT_TRUE(contains(level(R"("scores": "scores", "boxes": "bxes")"),
                       "levels[1].boxes: the network has no output \"bxes\"; it has \"scores\", \"boxes\""));
  EXPECT_TRUE(contains(level(R"("scores": "scores")"), "levels[1]: it has no boxes"));
  EXPECT_TRUE(contains(level(R"("scores": {"first": 1}, "boxes": "boxes")"), "levels[1].scores: it names no output"));
  EXPECT_TRUE(contains(level(R"("stride": "8")"), "levels[1].stride: it is no number"));
  EXPECT_TRUE(contains(level(R"("sizes": [[1, 2, 3]])"), "levels[1].sizes[0]: it is no [width, height]"));
  EXPECT_TRUE(contains(level(R"("anchors": 1.5)"), "levels[1].anchors: it is no whole number"));
  const auto detect = [](const std::string& fields) {
    return refused(R"({"task": "detect", "scores": "scores", "boxes": "boxes", )" + fields + "}");
  };
  EXPECT_TRUE(contains(detect(R"("nms": {"iou": 1.5})"), "nms.iou: it is not in 0 to 1"));
  EXPECT_TRUE(contains(detect(R"("mappings": {"size": {"unit": "mile"}})"), "mappings.size.unit: it is none of"));
  EXPECT_TRUE(contains(detect(R"("mappings": {"size": "square"})"), "mappings.size: it is none of"));
  EXPECT_TRUE(contains(detect(R"("inclusive": 1)"), "inclusive: it is neither true nor false"));
  EXPECT_TRUE(contains(detect(R"("most": 4294967296)"), "most: it is no whole number"));
  EXPECT_TRUE(contains(detect(R"("strides": [8, 16], "anchors": [1, 2, 3])"), "strides: 2 values for 3 levels"));
  EXPECT_TRUE(contains(refused(R"({"task": "detect", "boxes": "boxes"})"), "scores: it is missing"));
  EXPECT_TRUE(contains(refused(R"({"preset": "nanodet", "boxes": ["a", "b", "c"]})"), "scores: it is missing"));
  EXPECT_TRUE(contains(refused(R"({"task": "detect", "outputs": "a"})"), "outputs: it goes with a preset"));
  EXPECT_TRUE(contains(refused(R"({"preset": "yunet"})"), "scores: the network has no output \"cls_8\""));
  EXPECT_TRUE(contains(refused(R"({"task": "detect", "levels": [], "strides": 8})"), "strides: the levels say it"));
  EXPECT_TRUE(contains(refused(R"({"preset": "yolov8", "task": "segment"})"), "task: a preset is of a detector"));
}

/// A network of 16 x 16 pixels with 2 x 2 cells of 6 channels.
graph::Graph network() {
  graph::Graph graph;
  graph.name = "net";
  graph.add("input", graph::Input{.shape = {16, 16, 6}});
  graph::Pool pool;
  pool.window.kernel_h = pool.window.kernel_w = pool.window.stride_h = pool.window.stride_w = 8;
  graph.outputs = {{.node = graph.add("pool", pool, {0}), .name = "heads"}};
  return graph;
}

TEST(Description, IsOfAGraph) {
  graph::Graph graph = network();
  describe(graph, R"({"task": "detect", "strides": 8, "labels": ["dog"], "scores": {"output": "heads", "first": 5},
                      "boxes": {"output": "heads", "count": 4}, "threshold": 0.25})");
  EXPECT_EQ(graph.labels, std::vector<std::string>{"dog"});
  EXPECT_EQ(
      task_text(graph),
      "detects objects of 1 class; strides 8; scores above 0.25; hard suppression above an overlap of 0.5, by class");
  const auto error = [&](std::string_view text) {
    return error_of([&] {
      graph::Graph copy = network();
      describe(copy, text);
    });
  };
  EXPECT_TRUE(contains(error(R"({"labels": ["a", "b"]})"), "2 labels for 6 classes"));
  EXPECT_TRUE(contains(error(R"({"task": "detect", "strides": 5, "scores": "heads", "boxes": "heads"})"),
                       "graph 'net': level 0 of the detector: the output 'heads' has 24 numbers"));
  EXPECT_TRUE(contains(error(R"({"task": "detect", "strides": 8, "scores": "heads", "boxes": "heads"})"),
                       "level 0 of the detector: boxes: 6 components where 4 are read"));
  EXPECT_TRUE(
      contains(error(R"({"task": "segment", "scores": {"output": "heads", "components": "planes"}, "foreground": 6})"),
               "the foreground is component 6 of 6"));
  EXPECT_TRUE(contains(error(R"({"input": {}})"), "the model takes 6 channels"));
}

/// Every block of JSON in the document.
std::vector<std::string> examples() {
  std::ifstream document(RIFFLE_DOCUMENTS "/description.md");
  EXPECT_TRUE(document) << RIFFLE_DOCUMENTS "/description.md cannot be read";
  std::vector<std::string> blocks;
  bool inside = false;
  for (std::string line; std::getline(document, line);) {
    if (line == "```json") {
      inside = true;
      blocks.emplace_back();
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back() += line + '\n';
    }
  }
  return blocks;
}

TEST(Description, OfTheDocumentParses) {
  std::vector<std::string> outputs = names;
  for (const char* stride : {"8", "16", "32"}) {
    outputs.push_back(std::string("cls_pred_stride_") + stride);
    outputs.push_back(std::string("dis_pred_stride_") + stride);
  }
  const std::vector<std::string> all = examples();
  EXPECT_GE(all.size(), 7U);
  for (const std::string& text : all) EXPECT_NO_THROW((void)parse_description(text, outputs)) << text;
}

TEST(Description, DocumentNamesEveryPreset) {
  std::ifstream document(RIFFLE_DOCUMENTS "/description.md");
  const std::string text((std::istreambuf_iterator<char>(document)), {});
  for (const Preset& preset : presets()) EXPECT_TRUE(contains(text, "| `" + std::string(preset.name) + "` |"));
}

}  // namespace
}  // namespace riffle::io
