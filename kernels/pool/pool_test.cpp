#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class PoolRows : public EveryRow<PoolKernel> {
 protected:
  struct Layer {
    PoolArgs args;
    std::vector<ChannelwiseRun> runs;
  };
  struct GlobalLayer {
    GlobalAveragePoolArgs args;
    std::vector<ChannelwiseRun> runs;
  };

  Layer random_layer(Scene& scene, const Geometry& g, std::int32_t channels) {
    Layer layer;
    PoolArgs& args = layer.args;
    args.extent = g.extent;
    args.window = g.window;
    args.clamp = scene.clamp();
    args.count_padding = scene.coin();
    args.output = scene.block(static_cast<std::int64_t>(g.extent.out_h) * g.extent.out_w, channels, row().types.output);
    const std::int64_t pixels = static_cast<std::int64_t>(g.extent.in_h) * g.extent.in_w;
    layer.runs = scene.mapped_runs(pixels, channels, scene.integer(1, 4), row().types.input);
    args.runs = layer.runs.data();
    args.run_count = static_cast<std::int32_t>(layer.runs.size());
    args.tile_rows = scene.integer(1, g.extent.out_h);
    args.tiles = (g.extent.out_h + args.tile_rows - 1) / args.tile_rows;
    return layer;
  }

  GlobalLayer random_global_layer(Scene& scene) {
    const std::int32_t channels = scene.pick({1, 3, 5, 17, 29, 58, 116, 464, 1024});
    GlobalLayer layer;
    GlobalAveragePoolArgs& args = layer.args;
    args.pixels = scene.integer(1, 60);
    args.clamp = scene.clamp();
    args.output = scene.block(1, channels, row().types.output);
    layer.runs = scene.mapped_runs(args.pixels, channels, scene.integer(1, 4), row().types.input);
    args.runs = layer.runs.data();
    args.run_count = static_cast<std::int32_t>(layer.runs.size());
    args.tiles = scene.integer(1, 12);
    return layer;
  }

  /// Calls f(scene, geometry) where a last window hangs over the padding (ONNX's and PyTorch's ceil_mode).
  template <class F>
  void for_windows_beyond_the_padding(F&& f) {
    for (std::int32_t size = 2; size <= 9 && !HasFatalFailure(); ++size) {
      Scene scene(static_cast<std::uint32_t>(size));
      const std::int32_t out = (size + 2 - 3 + 1) / 2 + 1;  // rounded up
      if ((out - 1) * 2 - 1 >= size) continue;
      f(scene, Geometry{{3, 3, 2, 2, 1, 1, 1, 1}, {size, size, out, out}});
    }
  }
};

class Pool : public PoolRows {
 protected:
  void try_one(Scene& scene, const Geometry& g, std::int32_t channels) {
    SCOPED_TRACE(to_string(g) + ", channels " + std::to_string(channels));
    const Layer layer = random_layer(scene, g, channels);
    const PoolArgs& args = layer.args;
    check(
        scene, args.tiles, [&](const Addresses& memory) { max_pool_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().max(args, memory, range); }, 0);
    // What a sum's roundings come to is divided as the sum is: no more than one of them is left.
    const Tolerance of_mean = rounded(row().types.output, summed(row().types.input, 1));
    check(
        scene, args.tiles, [&](const Addresses& memory) { average_pool_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().average(args, memory, range); }, of_mean);
  }
};

TEST_P(Pool, EqualsTheReferenceOnRandomWindows) {
  for (std::uint32_t seed = 0; seed < 200 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const Geometry g = random_geometry(scene, 5, 20, true);
    try_one(scene, g, scene.channels());
  }
}

/// 3x3 with stride 2 has rows of its own, but for windows with holes, of rows, of columns, or both.
TEST_P(Pool, EqualsTheReferenceOnDilatedWindowsOfStrideTwo) {
  for (const std::int32_t rows : {1, 2}) {
    for (const std::int32_t columns : {1, 2}) {
      Scene scene(static_cast<std::uint32_t>(2 * rows + columns));
      const Window window = {
          .kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .dilation_h = rows, .dilation_w = columns};
      try_one(scene, {window, {13, 13, (13 - 2 * rows - 1) / 2 + 1, (13 - 2 * columns - 1) / 2 + 1}}, 24);
    }
  }
}

/// The divisor leaves out what is beyond.
TEST_P(Pool, CountsNothingBeyondThePadding) {
  for_windows_beyond_the_padding([&](Scene& scene, const Geometry& g) { try_one(scene, g, 24); });
}

