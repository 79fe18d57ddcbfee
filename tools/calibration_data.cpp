#include "tools/calibration_data.hpp"

#include <algorithm>
#include <filesystem>

#include "base/files.hpp"
#include "base/text.hpp"
#include "io/idx.hpp"
#include "io/npy.hpp"
#include "io/picture.hpp"
#include "io/preprocess.hpp"
#include "kernels/kernels.hpp"

namespace riffle::tools {
namespace {

class Folder : public CalibrationData {
 public:
  Folder(const std::string& path, const io::Preprocess& preprocess) : preprocess_(preprocess) {
    std::error_code failed;
    for (std::filesystem::recursive_directory_iterator i(path, failed), end; !failed && i != end; i.increment(failed)) {
      std::string ending = i->path().extension().string();
      std::ranges::transform(ending, ending.begin(),
                             [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      if (ending == ".png" || ending == ".jpg" || ending == ".jpeg") paths_.push_back(i->path().string());
    }
    if (failed) throw Error(path + ": " + failed.message());
    if (paths_.empty()) throw Error(path + ": holds no PNG or JPEG pictures; some hundred are needed");
    std::ranges::sort(paths_);
  }

  [[nodiscard]] std::int64_t count() const override { return std::ssize(paths_); }
  [[nodiscard]] std::string name(std::int64_t i) const override { return paths_[static_cast<std::size_t>(i)]; }
  void read(std::int64_t i, std::span<std::byte> input) override {
    preprocess_(io::read_picture(name(i), preprocess_.channels()), input);
  }

 private:
  io::Preprocess preprocess_;
  std::vector<std::string> paths_;
};

class IdxFile : public CalibrationData {
 public:
  IdxFile(const std::string& path, const io::Preprocess& preprocess)
      : path_(path), preprocess_(preprocess), images_(io::read_idx(path, 3)) {}

  [[nodiscard]] std::int64_t count() const override { return images_.shape[0]; }
  [[nodiscard]] std::string name(std::int64_t i) const override { return path_ + ", picture " + std::to_string(i); }
  void read(std::int64_t i, std::span<std::byte> input) override {
    const std::int32_t height = images_.shape[1], width = images_.shape[2];
    const auto first = images_.values.begin() + i * height * width;
    preprocess_({width, height, 1, {first, first + std::int64_t{height} * width}}, input);
  }

 private:
  std::string path_;
  io::Preprocess preprocess_;
  io::ByteTensor images_;
};

class NpyFile : public CalibrationData {
 public:
  NpyFile(const std::string& path, const graph::Input& input, Type type) : path_(path), tensor_(io::read_npy(path)) {
    // The batch is the first axis, or in it.
    const graph::Arrangement arrangement = graph::arrangement_of(input.arrangement);
    std::vector<std::int64_t> one = graph::resolve(arrangement, input.shape).extents;
    // Of one pixel that is declared as none, its rows and columns may be left out.
    const bool is_vector = input.arrangement == graph::Arrangement{} && input.shape.pixels() == 1;
    if (is_vector && tensor_.shape.size() != 4) one = {input.shape.c};
    if (!arrangement.joins_batch || one.empty()) one.insert(one.begin(), 1);
    std::vector<std::int64_t> shape = tensor_.shape;
    if (!shape.empty() && shape[0] > 0 && shape[0] % one[0] == 0) {
      count_ = shape[0] / one[0];
      shape[0] = one[0];
    }
    if (shape != one) {
      const std::string taken = io::shape_text(one);
      throw Error(path + ": shape " + io::shape_text(tensor_.shape) + "; calibration takes " +
                  (arrangement.joins_batch ? "a multiple of " + taken : "(N" + taken.substr(2)) +
                  ", as the model does");
    }
    if (tensor_.type != type) {
      throw Error(path + ": holds " + io::type_text(tensor_.type) + "; it takes " + std::string(name_of(type)));
    }
  }

  [[nodiscard]] std::int64_t count() const override { return count_; }
  [[nodiscard]] std::string name(std::int64_t i) const override { return path_ + ", input " + std::to_string(i); }
  void read(std::int64_t i, std::span<std::byte> input) override {
    std::ranges::copy(std::span(tensor_.bytes).subspan(static_cast<std::size_t>(i) * input.size(), input.size()),
                      input.begin());
  }
  [[nodiscard]] bool has_pictures() const override { return false; }

 private:
  std::string path_;
  io::Tensor tensor_;
  std::int64_t count_ = 0;
};

/// "train-images-idx3-ubyte.gz" to "train-labels-idx1-ubyte.gz", with or without .gz, if there is such a file.
std::string labels_beside(const std::string& path) {
  const std::filesystem::path images(path);
  std::string name = images.filename().string();
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"images", "labels"}, {"idx3", "idx1"}}) {
    const std::size_t at = name.find(from);
    if (at != std::string::npos) name.replace(at, from.size(), to);
  }
  if (name == images.filename().string()) return "";
  const bool packed = name.ends_with(".gz");
  for (const std::string& other : {name, packed ? name.substr(0, name.size() - 3) : name + ".gz"}) {
    const std::filesystem::path candidate = images.parent_path() / other;
    if (std::filesystem::is_regular_file(candidate)) return candidate.string();
  }
  return "";
}

bool begins_with(const std::vector<std::byte>& bytes, std::string_view magic) {
  return std::ranges::equal(std::span(bytes).first(std::min(bytes.size(), magic.size())), magic,
                            [](std::byte a, char b) { return a == static_cast<std::byte>(b); });
}

}  // namespace

std::unique_ptr<CalibrationData> open_calibration_data(const std::string& path, const std::string& labels,
                                                       const graph::Input& input,
                                                       const graph::Preprocessing& preprocessing) {
  std::unique_ptr<CalibrationData> data;
  std::string labels_path = labels;
  const Type type = input.type == Type::u8 ? Type::u8 : Type::f32;
  const auto preprocess = [&] {
    return io::Preprocess(input.shape, preprocessing, kernels::choose_kernels(), type, input.arrangement);
  };
  if (std::filesystem::is_directory(path)) {
    if (!labels.empty()) throw Error("--labels: belongs to an IDX or .npy file; " + path + " is a folder");
    data = std::make_unique<Folder>(path, preprocess());
  } else if (const std::vector<std::byte> bytes = read_beginning(path, 6); begins_with(bytes, "\x93NUMPY")) {
    data = std::make_unique<NpyFile>(path, input, type);
  } else {
    data = std::make_unique<IdxFile>(path, preprocess());
    if (labels.empty()) labels_path = labels_beside(path);
  }
  if (labels_path.empty()) return data;
  data->labels = io::read_idx(labels_path, 1).values;
  if (std::ssize(data->labels) != data->count()) {
    throw Error(labels_path + ": " + std::to_string(data->labels.size()) + " labels for " +
                std::to_string(data->count()) + " pictures");
  }
  return data;
}

}  // namespace riffle::tools
