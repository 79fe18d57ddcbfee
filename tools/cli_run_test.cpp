// riffle run: any batch and size; several inputs and outputs, by their names, of any type.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "io/npz.hpp"
#include "kernels/element.hpp"
#include "tests/cli_fixture.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"
#include "tests/program.hpp"

namespace riffle::tests {
namespace {

TEST_F(Cli, run_takes_any_batch_and_size) {
  const std::string path = model();
  const std::string y = folder.path("y.npy");
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{3, 1, 32, 32}, {1, 32, 32}, {1, 1, 32, 32}, {2, 1, 41, 67}}) {
    const Result result =
        riffle({"run", path, "--input", tensor(shape), "--output", y, "--threads", "2", "--repeat", "2"});
    ASSERT_EQ(result.code, 0) << result.err;
    const std::int64_t batch = shape.size() == 3 ? 1 : shape[0];
    EXPECT_EQ(io::read_npy(y).shape, (std::vector<std::int64_t>{batch, 10}));
    EXPECT_TRUE(contains(result.out, "median of 2"));
  }
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"model.riffle", "x.npy", "y.npy"}));
}

TEST_F(Cli, run_gives_the_same_for_every_instruction_set_and_image_of_a_batch) {
  const std::string path = model();
  const std::string y = folder.path("y.npy");
  // Two images alike.
  io::Tensor input = io::read_npy(tensor({1, 1, 32, 32}));
  const Bytes image = input.bytes;
  input.bytes.insert(input.bytes.end(), image.begin(), image.end());
  input.shape[0] = 2;
  io::write_npy(folder.path("x.npy"), input);
  const auto run = [&](const std::vector<std::string>& environment) {
    const Result result = riffle({"run", path, "--input", folder.path("x.npy"), "--output", y}, environment);
    EXPECT_EQ(result.code, 0) << result.err;
    return floats(io::read_npy(y));
  };
  const std::vector<float> best = run({});
  const std::vector<float> scalar = run({"RIFFLE_ISA=scalar"});
  ASSERT_EQ(best.size(), 20U);
  ASSERT_EQ(scalar.size(), 20U);
  float largest = 0;
  for (const float value : scalar) largest = std::max(largest, std::abs(value));
  EXPECT_GT(largest, 0);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_NEAR(best[i], scalar[i], 1e-4 * static_cast<double>(largest));
    EXPECT_EQ(best[i], best[i + 10]);
  }
}

using io::NamedTensor;
using io::Npz;
using io::Tensor;

constexpr Quantization of_right = {0.5F, 10}, of_means = {0.25F, -3};

/// "sum" of "left" (f32) and "right" (u8), its ReLU as "half" (f16), and the means of the planes as "means" (i8).
graph::Graph two_to_three() {
  graph::Graph graph;
  graph.name = "two to three";
  const graph::Shape shape = {8, 8, 3};
  const auto left = graph.add("left", graph::Input{shape});
  const auto right = graph.add("right", graph::Input{.shape = shape, .type = Type::u8, .quantization = of_right});
  const auto sum = graph.add("sum", graph::Binary{}, {left, right});
  const auto relu = graph.add("relu", graph::Activate{}, {sum});
  const auto means = graph.add("means", graph::GlobalAveragePool{}, {sum});
  graph.outputs = {{.node = sum},
                   {.node = relu, .name = "half", .type = Type::f16},
                   {.node = means, .type = Type::i8, .quantization = of_means}};
  return graph;
}

template <class Number>
Tensor tensor(Type type, std::vector<std::int64_t> shape, const std::vector<Number>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {type, std::move(shape), {bytes.begin(), bytes.end()}};
}

/// Halves from -2 on.
Tensor left_of(const std::vector<std::int64_t>& shape) {
  std::vector<float> values(static_cast<std::size_t>(shape[0] * shape[1] * shape[2] * shape[3]));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 9) / 2 - 2;
  return tensor(Type::f32, shape, values);
}

Tensor right_of(const std::vector<std::int64_t>& shape) {
  std::vector<std::uint8_t> values(static_cast<std::size_t>(shape[0] * shape[1] * shape[2] * shape[3]));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint8_t>(i % 23);
  return tensor(Type::u8, shape, values);
}

