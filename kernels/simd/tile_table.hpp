// Which register tiles there are: one function for every height and width that the register file holds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/simd/simd.hpp"

namespace riffle::simd {

/// Pixels in tiles of even height: 49 pixels are 4 x 6 + 5 x 5, not 8 x 6 and a lone one that costs as much as three.
struct EvenTiles {
  std::int32_t tiles;
  std::int32_t height;  ///< of the lower ones
  std::int32_t higher;  ///< so many of the tiles, the first ones, are a pixel higher

  RIFFLE_INLINE EvenTiles(std::int32_t pixels, std::int32_t rows)
      : tiles((pixels + rows - 1) / rows), height(pixels / tiles), higher(pixels % tiles) {}
};

/// Calls f(first pixel, pixels a tile, tiles, step) for tiles of at most `rows` pixels that are whole multiples of
/// Unit, 1 or 2. Of pairs, a pixel that is left over is a pair with itself: the step from one to the other is 0, else
/// 1.
template <int Unit, class F>
RIFFLE_INLINE void for_even_tiles(std::int32_t pixels, std::int32_t rows, F&& f) {
  if (pixels >= Unit) {
    const EvenTiles cut(pixels / Unit, rows / Unit);
    const std::int32_t higher = (cut.height + 1) * Unit;
    if (cut.higher > 0) f(0, higher, cut.higher, 1);
    f(cut.higher * higher, higher - Unit, cut.tiles - cut.higher, 1);
  }
  if (pixels % Unit != 0) f(pixels - 1, Unit, 1, 0);
}

/// `Body` has a struct Job and a template <int MR, int NV, bool Half> static void run_tile(const Job&). Halves: are
/// there tiles whose last vector two pixels share? OneRow: no tile is higher than a pixel.
template <class S, class Body, bool Halves, bool OneRow = false>
struct TileTable {
  using Function = void (*)(const typename Body::Job&);

  static constexpr int rows(int vectors) { return OneRow ? 1 : S::tile_rows(vectors); }
  static constexpr int most_rows() {
    int most = 0;
    for (int nv = 1; nv <= S::max_vectors; ++nv) most = rows(nv) > most ? rows(nv) : most;
    return most;
  }
  using Row = std::array<Function, most_rows()>;
  using Rows = std::array<Row, S::max_vectors>;  ///< by width

  Rows whole = make<false>();
  Rows half = make<Halves>();

  /// Pixels [begin, end). `at` is the job's own position, moved on from tile to tile.
  RIFFLE_INLINE void run(const typename Body::Job& job, std::int32_t& at, int vectors, bool is_half, std::int32_t begin,
                         std::int32_t end) const {
    const Row& row = (Halves && is_half ? half : whole)[static_cast<std::size_t>(vectors - 1)];
    const EvenTiles cut(end - begin, rows(vectors));
    at = begin;
    for (std::int32_t t = 0; t < cut.tiles; ++t) {
      const std::int32_t height = cut.height + (t < cut.higher ? 1 : 0);
      row[static_cast<std::size_t>(height - 1)](job);
      at += height;
    }
  }

 private:
  template <int NV, bool Half>
  static constexpr Row of_width() {
    Row row{};
    [&]<int... I>(std::integer_sequence<int, I...>) { ((row[I] = Body::template run_tile<I + 1, NV, Half>), ...); }
    (std::make_integer_sequence<int, rows(NV)>{});
    return row;
  }
  template <bool Half>
  static constexpr Rows make() {
    Rows all{};
    [&]<int... I>(std::integer_sequence<int, I...>) { ((all[I] = of_width<I + 1, Half>()), ...); }
    (std::make_integer_sequence<int, S::max_vectors>{});
    return all;
  }
};

}  // namespace riffle::simd
