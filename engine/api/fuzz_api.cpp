// libFuzzer: bytes are calls of the C API, in any order and with any arguments that riffle.h allows: what is NULL, out
// of range or the wrong size, models that are freed while their sessions live, models that are damaged, several
// threads. What a call says, it has done: nothing is created where it fails, and results of what succeeds are those
// that a session gives which is alone.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "riffle/riffle.h"

namespace {

using namespace riffle;  // NOLINT: a program of one file

void expect(bool holds) {
  if (!holds) std::abort();
}

/// What a call's arguments are taken from; behind the end all is 0.
class Source {
 public:
  Source(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  [[nodiscard]] bool is_empty() const { return size_ == 0; }
  std::uint8_t byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  bool one_in(std::uint8_t many) { return byte() % many == 1; }
  /// Mostly a small number; now and then any.
  std::int32_t number(std::int32_t below) {
    if (!one_in(16)) return byte() % below;
    constexpr std::int32_t unusual[] = {-1, 257, 1 << 15, 32769, 1 << 30, INT32_MAX, INT32_MIN, 0};
    return unusual[byte() % 8];
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

graph::Graph detecting(graph::Task task, Type type) {
  graph::Graph graph;
  graph.add("input", graph::Input{.shape = {16, 16, 3}, .type = type});
  const graph::Pool pool = {.window = {.kernel_h = 4, .kernel_w = 4, .stride_h = 4, .stride_w = 4}};
  const graph::NodeId pooled = graph.add("pool", pool, {0});
  graph.outputs = {{.node = graph.add("heads", graph::Concat{}, {pooled, pooled})}};
  graph.task = std::move(task);
  graph.preprocessing = {.resize = graph::Fit::letterbox};
  return graph;
}

/// Files of models that run in no time.
const std::vector<std::vector<std::byte>>& files() {
  static const std::vector<std::vector<std::byte>> all = [] {
    std::vector<std::vector<std::byte>> made;
    made.push_back(read_file(RIFFLE_CORPUS_DIR "/riffle/tensors.riffle", 1 << 20));  // several, of every type
    constexpr graph::Components planes = graph::Components::planes;
    const graph::Detect detect = {.levels = {{.stride = 4,
                                              .scores = {"heads", 4, 2, planes},
                                              .boxes = {"heads", 0, 4, planes},
                                              .points = {"heads", 0, 2, planes}}},
                                  .threshold = 0.1F,
                                  .most_of_level = 50,
                                  .most = 40};
    made.push_back(format::save(detecting(detect, Type::f32)));
    made.push_back(format::save(detecting(graph::Segment{.scores = {"heads", 0, 6, planes}}, Type::u8)));
    graph::Graph labelled = detecting(graph::Classify{}, Type::f32);
    labelled.labels = {"a", "b", "c", "d", "e", "f"};
    made.push_back(format::save(labelled));
    return made;
  }();
  return all;
}

struct LoadedModel {
  riffle_model* handle = nullptr;
  std::shared_ptr<const std::vector<std::byte>> bytes;  ///< which its sessions keep as well
  int file = -1;                                        ///< which of the files it is, undamaged; else -1
};

struct LiveSession {
  riffle_session* handle = nullptr;
  std::shared_ptr<const std::vector<std::byte>> bytes;
  std::unique_ptr<std::byte[], decltype(&std::free)> memory{nullptr, std::free};
  int file = -1;
  std::array<riffle_detector*, 2> detectors = {};
};

class Calls {
 public:
  explicit Calls(Source source) : source_(source) {}
  ~Calls() {
    for (LiveSession& session : sessions_) free(session);
    for (LoadedModel& model : models_) riffle_model_free(model.handle);
  }
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  void run() {
    for (int calls = 0; calls < 64 && !source_.is_empty(); ++calls) {
      LoadedModel& model = models_[source_.byte() % models_.size()];
      LiveSession& session = sessions_[source_.byte() % sessions_.size()];
      riffle_detector*& detector = session.detectors[source_.byte() % session.detectors.size()];
      switch (source_.byte() % 14) {
        case 0:
          load(model);
          break;
        case 1:
          riffle_model_free(std::exchange(model, {}).handle);
          break;
        case 2:
          create(model, session);
          break;
        case 3:
          free(session);
          break;
        case 4:
          ask(model);
          break;
        case 5:
          ask(session);
          break;
        case 6:
          run_buffers(session, false);
          break;
        case 7:
          run_buffers(session, true);
          break;
        case 8:
          run_plain(session);
          break;
        case 9:
          read_frame(session);
          break;
        case 10:
          create(session, detector);
          break;
        case 11:
          riffle_detector_free(std::exchange(detector, nullptr));
          break;
        case 12:
          detect(detector);
          break;
        default:
          decode(session, detector);
          break;
      }
    }
  }

 private:
  static void free(LiveSession& session) {
    for (riffle_detector*& detector : session.detectors) riffle_detector_free(std::exchange(detector, nullptr));
    riffle_session_free(session.handle);
    session = LiveSession{};
  }

  /// A failure says why, and creates nothing.
  riffle_status checked(riffle_status status, bool made) const {
    expect(status >= RIFFLE_OK && status <= RIFFLE_UNSUPPORTED);
    expect((status == RIFFLE_OK) == made);
    expect(status == RIFFLE_OK || std::strlen(error_.message) > 0);
    return status;
  }
  riffle_error* error() { return &error_; }

  void load(LoadedModel& model) {
    riffle_model_free(std::exchange(model, {}).handle);
    const int file = source_.byte() % static_cast<int>(files().size());
    auto bytes = std::make_shared<std::vector<std::byte>>(files()[static_cast<std::size_t>(file)]);
    bool is_damaged = false;
    for (int changes = source_.one_in(4) ? source_.byte() % 8 : 0; changes > 0; --changes) {
      const std::size_t at = (source_.byte() * 256U + source_.byte()) % bytes->size();
      const auto now = static_cast<std::byte>(source_.byte());
      is_damaged |= std::exchange((*bytes)[at], now) != now;
    }
    riffle_model* made = nullptr;
    const riffle_status status = source_.one_in(16)
                                     ? riffle_model_load_file(source_.one_in(2) ? nullptr : "/dev/null", &made, error())
                                     : riffle_model_load_memory(bytes->data(), bytes->size(), &made, error());
    if (checked(status, made != nullptr) != RIFFLE_OK) return;
    model = {made, bytes, is_damaged ? -1 : file};
  }

  riffle_options options() {
    riffle_options chosen = {};
    chosen.threads = source_.one_in(32) ? source_.number(4) : 0;
    chosen.height = source_.one_in(4) ? source_.number(40) : 0;
    chosen.width = source_.one_in(4) ? source_.number(40) : 0;
    chosen.cores = static_cast<riffle_cores>(source_.one_in(8) ? source_.number(4) : 0);
    chosen.isa = source_.one_in(4) ? riffle_cpu_isa(source_.byte() % 4) : source_.one_in(16) ? "none" : nullptr;
    chosen.precision = static_cast<riffle_type>(source_.one_in(8) ? source_.number(6) : 0);
    if (source_.one_in(64)) chosen.reserved[source_.byte() % 7] = this;
    return chosen;
  }

  void create(const LoadedModel& model, LiveSession& session) {
    free(session);
    riffle_options chosen = options();
    std::size_t bytes = 0;
    const riffle_status sized = riffle_session_memory(model.handle, &chosen, &bytes, error());
    expect((sized == RIFFLE_OK) == (bytes > 0) || model.file == -1);
    if (bytes > 1 << 19) return;  // large sizes take long
    if (sized == RIFFLE_OK && source_.one_in(4)) {
      const std::size_t room = std::max<std::size_t>(bytes, 1) - (source_.one_in(8) ? 1 : 0);
      session.memory.reset(static_cast<std::byte*>(std::aligned_alloc(64, (room + 64) / 64 * 64)));
      chosen.memory = session.memory.get() + (source_.one_in(16) ? 8 : 0);
      chosen.memory_bytes = source_.one_in(16) ? 0 : room;
    }
    riffle_session* made = nullptr;
    const riffle_status status =
        riffle_session_create(model.handle, source_.one_in(8) ? nullptr : &chosen, &made, error());
    if (checked(status, made != nullptr) != RIFFLE_OK) return;
    session.handle = made;
    session.bytes = model.bytes;
    session.file = model.file;
  }

  void ask(const LoadedModel& model) {
    const std::size_t labels = riffle_model_label_count(model.handle);
    for (std::size_t i = 0; i < labels; ++i) expect(riffle_model_label(model.handle, i) != nullptr);
    expect(riffle_model_label(model.handle, labels + source_.byte()) == nullptr);
    const riffle_task task = riffle_model_task(model.handle);
    expect(task >= RIFFLE_NO_TASK && task <= RIFFLE_SEGMENT);
  }

  void ask(const LiveSession& session) {
    const std::size_t outputs = riffle_session_output_count(session.handle);
    for (std::size_t o = 0; o < outputs; ++o) {
      const riffle_tensor tensor = riffle_session_output_at(session.handle, o);
      expect(riffle_session_find_output(session.handle, tensor.name) >= 0);
      expect(tensor.size > 0 && tensor.rank >= 0 && tensor.rank <= RIFFLE_MAX_RANK);
    }
    expect(riffle_session_output_at(session.handle, outputs).size == 0);
    expect(riffle_session_find_input(session.handle, source_.one_in(2) ? nullptr : "no such tensor") == -1);
    expect((riffle_session_isa(session.handle) != nullptr) == (session.handle != nullptr));
  }

  static std::size_t size_of_type(riffle_type type) { return type == RIFFLE_FLOAT32 || type == RIFFLE_INT32 ? 4 : 2; }

  /// Buffers as large as they have to be, or, now and then, something is wrong with one.
  void run_buffers(LiveSession& session, bool profiled) {
    const std::int64_t batch = profiled ? 1 : source_.number(3);
    const std::int64_t images = std::clamp<std::int64_t>(batch, 0, 4);
    bool is_right = batch >= 1 && batch <= images;
    std::vector<std::vector<float>> data;
    std::vector<riffle_input_buffer> inputs;
    std::vector<riffle_output_buffer> outputs;
    const auto make = [&](const riffle_tensor& tensor, auto& buffers) {
      const std::size_t size = static_cast<std::size_t>(images) * tensor.size;
      std::vector<float>& numbers = data.emplace_back((size * size_of_type(tensor.type) + 3) / 4);
      buffers.push_back({numbers.data(), tensor.type, size});
      if (!source_.one_in(32)) return;
      is_right = false;
      switch (source_.byte() % 3) {
        case 0:
          buffers.back().data = nullptr;
          break;
        case 1:
          buffers.back().size += 1;
          break;
        default:
          buffers.back().type = static_cast<riffle_type>(7);
          break;
      }
    };
    for (std::size_t i = 0; i < riffle_session_input_count(session.handle); ++i) {
      make(riffle_session_input_at(session.handle, i), inputs);
      const riffle_tensor tensor = riffle_session_input_at(session.handle, i);
      if (tensor.type != RIFFLE_FLOAT32) continue;
      std::uint32_t seed = source_.byte();
      for (float& x : data.back()) x = static_cast<float>((seed = seed * 1664525U + 1013904223U) >> 8) * 0x1p-24F;
    }
    for (std::size_t o = 0; o < riffle_session_output_count(session.handle); ++o) {
      make(riffle_session_output_at(session.handle, o), outputs);
    }
    const std::size_t count = inputs.size() - (source_.one_in(32) && !inputs.empty() ? 1 : 0);
    is_right &= count == inputs.size() && session.handle != nullptr;
    riffle_status status = RIFFLE_OK;
    if (profiled) {
      std::vector<riffle_step> steps(riffle_session_step_count(session.handle));
      status = riffle_session_profile_buffers(session.handle, inputs.data(), count, outputs.data(), outputs.size(),
                                              steps.data(), steps.size(), error());
      for (const riffle_step& step : steps) expect(status != RIFFLE_OK || (step.name != nullptr && step.seconds >= 0));
    } else {
      status = riffle_session_run_buffers(session.handle, inputs.data(), count, outputs.data(), outputs.size(), batch,
                                          error());
    }
    expect(status == (is_right ? RIFFLE_OK : RIFFLE_BAD_ARGUMENT));
  }

  /// The same numbers give the same bits in every session of a file, whatever was done in between.
  void run_plain(LiveSession& session) {
    const riffle_tensor input = riffle_session_input(session.handle), output = riffle_session_output(session.handle);
    const bool is_plain = session.handle != nullptr && riffle_session_input_count(session.handle) == 1 &&
                          riffle_session_output_count(session.handle) == 1 && input.type == RIFFLE_FLOAT32 &&
                          output.type == RIFFLE_FLOAT32;
    const std::vector<float> from(std::max<std::size_t>(input.size, 1), 0.75F);
    std::vector<float> to(std::max<std::size_t>(output.size, 1));
    const riffle_status status = riffle_session_run(session.handle, from.data(), to.data(), 1, error());
    expect(status == (is_plain ? RIFFLE_OK : RIFFLE_BAD_ARGUMENT));
    for (const float x : to) expect(!is_plain || session.file < 0 || x == 0.75F);  // they are maxima of the input
    std::vector<riffle_step> steps(riffle_session_step_count(session.handle));
    const std::size_t step_count = steps.size() + (source_.one_in(4) ? 1 : 0);
    steps.resize(step_count + 1);
    const riffle_status profiled =
        riffle_session_profile(session.handle, from.data(), to.data(), steps.data(), step_count, error());
    expect(is_plain || profiled == RIFFLE_BAD_ARGUMENT);
  }

  riffle_frame frame() {
    static const std::vector<std::uint8_t> pixels(std::size_t{64} * 64 * 4 * 3, 100);
    riffle_frame result = {};
    for (std::size_t p = 0; p < 3; ++p) {
      if (!source_.one_in(16)) result.planes[p] = pixels.data() + p * 64 * 64 * 4;
    }
    result.width = 1 + source_.byte() % 64;
    result.height = 1 + source_.byte() % 64;
    result.format = static_cast<riffle_pixel_format>(source_.one_in(2) ? source_.number(9) : 0);
    result.yuv = static_cast<riffle_yuv>(source_.one_in(4) ? source_.number(5) : 0);
    if (source_.one_in(2)) {
      result.crop_x = source_.number(70), result.crop_y = source_.number(70);
      result.crop_width = source_.number(70), result.crop_height = source_.number(70);
    }
    result.rotation = source_.one_in(32) ? source_.number(360) : 90 * (source_.byte() % 4);
    result.mirrored = source_.number(2);
    return result;
  }

  void read_frame(LiveSession& session) {
    const riffle_frame given = frame();
    const riffle_tensor tensor = riffle_session_input(session.handle);
    std::vector<float> input(std::max<std::size_t>(tensor.size, 1));
    riffle_normalisation by = {};
    for (int c = 0; c < 4; ++c) by.mean[c] = source_.byte(), by.deviation[c] = source_.byte();
    const riffle_status read =
        riffle_session_read_frame(session.handle, &given, source_.one_in(2) ? &by : nullptr, input.data(), error());
    expect(read >= RIFFLE_OK && read <= RIFFLE_BAD_ARGUMENT);
    riffle_placement placement;
    const riffle_status placed = riffle_session_place_frame(session.handle, &given, &placement, error());
    expect(read != RIFFLE_OK || placed == RIFFLE_OK);
    expect((placed == RIFFLE_OK) == (placement.width != 0));
  }

  void create(const LiveSession& session, riffle_detector*& detector) {
    riffle_detector_free(std::exchange(detector, nullptr));
    riffle_detector_options chosen = {};
    chosen.threshold = source_.one_in(4) ? static_cast<float>(source_.number(100)) / 64 : 0;
    chosen.iou = source_.one_in(4) ? static_cast<float>(source_.number(100)) / 64 : 0;
    riffle_detector* made = nullptr;
    const riffle_status status =
        riffle_detector_create(session.handle, source_.one_in(2) ? &chosen : nullptr, &made, error());
    checked(status, made != nullptr);
    detector = made;
  }

  void check(riffle_status status, const riffle_findings& found) {
    expect(status >= RIFFLE_OK && status <= RIFFLE_BAD_ARGUMENT);
    if (status != RIFFLE_OK) return expect(found.count == 0 && found.detections == nullptr && found.mask == nullptr);
    for (std::size_t i = 0; found.detections != nullptr && i < found.count; ++i) {
      expect(!(found.detections[i].x0 > found.detections[i].x1) && found.detections[i].label >= 0);
    }
    const std::int64_t pixels = std::int64_t{found.mask_width} * found.mask_height;
    for (std::int64_t i = 0; found.mask != nullptr && i < pixels; ++i) expect(found.mask[i] < found.class_count);
  }

  void detect(riffle_detector* detector) {
    const riffle_frame given = frame();
    riffle_findings found;
    const riffle_status status = riffle_detector_run(detector, &given, &found, error());
    check(status, found);
  }

  void decode(const LiveSession& session, riffle_detector* detector) {
    const riffle_tensor tensor = riffle_session_output(session.handle);
    std::vector<float> numbers(std::max<std::size_t>(tensor.size, 1));
    constexpr float unusual[] = {0.5F, -1e30F, std::numeric_limits<float>::infinity(),
                                 std::numeric_limits<float>::quiet_NaN()};
    for (float& x : numbers) x = source_.one_in(8) ? unusual[source_.byte() % 4] : 0.01F * source_.byte();
    const riffle_input_buffer buffer = {numbers.data(), RIFFLE_FLOAT32, tensor.size};
    const riffle_placement placement = {1, 0, 0.5, 0, 2, 0, source_.number(64), source_.number(64)};
    riffle_findings found;
    const riffle_status status =
        riffle_detector_decode(detector, &buffer, 1, source_.one_in(2) ? &placement : nullptr, &found, error());
    check(status, found);
  }

  Source source_;
  riffle_error error_ = {};
  std::array<LoadedModel, 3> models_;
  std::array<LiveSession, 4> sessions_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Calls(Source(data, size)).run();
  return 0;
}
