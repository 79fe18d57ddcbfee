// riffle quantize: a model in, one in bytes out, a report, and what it refuses.
#include <onnx.pb.h>

#include <algorithm>
#include <span>

#include "engine/graph/quantization.hpp"
#include "tests/cli_fixture.hpp"

namespace riffle::tests {
namespace {

/// A model whose calibration data lie beside it.
class Quantize : public Cli {
 protected:
  /// 16 pictures of 8 x 8 that differ.
  std::string images() {
    Bytes pixels;
    for (int i = 0; i < 16 * 64; ++i) pixels.push_back(static_cast<std::byte>(i * 37 + i / 64 * 11));
    return folder.write("some-images-idx3-ubyte", idx(8, {16, 8, 8}, pixels));
  }
  std::string labels(std::uint32_t count = 16) {
    Bytes classes;
    for (std::uint32_t i = 0; i < count; ++i) classes.push_back(static_cast<std::byte>(i % 10));
    return folder.write("some-labels-idx1-ubyte", idx(8, {count}, classes));
  }
  std::string out() { return folder.path("out.riffle"); }
};

/// A quantised model of another tool: a convolution between two pairs of QuantizeLinear and DequantizeLinear.
Bytes quantised_onnx() {
  ::onnx::ModelProto model;
  model.add_opset_import()->set_version(13);
  auto& graph = *model.mutable_graph();
  auto& x = *graph.add_input();
  x.set_name("x");
  auto& tensor = *x.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(::onnx::TensorProto::FLOAT);
  for (const int extent : {1, 1, 8, 8}) tensor.mutable_shape()->add_dim()->set_dim_value(extent);
  graph.add_output()->set_name("y");
  const auto constant = [&](const char* name, float value, int dims) {
    auto& one = *graph.add_initializer();
    one.set_name(name);
    one.set_data_type(::onnx::TensorProto::FLOAT);
    for (int i = 0; i < dims; ++i) one.add_dims(1);
    one.add_float_data(value);
  };
  constant("scale", 1.0F / 255, 0);
  constant("weight", 0.5F, 4);
  const auto node = [&](const char* type, std::initializer_list<const char*> inputs, const char* output) {
    auto& one = *graph.add_node();
    one.set_op_type(type);
    for (const char* input : inputs) one.add_input(input);
    one.add_output(output);
  };
  node("QuantizeLinear", {"x", "scale"}, "q");
  node("DequantizeLinear", {"q", "scale"}, "a");
  node("Conv", {"a", "weight"}, "b");
  node("QuantizeLinear", {"b", "scale"}, "r");
  node("DequantizeLinear", {"r", "scale"}, "y");
  const std::string bytes = model.SerializeAsString();
  const auto all = std::as_bytes(std::span(bytes));
  return {all.begin(), all.end()};
}

TEST_F(Quantize, convert_folds_the_ranges_of_another_tools_model) {
  const std::string from = folder.write("q.onnx", quantised_onnx());
  ASSERT_EQ(riffle({"convert", from, out(), "--folded"}).code, 0);
  const graph::Graph graph = format::load_file(out());
  EXPECT_EQ(graph.nodes[0].quantization, (Quantization{1.0F / 255, 0}));
  EXPECT_TRUE(graph::is_quantised(graph));
  const Result again = riffle({"convert", out(), folder.path("again.riffle"), "--folded"});
  EXPECT_EQ(again.code, 1);
  EXPECT_TRUE(contains(again.err, "--folded: " + out() + " is a .riffle file, whose integers are riffle's already"));
}

TEST_F(Quantize, writes_a_model_in_integers_and_says_what_it_costs) {
  const std::string from = model(), data = images();
  const Result result = riffle({"quantize", from, out(), "--calibrate", data, "--report", folder.path("r.svg")});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "calibrated on 14 of 16 pictures"));
  EXPECT_TRUE(contains(result.out, "on 2 pictures that did not calibrate: "));
  EXPECT_TRUE(contains(result.out, "int8"));
  const graph::Graph graph = format::load_file(out());
  EXPECT_TRUE(graph::is_quantised(graph));
  EXPECT_LT(read_file(out(), 1 << 30).size(), read_file(from, 1 << 30).size() / 2);
  const Bytes svg = read_file(folder.path("r.svg"), 1 << 30);
  EXPECT_TRUE(contains(std::string(reinterpret_cast<const char*>(svg.data()), svg.size()), "signal to noise"));
  EXPECT_EQ(riffle({"classify", out(), picture("a.png", 10)}).code, 0);
}

