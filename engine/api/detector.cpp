// Detectors of the C API: a session, what decodes its outputs, and room for both.
#include "engine/decode/detector.hpp"

#include <algorithm>
#include <cmath>
#include <variant>
#include <vector>

#include "engine/api/guard.hpp"
#include "engine/api/objects.hpp"
#include "engine/decode/points_and_masks.hpp"
#include "engine/graph/built.hpp"

using riffle::api::bad_argument;
using riffle::api::Claim;
using riffle::api::guarded;
using riffle::api::report;

namespace decode = riffle::decode;
namespace graph = riffle::graph;

struct riffle_detector {
  using Decoder = std::variant<decode::Detector, decode::Landmarks, decode::Segment>;

  riffle_detector(riffle_session& of, Decoder made) : session(&of), decoder(std::move(made)) {}

  riffle_session* session;
  Decoder decoder;
  float threshold = 0;  ///< of landmarks: above it there is one
  std::vector<std::byte> input;
  std::vector<std::vector<float>> outputs;
  std::vector<riffle_output_buffer> buffers;  ///< these
  std::vector<const float*> numbers;          ///< of what is decoded
  std::vector<decode::Detection> found;
  std::vector<riffle_detection> detections;
  std::vector<float> points;
  std::vector<std::uint8_t> mask;
  std::atomic<bool> at_work = false;
};

namespace {

using riffle::plan::Plan;

/// What is wrong with the options, or null.
const char* fault_of(const riffle_detector_options& options) {
  if (!std::isfinite(options.threshold)) return "threshold is not finite";
  if (!(options.iou >= 0 && options.iou <= 1)) return "iou is not in 0 to 1";
  for (const void* field : options.reserved) {
    if (field != nullptr) return "a reserved field is not zero (start from riffle_detector_options options = {0})";
  }
  return nullptr;
}

riffle_detector::Decoder decoder_of(graph::Task task, const Plan& plan, const riffle_detector_options& options) {
  std::vector<decode::OutputShape> outputs;
  for (const riffle::plan::Tensor& output : plan.outputs) {
    if (output.type != riffle::Type::f32) {
      throw riffle::Error({"the output '", output.name, "' is of ", name_of(output.type), "; detectors read float32"});
    }
    outputs.push_back({output.name, {output.dims.begin(), output.dims.end()}});
  }
  const graph::Shape& input = plan.inputs[0].shape;
  const float threshold = options.threshold;
  if (auto* detect = std::get_if<graph::Detect>(&task)) {
    if (threshold != 0) detect->threshold = threshold;
    if (options.iou != 0) detect->iou = options.iou;
    return decode::Detector(*detect, outputs, input.h, input.w);
  }
  if (auto* landmarks = std::get_if<graph::Landmarks>(&task)) {
    return decode::Landmarks(*landmarks, outputs, input.h, input.w);
  }
  if (auto* segment = std::get_if<graph::Segment>(&task)) {
    if (threshold != 0) segment->threshold = threshold;
    return decode::Segment(*segment, outputs);
  }
  throw riffle::Error("the model classifies: its scores are its first output's");
}

void make_room(riffle_detector& detector, const Plan& plan) {
  const riffle::plan::Tensor& input = plan.inputs[0];
  detector.input.resize(static_cast<std::size_t>(input.bytes()));
  for (const riffle::plan::Tensor& output : plan.outputs) {
    detector.outputs.emplace_back(static_cast<std::size_t>(output.shape.size()));
    std::vector<float>& own = detector.outputs.back();
    detector.buffers.push_back({own.data(), RIFFLE_FLOAT32, own.size()});
  }
  detector.numbers.resize(plan.outputs.size());
  if (auto* of_boxes = std::get_if<decode::Detector>(&detector.decoder)) {
    detector.found.resize(of_boxes->capacity());
    detector.detections.resize(of_boxes->capacity());
    detector.points.resize(2 * of_boxes->points() * of_boxes->capacity());
  } else if (auto* of_points = std::get_if<decode::Landmarks>(&detector.decoder)) {
    detector.points.resize(of_points->points() * of_points->dimensions());
  } else {
    const auto& of_mask = std::get<decode::Segment>(detector.decoder);
    detector.mask.resize(static_cast<std::size_t>(of_mask.height()) * static_cast<std::size_t>(of_mask.width()));
  }
}

/// What the numbers of the network's outputs, which are detector.numbers, mean.
void decode_numbers(riffle_detector& detector, const riffle_placement& at, riffle_findings& findings) {
  const riffle::DefaultArithmetic arithmetic;
  const decode::Placement placement = {at.xx, at.xy, at.x0, at.yx, at.yy, at.y0};
  const graph::Shape& input = detector.session->session.plan().inputs[0].shape;
  if (auto* of_boxes = std::get_if<decode::Detector>(&detector.decoder)) {
    findings.task = RIFFLE_DETECT;
    findings.count = of_boxes->run(detector.numbers, placement, at.height, at.width, detector.found, detector.points);
    for (std::size_t i = 0; i < findings.count; ++i) {
      const decode::Detection& one = detector.found[i];
      detector.detections[i] = {one.x0, one.y0, one.x1, one.y1, one.score, one.label};
    }
    findings.detections = detector.detections.data();
    findings.point_count = of_boxes->points();
    findings.point_dimensions = 2;
    findings.points = findings.point_count > 0 ? detector.points.data() : nullptr;
  } else if (auto* of_points = std::get_if<decode::Landmarks>(&detector.decoder)) {
    findings.task = RIFFLE_LANDMARKS;
    findings.score = static_cast<float>(of_points->run(detector.numbers, placement, detector.points));
    findings.count = findings.score > detector.threshold ? 1 : 0;
    findings.point_count = of_points->points();
    findings.point_dimensions = static_cast<std::int32_t>(of_points->dimensions());
    findings.points = detector.points.data();
  } else {
    const auto& of_mask = std::get<decode::Segment>(detector.decoder);
    findings.task = RIFFLE_SEGMENT;
    of_mask.run(detector.numbers, detector.mask);
    findings.mask = detector.mask.data();
    findings.mask_width = of_mask.width();
    findings.mask_height = of_mask.height();
    findings.class_count = of_mask.classes();
    const double x = static_cast<double>(input.w) / of_mask.width(),
                 y = static_cast<double>(input.h) / of_mask.height();
    findings.mask_placement = at;
    findings.mask_placement.xx *= x;
    findings.mask_placement.yx *= x;
    findings.mask_placement.xy *= y;
    findings.mask_placement.yy *= y;
  }
}

/// The input's own pixels.
riffle_placement unplaced(const Plan& plan) {
  const graph::Shape& input = plan.inputs[0].shape;
  return {1, 0, 0, 0, 1, 0, input.w, input.h};
}

bool is_finite(const riffle_placement& p) {
  return std::isfinite(p.xx) && std::isfinite(p.xy) && std::isfinite(p.x0) && std::isfinite(p.yx) &&
         std::isfinite(p.yy) && std::isfinite(p.y0);
}

riffle_status busy(riffle_error* error) {
  return report(error, RIFFLE_BUSY, "the detector is at work in another thread; each thread needs its own");
}

}  // namespace

