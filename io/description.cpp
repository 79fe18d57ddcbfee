#include "io/description.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "io/description_presets.hpp"

namespace riffle::io {
namespace {

using json = nlohmann::ordered_json;

/// A document in memory is several times its text.
constexpr std::size_t max_text_bytes = std::size_t{1} << 24;

// By the enums of engine/graph/.
constexpr std::string_view resizes[] = {"stretch", "crop", "letterbox"};
constexpr std::string_view aligns[] = {"centre", "top_left"};
constexpr std::string_view channel_orders[] = {"RGB", "BGR"};
constexpr std::string_view tasks[] = {"classify", "detect", "landmarks", "segment"};
constexpr std::string_view transforms[] = {"none", "sigmoid", "tanh", "exponential", "softmax"};
constexpr std::string_view units[] = {"pixel", "cell", "input", "anchor"};
constexpr std::string_view components[] = {"by_shape", "last", "planes"};
constexpr std::string_view forms[] = {"centre", "distances", "corners"};
enum class Outside : std::uint8_t { edge, cut };
constexpr std::string_view outsides[] = {"edge", "cut"};
constexpr std::string_view suppressions[] = {"hard", "weighted", "linear", "gaussian"};

std::string listed(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "\"" : ", \"") + std::string(word) + '"';
  return text;
}

/// A value of the document, and where it stands.
class Value {
 public:
  Value(const json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error((path_.empty() ? "the description" : path_) + ": " + what);
  }
  [[nodiscard]] bool is_text() const { return value_->is_string(); }
  [[nodiscard]] bool is_list() const { return value_->is_array(); }

  [[nodiscard]] float number(float least = std::numeric_limits<float>::lowest(),
                             float most = std::numeric_limits<float>::max()) const {
    if (!value_->is_number()) fail("it is no number");
    const auto number = value_->get<double>();
    if (!(number >= static_cast<double>(least) && number <= static_cast<double>(most))) {
      fail("it is not in " + shortest(least) + " to " + shortest(most));
    }
    return static_cast<float>(number);
  }
  [[nodiscard]] std::int32_t integer(std::int64_t least, std::int64_t most) const {
    const bool fits = value_->is_number_integer() &&
                      (!value_->is_number_unsigned() || value_->get<std::uint64_t>() <= std::uint64_t{1} << 62) &&
                      value_->get<std::int64_t>() >= least && value_->get<std::int64_t>() <= most;
    if (!fits) fail("it is no whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return value_->get<std::int32_t>();
  }
  [[nodiscard]] bool boolean() const {
    if (!value_->is_boolean()) fail("it is neither true nor false");
    return value_->get<bool>();
  }
  [[nodiscard]] std::string text() const {
    if (!value_->is_string()) fail("it is no string");
    return value_->get<std::string>();
  }
  /// One of the words, as the enum whose names they are.
  template <class Enum>
  [[nodiscard]] Enum choice(std::span<const std::string_view> words) const {
    const auto found = std::ranges::find(words, value_->is_string() ? text() : std::string());
    if (found == words.end()) fail("it is none of " + listed(words));
    return static_cast<Enum>(found - words.begin());
  }
  [[nodiscard]] std::vector<Value> list() const {
    if (!is_list()) fail("it is no list");
    std::vector<Value> values;
    for (std::size_t i = 0; i < value_->size(); ++i) {
      values.emplace_back((*value_)[i], path_ + "[" + std::to_string(i) + "]");
    }
    return values;
  }
  /// A list, or one value as the only one.
  [[nodiscard]] std::vector<Value> one_or_more() const { return is_list() ? list() : std::vector<Value>{*this}; }
  [[nodiscard]] std::vector<float> numbers() const {
    std::vector<float> result;
    for (const Value& value : one_or_more()) result.push_back(value.number());
    return result;
  }

 private:
  friend class Object;
  const json* value_;
  std::string path_;
};

/// An object that has these fields, or some of them. Throws Error for others.
class Object {
 public:
  Object(const Value& value, std::span<const std::string_view> known) : value_(value) {
    if (!value.value_->is_object()) value.fail("it is no object");
    for (const auto& [key, field] : value.value_->items()) {
      if (std::ranges::find(known, key) == known.end()) {
        value_.fail("there is no field '" + printable(key) + "'; there are " + listed(known));
      }
    }
  }
  Object(const Value& value, std::initializer_list<std::string_view> known)
      : Object(value, std::span(known.begin(), known.size())) {}

