#include <gtest/gtest.h>

#include "tools/fuzz_small.hpp"

namespace riffle::tests {
namespace {

graph::Graph pooled(std::int32_t side, std::int32_t kernel) {
  graph::Graph graph;
  const graph::NodeId input = graph.add("input", graph::Input{{side, side, 1}});
  graph::Pool pool;
  pool.window.kernel_h = pool.window.kernel_w = kernel;
  pool.window.pad_top = pool.window.pad_left = pool.window.pad_bottom = pool.window.pad_right = kernel / 2;
  graph.output = graph.add("pool", pool, {input});
  return graph;
}

TEST(FuzzSmall, is_what_is_read_not_only_what_is_written) {
  EXPECT_TRUE(tools::is_small(pooled(150, 3)));
  EXPECT_FALSE(tools::is_small(pooled(150, 151))) << "half a billion reads, in 45,000 floats";
  EXPECT_FALSE(tools::is_small(pooled(300, 1))) << "180,000 floats";
}

TEST(FuzzSmall, a_window_beyond_the_image_reads_nothing_there) { EXPECT_TRUE(tools::is_small(pooled(1, 20001))); }

TEST(FuzzSmall, has_few_nodes) {
  graph::Graph graph = pooled(4, 3);
  while (graph.nodes.size() < 64) graph.output = graph.add("again", graph::Activate{}, {graph.output});
  EXPECT_TRUE(tools::is_small(graph));
  graph.output = graph.add("one more", graph::Activate{}, {graph.output});
  EXPECT_FALSE(tools::is_small(graph));
}

}  // namespace
}  // namespace riffle::tests
