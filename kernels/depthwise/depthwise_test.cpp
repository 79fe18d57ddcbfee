#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class DepthwiseRows : public EveryRow<DepthwiseKernel> {
 protected:
  /// All of a layer but its weights.
  struct Layer {
    DepthwiseArgs args;
    std::vector<ChannelwiseRun> runs;
  };

  /// `slack`: numbers that may be read behind a run.
  Layer random_layer(Scene& scene, const Geometry& g, std::int32_t channels, std::int64_t slack) {
    const Types& types = row().types;
    Layer layer;
    DepthwiseArgs& args = layer.args;
    args.extent = g.extent;
    args.window = g.window;
    args.clamp = scene.clamp();
    args.output = scene.block(static_cast<std::int64_t>(g.extent.out_h) * g.extent.out_w, channels, types.output);
    const std::int64_t pixels = static_cast<std::int64_t>(g.extent.in_h) * g.extent.in_w;
    layer.runs = scene.mapped_runs(pixels, channels, scene.integer(1, 4), types.input, slack);
    args.runs = layer.runs.data();
    args.run_count = static_cast<std::int32_t>(layer.runs.size());
    args.tile_rows = scene.integer(1, g.extent.out_h);
    args.tiles = (g.extent.out_h + args.tile_rows - 1) / args.tile_rows;
    return layer;
  }

  /// Calls f(scene, geometry) for every width of row there is a strip for, with each border missing or not.
  template <class F>
  void for_every_width(F&& f) {
    for (std::int32_t stride = 1; stride <= 2; ++stride) {
      for (std::int32_t in_w = 1; in_w <= 36; ++in_w) {
        for (std::int32_t pads = 0; pads < 4 && !HasFatalFailure(); ++pads) {
          Scene scene(static_cast<std::uint32_t>(in_w * 8 + stride * 4 + pads));
          Geometry g{{3, 3, stride, stride, 1, pads & 1, 1, pads >> 1}, {scene.integer(1, 9), in_w, 0, 0}};
          const std::int32_t room = in_w + g.window.pad_left + g.window.pad_right - 3;
          if (room < 0) continue;
          g.extent.out_h = (g.extent.in_h - 1) / stride + 1;
          g.extent.out_w = room / stride + 1;
          f(scene, g);
        }
      }
    }
  }
};

class Depthwise : public DepthwiseRows {
 protected:
  /// One random depthwise convolution of the geometry; poison: some inputs are NaN.
  void try_one(Scene& scene, const Geometry& g, std::int32_t channels, bool poison) {
    SCOPED_TRACE(to_string(g) + ", channels " + std::to_string(channels));
    const std::int32_t taps = g.window.kernel_h * g.window.kernel_w;
    const Types& types = row().types;
    const bool by_sixteen_bytes = row().lanes * size_of(types.input) == 16;
    Layer layer = random_layer(scene, g, channels, by_sixteen_bytes ? readable_behind(types.input) : 0);
    DepthwiseArgs& args = layer.args;
    const std::vector<ChannelwiseRun>& runs = layer.runs;
    if (poison) scene.poison(runs[0].input, static_cast<std::int64_t>(g.extent.in_h) * g.extent.in_w);

    const std::vector<float> weights =
        scene.values(static_cast<std::int64_t>(channels) * taps, 1 / std::sqrt(taps), types.weights);
    const std::vector<float> bias = scene.coin() ? scene.values(channels, 1, types.weights) : std::vector<float>{};
    const std::vector<std::int32_t> order = scene.permutation(channels);
    std::vector<std::byte> packed(static_cast<std::size_t>(packed_depthwise_bytes(row(), runs, taps)));
    const std::vector<double> scale = row_scale(scene, channels);
    pack_depthwise(row(), taps, runs, {weights, scale}, bias, order, packed);
    args.packed = packed.data();

    const std::vector<std::int32_t> one(1, 0);
    const std::vector<float> ordered = reorder(scaled(weights, scale, types.weights), 1, 1, channels, taps, one, order);
    const std::vector<float> ordered_bias = reorder_bias(bias, 1, channels, order);
    check(
        scene, args.tiles, [&](const Addresses& memory) { depthwise_reference(args, ordered, ordered_bias, memory); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); }, of_rounded(types, taps));
  }

  /// Numbers of bf16 may be multiplied by weights that are rounded to bf16.
  static Tolerance of_rounded(const Types& types, std::int32_t taps) {
    Tolerance tolerance = summed(types, taps + 1);
    if (types.input == Type::bf16) tolerance.absolute += 0x1p-7;
    return tolerance;
  }
};

TEST_P(Depthwise, EqualsTheReferenceOnRandomWindows) {
  for (std::uint32_t seed = 0; seed < 150 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const Geometry g = random_geometry(scene, 5, 20, false);
    try_one(scene, g, scene.channels(), false);
  }
}

TEST_P(Depthwise, EqualsTheReferenceOnEveryWidth) {
  for_every_width([&](Scene& scene, const Geometry& g) { try_one(scene, g, scene.pick({16, 17, 29, 40}), false); });
}

