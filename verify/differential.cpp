#include "verify/differential.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "engine/format/format.hpp"
#include "engine/passes/passes.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "io/onnx/export.hpp"
#include "io/onnx/import.hpp"
#include "kernels/kernels.hpp"
#include "verify/effort.hpp"
#include "verify/interpret.hpp"
#include "verify/random_graph.hpp"

namespace riffle::verify {
namespace {

constexpr double tolerance = 1e-4;        ///< of the largest number in the network
constexpr double largest_compared = 1e6;  ///< behind which float32's rounding is as large as what is left in the end
constexpr std::size_t guard = 64;         ///< floats behind the output that must stay as they are
constexpr float untouched = -12345.678F;

std::string size_text(const graph::Graph& graph) {
  const graph::Shape shape = graph.input_shape();
  return std::to_string(shape.h) + "x" + std::to_string(shape.w);
}

/// What a graph makes of a batch, and how closely that can be asked for.
struct Expected {
  std::vector<double> output;
  double bound = 0.0;  ///< infinite where nothing can be asked for
};

Expected expect(const graph::Graph& graph, std::span<const float> images, std::int64_t batch, Closeness closeness) {
  const std::vector<Tensor> tensors = interpret(graph, images, batch);
  const Tensor& output = tensors[static_cast<std::size_t>(graph.outputs[0].node)];
  double largest = 0.0;
  bool held = true;  // by float32, all of them
  for (const Tensor& tensor : tensors) {
    held &= std::isfinite(tensor.error);
    for (const double value : tensor.values) largest = std::max(largest, std::abs(value));
  }
  const double bound = closeness == Closeness::certain ? output.error : tolerance * std::max(largest, 1e-3);
  return {planes(output), held ? bound : std::numeric_limits<double>::infinity()};
}

/// One way to run a graph.
struct Way {
  std::string name;
  const kernels::Kernels* kernels = nullptr;
  int threads = 1;
};

/// Throws Error where the plan or the session cannot be made.
std::vector<float> run(const graph::Graph& graph, const Way& way, std::span<const float> images, std::int64_t batch) {
  const auto plan = plan::make(graph, {.kernels = way.kernels});
  run::Session session(plan, way.threads);
  std::vector<float> output(static_cast<std::size_t>(batch * plan->outputs[0].shape.size()) + guard, untouched);
  session.run(images.data(), output.data(), batch);
  return output;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return std::ranges::equal(std::as_bytes(a), std::as_bytes(b));
}

std::optional<std::string> compare(std::span<const float> output, const Expected& expected, const std::string& what) {
  const std::size_t count = expected.output.size();
  if (output.size() != count + guard) {
    return what + ": " + std::to_string(output.size() - guard) + " numbers instead of " + std::to_string(count);
  }
  for (const float value : output.subspan(count)) {
    if (value != untouched) return what + ": it writes behind its output";
  }
  if (std::isinf(expected.bound)) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    const double difference = std::abs(static_cast<double>(output[i]) - expected.output[i]);
    if (!(difference <= expected.bound)) {
      return what + ": number " + std::to_string(i) + " is " + std::to_string(output[i]) + " instead of " +
             std::to_string(expected.output[i]);
    }
  }
  return std::nullopt;
}

/// By way of an ONNX file. Nothing where the graph is one that ONNX cannot say: a network with usual weights can be
/// said, or else the Error is passed on.
std::optional<graph::Graph> exported_and_imported(const graph::Graph& graph, Closeness closeness) {
  std::string bytes;
  try {
    bytes = onnx::export_model(graph);
  } catch (const Error&) {
    if (closeness == Closeness::usual) throw;
    return std::nullopt;
  }
  return onnx::import(std::as_bytes(std::span(bytes)));
}

/// Of one size of the input.
class Comparison {
 public:
  Comparison(const graph::Graph& graph, std::uint64_t seed, Closeness closeness)
      : graph_(graph), closeness_(closeness), random_(seed) {
    batch_ = random_.chance(70) ? 1 : random_.between(2, 3);
    images_ = random_images(graph, batch_, seed);
    expected_ = expect(graph, images_, batch_, closeness);
  }

