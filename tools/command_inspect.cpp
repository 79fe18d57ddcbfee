// riffle inspect: what a model is made of, and what becomes of it.
#include <iostream>
#include <memory>
#include <span>
#include <sstream>

#include "base/files.hpp"
#include "base/text.hpp"
#include "draw/plan_svg.hpp"
#include "draw/table.hpp"
#include "engine/passes/choose_types.hpp"
#include "engine/passes/passes.hpp"
#include "engine/plan/plan.hpp"
#include "io/description.hpp"
#include "io/model_file.hpp"
#include "io/preprocess.hpp"
#include "tools/commands.hpp"
#include "tools/graph_text.hpp"
#include "tools/options.hpp"
#include "tools/tensors.hpp"

namespace riffle::tools {
namespace {

struct InspectOptions {
  std::string model;
  bool graph = false, passes = false, plan = false;
  std::string svg;
  ImageSize size;
  Type precision = Type::f32;
  plan::Without without;
};

/// "3x3 s2 p1 d2": kernel, stride, padding, dilation, as far as they say something.
std::string window_text(const kernels::Window& window) {
  const auto both = [](std::int32_t h, std::int32_t w) {
    return h == w ? std::to_string(h) : std::to_string(h) + "x" + std::to_string(w);
  };
  std::string text = std::to_string(window.kernel_h) + "x" + std::to_string(window.kernel_w);
  if (window.stride_h != 1 || window.stride_w != 1) text += " s" + both(window.stride_h, window.stride_w);
  if (window.pad_top != 0 || window.pad_left != 0 || window.pad_bottom != 0 || window.pad_right != 0) {
    text += " p" + both(window.pad_top, window.pad_left);
    if (window.pad_bottom != window.pad_top || window.pad_right != window.pad_left) {
      text += "+" + both(window.pad_bottom, window.pad_right);
    }
  }
  if (window.dilation_h != 1 || window.dilation_w != 1) text += " d" + both(window.dilation_h, window.dilation_w);
  return text;
}

/// What the window is on the operand of this size.
std::string window_text(const graph::Operation& operation, const graph::Shape& operand) {
  if (const auto* convolution = std::get_if<graph::Convolution>(&operation)) {
    return window_text(graph::resolve(convolution->window, operand).window);
  }
  if (const auto* pool = std::get_if<graph::Pool>(&operation)) {
    return window_text(graph::resolve(pool->window, operand).window);
  }
  if (const auto* transposed = std::get_if<graph::TransposedConvolution>(&operation)) {
    const graph::Window& w = transposed->window;
    return window_text(kernels::Window{w.kernel_h, w.kernel_w, w.stride_h, w.stride_w, w.pad_top, w.pad_left,
                                       w.pad_bottom, w.pad_right, w.dilation_h, w.dilation_w});
  }
  return "";
}

std::string groups_text(const graph::Operation& operation) {
  if (const auto* convolution = std::get_if<graph::Convolution>(&operation)) return std::to_string(convolution->groups);
  if (const auto* transposed = std::get_if<graph::TransposedConvolution>(&operation)) {
    return std::to_string(transposed->groups);
  }
  if (const auto* shuffle = std::get_if<graph::Shuffle>(&operation)) return std::to_string(shuffle->groups);
  return "";
}

/// As the model has them.
std::int64_t weight_bytes(const graph::Operation& operation) {
  std::int64_t bytes = 0;
  graph::for_each_constant(operation, [&](std::string_view, const graph::Constant& constant, const auto&) {
    bytes += std::ssize(constant.stored());
  });
  return bytes;
}

/// What it takes and gives, a row a tensor.
void print_tensors(const Signature& signature) {
  constexpr auto right = draw::Table::Align::right;
  draw::Table table({{""}, {"name"}, {"shape"}, {"type"}, {"scale", right}, {"zero point", right}, {"bytes", right}});
  const auto add = [&](const char* side, const plan::Tensor& tensor) {
    table.add({side, tensor.name, plan::dims_text(tensor), std::string(name_of(tensor.type)),
               is_quantised(tensor.type) ? shortest(tensor.quantization.scale) : "",
               is_quantised(tensor.type) ? std::to_string(tensor.quantization.zero_point) : "",
               grouped(tensor.bytes())});
  };
  for (const plan::Tensor& input : signature.inputs) add("input", input);
  for (const plan::Tensor& output : signature.outputs) add("output", output);
  table.print(std::cout);
}

void print_layers(const graph::Graph& graph, Type precision) {
  constexpr auto right = draw::Table::Align::right;
  draw::Table table({{"#", right},
                     {"operation"},
                     {"name"},
                     {"in"},
                     {"out"},
                     {"window"},
                     {"groups", right},
                     {"MACs", right},
                     {"parameters", right},
                     {"weight bytes", right},
                     {"output bytes", right}});
  const graph::ById<graph::Shape> shapes = graph::infer_shapes(graph);
  const graph::ById<passes::NodeTypes> types = passes::choose_types(graph, precision, Type::u8);
  std::int64_t all_macs = 0, all_parameters = 0, all_weight_bytes = 0, all_output_bytes = 0;
  for (graph::NodeId id = 0; id < graph.nodes.end_id(); ++id) {
    const graph::Node& node = graph.nodes[id];
    const graph::Cost cost = graph::cost(graph, shapes, id);
    const std::int64_t weights = weight_bytes(node.operation);
    const auto* input = std::get_if<graph::Input>(&node.operation);
    const std::int64_t output = shapes[id].size() * size_of(input != nullptr ? input->type : types[id].result);
    all_macs += cost.macs;
    all_parameters += cost.parameters;
    all_weight_bytes += weights;
    all_output_bytes += output;
    const graph::Shape* operand = node.inputs.empty() ? nullptr : &shapes[node.inputs.front()];
    table.add({std::to_string(id), operation_text(node.operation), node.name,
               operand == nullptr ? "" : graph::chw(*operand), graph::chw(shapes[id]),
               operand == nullptr ? "" : window_text(node.operation, *operand), groups_text(node.operation),
               cost.macs > 0 ? grouped(cost.macs) : "", cost.parameters > 0 ? grouped(cost.parameters) : "",
               weights > 0 ? grouped(weights) : "", grouped(output)});
  }
  table.add_rule();
  table.add({"", "total", "", "", "", "", "", grouped(all_macs), grouped(all_parameters), grouped(all_weight_bytes),
             grouped(all_output_bytes)});
  table.print(std::cout);
}

/// What the model says of its classes, pictures and answers.
void print_metadata(const graph::Graph& graph) {
  const std::size_t labels = graph.labels.size();
  std::cout << "labels: ";
  if (labels == 0) std::cout << "none";
  if (labels > 0)
    std::cout << labels << ", " << printable(graph.labels.front()) << " to " << printable(graph.labels.back());
  std::cout << "\npictures: "
            << (graph.preprocessing ? io::preprocessing_text(*graph.preprocessing, graph.input_shape())
                                    : "no preprocessing is carried")
            << '\n';
  if (graph.task) std::cout << "answers: " << io::task_text(graph) << '\n';
}

/// Names are a model's: whatever is in them.
void print_lines(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) std::cout << printable(line) << '\n';
}

void print_passes(graph::Graph graph) {
  bool any = false;
  for (const passes::Pass& pass : passes::in_order()) {
    const graph::Graph before = graph;
    pass.run(graph);
    const std::vector<std::string> lines = changes(before, graph);
    if (lines.empty()) continue;
    any = true;
    std::cout << '\n' << pass.name << ": " << before.nodes.size() << " nodes";
    if (graph.nodes.size() != before.nodes.size()) std::cout << " become " << graph.nodes.size();
    std::cout << '\n';
    for (const std::string& line : lines) std::cout << "  " << printable(line) << '\n';
  }
  if (!any) std::cout << "\nno pass changes anything: the graph is as they leave it\n";
}

void inspect(const InspectOptions& options) {
  require_another_file({"--svg", options.svg}, {{"MODEL", options.model}});
  graph::Graph graph = io::load_model(options.model, import_options(options.model, options.size));
  if (options.size.height > 0) graph.set_input_size(options.size.height, options.size.width);
  if (graph.name.empty()) graph.name = file_name(options.model);
  const Signature signature = plan::signature_of(graph, graph::infer_shapes(graph));
  std::cout << printable(graph.name);
  if (is_usual(signature)) {
    std::cout << ", " << tensors_text("input", signature.inputs) << '\n';
  } else {
    std::cout << "\n\n";
    print_tensors(signature);
    std::cout << '\n';
  }
  print_metadata(graph);
  std::cout << '\n';
  print_layers(graph, options.precision);
  if (options.graph) {
    std::cout << '\n';
    print_lines(graph::to_text(graph));
  }
  if (options.passes) print_passes(graph);
  if (!options.plan && options.svg.empty()) return;

  const auto plan = make_plan(std::move(graph), {.precision = options.precision, .without = options.without});
  if (options.plan) {
    std::cout << '\n';
    print_lines(plan::to_text(*plan));
  }
  if (!options.svg.empty()) {
    const std::string svg = draw::plan_svg(*plan);
    write_file(options.svg, {std::as_bytes(std::span(svg))});
    std::cout << '\n' << options.svg << ": the network and its memory plan\n";
  }
}

}  // namespace

void add_inspect(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("inspect", "What a model is made of");
  const auto options = std::make_shared<InspectOptions>();
  add_model(command, options->model);
  command.add_flag("--graph", options->graph, "Print the graph, too: a line a node, with its operands");
  command.add_flag("--passes", options->passes,
                   "Print what each pass does to the graph, too: nodes that are gone (-), new (+), changed (~)");
  command.add_flag("--plan", options->plan, "Print the steps and the memory plan, too");
  command.add_option("--svg", options->svg, "Draw the network and the memory plan into this file")->type_name("FILE");
  add_size(command, options->size, "; by default the model's own");
  add_precision(command, options->precision);
  add_without(command, options->without);
  command.callback([options] { inspect(*options); });
}

}  // namespace riffle::tools
