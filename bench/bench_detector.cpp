// riffle_detector_bench MODEL.riffle WIDTH HEIGHT: what a detector's call costs, from an RGB frame of that size to what
// it found, beside the inference in it. Both in turn on one thread; medians in milliseconds.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "measure/statistics.hpp"
#include "riffle/riffle.hpp"

namespace {

template <class F>
double milliseconds_of(F&& f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

void run(const char* path, std::int32_t width, std::int32_t height) {
  constexpr int warmup = 10, repeat = 200;
  const riffle::Model model{std::string(path)};
  riffle::Session session(model);
  riffle::Detector detector(session);

  std::vector<std::uint8_t> pixels(std::size_t{3} * width * height);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i / 97 + i / 31);
  riffle_frame frame = {};
  frame.planes[0] = pixels.data();
  frame.width = width;
  frame.height = height;
  frame.format = RIFFLE_RGB;

  std::vector<float> input(session.input().size);
  session.read_frame(frame, input);
  std::vector<std::vector<float>> outputs;
  std::vector<riffle_output_buffer> buffers;
  for (const riffle_tensor& output : session.outputs()) outputs.emplace_back(output.size);
  for (std::vector<float>& output : outputs) buffers.push_back(riffle::output_buffer(output));
  const riffle_input_buffer inputs[] = {riffle::input_buffer(input)};

  std::vector<double> bare, whole;
  for (int i = 0; i < warmup + repeat; ++i) {
    const double one = milliseconds_of([&] { session.run(inputs, buffers); });
    const double other = milliseconds_of([&] { static_cast<void>(detector.run(frame)); });
    if (i < warmup) continue;
    bare.push_back(one);
    whole.push_back(other);
  }
  const double without = riffle::measure::summarise(bare).median, with = riffle::measure::summarise(whole).median;
  std::printf("%s, %dx%d: inference %.3f ms, frame to boxes %.3f ms, %.1f %% more\n", path, width, height, without,
              with, 100 * (with / without - 1));
}

}  // namespace

int main(int argc, char** argv) try {
  const int width = argc == 4 ? std::atoi(argv[2]) : 0, height = argc == 4 ? std::atoi(argv[3]) : 0;
  if (width < 1 || height < 1) {
    std::fprintf(stderr, "usage: riffle_detector_bench MODEL.riffle WIDTH HEIGHT\n");
    return 1;
  }
  run(argv[1], width, height);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "riffle_detector_bench: %s\n", error.what());
  return 1;
}
