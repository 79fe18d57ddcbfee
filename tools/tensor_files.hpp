// A model with the tensors of a file as its inputs: .npy, or .npz for several by their names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "io/npy.hpp"
#include "io/npz.hpp"

namespace riffle::tools {

/// The name's ending says it, as that of a file of NumPy's savez() does.
bool is_archive(const std::string& path);

/// For people: "'left', 'right'".
std::string input_names(const graph::Graph& graph);
std::string output_names(const graph::Graph& graph);

enum class Wanted : std::uint8_t {
  outputs,
  every_tensor,  ///< behind the outputs: of an .onnx file by the names that it has, of a .riffle file the nodes'
                 ///< results
};

struct Loaded {
  graph::Graph graph;                   ///< of the inputs' size
  std::vector<io::Tensor> inputs = {};  ///< in the graph's order
  std::int64_t batch = 1;
  std::size_t unread = 0;  ///< how many more tensors the file has
};

/// The model, and its inputs from the file at `path`. The size of the first becomes the graph's, which is read again at
/// this size where it is another one: a model may leave its size open, and hold for the size that it is read at. Throws
/// Error naming the file and the tensor where one is missing or is not as the model takes it.
Loaded load_with_inputs(const std::string& model, const std::string& path, Wanted wanted);

/// One batch through a plan of what was loaded.
class Batch {
 public:
  /// Makes room for the outputs. `loaded` outlives it. Throws Error, with `where` in front, where they are more than is
  /// held.
  Batch(const Loaded& loaded, const plan::Plan& plan, const std::string& where);

  void run(run::Session& session) { session.run(from_.data(), to_.data(), size_); }
  /// In the plan's order.
  [[nodiscard]] std::vector<io::NamedTensor>& outputs() { return outputs_; }

 private:
  std::int64_t size_;
  std::vector<io::NamedTensor> outputs_;
  std::vector<const void*> from_;
  std::vector<void*> to_;
};

}  // namespace riffle::tools