/// A NaN at each place of a window in turn, beside numbers and beside infinities, is the maximum of every window that
/// holds it, in every form that the kernel has: whole and partial vectors, the border, any window.
TEST_P(Pool, ANaNAnywhereInTheWindowIsItsMaximum) {
  const Geometry geometries[] = {{{3, 3, 2, 2, 1, 1, 1, 1}, {9, 9, 5, 5}},
                                 {{3, 3, 2, 2, 0, 0, 0, 0}, {9, 9, 4, 4}},
                                 {{2, 3, 1, 1, 0, 0, 0, 0}, {4, 4, 3, 2}}};
  for (const Geometry& g : geometries) {
    for (const std::int32_t channels : {1, 3, 8, 24, 40}) {
      SCOPED_TRACE(to_string(g) + ", channels " + std::to_string(channels));
      Scene scene(1);
      PoolArgs args;
      args.extent = g.extent;
      args.window = g.window;
      args.output =
          scene.block(static_cast<std::int64_t>(g.extent.out_h) * g.extent.out_w, channels, row().types.output);
      const std::int32_t pixels = g.extent.in_h * g.extent.in_w;
      const std::vector<ChannelwiseRun> runs = scene.mapped_runs(pixels, channels, 1, row().types.input);
      args.runs = runs.data();
      args.run_count = 1;
      args.tile_rows = 1;
      args.tiles = g.extent.out_h;
      const std::vector<std::byte> clean = scene.arena();
      const kernels::ChannelRun& input = runs.front().input;
      // In every third channel at a time: those beside it keep their numbers.
      for (std::int32_t i = 0; i < pixels * 3; ++i) {
        std::vector<std::byte> before = clean;
        for (std::int32_t c = i % 3; c < channels; c += 3) {
          set_number({input.first, input.type}, i / 3 * input.pixel_stride + c, addresses_of(before),
                     std::copysign(std::numeric_limits<double>::quiet_NaN(), c % 2 == 0 ? 1 : -1));
        }
        std::vector<std::byte> expected = before, actual = before;
        max_pool_reference(args, addresses_of(expected));
        row().max(args, addresses_of(actual), TileRange{0, args.tiles});
        ASSERT_NO_FATAL_FAILURE(
            expect_matches(scene.numbers(before), scene.numbers(expected), scene.numbers(actual), 0))
            << "NaN at pixel " << i / 3 << ", channel " << i % 3;
      }
    }
  }
}

TEST_P(Pool, GlobalAverageEqualsTheReference) {
  for (std::uint32_t seed = 0; seed < 100 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const GlobalLayer layer = random_global_layer(scene);
    const GlobalAveragePoolArgs& args = layer.args;
    check(
        scene, args.tiles, [&](const Addresses& memory) { global_average_pool_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().global_average(args, memory, range); },
        rounded(row().types.output, 1e-5));
  }
}

RIFFLE_EVERY_ROW(Pool, PoolKernel);

class PoolOfBytes : public PoolRows {
 protected:
  template <class Args>
  void set_numbers(Scene& scene, Args& args) {
    const Types& types = row().types;
    args.zeros = {scene.zero_point(types.input), 0, scene.zero_point(types.output)};
    args.clamp = scene.bounds(types.output, args.zeros.output);
    args.scale = scene.pick({0.03F, 0.5F, 0.7F, 1.0F, 2.0F});
  }

  void try_one(Scene& scene, const Geometry& g, std::int32_t channels) {
    SCOPED_TRACE(to_string(g) + ", channels " + std::to_string(channels));
    Layer layer = random_layer(scene, g, channels);
    PoolArgs& args = layer.args;
    set_numbers(scene, args);
    check_bytes(
        scene, args.tiles, [&](const Addresses& memory) { average_pool_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().average(args, memory, range); });
    args.zeros.output = args.zeros.input;
    args.clamp = scene.bounds(row().types.output, args.zeros.output);
    check_bytes(
        scene, args.tiles, [&](const Addresses& memory) { max_pool_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().max(args, memory, range); });
  }
};

TEST_P(PoolOfBytes, EqualsTheReferenceOnRandomWindows) {
  for (std::uint32_t seed = 0; seed < 200 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const Geometry g = random_geometry(scene, 5, 20, true);
    try_one(scene, g, scene.channels());
  }
}

TEST_P(PoolOfBytes, CountsNothingBeyondThePadding) {
  for_windows_beyond_the_padding([&](Scene& scene, const Geometry& g) { try_one(scene, g, 24); });
}

TEST_P(PoolOfBytes, GlobalAverageEqualsTheReference) {
  for (std::uint32_t seed = 0; seed < 100 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    GlobalLayer layer = random_global_layer(scene);
    GlobalAveragePoolArgs& args = layer.args;
    set_numbers(scene, args);
    check_bytes(
        scene, args.tiles, [&](const Addresses& memory) { global_average_pool_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().global_average(args, memory, range); });
  }
}

RIFFLE_EVERY_BYTE_ROW(PoolOfBytes, PoolKernel);

}  // namespace
}  // namespace riffle::kernels::testing
