#include "verify/differential.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
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
#include "verify/numbers.hpp"
#include "verify/random_graph.hpp"

namespace riffle::verify {
namespace {

constexpr double tolerance = 1e-4;  ///< of the largest number in the network
constexpr std::size_t guard = 256;  ///< bytes behind each output that must stay as they are
constexpr std::byte untouched{0xA7};

/// A batch of the caller's tensors, one an input or output.
using Buffers = std::vector<std::vector<std::byte>>;

std::string size_text(const graph::Graph& graph) {
  std::string text;
  for (std::size_t i = 0; i < graph.input_count(); ++i) {
    const graph::Shape& shape = graph.input(i).shape;
    text += (i == 0 ? "" : ", ") + std::to_string(shape.h) + "x" + std::to_string(shape.w);
  }
  return text;
}

/// What an output of a batch is, as the caller gets it, and between which numbers of its type it may be: those that the
/// two ends of the bound become.
struct ExpectedOutput {
  graph::Output output;
  std::vector<double> values;
  std::vector<float> least = {}, most = {};  ///< empty where nothing is compared
};

struct Expected {
  std::vector<ExpectedOutput> outputs;
  bool is_compared = true;  ///< false where nothing can be asked for but the outputs' size
};

/// How near what is computed in a type has to come.
struct Nearness {
  double less;      ///< so many times as near as float32: 2^13 for halves, which have 13 bits less
  double absolute;  ///< and a constant more: halves below 2^-14 have fewer bits
  double usual;     ///< of the largest number; in halves, an error of 2^-11 at each of some hundred roundings
  double largest;   ///< where there are larger numbers, there may be sums beyond what the type holds
};
constexpr double without_end = std::numeric_limits<double>::infinity();
constexpr Nearness in_floats{1, 0, tolerance, without_end}, in_halves{0x1p13, 0x1p-14, 0.05, 1000},
    in_bfloats{0x1p16, 0, 0.2, without_end};

/// Has it a function that jumps, or whose slope has no bound? Then an error that is so many times as large may become
/// one that is more times as large.
bool is_steep(const graph::Operation& operation) {
  const graph::Activation* const activation = graph::fused_activation(operation);
  return activation != nullptr && !std::isfinite(kernels::steepest(graph::function_args(*activation)));
}

Expected expect(const graph::Graph& graph, const Buffers& inputs, std::int64_t batch, Closeness closeness,
                const Nearness& nearness = in_floats) {
  std::vector<std::vector<float>> numbers;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    numbers.push_back(decode(inputs[i], graph.input(i).type, graph.input(i).quantization));
  }
  const graph::ById<Tensor> tensors = interpret(graph, numbers, batch);
  double largest = 0.0;
  Expected expected;
  for (const Tensor& tensor : tensors) {
    expected.is_compared &= std::isfinite(tensor.error);  // float32 holds all of them
  }
  for (const graph::Node& node : graph.nodes) {
    // Which of two numbers is the larger that have become the same, or on which side of a step one is.
    expected.is_compared &= nearness.less == 1 || !(graph::is_index(node.operation) || is_steep(node.operation));
  }
  for (const Tensor& tensor : tensors) {
    for (const double value : tensor.values) largest = std::max(largest, std::abs(value));
  }
  expected.is_compared &= largest < nearness.largest;
  for (const graph::Output& output : graph.outputs) {
    const Tensor& tensor = tensors[output.node];
    const double certain = tensor.error * nearness.less + nearness.absolute;
    const double usual = nearness.usual * std::max(largest, 1e-3);
    const double bound = closeness == Closeness::certain ? certain : usual;
    ExpectedOutput& one = expected.outputs.emplace_back(ExpectedOutput{output, arranged(tensor, output.arrangement)});
    if (!expected.is_compared) continue;
    const auto displaced = [&](double by) {
      std::vector<float> ends;
      for (const double value : one.values) ends.push_back(static_cast<float>(value + by));
      return decode(encode(ends, output.type, output.quantization), output.type, output.quantization);
    };
    one.least = displaced(-bound);
    one.most = displaced(bound);
  }
  return expected;
}

/// The outputs, and the guard behind each. Throws Error where there is no such session.
Buffers run(const std::shared_ptr<const plan::Plan>& plan, int threads, const Buffers& inputs, std::int64_t batch) {
  Buffers outputs;
  for (const plan::Tensor& output : plan->outputs) {
    outputs.emplace_back(static_cast<std::size_t>(batch * output.bytes()) + guard, untouched);
  }
  std::vector<const void*> from;
  for (const auto& input : inputs) from.push_back(input.data());
  std::vector<void*> to;
  for (auto& output : outputs) to.push_back(output.data());
  run::Session(plan, threads).run(from.data(), to.data(), batch);
  return outputs;
}

std::shared_ptr<const plan::Plan> best_plan(const graph::Graph& graph) {
  return plan::make(graph, {.kernels = &kernels::best_kernels()});
}

std::optional<std::string> compare(std::span<const std::byte> result, const ExpectedOutput& expected,
                                   bool is_compared) {
  const graph::Output& output = expected.output;
  const std::size_t bytes = expected.values.size() * static_cast<std::size_t>(size_of(output.type));
  if (result.size() != bytes + guard) {
    return std::to_string(result.size() - guard) + " bytes instead of " + std::to_string(bytes);
  }
  if (!std::ranges::all_of(result.subspan(bytes), [](std::byte b) { return b == untouched; })) {
    return "something is written behind it";
  }
  if (!is_compared) return std::nullopt;
  const std::vector<float> numbers = decode(result.first(bytes), output.type, output.quantization);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] >= expected.least[i] && numbers[i] <= expected.most[i]) continue;
    return "number " + std::to_string(i) + " is " + std::to_string(numbers[i]) + " instead of " +
           std::to_string(expected.values[i]);
  }
  return std::nullopt;
}

