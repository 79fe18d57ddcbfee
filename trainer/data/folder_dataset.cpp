#include "trainer/data/folder_dataset.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>

#include "base/files.hpp"
#include "draw/progress.hpp"
#include "engine/graph/graph.hpp"
#include "trainer/data/checksum.hpp"
#include "trainer/data/natural_order.hpp"
#include "trainer/team.hpp"

namespace riffle::trainer {
namespace {

namespace fs = std::filesystem;

/// The names in a folder that `wanted` wants, in natural order; none that begins with a dot.
template <class Wanted>
std::vector<std::string> sorted_names(const std::string& folder, Wanted&& wanted) {
  std::vector<std::string> names;
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      std::string name = entry.path().filename().string();
      if (!name.starts_with('.') && wanted(entry)) names.push_back(std::move(name));
    }
  } catch (const fs::filesystem_error& error) {
    throw Error(folder + ": cannot be read: " + error.code().message());
  }
  std::sort(names.begin(), names.end(), natural_less);
  return names;
}

/// By its ending. What is a folder in spite of it is an error when it is read.
bool looks_like_picture(const fs::directory_entry& entry) {
  std::string ending = entry.path().extension().string();
  for (char& c : ending) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

}  // namespace

FolderDataset::FolderDataset(const std::string& folder, const FolderOptions& options)
    : folder_(folder), classes_(options.classes), channels_(options.channels) {
  if (channels_ != 1 && channels_ != 3) {
    throw Error(folder + ": pictures have 1 or 3 channels, not " + std::to_string(channels_));
  }
  const std::vector<std::string> present =
      sorted_names(folder, [](const fs::directory_entry& entry) { return entry.is_directory(); });
  if (present.empty()) throw Error(folder + ": no class folders in it");
  if (classes_.empty()) classes_ = present;
  for (const std::string& name : present) {
    const auto found = std::find(classes_.begin(), classes_.end(), name);
    if (found == classes_.end()) throw Error(folder + "/" + name + ": is not one of the classes");
    list_class(static_cast<std::int32_t>(found - classes_.begin()));
  }
  std::stable_sort(pictures_.begin(), pictures_.end(),
                   [](const Entry& a, const Entry& b) { return a.label < b.label; });
  if (options.skip_broken) leave_out_broken(options.threads);
}

std::string FolderDataset::class_path(std::int32_t label) const {
  return folder_ + "/" + classes_[static_cast<std::size_t>(label)];
}

std::string FolderDataset::path(const Entry& entry) const { return class_path(entry.label) + "/" + entry.name; }

void FolderDataset::list_class(std::int32_t label) {
  std::vector<std::string> names = sorted_names(class_path(label), looks_like_picture);
  if (names.empty()) throw Error(class_path(label) + ": no PNG or JPEG files in it");
  for (std::string& name : names) pictures_.push_back({label, std::move(name)});
}

void FolderDataset::read(std::int64_t index, io::Picture& picture) const {
  picture = io::read_picture(path(pictures_[static_cast<std::size_t>(index)]), channels_);
}

std::uint32_t FolderDataset::checksum() const {
  Checksum sum;
  std::int64_t all = 0;
  for (const Entry& entry : pictures_) {
    std::error_code error;
    const auto size = static_cast<std::int64_t>(fs::file_size(path(entry), error));
    if (error) throw Error(path(entry) + ": cannot be read: " + error.message());
    sum.add(classes_[static_cast<std::size_t>(entry.label)]);
    sum.add(entry.name);
    sum.add(size);
    all += size;
  }
  if (all > most_read) return sum.value();
  for (const Entry& entry : pictures_) sum.add(read_file(path(entry), most_read));
  return sum.value();
}

void FolderDataset::leave_out_broken(int threads) {
  std::vector<std::string> faults(pictures_.size());
  draw::Progress progress("checking pictures", size());
  std::atomic<std::int64_t> next = 0, done = 0;
  on_team(threads, [&](int worker, int) {
    io::Picture picture;
    for (std::int64_t i = next++; i < size(); i = next++) {
      try {
        read(i, picture);
      } catch (const Exhausted&) {
        throw;
      } catch (const Error& error) {
        faults[static_cast<std::size_t>(i)] = error.what();
      }
      ++done;
      if (worker == 0) progress.update(done);
    }
  });

  struct Tally {
    bool sound = false;  // is there a picture that is?
    std::string fault;   // the first one
  };
  std::vector<Tally> tallies(classes_.size());
  std::vector<Entry> sound;
  for (std::size_t i = 0; i < pictures_.size(); ++i) {
    Tally& tally = tallies[static_cast<std::size_t>(pictures_[i].label)];
    if (faults[i].empty()) {
      tally.sound = true;
      sound.push_back(std::move(pictures_[i]));
    } else {
      if (tally.fault.empty()) tally.fault = faults[i];
      skipped_.push_back(std::move(faults[i]));
    }
  }
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    if (tallies[c].sound || tallies[c].fault.empty()) continue;
    throw Error(class_path(static_cast<std::int32_t>(c)) +
                ": no picture can be decoded; the first: " + tallies[c].fault);
  }
  pictures_ = std::move(sound);
}

}  // namespace riffle::trainer
