// riffle bench --trace.
#pragma once

#include <span>
#include <string>

#include "engine/run/session.hpp"

namespace riffle::tools {

/// An inference as a file of Chrome's trace-event format, which chrome://tracing and Perfetto show: a row a worker, a
/// slice a step that it took part in. `slices` are Session::run_traced()'s.
std::string trace_json(const run::Session& session, std::span<const run::TraceSlice> slices);

}  // namespace riffle::tools
