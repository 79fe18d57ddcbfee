#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class ResizeRows : public EveryRow<ResizeKernel> {
 protected:
  static std::vector<Between> places(Scene& scene, std::int32_t count, std::int32_t of) {
    std::vector<Between> result;
    for (; count > 0; --count) {
      const std::int32_t first = scene.integer(0, of - 1), second = std::min(first + scene.integer(0, 1), of - 1);
      result.push_back({first, second, scene.pick({0.0F, 0.25F, 0.5F, 1.0F, 0.7F})});
    }
    return result;
  }

  /// Calls f(scene, args) for arguments of all kinds.
  template <class F>
  void for_many(F&& f) {
    const Type type = row().types.output;
    for (std::uint32_t seed = 0; seed < 200 && !HasFatalFailure(); ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      Scene scene(seed);
      ResizeArgs args;
      args.extent = {scene.integer(1, 7), scene.integer(1, 7), scene.integer(1, 9), scene.integer(1, 9)};
      const auto& [in_h, in_w, out_h, out_w] = args.extent;
      const std::vector<Between> rows = places(scene, out_h, in_h), columns = places(scene, out_w, in_w);
      args.rows = rows.data();
      args.columns = columns.data();
      const std::int32_t channels = scene.channels();
      args.output = scene.block(out_h * out_w, channels, type);
      const std::vector<ChannelwiseRun> runs = scene.mapped_runs(in_h * in_w, channels, scene.integer(1, 4), type);
      args.runs = runs.data();
      args.run_count = static_cast<std::int32_t>(runs.size());
      args.tile_rows = scene.integer(1, out_h);
      args.tiles = (out_h + args.tile_rows - 1) / args.tile_rows;
      f(scene, args);
    }
  }
};

class Resize : public ResizeRows {};

TEST_P(Resize, EqualsTheReference) {
  for_many([&](Scene& scene, const ResizeArgs& args) {
    check(
        scene, args.tiles, [&](const Addresses& memory) { resize_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); },
        rounded(args.output.type, 1e-6));
  });
}

RIFFLE_EVERY_ROW(Resize, ResizeKernel);

class ResizeOfBytes : public ResizeRows {};

TEST_P(ResizeOfBytes, EqualsTheReference) {
  for_many([&](Scene& scene, ResizeArgs& args) {
    const Type type = args.output.type;
    args.zeros = {scene.zero_point(type), 0, scene.zero_point(type)};
    args.clamp = scene.bounds(type, args.zeros.output);
    args.factor = scene.pick({1.0F, 0.6F, 7.3F}) / static_cast<float>(resize_parts * resize_parts);
    check_bytes(
        scene, args.tiles, [&](const Addresses& memory) { resize_reference(args, memory); },
        [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); });
  });
}

RIFFLE_EVERY_BYTE_ROW(ResizeOfBytes, ResizeKernel);

}  // namespace
}  // namespace riffle::kernels::testing