  std::optional<std::string> operator()() {
    const kernels::Kernels& best = kernels::best_kernels();
    for (const kernels::Kernels* table : kernels::all_kernels()) {
      if (!table->supported()) continue;
      const Way way{"the plan on " + std::string(table->isa), table, 1};
      const std::vector<float> output = run(graph_, way, images_, batch_);
      if (auto difference = compare(output, expected_, name(way))) return difference;
      if (table != &best) continue;
      if (auto difference = check_threads(way, output)) return difference;
      if (auto difference = check_format(way, output)) return difference;
    }
    return check_onnx({"the plan of its ONNX file", &best, 1});
  }

 private:
  [[nodiscard]] std::string name(const Way& way) const {
    return way.name + ", input " + size_text(graph_) + ", batch " + std::to_string(batch_);
  }

  std::optional<std::string> check_threads(Way way, std::span<const float> alone) {
    if (!random_.chance(30)) return std::nullopt;
    way.threads = random_.between(2, 3);
    if (same_bits(run(graph_, way, images_, batch_), alone)) return std::nullopt;
    return name(way) + ": other bits on " + std::to_string(way.threads) + " threads than on one";
  }

  std::optional<std::string> check_format(const Way& way, std::span<const float> before) {
    const std::vector<std::byte> bytes = format::save(graph_);
    const graph::Graph loaded = format::load(bytes, nullptr);
    if (!same_bits(run(loaded, way, images_, batch_), before)) return name(way) + ": other bits as a .riffle file";
    if (format::save(loaded) != bytes) return "saved, loaded and saved again it is another .riffle file";
    return std::nullopt;
  }

  std::optional<std::string> check_onnx(const Way& way) {
    const auto imported = exported_and_imported(graph_, closeness_);
    if (!imported) return std::nullopt;
    return compare(run(*imported, way, images_, batch_), expected_, name(way));
  }

  const graph::Graph& graph_;
  Closeness closeness_;
  Random random_;
  std::int64_t batch_ = 1;
  std::vector<float> images_;
  Expected expected_;
};

/// A graph in another size, and its ONNX file in that size: both compute the same, or both refuse it.
std::optional<std::string> check_other_size(const graph::Graph& graph, std::uint64_t seed, Closeness closeness) {
  Random random(seed + 1);
  const graph::Shape shape = graph.input_shape();
  const std::int32_t h = std::max(1, shape.h + random.between(-3, 5)), w = std::max(1, shape.w + random.between(-3, 5));
  const auto resized = [&](graph::Graph from) -> std::optional<graph::Graph> {
    from.preprocessing.reset();  // which may be for the one size, and changes no number
    try {
      from.set_input_size(h, w);
      (void)graph::infer_shapes(from);
      return from;
    } catch (const Error&) {
      return std::nullopt;
    }
  };
  const std::string size = ", input " + std::to_string(h) + "x" + std::to_string(w);
  const std::optional<graph::Graph> other = resized(graph);
  if (other && elements_read(*other) > 4 * elements_read(graph)) return std::nullopt;
  if (other) {
    if (auto difference = Comparison(*other, seed, closeness)()) return difference;
  }
  std::optional<graph::Graph> imported = exported_and_imported(graph, closeness);
  if (!imported) return std::nullopt;
  imported = resized(std::move(*imported));
  if (!imported) return std::nullopt;  // it says that it holds for one size alone
  const Way way{"the plan of its ONNX file, of another size than it has there", &kernels::best_kernels(), 1};
  if (!other) {
    // Padding as large as a pooling's kernel, which ONNX has not, may be what the size is refused for.
    if (closeness == Closeness::certain) return std::nullopt;
    return way.name + size + ": there is one, though the graph refuses the size";
  }
  const std::vector<float> images = random_images(*other, 1, seed);
  return compare(run(*imported, way, images, 1), expect(*other, images, 1, closeness), way.name + size);
}

std::optional<std::string> check_passes(const graph::Graph& graph) {
  graph::Graph once = graph;
  passes::optimise(once);
  graph::Graph twice = once;
  passes::optimise(twice);
  if (format::save(once) == format::save(twice)) return std::nullopt;
  return "optimising it twice makes another graph:\n" + graph::to_text(once) + "and\n" + graph::to_text(twice);
}

}  // namespace

std::optional<std::string> find_difference(const graph::Graph& graph, std::uint64_t seed, Closeness closeness) {
  (void)graph::infer_shapes(graph);
  try {
    if (auto difference = Comparison(graph, seed, closeness)()) return difference;
    if (auto difference = check_passes(graph)) return difference;
    return check_other_size(graph, seed, closeness);
  } catch (const Error& error) {
    return "a graph that verifies is refused: " + std::string(error.what());
  }
}

