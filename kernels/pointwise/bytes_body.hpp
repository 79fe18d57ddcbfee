// The body of the pointwise kernels of bytes; see pointwise.hpp for the equation, byte_panels.hpp for the packing.
#pragma once

#include "kernels/byte_panels.hpp"
#include "kernels/pointwise/blocks.hpp"
#include "kernels/pointwise/residuals.hpp"
#include "kernels/pointwise/runs.hpp"
#include "kernels/simd/byte_strip.hpp"
#include "kernels/simd/bytes.hpp"
#include "kernels/simd/tile_table.hpp"

namespace riffle::kernels {

/// Out: bytes, or floats, the products of sums and factors themselves, which no instruction set has strips for.
template <class B, class Out = typename B::Byte>
struct PointwiseBytes {
  using Byte = typename B::Byte;
  using Sums = typename B::Sums;
  static constexpr bool makes_bytes = std::is_same_v<Out, Byte>;

  static constexpr bool by_eights = B::form == QuadForm::eights;
  static constexpr bool by_matrices = B::form == QuadForm::matrices;
  using Known = Runs<Byte, by_eights ? 8 : 4>;

  /// What one register tile needs to know.
  struct Job {
    const Addresses* memory;
    const ChannelRun* runs;
    std::int32_t run_count;
    const simd::GatherRun* tile_runs;  ///< the same from the pixel `run_pixel` on, or one of all that is read, gathered
    std::int32_t tile_run_count;
    std::int32_t run_pixel;
    const std::byte* panel;          ///< bias, factors, weights
    const ResidualVector* residual;  ///< of the panel's first vector, or null
    const Addresses* residual_memory;
    std::int32_t residual_pixel;  ///< what pixel 0 is there
    const Clamp* clamp;
    const ZeroPoints* zeros;
    Out* out;  ///< the first column of the pixel `out_pixel`
    std::ptrdiff_t out_stride;
    std::int32_t out_pixel;
    std::int32_t pixel;
    std::int32_t columns;
    const Byte* gathered;  ///< by eights: what all panels read of the pixels at hand
    const std::int32_t (
        *sums)[B::max_vectors * B::lanes];  ///< by matrices: of products, from the pixel `sums_pixel` on
    std::int32_t sums_pixel;
    std::int32_t eights;
    std::uint8_t facts;              ///< of the panel: PanelFacts
    const std::uint8_t* quad_facts;  ///< of its quads, by pairs
  };

  template <int MR, int NV>
  struct Tile {
    Sums acc[MR][NV];

    RIFFLE_INLINE void start(const std::int32_t* bias) {
      simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
        const Sums b = B::load_sums(bias + v * B::lanes);
        simd::unroll<MR>([&](auto m) __attribute__((always_inline)) { acc[m][v] = b; });
      });
    }

