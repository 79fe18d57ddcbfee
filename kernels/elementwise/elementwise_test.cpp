#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class ElementwiseRows : public EveryRow<ElementwiseKernel> {
 protected:
  struct Layer {
    ElementwiseArgs args;
    std::vector<ChannelwiseRun> a;
    std::vector<kernels::ChannelRun> b;
  };

  Layer random_layer(Scene& scene, bool add, bool in_place) {
    const std::int32_t channels = scene.channels();
    const Type type = row().types.output;
    Layer layer;
    ElementwiseArgs& args = layer.args;
    args.pixels = scene.integer(1, 30);
    args.clamp = scene.clamp();
    const Block elsewhere = scene.block(args.pixels, channels, type);
    layer.a = scene.mapped_runs(args.pixels, channels, in_place ? 1 : scene.integer(1, 4), type);
    for (const ChannelwiseRun& run : layer.a) layer.b.push_back(scene.run(args.pixels, run.input.channels, 0, type));
    args.a = layer.a.data();
    args.b = add ? layer.b.data() : nullptr;
    args.run_count = static_cast<std::int32_t>(layer.a.size());
    const kernels::ChannelRun& first = layer.a[0].input;
    args.output = in_place ? Block{first.first, first.pixel_stride, 0, type} : elsewhere;
    args.tile_pixels = scene.integer(1, args.pixels);
    args.tiles = (args.pixels + args.tile_pixels - 1) / args.tile_pixels;
    return layer;
  }
};

class Elementwise : public ElementwiseRows {
 protected:
  void try_one(Scene& scene, bool add, bool in_place, bool poison) {
    const Layer layer = random_layer(scene, add, in_place);
    const ElementwiseArgs& args = layer.args;
    // A NaN in place would not be seen to change.
    if (poison && !in_place) scene.poison(layer.a[0].input, 1);
    check(
        scene, args.tiles, [&](const Addresses& memory) { elementwise_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); }, 0);
  }
};

TEST_P(Elementwise, EqualsTheReference) {
  for (std::uint32_t seed = 0; seed < 200 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, scene.coin(), false, scene.coin());
  }
}

TEST_P(Elementwise, AddsInPlace) {
  for (std::uint32_t seed = 0; seed < 50 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, true, true, false);
  }
}

/// Each of rows, columns and channels of an operand is the result's, or one that counts for all.
class RowsOfTwo : public EveryRow<ElementwiseKernel> {
 protected:
  struct Operand {
    std::int32_t rows, columns;
    bool one_channel;
  };

  /// Calls f(args).
  template <class F>
  void try_one(Scene& scene, BinaryKind kind, F&& f) {
    const Type type = row().types.output;
    const std::int32_t height = scene.integer(1, 5), width = scene.integer(1, 6), channels = scene.channels();
    const auto operand = [&] {
      return Operand{scene.coin() ? height : 1, scene.coin() ? width : 1, scene.integer(0, 3) == 0};
    };
    const Operand a = operand(), b = operand();
    ElementwiseArgs args;
    args.kind = kind;
    args.pixels = height * width;
    args.width = width;
    const auto steps = [](const Operand& o) { return PixelSteps{o.rows == 1 ? 0 : o.columns, o.columns == 1 ? 0 : 1}; };
    args.a_steps = steps(a);
    args.b_steps = steps(b);
    if (kind != BinaryKind::power) args.clamp = scene.clamp();
    const auto runs_of = [&](const Operand& o, const std::vector<std::int32_t>& pieces) {
      std::vector<ChannelRun> runs;
      for (const std::int32_t piece : pieces) {
        runs.push_back(scene.run(o.rows * o.columns, o.one_channel ? 1 : piece, 0, type));
      }
      return runs;
    };
    std::vector<std::int32_t> pieces;
    for (std::int32_t left = a.one_channel && b.one_channel ? 1 : channels; left > 0; left -= pieces.back()) {
      pieces.push_back(pieces.size() == 2 ? left : scene.integer(1, left));
    }
    const std::vector<ChannelRun> runs_a = runs_of(a, pieces), runs_b = runs_of(b, pieces);
    std::vector<ChannelwiseRun> runs;
    std::int32_t channel = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      runs.push_back({runs_a[i], channel});
      channel += pieces[i];
    }
    args.a = runs.data();
    args.b = runs_b.data();
    args.run_count = static_cast<std::int32_t>(runs.size());
    args.output = scene.block(args.pixels, channel, type);
    args.tile_pixels = scene.integer(1, args.pixels);
    args.tiles = (args.pixels + args.tile_pixels - 1) / args.tile_pixels;
    f(args);
  }
};

class ElementwiseOfTwo : public RowsOfTwo {};

