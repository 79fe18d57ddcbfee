// How a step's work is cut into tiles: enough of them to share out, large enough to reuse what they load.
#pragma once

#include <cstdint>

namespace riffle::plan {

/// Sizes that the choices below are made for: what is common to a phone's core and a server's.
struct Machine {
  std::int64_t l1_floats = 32 * 1024 / 4;
  std::int64_t l2_floats = 512 * 1024 / 4;
};

struct PointwiseTiling {
  std::int32_t tile_pixels = 0, tile_panels = 0, tiles = 0;
};

/// `panels` a group; all sizes of one group except where said.
PointwiseTiling tile_pointwise(const Machine& machine, std::int32_t pixels, std::int32_t groups, std::int32_t inputs,
                               std::int32_t outputs, std::int32_t panels);

/// Output rows a tile for an operation that slides over rows of `row_floats` floats; at least 1, at most out_h.
std::int32_t tile_rows(const Machine& machine, std::int32_t out_h, std::int64_t row_floats);

/// Pixels a tile for an operation that touches `pixel_floats` floats a pixel.
std::int32_t tile_pixels(const Machine& machine, std::int32_t pixels, std::int64_t pixel_floats);

inline std::int32_t ceil_div(std::int32_t a, std::int32_t b) { return (a + b - 1) / b; }

}  // namespace riffle::plan
