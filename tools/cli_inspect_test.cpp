// riffle inspect.
#include <regex>

#include "tests/cli_fixture.hpp"

namespace riffle::tests {
namespace {

TEST_F(Cli, inspect_prints_layers_plan_and_picture) {
  const std::string path = model();
  const Result layers = riffle({"inspect", path});
  ASSERT_EQ(layers.code, 0) << layers.err;
  for (const std::string word : {"convolution", "fully connected", "total", "MACs"})
    EXPECT_TRUE(contains(layers.out, word));
  const Result all = riffle({"inspect", path, "--plan", "--svg", folder.path("net.svg"), "--size", "64x40"});
  ASSERT_EQ(all.code, 0) << all.err;
  EXPECT_TRUE(contains(all.out, "1 x 64 x 40"));
  EXPECT_TRUE(contains(all.out, "arena"));
  EXPECT_GT(read_file(folder.path("net.svg"), 1 << 24).size(), 1000U);
}

TEST_F(Cli, inspect_names_every_input_and_output) {
  const Result result = riffle({"inspect", two_headed(), "--plan", "--svg", folder.path("net.svg")});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("two_headed\n\n")) << result.out;
  for (const std::string row :
       {R"(input +image +3 x 16 x 16 +u8 +0\.0078125 +128 +768\n)", R"(input +mask +1 x 16 x 16 +f32 +1,024\n)",
        R"(output +classes +5 x 1 x 1 +f32 +20\n)", R"(output +map +2 x 16 x 16 +i8 +0\.5 +-3 +512\n)"}) {
    EXPECT_TRUE(std::regex_search(result.out, std::regex(row))) << row << "\n" << result.out;
  }
  EXPECT_TRUE(contains(result.out, "activation, ReLU6"));
  EXPECT_TRUE(contains(result.out, "activation, sigmoid"));
  EXPECT_TRUE(contains(result.out, "reads image 3 x 16 x 16 u8 (scale 0.0078125, zero point 128)\n"));
  EXPECT_TRUE(contains(result.out, "writes map 2 x 16 x 16 i8 (scale 0.5, zero point -3)\n"));
  EXPECT_GT(read_file(folder.path("net.svg"), 1 << 24).size(), 1000U);
  EXPECT_TRUE(contains(riffle({"inspect", model()}).out, "v2_x0.5_note, input 1 x 32 x 32\n"));
}

TEST_F(Cli, inspect_prints_the_graph) {
  const Result result = riffle({"inspect", two_headed(), "--graph"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "\n%0 = input()  3x16x16  image\n%1 = input()  1x16x16  mask\n"));
  EXPECT_TRUE(contains(result.out, "\n%8 = convolution(%7)  2x16x16  to map  -> output map i8\n"));
}

TEST_F(Cli, inspect_says_what_each_pass_does) {
  // Beside the folding and fusing, a shuffle behind which an activation stands, an add that a convolution takes in.
  graph::Graph graph = testing::two_headed_network();
  const auto id = [&](const std::string& name) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      if (graph.nodes[i].name == name) return static_cast<graph::NodeId>(i);
    }
    return graph::NodeId{-1};
  };
  const graph::NodeId none = graph.add("none", graph::Activate{graph::Activation::none}, {id("sum")});
  const graph::NodeId shuffled = graph.add("shuffle", graph::Shuffle{2}, {none});
  const graph::NodeId bright = graph.add("bright", graph::Activate{graph::Activation::relu}, {shuffled});
  graph::Convolution mixing;
  mixing.outputs = 8;
  mixing.weights = graph::Constant(std::vector<float>(64, 0.5F));
  mixing.bias = graph::Constant(std::vector<float>(8, 0.5F));
  const graph::NodeId mixed = graph.add("mix", mixing, {bright});
  const graph::Constant twos(std::vector<float>(8, 2.0F));
  const graph::NodeId scaled = graph.add("scale", graph::BatchNorm{twos, twos, twos, twos}, {mixed});
  graph.outputs.push_back({graph.add("both", graph::Binary{}, {scaled, bright}), "third"});
  graph.add("dead", graph::Shuffle{4}, {bright});
  const std::string path = folder.path("passes.riffle"), again = folder.path("again.riffle");
  format::save_file(graph, path);
  const Result result = riffle({"inspect", path, "--passes"});
  ASSERT_EQ(result.code, 0) << result.err;
  const std::string listing = R"(
remove_dead_nodes: 18 nodes become 17
  - dead: shuffle(bright)

remove_identities: 17 nodes become 16
  - none: activation(sum)

fold_batch_norm: 16 nodes become 14
  ~ stem: convolution(image) -> convolution, bias(image)
  - norm: batch norm(stem)
  ~ mix: convolution, bias(bright), other weights
  - scale: batch norm(mix)

hoist_activation: 14 nodes
  + shuffle.activation0: activation, ReLU(sum)
  - bright: activation, ReLU(shuffle)

fuse_activation: 14 nodes become 12
  ~ stem: convolution, bias(image) -> convolution, bias, ReLU6(image)
  - relu6: activation, ReLU6(stem)
  ~ spread: convolution(mask) -> convolution, sigmoid(mask)
  - gate: activation, sigmoid(spread)

fuse_residual: 12 nodes become 11
  ~ mix: convolution, bias(shuffle) -> convolution, bias(shuffle, shuffle)
  - both: add(mix, shuffle)
)";
  EXPECT_TRUE(result.out.ends_with(listing)) << result.out;
  ASSERT_EQ(riffle({"convert", path, again}).code, 0);
  EXPECT_TRUE(contains(riffle({"inspect", again, "--passes"}).out,
                       "\nno pass changes anything: the graph is as they leave it\n"));
}

}  // namespace
}  // namespace riffle::tests