namespace {

bool verifies(const graph::Graph& graph) {
  try {
    (void)graph::infer_shapes(graph);
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// The graph with node `first` as its input, if nothing behind that reads anything before it.
std::optional<graph::Graph> beginning_at(const graph::Graph& graph, const std::vector<graph::Shape>& shapes,
                                         graph::NodeId first) {
  graph::Graph result;
  result.name = graph.name;
  result.outputs = {{graph.outputs[0].node - first}};
  if (result.outputs[0].node < 0) return std::nullopt;
  const auto from = static_cast<std::size_t>(first);
  result.add(graph.nodes[from].name, graph::Input{shapes[from]});
  for (std::size_t i = from + 1; i < graph.nodes.size(); ++i) {
    graph::Node node = graph.nodes[i];
    for (graph::NodeId& input : node.inputs) {
      if ((input -= first) < 0) return std::nullopt;
    }
    result.nodes.push_back(std::move(node));
  }
  return result;
}

/// Smaller graphs that might do, the boldest first.
std::vector<graph::Graph> simpler(const graph::Graph& graph) {
  std::vector<graph::Graph> all;
  const auto offer = [&](graph::Graph candidate) {
    if (!verifies(candidate)) return;
    passes::remove_dead_nodes(candidate);
    all.push_back(std::move(candidate));
  };
  const auto count = static_cast<graph::NodeId>(graph.nodes.size());
  for (graph::NodeId id = 0; id < count; ++id) {  // end earlier
    if (id == graph.outputs[0].node) continue;
    graph::Graph candidate = graph;
    candidate.outputs = {{id}};
    offer(std::move(candidate));
  }
  const std::vector<graph::Shape> shapes = graph::infer_shapes(graph);
  for (graph::NodeId id = count - 1; id >= 1; --id) {  // begin later: the node is the input
    if (auto later = beginning_at(graph, shapes, id)) offer(std::move(*later));
  }
  for (graph::NodeId id = 1; id < count; ++id) {  // pass a node by
    if (id == graph.outputs[0].node) continue;
    for (const graph::NodeId operand : graph.nodes[static_cast<std::size_t>(id)].inputs) {
      graph::Graph candidate = graph;
      for (graph::Node& node : candidate.nodes) std::replace(node.inputs.begin(), node.inputs.end(), id, operand);
      offer(std::move(candidate));
    }
  }
  for (graph::NodeId id = 1; id < count; ++id) {  // leave an operand out
    for (std::size_t i = 0; i < graph.nodes[static_cast<std::size_t>(id)].inputs.size(); ++i) {
      graph::Graph candidate = graph;
      std::vector<graph::NodeId>& inputs = candidate.nodes[static_cast<std::size_t>(id)].inputs;
      inputs.erase(inputs.begin() + static_cast<std::ptrdiff_t>(i));
      if (!inputs.empty()) offer(std::move(candidate));
    }
  }
  for (graph::NodeId id = 1; id < count; ++id) {  // leave an activation out
    graph::Graph candidate = graph;
    graph::Activation* activation = graph::fused_activation(candidate.nodes[static_cast<std::size_t>(id)].operation);
    if (activation == nullptr || *activation == graph::Activation::none) continue;
    *activation = graph::Activation::none;
    offer(std::move(candidate));
  }
  const graph::Shape shape = graph.input_shape();
  for (const auto& [h, w] :
       {std::pair{1, 1}, {shape.h / 2, shape.w / 2}, {shape.h - 1, shape.w}, {shape.h, shape.w - 1}}) {
    if (h < 1 || w < 1 || (h == shape.h && w == shape.w)) continue;
    graph::Graph candidate = graph;
    candidate.set_input_size(h, w);
    offer(std::move(candidate));
  }
  return all;
}

}  // namespace

graph::Graph shrink(graph::Graph graph, const std::function<bool(const graph::Graph&)>& fails) {
  passes::remove_dead_nodes(graph);
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (graph::Graph& candidate : simpler(graph)) {
      if (!fails(candidate)) continue;
      graph = std::move(candidate);
      smaller = true;
      break;
    }
  }
  return graph;
}

}  // namespace riffle::verify
