#include "tests/golden/golden.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <ostream>
#include <span>
#include <sstream>

#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "models/models.hpp"
#include "models/random.hpp"

namespace riffle::golden {

namespace {

constexpr float tolerance = 1e-4F;              ///< of the output's largest magnitude
constexpr float tolerance_of_halves = 1.5e-2F;  // each result is rounded to 11 bits, and each sum on its way
constexpr float tolerance_of_bf16 = 5e-2F;      // each result is rounded to 8 bits, and so are weights

bool reduced() {
  const char* wanted = std::getenv("RIFFLE_GOLDEN");
  if (wanted != nullptr && std::string(wanted) == "all") return false;
  if (wanted != nullptr && std::string(wanted) == "reduced") return true;
  return RIFFLE_GOLDEN_REDUCED != 0;
}

bool narrow(const Golden& golden) { return golden.fields.contains("width") && golden.number("width") <= 0.6; }

/// An emulator runs some hundred million multiply-adds a second: small images of all networks but one, whose 25 million
/// weights alone would take longer than the others together, and one odd size.
bool affordable(const Golden& golden) {
  if (golden.fields.contains("file") && golden.word("file").starts_with("torchvision_resnext50")) return false;
  const std::int32_t pixels = golden.integer("height") * golden.integer("width_px");
  if (pixels <= 64 * 64) return true;
  return pixels < 128 * 128 && narrow(golden);
}

Golden parse(const std::string& text) {
  Golden golden;
  std::istringstream line(text);
  line >> golden.kind;
  for (std::string key, value; line >> key && key != ":";) {
    line >> value;
    golden.fields[key] = value;
  }
  for (float value = 0; line >> value;) golden.output.push_back(value);
  if (golden.output.empty() || !line.eof()) throw Error("goldens: cannot read the line \"" + text + "\"");
  return golden;
}

float largest_magnitude(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

void expect_close(std::span<const float> actual, std::span<const float> expected, Type precision,
                  const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  const float relative = precision == Type::f16    ? tolerance_of_halves
                         : precision == Type::bf16 ? tolerance_of_bf16
                                                   : tolerance;
  const float bound = relative * largest_magnitude(expected);
  float worst = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_TRUE(std::isfinite(actual[i])) << what << ", element " << i << " is " << actual[i];
    worst = std::max(worst, std::abs(actual[i] - expected[i]));
  }
  EXPECT_LE(worst, bound) << what << ": largest difference to PyTorch";
}

}  // namespace

std::int32_t Golden::integer(const std::string& field) const { return static_cast<std::int32_t>(number(field)); }

double Golden::number(const std::string& field) const {
  const std::string& text = word(field);
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') throw Error("goldens.txt: " + field + " " + text + " is not a number");
  return value;
}

const std::string& Golden::word(const std::string& field) const {
  const auto found = fields.find(field);
  if (found == fields.end()) throw Error("goldens: a " + kind + " line without " + field);
  return found->second;
}

std::string Golden::name() const {
  std::string text = kind;
  for (const auto& [key, value] : fields) text += "_" + key + "_" + value;
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return text;
}

std::ostream& operator<<(std::ostream& stream, const Case& value) {
  return stream << value.golden.name() << " on " << value.kernels->isa << ", " << name_of(value.precision);
}

std::vector<Case> cases(const std::vector<std::string>& kinds) {
  const bool few = reduced();
  std::vector<Case> all;
  for (const Golden& golden : read_goldens("goldens.txt")) {
    if (std::find(kinds.begin(), kinds.end(), golden.kind) == kinds.end()) continue;
    if (few && !affordable(golden)) continue;
    for (const kernels::Kernels* one : kernels::all_kernels()) {
      if (!one->supported() || is_quantised(one->type)) continue;  // networks of floats have no use for bytes
      if (few && !narrow(golden) && one->type != Type::f32) continue;
      all.push_back({golden, one, one->type});
      if (few && !narrow(golden)) break;
    }
  }
  return all;
}

std::vector<Golden> read_goldens(const std::string& file) {
  std::ifstream lines(RIFFLE_GOLDEN_DIR "/" + file);
  std::vector<Golden> goldens;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#')) goldens.push_back(parse(line));
  }
  if (goldens.empty()) throw Error(RIFFLE_GOLDEN_DIR "/" + file + ": nothing in it");
  return goldens;
}

graph::Graph shufflenet(const std::string& kind, const Golden& golden) {
  const bool note = golden.word("flavour") == "note";
  const models::Flavour flavour = note ? models::Flavour::study_note : models::Flavour::paper;
  const std::int32_t channels = note ? 1 : 3, height = golden.integer("height"), width = golden.integer("width_px");
  if (kind == "v1") {
    return models::shufflenet_v1({.groups = golden.integer("groups"),
                                  .width_multiplier = golden.number("width"),
                                  .flavour = flavour,
                                  .in_channels = channels,
                                  .classes = 10,
                                  .height = height,
                                  .width = width},
                                 models::random_weights(seed));
  }
  return models::shufflenet_v2({.width_multiplier = golden.number("width"),
                                .flavour = flavour,
                                .residual = golden.integer("residual") != 0,
                                .in_channels = channels,
                                .classes = 10,
                                .height = height,
                                .width = width},
                               models::random_weights(seed));
}

std::string onnx_directory() { return RIFFLE_GOLDEN_DIR "/onnx"; }

std::vector<float> make_input(std::int32_t batch, graph::Shape shape) {
  constexpr std::int32_t patch = 16;
  const std::int32_t patches_h = (shape.h + patch - 1) / patch;
  const std::int32_t patches_w = (shape.w + patch - 1) / patch;
  const std::int64_t planes = std::int64_t{batch} * shape.c;
  std::vector<float> values =
      models::random_values(0, "input", static_cast<std::size_t>(planes * shape.pixels()), {.reach = 0.5F});
  const std::vector<float> coarse =
      models::random_values(0, "input.coarse", static_cast<std::size_t>(planes * patches_h * patches_w), {});
  auto value = values.begin();
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    for (std::int32_t y = 0; y < shape.h; ++y) {
      const std::int64_t row = (plane * patches_h + y / patch) * patches_w;
      for (std::int32_t x = 0; x < shape.w; ++x) *value++ += coarse[static_cast<std::size_t>(row + x / patch)];
    }
  }
  return values;
}

void expect_golden(const graph::Graph& graph, const Case& golden_case) {
  const auto plan = plan::make(graph, {.kernels = golden_case.kernels, .precision = golden_case.precision});
  const std::span<const float> expected = golden_case.golden.output;
  const auto image = static_cast<std::size_t>(plan->outputs[0].shape.size());
  ASSERT_GT(image, 0U);
  ASSERT_EQ(expected.size() % image, 0U) << "the output has " << image << " values";
  const auto batch = static_cast<std::int32_t>(expected.size() / image);
  const std::vector<float> input = make_input(batch, plan->inputs[0].shape);

  run::Session session(plan);
  std::vector<float> output(expected.size(), NAN);
  session.run(input.data(), output.data(), batch);
  expect_close(output, expected, golden_case.precision, "batch of " + std::to_string(batch));
  if (batch == 1) return;

  // Batch 1 after batch 3 in the same session: its input is the first image of another batch's layout.
  std::vector<float> first(image, NAN);
  session.run(input.data(), first.data(), 1);
  expect_close(first, expected.first(image), golden_case.precision, "batch of 1");
}

}  // namespace riffle::golden