class CliRun : public ::testing::Test {
 protected:
  std::string save(const std::string& name, const graph::Graph& graph) const {
    format::save_file(graph, folder.path(name));
    return folder.path(name);
  }
  std::string write(const std::string& name, const std::vector<NamedTensor>& tensors) const {
    io::write_npz(folder.path(name), tensors);
    return folder.path(name);
  }
  Result run(const std::string& model, const std::string& input, const std::string& output,
             const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"run", model, "--input", input, "--output", folder.path(output)};
    words.insert(words.end(), more.begin(), more.end());
    return riffle(words);
  }
  void refuses(const std::string& model, const std::string& input, const std::string& output,
               const std::string& message) const {
    const Result result = run(model, input, output);
    EXPECT_EQ(result.code, 1) << message;
    EXPECT_TRUE(contains(result.err, message));
    const std::vector<std::string> names = folder.names();
    EXPECT_EQ(std::count(names.begin(), names.end(), output), 0);
  }

  Folder folder;
};

TEST_F(CliRun, several_inputs_and_outputs) {
  const std::string model = save("model.riffle", two_to_three());
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{2, 3, 8, 8}, {1, 3, 5, 7}}) {
    const Tensor left = left_of(shape), right = right_of(shape);
    const std::string x = write("x.npz", {{"right", right}, {"left", left}});
    const Result result = run(model, x, "y.npz", {"--threads", "2", "--repeat", "2"});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    const std::vector<std::int64_t> planes = {shape[0], shape[1]};
    EXPECT_TRUE(contains(result.out, "y.npz: sum " + io::shape_text(shape) + ", half " + io::shape_text(shape) +
                                         ", means " + io::shape_text(planes) + " in "));

    // Halves and their means of 64 or 35: all of it is exact, but for the latter.
    std::vector<float> sums;
    std::vector<std::uint16_t> halves;
    for (std::size_t i = 0; i < right.bytes.size(); ++i) {
      const int q = std::to_integer<int>(right.bytes[i]) - of_right.zero_point;
      sums.push_back(left.floats()[i] + of_right.scale * static_cast<float>(q));
      halves.push_back(kernels::to_f16(std::max(sums.back(), 0.0F)));
    }
    const Npz y(folder.path("y.npz"));
    EXPECT_EQ(y.names(), (std::vector<std::string>{"half", "means", "sum"}));
    EXPECT_EQ(y.read("sum").shape, shape);
    EXPECT_EQ(y.read("sum").bytes, tensor(Type::f32, shape, sums).bytes);
    EXPECT_EQ(y.read("half").type, Type::f16);
    EXPECT_EQ(y.read("half").bytes, tensor(Type::f16, shape, halves).bytes);
    const Tensor means = y.read("means");
    EXPECT_EQ(means.type, Type::i8);
    ASSERT_EQ(means.shape, planes);
    const auto pixels = static_cast<std::size_t>(shape[2] * shape[3]);
    for (std::size_t i = 0; i < means.bytes.size(); ++i) {
      float sum = 0;
      for (std::size_t p = 0; p < pixels; ++p) sum += sums[i * pixels + p];
      const float exact = sum / static_cast<float>(pixels) / of_means.scale + static_cast<float>(of_means.zero_point);
      EXPECT_NEAR(static_cast<float>(std::to_integer<std::int8_t>(means.bytes[i])), exact, 0.501F) << i;
    }
  }
}

TEST_F(CliRun, tensors_that_the_model_does_not_take_are_ignored_and_told) {
  const std::string model = save("model.riffle", two_to_three());
  const Tensor left = left_of({1, 3, 8, 8}), right = right_of({1, 3, 8, 8});
  const std::string x = write("x.npz", {{"left", left}, {"labels", right}, {"right", right}, {"more", right}});
  const Result result = run(model, x, "y.npz");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.err, "riffle: " + x + ": 2 of its tensors ignored; the model takes 'left', 'right'\n");
}

/// An input of a size of its own, a vector.
graph::Graph image_and_vector() {
  graph::Graph graph;
  const auto image = graph.add("image", graph::Input{.shape = {4, 4, 1}, .type = Type::bf16});
  const auto vector = graph.add("vector", graph::Input{{1, 1, 3}});
  graph.outputs = {{.node = graph.add("twice", graph::Binary{}, {image, image}), .type = Type::bf16},
                   {.node = graph.add("relu", graph::Activate{}, {vector})}};
  return graph;
}