    /// Adds sums of products.
    template <std::size_t Width>
    RIFFLE_INLINE void add(const std::int32_t (*sums)[Width]) {
      simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
        simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
          acc[m][v] = B::add(acc[m][v], B::load_sums(&sums[m][v * B::lanes]));
        });
      });
    }

    /// `quads` quads of every pixel; w moves on behind their weights.
    template <bool Fit>
    RIFFLE_INLINE void accumulate(const Byte* x, std::ptrdiff_t stride, std::int32_t quads, const std::byte*& w) {
      if constexpr (B::by_lane) {
        for (; quads >= 4; quads -= 4, x += 16) four_quads<4>(x, stride, w);
        if (quads == 3) four_quads<3>(x, stride, w);
        if (quads == 2) four_quads<2>(x, stride, w);
        if (quads == 1) four_quads<1>(x, stride, w);
      } else {
        for (std::int32_t q = 0; q < quads; ++q, x += 4, w += NV * B::factor_bytes) {
          typename B::Factors row[NV];
          simd::unroll<NV>([&](auto v)
                               __attribute__((always_inline)) { row[v] = B::load_factors(w + v * B::factor_bytes); });
          simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
            const auto four = B::spread(x + m * stride);
            simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
              if constexpr (Fit) {
                acc[m][v] = B::multiply_fitting(acc[m][v], four, row[v]);
              } else {
                acc[m][v] = B::multiply(acc[m][v], four, row[v]);
              }
            });
          });
        }
      }
    }

   private:
    /// Up to four quads, which come in one load.
    template <int Quads>
    RIFFLE_INLINE void four_quads(const Byte* x, std::ptrdiff_t stride, const std::byte*& w) {
      typename B::Quads four[MR];
      simd::unroll<MR>([&](auto m) __attribute__((always_inline)) { four[m] = B::load_quads(x + m * stride); });
      simd::unroll<Quads>([&](auto q) __attribute__((always_inline)) {
        simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
          const auto row = B::load_factors(w + v * B::factor_bytes);
          simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
            acc[m][v] = B::template multiply_lane<decltype(q)::value>(acc[m][v], four[m], row);
          });
        });
        w += NV * B::factor_bytes;
      });
    }
  };

  template <int MR, int NV, bool Fit>
  static void run_tile(const Job& job) {
    const auto* const bias = reinterpret_cast<const std::int32_t*>(job.panel);
    const auto* const factors = reinterpret_cast<const float*>(bias + NV * B::lanes);
    [[maybe_unused]] const std::byte* w = job.panel + NV * B::lanes * 8;
    Tile<MR, NV> tile;
    tile.start(bias);
    if constexpr (by_matrices) {
      tile.add(job.sums + (job.pixel - job.sums_pixel));
    } else {
      for (std::int32_t r = 0; r < job.tile_run_count; ++r) {
        const simd::GatherRun& run = job.tile_runs[r];
        tile.template accumulate<Fit>(static_cast<const Byte*>(run.first) + (job.pixel - job.run_pixel) * run.stride,
                                      run.stride, static_cast<std::int32_t>(run.room / 4), w);
      }
    }
    Out* const out = job.out + (job.pixel - job.out_pixel) * job.out_stride;
    if constexpr (!makes_bytes) {
      simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
        const int left = job.columns - v * B::lanes, count = left < B::lanes ? left : B::lanes;
        simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
          simd::store_real<B>(out + m * job.out_stride + v * B::lanes, tile.acc[m][v], factors + v * B::lanes,
                              *job.clamp, count);
        });
      });
    } else {
      const simd::Requantise<B> requantise(*job.clamp, *job.zeros);
      if constexpr (NV > 1 && requires { B::packs; }) {
        if (job.residual == nullptr && requantise.saturates) {
          simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
            B::template store_packed<NV>(out + m * job.out_stride, tile.acc[m], factors, job.clamp->upper,
                                         job.zeros->output, job.columns);
          });
          return;
        }
      }
      simd::unroll<NV>([&](auto v) __attribute__((always_inline)) {
        const int left = job.columns - v * B::lanes, count = left < B::lanes ? left : B::lanes;
        if (job.residual == nullptr) {
          simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
            const auto result = requantise(tile.acc[m][v], factors + v * B::lanes);
            if (v < NV - 1 || count == B::lanes) {
              B::store(out + m * job.out_stride + v * B::lanes, result, B::lanes);
            } else {
              B::store(out + m * job.out_stride + v * B::lanes, result, count);
            }
          });
          return;
        }
        const ResidualVector& residual = job.residual[v];
        const std::int32_t pixel = job.residual_pixel + job.pixel;
        Byte gathered[MR * B::lanes];
        const Byte* from = gathered;
        std::ptrdiff_t stride = B::lanes;
        if (residual.run.channels != 0) {
          stride = residual.run.pixel_stride;
          from = job.residual_memory->template read<Byte>(residual.run.first) + pixel * stride;
        } else {
          copy_residual<B>(residual, count, *job.residual_memory, pixel, MR, gathered, B::lanes);
        }
        simd::unroll<MR>([&](auto m) __attribute__((always_inline)) {
          const auto joined = requantise(tile.acc[m][v], factors + v * B::lanes, B::load(from + m * stride, count));
          B::store(out + m * job.out_stride + v * B::lanes, joined, count);
        });
      });
    }
  }

  /// The instruction set's own strips (simd/byte_strip.hpp).
  static constexpr bool has_strips = makes_bytes && requires { B::strip(1, 1); };
  /// Of a column's bias and factor in a panel.
  static constexpr std::int32_t header_bytes = by_eights ? 16 : 8;
  /// By eights or matrices, of a block of pixels; otherwise of inputs in many runs. In few runs, which are not
  /// gathered, there may be some more than 32 Ki of them.
  static constexpr std::int32_t gathered_bytes = (by_eights || by_matrices ? 32 : 33) * 1024, most_gathered = 256;
  /// Bytes that gather_runs() writes behind a row before the next one is there.
  static constexpr std::int32_t spill = requires { B::gather_runs; }
  ? 16 : 0;
  /// Of two pixels by eights, of a tile of them by matrices, otherwise of one.
  static constexpr std::int32_t most_quads = by_eights     ? gathered_bytes / 8
                                             : by_matrices ? gathered_bytes / 64
                                                           : (gathered_bytes - spill) / 4;
  /// Few products are not worth the way from tiles to vectors.
  static constexpr std::int32_t fewest_quads = by_matrices ? 12 : 0;
  static constexpr std::int32_t tile_pixels = B::tile_rows(B::max_vectors);
  static constexpr bool adds_pairs = B::form == QuadForm::pairs;

  /// What all panels' strips have in common, from pixel `begin` on.
  struct Strips {
    std::int32_t form, small_form, exact_form;  ///< of all panels, and of those whose results are small, or exact
    PanelFacts exact;                           ///< which these are
    simd::ByteStrip strip;
    simd::StripRun<Byte> runs[by_eights ? 1 : Known::most];
    GatheredRuns<B, Byte, 4> gathered;

    RIFFLE_INLINE Strips(const Job& job, bool has_residual, std::int32_t panels, std::int32_t pixels) {
      const ZeroPoints& zeros = *job.zeros;
      const simd::StoredBounds<Byte> bounds(*job.clamp, zeros);
      strip.zero = static_cast<std::int16_t>(zeros.output - (has_residual ? zeros.residual : 0));
      strip.lower = bounds.lower;
      strip.upper = bounds.upper;
      strip.rounding = 0x1.8p23F + static_cast<float>(strip.zero);
      form = strip.lower > -128 || strip.upper < 127 ? 1 : 0;
      // Ties go where they go without the zero point only if it is even.
      small_form = strip.zero % 2 == 0 ? 64 : 0;
      exact_form = strip.zero % 2 == 0 ? 128 : 0;
      exact = has_residual ? exact_sums : exact_results;
      strip.out_stride = job.out_stride;
      strip.activations = runs;
      if constexpr (by_eights) {
        strip.count = job.eights;
      } else {
        strip.count = gathered.make(job.tile_runs, job.tile_run_count, panels, pixels, runs);
      }
    }

    /// And what is a panel's own, but for the residual.
    RIFFLE_INLINE void at_panel(const Job& job, int vectors, std::int32_t begin) {
      const std::int32_t width = vectors * B::lanes;
      strip.bias = reinterpret_cast<const std::int32_t*>(job.panel);
      strip.factors = reinterpret_cast<const float*>(job.panel + std::ptrdiff_t{width} * header_bytes / 2);
      strip.weights = job.panel + std::ptrdiff_t{width} * header_bytes;
      strip.pixel = 0;
      strip.out = job.out + (begin - job.out_pixel) * job.out_stride;
      strip.form = form + (job.columns == width ? 0 : 4 * job.columns);
      strip.form += (job.facts & exact) != 0 ? exact_form : (job.facts & small_results) != 0 ? small_form : 0;
      strip.residual = nullptr;
      strip.fits = job.quad_facts;
    }
  };

  /// Of a panel that the strip knows, so many pixels from its pixel `from` on.
  static RIFFLE_INLINE void run_tiles(const Job& job, simd::ByteStrip& strip, int vectors, std::int32_t from,
                                      std::int32_t pixels) {
    auto* const out = strip.out;
    simd::for_even_tiles<1>(
        pixels, B::strip_rows(vectors),
        [&](std::int32_t first, std::int32_t rows, std::int32_t tiles, int) __attribute__((always_inline)) {
          strip.pixel = from + first;
          strip.out = out + first * job.out_stride;
          strip.tiles = tiles;
          B::strip(rows, vectors)(strip);
        });
    strip.out = out + pixels * job.out_stride;
  }

  static RIFFLE_INLINE void run_strips(const Job& job, Strips& strips, int vectors, std::int32_t begin,
                                       std::int32_t end) {
    strips.at_panel(job, vectors, begin);
    simd::ByteStrip& strip = strips.strip;
    if (job.residual != nullptr) {
      const Byte* const rows = residual_in_rows<B, Byte>(job.residual, vectors, *job.residual_memory);
      if (rows == nullptr) return run_strips_of_copies(job, strip, vectors, begin, end);
      strip.residual_stride = job.residual[0].run.pixel_stride;
      strip.residual = rows + (job.residual_pixel + begin) * strip.residual_stride;
    }
    run_tiles(job, strip, vectors, 0, end - begin);
  }

  /// The same where the residual's columns do not stand side by side. Out of line: it is rare.
  static __attribute__((noinline)) void run_strips_of_copies(const Job& job, simd::ByteStrip& strip, int vectors,
                                                             std::int32_t begin, std::int32_t end) {
    Byte copied[most_gathered * B::max_vectors * B::lanes];
    for (std::int32_t at = 0; at < end - begin; at += most_gathered) {
      const std::int32_t left = end - begin - at, pixels = left < most_gathered ? left : most_gathered;
      const ResidualRows<Byte> residual = residual_rows<B>(job.residual, vectors, job.columns, *job.residual_memory,
                                                           job.residual_pixel + begin + at, pixels, copied);
      strip.residual_stride = residual.stride;
      strip.residual = residual.first - at * residual.stride;  // which strips take as pixel 0's
      run_tiles(job, strip, vectors, at, pixels);
    }
  }

  /// What all panels read of pixels [begin, end), in the order of its use: every run's channels by eights, the bytes
  /// behind them anything, for their weights are 0.
  static RIFFLE_INLINE void gather_pairs(const Job& job, const Known& runs, std::int32_t begin, std::int32_t end,
                                         Byte* to) {
    simd::for_even_tiles<2>(
        end - begin, tile_pixels, [&](std::int32_t first, std::int32_t rows, std::int32_t tiles, std::ptrdiff_t step) {
          Byte* next = to + std::ptrdiff_t{first} * job.eights * 8;
          for (std::int32_t r = 0; r < runs.count; ++r) {
            const simd::GatherRun run = runs[r];
            B::gather(rows / 2)(static_cast<const Byte*>(run.first) + (begin - runs.begin + first) * run.stride,
                                run.stride * step, run.room / 8, next, std::ptrdiff_t{job.eights} * rows * 8, tiles);
            next += run.room * rows;
          }
        });
  }

  /// So many panels of pixels [begin, end), which were gathered.
  static RIFFLE_INLINE void run_pairs(const Job& job, Strips& strips, int vectors, std::int32_t panels,
                                      std::int64_t panel_bytes, std::int32_t begin, std::int32_t end) {
    strips.at_panel(job, vectors, begin);
    simd::ByteStrip& strip = strips.strip;
    strip.panels = panels;
    strip.panel_bytes = panel_bytes;
    Byte copied[most_gathered * B::max_vectors * B::lanes];
    const ResidualRows<Byte> residual = residual_rows<B>(job.residual, vectors, job.columns, *job.residual_memory,
                                                         job.residual_pixel + begin, end - begin, copied);
    Byte* const out = strip.out;
    simd::for_even_tiles<2>(end - begin, tile_pixels,
                            [&](std::int32_t first, std::int32_t rows, std::int32_t tiles, std::ptrdiff_t step) {
                              strip.activations = job.gathered + std::ptrdiff_t{first} * job.eights * 8;
                              strip.out = out + first * job.out_stride;
                              strip.out_stride = job.out_stride * step;
                              if (residual.first != nullptr) strip.residual = residual.first + first * residual.stride;
                              strip.residual_stride = residual.stride * step;
                              strip.tiles = tiles;
                              B::strip(rows / 2, vectors)(strip);
                            });
  }

  /// Of a group's panels: what they have in common.
  struct Panels {
    const void* packed;              ///< of all groups
    const ResidualVector* residual;  ///< of all groups, or null
    std::int32_t groups, group, quads, outputs;
    std::int32_t spare;  ///< numbers behind the outputs that may be written, too
  };

  /// Panels [first, last) of a group for pixels [begin, end), which straddle no ring's end. job.out: the group's first
  /// column.
  static RIFFLE_INLINE void run_panels(Job& job, const Panels& all, std::int32_t first, std::int32_t last,
                                       std::int32_t begin, std::int32_t end) {
    const Known runs(job.runs, job.run_count, *job.memory, begin);
    if constexpr (by_eights) {
      alignas(64) Byte gathered[gathered_bytes];
      job.gathered = gathered;
      job.eights = (all.quads + 1) / 2;
      const std::int32_t room = gathered_bytes / (job.eights * 8);
      const std::int32_t rows = room < 8 ? 2 : 8, most = room < most_gathered ? room / rows * rows : most_gathered;
      Byte* const out = job.out;
      while (begin < end) {
        // Blocks are cut evenly, in whole tiles.
        const std::int32_t blocks = (end - begin + most - 1) / most;
        const std::int32_t even = ((end - begin + blocks - 1) / blocks + rows - 1) / rows * rows;
        const std::int32_t stop = even < end - begin ? begin + even : end;
        gather_pairs(job, runs, begin, stop, gathered);
        job.out = out;
        run_each_panel(job, all, first, last, begin, stop);
        begin = stop;
      }
    } else {
      job.tile_runs = runs.known;
      job.tile_run_count = runs.count;
      job.run_pixel = begin;
      const std::int32_t quads = filled_quads(B::form, all.quads);
      if (by_matrices ? runs.count == 1 && runs.known[0].room == quads * 4 : runs.count <= Known::most) {
        run_each_panel(job, all, first, last, begin, end);
        return;
      }
      // What is read of a pixel, side by side, and behind it anything, for its weights are 0.
      alignas(64) std::byte gathered[gathered_bytes + 64];
      const std::ptrdiff_t bytes = std::ptrdiff_t{quads} * 4, row = bytes + spill;
      const simd::GatherRun one{gathered, row, bytes, bytes};
      const std::ptrdiff_t room = gathered_bytes / row;
      const std::int32_t most = room < most_gathered ? static_cast<std::int32_t>(room) : most_gathered;
      Out* const out = job.out;
      job.tile_runs = &one;
      job.tile_run_count = 1;
      while (begin < end) {
        const std::int32_t blocks = (end - begin + most - 1) / most;
        const std::int32_t stop = begin + (end - begin + blocks - 1) / blocks;
        runs.template gather<B>(begin - runs.begin, gathered, row, stop - begin);
        job.out = out;
        job.run_pixel = begin;
        run_each_panel(job, all, first, last, begin, stop);
        begin = stop;
      }
    }
  }

  static RIFFLE_INLINE void run_each_panel(Job& job, const Panels& all, std::int32_t first, std::int32_t last,
                                           std::int32_t begin, std::int32_t end) {
    const std::int32_t vectors = (all.outputs + B::lanes - 1) / B::lanes;
    const std::int32_t panels = panel_count(all.outputs, B::lanes, B::max_vectors);
    const std::int32_t quads = filled_quads(B::form, all.quads);
    const std::int64_t vector_bytes = B::lanes * header_bytes + std::int64_t{quads} * B::factor_bytes;
    const auto* const packed = static_cast<const std::byte*>(all.packed);
    const auto* const all_facts = reinterpret_cast<const std::uint8_t*>(packed) + all.groups * vectors * vector_bytes;
    const std::uint8_t* const facts = all_facts + all.group * panels;
    // A residual ends where the columns do.
    const std::int32_t room = all.outputs + (all.residual != nullptr ? 0 : all.spare);
    Out* const out = job.out;
    [[maybe_unused]] auto strips = [&]() __attribute__((always_inline)) {
      if constexpr (has_strips) {
        return Strips(job, all.residual != nullptr, last - first, end - begin);
      } else {
        return nullptr;
      }
    }
    ();
    [[maybe_unused]] auto product = [&]() __attribute__((always_inline)) {
      if constexpr (by_matrices) {
        return typename B::Product(end - begin, static_cast<std::int32_t>(job.tile_runs->room / 4));
      } else {
        return nullptr;
      }
    }
    ();
    std::int32_t v1 = panel_begin(first, vectors, panels);
    for (std::int32_t panel = first, alike = 1; panel < last; panel += alike) {
      const std::int32_t v0 = v1;
      v1 = panel_begin(panel + 1, vectors, panels);
      const std::int32_t width = v1 - v0;
      job.panel = packed + (std::int64_t{all.group} * vectors + v0) * vector_bytes;
      job.residual = all.residual == nullptr ? nullptr : all.residual + all.group * vectors + v0;
      job.out = out + v0 * B::lanes;
      job.facts = facts[panel];
      if constexpr (adds_pairs) {
        job.quad_facts =
            all_facts + std::int64_t{all.groups} * panels + (std::int64_t{all.group} * panels + panel) * quads;
      }
      job.columns = (v1 * B::lanes <= room ? v1 * B::lanes : all.outputs) - v0 * B::lanes;
      if constexpr (by_eights) {
        // Whole panels that are alike in one call.
        alike = 1;
        while (job.residual == nullptr && panel + alike < last && facts[panel + alike] == job.facts) {
          const std::int32_t v2 = panel_begin(panel + alike + 1, vectors, panels);
          if (v2 - v1 != width || v2 * B::lanes > room) break;
          v1 = v2;
          ++alike;
        }
        run_pairs(job, strips, width, alike, width * vector_bytes, begin, end);
      } else if constexpr (by_matrices) {
        static constexpr simd::TileTable<B, PointwiseBytes, false> tiles;
        alignas(64) typename B::Product::Sums sums;
        product.run(
            static_cast<const Byte*>(job.tile_runs->first), job.tile_runs->stride,
            job.panel + width * B::lanes * header_bytes, width,
            sums, [&](std::int32_t at, std::int32_t pixels, std::int32_t row) __attribute__((always_inline)) {
              job.sums = sums + row;
              job.sums_pixel = begin + at;
              tiles.run(job, job.pixel, width, false, begin + at, begin + at + pixels);
            });
      } else {
        const bool fit = !adds_pairs || (job.facts & products_fit) != 0;
        if constexpr (has_strips) {
          if (fit) {
            run_strips(job, strips, width, begin, end);
            continue;
          }
        }
        if constexpr (!has_strips || adds_pairs) {
          constexpr bool two_variants = adds_pairs && !has_strips;
          static constexpr simd::TileTable<B, PointwiseBytes, two_variants, simd::one_variant<B, has_strips>> tiles;
          tiles.run(job, job.pixel, width, fit, begin, end);
        }
      }
    }
  }

  /// Panels [first_panel, last_panel) of one group for pixels [begin, end), which straddle no ring's end.
  static RIFFLE_INLINE void run_block(const PointwiseArgs& args, const Addresses& memory, std::int32_t group,
                                      std::int32_t first_panel, std::int32_t last_panel, std::int32_t begin,
                                      std::int32_t end) {
    const Block& block = args.blocks[group];
    Job job{};
    job.memory = job.residual_memory = &memory;
    job.runs = args.runs + args.run_begin[group];
    job.run_count = args.run_begin[group + 1] - args.run_begin[group];
    job.clamp = &args.clamp;
    job.zeros = &args.zeros;
    job.out_stride = block.pixel_stride;
    job.out_pixel = begin;
    job.out = memory.write<Out>(block.first) + slot(begin, block.ring) * job.out_stride;
    run_panels(job, {args.packed, args.residual, args.groups, group, args.quads, args.outputs, block.spare},
               first_panel, last_panel, begin, end);
  }

  static void run(const PointwiseArgs& args, const Addresses& memory, TileRange range) {
    for_each_block<B>(
        args, range, B::tile_rows,
        [&](std::int32_t group, std::int32_t first_panel, std::int32_t last_panel, std::int32_t begin, std::int32_t end)
            __attribute__((always_inline)) { run_block(args, memory, group, first_panel, last_panel, begin, end); });
  }

  static constexpr PointwiseKernel kernel(const char* name) {
    return {name,         {B::byte_type, Type::i8, simd::type_of_result<B, Out>},
            B::lanes,     B::max_vectors,
            false,        B::tile_rows,
            run,          B::form,
            fewest_quads, most_quads};
  }
};

}  // namespace riffle::kernels