  [[nodiscard]] bool has(const char* key) const { return value_.value_->contains(key); }
  [[nodiscard]] Value at(const char* key) const {
    return {value_.value_->at(key), value_.path_ + (value_.path_.empty() ? "" : ".") + key};
  }
  /// Calls f(field) if there is one of this name.
  template <class F>
  void with(const char* key, F&& f) const {
    if (has(key)) f(at(key));
  }

 private:
  Value value_;
};

// ---- From JSON ----

constexpr std::int64_t largest = graph::max_extent;

graph::Mapping mapping_of(const Value& value, graph::Mapping mapping) {
  if (value.is_text()) {
    mapping.transform = value.choice<graph::Transform>(transforms);
    return mapping;
  }
  const Object object(value, {"transform", "before", "times", "plus", "power", "unit"});
  object.with("transform", [&](const Value& v) { mapping.transform = v.choice<graph::Transform>(transforms); });
  object.with("before", [&](const Value& v) { mapping.before = v.number(); });
  object.with("times", [&](const Value& v) { mapping.times = v.number(); });
  object.with("plus", [&](const Value& v) { mapping.plus = v.number(); });
  object.with("power", [&](const Value& v) { mapping.power = v.number(); });
  object.with("unit", [&](const Value& v) { mapping.unit = v.choice<graph::Unit>(units); });
  return mapping;
}

class Parser {
 public:
  explicit Parser(std::span<const std::string> outputs) : outputs_(outputs) {}

  Description parse(const Value& document) {
    Object common(document, all_fields);
    Description result;
    const Preset* preset = nullptr;
    common.with("preset", [&](const Value& value) {
      std::vector<std::string_view> names;
      for (const Preset& one : presets()) names.push_back(one.name);
      preset = &presets()[value.choice<std::size_t>(names)];
    });
    if (preset != nullptr || common.has("input") || common.has("resize")) {
      result.preprocessing =
          preprocessing_of(common, preset != nullptr ? preset->preprocessing : graph::Preprocessing{});
    }
    common.with("labels", [&](const Value& value) {
      for (const Value& label : value.list()) result.labels.push_back(label.text());
    });
    if (preset == nullptr && !common.has("task")) {
      (void)Object(document, {"input", "resize", "labels"});  // all else is of a task
      return result;
    }
    std::size_t task = 1;  // of a preset
    common.with("task", [&](const Value& value) {
      task = value.choice<std::size_t>(tasks);
      if (preset != nullptr && task != 1) value.fail("a preset is of a detector");
    });
    if (task == 0) result.task = classify_of(document);
    if (task == 1) result.task = detect_of(Object(document, detect_fields), preset);
    if (task == 2) result.task = landmarks_of(document);
    if (task == 3) result.task = segment_of(document);
    return result;
  }

 private:
  static constexpr std::string_view all_fields[] = {
      "preset",        "input",         "resize",          "labels",     "task",      "form",       "offset", "shift",
      "bins",          "mappings",      "background",      "levels",     "strides",   "anchors",    "sizes",  "scores",
      "objectness",    "boxes",         "points",          "outputs",    "threshold", "inclusive",  "nms",    "most",
      "most_of_level", "clip_to_input", "clip_to_picture", "dimensions", "transform", "foreground", "region"};
  static constexpr std::string_view detect_fields[] = {
      "preset",    "input",  "resize",     "labels",        "task",          "form",           "offset",
      "shift",     "bins",   "mappings",   "background",    "levels",        "strides",        "anchors",
      "sizes",     "scores", "objectness", "boxes",         "points",        "outputs",        "threshold",
      "inclusive", "nms",    "most",       "most_of_level", "clip_to_input", "clip_to_picture"};