riffle_status riffle_detector_create(riffle_session* session, const riffle_detector_options* options,
                                     riffle_detector** out, riffle_error* error) {
  if (out == nullptr) return bad_argument(error, "out is NULL");
  *out = nullptr;
  if (session == nullptr) return bad_argument(error, "session is NULL");
  const riffle_detector_options chosen = options != nullptr ? *options : riffle_detector_options{};
  if (const char* fault = fault_of(chosen)) return bad_argument(error, fault);
  if constexpr (!graph::built::tasks) {
    return report(error, RIFFLE_UNSUPPORTED, "this build of riffle was made without tasks (RIFFLE_OPERATIONS)");
  }
  if (!session->task) {
    return bad_argument(error, "the model does not say what its answers mean (riffle convert --describe)");
  }
  return guarded(error, RIFFLE_BAD_ARGUMENT, [&] {
    const Plan& plan = session->session.plan();
    auto detector = std::make_unique<riffle_detector>(*session, decoder_of(*session->task, plan, chosen));
    if (const auto* landmarks = std::get_if<graph::Landmarks>(&*session->task)) {
      detector->threshold = chosen.threshold != 0 ? chosen.threshold : landmarks->threshold;
    }
    make_room(*detector, plan);
    *out = detector.release();
  });
}

void riffle_detector_free(riffle_detector* detector) { delete detector; }

riffle_status riffle_detector_run(riffle_detector* detector, const riffle_frame* frame, riffle_findings* findings,
                                  riffle_error* error) {
  if (findings == nullptr) return bad_argument(error, "findings is NULL");
  *findings = {};
  if (detector == nullptr) return bad_argument(error, "detector is NULL");
  const Claim claim(detector->at_work);
  if (!claim) return busy(error);
  riffle_session* const session = detector->session;
  const Plan& plan = session->session.plan();
  if (plan.inputs.size() != 1) return bad_argument(error, "the network has several inputs, and a frame is one");
  riffle_placement placement;
  riffle_status status = riffle_session_place_frame(session, frame, &placement, error);
  if (status == RIFFLE_OK) status = riffle_session_read_frame(session, frame, nullptr, detector->input.data(), error);
  if (status != RIFFLE_OK) return status;
  const riffle_tensor tensor = riffle_session_input(session);
  const riffle_input_buffer input = {detector->input.data(), tensor.type, tensor.size};
  status = riffle_session_run_buffers(session, &input, 1, detector->buffers.data(), detector->buffers.size(), 1, error);
  if (status != RIFFLE_OK) return status;
  for (std::size_t i = 0; i < detector->numbers.size(); ++i) detector->numbers[i] = detector->outputs[i].data();
  decode_numbers(*detector, placement, *findings);
  return RIFFLE_OK;
}

riffle_status riffle_detector_decode(riffle_detector* detector, const riffle_input_buffer* outputs, size_t output_count,
                                     const riffle_placement* placement, riffle_findings* findings,
                                     riffle_error* error) {
  if (findings == nullptr) return bad_argument(error, "findings is NULL");
  *findings = {};
  if (detector == nullptr) return bad_argument(error, "detector is NULL");
  if (outputs == nullptr) return bad_argument(error, "outputs is NULL");
  if (placement != nullptr && !is_finite(*placement)) return bad_argument(error, "placement is not finite");
  const Claim claim(detector->at_work);
  if (!claim) return busy(error);
  if (output_count != detector->outputs.size()) {
    return bad_argument(error, "output_count is not riffle_session_output_count()'s");
  }
  for (std::size_t i = 0; i < output_count; ++i) {
    const bool fits = outputs[i].data != nullptr && outputs[i].type == RIFFLE_FLOAT32 &&
                      outputs[i].size == detector->outputs[i].size() &&
                      reinterpret_cast<std::uintptr_t>(outputs[i].data) % alignof(float) == 0;
    if (!fits) {
      char text[160];
      std::snprintf(text, sizeof text, "the buffer of output %zu is not %zu aligned numbers of float32", i,
                    detector->outputs[i].size());
      return bad_argument(error, text);
    }
    detector->numbers[i] = static_cast<const float*>(outputs[i].data);
  }
  decode_numbers(*detector, placement != nullptr ? *placement : unplaced(detector->session->session.plan()), *findings);
  return RIFFLE_OK;
}
