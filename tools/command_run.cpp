// riffle run: tensors through a model.
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "engine/run/session.hpp"
#include "io/model_file.hpp"
#include "io/npy.hpp"
#include "io/npz.hpp"
#include "measure/statistics.hpp"
#include "tools/commands.hpp"
#include "tools/options.hpp"

namespace riffle::tools {
namespace {

/// Of all outputs together; what an archive has beside them fits into the rest of 4 GiB.
constexpr std::int64_t max_output_bytes = (std::int64_t{1} << 32) - (std::int64_t{1} << 28);

struct RunOptions {
  std::string model;
  std::string input;
  std::string output;
  int threads = 1;
  std::optional<run::Cores> cores;
  int repeat = 1;
  Type precision = Type::f32;
  plan::Without without;
};

/// The name's ending says it, as that of a file of NumPy's savez() does.
bool is_archive(const std::string& path) { return path.ends_with(".npz"); }

std::string quoted(const std::string& name) { return "'" + name + "'"; }

/// "'left', 'right'".
std::string input_names(const graph::Graph& graph) {
  std::string names;
  for (std::size_t i = 0; i < graph.input_count(); ++i) names += (i > 0 ? ", " : "") + quoted(graph.nodes[i].name);
  return names;
}
std::string output_names(const graph::Graph& graph) {
  std::string names;
  for (const graph::Output& output : graph.outputs) {
    names += (names.empty() ? "" : ", ") + quoted(graph.output_name(output));
  }
  return names;
}

/// "f32 ('<f4')"; "u8 ('|u1'), scale 0.5, zero point 128".
std::string numbers_text(const graph::Input& input) {
  const std::string type = io::type_text(input.type);
  if (!is_quantised(input.type)) return type;
  return type + ", scale " + shortest(input.quantization.scale) + ", zero point " +
         std::to_string(input.quantization.zero_point);
}

/// A file's tensor as an input takes it.
struct Given {
  io::Tensor tensor;
  std::int64_t batch = 1;
  graph::Shape shape;  // of one image
};

/// The input's shape where its tensor has these extents: of any height and width. None where it cannot have them.
std::optional<graph::Shape> shape_with(const graph::Input& input, std::vector<std::int64_t> dims) {
  const graph::Arrangement& arrangement = graph::arrangement_of(input.arrangement);
  const bool is_vector = input.arrangement == graph::Arrangement{} && input.shape.pixels() == 1 && dims.size() == 1;
  if (is_vector) dims = {dims[0], 1, 1};
  if (dims.size() != arrangement.axes.size()) return std::nullopt;
  graph::Shape shape = input.shape;
  for (std::size_t a = 0; a < dims.size(); ++a) {
    if (dims[a] < 1 || dims[a] > graph::max_tensor_floats) return std::nullopt;
    if (arrangement.axes[a].size() != 1) continue;
    const graph::Digit& digit = arrangement.digits[static_cast<std::size_t>(arrangement.axes[a][0])];
    if (digit.extent != 0 || digit.index == graph::Index::channel) continue;
    (digit.index == graph::Index::row ? shape.h : shape.w) = static_cast<std::int32_t>(dims[a]);
  }
  try {
    if (graph::resolve(arrangement, shape).extents == dims) return shape;
  } catch (const Error&) {  // of another size
  }
  return std::nullopt;
}

/// The extents of a batch.
std::vector<std::int64_t> with_batch(std::vector<std::int64_t> dims, std::int64_t batch, bool joins_batch) {
  if (!joins_batch) {
    dims.insert(dims.begin(), batch);
  } else if (!dims.empty()) {
    dims[0] *= batch;
  } else if (batch != 1) {
    dims = {batch};
  }
  return dims;
}

/// (N, C, H, W) or as the model declares it; of one image, the batch may be left out. `before` are those of the inputs
/// before this one; the first may be of any batch and size, which the graph has taken over when the others are looked
/// at. `where` is for messages.
Given as_input(io::Tensor tensor, const graph::Graph& graph, const std::vector<Given>& before,
               const std::string& where) {
  const graph::Input& input = graph.input(before.size());
  if (tensor.type != input.type) {
    throw Error(where + ": holds " + io::type_text(tensor.type) + "; the model takes " + numbers_text(input));
  }
  const graph::Arrangement& arrangement = graph::arrangement_of(input.arrangement);
  const std::vector<std::int64_t> own = graph::resolve(arrangement, input.shape).extents;
  std::vector<std::int64_t> dims = tensor.shape;
  std::int64_t batch = 1;
  if (arrangement.joins_batch) {
    if (!own.empty() && !dims.empty() && dims[0] % own[0] == 0) {
      batch = dims[0] / own[0];
      dims[0] = own[0];
    }
  } else if (!shape_with(input, dims) && !dims.empty()) {
    batch = dims[0];
    dims.erase(dims.begin());
  }
  const std::optional<graph::Shape> shape = shape_with(input, dims);
  const std::string given = where + ": shape " + io::shape_text(tensor.shape) + "; ";
  if (!before.empty()) {
    if (shape == input.shape && batch == before[0].batch) return {std::move(tensor), batch, *shape};
    throw Error(given + "beside " + quoted(graph.nodes[0].name) + " of " + io::shape_text(before[0].tensor.shape) +
                " the model takes " + io::shape_text(with_batch(own, before[0].batch, arrangement.joins_batch)));
  }
  if (!shape || batch < 1) {
    const std::string any = input.arrangement == graph::Arrangement{}
                                ? "(N, " + std::to_string(input.shape.c) + ", H, W), by default "
                                : "";
    throw Error(given + "the model takes " + any + io::shape_text(with_batch(own, 1, arrangement.joins_batch)));
  }
  return {std::move(tensor), batch, *shape};
}

/// The graph's inputs, in its order. The size of the first becomes the graph's, which is read again at this size where
/// it is another one: a model may leave its size open, and hold for the size that it is read at.
std::vector<Given> read_inputs(const std::string& path, const std::string& model, graph::Graph& graph) {
  std::vector<Given> inputs;
  const auto take = [&](io::Tensor tensor, const std::string& where) {
    inputs.push_back(as_input(std::move(tensor), graph, inputs, where));
    if (inputs.size() > 1) return;
    const std::int32_t height = inputs[0].shape.h, width = inputs[0].shape.w;
    const graph::Shape own = graph.input_shape();
    if (own.h == height && own.w == width) return;
    graph = io::load_model(model, {height, width});
    graph.set_input_size(height, width);
  };
  const std::size_t count = graph.input_count();
  if (!is_archive(path)) {
    if (count > 1) {
      throw Error(path + ": holds one tensor; the model takes " + std::to_string(count) +
                  ", which stand in an .npz file under their names: " + input_names(graph));
    }
    take(io::read_npy(path), path);
    return inputs;
  }
  const io::Npz archive(path);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& name = graph.nodes[i].name;
    if (!archive.holds(name)) {
      throw Error(path + ": holds no " + quoted(name) + "; the model takes " + input_names(graph));
    }
    take(archive.read(name), path + ": " + quoted(name));
  }
  if (const std::size_t more = archive.names().size() - count; more > 0) {
    std::cerr << "riffle: " << printable(path) << ": " << more << " of its tensors ignored; the model takes "
              << printable(input_names(graph)) << '\n';
  }
  return inputs;
}

/// Room for a batch of them.
io::Tensor room_for(const plan::Tensor& output, std::int64_t batch) {
  io::Tensor tensor{output.type, with_batch(output.dims, batch, output.arrangement.joins_batch), {}};
  tensor.bytes.resize(static_cast<std::size_t>(batch * output.bytes()));
  return tensor;
}

void run_model(const RunOptions& options) {
  require_another_file({"--output", options.output}, {{"--input", options.input}, {"MODEL", options.model}});
  graph::Graph graph = io::load_model(options.model);
  if (graph.outputs.size() > 1 && !is_archive(options.output)) {
    throw Error(options.output + ": holds one tensor; the model gives " + std::to_string(graph.outputs.size()) +
                ", which an .npz file takes under their names: " + output_names(graph));
  }
  const std::vector<Given> inputs = read_inputs(options.input, options.model, graph);
  const auto plan = make_plan(std::move(graph), {.precision = options.precision, .without = options.without});
  const std::int64_t batch = inputs[0].batch;
  std::int64_t output_bytes = 0;
  for (const plan::Tensor& output : plan->outputs) output_bytes += output.bytes();
  if (batch > max_output_bytes / output_bytes) {
    throw Error(options.input + ": a batch of " + std::to_string(batch) + " gives more output than is held");
  }
  run::Session session = make_session(plan, options.threads, options.cores);
  std::vector<io::NamedTensor> outputs;
  for (const plan::Tensor& output : plan->outputs) outputs.push_back({output.name, room_for(output, batch)});
  std::vector<const void*> from;
  for (const Given& input : inputs) from.push_back(input.tensor.bytes.data());
  std::vector<void*> to;
  for (io::NamedTensor& output : outputs) to.push_back(output.tensor.bytes.data());

  std::vector<double> milliseconds;
  for (int i = 0; i < options.repeat; ++i) {
    const auto start = std::chrono::steady_clock::now();
    session.run(from.data(), to.data(), batch);
    milliseconds.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::string shapes;
  for (const auto& [name, tensor] : outputs) {
    shapes +=
        (shapes.empty() ? "" : ", ") + (is_archive(options.output) ? name + " " : "") + io::shape_text(tensor.shape);
  }
  if (is_archive(options.output)) {
    io::write_npz(options.output, outputs);
  } else {
    io::write_npy(options.output, outputs[0].tensor);
  }

  const measure::Statistics time = measure::summarise(milliseconds);
  std::cout << options.output << ": " << printable(shapes) << " in " << fixed(time.median, 3) << " ms";
  if (options.repeat > 1) std::cout << " (median of " << options.repeat << ", min " << fixed(time.min, 3) << " ms)";
  std::cout << '\n';
}

}  // namespace

void add_run(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("run", "Tensors through a model");
  const auto options = std::make_shared<RunOptions>();
  add_model(command, options->model);
  command
      .add_option("--input", options->input,
                  "The model's input, as it declares it, such as (N, C, H, W), in a .npy file; of one image the batch "
                  "may be left out. Or all of its inputs, by their names, in an .npz file. Of the types that the model "
                  "takes; bfloat16 as uint16, by its bits")
      ->required()
      ->type_name("X.npy|X.npz");
  command
      .add_option("--output", options->output,
                  "The file to write, its output or outputs alike, of the shapes and types that the model gives")
      ->required()
      ->type_name("Y.npy|Y.npz");
  add_threads(command, options->threads);
  add_precision(command, options->precision);
  add_without(command, options->without);
  add_cores(command, options->cores);
  add_number(command, "--repeat", options->repeat, 1, 1'000'000, "Run so many times; the time is the median");
  command.callback([options] { run_model(*options); });
}

}  // namespace riffle::tools
