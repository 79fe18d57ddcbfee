// riffle landmarks: points of an object, which fills the picture or another model's boxes.
#include <algorithm>
#include <limits>
#include <memory>

#include "base/text.hpp"
#include "draw/picture.hpp"
#include "engine/decode/points_and_masks.hpp"
#include "io/region.hpp"
#include "tools/commands.hpp"
#include "tools/picture_model.hpp"

namespace riffle::tools {
namespace {

struct LandmarksOptions : PictureOptions {
  std::string boxes;           ///< a detector; empty: the object fills the picture
  std::string describe_boxes;  ///< as `describe`, of the detector
};

/// The points of one object in a picture.
struct FoundPoints {
  double score = 1;
  std::vector<float> numbers;  ///< `dimensions` a point
  std::size_t dimensions = 2;
  std::optional<decode::Detection> box = {};  ///< in which they are

  [[nodiscard]] std::vector<draw::Point> points() const {
    std::vector<draw::Point> result;
    for (std::size_t i = 0; i + 1 < numbers.size(); i += dimensions) {
      result.push_back({static_cast<double>(numbers[i]), static_cast<double>(numbers[i + 1])});
    }
    return result;
  }
};

/// A model of landmarks, and the detector that says where they are.
class LandmarksModel {
 public:
  explicit LandmarksModel(const LandmarksOptions& options)
      : model_(options.model, options.describe, &options.preprocessing, options.precision, options.threads),
        task_(model_.task<graph::Landmarks>("landmarks")),
        decoder_(task_, model_.outputs(), model_.input_shape().h, model_.input_shape().w) {
    if (options.has_threshold()) task_.threshold = options.threshold;
    if (!options.boxes.empty()) {
      detector_.emplace(
          PictureModel(options.boxes, options.describe_boxes, nullptr, options.precision, options.threads),
          std::nullopt);
    }
  }

  [[nodiscard]] const PictureModel& model() const { return model_; }

  /// Those whose score passes.
  std::vector<FoundPoints> find(const io::Picture& picture) {
    std::vector<FoundPoints> all;
    if (!detector_) {
      decode::Placement placement;
      const auto outputs = model_.run(picture, placement);
      add(outputs, placement, std::nullopt, all);
      return all;
    }
    const DetectorModel::Found found = detector_->find(picture);
    const io::Picture fitting = model_.fitting(picture);
    for (std::size_t i = 0; i < found.boxes.size(); ++i) {
      const auto placement = io::read_region(fitting, task_.region, found.boxes[i], found.points_of(i),
                                             model_.input_shape(), model_.preprocess(), model_.input());
      if (placement) add(model_.run(), *placement, found.boxes[i], all);
    }
    return all;
  }

 private:
  void add(std::span<const float* const> outputs, const decode::Placement& placement,
           std::optional<decode::Detection> box, std::vector<FoundPoints>& all) const {
    FoundPoints found;
    found.dimensions = decoder_.dimensions();
    found.numbers.resize(decoder_.points() * found.dimensions);
    found.score = decoder_.run(outputs, placement, found.numbers);
    found.box = box;
    if (task_.score.output.empty() || found.score > static_cast<double>(task_.threshold))
      all.push_back(std::move(found));
  }

  PictureModel model_;
  graph::Landmarks task_;
  decode::Landmarks decoder_;
  std::optional<DetectorModel> detector_;
};

Json to_json(const FoundPoints& found) {
  Json object = {{"score", share(found.score)}};
  if (found.box) {
    for (const float edge : {found.box->x0, found.box->y0, found.box->x1, found.box->y1}) {
      object["box"].push_back(coordinate(static_cast<double>(edge)));
    }
  }
  object["points"] = Json::array();
  for (std::size_t i = 0; i < found.numbers.size(); i += found.dimensions) {
    Json point = Json::array();
    for (std::size_t k = 0; k < found.dimensions; ++k) {
      point.push_back(coordinate(static_cast<double>(found.numbers[i + k])));
    }
    object["points"].push_back(std::move(point));
  }
  return object;
}

draw::Rectangle bounds_of(std::span<const draw::Point> points) {
  constexpr double far_away = std::numeric_limits<double>::infinity();
  draw::Rectangle bounds = {far_away, far_away, -far_away, -far_away};
  for (const draw::Point& p : points) {
    bounds = {std::min(bounds.x0, p.x), std::min(bounds.y0, p.y), std::max(bounds.x1, p.x), std::max(bounds.y1, p.y)};
  }
  return bounds;
}

void draw_points(io::Picture picture, std::span<const FoundPoints> all, const std::string& file) {
  std::vector<draw::Mark> marks;
  for (const FoundPoints& found : all) {
    draw::Mark& mark = marks.emplace_back();
    mark.color = draw::color_of(0);
    mark.points = found.points();
    mark.has_frame = false;
  }
  draw::draw_marks(picture, marks);
  io::write_png(file, picture);
}

void find_landmarks(const LandmarksOptions& options) {
  using Align = draw::Table::Align;
  Answers answers(options, {{"points", Align::right},
                            {"score", Align::right},
                            {"left", Align::right},
                            {"top", Align::right},
                            {"right", Align::right},
                            {"bottom", Align::right}});
  LandmarksModel model(options);
  answers.for_each([&](const io::Picture& picture, Json& row) {
    const std::vector<FoundPoints> all = model.find(picture);
    row["objects"] = Json::array();
    for (const FoundPoints& found : all) {
      row["objects"].push_back(to_json(found));
      const std::vector<draw::Point> points = found.points();
      const draw::Rectangle bounds = bounds_of(points);
      answers.add_line({std::to_string(points.size()), fixed(found.score, 2), fixed(bounds.x0, 1), fixed(bounds.y0, 1),
                        fixed(bounds.x1, 1), fixed(bounds.y1, 1)});
    }
    if (all.empty()) answers.add_line({"none", "", "", "", "", ""});
    if (const std::string file = answers.drawing(); !file.empty()) {
      draw_points(picture, all, file);
      row["drawing"] = file;
    }
  });
  Json document = {{"model", options.model}};
  if (!options.boxes.empty()) document["boxes"] = options.boxes;
  if (!model.model().labels().empty()) document["labels"] = model.model().labels();
  answers.finish(std::move(document), model.model().preprocessing());
}

}  // namespace

void add_landmarks(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("landmarks", "Pictures to points of an object");
  const auto options = std::make_shared<LandmarksOptions>();
  add_picture_options(command, *options, "Draw the points");
  CLI::Option* boxes = command
                           .add_option("--boxes", options->boxes,
                                       "A detector: each of its boxes is an object. Without it one fills the picture")
                           ->type_name("DETECTOR");
  command.add_option("--describe-boxes", options->describe_boxes, "The same as --describe, of the detector")
      ->type_name("FILE.json")
      ->needs(boxes);
  command.callback([options] { find_landmarks(*options); });
}

}  // namespace riffle::tools
