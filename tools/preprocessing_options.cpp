#include "tools/preprocessing_options.hpp"

#include <map>

#include "tools/options.hpp"

namespace riffle::tools {

std::vector<const CLI::Option*> PreprocessingOptions::given() const {
  std::vector<const CLI::Option*> result;
  for (const CLI::Option* option : {resize, resize_size, antialias, mean, deviation}) {
    if (option->count() > 0) result.push_back(option);
  }
  return result;
}

void add_preprocessing(CLI::App& command, PreprocessingOptions& options) {
  static const std::map<std::string, graph::Fit> kinds = {
      {"stretch", graph::Fit::stretch}, {"crop", graph::Fit::crop}, {"letterbox", graph::Fit::letterbox}};
  graph::Preprocessing& values = options.values;
  options.resize =
      command
          .add_option_function<std::string>(
              "--resize", [&values](const std::string& kind) { values.resize = kinds.at(kind); },
              "Pictures are stretched to the network's input, or their shorter edge is resized and the middle taken, "
              "or "
              "all of them is resized at one scale and the rest padded. "
              "This and the options below: where they are not given, what the model carries, else the defaults")
          ->check(CLI::IsMember(kinds))
          ->type_name("stretch|crop|letterbox")
          ->default_str("stretch");
  options.resize_size = add_number(command, "--resize-size", values.resize_size, 1, graph::max_extent,
                                   "Of --resize crop: the shorter edge, in pixels; without it the input's size");
  options.resize_size->default_str("");
  options.antialias = command.add_flag("--antialias,!--no-antialias", values.antialias,
                                       "Resized to less, a pixel is the mean of all that it stands for (the default), "
                                       "or, not antialiased, of the nearest four");
  options.mean = add_numbers(command, "--mean", values.mean,
                             "Subtracted from pixels / 255; one value, or one a channel with commas between them");
  options.deviation = add_numbers(command, "--std", values.deviation,
                                  "Divides what is left then; one value, or one a channel with commas between them");
}

graph::Preprocessing choose(const PreprocessingOptions& options, const graph::Preprocessing& carried) {
  graph::Preprocessing result = carried;
  const graph::Preprocessing& given = options.values;
  if (options.resize->count() > 0) {
    if (given.resize != result.resize) result.resize_size = 0;
    result.resize = given.resize;
  }
  if (options.resize_size->count() > 0) {
    if (result.resize != graph::Fit::crop) throw Error("--resize-size: belongs to --resize crop");
    result.resize_size = given.resize_size;
  }
  if (options.antialias->count() > 0) result.antialias = given.antialias;
  if (options.mean->count() > 0) result.mean = given.mean;
  if (options.deviation->count() > 0) result.deviation = given.deviation;
  return result;
}

std::string origin(const PreprocessingOptions& options, const std::optional<graph::Preprocessing>& carried) {
  std::string but;
  for (const CLI::Option* option : options.given()) but += (but.empty() ? ", but for " : ", ") + option->get_name();
  return (carried ? "from the model" : "by default") + but;
}

}  // namespace riffle::tools
