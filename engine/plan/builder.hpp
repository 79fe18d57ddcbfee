// From nodes to steps: places are decided first (planned steps, lifetimes, arena), then each step is made with its
// places, and when all are known the weights are packed into one block of memory.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/graph/pixels.hpp"
#include "engine/graph/quantization.hpp"
#include "engine/passes/choose_types.hpp"
#include "engine/passes/lower_channels.hpp"
#include "engine/plan/block_layout.hpp"
#include "engine/plan/convolution_kind.hpp"
#include "engine/plan/moves.hpp"
#include "engine/plan/plan.hpp"
#include "engine/plan/storage.hpp"
#include "engine/plan/tiling.hpp"

namespace riffle::plan {

class PlanBuilder {
 public:
  /// The graph is optimised and verified; all arguments outlive the builder.
  PlanBuilder(const graph::Graph& graph, const Choice& choice, const Without& without = {});

  /// All of the plan but the weights.
  void make_steps();

  /// Packs the weights; to be called once, behind make_steps(). A mapped file's weights are evicted soon after they are
  /// packed, so that the two copies are hardly ever in memory together. Those that are packed as they are belong to the
  /// plan from then on.
  std::shared_ptr<const Plan> pack();

 private:
  /// What will be a step: a node's computation, or one that is no node's.
  struct PlannedStep {
    enum Kind : std::uint8_t {
      compute,
      convert_input,
      input_to_planes,  // of an input that is none: for a stem
      input_to_pixels,
      to_caller,
      convert_output,
      gather
    };
    Kind kind = compute;
    graph::NodeId node = 0;
    std::int32_t written_block = -1;  // the first of the node's blocks; -1: the caller's output
    graph::NodeId producer = -1;      // the node that is made row by row for this one; -1: none
    std::size_t output = 0;           // which of the caller's, of what writes one
  };

  /// Where a node's results go that are a part of something else, each pixel's channels side by side.
  struct Destination {
    graph::NodeId node = -1;  // in whose block; -1: to the caller
    std::size_t output = 0;
    std::int64_t first = 0;  // elements from the beginning of the block, or the output
    std::int32_t pixel_stride = 0;
  };

  /// What a step is called and what its kernel is.
  struct Label {
    std::string operation;
    const char* kernel = nullptr;
    StepKind kind = StepKind::compute;
    std::int32_t unit = 0, tiles_at_once = 1;  // of After
  };

  void plan_steps();
  void plan_inputs();
  void plan_output(std::size_t output);
  void find_destinations();
  void find_destinations(graph::NodeId id);
  [[nodiscard]] bool may_go_elsewhere(const passes::ChannelList& list) const;
  void place();
  void place_literals();
  void make_step(const PlannedStep& planned);

  // Places.
  [[nodiscard]] std::int32_t next_step() const { return static_cast<std::int32_t>(planned_.size()); }
  std::int32_t add_block(const std::string& name, const graph::Shape& shape, Type type);   // of the next step
  std::int32_t add_planes(const std::string& name, const graph::Shape& shape, Type type);  // as the caller has them
  void touch(std::int32_t block);                                                          // by the next step
  void touch(const passes::ChannelList& channels);
  void touch_operands(graph::NodeId reader);
  void add_ring(graph::NodeId producer, graph::NodeId consumer);
  [[nodiscard]] kernels::ChannelRun address(const PartRange& range) const;
  [[nodiscard]] std::vector<kernels::ChannelRun> addresses(const std::vector<PartRange>& ranges) const;
  [[nodiscard]] std::vector<kernels::ChannelwiseRun> channelwise(const std::vector<PartRange>& ranges) const;
  [[nodiscard]] kernels::Block block(const PlannedStep& planned, std::int32_t which = 0) const;
  [[nodiscard]] kernels::Block block_at(std::int32_t block) const;
  [[nodiscard]] kernels::Block of_output(std::size_t output, std::int32_t pixel_stride) const;
  [[nodiscard]] kernels::Numbers input_as_brought(graph::NodeId input) const;
  [[nodiscard]] kernels::Numbers planes_of_input(graph::NodeId input) const;
  [[nodiscard]] Type type_of_planes(graph::NodeId input) const;
  [[nodiscard]] std::int32_t own_block(graph::NodeId id);
  [[nodiscard]] bool converts_input(graph::NodeId input) const;
  [[nodiscard]] bool converts_output(std::size_t output) const;
  [[nodiscard]] bool is_produced_by_rows(graph::NodeId id) const { return rings_.contains(id); }