std::optional<std::string> compare(const Buffers& results, const Expected& expected, const std::string& what) {
  const std::size_t count = expected.outputs.size();
  if (results.size() != count) {
    return what + ": " + std::to_string(results.size()) + " outputs instead of " + std::to_string(count);
  }
  for (std::size_t o = 0; o < count; ++o) {
    if (const auto difference = compare(results[o], expected.outputs[o], expected.is_compared)) {
      return what + (count == 1 ? "" : ", output " + std::to_string(o)) + ": " + *difference;
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

/// Of one size of the inputs.
class Comparison {
 public:
  Comparison(const graph::Graph& graph, std::uint64_t seed, Closeness closeness, Ways ways)
      : graph_(graph), closeness_(closeness), ways_(ways), random_(seed) {
    batch_ = random_.chance(70) ? 1 : random_.between(2, 3);
    inputs_ = random_inputs(graph, batch_, seed);
    expected_ = expect(graph, inputs_, batch_, closeness);
  }

  std::optional<std::string> operator()() {
    for (const kernels::Kernels* table : kernels::all_kernels()) {
      if (!table->supported() || table->type != Type::f32 || !tries(60)) continue;
      const auto plan = plan::make(graph_, {.kernels = table});
      const Buffers outputs = run(plan, 1, inputs_, batch_);
      const std::string what = name("the plan on " + std::string(table->isa));
      if (auto difference = compare(outputs, expected_, what)) return difference;
      if (table != kernels::find_kernels(kernels::best_kernels(), Type::f32)) continue;
      if (auto difference = check_names(*plan)) return difference;
      if (auto difference = check_threads(plan, outputs)) return what + ": " + *difference;
      if (auto difference = check_precision(Type::f16, in_halves)) return difference;
      if (auto difference = check_precision(Type::bf16, in_bfloats)) return difference;
      if (auto difference = check_without(*table)) return difference;
      if (!tries(25)) continue;
      if (auto difference = check_format(outputs)) return what + ": " + *difference;
    }
    if (!tries(25)) return std::nullopt;
    const auto imported = exported_and_imported(graph_, closeness_);
    if (!imported) return std::nullopt;
    return compare(run(best_plan(*imported), 1, inputs_, batch_), expected_, name("the plan of its ONNX file"));
  }

 private:
  /// Is this way one of those that are tried, of which so many percent are where some are?
  [[nodiscard]] bool tries(std::int32_t percent) { return ways_ == Ways::all || random_.chance(percent); }

  [[nodiscard]] std::string name(const std::string& way) const {
    return way + ", input " + size_text(graph_) + ", batch " + std::to_string(batch_);
  }

  /// Which of several NaNs an instruction passes on, and with it the sign, depends on the tile that a number is in.
  [[nodiscard]] bool are_same(const Buffers& a, const Buffers& b) const { return a == b || !expected_.is_compared; }

  /// By which the caller finds the tensors; an output that has none may be called as whatever makes it in the end.
  [[nodiscard]] std::optional<std::string> check_names(const plan::Plan& plan) const {
    bool are_kept = true;
    for (std::size_t i = 0; i < graph_.input_count(); ++i) are_kept &= plan.inputs[i].name == graph_.nodes[i].name;
    for (std::size_t o = 0; o < graph_.outputs.size(); ++o) {
      const std::string& name = graph_.output_name(graph_.outputs[o]);
      are_kept &= name.empty() || plan.outputs[o].name == name;
    }
    if (are_kept) return std::nullopt;
    return "the plan calls its inputs or outputs otherwise than the graph";
  }

  std::optional<std::string> check_threads(const std::shared_ptr<const plan::Plan>& plan, const Buffers& alone) {
    if (!random_.chance(30) || !tries(10)) return std::nullopt;
    const int threads = random_.between(2, 3);
    if (are_same(run(plan, threads, inputs_, batch_), alone)) return std::nullopt;
    return "other bits on " + std::to_string(threads) + " threads than on one";
  }

  /// In numbers of 16 bits, where this CPU has their arithmetic.
  std::optional<std::string> check_precision(Type precision, const Nearness& nearness) {
    const kernels::Kernels& table = kernels::best_kernels();
    if (plan::precision_of(table, precision) != precision || !tries(25)) return std::nullopt;
    const auto plan = plan::make(graph_, {.kernels = &table, .precision = precision});
    const Buffers outputs = run(plan, 1, inputs_, batch_);
    const std::string what = "the plan in " + std::string(name_of(precision));
    if (auto difference = check_threads(plan, outputs)) return what + ": " + *difference;
    return compare(outputs, expect(graph_, inputs_, batch_, closeness_, nearness), name(what));
  }

  /// Some of what a plan can do without is left out.
  std::optional<std::string> check_without(const kernels::Kernels& table) {
    if (!random_.chance(40) || !tries(50)) return std::nullopt;
    plan::Without without;
    std::string what = "the plan without";
    for (const plan::Refinement& one : plan::refinements) {
      without.*one.left_out = random_.chance(40);
      if (without.*one.left_out) what += " " + std::string(one.name);
    }
    const auto plan = plan::make(graph_, {.kernels = &table, .without = without});
    return compare(run(plan, 1, inputs_, batch_), expected_, name(what));
  }

  [[nodiscard]] std::optional<std::string> check_format(const Buffers& before) const {
    const std::vector<std::byte> bytes = format::save(graph_);
    const graph::Graph loaded = format::load(bytes, nullptr);
    if (!are_same(run(best_plan(loaded), 1, inputs_, batch_), before)) return "other bits as a .riffle file";
    if (format::save(loaded) != bytes) return "saved, loaded and saved again it is another .riffle file";
    return std::nullopt;
  }

  const graph::Graph& graph_;
  Closeness closeness_;
  Ways ways_;
  Random random_;
  std::int64_t batch_ = 1;
  Buffers inputs_;
  Expected expected_;
};

/// Does the number of any channels depend on the input's size? What is done to them may be for that number alone, which
/// does not show where it does nothing, as a shuffle of as many groups.
bool makes_channels_of_pixels(const graph::Graph& graph) {
  return std::ranges::any_of(graph.nodes, [](const graph::Node& node) {
    const auto* rearrange = std::get_if<graph::Rearrange>(&node.operation);
    return rearrange != nullptr && std::ranges::any_of(rearrange->to.axes[2], [&](std::int32_t digit) {
             const auto [index, extent] = rearrange->to.digits[static_cast<std::size_t>(digit)];
             return extent == 0 && index != graph::Index::channel;
           });
  });
}

/// A graph in another size of its inputs, and its ONNX file in that size: both compute the same, or both refuse it.
std::optional<std::string> check_other_size(const graph::Graph& graph, std::uint64_t seed, Closeness closeness,
                                            Ways ways) {
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
    if (auto difference = Comparison(*other, seed, closeness, ways)()) return difference;
  }
  std::optional<graph::Graph> imported = exported_and_imported(graph, closeness);
  if (!imported) return std::nullopt;
  imported = resized(std::move(*imported));
  if (!imported) return std::nullopt;  // it says that it holds for one size alone
  const std::string what = "the plan of its ONNX file, of another size than it has there" + size;
  if (!other) {
    // Padding as large as a pooling's kernel, which ONNX has not, may be what the size is refused for.
    if (closeness == Closeness::certain || makes_channels_of_pixels(graph)) return std::nullopt;
    // A residual has its result's shape at every size, or is refused; the sum that it is in ONNX is broadcast.
    const auto has_residual = [](const graph::Node& node) {
      return std::holds_alternative<graph::Convolution>(node.operation) && node.inputs.size() == 2;
    };
    if (std::ranges::any_of(graph.nodes, has_residual)) return std::nullopt;
    return what + ": there is one, though the graph refuses the size";
  }
  const Buffers inputs = random_inputs(*other, 1, seed);
  return compare(run(best_plan(*imported), 1, inputs, 1), expect(*other, inputs, 1, closeness), what);
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

std::optional<std::string> find_difference(const graph::Graph& graph, std::uint64_t seed, Closeness closeness,
                                           Ways ways) {
  (void)graph::infer_shapes(graph);
  try {
    if (auto difference = Comparison(graph, seed, closeness, ways)()) return difference;
    if (ways == Ways::some && seed % 4 != 0) return std::nullopt;
    if (auto difference = check_passes(graph)) return difference;
    return check_other_size(graph, seed, closeness, ways);
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

/// The graph with a node as one more input, behind the others; what it read is not looked at.
graph::Graph with_input(const graph::Graph& graph, graph::NodeId node, const graph::Shape& shape) {
  const auto last = static_cast<graph::NodeId>(graph.input_count());
  const auto moved = [&](graph::NodeId id) { return id == node ? last : id >= last && id < node ? id + 1 : id; };
  graph::Graph result = graph;
  const auto at = result.nodes.begin() + node;
  *at = {at->name, graph::Input{shape}, {}};
  std::rotate(result.nodes.begin() + last, at, at + 1);
  for (graph::Node& other : result.nodes) std::ranges::transform(other.inputs, other.inputs.begin(), moved);
  for (graph::Output& output : result.outputs) output.node = moved(output.node);
  return result;
}

/// The graph without an input, if nothing reads it.
std::optional<graph::Graph> without_input(const graph::Graph& graph, graph::NodeId input) {
  graph::Graph result = graph;
  result.nodes.erase(result.nodes.begin() + input);
  bool is_read = false;
  const auto move = [&](graph::NodeId& id) {
    is_read |= id == input;
    id -= id > input ? 1 : 0;
  };
  for (graph::Node& node : result.nodes) std::ranges::for_each(node.inputs, move);
  for (graph::Output& output : result.outputs) move(output.node);
  if (is_read) return std::nullopt;
  return result;
}

/// Its numbers as floats, if they are not.
template <class Tensor>
bool make_f32(Tensor& tensor) {
  tensor.quantization = {};
  return std::exchange(tensor.type, Type::f32) != Type::f32;
}

/// Smaller graphs that might do, the boldest first.
std::vector<graph::Graph> simpler(const graph::Graph& graph) {
  std::vector<graph::Graph> all;
  const auto offer = [&](graph::Graph candidate) {
    if (!verifies(candidate)) return;
    passes::remove_dead_nodes(candidate);
    all.push_back(std::move(candidate));
  };
  const graph::NodeId count = graph.nodes.end_id();
  const auto inputs = static_cast<graph::NodeId>(graph.input_count());
  const auto is_output = [&](graph::NodeId id) {
    return std::ranges::any_of(graph.outputs, [&](const graph::Output& output) { return output.node == id; });
  };
  for (std::size_t o = 0; o < graph.outputs.size() && graph.outputs.size() > 1; ++o) {  // one output alone
    graph::Graph candidate = graph;
    candidate.outputs = {graph.outputs[o]};
    offer(std::move(candidate));
  }
  for (std::size_t o = 0; o < graph.outputs.size() && graph.outputs.size() > 2; ++o) {  // leave an output out
    graph::Graph candidate = graph;
    candidate.outputs.erase(candidate.outputs.begin() + static_cast<std::ptrdiff_t>(o));
    offer(std::move(candidate));
  }
  for (graph::NodeId id = 0; id < inputs && inputs > 1; ++id) {  // leave an input out
    if (auto less = without_input(graph, id)) offer(std::move(*less));
  }
  for (std::size_t o = 0; o < graph.outputs.size(); ++o) {  // end earlier
    for (graph::NodeId id = 0; id < graph.outputs[o].node; ++id) {
      graph::Graph candidate = graph;
      candidate.outputs[o].node = id;
      offer(std::move(candidate));
    }
  }
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(graph);
  for (graph::NodeId id = count - 1; id >= inputs; --id) {  // begin later: the node is an input
    offer(with_input(graph, id, shapes[id]));
  }
  for (graph::NodeId id = inputs; id < count; ++id) {  // pass a node by
    if (is_output(id)) continue;
    for (const graph::NodeId operand : graph.nodes[id].inputs) {
      graph::Graph candidate = graph;
      for (graph::Node& node : candidate.nodes) std::replace(node.inputs.begin(), node.inputs.end(), id, operand);
      offer(std::move(candidate));
    }
  }
  for (graph::NodeId id = inputs; id < count; ++id) {  // leave an operand out
    for (std::size_t i = 0; i < graph.nodes[id].inputs.size(); ++i) {
      graph::Graph candidate = graph;
      std::vector<graph::NodeId>& operands = candidate.nodes[id].inputs;
      operands.erase(operands.begin() + static_cast<std::ptrdiff_t>(i));
      if (!operands.empty()) offer(std::move(candidate));
    }
  }
  for (graph::NodeId id = inputs; id < count; ++id) {  // leave an activation out
    graph::Graph candidate = graph;
    graph::Activation* activation = graph::fused_activation(candidate.nodes[id].operation);
    if (activation == nullptr || *activation == graph::Activation::none) continue;
    *activation = graph::Activation::none;
    offer(std::move(candidate));
  }
  for (std::size_t i = 0; i < graph.input_count(); ++i) {  // the usual type
    graph::Graph candidate = graph;
    if (make_f32(std::get<graph::Input>(candidate.nodes[i].operation))) offer(std::move(candidate));
    candidate = graph;  // and the usual axes
    auto& input = std::get<graph::Input>(candidate.nodes[i].operation);
    if (std::exchange(input.arrangement, {}) != graph::Arrangement{}) offer(std::move(candidate));
  }
  for (std::size_t o = 0; o < graph.outputs.size(); ++o) {  // the usual type, no name of its own
    graph::Graph candidate = graph;
    if (make_f32(candidate.outputs[o])) offer(std::move(candidate));
    candidate = graph;
    if (!std::exchange(candidate.outputs[o].name, "").empty()) offer(std::move(candidate));
    candidate = graph;
    if (std::exchange(candidate.outputs[o].arrangement, {}) != graph::Arrangement{}) offer(std::move(candidate));
  }
  const auto resize = [&](std::size_t first, std::size_t end) {  // fewer pixels, of some of the inputs
    constexpr graph::Shape (*smaller[])(graph::Shape) = {
        [](graph::Shape s) {
          return graph::Shape{1, 1, s.c};
        },
        [](graph::Shape s) {
          return graph::Shape{std::max(s.h / 2, 1), std::max(s.w / 2, 1), s.c};
        },
        [](graph::Shape s) {
          return graph::Shape{std::max(s.h - 1, 1), s.w, s.c};
        },
        [](graph::Shape s) {
          return graph::Shape{s.h, std::max(s.w - 1, 1), s.c};
        },
    };
    for (const auto& make : smaller) {
      graph::Graph candidate = graph;
      bool is_smaller = false;
      for (std::size_t i = first; i < end; ++i) {
        graph::Shape& shape = std::get<graph::Input>(candidate.nodes[i].operation).shape;
        is_smaller |= std::exchange(shape, make(shape)) != shape;
      }
      if (is_smaller) offer(std::move(candidate));
    }
  };
  resize(0, graph.input_count());
  for (std::size_t i = 0; i < graph.input_count() && graph.input_count() > 1; ++i) resize(i, i + 1);
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
