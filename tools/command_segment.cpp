// riffle segment: pictures to masks, a class for each pixel.
#include <algorithm>
#include <array>
#include <cctype>
#include <memory>

#include "base/text.hpp"
#include "draw/picture.hpp"
#include "engine/decode/points_and_masks.hpp"
#include "tools/commands.hpp"
#include "tools/picture_model.hpp"

namespace riffle::tools {
namespace {

struct SegmentOptions : PictureOptions {
  std::string mask;  ///< a PNG, or a folder; empty: none is written
};

/// What of a picture is of a class.
struct ClassArea {
  std::int64_t cells = 0;
  std::int32_t x0 = 0, y0 = 0, x1 = 0, y1 = 0;  ///< of the mask's cells, where there are any
  void add(std::int32_t x, std::int32_t y) {
    if (cells++ == 0) {
      *this = {1, x, y, x + 1, y + 1};
    } else {
      *this = {cells, std::min(x0, x), std::min(y0, y), std::max(x1, x + 1), std::max(y1, y + 1)};
    }
  }
};

/// A class for each of rows x columns cells, and where they lie in the picture.
struct FoundMask {
  std::int32_t columns = 0, rows = 0;
  std::vector<std::uint8_t> classes;
  std::vector<float> foreground;  ///< by cell, moved so that the threshold is at 1/2; empty where the largest wins
  draw::Rectangle covers;         ///< of the picture, and beyond it
  std::int64_t inside = 0;        ///< cells whose centre is in the picture
  std::vector<ClassArea> areas;   ///< of those, by class

  [[nodiscard]] double x(double column) const { return covers.x0 + column / columns * covers.width(); }
  [[nodiscard]] double y(double row) const { return covers.y0 + row / rows * covers.height(); }
};

class SegmentModel {
 public:
  explicit SegmentModel(const SegmentOptions& options)
      : model_(options.model, options.describe, &options.preprocessing, options.precision, options.threads),
        task_(task_of(model_, options)),
        decoder_(task_, model_.outputs()) {
    if (decoder_.classes() > 256) throw Error({options.model, ": a mask has at most 256 classes"});
  }

  [[nodiscard]] const PictureModel& model() const { return model_; }

  FoundMask find(const io::Picture& picture) {
    decode::Placement placement;
    const auto outputs = model_.run(picture, placement);
    FoundMask mask;
    mask.columns = decoder_.width();
    mask.rows = decoder_.height();
    mask.classes.resize(static_cast<std::size_t>(mask.columns) * static_cast<std::size_t>(mask.rows));
    decoder_.run(outputs, mask.classes);
    const double w = model_.input_shape().w, h = model_.input_shape().h;
    mask.covers = {placement.x(0, 0), placement.y(0, 0), placement.x(w, h), placement.y(w, h)};
    mask.areas.resize(static_cast<std::size_t>(decoder_.classes()));
    for (std::int32_t y = 0; y < mask.rows; ++y) {
      for (std::int32_t x = 0; x < mask.columns; ++x) {
        if (task_.foreground >= 0) {
          mask.foreground.push_back(
              static_cast<float>(decoder_.foreground(outputs, x, y) - static_cast<double>(task_.threshold) + 0.5));
        }
        const double at_x = mask.x(x + 0.5), at_y = mask.y(y + 0.5);
        if (at_x < 0 || at_y < 0 || at_x >= picture.width || at_y >= picture.height) continue;
        ++mask.inside;
        mask.areas[mask.classes[static_cast<std::size_t>(y) * static_cast<std::size_t>(mask.columns) +
                                static_cast<std::size_t>(x)]]
            .add(x, y);
      }
    }
    return mask;
  }

  /// Is it one of the classes that are what the others are not?
  [[nodiscard]] bool is_background(std::size_t label) const {
    if (task_.foreground >= 0 || model_.labels().empty()) return label == 0;
    std::string name = model_.labels()[label];
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name == "background" || name == "__background__" || name == "_background_";
  }

 private:
  static graph::Segment task_of(const PictureModel& model, const SegmentOptions& options) {
    auto task = model.task<graph::Segment>("segment");
    if (options.has_threshold()) {
      if (task.foreground < 0) throw Error("--threshold: the largest of a pixel's classes wins, whatever it is");
      task.threshold = options.threshold;
    }
    return task;
  }