  /// The row of an operation for a node's types, and, of bytes, for so many quads. Throws Unsupported where a build has
  /// left it out (RIFFLE_OPERATIONS), and where none takes so many.
  template <class Kernel>
  [[nodiscard]] const Kernel& row(graph::NodeId id, kernels::QuadCount quads = {}) const {
    return row<Kernel>(id, types_of(id), quads);
  }
  template <class Kernel>
  [[nodiscard]] const Kernel& row(graph::NodeId id, const kernels::Types& types, kernels::QuadCount quads = {}) const;

  [[nodiscard]] kernels::Types types_of(graph::NodeId id) const;
  [[nodiscard]] kernels::Types types_as_stored(graph::NodeId id, const graph::FullyConnected& o) const;
  [[nodiscard]] Type result_type(graph::NodeId id) const { return types_[id].result; }

  // What is quantised: see engine/graph/quantization.hpp.
  [[nodiscard]] bool reads_integers(graph::NodeId id) const {
    return !lowered_.operands[id].empty() && is_quantised(types_of(id).input);
  }
  /// The byte that stands for 0 among a node's results.
  [[nodiscard]] std::int32_t zero_of(graph::NodeId id) const;
  [[nodiscard]] kernels::ZeroPoints zeros_of(graph::NodeId id) const;
  /// What a caller's bytes, or those of a node that he gets as real numbers, are worth.
  [[nodiscard]] Quantization quantization_of(graph::NodeId id) const { return {1.0F, zero_of(id)}; }

  /// A layer's integers, made when they are packed.
  struct LayerIntegers {
    std::vector<std::int32_t> bias;  // less what the operands' zero points add to the sums
    std::vector<float> factors;
    std::span<const std::int8_t> values;
    [[nodiscard]] kernels::IntegerWeights view() const { return {values, bias, factors}; }
  };
  template <class Layer>
  [[nodiscard]] LayerIntegers integers_of(graph::NodeId id, const Layer& layer, std::int32_t groups) const;
  [[nodiscard]] bool is_input(graph::NodeId id) const {
    return std::holds_alternative<graph::Input>(node(id).operation);
  }

  [[nodiscard]] bool is_literal(graph::NodeId id) const {
    return std::holds_alternative<graph::Literal>(node(id).operation);
  }

  // What a node reads.
  [[nodiscard]] const graph::Node& node(graph::NodeId id) const { return graph_.nodes[id]; }
  [[nodiscard]] const graph::Shape& shape(graph::NodeId id) const { return shapes_[id]; }
  [[nodiscard]] const passes::ChannelList& operand(graph::NodeId id, std::size_t i) const {
    return lowered_.operands[id][i];
  }
  [[nodiscard]] graph::Shape operand_shape(graph::NodeId id, std::size_t i) const;
  [[nodiscard]] kernels::Window resolved_window(graph::NodeId id) const;      // a convolution's or a pooling's
  [[nodiscard]] std::optional<ConvolutionKind> kind(graph::NodeId id) const;  // nothing where it is no convolution
  [[nodiscard]] graph::NodeId find_producer(graph::NodeId consumer) const;
  [[nodiscard]] std::vector<PartRange> read_groups(graph::NodeId id) const;  // of a softmax or reduction
  [[nodiscard]] bool needs_gather(graph::NodeId id) const;                   // one whose operand is not one run
  [[nodiscard]] kernels::ChannelRun one_run(graph::NodeId id) const;         // of its operand, gathered or not

  /// The runs and orders of a convolution's groups.
  struct GroupedReading {
    std::vector<kernels::ChannelRun> runs;
    std::vector<std::int32_t> run_begin, input_order, output_order;
  };
  [[nodiscard]] GroupedReading read_groups(graph::NodeId id, std::int32_t groups) const;
  static void cut_in_parts(GroupedReading& reading, std::int32_t parts);
  static void repeat_groups(GroupedReading& reading, std::int32_t count);
  static std::vector<std::int32_t> quads_read(const GroupedReading& reading, std::size_t multiple,
                                              kernels::PointwiseArgs& args);
  const kernels::ResidualVector* residual(graph::NodeId id, std::int32_t groups, std::int32_t lanes);

