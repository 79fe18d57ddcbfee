#include "tools/preprocessing_options.hpp"

#include <map>

namespace riffle::tools {

std::vector<const CLI::Option*> PreprocessingOptions::given() const {
  std::vector<const CLI::Option*> result;
  for (const CLI::Option* option : {resize, resize_size, antialias, mean, deviation}) {
    if (option->count() > 0) result.push_back(option);
  }
  return result;
}

void add_preprocessing(CLI::App& command, PreprocessingOptions& options) {
  static const std::map<std::string, graph::Resize> kinds = {{"stretch", graph::Resize::stretch},
                                                             {"crop", graph::Resize::crop}};
  graph::Preprocessing& values = options.values;
  options.resize =
      command
          .add_option_function<std::string>(
              "--resize", [&values](const std::string& kind) { values.resize = kinds.at(kind); },
              "Pictures are stretched to the network's input, or their shorter edge is resized and the middle taken. "
              "This and the options below: where they are not given, what the model carries, else the defaults")
          ->check(CLI::IsMember(kinds))
          ->type_name("stretch|crop")
          ->default_str("stretch");
  options.resize_size = command
                            .add_option("--resize-size", values.resize_size,
                                        "Of --resize crop: the shorter edge, in pixels; without it the input's size")
                            ->check(CLI::Range(1, static_cast<int>(graph::max_extent)));
  options.antialias = command.add_flag("--antialias,!--no-antialias", values.antialias,
                                       "Resized to less, a pixel is the mean of all that it stands for (the default), "
                                       "or, not antialiased, of the nearest four");
  const auto add = [&](const char* name, std::vector<float>& list, const char* words, const char* otherwise) {
    return command.add_option(name, list, words)->delimiter(',')->expected(1, 4)->default_str(otherwise);
  };
  options.mean = add("--mean", values.mean, "Subtracted from pixels / 255; one value, or one a channel", "0");
  options.deviation = add("--std", values.deviation, "Divides after that; one value, or one a channel", "1");
}

graph::Preprocessing choose(const PreprocessingOptions& options, const std::optional<graph::Preprocessing>& carried) {
  graph::Preprocessing result = carried.value_or(graph::Preprocessing{});
  const graph::Preprocessing& given = options.values;
  if (options.resize->count() > 0) {
    if (given.resize != result.resize) result.resize_size = 0;
    result.resize = given.resize;
  }
  if (options.resize_size->count() > 0) {
    if (result.resize != graph::Resize::crop) throw Error("--resize-size: belongs to --resize crop");
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
