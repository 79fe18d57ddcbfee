// A training loop of one's own: an IDX pair (MNIST and its kin, not gzipped) in, a network out.
//
//   riffle_example_train IMAGES LABELS OUT.riffle [EPOCHS]
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>
#include <random>
#include <riffle/trainer.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

namespace training = riffle::training;

constexpr std::size_t batch = 32;
constexpr double first_rate = 0.002;

struct Idx {
  std::vector<std::int32_t> shape;
  std::vector<std::uint8_t> values;
};

/// Two zeros, the type (8: bytes), the number of dimensions, their sizes in big-endian 32 bits, the bytes.
Idx read_idx(const std::string& path, std::size_t rank) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t header = 4 + 4 * rank;
  if (bytes.size() < header || bytes[2] != 8 || bytes[3] != rank) throw std::runtime_error(path + ": no IDX of bytes");
  Idx idx;
  std::size_t count = 1;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::uint8_t* size = &bytes[4 + 4 * i];
    idx.shape.push_back(size[0] << 24 | size[1] << 16 | size[2] << 8 | size[3]);
    if (idx.shape.back() < 1 || idx.shape.back() > 1 << 20) throw std::runtime_error(path + ": an unlikely size");
    count *= static_cast<std::size_t>(idx.shape.back());
  }
  if (bytes.size() - header != count) throw std::runtime_error(path + ": not as long as its header says");
  idx.values.assign(bytes.begin() + static_cast<std::ptrdiff_t>(header), bytes.end());
  return idx;
}

double accuracy(const training::Network& network, const std::vector<float>& images, const Idx& labels) {
  const std::vector<float> logits = network.predict(images);
  const auto classes = network.classes();
  std::size_t right = 0;
  for (std::size_t i = 0; i < labels.values.size(); ++i) {
    const auto row = logits.begin() + static_cast<std::ptrdiff_t>(i) * classes;
    right += std::max_element(row, row + classes) - row == labels.values[i];
  }
  return static_cast<double>(right) / static_cast<double>(labels.values.size());
}

void train(const std::string& images_path, const std::string& labels_path, const std::string& out, int epochs) {
  const Idx pictures = read_idx(images_path, 3), labels = read_idx(labels_path, 1);
  if (pictures.shape[0] != labels.shape[0]) throw std::runtime_error("not as many labels as images");
  std::vector<float> images;
  for (const std::uint8_t pixel : pictures.values) images.push_back(static_cast<float>(pixel) / 255.0F);

  training::Spec spec;
  spec.width_multiplier = 0.5;
  spec.note = true;
  spec.channels = 1;
  spec.classes = *std::max_element(labels.values.begin(), labels.values.end()) + 1;
  spec.height = pictures.shape[1];
  spec.width = pictures.shape[2];
  training::Network network(spec, {.batch = batch});
  training::Optimizer optimizer = training::Optimizer::adam(network, {.weight_decay = 1e-4F, .weights_only = true});

  std::mt19937 random(0);
  std::vector<std::size_t> order(labels.values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t size = network.input_size(), steps = order.size() / batch;  // what is left over is left out
  if (steps == 0) throw std::runtime_error(images_path + ": fewer images than a batch");
  std::vector<float> batch_images;
  std::vector<std::int32_t> batch_labels;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    std::shuffle(order.begin(), order.end(), random);
    double loss = 0;
    for (std::size_t step = 0; step < steps; ++step) {
      batch_images.clear();
      batch_labels.clear();
      for (std::size_t i = step * batch; i < (step + 1) * batch; ++i) {
        const auto image = images.begin() + static_cast<std::ptrdiff_t>(order[i] * size);
        batch_images.insert(batch_images.end(), image, image + static_cast<std::ptrdiff_t>(size));
        batch_labels.push_back(labels.values[order[i]]);
      }
      loss += network.forward(batch_images, batch_labels).loss / static_cast<double>(steps);
      network.backward();
      training::clip_gradients(network, 5.0);
      const double done = (epoch + static_cast<double>(step) / static_cast<double>(steps)) / epochs;
      optimizer.step(first_rate * 0.5 * (1 + std::cos(3.14159265358979 * done)));
    }
    std::printf("epoch %d: loss %.4f, %.2f %% of the images right\n", epoch + 1, loss,
                100 * accuracy(network, images, labels));
  }
  network.save(out);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4 && argc != 5) {
    std::fprintf(stderr, "usage: %s IMAGES LABELS OUT.riffle [EPOCHS]\n", argv[0]);
    return 2;
  }
  train(argv[1], argv[2], argv[3], argc == 5 ? std::atoi(argv[4]) : 3);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
