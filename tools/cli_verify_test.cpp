// riffle run --all, and riffle verify: every tensor of a model, and which is the first that is not as it should be.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "engine/format/format.hpp"
#include "io/model_file.hpp"
#include "io/npz.hpp"
#include "tests/expect_error.hpp"
#include "tests/program.hpp"

namespace riffle::tests {
namespace {

using io::NamedTensor;
using io::Npz;

/// (2, 2, 2) of "x" to three channels, a ReLU, their means; the second and third may be fused.
graph::Graph network(float weight = 1) {
  graph::Graph graph;
  graph.name = "network";
  const auto x = graph.add("x", graph::Input{{2, 2, 2}});
  graph::Convolution convolution;
  convolution.outputs = 3;
  convolution.weights = graph::Constant(std::vector<float>{1, 2, 3, 4, -5, weight});
  const auto sums = graph.add("sums", convolution, {x});
  const auto relu = graph.add("relu", graph::Activate{}, {sums});
  const auto slice = graph.add("slice", graph::Slice{.first = 1, .count = 2}, {relu});
  graph.outputs = {{.node = graph.add("mean", graph::GlobalAveragePool{}, {slice}), .name = "means"}};
  return graph;
}

class CliVerify : public ::testing::Test {
 protected:
  CliVerify() {
    for (const std::string ending : {"riffle", "onnx"}) io::save_model(network(), folder.path("model." + ending));
    format::save_file(network(9), folder.path("wrong.riffle"));
    io::write_npy(folder.path("x.npy"), x());
  }
  static io::Tensor x() { return io::tensor_of({1, 2, 2, 2}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}); }

  [[nodiscard]] std::string at(const std::string& name) const { return folder.path(name); }
  /// All of the model's tensors as riffle computes them.
  [[nodiscard]] std::vector<NamedTensor> all_of(const std::string& model) const {
    const Result result = riffle({"run", at(model), "--input", at("x.npy"), "--all", at("all.npz")});
    EXPECT_EQ(result.code, 0) << result.err;
    const Npz archive(at("all.npz"));
    std::vector<NamedTensor> tensors;
    for (const std::string& name : archive.names()) tensors.push_back({name, archive.read(name)});
    return tensors;
  }
  [[nodiscard]] Result verify(const std::string& model, const std::vector<NamedTensor>& reference,
                              const std::vector<std::string>& more = {}) const {
    io::write_npz(at("reference.npz"), reference);
    std::vector<std::string> words = {"verify", at(model), "--reference", at("reference.npz")};
    words.insert(words.end(), more.begin(), more.end());
    return riffle(words);
  }