  /// A value that pixels of 0 to 255 are normalised with.
  static graph::Preprocessing preprocessing_of(const Object& object, graph::Preprocessing result) {
    object.with("input", [&](const Value& value) {
      const Object input(value, {"mean", "std", "pixels", "range", "channels"});
      input.with("channels", [&](const Value& v) { result.bgr = v.choice<int>(channel_orders) == 1; });
      const bool in_pixels = input.has("pixels") && input.at("pixels").integer(1, 255) == 255;
      if (input.has("pixels") && !in_pixels && input.at("pixels").integer(1, 255) != 1) {
        input.at("pixels").fail("it is neither 1 nor 255");
      }
      const auto normalised = [&](const Value& v) {
        std::vector<float> numbers = v.numbers();
        for (float& number : numbers) number = in_pixels ? number / 255.0F : number;
        return numbers;
      };
      if (input.has("range")) {
        const Value range = input.at("range");
        if (input.has("mean") || input.has("std")) range.fail("it stands in the place of mean and std");
        const std::vector<float> ends = range.numbers();
        if (ends.size() != 2 || !(ends[0] < ends[1])) range.fail("it is no [lowest, highest]");
        result.deviation = {1.0F / (ends[1] - ends[0])};
        result.mean = {-ends[0] / (ends[1] - ends[0])};
      }
      input.with("mean", [&](const Value& v) { result.mean = normalised(v); });
      input.with("std", [&](const Value& v) { result.deviation = normalised(v); });
    });
    object.with("resize", [&](const Value& value) {
      if (value.is_text()) {
        result.resize = value.choice<graph::Fit>(resizes);
        return;
      }
      const Object resize(value, {"kind", "size", "align", "pad", "antialias", "rounded"});
      resize.with("kind", [&](const Value& v) { result.resize = v.choice<graph::Fit>(resizes); });
      resize.with("size", [&](const Value& v) { result.resize_size = v.integer(0, largest); });
      resize.with("align", [&](const Value& v) { result.align = v.choice<graph::Align>(aligns); });
      resize.with("pad", [&](const Value& v) { result.pad = v.numbers(); });
      resize.with("antialias", [&](const Value& v) { result.antialias = v.boolean(); });
      resize.with("rounded", [&](const Value& v) { result.rounded = v.boolean(); });
    });
    return result;
  }

  [[nodiscard]] std::string output_of(const Value& value) const {
    std::string name = value.text();
    if (std::ranges::find(outputs_, name) == outputs_.end()) {
      std::vector<std::string_view> names(outputs_.begin(), outputs_.end());
      value.fail("the network has no output \"" + printable(name) + "\"; it has " + listed(names));
    }
    return name;
  }

  [[nodiscard]] graph::Part part_of(const Value& value, graph::Part part) const {
    if (value.is_text()) {
      part.output = output_of(value);
      return part;
    }
    const Object object(value, {"output", "first", "count", "components"});
    object.with("output", [&](const Value& v) { part.output = output_of(v); });
    object.with("first", [&](const Value& v) { part.first = v.integer(0, largest); });
    object.with("count", [&](const Value& v) { part.count = v.integer(0, largest); });
    object.with("components", [&](const Value& v) { part.components = v.choice<graph::Components>(components); });
    if (part.output.empty()) value.fail("it names no output");
    return part;
  }

  static float stride_of(const Value& value) { return value.number(0, static_cast<float>(largest)); }
  static std::int32_t anchors_of(const Value& value) { return value.integer(1, largest); }

  /// [[width, height], ...] of the anchors.
  static std::vector<float> sizes_of(const Value& value) {
    std::vector<float> sizes;
    for (const Value& pair : value.list()) {
      const std::vector<float> size = pair.numbers();
      if (size.size() != 2) pair.fail("it is no [width, height]");
      sizes.insert(sizes.end(), size.begin(), size.end());
    }
    return sizes;
  }

  struct NamedPart {
    const char* name;
    graph::Part graph::Level::*part;
  };
  static constexpr NamedPart parts[] = {{"scores", &graph::Level::scores},
                                        {"objectness", &graph::Level::objectness},
                                        {"boxes", &graph::Level::boxes},
                                        {"points", &graph::Level::points}};

  [[nodiscard]] graph::Level level_of(const Value& value) const {
    const Object object(value, {"stride", "anchors", "sizes", "scores", "objectness", "boxes", "points"});
    graph::Level level;
    object.with("stride", [&](const Value& v) { level.stride = stride_of(v); });
    object.with("anchors", [&](const Value& v) { level.anchors = anchors_of(v); });
    object.with("sizes", [&](const Value& v) { level.sizes = sizes_of(v); });
    for (const NamedPart& named : parts) {
      object.with(named.name, [&](const Value& v) { level.*named.part = part_of(v, {}); });
    }
    if (level.boxes.output.empty()) value.fail("it has no boxes");
    if (level.scores.output.empty()) value.fail("it has no scores");
    return level;
  }

