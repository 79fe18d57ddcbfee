// What the C API's pointers point to.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "riffle/riffle.h"

/// The graph, and the plans that were made: sessions that want the same one share its packed weights. Only the last one
/// is kept when no session has it any more, so that a model asked for ever new sizes does not grow.
struct riffle_model {
  explicit riffle_model(riffle::graph::Graph loaded) : graph(std::move(loaded)) {}

  /// Any thread, at any time. Options that mean the same get the same plan. Throws what plan::make throws.
  std::shared_ptr<const riffle::plan::Plan> plan(const riffle::plan::Options& options) const;

  const riffle::graph::Graph graph;

 private:
  mutable std::mutex mutex_;
  struct Made {
    riffle::plan::Options options;  ///< without defaults
    std::weak_ptr<const riffle::plan::Plan> plan;
  };
  mutable std::vector<Made> made_;
  mutable std::shared_ptr<const riffle::plan::Plan> last_;
};

struct riffle_session {
  riffle::run::Session session;
  riffle::graph::Preprocessing preprocessing;  ///< what the model carries, else the default
  std::optional<riffle::graph::Task> task;     ///< what the model carries
  std::optional<bool> takes_pixels;            ///< how the first input holds an image: graph::holds_pixels()
  std::vector<const void*> inputs;             ///< room for what a run is given
  std::vector<void*> outputs;
  std::atomic<bool> at_work = false;
};

namespace riffle::api {

/// A claim to use a session, or a detector, alone.
class Claim {
 public:
  explicit Claim(std::atomic<bool>& at_work) : at_work_(at_work), got_(!at_work_.exchange(true)) {}
  ~Claim() {
    if (got_) at_work_.store(false);
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  explicit operator bool() const { return got_; }

 private:
  std::atomic<bool>& at_work_;
  bool got_;
};

}  // namespace riffle::api
