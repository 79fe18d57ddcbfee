// riffle convert: a model to .riffle, its batch norms folded and its activations fused, or to ONNX, as it is; and what
// it carries beside the network: the names of its classes, what pictures go through.
#include <iostream>
#include <memory>

#include "base/files.hpp"
#include "base/text.hpp"
#include "engine/passes/passes.hpp"
#include "io/description.hpp"
#include "io/labels.hpp"
#include "io/model_file.hpp"
#include "io/onnx/import.hpp"
#include "quantise/quantise.hpp"
#include "tools/commands.hpp"
#include "tools/options.hpp"
#include "tools/preprocessing_options.hpp"
#include "tools/tensors.hpp"

namespace riffle::tools {
namespace {

struct ConvertOptions {
  std::string input;
  std::string output;
  std::string labels;
  std::string description;
  Type precision = Type::f32;
  bool folded = false;
  ImageSize size;
  PreprocessingOptions preprocessing;
};

/// The model; of a quantised one, where it is to be folded, its ranges as integers with scales of riffle's own.
graph::Graph load(const ConvertOptions& options) {
  const onnx::ImportOptions open = import_options(options.input, options.size);
  if (!options.folded) return io::load_model(options.input, open);
  if (io::format_of(options.input) != io::ModelFormat::onnx) {
    throw Error("--folded: " + options.input + " is a .riffle file, whose integers are riffle's already");
  }
  onnx::Ranged ranged = onnx::import_ranges_of_file(options.input, open);
  return quantise::quantise_within_bounds(std::move(ranged.graph), ranged.inputs).after;
}

void describe(graph::Graph& graph, const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path, std::int64_t{1} << 24);
  try {
    io::describe(graph, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  } catch (const Error& error) {
    throw Error(path + ": " + error.what());
  }
}

void convert(const ConvertOptions& options) {
  require_another_file({"OUT", options.output},
                       {{"MODEL", options.input}, {"--labels", options.labels}, {"--describe", options.description}});
  const io::ModelFormat format = io::format_to_save(options.output);  // before much is read
  graph::Graph graph = load(options);
  if (options.size.height > 0) graph.set_input_size(options.size.height, options.size.width);
  if (!options.description.empty()) describe(graph, options.description);
  if (!options.labels.empty()) {
    graph.labels = io::read_labels(options.labels, static_cast<std::int32_t>(graph::label_count(graph)));
  }
  if (!options.preprocessing.given().empty()) {
    graph.preprocessing = choose(options.preprocessing, graph::preprocessing_of(graph));
  }
  const std::size_t nodes = graph.nodes.size();
  // A .riffle file is for riffle alone; ONNX is for others, and gets the graph as it is.
  if (format == io::ModelFormat::riffle) {
    passes::optimise(graph);
  } else if (options.precision != Type::f32) {
    throw Error("--precision: an .onnx file gets the weights as they are; name a .riffle file");
  }
  if (options.precision == Type::f16) {
    for (const std::string& node : passes::store_halves(graph)) {
      std::cerr << "riffle: node '" << node << "' has a weight beyond what a half holds; its weights stay fp32\n";
    }
  }
  io::save_model(graph, options.output);
  const graph::Cost cost = graph::total_cost(graph);
  std::cout << options.output << ": "
            << tensors_text("input", plan::signature_of(graph, graph::infer_shapes(graph)).inputs) << ", "
            << millions(cost.macs) << " MAC, " << grouped(cost.parameters) << " parameters; " << nodes << " nodes";
  if (graph.nodes.size() != nodes) std::cout << " became " << graph.nodes.size();
  std::cout << '\n';
}

}  // namespace

void add_convert(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("convert", "A model to .riffle or ONNX, with names for its classes");
  const auto options = std::make_shared<ConvertOptions>();
  add_model(command, options->input);
  command.add_option("OUT", options->output, "The file to write; its name ends in .riffle or .onnx")->required();
  command.add_option("--labels", options->labels, "A file of one class name a line, for OUT to carry")
      ->type_name("FILE");
  command
      .add_option("--describe", options->description,
                  "A file that says what pictures the network wants and what its answers mean, for OUT to carry: JSON, "
                  "docs/description.md")
      ->type_name("FILE");
  add_precision(
      command, options->precision, {{"fp32", Type::f32}, {"fp16", Type::f16}},
      "How OUT, a .riffle file, stores the weights of convolutions and fully connected layers: fp32, or fp16, "
      "in half as many bytes");
  command.add_flag(
      "--folded", options->folded,
      "Of a quantised ONNX model: keep its ranges, and round anew, with scales that nothing has to convert "
      "between layers. Without it OUT computes the very integers that the file says");
  add_size(command, options->size,
           "; by default the model's own, or where an ONNX model leaves it open " +
               std::to_string(onnx::default_extent) + " pixels");
  add_preprocessing(command, options->preprocessing);
  command.footer(
      "OUT carries the labels, the preprocessing and the task that MODEL does. If any option of preprocessing is "
      "given, it is "
      "written over it.");
  command.callback([options] { convert(*options); });
}

}  // namespace riffle::tools
