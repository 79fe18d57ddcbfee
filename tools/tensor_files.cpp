#include "tools/tensor_files.hpp"

#include <optional>
#include <utility>

#include "base/text.hpp"
#include "io/model_file.hpp"
#include "io/npz.hpp"
#include "verify/check_model.hpp"

namespace riffle::tools {
namespace {

/// Of all outputs together; what an archive has beside them fits into the rest of 4 GiB.
constexpr std::int64_t max_output_bytes = (std::int64_t{1} << 32) - (std::int64_t{1} << 28);

std::string quoted(const std::string& name) { return "'" + name + "'"; }

/// "'left', 'right'".
std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + quoted(name);
  return list;
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
  const graph::Arrangement arrangement = graph::arrangement_of(input.arrangement);
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
  const graph::Arrangement arrangement = graph::arrangement_of(input.arrangement);
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

/// Room for a batch of them.
io::Tensor room_for(const plan::Tensor& output, std::int64_t batch) {
  io::Tensor tensor{output.type, with_batch(output.dims, batch, output.arrangement.joins_batch), {}};
  tensor.bytes.resize(static_cast<std::size_t>(batch * output.bytes()));
  return tensor;
}

graph::Graph load(const std::string& path, Wanted wanted, onnx::ImportOptions options = {}) {
  options.every_tensor = wanted == Wanted::every_tensor;
  graph::Graph graph = io::load_model(path, options);
  if (options.every_tensor && io::format_of(path) == io::ModelFormat::riffle) {
    return verify::with_every_node(std::move(graph));
  }
  return graph;
}

/// Of the first tensor in a file; empty where it cannot be read.
std::vector<std::int64_t> first_shape(const std::string& path) {
  try {
    if (!is_archive(path)) return io::read_npy(path).shape;
    const io::Npz archive(path);
    const std::vector<std::string> names = archive.names();
    return names.empty() ? std::vector<std::int64_t>{} : archive.read(names[0]).shape;
  } catch (const Error&) {
    return {};
  }
}

/// For what stands in a file. A model of open height and width may be one at the size that it is given alone, which is
/// told from the file's tensor, planes or pixels, where the model is none at the default one.
graph::Graph load_for(const std::string& model, const std::string& path, Wanted wanted) {
  try {
    return load(model, wanted);
  } catch (const Error&) {
    const std::vector<std::int64_t> shape = first_shape(path);
    for (std::size_t rows = 2; shape.size() == 4 && rows > 0; --rows) {
      const std::int64_t height = shape[rows], width = shape[rows + 1];
      if (height < 1 || width < 1 || height > graph::max_extent || width > graph::max_extent) continue;
      try {
        return load(model, wanted,
                    {.height = static_cast<std::int32_t>(height), .width = static_cast<std::int32_t>(width)});
      } catch (const Error&) {  // the first one says more
      }
    }
    throw;
  }
}

}  // namespace

bool is_archive(const std::string& path) { return path.ends_with(".npz"); }

std::string input_names(const graph::Graph& graph) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < graph.input_count(); ++i)
    names.push_back(graph.nodes[static_cast<graph::NodeId>(i)].name);
  return listed(names);
}

std::string output_names(const graph::Graph& graph) {
  std::vector<std::string> names;
  for (const graph::Output& output : graph.outputs) names.push_back(graph.output_name(output));
  return listed(names);
}

Loaded load_with_inputs(const std::string& model, const std::string& path, Wanted wanted) {
  Loaded loaded{.graph = load_for(model, path, wanted)};
  std::vector<Given> inputs;
  const auto take = [&](io::Tensor tensor, const std::string& where) {
    inputs.push_back(as_input(std::move(tensor), loaded.graph, inputs, where));
    if (inputs.size() > 1) return;
    const std::int32_t height = inputs[0].shape.h, width = inputs[0].shape.w;
    const graph::Shape own = loaded.graph.input_shape();
    if (own.h == height && own.w == width) return;
    loaded.graph = load(model, wanted, {.height = height, .width = width});
    loaded.graph.set_input_size(height, width);
  };
  const std::size_t count = loaded.graph.input_count();
  if (is_archive(path)) {
    const io::Npz archive(path);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = loaded.graph.nodes[static_cast<graph::NodeId>(i)].name;
      if (!archive.holds(name)) {
        throw Error(path + ": holds no " + quoted(name) + "; the model takes " + input_names(loaded.graph));
      }
      take(archive.read(name), path + ": " + quoted(name));
    }
    loaded.unread = archive.names().size() - count;
  } else {
    if (count > 1) {
      throw Error(path + ": holds one tensor; the model takes " + std::to_string(count) +
                  ", which stand in an .npz file under their names: " + input_names(loaded.graph));
    }
    take(io::read_npy(path), path);
  }
  loaded.batch = inputs[0].batch;
  for (Given& input : inputs) loaded.inputs.push_back(std::move(input.tensor));
  return loaded;
}

Batch::Batch(const Loaded& loaded, const plan::Plan& plan, const std::string& where) : size_(loaded.batch) {
  std::int64_t output_bytes = 0;
  for (const plan::Tensor& output : plan.outputs) output_bytes += output.bytes();
  if (size_ > max_output_bytes / output_bytes) {
    throw Error(where + ": a batch of " + std::to_string(size_) + " gives more output than is held");
  }
  for (const plan::Tensor& output : plan.outputs) outputs_.push_back({output.name, room_for(output, size_)});
  for (const io::Tensor& input : loaded.inputs) from_.push_back(input.bytes.data());
  for (io::NamedTensor& output : outputs_) to_.push_back(output.tensor.bytes.data());
}

}  // namespace riffle::tools