  // One function an operation; each appends to plan_->steps.
  void make(const PlannedStep& s, const graph::Convolution& o);
  void make_stem(const PlannedStep& s, const graph::Convolution& o);
  void make_depthwise(const PlannedStep& s, const graph::Convolution& o);
  void make_pointwise(const PlannedStep& s, const graph::Convolution& o);
  void make_fully_connected_integers(const PlannedStep& s, const graph::FullyConnected& o);
  void make_general(const PlannedStep& s, const graph::Convolution& o);
  void make(const PlannedStep& s, const graph::Pool& o);
  void make(const PlannedStep& s, const graph::GlobalAveragePool& o);
  void make(const PlannedStep& s, const graph::FullyConnected& o);
  void make(const PlannedStep& s, const graph::Binary& o);
  void make(const PlannedStep& s, const graph::Activate& o);
  void make(const PlannedStep& s, const graph::Softmax& o);
  void make(const PlannedStep& s, const graph::Resize& o);
  void make(const PlannedStep& s, const graph::Crop& o);
  void make(const PlannedStep& s, const graph::Pad& o);
  template <class Args>
  Args args_of_pixels(const PlannedStep& s);
  void append_selection(const PlannedStep& s, std::string operation, graph::SelectedPixels pixels,
                        std::uint32_t fill = 0);
  void make(const PlannedStep& s, const graph::Reduce& o);
  void make_gather(const PlannedStep& s);
  void make_quantisation(const PlannedStep& s);
  template <class Args>
  void set_integers(const PlannedStep& s, Args& args) const;
  void append_elementwise(const PlannedStep& s, std::string_view operation, StepKind kind,
                          std::vector<kernels::ChannelwiseRun> a, std::vector<kernels::ChannelRun> b,
                          kernels::ElementwiseArgs args = {});
  void make(const PlannedStep& s, const graph::Rearrange& o);
  void make(const PlannedStep& s, const graph::Join& o);
  /// At an end, between a caller's tensor and the network.
  void make_arranged(const PlannedStep& s);
  void make_input_to_planes(const PlannedStep& s);
  void make_input_to_pixels(const PlannedStep& s);
  void make_to_caller(const PlannedStep& s);
  void append_moves(const PlannedStep& s, const Label& label, MoveList list, Type from, Type to);
  void make_convert_input(const PlannedStep& s);
  void make_recast_input(const PlannedStep& s);
  void make_convert_output(const PlannedStep& s);
  void append_convert(const PlannedStep& s, kernels::ConvertArgs args, const kernels::Types& types);
  void chain();  // the last two steps become one

  /// The packed weights of the step that is made next.
  struct Packing {
    std::int64_t bytes = 0;
    graph::Constant weights;
    std::function<void(std::span<std::byte>)>
        write;  // empty: the weights are packed as they are, and stay where they are
    std::span<std::byte> place = {};
  };

  /// `slope`: null where the kernel knows none.
  void set_activation(const PlannedStep& s, const Label& label, Step& step, kernels::Clamp& clamp, float* slope,
                      After& after) const;
  void set_table(const PlannedStep& s, const Label& label, Step& step, const graph::Activation& activation,
                 After& after) const;
  Step& append_step(const PlannedStep& s, const Label& label, std::int32_t tiles);  // all of it but the task
  template <class Args>
  void append(const PlannedStep& s, const Label& label, typename Call<Args>::Kernel kernel, Args args);
  template <class Args>
  void append(const PlannedStep& s, const Label& label, typename Call<Args>::Kernel kernel, Args args, Packing packing);

  const graph::Graph& graph_;
  const kernels::Kernels& kernels_;
  const Type precision_;  // of what is not quantised
  const Type bytes_;      // of quantised results
  const Without without_;
  graph::ById<graph::Shape> shapes_;
  graph::ById<graph::NumbersRead> read_;
  graph::ById<passes::NodeTypes> types_;
  passes::LoweredChannels lowered_;
  Layout layout_;  // a part is a block
  Machine machine_;
  std::vector<PlannedStep> planned_;
  graph::ById<std::int32_t> block_of_;                    // the first of a node's blocks, -1 if it has none
  std::map<graph::NodeId, kernels::Block> rings_;         // of the nodes that are made row by row
  graph::ById<std::int32_t> gathered_block_of_;           // where the operand that has to be one run is, -1 if nowhere
  graph::ById<std::int64_t> literal_offset_;              // where a literal's numbers are among all of them
  graph::ById<std::optional<Destination>> destinations_;  // of nodes that write elsewhere than to a block of their own
  graph::ById<bool> is_made_by_operands_;       // of what moves numbers: they stand where it would move them to
  graph::ById<std::int32_t> converted_input_;   // an input as f32 or bytes, -1 if it is read as it is brought
  graph::ById<std::int32_t> planes_of_input_;   // its planes, -1 if it is brought so, or nobody reads them
  std::vector<std::int32_t> planes_of_output_;  // by output: its planes before they are converted, -1 if nowhere
  std::vector<Packing> packings_;               // of the steps that have weights, in their order
  std::shared_ptr<Storage> storage_ = std::make_shared<Storage>();
  std::shared_ptr<Plan> plan_ = std::make_shared<Plan>();
};

}  // namespace riffle::plan
