// riffle convert: ONNX to .riffle, its batch norms folded and its activations fused; and a model to ONNX, as it is.
#include <iostream>
#include <memory>

#include "tools/commands.hpp"
#include "tools/model_file.hpp"
#include "tools/options.hpp"
#include "tools/text.hpp"

namespace riffle::tools {
namespace {

struct ConvertOptions {
  std::string input;
  std::string output;
};

void convert(const ConvertOptions& options) {
  require_another_file({"OUT", options.output}, {{"MODEL", options.input}});
  (void)format_to_save(options.output);  // before much is read
  graph::Graph graph = load_model(options.input);
  const std::size_t nodes = graph.nodes.size();
  graph = save_model(std::move(graph), options.output);
  const graph::Cost cost = graph::total_cost(graph);
  std::cout << options.output << ": input " << chw(graph.input_shape()) << ", " << millions(cost.macs) << " MAC, "
            << grouped(cost.parameters) << " parameters; " << nodes << " nodes";
  if (graph.nodes.size() != nodes) std::cout << " became " << graph.nodes.size();
  std::cout << '\n';
}

}  // namespace

void add_convert(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("convert", "ONNX to .riffle, or a model to ONNX");
  const auto options = std::make_shared<ConvertOptions>();
  add_model(command, options->input);
  command.add_option("OUT", options->output, "The file to write; its name ends in .riffle or .onnx")->required();
  command.callback([options] { convert(*options); });
}

}  // namespace riffle::tools