TEST_F(Quantize, the_same_data_give_the_same_file) {
  const std::string from = model(), data = images(), other = folder.path("other.riffle");
  ASSERT_EQ(riffle({"quantize", from, out(), "--calibrate", data}).code, 0);
  ASSERT_EQ(riffle({"quantize", from, other, "--calibrate", data, "--threads", "2"}).code, 0);
  EXPECT_EQ(read_file(out(), 1 << 30), read_file(other, 1 << 30));
}

TEST_F(Quantize, knows_the_labels_beside_the_images) {
  const std::string from = model(), data = images();
  labels();
  const Result result =
      riffle({"quantize", from, out(), "--calibrate", data, "--method", "minmax", "--max-loss", "100"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "% right before, "));
  labels(15);
  const Result refused = riffle({"quantize", from, out(), "--calibrate", data});
  EXPECT_EQ(refused.code, 1);
  EXPECT_TRUE(contains(refused.err, "15 labels for 16 pictures")) << refused.err;
}

TEST_F(Quantize, takes_folders_and_arrays) {
  const std::string from = model();
  picture("a.png", 10), picture("b.png", 90);
  const Result pictures = riffle({"quantize", from, out(), "--calibrate", folder.path("")});
  EXPECT_EQ(pictures.code, 0) << pictures.err;
  EXPECT_TRUE(contains(pictures.out, "calibrated on 2 of 2 pictures"));
  const Result arrays = riffle({"quantize", from, out(), "--calibrate", tensor({9, 1, 32, 32}), "--method", "mse"});
  EXPECT_EQ(arrays.code, 0) << arrays.err;
  EXPECT_TRUE(contains(arrays.out, "calibrated on 8 of 9 inputs"));
}

TEST_F(Quantize, keeps_nodes_and_metadata) {
  const std::string plain = model(), carries = folder.path("carries.riffle"), data = images();
  std::string names;
  for (int i = 0; i < 10; ++i) names += "name" + std::to_string(i) + "\n";
  ASSERT_EQ(
      riffle({"convert", plain, carries, "--labels", folder.write("names", bytes_of(names)), "--mean", "0.5"}).code, 0);
  const std::string last = format::load_file(carries).nodes.back().name;
  const Result result = riffle({"quantize", carries, out(), "--calibrate", data, "--method", "minmax", "--keep", last});
  ASSERT_EQ(result.code, 0) << result.err;
  const graph::Graph graph = format::load_file(out());
  EXPECT_EQ(graph.labels.size(), 10U);
  ASSERT_TRUE(graph.preprocessing.has_value());
  EXPECT_EQ(graph.preprocessing->mean, (std::vector<float>{0.5F}));
  const auto* dense = std::get_if<graph::FullyConnected>(&graph.nodes.back().operation);
  ASSERT_NE(dense, nullptr);
  EXPECT_EQ(dense->weights.type(), Type::f32);
}

TEST_F(Quantize, takes_pixels) {
  const std::string from = model(), data = images(), labelled = labels();
  ASSERT_EQ(riffle({"convert", from, folder.path("carries.riffle"), "--mean", "0.25", "--std", "0.5"}).code, 0);
  const Result result = riffle({"quantize", folder.path("carries.riffle"), out(), "--calibrate", data, "--method",
                                "minmax", "--pixels", "--max-loss", "100"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "% right before, ")) << result.out;
  const graph::Graph graph = format::load_file(out());
  EXPECT_EQ(graph.input().type, Type::u8);
  EXPECT_EQ(graph.nodes[0].quantization, (Quantization{1.0F, 64}));
  EXPECT_EQ(graph.preprocessing, (graph::Preprocessing{.mean = {0.0F}, .deviation = {1.0F / 255}}));

  EXPECT_TRUE(contains(riffle({"inspect", out()}).out, "u8"));
  const Result classified = riffle({"classify", out(), picture("a.png", 10)});
  EXPECT_EQ(classified.code, 0) << classified.err;
  const Result accuracy = riffle({"classify", out(), "--idx", data, labelled});
  EXPECT_EQ(accuracy.code, 0) << accuracy.err;
  EXPECT_TRUE(contains(accuracy.out, " of 16 right: "));
  io::Tensor pixels{Type::u8, {1, 1, 32, 32}, Bytes(32 * 32, std::byte{100})};
  io::write_npy(folder.path("pixels.npy"), pixels);
  const Result ran = riffle({"run", out(), "--input", folder.path("pixels.npy"), "--output", folder.path("y.npy")});
  EXPECT_EQ(ran.code, 0) << ran.err;
}