  /// Levels by lists of their fields; a field that is one value is every level's. Begins with what a preset has.
  [[nodiscard]] std::vector<graph::Level> levels_of(const Object& object, std::vector<graph::Level> levels) const {
    std::size_t count = 0;
    for (const char* key : {"strides", "anchors", "scores", "objectness", "boxes", "points", "outputs"}) {
      object.with(key, [&](const Value& v) { count = std::max(count, v.is_list() ? v.list().size() : 0); });
    }
    if (count > 0 || levels.empty()) {
      if (levels.empty()) levels.emplace_back();
      levels.resize(std::max(count, std::size_t{1}), graph::Level(levels.back()));
    }
    const auto each = [&](const char* key, auto&& set) {
      object.with(key, [&](const Value& value) {
        const std::vector<Value> values = value.one_or_more();
        if (values.size() != 1 && values.size() != levels.size()) {
          value.fail(std::to_string(values.size()) + " values for " + std::to_string(levels.size()) + " levels");
        }
        for (std::size_t i = 0; i < levels.size(); ++i) set(levels[i], values.size() == 1 ? values[0] : values[i]);
      });
    };
    each("strides", [](graph::Level& level, const Value& v) { level.stride = stride_of(v); });
    each("anchors", [](graph::Level& level, const Value& v) { level.anchors = anchors_of(v); });
    each("sizes", [](graph::Level& level, const Value& v) { level.sizes = sizes_of(v); });
    each("outputs", [&](graph::Level& level, const Value& v) {
      for (const NamedPart& named : parts) {
        if (!(level.*named.part).output.empty()) (level.*named.part).output = output_of(v);
      }
    });
    for (const NamedPart& named : parts) {
      each(named.name, [&](graph::Level& level, const Value& v) { level.*named.part = part_of(v, level.*named.part); });
    }
    for (graph::Level& level : levels) {
      if (level.points.output == unnamed) level.points.output = level.boxes.output;
      for (const NamedPart& named : parts) {
        const std::string& name = (level.*named.part).output;
        const bool is_wanted = named.part == &graph::Level::boxes || named.part == &graph::Level::scores;
        if (name == unnamed || (name.empty() && is_wanted)) {
          throw Error(std::string(named.name) + ": it is missing: the name of an output, or a list of one a level");
        }
        // A name of the preset's own.
        if (!name.empty()) (void)output_of(Value(json(name), named.name));
      }
    }
    return levels;
  }

  [[nodiscard]] graph::Detect detect_of(const Object& object, const Preset* preset) const {
    graph::Detect d = preset != nullptr ? preset->detect : graph::Detect{};
    if (preset == nullptr && object.has("outputs")) object.at("outputs").fail("it goes with a preset");
    if (object.has("levels")) {
      for (const char* key : {"strides", "anchors", "sizes", "scores", "objectness", "boxes", "points", "outputs"}) {
        object.with(key, [&](const Value& v) { v.fail("the levels say it each for itself"); });
      }
      d.levels.clear();
      for (const Value& level : object.at("levels").list()) d.levels.push_back(level_of(level));
    } else {
      std::vector<graph::Level> own = d.levels;
      if (preset != nullptr && !preset->heads.empty() && object.has("outputs") && object.at("outputs").is_list()) {
        own = preset->heads;
        d.position = preset->head_position;
        d.size = preset->head_size;
        d.score.transform = d.objectness.transform = graph::Transform::sigmoid;
      }
      d.levels = levels_of(object, std::move(own));
    }
    object.with("form", [&](const Value& v) { d.form = v.choice<graph::BoxForm>(forms); });
    object.with("offset", [&](const Value& v) { d.offset = v.number(); });
    object.with("shift", [&](const Value& v) { d.shift = v.number(); });
    object.with("bins", [&](const Value& v) { d.bins = v.integer(0, 1024); });
    object.with("background", [&](const Value& v) { d.background = v.boolean(); });
    object.with("mappings", [&](const Value& v) {
      const Object mappings(v, {"position", "size", "score", "objectness", "point"});
      const std::pair<const char*, graph::Mapping*> all[] = {{"position", &d.position},
                                                             {"size", &d.size},
                                                             {"score", &d.score},
                                                             {"objectness", &d.objectness},
                                                             {"point", &d.point}};
      for (const auto& [name, mapping] : all) {
        if (mappings.has(name)) *mapping = mapping_of(mappings.at(name), *mapping);
      }
    });
    object.with("threshold", [&](const Value& v) { d.threshold = v.number(); });
    object.with("inclusive", [&](const Value& v) { d.inclusive = v.boolean(); });
    object.with("clip_to_input", [&](const Value& v) { d.clip_to_input = v.boolean(); });
    object.with("clip_to_picture", [&](const Value& v) { d.clip_to_picture = v.boolean(); });
    object.with("most_of_level", [&](const Value& v) { d.most_of_level = v.integer(0, INT32_MAX); });
    object.with("most", [&](const Value& v) { d.most = v.integer(0, INT32_MAX); });
    object.with("nms", [&](const Value& v) {
      const Object nms(v, {"kind", "iou", "sigma", "per_class"});
      nms.with("kind", [&](const Value& k) { d.suppression = k.choice<graph::Suppression>(suppressions); });
      nms.with("iou", [&](const Value& k) { d.iou = k.number(0, 1); });
      nms.with("sigma", [&](const Value& k) { d.sigma = k.number(std::numeric_limits<float>::min()); });
      nms.with("per_class", [&](const Value& k) { d.per_class = k.boolean(); });
    });
    return d;
  }

