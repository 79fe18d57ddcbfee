// The order of the passes.
#include "engine/graph/built.hpp"
#include "engine/graph/quantization.hpp"
#include "engine/passes/passes.hpp"

namespace riffle::passes {
namespace {

/// What a pass has replaced must not count as a reader in the next one. Of a build that has not what a pass is for, it
/// leaves the graph alone.
template <void (*pass)(Graph&), bool built = true>
void run_and_clean(Graph& graph) {
  if constexpr (!built) return;
  pass(graph);
  remove_dead_nodes(graph);
}

constexpr Pass all[] = {
    {"remove_dead_nodes", remove_dead_nodes},
    {"remove_identities", run_and_clean<remove_identities>},
    {"fold_batch_norm", run_and_clean<fold_batch_norm>},  // before activations: one may stand behind the norm
    // before fusing: a shuffle or concat may stand between an activation and its producer
    {"hoist_activation", run_and_clean<hoist_activation>, true},
    {"fuse_activation", run_and_clean<fuse_activation>, true},  // before the residual: an add takes it along
    {"convolve_phases", run_and_clean<convolve_phases, graph::is_built<graph::Crop>>, true},
    // before the residual: what it moves before a resize may leave the resize to be one
    {"convolve_before_enlarging", run_and_clean<convolve_before_enlarging, graph::is_built<graph::Resize>>, true},
    {"fuse_residual", run_and_clean<fuse_residual>, true},
};

}  // namespace

std::span<const Pass> in_order() { return all; }

void optimise(Graph& graph, bool fuse) {
  (void)graph::infer_shapes(graph);
  if (graph.outputs.size() > 1) {  // which are told apart by their names, whatever node makes them in the end
    for (graph::Output& output : graph.outputs) output.name = graph.output_name(output);
  }
  if (graph::is_quantised(graph)) {
    // It was optimised before: where its nodes round is a part of what it computes. But no kernel computes a norm.
    remove_dead_nodes(graph);
    run_and_clean<fold_batch_norm>(graph);
    if constexpr (graph::built::function) {
      if (fuse) run_and_clean<fuse_activation>(graph);
    }
    return;
  }
  for (const Pass& pass : in_order()) {
    if (fuse || !pass.fuses) pass.run(graph);
  }
}

}  // namespace riffle::passes
