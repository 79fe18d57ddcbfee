// That a lack of memory, wherever it is noticed, is told as one and ends nothing. A program of its own, for it replaces
// operator new.
#include <gtest/gtest.h>

#include <memory>

#include "models/models.hpp"
#include "models/random.hpp"
#include "tests/counting_allocator.hpp"
#include "trainer/data/loader.hpp"
#include "trainer/fit/evaluate.hpp"
#include "trainer/network/network.hpp"
#include "trainer/optimizer/average.hpp"
#include "trainer/optimizer/optimizer.hpp"

namespace riffle::trainer {
namespace {

constexpr std::int32_t side = 32, batch = 4;

/// Calls f with one of its allocations failing, each in turn, or of very many every so many. What f throws then is
/// bad_alloc or Exhausted. Returns how often it threw.
template <class F>
int fail_in_turn(F&& f) {
  const long before = allocations.load();
  f();
  const long count = allocations.load() - before, step = std::max(1L, count / 100);
  int thrown = 0;
  for (long n = 0; n < count; n += step) {
    failing_allocation = n;
    try {
      f();
    } catch (const std::bad_alloc&) {
      ++thrown;
    } catch (const Exhausted& error) {
      EXPECT_EQ(std::string(error.what()).rfind("not enough memory for ", 0), 0U) << error.what();
      ++thrown;
    }
  }
  failing_allocation = std::numeric_limits<long>::max();
  return thrown;
}

graph::Graph small() {
  return models::shufflenet_v1(
      {.groups = 3, .width_multiplier = 0.25, .in_channels = 1, .classes = 3, .height = side, .width = side},
      models::random_weights(1));
}

class Gray final : public Dataset {
 public:
  [[nodiscard]] std::int64_t size() const override { return 2 * batch; }
  [[nodiscard]] const std::vector<std::string>& classes() const override { return classes_; }
  [[nodiscard]] std::int32_t channels() const override { return 1; }
  [[nodiscard]] std::int32_t label(std::int64_t index) const override { return static_cast<std::int32_t>(index % 3); }
  void read(std::int64_t index, io::Picture& picture) const override {
    picture = {side, side, 1, std::vector<std::uint8_t>(side * side, static_cast<std::uint8_t>(index))};
  }

 private:
  std::vector<std::string> classes_ = {"a", "b", "c"};
};

const std::vector<float> images(std::size_t{batch} * side * side, 0.5F);
const std::vector<std::int32_t> labels = {0, 1, 2, 0};

TEST(Memory, a_network_that_does_not_fit_is_told_so) {
  const graph::Graph graph = small();
  for (const int threads : {1, 2}) {
    const NetworkOptions options = {.batch = batch, .threads = threads};
    EXPECT_GT(fail_in_turn([&] { const Network network(graph, options); }), 25);
  }
}

TEST(Memory, a_step_that_fails_leaves_a_network_that_goes_on) {
  for (const int threads : {1, 2}) {
    Network network(small(), {.batch = batch, .threads = threads}),
        other(small(), {.batch = batch, .threads = threads});
    int steps = 0;
    EXPECT_GT(fail_in_turn([&] {
                ++steps;
                network.forward(images, labels);
                network.backward();
              }),
              1);
    EXPECT_GT(steps, 1);
    network.forward(images, labels);
    network.backward();
    other.forward(images, labels);
    other.backward();
    for (std::size_t i = 0; i < network.parameters().size(); ++i) {
      const std::span<const float> one = network.parameters()[i].gradient, two = other.parameters()[i].gradient;
      EXPECT_TRUE(std::equal(one.begin(), one.end(), two.begin(), two.end())) << network.parameters()[i].name;
    }
  }
}

TEST(Memory, optimizers_are_told_so) {
  const Network network(small(), {.batch = batch, .threads = 2});
  EXPECT_GT(fail_in_turn([&] {
              make_adam(network.parameters(), {}, {}, 2)->step(0.001);
              make_sgd(network.parameters(), {}, {}, 2)->step(0.001);
              (void)clip_gradients(network.parameters(), 1, 2);
              MovingAverage(network.parameters(), network.statistics(), 0.9).update(1);
            }),
            10);
}

TEST(Memory, a_loader_and_an_evaluation_are_told_so) {
  const Gray data;
  const graph::Graph graph = small();
  EXPECT_GT(fail_in_turn([&] {
              Loader loader(data, {.batch = batch, .height = side, .width = side, .threads = 2});
              (void)evaluate(graph, loader, 2, [](std::int64_t) { return true; });
            }),
            25);
}

}  // namespace
}  // namespace riffle::trainer