  static graph::Classify classify_of(const Value& document) {
    (void)Object(document, {"input", "resize", "labels", "task"});
    return {};
  }

  [[nodiscard]] static graph::Region region_of(const Value& value) {
    const Object object(value, {"scale", "square", "turned_by", "outside"});
    graph::Region region;
    object.with("scale", [&](const Value& v) { region.scale = v.number(0.01F, 100); });
    object.with("square", [&](const Value& v) { region.square = v.boolean(); });
    object.with("turned_by", [&](const Value& v) {
      const std::vector<Value> points = v.list();
      if (points.size() != 2) v.fail("it is no list of two points");
      region.turn_from = points[0].integer(0, largest);
      region.turn_to = points[1].integer(0, largest);
    });
    object.with("outside", [&](const Value& v) { region.cut = v.choice<Outside>(outsides) == Outside::cut; });
    if (region.cut && region.is_turned()) value.fail("what is turned does not end at the picture's edges");
    return region;
  }

  [[nodiscard]] graph::Landmarks landmarks_of(const Value& document) const {
    const Object object(document, {"input", "resize", "region", "labels", "task", "points", "dimensions", "scores",
                                   "mappings", "threshold"});
    graph::Landmarks l;
    if (!object.has("points")) document.fail("it has no points");
    l.points = part_of(object.at("points"), {});
    object.with("dimensions", [&](const Value& v) { l.dimensions = v.integer(2, 3); });
    object.with("scores", [&](const Value& v) { l.score = part_of(v, {}); });
    object.with("mappings", [&](const Value& v) {
      const Object mappings(v, {"point", "score"});
      mappings.with("point", [&](const Value& m) { l.point = mapping_of(m, {}); });
      mappings.with("score", [&](const Value& m) { l.score_mapping = mapping_of(m, {}); });
    });
    object.with("threshold", [&](const Value& v) { l.threshold = v.number(); });
    object.with("region", [&](const Value& v) { l.region = region_of(v); });
    return l;
  }

  [[nodiscard]] graph::Segment segment_of(const Value& document) const {
    const Object object(
        document, {"input", "resize", "labels", "task", "scores", "transform", "foreground", "threshold", "inclusive"});
    graph::Segment s;
    if (!object.has("scores")) document.fail("it has no scores");
    s.scores = part_of(object.at("scores"), {});
    object.with("transform", [&](const Value& v) { s.transform = v.choice<graph::Transform>(transforms); });
    object.with("foreground", [&](const Value& v) { s.foreground = v.integer(-1, largest); });
    object.with("threshold", [&](const Value& v) { s.threshold = v.number(); });
    object.with("inclusive", [&](const Value& v) { s.inclusive = v.boolean(); });
    return s;
  }

