// frame/<instruction set>/<format>-<width>x<height>/<rotation>: a camera's frame to an input of 3x224x224, normalised,
// on one thread.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bench/networks.hpp"
#include "kernels/kernels.hpp"

namespace riffle::bench {

namespace {

struct Format {
  kernels::PixelFormat format;
  const char* name;
};

void run_frame(benchmark::State& state, const kernels::Kernels& kernels, kernels::PixelFormat format,
               std::int32_t width, std::int32_t height, std::int32_t rotation) {
  kernels::FrameArgs args;
  kernels::Frame& frame = args.frame;
  frame.format = format;
  frame.width = width;
  frame.height = height;
  frame.rotation = rotation;
  std::mt19937 random;
  std::vector<std::uint8_t> planes[3];
  for (std::int32_t p = 0; p < kernels::plane_count(format); ++p) {
    const std::int32_t rows = p == 0 ? height : (height + 1) / 2;
    planes[p].resize(static_cast<std::size_t>(kernels::row_bytes(format, p, width) * rows));
    for (std::uint8_t& byte : planes[p]) byte = static_cast<std::uint8_t>(random());
    frame.planes[p] = planes[p].data();
  }
  args.channels = 3;
  args.out_h = args.out_w = 224;
  for (float& scale : args.scale) scale = 1.0F / 255;
  std::vector<float> output(3 * 224 * 224);
  args.output = output.data();
  for (auto _ : state) {
    kernels.row<kernels::FrameKernel>().run(args);
    benchmark::ClobberMemory();
  }
  state.SetLabel(kernels.row<kernels::FrameKernel>().name);
}

}  // namespace

void register_frames() {
  using kernels::PixelFormat;
  for (const kernels::Kernels* kernels : kernels::all_kernels()) {
    if (!kernels->supported() || kernels->of<kernels::FrameKernel>().empty()) continue;
    for (const auto& [width, height] : {std::pair(640, 480), std::pair(1280, 720)}) {
      for (const auto& [format, name] :
           {Format{PixelFormat::rgb, "rgb"}, Format{PixelFormat::rgba, "rgba"}, Format{PixelFormat::grey, "grey"},
            Format{PixelFormat::nv21, "nv21"}, Format{PixelFormat::i420, "i420"}}) {
        for (const std::int32_t rotation : {0, 90, 180, 270}) {
          const std::string benchmark_name = "frame/" + std::string(kernels->isa) + "/" + name + "-" +
                                             std::to_string(width) + "x" + std::to_string(height) + "/" +
                                             std::to_string(rotation);
          benchmark::RegisterBenchmark(benchmark_name.c_str(), [kernels, format = format, width = width,
                                                                height = height, rotation](benchmark::State& state) {
            run_frame(state, *kernels, format, width, height, rotation);
          })->Unit(benchmark::kMicrosecond);
        }
      }
    }
  }
}

}  // namespace riffle::bench
