#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class Pixels : public EveryRow<PixelsKernel> {
 protected:
  /// Rows, or columns, of an operand in any order; some are none.
  static std::vector<std::int32_t> choice(Scene& scene, std::int32_t count, std::int32_t of) {
    const bool fills = scene.coin();
    std::vector<std::int32_t> result;
    for (; count > 0; --count) result.push_back(scene.integer(fills ? -1 : 0, of - 1));
    return result;
  }

  /// Bits of a number that is not 0.
  [[nodiscard]] std::uint32_t some_number() const {
    std::uint32_t bits = 0;
    const std::vector<std::byte> bytes = stored(row().types.output, std::vector<float>{3.0F});
    for (std::size_t i = bytes.size(); i-- > 0;) bits = bits << 8 | std::to_integer<std::uint32_t>(bytes[i]);
    return bits;
  }
};

TEST_P(Pixels, EqualsTheReference) {
  const Type type = row().types.output;
  for (std::uint32_t seed = 0; seed < 200 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scene scene(seed);
    PixelsArgs args;
    args.extent = {scene.integer(1, 7), scene.integer(1, 7), scene.integer(1, 9), scene.integer(1, 9)};
    const auto& [in_h, in_w, out_h, out_w] = args.extent;
    const std::vector<std::int32_t> rows = choice(scene, out_h, in_h), columns = choice(scene, out_w, in_w);
    args.rows = rows.data();
    args.columns = columns.data();
    args.fill = some_number();
    const std::int32_t channels = scene.channels();
    args.output = scene.block(out_h * out_w, channels, type);
    const std::vector<ChannelwiseRun> runs = scene.mapped_runs(in_h * in_w, channels, scene.integer(1, 4), type);
    args.runs = runs.data();
    args.run_count = static_cast<std::int32_t>(runs.size());
    args.tile_rows = scene.integer(1, out_h);
    args.tiles = (out_h + args.tile_rows - 1) / args.tile_rows;
    const auto reference = [&](const Addresses& memory) { pixels_reference(args, memory); };
    const auto run = [&](const Addresses& memory, TileRange range) { row().run(args, memory, range); };
    if (is_quantised(type)) {
      check_bytes(scene, args.tiles, reference, run);
    } else {
      check(scene, args.tiles, reference, run, 0);
    }
  }
}

RIFFLE_EVERY_ROW(Pixels, PixelsKernel);
RIFFLE_EVERY_BYTE_ROW(Pixels, PixelsKernel);

}  // namespace
}  // namespace riffle::kernels::testing
