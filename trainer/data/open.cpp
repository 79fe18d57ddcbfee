#include "trainer/data/open.hpp"

#include <filesystem>

#include "engine/graph/graph.hpp"
#include "io/labels.hpp"
#include "trainer/data/folder_dataset.hpp"
#include "trainer/data/idx_dataset.hpp"

namespace riffle::trainer {
namespace {

/// What one set is read from: two IDX files, or a folder of class folders.
using Source = std::vector<std::string>;

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// The file as it is or packed. Where there is neither, the first: to be named when it is opened.
std::string packed_or_not(const std::string& path) {
  return !exists(path) && exists(path + ".gz") ? path + ".gz" : path;
}

Source official_pair(const std::string& folder, const std::string& set) {
  return {packed_or_not(folder + "/" + set + "-images-idx3-ubyte"),
          packed_or_not(folder + "/" + set + "-labels-idx1-ubyte")};
}

struct Sources {
  Source train, validation;  ///< no validation: an empty one
};

/// Which of open_data()'s four it is.
Sources find_sources(const std::vector<std::string>& paths) {
  if (paths.size() == 2) return {paths, {}};
  if (paths.size() != 1) {
    throw Error("data: " + std::to_string(paths.size()) + " paths; it is a folder, or two IDX files, IMAGES LABELS");
  }
  const std::string& folder = paths.front();
  if (!exists(folder)) throw Error(folder + ": no such folder");
  if (!is_folder(folder)) throw Error(folder + ": is not a folder; of IDX files there are two, IMAGES LABELS");

  const Source train = official_pair(folder, "train"), test = official_pair(folder, "t10k");
  if (exists(train[0]) || exists(train[1])) return {train, exists(test[0]) || exists(test[1]) ? test : Source{}};
  if (!is_folder(folder + "/train")) return {paths, {}};
  for (const char* name : {"/val", "/test"}) {
    if (is_folder(folder + name)) return {{folder + "/train"}, {folder + name}};
  }
  return {{folder + "/train"}, {}};
}

/// `classes`: empty, or the names that the labels stand for.
std::shared_ptr<const Dataset> open_source(const Source& source, const OpenOptions& options,
                                           const std::vector<std::string>& classes, OpenedData& data) {
  if (source.size() == 2) return std::make_shared<IdxDataset>(source[0], source[1], classes);
  auto dataset = std::make_shared<FolderDataset>(
      source.front(), FolderOptions{options.channels, classes, options.skip_broken, options.threads});
  data.skipped.insert(data.skipped.end(), dataset->skipped().begin(), dataset->skipped().end());
  return dataset;
}

}  // namespace

OpenedData open_data(const std::vector<std::string>& paths, const OpenOptions& options) {
  Sources sources = find_sources(paths);
  if (!options.validation.empty()) {
    const Sources given = find_sources(options.validation);
    sources.validation = given.validation.empty() ? given.train : given.validation;
  }
  if (!options.names.empty() && sources.train.size() == 1) {
    throw Error(options.names + ": names for IDX labels; the classes of " + paths.front() + " are its folders'");
  }

  std::vector<std::string> names;
  if (!options.names.empty()) {
    names = io::read_names(options.names);
    if (names.empty()) throw Error(options.names + ": no names in it");
  }

  OpenedData data;
  data.named = sources.train.size() == 1 || !names.empty();
  data.train = open_source(sources.train, options, names, data);
  if (sources.validation.empty()) {
    static_cast<Datasets&>(data) = split(data.train, options.validation_share, options.seed);
    data.split_off = true;
    return data;
  }
  data.validation = open_source(sources.validation, options, data.train->classes(), data);
  if (data.validation->channels() != data.train->channels()) {
    throw Error(sources.validation.front() + ": pictures of " + std::to_string(data.validation->channels()) +
                " channels validate a network for " + std::to_string(data.train->channels()));
  }
  return data;
}

}  // namespace riffle::trainer