  PictureModel model_;
  graph::Segment task_;
  decode::Segment decoder_;
};

/// A pixel's class; of a foreground 255.
io::Picture picture_of(const FoundMask& mask, std::int32_t width, std::int32_t height) {
  io::Picture picture = {width, height, 1, {}};
  for (std::int32_t y = 0; y < height; ++y) {
    for (std::int32_t x = 0; x < width; ++x) {
      const double column = (x + 0.5 - mask.covers.x0) / mask.covers.width() * mask.columns;
      const double row = (y + 0.5 - mask.covers.y0) / mask.covers.height() * mask.rows;
      const bool is_known = column >= 0 && row >= 0 && column < mask.columns && row < mask.rows;
      const std::uint8_t label =
          is_known ? mask.classes[static_cast<std::size_t>(row) * static_cast<std::size_t>(mask.columns) +
                                  static_cast<std::size_t>(column)]
                   : std::uint8_t{0};
      picture.pixels.push_back(mask.foreground.empty() ? label : static_cast<std::uint8_t>(255 * label));
    }
  }
  return picture;
}

void draw_classes(io::Picture picture, const FoundMask& mask, const SegmentModel& model, const std::string& file) {
  std::vector<draw::KeyEntry> key;
  for (std::size_t label = 0; label < mask.areas.size(); ++label) {
    if (mask.areas[label].cells == 0 || model.is_background(label)) continue;
    std::vector<float> shares = mask.foreground;
    if (shares.empty()) {
      for (const std::uint8_t cell : mask.classes) shares.push_back(cell == label ? 1.0F : 0.0F);
    }
    const auto number = static_cast<std::int32_t>(label);
    // A foreground's colour is the first, though it is the second of two classes.
    const draw::Color color = draw::color_of(mask.foreground.empty() ? number : number - 1);
    draw::draw_mask(picture, {mask.columns, mask.rows, shares, mask.covers}, color);
    key.push_back({model.model().name_of(number), color});
  }
  const bool says_something = mask.foreground.empty() || !model.model().labels().empty();
  if (says_something) draw::draw_key(picture, key);
  io::write_png(file, picture);
}

void segment(const SegmentOptions& options) {
  using Align = draw::Table::Align;
  Answers answers(options, {{"class"},
                            {"%", Align::right},
                            {"left", Align::right},
                            {"top", Align::right},
                            {"right", Align::right},
                            {"bottom", Align::right}});
  check_place("--mask", options.mask, options);
  SegmentModel model(options);
  answers.for_each([&](const io::Picture& picture, Json& row) {
    const FoundMask mask = model.find(picture);
    row["classes"] = Json::array();
    for (std::size_t label = 0; label < mask.areas.size(); ++label) {
      const ClassArea& area = mask.areas[label];
      if (area.cells == 0 || (label == 0 && !mask.foreground.empty())) continue;
      const std::string name = model.model().name_of(static_cast<std::int32_t>(label));
      const double part = static_cast<double>(area.cells) / static_cast<double>(mask.inside);
      const std::array<double, 4> box = {std::clamp(mask.x(area.x0), 0.0, static_cast<double>(picture.width)),
                                         std::clamp(mask.y(area.y0), 0.0, static_cast<double>(picture.height)),
                                         std::clamp(mask.x(area.x1), 0.0, static_cast<double>(picture.width)),
                                         std::clamp(mask.y(area.y1), 0.0, static_cast<double>(picture.height))};
      Json object;
      if (!model.model().labels().empty()) object["label"] = name;
      object["class"] = label;
      object["area"] = share(part);
      std::vector<std::string> cells = {name, fixed(100 * part, 1)};
      for (const double edge : box) {
        object["box"].push_back(coordinate(edge));
        cells.push_back(fixed(edge, 1));
      }
      row["classes"].push_back(std::move(object));
      answers.add_line(std::move(cells));
    }
    if (row["classes"].empty()) answers.add_line({"none", "", "", "", "", ""});
    if (const std::string file = answers.file_in(options.mask); !file.empty()) {
      io::write_png(file, picture_of(mask, picture.width, picture.height));
      row["mask"] = file;
    }
    if (const std::string file = answers.drawing(); !file.empty()) {
      draw_classes(picture, mask, model, file);
      row["drawing"] = file;
    }
  });
  answers.finish({{"model", options.model}}, model.model().preprocessing());
}

}  // namespace

void add_segment(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("segment", "Pictures to masks: a class for each pixel");
  const auto options = std::make_shared<SegmentOptions>();
  add_picture_options(command, *options, "Draw the masks");
  command
      .add_option("--mask", options->mask,
                  "Write the mask as a grey PNG: the class's number, or 255 for the foreground")
      ->type_name("OUT.png|FOLDER/");
  command.callback([options] { segment(*options); });
}

}  // namespace riffle::tools
