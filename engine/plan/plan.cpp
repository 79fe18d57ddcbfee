#include "engine/plan/plan.hpp"

#include <cstdlib>

#include "engine/passes/passes.hpp"
#include "engine/plan/builder.hpp"

namespace riffle::plan {

const kernels::Kernels& choose_kernels() {
  const char* wanted = std::getenv("RIFFLE_ISA");
  if (wanted == nullptr || *wanted == '\0') return kernels::best_kernels();
  const kernels::Kernels* found = kernels::find_kernels(wanted);
  if (found != nullptr && found->supported()) return *found;
  std::string have;
  for (const kernels::Kernels* one : kernels::all_kernels()) {
    if (one->supported()) have += (have.empty() ? "" : ", ") + std::string(one->isa);
  }
  throw Error("RIFFLE_ISA=" + std::string(wanted) + ": " +
              (found == nullptr ? "this build has no such instruction set" : "this CPU does not run it") +
              "; what runs here: " + have);
}

std::shared_ptr<const Plan> make(graph::Graph graph, const Options& options) {
  const kernels::Kernels& kernels = options.kernels != nullptr ? *options.kernels : choose_kernels();
  if (options.height != 0 || options.width != 0) {
    const graph::Shape shape = graph.input_shape();
    graph.set_input_size(options.height != 0 ? options.height : shape.h, options.width != 0 ? options.width : shape.w);
  }
  passes::optimise(graph);
  return Builder(graph, kernels).build();
}

}  // namespace riffle::plan
