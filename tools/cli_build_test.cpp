// riffle build, convert, embed: models in, models out.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "engine/plan/plan.hpp"
#include "onnx.pb.h"
#include "tests/cli_fixture.hpp"

namespace riffle::tests {
namespace {

TEST_F(Cli, build_says_what_the_network_costs) {
  const std::string path = folder.path("v1.riffle");
  const Result v1 =
      riffle({"build", "v1", "--groups", "8", "--width", "0.25", "--classes", "7", "--size", "64x48", path});
  EXPECT_EQ(v1.code, 0) << v1.err;
  EXPECT_TRUE(contains(v1.out, "input 3 x 64 x 48"));
  const Result v2 = riffle({"build", "v2", folder.path("v2.riffle")});
  EXPECT_EQ(v2.code, 0) << v2.err;
  EXPECT_TRUE(contains(v2.out, "144.9 M MAC, 2,278,604 parameters"));
  const Result note = riffle({"build", "v2", "--flavour", "note", "--residual", folder.path("note.riffle")});
  EXPECT_EQ(note.code, 0) << note.err;
  EXPECT_TRUE(contains(note.out, "input 1 x 224 x 224"));
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"note.riffle", "v1.riffle", "v2.riffle"}));
}

TEST_F(Cli, the_seed_makes_the_weights) {
  const auto built = [&](const std::string& name, const std::string& seed) {
    const Result result =
        riffle({"build", "v2", "--width", "0.5", "--size", "32x32", "--seed", seed, folder.path(name)});
    EXPECT_EQ(result.code, 0) << result.err;
    return read_file(folder.path(name), 1 << 26);
  };
  const Bytes one = built("a.riffle", "1");
  EXPECT_EQ(one, built("b.riffle", "1"));
  EXPECT_NE(one, built("c.riffle", "2"));
}

/// y = relu(x) of (n, 2, size, size), then the input's planes are the output's. A size of -1 is open.
std::string relu_onnx(int extent = 4) {
  ::onnx::ModelProto model;
  model.set_ir_version(7);
  model.add_opset_import()->set_version(13);
  ::onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name("relu");
  const auto value = [extent](::onnx::ValueInfoProto& info, const std::string& name) {
    info.set_name(name);
    auto& type = *info.mutable_type()->mutable_tensor_type();
    type.set_elem_type(::onnx::TensorProto::FLOAT);
    for (const int size : {1, 2, extent, extent}) type.mutable_shape()->add_dim()->set_dim_value(size);
  };
  value(*graph.add_input(), "x");
  value(*graph.add_output(), "y");
  ::onnx::NodeProto& node = *graph.add_node();
  node.set_name("the relu");
  node.set_op_type("Relu");
  node.add_input("x");
  node.add_output("y");
  return model.SerializeAsString();
}

/// Of open height and width, reshaped to what there is of one size alone.
TEST_F(Cli, run_reads_an_open_model_at_the_size_that_it_is_given) {
  ::onnx::ModelProto model;
  model.ParseFromString(relu_onnx());
  ::onnx::GraphProto& graph = *model.mutable_graph();
  auto& dims = *graph.mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  for (const int axis : {2, 3}) dims.mutable_dim(axis)->set_dim_param(axis == 2 ? "height" : "width");
  graph.mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  graph.mutable_node(0)->set_op_type("Reshape");
  graph.mutable_node(0)->add_input("shape");
  ::onnx::TensorProto& shape = *graph.add_initializer();
  shape.set_name("shape");
  shape.set_data_type(::onnx::TensorProto::INT64);
  shape.add_dims(4);
  for (const int extent : {1, 4, 3, 5}) shape.add_int64_data(extent);
  const std::string file = folder.write("open.onnx", bytes_of(model.SerializeAsString()));
  const auto run = [&](std::int64_t height) {
    std::vector<float> values(static_cast<std::size_t>(2 * height * 5), 1.5F);
    io::write_npy(folder.path("x.npy"), io::tensor_of({1, 2, height, 5}, values));
    return riffle({"run", file, "--input", folder.path("x.npy"), "--output", folder.path("y.npy")});
  };
  const Result result = run(6);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(io::read_npy(folder.path("y.npy")).shape, (std::vector<std::int64_t>{1, 4, 3, 5}));
  EXPECT_EQ(run(7).code, 1);
}

