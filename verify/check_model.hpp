// Does every plan of a model compute what the model means, and if not, from which node on?
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "verify/deviation.hpp"

namespace riffle::verify {

/// What came of one way to run the model.
struct CheckedWay {
  std::string way;        ///< "avx2"
  double difference = 0;  ///< the largest of any output, as a part of the output's largest number or of 1
  std::optional<Deviation> output = {};  ///< the first output that is not as it should be; nothing where all are
  std::optional<Deviation> first_node =
      {};  ///< then the first node, in the graph's order, if one is that the caller gets
};

/// The graph unoptimised, in double, against a plan on every instruction set that this CPU has. A number of a tensor is
/// right within `tolerance` of the tensor's largest one, or of 1 if that is less, of an output in few bits also within
/// one step of its type; an integer of a quantised node, if it is equal. inputs[i] are the caller's numbers of input i,
/// of one image. `done` is called behind each way. Throws Error if the graph does not verify.
std::vector<CheckedWay> check_model(const graph::Graph& graph, const std::vector<std::vector<std::byte>>& inputs,
                                    double tolerance, const std::function<void(const CheckedWay&)>& done);

/// The same graph with the results of all nodes but the inputs as outputs, too, all of them in the graph's order and by
/// the nodes' names; what is called as another output is gets a number. Of more than graph::max_tensors the last ones
/// are missing, and so is the metadata.
graph::Graph with_every_node(graph::Graph graph);

}  // namespace riffle::verify
