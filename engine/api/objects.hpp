// What the C API's pointers point to.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "engine/graph/graph.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "riffle/riffle.h"

/// The graph, and the plan that was made last: sessions that want the same one share its packed weights. Only the last,
/// so that a model asked for ever new sizes does not grow.
struct riffle_model {
  explicit riffle_model(riffle::graph::Graph loaded) : graph(std::move(loaded)) {}

  /// Any thread, at any time. Throws what plan::make throws.
  std::shared_ptr<const riffle::plan::Plan> plan(const riffle::plan::Options& options) const;

  const riffle::graph::Graph graph;

 private:
  mutable std::mutex mutex_;
  mutable riffle::plan::Options last_options_;
  mutable std::shared_ptr<const riffle::plan::Plan> last_plan_;
};

struct riffle_session {
  riffle::run::Session session;
  std::string input_name, output_name;
  riffle_normalisation normalisation;  ///< what the model carries
  std::atomic<bool> at_work = false;
};