/// Windows that slide and such that do not, in rows of less than a block to several.
TEST_P(Depthwise, EqualsTheReferenceOnTallAndWideWindows) {
  std::uint32_t seed = 0;
  for (const auto& [kernel_h, kernel_w] : {std::pair{5, 5}, {7, 7}, {1, 7}, {7, 1}, {2, 5}, {9, 9}, {3, 4}}) {
    for (std::int32_t stride = 1; stride <= 2; ++stride) {
      for (std::int32_t in_w = 1; in_w <= 30 && !HasFatalFailure(); ++in_w) {
        Scene scene(seed++);
        const std::int32_t pad_h = kernel_h / 2;
        const std::int32_t left = scene.integer(0, kernel_w / 2), right = scene.integer(0, kernel_w / 2);
        Geometry g{{kernel_h, kernel_w, stride, stride, pad_h, left, pad_h, right}, {scene.integer(1, 8), in_w, 0, 0}};
        const std::int32_t room_h = g.extent.in_h + 2 * pad_h - kernel_h, room_w = in_w + left + right - kernel_w;
        if (room_h < 0 || room_w < 0) continue;
        g.extent.out_h = room_h / stride + 1;
        g.extent.out_w = room_w / stride + 1;
        try_one(scene, g, scene.pick({3, 16, 29}), false);
      }
    }
  }
}

TEST_P(Depthwise, HandsANanThroughTheClamp) {
  for (std::uint32_t seed = 0; seed < 40 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const Geometry g = random_geometry(scene, 3, 12, true);
    try_one(scene, g, scene.channels(), true);
  }
}

RIFFLE_EVERY_ROW(Depthwise, DepthwiseKernel);

class DepthwiseOfBytes : public DepthwiseRows {
 protected:
  void try_one(Scene& scene, const Geometry& g, std::int32_t channels) {
    SCOPED_TRACE(to_string(g) + ", channels " + std::to_string(channels));
    const std::int32_t taps = g.window.kernel_h * g.window.kernel_w;
    const Types& types = row().types;
    Layer layer = random_layer(scene, g, channels, readable_behind(types.input));
    DepthwiseArgs& args = layer.args;
    args.zeros = {scene.zero_point(types.input), 0, scene.zero_point(types.input)};
    args.clamp = scene.bounds(types.output, args.zeros.output);

    const ByteWeights weights = random_byte_weights(scene, channels, taps);
    const std::vector<std::int32_t> order = scene.permutation(channels);
    std::vector<std::byte> packed(static_cast<std::size_t>(packed_depthwise_bytes(row(), layer.runs, g.window)));
    pack_depthwise(row(), g.window, layer.runs, weights.view(), order, packed);
    args.packed = packed.data();

    const std::vector<std::int32_t> one(1, 0);
    const ByteWeights ordered = weights.ordered(1, 1, channels, taps, one, order);
    check_bytes(
        scene, args.tiles, [&](const Addresses& memory) { depthwise_bytes_reference(args, ordered.view(), memory); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); });
  }
};

TEST_P(DepthwiseOfBytes, EqualsTheReferenceOnRandomWindows) {
  for (std::uint32_t seed = 0; seed < 200 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const Geometry g = random_geometry(scene, 7, 20, false);
    try_one(scene, g, scene.channels());
  }
}

TEST_P(DepthwiseOfBytes, EqualsTheReferenceOnEveryWidth) {
  for_every_width([&](Scene& scene, const Geometry& g) { try_one(scene, g, scene.pick({7, 16, 17, 29, 40})); });
}

/// A row of taps is one vector's quads or several.
TEST_P(DepthwiseOfBytes, EqualsTheReferenceOnTallAndWideWindows) {
  std::uint32_t seed = 0;
  for (const auto& [kernel_h, kernel_w] : {std::pair{5, 5}, {1, 7}, {7, 1}, {7, 7}, {3, 4}, {2, 8}, {1, 9}}) {
    for (std::int32_t stride = 1; stride <= 2 && !HasFatalFailure(); ++stride) {
      Scene scene(seed++);
      Geometry g{{kernel_h, kernel_w, stride, stride, kernel_h / 2, kernel_w / 2, kernel_h / 2, kernel_w / 2},
                 {scene.integer(2, 12), scene.integer(2, 20), 0, 0}};
      g.extent.out_h = (g.extent.in_h + kernel_h / 2 * 2 - kernel_h) / stride + 1;
      g.extent.out_w = (g.extent.in_w + kernel_w / 2 * 2 - kernel_w) / stride + 1;
      try_one(scene, g, scene.channels());
    }
  }
}

/// As much padding as a window has room for: whole windows' columns are none of the image's.
TEST_P(DepthwiseOfBytes, EqualsTheReferenceOnWideMargins) {
  for (const std::int32_t kernel : {3, 5}) {
    for (std::int32_t stride = 1; stride <= 2 && !HasFatalFailure(); ++stride) {
      Scene scene(static_cast<std::uint32_t>(2 * kernel + stride));
      const std::int32_t pad = kernel - 1, out_h = (5 + 2 * pad - kernel) / stride + 1,
                         out_w = (9 + 2 * pad - kernel) / stride + 1;
      try_one(scene, {{kernel, kernel, stride, stride, pad, pad, pad, pad}, {5, 9, out_h, out_w}}, 40);
    }
  }
}

RIFFLE_EVERY_BYTE_ROW(DepthwiseOfBytes, DepthwiseKernel);

TEST(PackedDepthwise, IsOfWholeVectorsAndQuads) {
  DepthwiseKernel kernel;
  kernel.lanes = 8;
  std::vector<ChannelwiseRun> runs(3);
  runs[0].input.channels = 9, runs[1].input.channels = 8, runs[2].input.channels = 1;
  for (const std::int32_t columns : {5, 8}) {
    EXPECT_EQ(packed_depthwise_bytes(kernel, runs, Window{.kernel_h = 3, .kernel_w = columns}),
              4 * 8 * (8 + 3 * 2 * 4));
  }
}

}  // namespace
}  // namespace riffle::kernels::testing