TEST_F(Quantize, of_a_model_of_bytes_bytes_calibrate) {
  graph::Graph graph;
  const graph::NodeId image = graph.add("image", graph::Input{.shape = {2, 2, 1}, .type = Type::u8});
  graph::Convolution layer{2, 1, {}, graph::Constant(std::vector<float>{1.0F, -0.5F}), {}};
  graph.outputs = {{graph.add("layer", layer, {image})}};
  const std::string from = folder.path("bytes.riffle"), data = folder.path("bytes.npy");
  format::save_file(graph, from);
  Bytes numbers;
  for (int i = 0; i < 20 * 4; ++i) numbers.push_back(static_cast<std::byte>(i * 37));
  io::write_npy(data, {Type::u8, {20, 1, 2, 2}, numbers});
  const Result result = riffle({"quantize", from, out(), "--calibrate", data});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(format::load_file(out()).nodes[0].quantization, (Quantization{1.0F, 0}));
  const Result floats = riffle({"quantize", from, out(), "--calibrate", tensor({20, 1, 2, 2})});
  EXPECT_TRUE(contains(floats.err, "x.npy: holds f32 ('<f4'); it takes u8")) << floats.err;
}

/// The same network on planes and on pixels: of the same inputs it becomes the same, with the same answers.
TEST_F(Quantize, inputs_are_arranged_as_the_model_has_them) {
  const auto quantised = [&](const char* arrangement, const std::vector<std::int64_t>& shape, bool as_pixels) {
    graph::Graph graph;
    const graph::NodeId image =
        graph.add("image", graph::Input{.shape = {2, 3, 2}, .arrangement = graph::arranged(arrangement)});
    const auto weights = [](int count) {
      std::vector<float> values;
      for (int i = 0; i < count; ++i) values.push_back(static_cast<float>(i * 29 % 37) / 18 - 1);
      return graph::Constant(std::move(values));
    };
    graph::Convolution layer;
    layer.outputs = 5;
    layer.weights = weights(10);
    graph::FullyConnected last;
    last.outputs = 3;
    last.weights = weights(90);
    last.height = 2;
    last.width = 3;
    graph.outputs = {{graph.add("classes", last, {graph.add("layer", layer, {image})})}};
    const std::string from = folder.path("arranged.riffle"), data = folder.path("arranged.npy");
    format::save_file(graph, from);
    std::vector<float> numbers;
    for (int n = 0; n < 40; ++n) {
      for (int k = 0; k < 12; ++k) {
        const int place = as_pixels ? k % 2 * 6 + k / 2 : k;
        numbers.push_back(static_cast<float>((n * 12 + place) * 7919 % 1000) / 500 - 1);
      }
    }
    io::write_npy(data, io::tensor_of(shape, numbers));
    const Result result = riffle({"quantize", from, out(), "--calibrate", data});
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out.substr(0, result.out.rfind("calibrated"));
  };
  const std::string planes = quantised("c h w", {40, 2, 2, 3}, false);
  EXPECT_EQ(quantised("h w c", {40, 2, 3, 2}, true), planes);
  EXPECT_NE(quantised("h w c", {40, 2, 3, 2}, false), planes);
  const Result refused =
      riffle({"quantize", folder.path("arranged.riffle"), out(), "--calibrate", tensor({4, 2, 2, 3})});
  EXPECT_TRUE(contains(refused.err, "shape (4, 2, 2, 3); calibration takes (N, 2, 3, 2), as the model does"));
}

