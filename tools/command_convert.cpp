// riffle convert: ONNX to .riffle, its batch norms folded and its activations fused; and a model to ONNX, as it is.
#include <iostream>
#include <memory>

#include "engine/passes/passes.hpp"
#include "tools/commands.hpp"
#include "tools/model_file.hpp"
#include "tools/onnx/onnx_import.hpp"
#include "tools/text.hpp"

namespace riffle::tools {
namespace {

struct ConvertOptions {
  std::string input;
  std::string output;
};

void convert(const ConvertOptions& options) {
  const bool to_onnx = options.output.ends_with(".onnx");
  graph::Graph graph = to_onnx ? load_model(options.input) : onnx::import_file(options.input);
  const std::size_t imported_nodes = graph.nodes.size();
  if (!to_onnx) passes::optimise(graph);
  save_model(graph, options.output);
  const graph::Cost cost = graph::total_cost(graph);
  std::cout << options.output << ": input " << chw(graph.input_shape()) << ", " << millions(cost.macs) << " MAC, "
            << grouped(cost.parameters) << " parameters; ";
  if (to_onnx) {
    std::cout << imported_nodes << " nodes\n";
  } else {
    std::cout << imported_nodes << " nodes became " << graph.nodes.size() << '\n';
  }
}

}  // namespace

void add_convert(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("convert", "ONNX to .riffle, or a model to ONNX");
  const auto options = std::make_shared<ConvertOptions>();
  command.add_option("IN", options->input, "The .onnx file to read; a .riffle file too if OUT is .onnx")->required();
  command.add_option("OUT", options->output, "The .riffle or .onnx file to write")->required();
  command.callback([options] { convert(*options); });
}

}  // namespace riffle::tools
