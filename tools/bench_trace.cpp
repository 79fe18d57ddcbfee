#include "tools/bench_trace.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

namespace riffle::tools {
namespace {

double microseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

/// What the format calls metadata: a name for a process or one of its threads.
nlohmann::json name_event(const char* whose, int thread, const std::string& name) {
  return {{"ph", "M"}, {"pid", 1}, {"tid", thread}, {"name", whose}, {"args", {{"name", name}}}};
}

}  // namespace

std::string trace_json(const run::Session& session, std::span<const run::TraceSlice> slices) {
  const plan::Plan& plan = session.plan();
  auto began = std::chrono::steady_clock::time_point::max();
  for (const run::TraceSlice& slice : slices) {
    if (slice.tiles > 0) began = std::min(began, slice.begin);
  }
  nlohmann::json events = nlohmann::json::array();
  events.push_back(name_event("process_name", 0, plan.name + ", " + plan.kernels->isa));
  auto slice = slices.begin();
  for (int worker = 0; worker < session.threads(); ++worker) {
    events.push_back(name_event("thread_name", worker, "worker " + std::to_string(worker)));
    for (std::size_t s = 0; s < plan.steps.size(); ++s, ++slice) {
      if (slice->tiles == 0) continue;
      const plan::Step& step = plan.steps[s];
      events.push_back({{"ph", "X"},
                        {"pid", 1},
                        {"tid", worker},
                        {"name", step.name},
                        {"cat", step.operation},
                        {"ts", microseconds(slice->begin - began)},
                        {"dur", microseconds(slice->end - slice->begin)},
                        {"args",
                         {{"step", s},
                          {"operation", step.operation},
                          {"kernel", step.kernel},
                          {"tiles", slice->tiles},
                          {"step_tiles", step.tiles}}}});
    }
  }
  const nlohmann::json file = {{"traceEvents", std::move(events)}, {"displayTimeUnit", "ns"}};
  return file.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace riffle::tools