TEST_P(ElementwiseOfTwo, EqualsTheReference) {
  for (std::uint32_t seed = 0; seed < 210 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const auto kind = static_cast<BinaryKind>(seed % 7);
    try_one(scene, kind, [&](const ElementwiseArgs& args) {
      const Type type = args.output.type;
      check(
          scene, args.tiles, [&](const Addresses& memory) { elementwise_reference(args, memory); },
          [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); },
          type == Type::f32 && kind != BinaryKind::power ? Tolerance(0) : rounded(type, 1e-6));
    });
  }
}

/// Zeros, infinities, NaNs: what IEEE says of them.
TEST_P(ElementwiseOfTwo, EdgesAreThoseOfTheReference) {
  const Type type = row().types.output;
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> edges = {
      0.0F, -0.0F, 1.0F, -1.0F, 2.0F, -2.5F, infinity, -infinity, std::numeric_limits<float>::quiet_NaN()};
  const auto count = static_cast<std::int32_t>(edges.size());
  Scene scene(0);
  const kernels::ChannelRun column = scene.run(count, 1, 0, type), line = scene.run(1, count, 0, type);
  for (std::int32_t i = 0; i < count; ++i) {
    scene.set({column.first, type}, i * column.pixel_stride, edges[static_cast<std::size_t>(i)]);
    scene.set({line.first, type}, i, edges[static_cast<std::size_t>(i)]);
  }
  const ChannelwiseRun a{column, 0};
  ElementwiseArgs args;
  args.pixels = args.tile_pixels = count;
  args.tiles = args.run_count = 1;
  args.a = &a;
  args.b = &line;
  args.b_steps = {0, 0};
  args.output = scene.block(count, count, type);
  for (int kind = 0; kind <= static_cast<int>(BinaryKind::power); ++kind) {
    SCOPED_TRACE(kind);
    args.kind = static_cast<BinaryKind>(kind);
    const std::vector<std::byte> before = scene.arena();
    std::vector<std::byte> expected = before, actual = before;
    elementwise_reference(args, addresses_of(expected));
    row().run(args, addresses_of(actual), {0, 1});
    const std::vector<float> right = scene.numbers(expected), made = scene.numbers(actual);
    for (std::size_t i = 0; i < right.size(); ++i) {
      if (std::isnan(right[i])) {
        EXPECT_TRUE(std::isnan(made[i])) << i;
      } else if (std::isinf(right[i])) {
        EXPECT_EQ(made[i], right[i]) << i;
      } else {
        EXPECT_NEAR(made[i], right[i], type == Type::f32 ? 1e-5 : 0.05) << i;
      }
    }
  }
}

RIFFLE_EVERY_ROW(Elementwise, ElementwiseKernel);
RIFFLE_EVERY_ROW(ElementwiseOfTwo, ElementwiseKernel);

class ElementwiseOfBytes : public ElementwiseRows {
 protected:
  void try_one(Scene& scene, bool add, bool in_place) {
    const Type type = row().types.output;
    Layer layer = random_layer(scene, add, in_place);
    ElementwiseArgs& args = layer.args;
    args.zeros = {scene.zero_point(type), scene.zero_point(type), scene.zero_point(type)};
    args.clamp = scene.bounds(type, args.zeros.output);
    args.factor = scene.pick({1.0F, 0.5F, 0.6F, 7.3F, 1e-30F, 1e30F});
    check_bytes(
        scene, args.tiles, [&](const Addresses& memory) { elementwise_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); }, in_place);
  }
};

TEST_P(ElementwiseOfBytes, EqualsTheReference) {
  for (std::uint32_t seed = 0; seed < 200 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, scene.coin(), false);
  }
}

TEST_P(ElementwiseOfBytes, AddsInPlace) {
  for (std::uint32_t seed = 0; seed < 50 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    try_one(scene, true, true);
  }
}

RIFFLE_EVERY_BYTE_ROW(ElementwiseOfBytes, ElementwiseKernel);

class TwoOfBytes : public RowsOfTwo {};

TEST_P(TwoOfBytes, EqualTheReference) {
  for (std::uint32_t seed = 0; seed < 210 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    const auto kind = scene.pick(
        {BinaryKind::add, BinaryKind::subtract, BinaryKind::multiply, BinaryKind::maximum, BinaryKind::minimum});
    try_one(scene, kind, [&](ElementwiseArgs& args) {
      const Type type = args.output.type;
      args.zeros = {scene.zero_point(type), scene.zero_point(type), scene.zero_point(type)};
      args.clamp = scene.bounds(type, args.zeros.output);
      args.factor = scene.pick({1.0F, 0.5F, 0.004F, 1e-30F, 1e30F});
      check_bytes(
          scene, args.tiles, [&](const Addresses& memory) { elementwise_reference(args, memory); },
          [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); });
    });
  }
}

RIFFLE_EVERY_BYTE_ROW(TwoOfBytes, ElementwiseKernel);

}  // namespace
}  // namespace riffle::kernels::testing