  Folder folder;
};

std::vector<std::string> names_of(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> names;
  for (const NamedTensor& one : tensors) names.push_back(one.name);
  return names;
}

std::vector<float> floats_of(const std::vector<NamedTensor>& tensors, const std::string& name) {
  for (const NamedTensor& one : tensors) {
    if (one.name == name) return {one.tensor.floats().begin(), one.tensor.floats().end()};
  }
  ADD_FAILURE() << "no " << name;
  return {};
}

TEST_F(CliVerify, all_tensors_of_a_model) {
  const std::vector<NamedTensor> nodes = all_of("model.riffle");
  EXPECT_EQ(names_of(nodes), (std::vector<std::string>{"mean", "means", "relu", "slice", "sums", "x"}));
  EXPECT_EQ(floats_of(nodes, "x"), (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(floats_of(nodes, "sums"), (std::vector<float>{11, 14, 17, 20, 23, 30, 37, 44, 0, -4, -8, -12}));
  EXPECT_EQ(floats_of(nodes, "relu"), (std::vector<float>{11, 14, 17, 20, 23, 30, 37, 44, 0, 0, 0, 0}));
  EXPECT_EQ(floats_of(nodes, "means"), (std::vector<float>{33.5F, 0}));
  // An .onnx file has names for tensors, not for nodes; the exporter's are the nodes' and the output's.
  const std::vector<NamedTensor> tensors = all_of("model.onnx");
  for (const std::string name : {"x", "sums", "relu", "slice", "means"}) {
    EXPECT_EQ(floats_of(tensors, name), floats_of(nodes, name)) << name;
  }
}

TEST_F(CliVerify, run_writes_all_into_an_archive) {
  const auto refuses = [&](const std::vector<std::string>& more, const std::string& message) {
    std::vector<std::string> words = {"run", at("model.onnx"), "--input", at("x.npy")};
    words.insert(words.end(), more.begin(), more.end());
    const Result result = riffle(words);
    EXPECT_EQ(result.code, 1) << message;
    EXPECT_TRUE(contains(result.err, message));
  };
  refuses({"--all", at("all.npy")}, "all.npy: every tensor of a model goes into an .npz file");
  refuses({"--all", at("all.npz"), "--output", at("y.npy")}, "--output");
  refuses({}, "--output, or --all, is required");
  refuses({"--all", at("x.npy")}, "--all");
}

TEST_F(CliVerify, a_reference_that_agrees) {
  for (const std::string model : {"model.riffle", "model.onnx"}) {
    std::vector<NamedTensor> reference = all_of(model);
    const Result all = verify(model, reference);
    EXPECT_EQ(all.code, 0) << all.err;
    EXPECT_TRUE(contains(all.out, "right: "));
    reference.push_back({"another's", x()});
    std::erase_if(reference, [](const NamedTensor& one) {
      return one.name != "x" && one.name != "relu" && one.name != "another's";
    });
    const Result some = verify(model, reference);
    EXPECT_EQ(some.code, 0) << some.err;
    EXPECT_TRUE(contains(some.out, "right: 1 of the model's "));
    EXPECT_TRUE(contains(some.out, "; 1 there are none of the model's"));
  }
}

TEST_F(CliVerify, the_first_layer_that_differs) {
  // With another weight the sums differ, and what is made of them.
  const Result result = verify("wrong.riffle", all_of("model.riffle"));
  EXPECT_EQ(result.code, 1);
  EXPECT_TRUE(contains(result.err, "wrong.riffle: 'sums' is the first tensor that differs from " + at("reference.npz") +
                                       ", by 64 where numbers are up to 44"));
  EXPECT_EQ(result.out.find("slice") != std::string::npos, true) << result.out;

  std::vector<NamedTensor> reference = all_of("model.onnx");
  const auto tensor = [&](const std::string& name) -> io::Tensor& {
    return std::ranges::find(reference, name, &NamedTensor::name)->tensor;
  };
  std::vector<float> relu = floats_of(reference, "relu");
  relu[3] += 0.01F;  // of 44: 2.3e-4
  tensor("relu") = io::tensor_of({1, 3, 2, 2}, relu);
  EXPECT_TRUE(contains(verify("model.onnx", reference).err, "'relu' is the first tensor that differs from"));
  EXPECT_EQ(verify("model.onnx", reference, {"--tolerance", "3e-4"}).code, 0);
  relu[3] = NAN;
  tensor("relu") = io::tensor_of({1, 3, 2, 2}, relu);
  EXPECT_TRUE(contains(verify("model.onnx", reference, {"--tolerance", "1"}).err, "by inf where numbers are up to 44"));
  tensor("sums").shape = {1, 2, 2, 3};
  EXPECT_TRUE(contains(verify("model.onnx", reference).err, "'sums' is the first tensor that differs from " +
                                                                at("reference.npz") +
                                                                ", in its shape: (1, 3, 2, 2), there (1, 2, 2, 3)"));
}

TEST_F(CliVerify, a_reference_that_says_nothing) {
  const auto refuses = [&](const std::vector<NamedTensor>& reference, const std::string& message,
                           const std::vector<std::string>& more = {}) {
    const Result result = verify("model.riffle", reference, more);
    EXPECT_EQ(result.code, 1) << message;
    EXPECT_TRUE(contains(result.err, message));
  };
  refuses({{"x", x()}},
          "none of its tensors but the inputs is the model's; those are 'sums', 'relu', 'slice', 'means'");
  refuses({{"x", x()}, {"Relu", x()}}, "none of its tensors but the inputs is the model's");
  refuses({{"relu", x()}}, "holds no 'x'; the model takes 'x'");
  refuses({{"x", io::tensor_of({1, 1, 2, 4}, x().floats())}, {"relu", x()}}, "'x': shape (1, 1, 2, 4)");
  refuses({{"x", x()}}, "--size", {"--size", "4x4"});
  EXPECT_TRUE(contains(riffle({"verify", at("model.riffle"), "--reference", at("x.npy")}).err, "not a zip archive"));
}

/// Without a reference: outputs as the caller has them, of any axes and type.
TEST_F(CliVerify, every_instruction_set_on_outputs_of_any_kind) {
  graph::Graph graph = network();
  graph.outputs[0].arrangement = graph::arranged("h w c");
  graph.outputs.push_back({.node = 2, .name = "pixels", .arrangement = graph::arranged("h w c")});
  graph.outputs.push_back({.node = 1, .name = "halves", .type = Type::f16});
  graph.outputs.push_back({.node = 1, .name = "bytes", .type = Type::u8, .quantization = {0.25F, 100}});
  format::save_file(graph, at("any.riffle"));
  const Result result = riffle({"verify", at("any.riffle")});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "scalar: right, within "));
}

}  // namespace
}  // namespace riffle::tests
