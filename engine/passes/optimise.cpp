// The order of the passes.
#include "engine/passes/passes.hpp"

namespace riffle::passes {

void optimise(Graph& graph) {
  static constexpr void (*order[])(Graph&) = {
      remove_identities,
      fold_batch_norm,   // before activations: one may stand behind the norm
      hoist_activation,  // before fusing: a shuffle or concat may stand between an activation and its producer
      fuse_activation,   // before the residual: an add takes its activation along
      fuse_residual,
  };
  (void)graph::infer_shapes(graph);
  if (graph.outputs.size() > 1) {  // which are told apart by their names, whatever node makes them in the end
    for (graph::Output& output : graph.outputs) output.name = graph.output_name(output);
  }
  remove_dead_nodes(graph);
  for (const auto pass : order) {
    pass(graph);
    remove_dead_nodes(graph);  // what a pass replaced must not count as a reader in the next one
  }
}

}  // namespace riffle::passes
