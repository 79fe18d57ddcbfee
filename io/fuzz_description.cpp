// libFuzzer: any text is a description or an Error; one that fits the network travels in its file, and what the decoder
// makes of any numbers is as riffle.h says.
#include <riffle/riffle.h>

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "engine/format/format.hpp"
#include "io/description.hpp"

namespace {

using namespace riffle;  // NOLINT: a program of one file

void expect(bool holds) {
  if (!holds) std::abort();
}

/// Outputs of every kind that a description speaks of: planes, pixels, lists, numbers of one object.
graph::Graph network() {
  graph::Graph graph;
  graph.name = "fuzzed";
  const auto input = graph.add("input", graph::Input{{32, 32, 3}});
  graph::Gather gather;
  for (std::int32_t c = 0; c < 12; ++c) gather.channels.push_back(c % 3);
  const auto channels = graph.add("channels", gather, {input});
  const auto pooled = [&](const char* name, std::int32_t stride) {
    const graph::Window window = {.kernel_h = stride, .kernel_w = stride, .stride_h = stride, .stride_w = stride};
    return graph.add(name, graph::Pool{.window = window}, {channels});
  };
  const auto eight = pooled("eight", 8), sixteen = pooled("sixteen", 16);
  const auto mean = graph.add("mean", graph::GlobalAveragePool{}, {channels});
  graph.outputs = {{.node = eight, .name = "planes"},
                   {.node = sixteen, .name = "small"},
                   {.node = eight, .name = "pixels", .arrangement = graph::arranged("h w c")},
                   {.node = eight, .name = "list", .arrangement = graph::arranged("(h w) c")},
                   {.node = eight, .name = "anchors", .arrangement = graph::arranged("(h w c0:3) c1:4")},
                   {.node = mean, .name = "one"}};
  return graph;
}

/// A number of any kind, most of them small.
float number_of(std::uint64_t random) {
  constexpr float unusual[] = {0.0F,
                               -0.0F,
                               1e30F,
                               -1e30F,
                               std::numeric_limits<float>::infinity(),
                               -std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::quiet_NaN(),
                               1e-40F};
  if (random % 64 < 8) return unusual[random % 8];
  return static_cast<float>(static_cast<double>(random >> 40) / (1 << 21) - 4.0);
}

void check(const riffle_findings& found, std::size_t labels) {
  for (std::size_t i = 0; found.task == RIFFLE_DETECT && i < found.count; ++i) {
    const riffle_detection& one = found.detections[i];
    expect(one.label >= 0 && (labels == 0 || static_cast<std::size_t>(one.label) < labels));
    expect(!(one.x0 > one.x1) && !(one.y0 > one.y1));
    expect(i == 0 || !(found.detections[i - 1].score < one.score));
  }
  const std::int64_t pixels = std::int64_t{found.mask_width} * found.mask_height;
  for (std::int64_t i = 0; found.mask != nullptr && i < pixels; ++i) expect(found.mask[i] < found.class_count);
}

void decode(const graph::Graph& graph, std::uint64_t seed) {
  const std::vector<std::byte> file = format::save(graph);
  riffle_error error;
  riffle_model* model = nullptr;
  riffle_session* session = nullptr;
  riffle_detector* detector = nullptr;
  expect(riffle_model_load_memory(file.data(), file.size(), &model, &error) == RIFFLE_OK);
  expect(riffle_session_create(model, nullptr, &session, &error) == RIFFLE_OK);
  if (riffle_detector_create(session, nullptr, &detector, &error) == RIFFLE_OK) {
    std::vector<std::vector<float>> numbers(graph.outputs.size());
    std::vector<riffle_input_buffer> buffers;
    for (std::size_t o = 0; o < numbers.size(); ++o) {
      numbers[o].resize(riffle_session_output_at(session, o).size);
      for (float& number : numbers[o]) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        number = number_of(seed ^ seed >> 29);
      }
      buffers.push_back({numbers[o].data(), RIFFLE_FLOAT32, numbers[o].size()});
    }
    riffle_findings found;
    expect(riffle_detector_decode(detector, buffers.data(), buffers.size(), nullptr, &found, &error) == RIFFLE_OK);
    check(found, riffle_model_label_count(model));
  }
  riffle_detector_free(detector);
  riffle_session_free(session);
  riffle_model_free(model);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const graph::Graph plain = network();
  static const std::vector<std::string> outputs = [] {
    std::vector<std::string> names;
    for (const graph::Output& output : plain.outputs) names.push_back(output.name);
    return names;
  }();
  try {
    const io::Description description = io::parse_description(text, outputs);
    const std::string again = io::description_json(description);
    expect(io::description_json(io::parse_description(again, outputs)) == again);
  } catch (const Error&) {
    return 0;
  }
  graph::Graph described = plain;
  try {
    io::describe(described, text);
  } catch (const Error&) {
    return 0;
  }
  if (described.task) (void)io::task_text(described);
  std::uint64_t seed = size;
  for (const char byte : text) seed = seed * 31 + static_cast<unsigned char>(byte);
  decode(described, seed);
  return 0;
}
