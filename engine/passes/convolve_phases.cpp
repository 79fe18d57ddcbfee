// A convolution of all phases of a tensor is one of the tensor.
//
//   convolution(concat(x[0::2, 0::2], x[1::2, 0::2], x[0::2, 1::2], x[1::2, 1::2]))
//
// has a window twice as large and a stride of 2 on x: what YOLO calls Focus. So nothing is cropped, and a first
// convolution reads the caller's planes.
#include <algorithm>
#include <optional>

#include "engine/passes/passes.hpp"

namespace riffle::passes {
namespace {

using graph::NodeId;

/// Crops with steps, one for each place within a step.
struct Phases {
  NodeId operand = -1;
  std::int32_t step_h = 1, step_w = 1;
  std::vector<std::size_t> part;  ///< by place, row by row: which of the concatenation's parts it is
};

std::optional<Phases> phases_of(const Graph& graph, const graph::Node& concat) {
  Phases result;
  for (std::size_t i = 0; i < concat.inputs.size(); ++i) {
    const graph::Node& node = graph.nodes[concat.inputs[i]];
    const auto* crop = std::get_if<graph::Crop>(&node.operation);
    if (crop == nullptr || crop->bottom != 0 || crop->right != 0) return std::nullopt;
    if (i == 0) {
      result = {node.inputs[0], crop->step_h, crop->step_w, {}};
      const auto places = static_cast<std::size_t>(std::int64_t{crop->step_h} * crop->step_w);
      if (places != concat.inputs.size() || places < 2) return std::nullopt;
      result.part.assign(places, places);
    }
    const bool is_place = node.inputs[0] == result.operand && crop->step_h == result.step_h &&
                          crop->step_w == result.step_w && crop->top < crop->step_h && crop->left < crop->step_w;
    if (!is_place) return std::nullopt;
    std::size_t& part = result.part[static_cast<std::size_t>(crop->top * crop->step_w + crop->left)];
    if (part != concat.inputs.size()) return std::nullopt;
    part = i;
  }
  return result;
}

/// Of the tensor that the phases are of, which has so many channels.
graph::Convolution of_whole(const graph::Convolution& convolution, const Phases& phases, std::int32_t channels) {
  graph::Convolution result = convolution;
  const std::int32_t step_h = phases.step_h, step_w = phases.step_w;
  const graph::Window& from = convolution.window;
  graph::Window& to = result.window;
  for (const auto row :
       {&graph::Window::kernel_h, &graph::Window::stride_h, &graph::Window::pad_top, &graph::Window::pad_bottom}) {
    to.*row *= step_h;
  }
  for (const auto column :
       {&graph::Window::kernel_w, &graph::Window::stride_w, &graph::Window::pad_left, &graph::Window::pad_right}) {
    to.*column *= step_w;
  }
  const std::span<const float> all = convolution.weights.values();
  const std::int64_t inputs = std::int64_t{channels} * step_h * step_w;
  std::vector<float> weights;
  weights.reserve(all.size());
  for (std::int64_t o = 0; o < convolution.outputs; ++o) {
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int32_t y = 0; y < to.kernel_h; ++y) {
        for (std::int32_t x = 0; x < to.kernel_w; ++x) {
          const auto place = static_cast<std::size_t>(y % step_h * step_w + x % step_w);
          const std::int64_t input = static_cast<std::int64_t>(phases.part[place]) * channels + c;
          const std::int64_t row = (o * inputs + input) * from.kernel_h + y / step_h;
          weights.push_back(all[static_cast<std::size_t>(row * from.kernel_w + x / step_w)]);
        }
      }
    }
  }
  result.weights = graph::Constant(std::move(weights));
  return result;
}

}  // namespace

void convolve_phases(Graph& graph) {
  const auto crops = [](const graph::Node& node) { return std::holds_alternative<graph::Crop>(node.operation); };
  if (std::ranges::none_of(graph.nodes, crops)) return;
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(graph);
  for (graph::Node& node : graph.nodes) {
    auto* const convolution = std::get_if<graph::Convolution>(&node.operation);
    if (convolution == nullptr || convolution->groups != 1) continue;
    const graph::Window& w = convolution->window;
    if (w.dilation_h != 1 || w.dilation_w != 1 || w.auto_pad != graph::AutoPad::none) continue;
    const graph::Node& concat = graph.nodes[node.inputs[0]];
    if (!std::holds_alternative<graph::Concat>(concat.operation)) continue;
    const std::optional<Phases> phases = phases_of(graph, concat);
    if (!phases) continue;
    constexpr std::int32_t most = 64;  // of a window that is worth while, and far from the limits
    if (w.kernel_h * phases->step_h > most || w.kernel_w * phases->step_w > most) continue;
    *convolution = of_whole(*convolution, *phases, shapes[phases->operand].c);
    node.inputs[0] = phases->operand;
  }
}

}  // namespace riffle::passes
