// A plan: everything that can be decided before the first inference. Immutable once made, shared between threads.
//
//   graph --optimise--> graph --lower--> channels by name --layout--> blocks and runs --choose--> steps
//
// A plan is for one image of one size; a batch is a loop around it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/plan/after.hpp"
#include "kernels/kernels.hpp"

namespace riffle::plan {

/// A kernel and its arguments, and what runs behind it on what it has just written, a few tiles at a time, where the
/// operation can have an activation.
template <class Args>
struct Call {
  static constexpr bool has_activation = requires(Args a) { a.clamp; };
  using Kernel = void (*)(const Args&, const kernels::Addresses&, kernels::TileRange);
  Args args;
  Kernel kernel = nullptr;
  After after = {};

  void run(const kernels::Addresses& memory, kernels::TileRange range) const {
    if constexpr (has_activation && kernels::has_functions) {
      if (after.kernel != nullptr) return run_with_function(memory, range);
    }
    kernel(args, memory, range);
  }

  __attribute__((noinline)) void run_with_function(const kernels::Addresses& memory, kernels::TileRange range) const {
    for (kernels::TileRange some{range.first, 0}; some.first < range.last; some.first = some.last) {
      some.last = std::min(some.first + after.tiles_at_once, range.last);
      kernel(args, memory, some);
      for_each_written(args, after, some, [&](const Written& written) { after.run(memory, written); });
    }
  }
};
/// Two operations as one step: of the first one's result only the rows exist that the second one reads next.
///
///   rows of the producer   . . o o o o . .      o: in the ring
///   rows of the consumer       . x              x: made from them
///
/// A worker begins where its share of the consumer's rows does; a row that two shares need is computed by both.
struct Chain {
  std::variant<Call<kernels::StemArgs>, Call<kernels::PointwiseArgs>> producer;
  std::variant<Call<kernels::DepthwiseArgs>, Call<kernels::PoolArgs>> consumer;
  kernels::Window window;          ///< the consumer's
  std::int32_t producer_rows = 0;  ///< of the whole tensor that never exists

  /// Rows [range.first, range.last) of the consumer. A tile of either operation is one row.
  void run(const kernels::Addresses& memory, kernels::TileRange range) const;
};

using Task = std::variant<Call<kernels::StemArgs>, Call<kernels::PointwiseArgs>, Call<kernels::DepthwiseArgs>,
                          Call<kernels::ConvolutionArgs>, Call<kernels::PoolArgs>, Call<kernels::GlobalAveragePoolArgs>,
                          Call<kernels::FullyConnectedArgs>, Call<kernels::ElementwiseArgs>, Call<kernels::SoftmaxArgs>,
                          Call<kernels::PixelsArgs>, Call<kernels::ResizeArgs>, Call<kernels::RearrangeArgs>,
                          Call<kernels::ConvertArgs>, Call<kernels::ReduceArgs>, Chain>;

/// Calls f on the task's call, or on both of a chain, the producer's first.
template <class F>
void for_each_call(Task& task, F&& f) {
  std::visit(
      [&](auto& one) {
        if constexpr (requires { one.producer; }) {
          std::visit(f, one.producer);
          std::visit(f, one.consumer);
        } else {
          f(one);
        }
      },
      task);
}

/// Rows that the ring between the two holds: those of a window, in whole strides, so that what is produced at once
/// does not straddle its end.
inline std::int32_t ring_rows(const kernels::Window& window) {
  const std::int32_t reach = (window.kernel_h - 1) * window.dilation_h + 1;
  return (reach + window.stride_h - 1) / window.stride_h * window.stride_h;
}

/// What a step is for, as far as the promise "nothing that only moves data" goes.
enum class StepKind : std::uint8_t { compute, layout_conversion, type_conversion, copy };

struct Step {
  std::string name;              ///< the node that it computes, or both of a chain
  std::string operation;         ///< "pointwise", "depthwise 3x3 /2", "stem 3x3 /2 + max pool 3x3 /2" ...
  const char* kernel = nullptr;  ///< the kernel's name; a chain's producer's
  StepKind kind = StepKind::compute;
  Task task;
  std::int32_t tiles = 0;
  graph::Shape in, out;
  std::int64_t macs = 0;
  std::int64_t weight_bytes = 0, read_bytes = 0, write_bytes = 0;  ///< each touched once

