#include "io/onnx/external_data.hpp"

#include <onnx.pb.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "engine/graph/graph.hpp"

namespace riffle::onnx {
namespace {

using ::onnx::TensorProto;

/// Of all files together: a model larger than this cannot be written in any form.
constexpr std::int64_t max_external_bytes = std::numeric_limits<std::int32_t>::max();

const char* const advice =
    "; weights are read from files in the model's own folder alone: save the model with its weights inside, in Python "
    "by onnx.save(onnx.load('model.onnx'), 'whole.onnx')";

bool is_external(const TensorProto& tensor) {
  return tensor.data_location() == TensorProto::EXTERNAL || tensor.external_data_size() > 0;
}

std::vector<TensorProto*> external_tensors(::onnx::GraphProto& graph) {
  std::vector<TensorProto*> result;
  const auto add = [&](TensorProto& tensor) {
    if (is_external(tensor)) result.push_back(&tensor);
  };
  for (auto& tensor : *graph.mutable_initializer()) add(tensor);
  for (auto& node : *graph.mutable_node()) {
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_t()) add(*attribute.mutable_t());
    }
  }
  return result;
}

std::string entry(const TensorProto& tensor, const char* key) {
  for (const auto& one : tensor.external_data()) {
    if (one.key() == key) return one.value();
  }
  return "";
}

/// A number of bytes; `otherwise` where there is none.
std::int64_t bytes(const TensorProto& tensor, const char* key, std::int64_t otherwise) {
  const std::string text = entry(tensor, key);
  if (text.empty()) return otherwise;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    throw Error("constant '" + tensor.name() + "': " + key + " is '" + text + "', not a number of bytes");
  }
  return value;
}

/// Where the file is, or nothing if that is not inside the folder.
std::optional<std::filesystem::path> inside(const std::filesystem::path& folder, const std::string& location) {
  const std::filesystem::path relative(location);
  if (location.empty() || relative.is_absolute()) return std::nullopt;
  if (std::ranges::find(relative, std::filesystem::path("..")) != relative.end()) return std::nullopt;
  std::error_code code;
  const std::filesystem::path root = std::filesystem::canonical(folder.empty() ? "." : folder, code);
  if (code) return std::nullopt;
  const std::filesystem::path file = std::filesystem::weakly_canonical(root / relative, code);
  if (code || std::ranges::mismatch(root, file).in1 != root.end()) return std::nullopt;
  return file;
}

std::string quoted(const std::vector<std::string>& names) {
  constexpr std::size_t most = 8;
  std::string result;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) {
    result.append(i == 0 ? "'" : ", '").append(names[i]).append("'");
  }
  if (names.size() > most) result.append(" and ").append(std::to_string(names.size() - most)).append(" more");
  return result;
}

/// The data of all tensors that are in one file, which together hold no more than it.
void read(const std::vector<TensorProto*>& tensors, const InputFile& file, const std::string& location,
          std::int64_t& left) {
  std::int64_t unread = file.bytes();
  for (TensorProto* tensor : tensors) {
    const std::string where = "constant '" + tensor->name() + "': ";
    const std::int64_t offset = bytes(*tensor, "offset", 0);
    const std::int64_t length = bytes(*tensor, "length", std::max<std::int64_t>(file.bytes() - offset, 0));
    if (offset > file.bytes() || length > file.bytes() - offset) {
      throw Error(where + std::to_string(length) + " bytes from " + std::to_string(offset) + " on are more than '" +
                  location + "' has, which is " + std::to_string(file.bytes()));
    }
    unread -= length;
    left -= length;
    if (unread < 0) throw Error(where + "the weights in '" + location + "' are more than the file is large");
    if (left < 0) throw Error("its weights in other files are more than 2 GiB");
    std::string& data = *tensor->mutable_raw_data();
    data.resize(static_cast<std::size_t>(length));
    if (file.read(offset, std::as_writable_bytes(std::span(data))) != data.size()) {
      throw Error(where + "'" + location + "' has become shorter while it was read");
    }
    tensor->clear_external_data();
    tensor->clear_data_location();
  }
}

}  // namespace

void read_external_data(::onnx::ModelProto& model, const std::optional<std::filesystem::path>& folder) {
  if (!model.has_graph()) return;
  std::map<std::string, std::vector<TensorProto*>> by_location;
  for (TensorProto* tensor : external_tensors(*model.mutable_graph())) {
    by_location[entry(*tensor, "location")].push_back(tensor);
  }
  std::map<std::string, std::filesystem::path> files;
  std::vector<std::string> outside, missing;
  for (const auto& [location, tensors] : by_location) {
    const auto file = folder ? inside(*folder, location) : std::nullopt;
    std::error_code code;
    if (!file) {
      outside.push_back(location);
    } else if (!std::filesystem::exists(*file, code)) {
      missing.push_back(location);
    } else {
      files[location] = *file;
    }
  }
  if (!folder && !outside.empty()) throw Error("its weights lie in other files, " + quoted(outside) + advice);
  if (!outside.empty()) {
    throw Error("its weights lie in files outside of the model's folder, " + quoted(outside) + advice);
  }
  if (!missing.empty()) {
    throw Error("its weights lie in files that are not there, " + quoted(missing) +
                ": they belong into the model's folder, under these names");
  }
  std::int64_t left = max_external_bytes;
  for (const auto& [location, tensors] : by_location) {
    read(tensors, InputFile(files[location].string()), location, left);
  }
}

}  // namespace riffle::onnx