TEST_F(CliRun, inputs_of_several_sizes) {
  const std::string model = save("model.riffle", image_and_vector());
  const Tensor vector = io::tensor_of({2, 3}, std::vector<float>{-1, 2, -3, 4, -5, 6});
  const auto images = [](std::int64_t size) {
    return tensor(Type::bf16, {2, 1, size, size},
                  std::vector<std::uint16_t>(static_cast<std::size_t>(2 * size * size), kernels::to_bf16(1.5F)));
  };
  const Result result = run(model, write("x.npz", {{"image", images(4)}, {"vector", vector}}), "y.npz");
  ASSERT_EQ(result.code, 0) << result.err;
  const Npz y(folder.path("y.npz"));
  const Tensor twice = y.read("twice"), relu = y.read("relu");
  EXPECT_EQ(twice.type, Type::bf16);
  EXPECT_EQ(twice.bytes, tensor(Type::bf16, {}, std::vector<std::uint16_t>(32, kernels::to_bf16(3.0F))).bytes);
  EXPECT_EQ(relu.shape, vector.shape);
  EXPECT_EQ(relu.bytes, io::tensor_of({}, std::vector<float>{0, 2, 0, 4, 0, 6}).bytes);
  refuses(model, write("x.npz", {{"image", images(5)}, {"vector", vector}}), "z.npz",
          "its inputs are of several sizes");
}

TEST_F(CliRun, one_input_and_output_of_another_type) {
  graph::Graph graph;
  const auto x = graph.add("x", graph::Input{.shape = {2, 2, 1}, .type = Type::u8});
  graph.outputs = {{.node = graph.add("y", graph::Binary{}, {x, x}), .type = Type::f16}};
  const std::string model = save("model.riffle", graph);
  const Tensor input = tensor(Type::u8, {1, 2, 2}, std::vector<std::uint8_t>{0, 1, 100, 255});
  const Bytes expected = tensor(Type::f16, {}, std::vector<std::uint16_t>{0, 0x4000, 0x5A40, 0x5FF8}).bytes;
  io::write_npy(folder.path("x.npy"), input);
  for (const std::string& from : {folder.path("x.npy"), write("x.npz", {{"x", input}})}) {
    for (const std::string to : {"y.npy", "y.npz"}) {
      const Result result = run(model, from, to);
      ASSERT_EQ(result.code, 0) << result.err;
      const std::string path = folder.path(to);
      const Tensor output = to == "y.npy" ? io::read_npy(path) : Npz(path).read("y");
      EXPECT_EQ(output.type, Type::f16);
      EXPECT_EQ(output.shape, (std::vector<std::int64_t>{1, 1, 2, 2}));
      EXPECT_EQ(output.bytes, expected);
    }
  }
}

TEST_F(CliRun, what_does_not_fit_the_model_is_refused) {
  const std::string model = save("model.riffle", two_to_three());
  const Tensor left = left_of({2, 3, 8, 8}), right = right_of({2, 3, 8, 8});
  io::write_npy(folder.path("x.npy"), left);
  const std::string good = write("good.npz", {{"left", left}, {"right", right}});
  refuses(model, folder.path("x.npy"), "y.npz",
          "x.npy: holds one tensor; the model takes 2, which stand in an .npz file under their names: 'left', 'right'");
  refuses(
      model, good, "y.npy",
      "y.npy: holds one tensor; the model gives 3, which an .npz file takes under their names: 'sum', 'half', 'means'");

  const auto refuses_tensors = [&](const std::vector<NamedTensor>& tensors, const std::string& message) {
    refuses(model, write("x.npz", tensors), "y.npz", "x.npz: " + message);
  };
  refuses_tensors({{"left", left}, {"Right", right}}, "holds no 'right'; the model takes 'left', 'right'");
  refuses_tensors({{"left", left}, {"right", left}},
                  "'right': holds f32 ('<f4'); the model takes u8 ('|u1'), scale 0.5, zero point 10");
  refuses_tensors({{"left", right}, {"right", right}}, "'left': holds u8 ('|u1'); the model takes f32 ('<f4')");
  refuses_tensors({{"left", left_of({1, 2, 8, 8})}, {"right", right}},
                  "'left': shape (1, 2, 8, 8); the model takes (N, 3, H, W), by default (1, 3, 8, 8)");
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{1, 3, 8, 8}, {2, 3, 8, 7}, {2, 4, 8, 8}, {2, 3, 64, 1}}) {
    refuses_tensors(
        {{"left", left}, {"right", right_of(shape)}},
        "'right': shape " + io::shape_text(shape) + "; beside 'left' of (2, 3, 8, 8) the model takes (2, 3, 8, 8)");
  }
  Bytes damaged = read_file(good, 1 << 20);
  damaged[200] ^= std::byte{1};
  refuses(model, folder.write("x.npz", damaged), "y.npz", "x.npz: 'left.npy' is damaged");
  refuses(model, folder.write("x.npz", bytes_of("hello")), "y.npz", "x.npz: not a zip archive");
  refuses(model, folder.path("none.npz"), "y.npz", "none.npz: cannot be opened");
}

}  // namespace
}  // namespace riffle::tests
