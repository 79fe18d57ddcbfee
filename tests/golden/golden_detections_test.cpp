// Descriptions and decoders, from the raw outputs of public networks to what their own programs make of them. These
// files are not the project's: RIFFLE_DETECTIONS names a folder with detections.json and raw/ (README.md).
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "engine/decode/detector.hpp"
#include "engine/decode/points_and_masks.hpp"
#include "io/description.hpp"
#include "io/npz.hpp"

namespace riffle {
namespace {

using nlohmann::json;

/// Raw outputs of a network, without the batch.
struct Raw {
  explicit Raw(const std::string& path) {
    const io::Npz archive(path);
    for (const std::string& name : archive.names()) {
      tensors.push_back(archive.read(name));
      names.push_back(name);
      const std::vector<std::int64_t>& shape = tensors.back().shape;
      shapes.push_back({name, {shape.begin() + 1, shape.end()}});
    }
    for (const io::Tensor& tensor : tensors) numbers.push_back(tensor.floats().data());
  }
  std::vector<io::Tensor> tensors;
  std::vector<std::string> names;
  std::vector<decode::OutputShape> shapes;
  std::vector<const float*> numbers;
};

struct Size {
  std::int32_t height = 0, width = 0;
};

std::string text_of(const json& file, const char* key) { return file.at(key).get<std::string>(); }

/// detections.json's description of a model in the words of docs/description.md.
json translated(const json& from) {
  const json &input = from.at("input"), &resize = from.at("resize"), &head = from.at("head");
  json to;
  to["input"] = {
      {"mean", input.at("mean")}, {"std", input.at("std")}, {"pixels", 255}, {"channels", input.at("channels")}};
  const std::string kind = text_of(resize, "kind");
  to["resize"] = {{"kind", kind == "crop" ? "stretch" : kind},
                  {"antialias", resize.at("antialias")},
                  {"rounded", resize.at("rounded")}};
  for (const char* key : {"align", "pad"}) {
    if (resize.contains(key)) to["resize"][key] = resize.at(key);
  }
  if (from.contains("threshold")) to["threshold"] = from.at("threshold");
  const std::string head_kind = text_of(head, "kind");
  if (head_kind == "points68") {
    to["task"] = "landmarks";
    to["points"] = {{"output", head.at("output")},
                    {"first", head.at("points")[0]},
                    {"count", head.at("points")[1].get<int>() - head.at("points")[0].get<int>()}};
    to["mappings"] = {{"point", {{"unit", "input"}}}};
    return to;
  }
  if (head_kind == "face_mesh") {
    to["task"] = "landmarks";
    to["points"] = head.at("points");
    to["dimensions"] = 3;
    to["scores"] = head.at("score");
    to["mappings"] = {{"score", "sigmoid"}};
    return to;
  }
  to["inclusive"] = text_of(from, "compare") == ">=";
  if (head_kind == "mask") {
    to["task"] = "segment";
    to["scores"] = head.at("output");
    to["transform"] = head.at("activation");
    to["foreground"] = head.at("foreground");
    return to;
  }
  const json& nms = from.at("nms");
  to["preset"] = head_kind;
  to["nms"] = {{"kind", nms.at("kind")}, {"iou", nms.at("iou")}, {"per_class", nms.at("per_class")}};
  to["most"] = nms.at("top_k").is_null() ? json(0) : nms.at("top_k");
  to["clip_to_picture"] = from.at("clip");
  if (head.contains("offset")) to["offset"] = head.at("offset");
  if (head.contains("shift")) to["shift"] = head.at("shift");
  if (head_kind == "fastestdet") {
    to["outputs"] = head.at("output");
    to["strides"] = head.at("stride");
    to["mappings"] = {{"objectness", {{"power", head.at("powers")[0]}}}, {"score", {{"power", head.at("powers")[1]}}}};
  } else if (head_kind == "nanodet") {
    to["strides"] = head.at("strides");
    to["scores"] = head.at("classes");
    to["boxes"] = head.at("distances");
    to["bins"] = head.at("bins");
    to["most_of_level"] = head.at("top_k_of_stride");
  } else if (head_kind == "yunet") {
    to["mappings"] = {{"objectness", {{"power", head.at("power")}}}, {"score", {{"power", head.at("power")}}}};
  } else if (head_kind == "blazeface") {
    for (const char* key : {"strides", "anchors", "scores", "boxes"}) to[key] = head.at(key);
  }
  return to;
}

/// From the input's pixels to the picture's. `crop` is a result's, of a model of crops.
decode::Placement placement(const graph::Preprocessing& preprocessing, Size input, Size picture, const json* crop) {
  const auto w = static_cast<double>(input.width), h = static_cast<double>(input.height);
  if (crop != nullptr && crop->contains("degrees")) {
    constexpr double pi = 3.14159265358979323846;
    const double angle = crop->at("degrees").get<double>() / 180 * pi, side = crop->at("side").get<double>();
    const double c = std::cos(angle) * side, s = std::sin(angle) * side;
    const double centre_x = crop->at("centre")[0].get<double>(), centre_y = crop->at("centre")[1].get<double>();
    return {c / w, -s / h, centre_x - (c - s) / 2, s / w, c / h, centre_y - (s + c) / 2};
  }
  if (crop != nullptr) {
    const double x0 = crop->at("x0").get<double>(), y0 = crop->at("y0").get<double>();
    return {(crop->at("x1").get<double>() - x0) / w, 0, x0, 0, (crop->at("y1").get<double>() - y0) / h, y0};
  }
  graph::Covered covered = {0, 0, input.height, input.width};
  if (preprocessing.resize == graph::Fit::letterbox) {
    covered = graph::letterboxed(preprocessing.align, input.height, input.width, picture.height, picture.width);
  }
  const double x = static_cast<double>(picture.width) / covered.width;
  const double y = static_cast<double>(picture.height) / covered.height;
  return {x, 0, -covered.left * x, 0, y, -covered.top * y};
}

void expect_points(const json& expected, const float* points, std::size_t each, double tolerance) {
  for (std::size_t p = 0; p < expected.size(); ++p) {
    for (std::size_t k = 0; k < each; ++k) {
      EXPECT_NEAR(static_cast<double>(points[p * each + k]), expected[p][k].get<double>(), tolerance) << "point " << p;
    }
  }
}

void expect_objects(const graph::Detect& task, const Raw& raw, Size input, Size picture,
                    const decode::Placement& placement, const json& expected, const json& labels) {
  decode::Detector detector(task, raw.shapes, input.height, input.width);
  std::vector<decode::Detection> found(detector.capacity());
  std::vector<float> points(2 * detector.points() * detector.capacity());
  found.resize(detector.run(raw.numbers, placement, picture.height, picture.width, found, points));
  const json& objects = expected.at("objects");
  ASSERT_EQ(found.size(), objects.size());
  EXPECT_EQ(labels.size(), static_cast<std::size_t>(detector.classes()));
  for (std::size_t i = 0; i < found.size(); ++i) {
    SCOPED_TRACE("object " + std::to_string(i));
    EXPECT_EQ(labels.at(static_cast<std::size_t>(found[i].label)), objects[i].at("class"));
    EXPECT_NEAR(static_cast<double>(found[i].score), objects[i].at("score").get<double>(), 1e-4);
    const float box[] = {found[i].x0, found[i].y0, found[i].x1, found[i].y1};
    for (std::size_t k = 0; k < 4; ++k) {
      EXPECT_NEAR(static_cast<double>(box[k]), objects[i].at("box")[k].get<double>(), 0.01);
    }
    if (objects[i].contains("points")) {
      ASSERT_EQ(objects[i].at("points").size(), detector.points());
      expect_points(objects[i].at("points"), points.data() + 2 * i * detector.points(), 2, 0.01);
    }
  }
}

void expect_landmarks(const graph::Landmarks& task, const Raw& raw, Size input, const decode::Placement& placement,
                      const json& expected) {
  const decode::Landmarks landmarks(task, raw.shapes, input.height, input.width);
  std::vector<float> points(landmarks.points() * landmarks.dimensions());
  const double score = landmarks.run(raw.numbers, placement, points);
  ASSERT_EQ(expected.at("points").size(), landmarks.points());
  // 0.01, and what is written has two digits
  expect_points(expected.at("points"), points.data(), landmarks.dimensions(), 0.015);
  if (expected.contains("score")) {
    EXPECT_NEAR(score, expected.at("score").get<double>(), 1e-4);
  }
}

void expect_mask(const graph::Segment& task, const Raw& raw, const json& expected) {
  const decode::Segment segment(task, raw.shapes);
  const auto pixels = static_cast<std::size_t>(segment.height()) * static_cast<std::size_t>(segment.width());
  std::vector<std::uint8_t> mask(pixels);
  segment.run(raw.numbers, mask);
  double area = 0, mean = 0;
  for (std::int32_t y = 0; y < segment.height(); ++y) {
    for (std::int32_t x = 0; x < segment.width(); ++x) mean += segment.foreground(raw.numbers, x, y);
  }
  for (const std::uint8_t on : mask) area += on;
  EXPECT_NEAR(area / static_cast<double>(pixels), expected.at("area").get<double>(), 1e-5);
  EXPECT_NEAR(mean / static_cast<double>(pixels), expected.at("mean").get<double>(), 1e-5);
  const json& grid = expected.at("grid");
  for (std::int32_t part = 0; part < 64; ++part) {
    const std::int32_t r = part / 8, c = part % 8;
    double on = 0, all = 0;
    for (std::int32_t y = r * segment.height() / 8; y < (r + 1) * segment.height() / 8; ++y) {
      for (std::int32_t x = c * segment.width() / 8; x < (c + 1) * segment.width() / 8; ++x) {
        on += mask[static_cast<std::size_t>(y * segment.width() + x)];
        ++all;
      }
    }
    EXPECT_NEAR(on / all, grid[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)].get<double>(), 6e-4);
  }
}

class Detections : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* const folder = std::getenv("RIFFLE_DETECTIONS");
    if (folder == nullptr) GTEST_SKIP() << "RIFFLE_DETECTIONS names no folder";
    folder_ = folder;
    const std::string path = folder_ + "/detections.json";
    const std::vector<std::byte> bytes = read_file(path, std::int64_t{1} << 28);
    const char* const begin = reinterpret_cast<const char*>(bytes.data());
    all_ = json::parse(begin, begin + bytes.size(), nullptr, false);
    ASSERT_TRUE(all_.is_object()) << path;
  }

  /// Compares what there are raw outputs of with a list of results by picture; returns how many there were.
  int expect(const std::string& model, const json& given, const json& results) const {
    int count = 0;
    const json description = translated(given);
    const Size input = {given.at("input").at("height").get<std::int32_t>(),
                        given.at("input").at("width").get<std::int32_t>()};
    for (const auto& [picture, result] : results.items()) {
      const json& known = all_.at("pictures").at(picture);
      const Size size = {known.at("height").get<std::int32_t>(), known.at("width").get<std::int32_t>()};
      const bool of_crops = result.is_array();
      for (std::size_t i = 0; i < (of_crops ? result.size() : 1); ++i) {
        const std::string name = model + "." + picture + (of_crops ? "." + std::to_string(i) : "");
        const std::string path = folder_ + "/raw/" + name + ".out.npz";
        if (!std::filesystem::exists(path)) continue;
        SCOPED_TRACE(name);
        const Raw raw(path);
        const io::Description d = io::parse_description(description.dump(), raw.names);
        const json& expected = of_crops ? result[i] : result;
        const decode::Placement place =
            placement(*d.preprocessing, input, size, of_crops ? &expected.at("crop") : nullptr);
        if (const auto* detect = std::get_if<graph::Detect>(&*d.task)) {
          expect_objects(*detect, raw, input, size, place, expected, all_.at("labels").at(text_of(given, "labels")));
        } else if (const auto* landmarks = std::get_if<graph::Landmarks>(&*d.task)) {
          expect_landmarks(*landmarks, raw, input, place, expected);
        } else {
          expect_mask(std::get<graph::Segment>(*d.task), raw, expected);
        }
        // It is the same description again.
        const io::Description again = io::parse_description(io::description_json(d), raw.names);
        EXPECT_EQ(again.task, d.task) << io::description_json(d);
        EXPECT_EQ(again.preprocessing, d.preprocessing) << io::description_json(d);
        ++count;
      }
    }
    return count;
  }

  std::string folder_;
  json all_;
};

TEST_F(Detections, EqualThoseOfOtherPrograms) {
  for (const auto& [name, model] : all_.at("models").items()) {
    EXPECT_GT(expect(name, model.at("description"), model.at("results")), 0) << name;
  }
}

TEST_F(Detections, EqualThoseOfVariants) {
  int count = 0;
  for (const auto& [name, model] : all_.at("models").items()) {
    for (const json& variant : model.at("variants")) {
      const json& change = variant.at("change");
      if (change.contains("resize") || change.contains("input")) continue;  // other numbers go into the network
      SCOPED_TRACE(text_of(variant, "name"));
      json description = model.at("description");
      description.merge_patch(change);
      count += expect(name, description, variant.at("results"));
    }
  }
  EXPECT_GT(count, 0);
}

}  // namespace
}  // namespace riffle
