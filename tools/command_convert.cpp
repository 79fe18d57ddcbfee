// riffle convert: an ONNX file to a .riffle file, its batch norms folded and its activations fused.
#include <iostream>
#include <memory>

#include "engine/format/format.hpp"
#include "engine/passes/passes.hpp"
#include "tools/commands.hpp"
#include "tools/files.hpp"
#include "tools/onnx/onnx_import.hpp"
#include "tools/text.hpp"

namespace riffle::tools {
namespace {

struct Options {
  std::string input;
  std::string output;
};

void convert(const Options& options) {
  graph::Graph graph = onnx::import_file(options.input);
  const std::size_t imported_nodes = graph.nodes.size();
  passes::optimise(graph);
  write_file(options.output, {format::save(graph)});
  const graph::Cost cost = graph::total_cost(graph);
  std::cout << options.output << ": input " << chw(graph.input_shape()) << ", " << millions(cost.macs) << " MAC, "
            << grouped(cost.parameters) << " parameters; " << imported_nodes << " nodes became " << graph.nodes.size()
            << '\n';
}

}  // namespace

void add_convert(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("convert", "An ONNX file to a .riffle file");
  const auto options = std::make_shared<Options>();
  command.add_option("IN", options->input, "The .onnx file to read")->required();
  command.add_option("OUT", options->output, "The .riffle file to write")->required();
  command.callback([options] { convert(*options); });
}

}  // namespace riffle::tools