  std::span<const std::string> outputs_;
};

// ---- To JSON ----

/// The double that has the float's shortest digits: 0.485, not 0.48500001430511475.
double readable(float value) {
  std::array<char, 64> digits = {};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  double result = 0;
  std::from_chars(digits.data(), end, result);
  return result;
}

json readable(const std::vector<float>& values) {
  json list = json::array();
  for (const float value : values) list.push_back(readable(value));
  return list;
}

std::string_view word(std::span<const std::string_view> words, auto value) {
  return words[static_cast<std::size_t>(value)];
}

/// Puts fields that are not their default.
class Writer {
 public:
  explicit Writer(json& to) : to_(to) {}
  void operator()(const char* key, float value, float usual) {
    if (value != usual) to_[key] = readable(value);
  }
  void operator()(const char* key, std::int32_t value, std::int32_t usual) {
    if (value != usual) to_[key] = value;
  }
  void operator()(const char* key, bool value, bool usual) {
    if (value != usual) to_[key] = value;
  }
  template <class Enum>
  void operator()(const char* key, Enum value, Enum usual, std::span<const std::string_view> words) {
    if (value != usual) to_[key] = word(words, value);
  }
  void operator()(const char* key, json value) {
    if (!value.empty()) to_[key] = std::move(value);
  }