  /// Runs tiles [range.first, range.last). Any thread may run any of them at any time once the steps before are done.
  void run(const kernels::Addresses& memory, kernels::TileRange range) const {
    std::visit([&](const auto& call) { call.run(memory, range); }, task);
  }
};

/// A place in the arena, and how long it is used.
struct BlockInfo {
  std::string name;
  graph::Shape shape;
  Type type = Type::f32;
  std::int32_t pixel_stride = 0;               ///< elements
  std::int64_t offset = 0, size = 0;           ///< bytes
  std::int32_t first_step = 0, last_step = 0;  ///< inclusive
};

/// Anything a plan's arguments point to: packed weights, run lists. Addresses do not change.
class Storage;

/// A tensor that the caller brings or gets, of one image, of numbers of a type.
struct Tensor {
  std::string name;
  graph::Shape shape;
  Type type = Type::f32;
  Quantization quantization = {};       ///< of i8 and u8
  graph::Arrangement arrangement = {};  ///< none: planes (C, H, W), of one pixel a vector (C)
  /// The extents of the axes as the caller has them, but for the batch's. Where the batch is in the first one
  /// (arrangement.joins_batch), that one is of one image.
  std::vector<std::int64_t> dims = {};
  [[nodiscard]] std::int64_t bytes() const { return shape.size() * size_of(type); }
};

/// All of them, in the graph's order.
struct Signature {
  std::vector<Tensor> inputs, outputs;
};
/// Of a graph whose shapes infer_shapes() has said: what a plan of it says.
Signature signature_of(const graph::Graph& graph, const graph::ById<graph::Shape>& shapes);

struct Plan : Signature {
  std::string name;
  const kernels::Kernels* kernels = nullptr;  ///< the best for this precision
  Type precision = Type::f32;                 ///< what the network is computed in; i8: it is quantised
  std::vector<Step> steps;
  std::vector<BlockInfo> blocks;
  std::int64_t arena_bytes = 0;         ///< includes the slack that kernels may over-read
  std::int64_t rows_bytes = 0;          ///< of each worker's own rows, with the same slack; 0 where there is no chain
  std::int64_t weight_bytes = 0;        ///< of all steps
  std::int64_t packed_bytes = 0;        ///< of the plan's own; the rest of the weights stays where the model has it
  std::span<const std::byte> literals;  ///< numbers that stand in the network, with the arena's slack behind them
  std::shared_ptr<const Storage> storage;
};

/// What a plan is made without, to find out what a wrong result comes from, or what each of these is worth.
struct Without {
  bool chain = false, halves = false, order = false, fusion = false, stem = false, direct = false;
  bool operator==(const Without&) const = default;
};

/// By the names that people give them.
struct Refinement {
  std::string_view name;
  bool Without::*left_out;
  std::string_view what;
};
inline constexpr Refinement refinements[] = {
    {"chain", &Without::chain, "two operations as one step, row by row"},
    {"halves", &Without::halves, "the halves of a large tensor as blocks of their own"},
    {"order", &Without::order, "results in the order of their readers"},
    {"fusion", &Without::fusion, "activations and sums in the step before them"},
    {"stem", &Without::stem, "a first convolution that reads the caller's planes"},
    {"direct", &Without::direct, "results that go where they will stand: to the caller, into what joins them"},
};

struct Options {
  const kernels::Kernels* kernels = nullptr;  ///< the best allowed; null: what RIFFLE_ISA says, or this CPU's best
  std::int32_t height = 0, width = 0;         ///< of the inputs; 0: the graph's own
  /// What the network is computed in: f32, or f16 or bf16 where an instruction set has its arithmetic; see
  /// precision_of(). A quantised network says itself what is computed in integers, and the rest is f32.
  Type precision = Type::f32;
  Without without = {};
  bool operator==(const Options&) const = default;
};

/// What a network is computed in on this instruction set where `wanted` is asked for: that, or f32.
Type precision_of(const kernels::Kernels& kernels, Type wanted);

/// What a plan of the graph is made for: the best instruction set from options.kernels on that has its numbers, and
/// what it is computed in: of a quantised network i8, else precision_of().
struct Choice {
  const kernels::Kernels* kernels = nullptr;
  Type precision = Type::f32;
};
Choice choose(const graph::Graph& graph, const Options& options);

/// Why a step is computed as it is: "1 x 1; 13 tiles of 64 pixels; K in 2 parts". For people.
std::string reason_for(const Step& step);

/// Throws Error if the graph does not verify, the size does not fit or RIFFLE_ISA names nothing that runs here.
std::shared_ptr<const Plan> make(graph::Graph graph, const Options& options = {});

/// For people: "f32", "u8 (scale 0.5, zero point 128)".
std::string type_text(const Tensor& tensor);
/// For people: "3 x 224 x 224", "224 x 224 x 3", as the caller has it; of a vector "1000 x 1 x 1".
std::string dims_text(const Tensor& tensor);
/// For people: "image 3 x 224 x 224 u8 (scale 0.5, zero point 128)"; f32 goes without saying.
std::string to_text(const Tensor& tensor);
/// What it reads and writes, the steps, then the memory plan, as a table for people.
std::string to_text(const Plan& plan);

}  // namespace riffle::plan
