// Pictures that can be learnt in a few steps, and a network that learns them: for tests.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "models/models.hpp"
#include "models/random.hpp"
#include "trainer/data/dataset.hpp"
#include "trainer/initial/initialise.hpp"

namespace riffle::tests {

inline constexpr std::int32_t classes = 3, side = 32;

/// Noise, and in it a bright bar whose place is the class.
class Bars final : public trainer::Dataset {
 public:
  Bars(std::int64_t size, std::uint64_t seed) : size_(size), seed_(seed) {}
  [[nodiscard]] std::int64_t size() const override { return size_; }
  [[nodiscard]] const std::vector<std::string>& classes() const override { return names_; }
  [[nodiscard]] std::int32_t channels() const override { return 1; }
  [[nodiscard]] std::int32_t label(std::int64_t index) const override { return static_cast<std::int32_t>(index % 3); }
  void read(std::int64_t index, io::Picture& picture) const override {
    constexpr std::int32_t pixels = 16;
    picture.width = picture.height = pixels;
    picture.channels = 1;
    const std::vector<float> noise =
        models::random_values(seed_, std::to_string(index), pixels * pixels, {.centre = 100, .reach = 60});
    picture.pixels.assign(noise.begin(), noise.end());
    const std::int32_t first = 5 * label(index);
    std::fill_n(picture.pixels.begin() + first * pixels, 4 * pixels, std::uint8_t{255});
  }

 private:
  std::int64_t size_;
  std::uint64_t seed_;
  std::vector<std::string> names_ = {"top", "middle", "bottom"};
};

inline graph::Graph small_network() {
  return models::shufflenet_v1(
      {.groups = 3, .width_multiplier = 0.25, .in_channels = 1, .classes = classes, .height = side, .width = side},
      trainer::xavier_uniform(3));
}

/// A network whose norms see hundreds of numbers of each picture, so that its losses follow one another closely: those
/// of a ShuffleNet as small as the one above part after a few steps, whatever was rounded otherwise.
inline graph::Graph calm_network() {
  graph::Graph graph;
  graph::NodeId last = graph.add("input", graph::Input{{side, side, 1}});
  std::size_t inputs = 1;
  for (const std::int32_t outputs : {6, 12}) {
    const std::string name = "convolution" + std::to_string(outputs);
    graph::Convolution convolution;
    convolution.outputs = outputs;
    convolution.window = {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2};
    const auto count = static_cast<std::size_t>(outputs);
    convolution.weights =
        graph::Constant(models::random_values(3, name, count * inputs * 9, {.centre = 0, .reach = 0.3F}));
    last = graph.add(name, std::move(convolution), {last});
    const auto each = [&](float value) { return graph::Constant(std::vector<float>(count, value)); };
    last = graph.add(name + ".norm", graph::BatchNorm{each(1), each(0), each(0), each(1)}, {last});
    last = graph.add(name + ".relu", graph::Activate{graph::Activation::relu}, {last});
    inputs = count;
  }
  last = graph.add("pool", graph::GlobalAveragePool{}, {last});
  graph.outputs = {{graph.add(
      "classifier",
      graph::FullyConnected{
          classes,
          graph::Constant(models::random_values(3, "classifier", classes * inputs, {.centre = 0, .reach = 0.3F})),
          {}},
      {last})}};
  return graph;
}

}  // namespace riffle::tests