TEST_F(Quantize, layers_go_back_to_floats_until_the_answers_are_right) {
  // Two classes whose weights differ by less than 8 bits tell apart: the sign of the first number is the answer.
  graph::Graph graph;
  const graph::NodeId input = graph.add("input", graph::Input{{1, 1, 2}});
  graph::FullyConnected layer{2, graph::Constant(std::vector<float>{1.0F, 0.5F, 1.0001F, 0.5F}), {}};
  graph.outputs = {{graph.add("classes", layer, {input})}};
  const std::string from = folder.path("two.riffle"), data = folder.path("two.npy");
  format::save_file(graph, from);
  std::vector<float> numbers;
  Bytes classes;
  for (int i = 0; i < 80; ++i) {
    const float size = 0.2F + static_cast<float>(i * 7 % 80) / 100.0F;
    const bool positive = i * 5 % 8 < 4;
    numbers.push_back(positive ? size : -size);
    numbers.push_back(static_cast<float>(i * 37 % 80) / 10.0F - 4.0F);
    classes.push_back(positive ? std::byte{1} : std::byte{0});
  }
  io::write_npy(data, io::tensor_of({80, 2, 1, 1}, numbers));
  const std::string labels = folder.write("classes", idx(8, {80}, classes));
  const auto quantised = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"quantize", from, out(), "--calibrate", data, "--labels", labels};
    words.insert(words.end(), more.begin(), more.end());
    const Result result = riffle(words);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out;
  };
  const std::string said = quantised({});
  EXPECT_FALSE(contains(said, "100.00 % right before, 100.00 % after"));
  io::write_npy(data, io::tensor_of({80, 2}, numbers));  // as vectors
  EXPECT_EQ(quantised({}), said);
  const Result wider = riffle({"quantize", from, out(), "--calibrate", tensor({4, 3})});
  EXPECT_TRUE(contains(wider.err, "shape (4, 3); calibration takes (N, 2), as the model does")) << wider.err;
  EXPECT_TRUE(contains(quantised({"--max-loss", "0"}), "100.00 % right before, 100.00 % after"));
  const graph::Graph kept = format::load_file(out());
  EXPECT_EQ(std::get<graph::FullyConnected>(kept.nodes[kept.outputs[0].node].operation).weights.type(), Type::f32);
}

TEST_F(Quantize, refuses_what_it_cannot_take) {
  const std::string from = model(), data = images();
  const auto error = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"quantize", from, out()};
    words.insert(words.end(), more.begin(), more.end());
    const Result result = riffle(words);
    EXPECT_EQ(result.code, 1);
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    return result.err;
  };
  EXPECT_TRUE(contains(error({"--calibrate", data, "--max-loss", "1"}), "--labels"));
  EXPECT_TRUE(contains(error({"--calibrate", data, "--keep", "nothing"}), "no node 'nothing'"));
  EXPECT_TRUE(contains(error({"--calibrate", tensor({2, 1, 16, 16})}), "(N, 1, 32, 32)"));
  EXPECT_TRUE(contains(error({"--calibrate", folder.write("empty", idx(8, {0, 8, 8}, {}))}), "dimension of 0"));
  EXPECT_TRUE(contains(error({"--calibrate", folder.path("")}), "holds no PNG or JPEG pictures"));
  EXPECT_TRUE(contains(error({"--calibrate", folder.write("flat", idx(8, {4, 8, 8}, Bytes(256)))}), "one constant"));
  std::vector<float> values(2 * 32 * 32, 0.5F);
  values[1500] = std::numeric_limits<float>::quiet_NaN();
  io::write_npy(folder.path("nan.npy"), io::tensor_of({2, 1, 32, 32}, values));
  EXPECT_TRUE(contains(error({"--calibrate", folder.path("nan.npy")}), "nan.npy, input 1 holds a number"));
  EXPECT_TRUE(contains(error({"--calibrate", data, "--pixels"}), "does not say how its pictures are normalised"));
  EXPECT_TRUE(contains(error({"--calibrate", tensor({9, 1, 32, 32}), "--pixels"}), "which are no pixels"));
  ASSERT_EQ(riffle({"quantize", from, out(), "--calibrate", data, "--method", "minmax"}).code, 0);
  const Result again = riffle({"quantize", out(), folder.path("twice.riffle"), "--calibrate", data});
  EXPECT_TRUE(contains(again.err, "quantised already")) << again.err;
  EXPECT_FALSE(std::ranges::count(folder.names(), "twice.riffle") > 0);
}

}  // namespace
}  // namespace riffle::tests
