#include "io/onnx/metadata.hpp"

#include <onnx.pb.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "io/description.hpp"

namespace riffle::onnx {
namespace {

using nlohmann::json;

constexpr const char* labels_key = "riffle.labels";
constexpr const char* preprocessing_key = "riffle.preprocessing";

/// A document in memory is several times its text.
constexpr std::size_t max_text_bytes = std::size_t{1} << 24;

constexpr const char* description_key = "riffle.description";

constexpr std::string_view resize_names[] = {"stretch", "crop"};  ///< by graph::Fit, of what the property can say

Error too_long() { return Error("it is longer than " + std::to_string(max_text_bytes) + " bytes"); }

void set(::onnx::ModelProto& model, const char* key, std::string text) {
  if (text.size() > max_text_bytes) throw Error("the metadata " + std::string(key) + ": " + too_long().what());
  ::onnx::StringStringEntryProto& entry = *model.add_metadata_props();
  entry.set_key(key);
  entry.set_value(std::move(text));
}

void set(::onnx::ModelProto& model, const char* key, const json& value) {
  set(model, key, value.dump(-1, ' ', false, json::error_handler_t::replace));
}

/// Can riffle.preprocessing say it?
bool is_old(const graph::Preprocessing& p) { return p.resize != graph::Fit::letterbox && !p.bgr && !p.rounded; }

/// The doubles that have the floats' shortest digits: 0.485, not 0.48500001430511475.
std::vector<double> readable(const std::vector<float>& floats) {
  std::vector<double> result;
  for (const float value : floats) {
    std::array<char, 64> digits = {};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    result.emplace_back();
    std::from_chars(digits.data(), end, result.back());
  }
  return result;
}

const std::string* find(const ::onnx::ModelProto& model, const char* key) {
  const std::string* text = nullptr;
  for (const ::onnx::StringStringEntryProto& entry : model.metadata_props()) {
    if (entry.key() != key) continue;
    if (text != nullptr) throw Error("it is there twice");
    text = &entry.value();
  }
  if (text != nullptr && text->size() > max_text_bytes) throw too_long();
  return text;
}

json parsed(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  if (value.is_discarded()) throw Error("it is not JSON");
  return value;
}

std::vector<std::string> to_labels(const json& value) {
  std::vector<std::string> labels;
  if (!value.is_array()) throw Error("it is not an array of strings");
  for (const json& label : value) {
    if (!label.is_string()) throw Error("it is not an array of strings");
    labels.push_back(label.get<std::string>());
  }
  return labels;
}

std::vector<float> to_floats(const json& value, const std::string& what) {
  std::vector<float> floats;
  if (!value.is_array()) throw Error(what + ": it is not an array of numbers");
  for (const json& one : value) {
    if (!one.is_number()) throw Error(what + ": it is not an array of numbers");
    floats.push_back(static_cast<float>(one.get<double>()));
  }
  return floats;
}

graph::Preprocessing to_preprocessing(const json& value) {
  if (!value.is_object()) throw Error("it is not an object");
  graph::Preprocessing result;
  for (const auto& [key, field] : value.items()) {
    if (key == "resize") {
      const auto* const name = std::ranges::find(resize_names, field.is_string() ? field.get<std::string>() : "");
      if (name == std::end(resize_names)) throw Error("resize: it is neither \"stretch\" nor \"crop\"");
      result.resize = static_cast<graph::Fit>(name - std::begin(resize_names));
    } else if (key == "resize_size") {
      if (!field.is_number_unsigned() || field.get<std::uint64_t>() > graph::max_extent) {
        throw Error("resize_size: it is not a number from 0 to " + std::to_string(graph::max_extent));
      }
      result.resize_size = field.get<std::int32_t>();
    } else if (key == "antialias") {
      if (!field.is_boolean()) throw Error("antialias: it is neither true nor false");
      result.antialias = field.get<bool>();
    } else if (key == "mean") {
      result.mean = to_floats(field, key);
    } else if (key == "std") {
      result.deviation = to_floats(field, key);
    } else {
      throw Error("it has a field that is not known, '" + key + "'");
    }
  }
  return result;
}

/// Calls f(text) for the property if there is one. An Error that it throws names the property.
template <class F>
void read(const ::onnx::ModelProto& model, const char* key, F f) {
  try {
    if (const std::string* text = find(model, key)) f(*text);
  } catch (const Error& error) {
    throw Error("the metadata " + std::string(key) + ": " + error.what());
  }
}

}  // namespace

void write_metadata(const graph::Graph& graph, ::onnx::ModelProto& model) {
  if (!graph.labels.empty()) set(model, labels_key, graph.labels);
  const bool has_own = graph.preprocessing && is_old(*graph.preprocessing);
  if (has_own) {
    const graph::Preprocessing& p = *graph.preprocessing;
    json value = {{"resize", resize_names[static_cast<std::size_t>(p.resize)]},
                  {"antialias", p.antialias},
                  {"mean", readable(p.mean)},
                  {"std", readable(p.deviation)}};
    if (p.resize_size != 0) value["resize_size"] = p.resize_size;
    set(model, preprocessing_key, value);
  }
  io::Description rest = {.task = graph.task};
  if (!has_own) rest.preprocessing = graph.preprocessing;
  if (rest.task || rest.preprocessing) set(model, description_key, io::description_json(rest));
}

void read_metadata(const ::onnx::ModelProto& model, graph::Graph& graph) {
  // The task first: it says what labels are of.
  read(model, description_key, [&](const std::string& text) { io::describe(graph, text); });
  read(model, labels_key, [&](const std::string& text) {
    graph.labels = to_labels(parsed(text));
    graph::check_metadata(graph);
  });
  read(model, preprocessing_key, [&](const std::string& text) {
    graph.preprocessing = to_preprocessing(parsed(text));
    graph::check_metadata(graph);
  });
}

}  // namespace riffle::onnx
