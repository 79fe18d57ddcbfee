// riffle detect: boxes of objects in pictures.
#include <memory>

#include "base/text.hpp"
#include "draw/picture.hpp"
#include "tools/commands.hpp"
#include "tools/picture_model.hpp"

namespace riffle::tools {
namespace {

Json to_json(const DetectorModel::Found& found, std::size_t i, const PictureModel& model) {
  const decode::Detection& box = found.boxes[i];
  Json object;
  if (!model.labels().empty()) object["label"] = model.name_of(box.label);
  object["class"] = box.label;
  object["score"] = share(static_cast<double>(box.score));
  for (const float edge : {box.x0, box.y0, box.x1, box.y1}) {
    object["box"].push_back(coordinate(static_cast<double>(edge)));
  }
  const auto points = found.points_of(i);
  for (std::size_t p = 0; p < points.size(); p += 2) {
    object["points"].push_back(
        {coordinate(static_cast<double>(points[p])), coordinate(static_cast<double>(points[p + 1]))});
  }
  return object;
}

void draw_objects(io::Picture picture, const DetectorModel::Found& found, const PictureModel& model,
                  const std::string& file) {
  std::vector<draw::Mark> marks;
  for (std::size_t i = 0; i < found.boxes.size(); ++i) {
    const decode::Detection& box = found.boxes[i];
    draw::Mark& mark = marks.emplace_back();
    mark.box = {static_cast<double>(box.x0), static_cast<double>(box.y0), static_cast<double>(box.x1),
                static_cast<double>(box.y1)};
    mark.label = model.name_of(box.label) + ' ' + fixed(static_cast<double>(box.score), 2);
    mark.color = draw::color_of(box.label);
    const auto points = found.points_of(i);
    for (std::size_t p = 0; p < points.size(); p += 2) {
      mark.points.push_back({static_cast<double>(points[p]), static_cast<double>(points[p + 1])});
    }
  }
  draw::draw_marks(picture, marks);
  io::write_png(file, picture);
}

void detect(const PictureOptions& options) {
  using Align = draw::Table::Align;
  Answers answers(options, {{"object"},
                            {"score", Align::right},
                            {"left", Align::right},
                            {"top", Align::right},
                            {"right", Align::right},
                            {"bottom", Align::right}});
  DetectorModel detector(
      PictureModel(options.model, options.describe, &options.preprocessing, options.precision, options.threads),
      options.has_threshold() ? std::optional(options.threshold) : std::nullopt);
  const PictureModel& model = detector.model();
  answers.for_each([&](const io::Picture& picture, Json& row) {
    const DetectorModel::Found found = detector.find(picture);
    row["objects"] = Json::array();
    for (std::size_t i = 0; i < found.boxes.size(); ++i) {
      const decode::Detection& box = found.boxes[i];
      row["objects"].push_back(to_json(found, i, model));
      std::vector<std::string> cells = {model.name_of(box.label), fixed(static_cast<double>(box.score), 2)};
      for (const float edge : {box.x0, box.y0, box.x1, box.y1}) cells.push_back(fixed(static_cast<double>(edge), 1));
      answers.add_line(std::move(cells));
    }
    if (found.boxes.empty()) answers.add_line({"none", "", "", "", "", ""});
    if (const std::string file = answers.drawing(); !file.empty()) {
      draw_objects(picture, found, model, file);
      row["drawing"] = file;
    }
  });
  answers.finish({{"model", options.model}}, model.preprocessing());
}

}  // namespace

void add_detect(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("detect", "Pictures to boxes of objects");
  const auto options = std::make_shared<PictureOptions>();
  add_picture_options(command, *options, "Draw the boxes");
  command.callback([options] { detect(*options); });
}

}  // namespace riffle::tools