 private:
  json& to_;
};

json to_json(const graph::Mapping& mapping) {
  json object = json::object();
  Writer put(object);
  const graph::Mapping usual;
  put("transform", mapping.transform, usual.transform, transforms);
  put("before", mapping.before, usual.before);
  put("times", mapping.times, usual.times);
  put("plus", mapping.plus, usual.plus);
  put("power", mapping.power, usual.power);
  put("unit", mapping.unit, usual.unit, units);
  return object;
}

/// Empty where there is no such part.
json to_json(const graph::Part& part) {
  if (part.output.empty()) return json();
  const graph::Part usual = {.output = part.output};
  if (part == usual) return part.output;
  json object = {{"output", part.output}};
  Writer put(object);
  put("first", part.first, 0);
  put("count", part.count, 0);
  put("components", part.components, usual.components, components);
  return object;
}

json to_json(const graph::Level& level) {
  json object = json::object();
  Writer put(object);
  put("stride", level.stride, 0.0F);
  put("anchors", level.anchors, 1);
  if (!level.sizes.empty()) {
    json& sizes = object["sizes"] = json::array();
    for (std::size_t i = 0; i + 1 < level.sizes.size(); i += 2) {
      sizes.push_back({readable(level.sizes[i]), readable(level.sizes[i + 1])});
    }
  }
  put("scores", to_json(level.scores));
  put("objectness", to_json(level.objectness));
  put("boxes", to_json(level.boxes));
  put("points", to_json(level.points));
  return object;
}

void put_task(json& object, const graph::Detect& d) {
  const graph::Detect usual;
  Writer put(object);
  for (const graph::Level& level : d.levels) object["levels"].push_back(to_json(level));
  put("form", d.form, usual.form, forms);
  put("offset", d.offset, usual.offset);
  put("shift", d.shift, usual.shift);
  put("bins", d.bins, usual.bins);
  put("background", d.background, usual.background);
  json mappings = json::object();
  Writer put_mapping(mappings);
  put_mapping("position", to_json(d.position));
  put_mapping("size", to_json(d.size));
  put_mapping("score", to_json(d.score));
  put_mapping("objectness", to_json(d.objectness));
  put_mapping("point", to_json(d.point));
  put("mappings", std::move(mappings));
  put("threshold", d.threshold, usual.threshold);
  put("inclusive", d.inclusive, usual.inclusive);
  put("clip_to_input", d.clip_to_input, usual.clip_to_input);
  put("clip_to_picture", d.clip_to_picture, usual.clip_to_picture);
  put("most_of_level", d.most_of_level, usual.most_of_level);
  put("most", d.most, usual.most);
  json nms = json::object();
  Writer put_nms(nms);
  put_nms("kind", d.suppression, usual.suppression, suppressions);
  put_nms("iou", d.iou, usual.iou);
  put_nms("sigma", d.sigma, usual.sigma);
  put_nms("per_class", d.per_class, usual.per_class);
  put("nms", std::move(nms));
}

json to_json(const graph::Region& region) {
  json object = json::object();
  Writer put(object);
  const graph::Region usual;
  put("scale", region.scale, usual.scale);
  put("square", region.square, usual.square);
  if (region.is_turned()) put("turned_by", json::array({region.turn_from, region.turn_to}));
  put("outside", region.cut ? Outside::cut : Outside::edge, Outside::edge, outsides);
  return object;
}

void put_task(json& object, const graph::Landmarks& l) {
  const graph::Landmarks usual;
  Writer put(object);
  put("points", to_json(l.points));
  put("dimensions", l.dimensions, usual.dimensions);
  put("scores", to_json(l.score));
  json mappings = json::object();
  Writer put_mapping(mappings);
  put_mapping("point", to_json(l.point));
  put_mapping("score", to_json(l.score_mapping));
  put("mappings", std::move(mappings));
  put("threshold", l.threshold, usual.threshold);
  put("region", to_json(l.region));
}

void put_task(json& object, const graph::Segment& s) {
  const graph::Segment usual;
  Writer put(object);
  put("scores", to_json(s.scores));
  put("transform", s.transform, usual.transform, transforms);
  put("foreground", s.foreground, usual.foreground);
  put("threshold", s.threshold, usual.threshold);
  put("inclusive", s.inclusive, usual.inclusive);
}

void put_task(json&, const graph::Classify&) {}

void put_preprocessing(json& object, const graph::Preprocessing& p) {
  const graph::Preprocessing usual;
  json& input = object["input"] = {{"mean", readable(p.mean)}, {"std", readable(p.deviation)}};
  if (p.bgr) input["channels"] = "BGR";
  json& resize = object["resize"] = {{"kind", word(resizes, p.resize)}, {"antialias", p.antialias}};
  Writer put(resize);
  put("size", p.resize_size, usual.resize_size);
  put("align", p.align, usual.align, aligns);
  if (p.pad != usual.pad) resize["pad"] = readable(p.pad);
  put("rounded", p.rounded, usual.rounded);
}

// ---- For people ----

std::string counted(std::int64_t count, const char* one, const char* more) {
  return std::to_string(count) + " " + (count == 1 ? one : more);
}

std::string text_of(const graph::Classify&, std::int64_t classes) {
  return "tells " + counted(classes, "class", "classes");
}

std::string text_of(const graph::Detect& d, std::int64_t classes) {
  std::string text = "detects objects of " + counted(classes, "class", "classes");
  if (d.levels.front().points.output != "") text += " with points";
  std::string strides;
  for (const graph::Level& level : d.levels) {
    if (level.stride > 0) strides += (strides.empty() ? "" : ", ") + shortest(level.stride);
  }
  if (!strides.empty()) text += "; strides " + strides;
  text += "; scores " + std::string(d.inclusive ? "from " : "above ") + shortest(d.threshold);
  text += "; " + std::string(word(suppressions, d.suppression)) + " suppression above an overlap of " + shortest(d.iou);
  return text + (d.per_class ? ", by class" : ", of all classes");
}

std::string text_of(const graph::Landmarks& l, std::int64_t points) {
  std::string text = "finds " + counted(points, "point", "points") + " of " + std::to_string(l.dimensions) + " numbers";
  if (!l.score.output.empty()) text += "; a score above " + shortest(l.threshold);
  return text;
}

std::string text_of(const graph::Segment& s, std::int64_t classes) {
  if (s.foreground < 0) return "masks of " + counted(classes, "class", "classes");
  return "a mask of what is above " + shortest(s.threshold);
}

}  // namespace

Description parse_description(std::string_view text, std::span<const std::string> outputs) {
  if (text.size() > max_text_bytes) {
    throw Error("the description is longer than " + std::to_string(max_text_bytes) + " bytes");
  }
  const json document = json::parse(text, nullptr, false);
  if (document.is_discarded()) throw Error("the description is not JSON");
  return Parser(outputs).parse(Value(document, ""));
}

void describe(graph::Graph& graph, std::string_view text) {
  std::vector<std::string> outputs;
  for (const graph::Output& output : graph.outputs) outputs.push_back(graph.output_name(output));
  Description description = parse_description(text, outputs);
  if (description.preprocessing) graph.preprocessing = std::move(description.preprocessing);
  if (description.task) graph.task = std::move(description.task);
  if (!description.labels.empty()) graph.labels = std::move(description.labels);
  graph::check_metadata(graph);
}

std::string description_json(const Description& description) {
  json object = json::object();
  if (description.preprocessing) put_preprocessing(object, *description.preprocessing);
  if (!description.labels.empty()) object["labels"] = description.labels;
  if (description.task) {
    object["task"] = word(tasks, description.task->index());
    std::visit([&](const auto& task) { put_task(object, task); }, *description.task);
  }
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string task_text(const graph::Graph& graph) {
  const std::int64_t labels = graph::label_count(graph);
  return std::visit([&](const auto& task) { return text_of(task, labels); }, *graph.task);
}

}  // namespace riffle::io