TEST_F(Cli, convert_and_run_agree_with_onnx) {
  const std::string onnx_file = folder.write("relu.onnx", bytes_of(relu_onnx()));
  const std::string riffle_file = folder.path("relu.riffle");
  const Result converted = riffle({"convert", onnx_file, riffle_file});
  ASSERT_EQ(converted.code, 0) << converted.err;
  const std::string x = tensor({2, 2, 4, 4});
  std::vector<float> expected = floats(io::read_npy(x));
  for (float& value : expected) value = std::max(value, 0.0F);
  for (const std::string& file : {onnx_file, riffle_file}) {
    const Result result = riffle({"run", file, "--input", x, "--output", folder.path("y.npy")});
    ASSERT_EQ(result.code, 0) << result.err;
    const io::Tensor y = io::read_npy(folder.path("y.npy"));
    EXPECT_EQ(y.shape, (std::vector<std::int64_t>{2, 2, 4, 4}));
    EXPECT_EQ(floats(y), expected);
  }
}

TEST_F(Cli, a_size_that_a_model_leaves_open_is_the_caller_s_or_said) {
  const std::string open = folder.write("open.onnx", bytes_of(relu_onnx(-1))), to = folder.path("relu.riffle");
  const Result asked = riffle({"convert", open, to, "--size", "5x7"});
  ASSERT_EQ(asked.code, 0) << asked.err;
  EXPECT_TRUE(contains(asked.out, "input 2 x 5 x 7")) << asked.out;
  EXPECT_EQ(asked.err, "");
  const Result by_default = riffle({"convert", open, to});
  ASSERT_EQ(by_default.code, 0) << by_default.err;
  EXPECT_TRUE(contains(by_default.out, "input 2 x 224 x 224")) << by_default.out;
  EXPECT_TRUE(contains(by_default.err, "open.onnx: the size of the input 'x' is open")) << by_default.err;
  const Result run = riffle({"run", open, "--input", tensor({1, 2, 3, 6}), "--output", folder.path("y.npy")});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.err, "");
  EXPECT_EQ(io::read_npy(folder.path("y.npy")).shape, (std::vector<std::int64_t>{1, 2, 3, 6}));
}

/// Half of the file; on this CPU the numbers are those of weights that were rounded, in whatever it computes.
TEST_F(Cli, convert_stores_halves) {
  const std::string whole = model(), halves = folder.path("halves.riffle"), x = tensor({1, 1, 32, 32});
  const Result converted = riffle({"convert", whole, halves, "--precision", "fp16"});
  ASSERT_EQ(converted.code, 0) << converted.err;
  EXPECT_EQ(converted.err, "");
  const auto size = [](const std::string& path) { return std::filesystem::file_size(path); };
  EXPECT_LT(static_cast<double>(size(halves)), 0.6 * static_cast<double>(size(whole)));
  const auto output = [&](const std::string& path, const std::string& precision) {
    const Result run = riffle({"run", path, "--precision", precision, "--input", x, "--output", folder.path("y.npy")});
    EXPECT_EQ(run.code, 0) << run.err;
    const bool is_told = !run.err.empty();
    const Type type = precision == "fp32" ? Type::f32 : precision == "fp16" ? Type::f16 : Type::bf16;
    EXPECT_EQ(is_told, plan::precision_of(kernels::choose_kernels(), type) != type);
    return floats(io::read_npy(folder.path("y.npy")));
  };
  const std::vector<float> expected = output(whole, "fp32");
  const float most = std::ranges::max(expected, {}, [](float v) { return std::abs(v); });
  for (const auto& [path, precision] :
       {std::pair(halves, "fp32"), std::pair(whole, "fp16"), std::pair(halves, "fp16"), std::pair(halves, "bf16")}) {
    const std::vector<float> got = output(path, precision);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 0.05F * std::abs(most)) << precision;
  }
  const Result onnx = riffle({"convert", whole, folder.path("halves.onnx"), "--precision", "fp16"});
  EXPECT_EQ(onnx.code, 1);
  EXPECT_TRUE(contains(onnx.err, "--precision")) << onnx.err;
}

