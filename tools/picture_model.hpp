// What the commands share that say more of a picture than its class: detect, landmarks, segment.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "draw/table.hpp"
#include "engine/decode/detector.hpp"
#include "engine/decode/parts.hpp"
#include "engine/decode/placement.hpp"
#include "engine/run/session.hpp"
#include "io/picture.hpp"
#include "io/preprocess.hpp"
#include "measure/tensors.hpp"
#include "tools/preprocessing_options.hpp"
#include "tools/ranks.hpp"

namespace riffle::tools {

using Json = nlohmann::ordered_json;

/// Which pictures a command reads, and how it answers.
struct PictureOptions {
  std::string model;
  std::vector<std::string> pictures;
  std::string describe;  ///< a file with a description; empty: what the model carries
  std::string draw;      ///< a PNG, or a folder; empty: nothing is drawn
  bool json = false;
  float threshold = 0;  ///< where has_threshold
  CLI::Option* threshold_option = nullptr;
  PreprocessingOptions preprocessing;
  Type precision = Type::f32;
  int threads = 1;

  [[nodiscard]] bool has_threshold() const { return threshold_option->count() > 0; }
};

/// MODEL PICTURE... --draw --json --threshold --describe --threads --precision, and those of the preprocessing. The
/// options outlive the command.
void add_picture_options(CLI::App& command, PictureOptions& options, const std::string& drawn);

/// A model that has a task, made ready to run.
class PictureModel {
 public:
  /// `given`: what the command line says of the preprocessing, for the model of the command itself.
  PictureModel(const std::string& path, const std::string& describe, const PreprocessingOptions* given, Type precision,
               int threads);

  /// Throws Error, which says what the model does, where it is another one.
  template <class Task>
  [[nodiscard]] Task task(std::string_view command) const {
    if (const Task* task = std::get_if<Task>(&task_)) return *task;
    refuse(command);
  }
  [[nodiscard]] std::span<const decode::OutputShape> outputs() const { return outputs_; }
  [[nodiscard]] const graph::Shape& input_shape() const { return plan_->inputs[0].shape; }
  [[nodiscard]] const std::vector<std::string>& labels() const { return labels_; }
  /// The class's name, or its number in words.
  [[nodiscard]] std::string name_of(std::int32_t label) const;
  /// How pictures are preprocessed, and where that comes from.
  [[nodiscard]] const std::string& preprocessing() const { return words_; }

  [[nodiscard]] io::Preprocess& preprocess() { return *preprocess_; }
  [[nodiscard]] std::span<std::byte> input() const { return tensors_.input(0); }
  /// The outputs' numbers, for a decoder; valid until the next run.
  std::span<const float* const> run();
  /// A picture of 3 channels as the model takes it: perhaps grey.
  [[nodiscard]] io::Picture fitting(const io::Picture& picture) const;
  /// The same of a whole picture of 3 channels; `placement` becomes where the input lies in it.
  std::span<const float* const> run(const io::Picture& picture, decode::Placement& placement);

 private:
  [[noreturn]] void refuse(std::string_view command) const;

  std::string path_;
  graph::Task task_;
  std::vector<std::string> labels_;
  std::string words_;
  std::shared_ptr<const plan::Plan> plan_;
  std::optional<io::Preprocess> preprocess_;
  std::optional<run::Session> session_;
  measure::Tensors tensors_;
  std::vector<decode::OutputShape> outputs_;
  std::vector<const float*> numbers_;
};

/// A detector and what it has found in the last picture.
class DetectorModel {
 public:
  DetectorModel(PictureModel model, std::optional<float> threshold);

  struct Found {
    std::span<const decode::Detection> boxes;
    std::span<const float> points;  ///< x and y of each of a box's points, box after box
    std::size_t points_each = 0;
    [[nodiscard]] std::span<const float> points_of(std::size_t box) const {
      return points.subspan(2 * points_each * box, 2 * points_each);
    }
  };
  /// Best first; valid until the next call.
  Found find(const io::Picture& picture);
  [[nodiscard]] const PictureModel& model() const { return model_; }

 private:
  PictureModel model_;
  std::optional<decode::Detector> detector_;
  std::vector<decode::Detection> boxes_;
  std::vector<float> points_;
};

/// Answers of several pictures, printed as a table or as JSON. Ranks (tools/ranks.hpp) share the pictures, and rank 0
/// prints them all in their order.
class Answers {
 public:
  /// Throws Error where drawings cannot go where they should: checked before the first picture is read.
  Answers(const PictureOptions& options, std::vector<draw::Table::Column> columns);

  /// Calls f(picture, upright and in colour; its row in JSON, which has its name and size) for each of the rank's that
  /// can be read.
  void for_each(const std::function<void(const io::Picture&, Json&)>& f);
  /// A line of the table: the picture's name is put before it.
  void add_line(std::vector<std::string> cells);
  /// Where the current picture's drawing goes; empty: nowhere.
  [[nodiscard]] std::string drawing() const { return drawing_of(current_, options_.draw); }
  /// Prints all, and which pictures could not be read; throws Error if there are such. `document` is JSON's beginning,
  /// `words` the last line.
  void finish(Json document, const std::string& words);

  /// The same of another option's value.
  [[nodiscard]] std::string file_in(const std::string& place) const { return drawing_of(current_, place); }

  /// The file of a picture's drawing, where `place` is a PNG, or a folder.
  static std::string drawing_of(const std::string& picture, const std::string& place);

 private:
  const PictureOptions& options_;
  trainer::Ranks& ranks_;
  draw::Table table_;
  std::size_t columns_;
  // Of the rank's pictures: JSON, the table's cells, and why some cannot be read.
  std::vector<std::string> rows_, cells_, errors_;
  std::string current_;
};

/// Throws Error where `place`, an option's value, is not a PNG for one picture, or a folder, which is made; or where
/// two pictures would go into one file, or a drawing over a file that is read.
void check_place(const std::string& option, const std::string& place, const PictureOptions& options);

// Numbers of JSON, with as many digits as mean something.
Json coordinate(double value);
Json share(double value);

}  // namespace riffle::tools
