// A picture (PGM, "P5") to the names of what it may show, with the model inside the program.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <riffle/riffle.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "fashion.h"

namespace {

struct Picture {
  std::int32_t width = 0, height = 0;
  std::vector<std::uint8_t> pixels;
};

Picture read_pgm(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  Picture picture;
  int most = 0;
  file >> magic >> picture.width >> picture.height >> most;
  file.get();
  constexpr int largest = 4096;
  if (!file || magic != "P5" || most != 255 || picture.width < 1 || picture.height < 1 || picture.width > largest ||
      picture.height > largest) {
    throw std::runtime_error(path + ": no PGM of 8 bits");
  }
  picture.pixels.resize(static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height));
  file.read(reinterpret_cast<char*>(picture.pixels.data()), static_cast<std::streamsize>(picture.pixels.size()));
  if (!file) throw std::runtime_error(path + ": too short");
  return picture;
}

void classify(const std::string& path) {
  const riffle::Model model(std::span(static_cast<const std::byte*>(fashion), fashion_size));
  riffle::Session session(model);
  std::vector<float> input(session.input().size), output(session.output().size);

  const Picture picture = read_pgm(path);
  riffle_frame frame = {};
  frame.planes[0] = picture.pixels.data();
  frame.width = picture.width;
  frame.height = picture.height;
  frame.format = RIFFLE_GREY;
  session.read_frame(frame, input);
  session.run(input, output);

  const float most = *std::max_element(output.begin(), output.end());
  for (float& x : output) x = std::exp(x - most);
  const float sum = std::accumulate(output.begin(), output.end(), 0.0F);
  std::vector<std::size_t> order(output.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return output[a] > output[b]; });
  const std::vector<std::string_view> labels = model.labels();
  for (std::size_t i = 0; i < 3; ++i) {
    std::printf("%5.1f %%  %s\n", 100 * output[order[i]] / sum, labels.at(order[i]).data());
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s PICTURE.pgm\n", argv[0]);
    return 2;
  }
  classify(argv[1]);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