TEST_F(Cli, convert_makes_onnx_of_any_model) {
  const std::string riffle_file = model(), onnx_file = folder.path("model.onnx"), again = folder.path("again.onnx");
  const Result converted = riffle({"convert", riffle_file, onnx_file});
  ASSERT_EQ(converted.code, 0) << converted.err;
  EXPECT_TRUE(contains(converted.out, "input 1 x 32 x 32"));
  ASSERT_EQ(riffle({"convert", onnx_file, again}).code, 0);
  const std::string x = tensor({2, 1, 32, 32});
  std::vector<float> expected;
  for (const std::string& file : {riffle_file, onnx_file, again}) {
    const Result result = riffle({"run", file, "--input", x, "--output", folder.path("y.npy")});
    ASSERT_EQ(result.code, 0) << result.err;
    const io::Tensor y = io::read_npy(folder.path("y.npy"));
    EXPECT_EQ(y.shape, (std::vector<std::int64_t>{2, 10}));
    if (expected.empty()) expected = floats(y);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(floats(y).at(i), expected[i], 1e-4) << file;
  }
}

TEST_F(Cli, convert_keeps_several_inputs_and_outputs) {
  const std::string to = folder.path("to.riffle");
  const Result result = riffle({"convert", two_headed(), to});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out,
                       "to.riffle: inputs image 3 x 16 x 16 u8 (scale 0.0078125, zero point 128), mask 1 x "
                       "16 x 16, 0.06 M MAC, "));
  EXPECT_TRUE(contains(riffle({"inspect", to}).out, "classes"));
}

TEST_F(Cli, a_models_ending_says_what_is_written) {
  const auto is_onnx = [&](const std::string& name) {
    const Bytes bytes = read_file(folder.path(name), 1 << 26);
    return std::string(reinterpret_cast<const char*>(bytes.data() + 4), 4) != "RFFL";
  };
  const std::string path = model();
  // From riffle to riffle, too; and what was folded before stays as it is.
  for (const std::string name : {"a.onnx", "b.ONNX", "c.riffle", "d.RIFFLE"}) {
    const Result result = riffle({"convert", path, folder.path(name)});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(is_onnx(name), name[0] < 'c') << name;
    EXPECT_EQ(riffle({"inspect", folder.path(name)}).code, 0) << name;
  }
  EXPECT_EQ(read_file(folder.path("c.riffle"), 1 << 26), read_file(path, 1 << 26));
  for (const std::string name : {"built.Onnx", "built.Riffle"}) {
    const Result result =
        riffle({"build", "v2", "--flavour", "note", "--width", "0.5", "--size", "32x32", folder.path(name)});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(is_onnx(name), name == "built.Onnx");
    EXPECT_EQ(riffle({"inspect", folder.path(name)}).code, 0) << name;
  }
}

TEST_F(Cli, embed_writes_the_model_as_c) {
  const std::string path = model();
  const Result result = riffle({"embed", path, folder.path("net.c")});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"model.riffle", "net.c", "net.h"}));
  const Bytes bytes = read_file(path, 1 << 26);
  const auto text = [&](const std::string& name) {
    const Bytes content = read_file(folder.path(name), 1 << 28);
    return std::string(reinterpret_cast<const char*>(content.data()), content.size());
  };
  EXPECT_TRUE(contains(text("net.h"), "extern const void* const model_riffle;"));
  EXPECT_TRUE(contains(text("net.h"), "extern const size_t model_riffle_size;"));
  const std::string source = text("net.c");
  EXPECT_TRUE(source.find("model_riffle_size = " + std::to_string(bytes.size()) + ";") != std::string::npos);
  // The words, read back.
  Bytes words;
  for (std::size_t at = source.find('{'); (at = source.find("0x", at)) != std::string::npos; ++at) {
    const std::uint64_t word = std::stoull(source.substr(at, 18), nullptr, 16);
    for (int i = 0; i < 8; ++i) words.push_back(static_cast<std::byte>(word >> (8 * i)));
  }
  ASSERT_EQ(words.size(), (bytes.size() + 7) / 8 * 8);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), words.begin()));

  EXPECT_EQ(riffle({"embed", path, folder.path("net.c"), "--name", "mine"}).code, 0);
  EXPECT_TRUE(contains(text("net.h"), "extern const void* const mine;"));

  // By default the file's name, as C takes it.
  for (const auto& [file, name] : {std::pair{"7 up!.riffle", "model_7_up_riffle"},
                                   {"__a--b_.riffle", "model_a_b_riffle"},
                                   {"words.riffle", "words_riffle"},
                                   {"größe.riffle", "gr_e_riffle"}}) {
    const std::string copy = folder.write(file, bytes);
    EXPECT_EQ(riffle({"embed", copy, folder.path("net.c")}).code, 0) << file;
    EXPECT_TRUE(contains(text("net.h"), "extern const void* const " + std::string(name) + ";"));
  }
}

}  // namespace
}  // namespace riffle::tests
