#include "tools/picture_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <set>

#include "base/files.hpp"
#include "base/text.hpp"
#include "io/description.hpp"
#include "io/model_file.hpp"
#include "io/resample.hpp"
#include "tools/options.hpp"
#include "trainer/team.hpp"

namespace riffle::tools {
namespace {

constexpr std::int64_t max_description_bytes = std::int64_t{1} << 24;

std::string_view word_of(const graph::Task& task) {
  constexpr std::string_view words[] = {"classifies", "detects", "finds landmarks", "segments"};
  return words[task.index()];
}

graph::Graph load(const std::string& path, const std::string& describe) {
  graph::Graph graph = io::load_model_of_floats(path, import_options(path));
  if (describe.empty()) return graph;
  const std::vector<std::byte> bytes = read_file(describe, max_description_bytes);
  try {
    io::describe(graph, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  } catch (const Error& error) {
    throw Error({describe, ": ", error.what()});
  }
  return graph;
}

bool is_folder(const std::string& place) {
  std::error_code ignored;
  return place.back() == '/' || std::filesystem::is_directory(place, ignored);
}

}  // namespace

void add_picture_options(CLI::App& command, PictureOptions& options, const std::string& drawn) {
  add_model(command, options.model);
  command.add_option("PICTURE", options.pictures, "PNG or JPEG files")->type_name("FILE")->required();
  command
      .add_option("--draw", options.draw,
                  drawn + " on the picture: a PNG; or of several pictures a folder, for PNGs of their names")
      ->type_name("OUT.png|FOLDER/");
  command.add_flag("--json", options.json, "Print JSON, all digits and points, instead of a table");
  options.threshold_option = add_number(command, "--threshold", options.threshold, -1000.0F, 1000.0F,
                                        "The least score, in the place of the model's");
  options.threshold_option->default_str("");
  command
      .add_option("--describe", options.describe,
                  "A description of pictures and answers (docs/description.md), in the place of what the model carries")
      ->type_name("FILE.json");
  add_preprocessing(command, options.preprocessing);
  add_threads(command, options.threads);
  add_precision(command, options.precision);
}

PictureModel::PictureModel(const std::string& path, const std::string& describe, const PreprocessingOptions* given,
                           Type precision, int threads)
    : path_(path) {
  graph::Graph graph = load(path, describe);
  if (!graph.task) {
    throw Error({path,
                 ": it does not say what its answers mean; --describe FILE.json, here or with riffle convert, "
                 "says it (docs/description.md)"});
  }
  task_ = *graph.task;
  labels_ = std::move(graph.labels);
  graph.labels.clear();
  const PreprocessingOptions none;
  const graph::Preprocessing carried = graph::preprocessing_of(graph);
  const graph::Preprocessing chosen = given != nullptr ? choose(*given, carried) : carried;
  const std::string from = given != nullptr ? origin(*given, graph.preprocessing) : "from the model";
  plan_ = make_plan(std::move(graph), {.precision = precision});
  preprocess_.emplace(*plan_, chosen);
  words_ = "pictures: " + io::preprocessing_text(chosen, input_shape()) + " (" + from + ")";
  session_.emplace(plan_, threads);
  tensors_.place(*plan_);
  for (std::size_t i = 0; i < plan_->outputs.size(); ++i) {
    const plan::Tensor& output = plan_->outputs[i];
    if (output.type != Type::f32) {
      throw Error(
          {path, ": output '", output.name, "' is of ", riffle::name_of(output.type), "; answers are read from f32"});
    }
    outputs_.push_back({output.name, {output.dims.begin(), output.dims.end()}});
    numbers_.push_back(tensors_.output_floats(i).data());
  }
}

void PictureModel::refuse(std::string_view command) const {
  throw Error({path_, ": a model that ", word_of(task_), ", which is not for riffle ", command});
}

std::string PictureModel::name_of(std::int32_t label) const {
  const auto i = static_cast<std::size_t>(label);
  return i < labels_.size() ? labels_[i] : "class " + std::to_string(label);
}

std::span<const float* const> PictureModel::run() {
  session_->run(tensors_.inputs(), tensors_.outputs());
  return numbers_;
}

std::span<const float* const> PictureModel::run(const io::Picture& picture, decode::Placement& placement) {
  (*preprocess_)(fitting(picture), input());
  placement = preprocess_->placement(picture);
  return run();
}

io::Picture PictureModel::fitting(const io::Picture& picture) const {
  return preprocess_->channels() == 1 ? io::to_gray(picture) : picture;
}

DetectorModel::DetectorModel(PictureModel model, std::optional<float> threshold) : model_(std::move(model)) {
  auto task = model_.task<graph::Detect>("detect");
  task.threshold = threshold.value_or(task.threshold);
  detector_.emplace(task, model_.outputs(), model_.input_shape().h, model_.input_shape().w);
  boxes_.resize(detector_->capacity());
  points_.resize(2 * detector_->points() * detector_->capacity());
}

DetectorModel::Found DetectorModel::find(const io::Picture& picture) {
  decode::Placement placement;
  const auto outputs = model_.run(picture, placement);
  const std::size_t count = detector_->run(outputs, placement, picture.height, picture.width, boxes_, points_);
  return {std::span(boxes_).first(count), std::span(points_).first(2 * detector_->points() * count),
          detector_->points()};
}

Answers::Answers(const PictureOptions& options, std::vector<draw::Table::Column> columns)
    : options_(options),
      ranks_(ranks()),
      table_([&] {
        columns.insert(columns.begin(), {"picture"});
        return draw::Table(columns);
      }()),
      columns_(columns.size()) {
  trainer::expect_same(
      ranks_, std::array<trainer::Setting, 1>{{{"this many pictures:", std::to_string(options.pictures.size())}}});
  check_place("--draw", options.draw, options);
}

void Answers::for_each(const std::function<void(const io::Picture&, Json&)>& f) {
  trainer::for_share(std::ssize(options_.pictures), ranks_.rank(), ranks_.size(), [&](std::int64_t i) {
    current_ = options_.pictures[static_cast<std::size_t>(i)];
    Json row = {{"picture", current_}};
    std::optional<io::Picture> picture;
    try {
      picture = io::upright(io::read_picture(current_, 3));
    } catch (const Error& error) {
      row["error"] = error.what();
      errors_.emplace_back(error.what());
    }
    if (picture) {
      row["width"] = picture->width;
      row["height"] = picture->height;
      f(*picture, row);
    }
    rows_.push_back(row.dump(-1, ' ', false, Json::error_handler_t::replace));
  });
}

void Answers::add_line(std::vector<std::string> cells) {
  cells_.push_back(file_name(current_));
  cells_.insert(cells_.end(), cells.begin(), cells.end());
}

void Answers::finish(Json document, const std::string& words) {
  const std::vector<std::string> rows = trainer::gather(ranks_, rows_), cells = trainer::gather(ranks_, cells_),
                                 errors = trainer::gather(ranks_, errors_);
  if (ranks_.rank() > 0) return;
  for (const std::string& error : errors) std::cerr << "riffle: " << printable(error) << '\n';
  if (options_.json) {
    document["pictures"] = Json::array();
    for (const std::string& row : rows) document["pictures"].push_back(Json::parse(row));
    std::cout << document.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  } else if (errors.size() < options_.pictures.size()) {
    const auto width = static_cast<std::ptrdiff_t>(columns_);
    for (auto cell = cells.begin(); cell != cells.end(); cell += width) table_.add({cell, cell + width});
    table_.print(std::cout);
    std::cout << words << '\n';
  }
  if (!errors.empty()) throw Error({errors.size(), " of ", options_.pictures.size(), " pictures cannot be read"});
}

std::string Answers::drawing_of(const std::string& picture, const std::string& place) {
  if (place.empty() || !is_folder(place)) return place;
  return (std::filesystem::path(place) / std::filesystem::path(picture).stem()).string() + ".png";
}

void check_place(const std::string& option, const std::string& place, const PictureOptions& options) {
  if (place.empty()) return;
  if (!is_folder(place)) {
    if (options.pictures.size() > 1) {
      throw Error({option, ": ", place, " is one file for ", options.pictures.size(),
                   " pictures; a name that ends in / is a folder"});
    }
    if (std::filesystem::path(place).extension() != ".png") throw Error({option, ": ", place, " does not end in .png"});
  } else {
    std::error_code failed;
    std::filesystem::create_directories(place, failed);
    if (failed) throw Error({option, ": ", place, ": no such folder can be made: ", failed.message()});
  }
  std::set<std::string> files;
  for (const std::string& picture : options.pictures) {
    const std::string file = Answers::drawing_of(picture, place);
    if (!files.insert(file).second) throw Error({option, ": two pictures would become ", file});
    require_another_file({option, file}, {{"PICTURE", picture}, {"MODEL", options.model}});
  }
}

Json coordinate(double value) { return std::round(value * 1000) / 1000; }
Json share(double value) { return std::round(value * 100000) / 100000; }

}  // namespace riffle::tools
