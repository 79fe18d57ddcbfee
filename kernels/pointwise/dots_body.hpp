// The body of the pointwise kernels that multiply by dot products; see pointwise.hpp for the equation, dot_panels.hpp
// for the packing.
//
// The inputs of some pixels are gathered side by side, as many pixels as a buffer holds; every panel then passes over
// them, and what runs there were is known no more. An instruction set S has
//
//   dot               neighbouring inputs that an instruction multiplies
//   pixels_together   pixels that it does so for; tiles are as high, or a multiple
//   arrange(...)      the gathered inputs of a tile, in the order in which its loop reads them (only where that is not
//                     pixel after pixel)
//   start(acc, bias), multiply(acc, x, stride, w, dots), finish(acc)
//                     a tile's sums, and how they become rows of outputs
#pragma once

#include "kernels/dot_panels.hpp"
#include "kernels/pointwise/blocks.hpp"
#include "kernels/pointwise/pointwise_body.hpp"

namespace riffle::kernels {

/// `count` numbers, and up to 7 behind them, which must be there at both ends.
template <class Value>
RIFFLE_INLINE void copy_numbers(const Value* from, std::int32_t count, Value* to) {
  static_assert(sizeof(Value) == 2);
  using Eight = std::uint16_t __attribute__((vector_size(16)));
  for (std::int32_t i = 0; i < count; i += 8) {
    Eight eight;
    __builtin_memcpy(&eight, from + i, sizeof eight);
    __builtin_memcpy(to + i, &eight, sizeof eight);
  }
}

/// Where the inputs [begin, end) of a pixel are copied to, when they come piece by piece.
template <class Value>
struct Gathering {
  std::int32_t begin, end;
  Value* to;
  std::int32_t at = 0;  ///< the next piece's first input

  /// So many inputs; null: zeros.
  RIFFLE_INLINE void add(const Value* from, std::int32_t count) {
    const std::int32_t first = begin > at ? begin - at : 0, last = end - at < count ? end - at : count;
    at += count;
    if (first >= last) return;
    if (from != nullptr) {
      copy_numbers(from + first, last - first, to);
    } else {
      __builtin_memset(static_cast<void*>(to), 0, static_cast<std::size_t>(last - first) * sizeof(Value));
    }
    to += last - first;
  }
};

template <class S>
struct DotTiles {
  using Vec = typename S::Vec;
  using Value = typename S::Value;

  static constexpr int together = S::pixels_together;
  static constexpr int most_rows = simd::TileTable<S, DotTiles, false>::most_rows();
  static constexpr bool arranges = requires(const Value* from, Value* to) { S::arrange(from, 0, 1, 1, to); };
  static constexpr std::int32_t buffer_numbers = 12 * 1024;
  /// Inputs that are gathered at once: those of a tile fit into the buffer.
  static constexpr std::int32_t most_inputs = buffer_numbers / most_rows / 16 * 16;

  static RIFFLE_INLINE std::int32_t filled_up(std::int32_t inputs) { return (inputs + S::dot - 1) / S::dot * S::dot; }

  /// What one register tile needs to know.
  struct Job {
    const Value* x;
    std::ptrdiff_t stride;  ///< between pixels, where tiles are not arranged
    std::int32_t dots;
    const float* bias;
    const Value* weights;
    Vec* sums;         ///< null, or what waits for more inputs
    bool goes_on;      ///< from `sums`, not from the bias
    bool is_finished;  ///< behind these inputs
    const ResidualVector* residual;
    const Addresses* memory;
    std::int32_t pixel;  ///< as the residual counts them
    const Clamp* clamp;
    Value* out;
    std::ptrdiff_t out_stride;
    std::int32_t columns;
  };

  template <int MR, int NV, bool>
  static void run_tile(const Job& job) {
    constexpr int rows = (MR + together - 1) / together * together;
    Vec acc[rows][NV];
    if (job.goes_on) {
      simd::unroll<rows * NV>([&](auto i) __attribute__((always_inline)) { acc[i / NV][i % NV] = job.sums[i]; });
    } else {
      S::start(acc, job.bias);
    }
    S::multiply(acc, job.x, job.stride, job.weights, job.dots);
    if (!job.is_finished) {
      simd::unroll<rows * NV>([&](auto i) __attribute__((always_inline)) { job.sums[i] = acc[i / NV][i % NV]; });
      return;
    }
    S::finish(acc);
    simd::Tile<S, MR, NV> tile;
    simd::unroll<MR * NV>([&](auto i)
                              __attribute__((always_inline)) { tile.acc[i / NV][i % NV] = acc[i / NV][i % NV]; });
    store_tile(tile, job.residual, *job.clamp, *job.memory, job.pixel, job.out, job.out_stride, job.columns);
  }

  /// Of a group's panels: what they have in common.
  struct Panels {
    const void* packed;              ///< of all groups
    const ResidualVector* residual;  ///< of all groups, or null
    std::int32_t group, inputs, outputs;
    std::int32_t spare;  ///< numbers behind the outputs that may be written, too
  };

  /// One run's pixels, all inputs of each: nothing is to be gathered. `first` is null where it is not so.
  struct Direct {
    const Value* first = nullptr;
    std::ptrdiff_t stride = 0;
  };

  /// Panels [first, last) of a group for so many pixels, of which the first is `pixel` to the residual, and the
  /// output's first one. gather(pixel, Gathering&) adds its inputs piece by piece.
  template <class Gather>
  static RIFFLE_INLINE void run_panels(Job job, const Panels& all, std::int32_t first, std::int32_t last,
                                       std::int32_t pixels, const Direct& direct, Gather&& gather) {
    alignas(64) Value buffer[buffer_numbers + 64];
    alignas(64) Value rows[arranges ? buffer_numbers + 64 : 1];
    alignas(64) Vec sums[most_rows * S::max_vectors];
    const std::int32_t vectors = (all.outputs + S::lanes - 1) / S::lanes;
    const std::int32_t panels = panel_count(all.outputs, S::lanes, S::max_vectors);
    const std::int32_t height = S::tile_rows((vectors + panels - 1) / panels);
    const std::int32_t pixel = job.pixel;
    Value* const out = job.out;

    const auto run_panel = [&](std::int32_t panel, std::int32_t begin, std::int32_t end, std::int32_t k,
                               std::int32_t inputs) __attribute__((always_inline)) {
      static constexpr simd::TileTable<S, DotTiles, false> tiles;
      const std::int32_t v0 = panel_begin(panel, vectors, panels), v1 = panel_begin(panel + 1, vectors, panels);
      const auto* const packed =
          static_cast<const std::byte*>(all.packed) +
          (std::int64_t{all.group} * vectors + v0) * dot_vector_bytes(S::lanes, S::dot, all.inputs);
      const std::int32_t width = (v1 - v0) * S::lanes;
      // A residual ends where the columns do.
      const std::int32_t room = all.outputs + (all.residual != nullptr ? 0 : all.spare);
      job.bias = reinterpret_cast<const float*>(packed);
      job.weights = reinterpret_cast<const Value*>(packed + std::ptrdiff_t{width} * 4) + std::ptrdiff_t{k} * width;
      job.residual = all.residual == nullptr ? nullptr : all.residual + all.group * vectors + v0;
      job.columns = (v1 * S::lanes <= room ? v1 * S::lanes : all.outputs) - v0 * S::lanes;
      const simd::EvenTiles cut((end - begin + together - 1) / together, height / together);
      const auto& functions = tiles.whole[static_cast<std::size_t>(v1 - v0 - 1)];
      std::int32_t at = begin;
      for (std::int32_t t = 0; t < cut.tiles; ++t) {
        const std::int32_t wanted = (cut.height + (t < cut.higher ? 1 : 0)) * together;
        const std::int32_t count = end - at < wanted ? end - at : wanted;
        job.pixel = pixel + at;
        job.out = out + at * job.out_stride + v0 * S::lanes;
        functions[static_cast<std::size_t>(count - 1)](job);
        at += wanted;
        job.x += wanted * (arranges ? filled_up(inputs) : job.stride);
      }
    };

    /// Inputs [k, k + inputs) of pixels [begin, end), as the tiles take them.
    const auto bring = [&](std::int32_t begin, std::int32_t end, std::int32_t k, std::int32_t inputs)
        __attribute__((always_inline)) {
      const std::int32_t filled = filled_up(inputs);
      const simd::EvenTiles cut((end - begin + together - 1) / together, height / together);
      const bool is_direct = direct.first != nullptr && inputs == all.inputs && (arranges || inputs == filled);
      if (is_direct && !arranges) {
        job.stride = direct.stride;
        return direct.first + begin * direct.stride;
      }
      job.stride = filled;
      std::int32_t at = begin;
      Value* to = buffer;
      for (std::int32_t t = 0; t < cut.tiles; ++t) {
        const std::int32_t wanted = (cut.height + (t < cut.higher ? 1 : 0)) * together;
        const std::int32_t count = end - at < wanted ? end - at : wanted;
        if (!is_direct) {
          for (std::int32_t p = 0; p < count; ++p) {
            Gathering<Value> one{k, k + inputs, (arranges ? rows : to) + p * filled};
            gather(at + p, one);
            for (std::int32_t i = inputs; i < filled; ++i, ++one.to) *one.to = Value{};
          }
        }
        if constexpr (arranges) {
          if (is_direct) {
            S::arrange(direct.first + at * direct.stride, direct.stride, count, inputs, to);
          } else {
            S::arrange(rows, filled, count, filled, to);
          }
        }
        to += wanted * filled;
        at += wanted;
      }
      return static_cast<const Value*>(buffer);
    };

    job.goes_on = false;
    job.is_finished = true;
    if (all.inputs <= most_inputs) {
      job.dots = filled_up(all.inputs) / S::dot;
      const std::int32_t most = buffer_numbers / filled_up(all.inputs) / height * height;
      for (std::int32_t begin = 0; begin < pixels; begin += most) {
        const std::int32_t end = pixels - begin < most ? pixels : begin + most;
        const Value* const x = bring(begin, end, 0, all.inputs);
        for (std::int32_t panel = first; panel < last; ++panel) {
          job.x = x;
          run_panel(panel, begin, end, 0, all.inputs);
        }
      }
      return;
    }
    // Of so many inputs, a tile takes some after the other, again for every panel.
    job.sums = sums;
    for (std::int32_t begin = 0; begin < pixels; begin += height) {
      const std::int32_t end = pixels - begin < height ? pixels : begin + height;
      for (std::int32_t panel = first; panel < last; ++panel) {
        for (std::int32_t k = 0; k < all.inputs; k += most_inputs) {
          const std::int32_t inputs = all.inputs - k < most_inputs ? all.inputs - k : most_inputs;
          job.goes_on = k > 0;
          job.is_finished = k + inputs == all.inputs;
          job.dots = filled_up(inputs) / S::dot;
          job.x = bring(begin, end, k, inputs);
          run_panel(panel, begin, end, k, inputs);
        }
      }
    }
  }
};

template <class S>
struct PointwiseDots {
  using Value = typename S::Value;
  using Tiles = DotTiles<S>;

  static void run(const PointwiseArgs& args, const Addresses& memory, TileRange range) {
    for_each_block<S>(args, range, tile_rows,
                      [&](std::int32_t group, std::int32_t first_panel, std::int32_t last_panel, std::int32_t begin,
                          std::int32_t end) { run_block(args, memory, group, first_panel, last_panel, begin, end); });
  }

  /// Panels [first_panel, last_panel) of one group for pixels [begin, end), which straddle no ring's end.
  static void run_block(const PointwiseArgs& args, const Addresses& memory, std::int32_t group,
                        std::int32_t first_panel, std::int32_t last_panel, std::int32_t begin, std::int32_t end) {
    const Block& block = args.blocks[group];
    const std::int32_t run_begin = args.run_begin[group], run_end = args.run_begin[group + 1];
    typename Tiles::Job job{};
    job.memory = &memory;
    job.pixel = begin;
    job.clamp = &args.clamp;
    job.out_stride = block.pixel_stride;
    job.out = memory.write<Value>(block.first) + slot(begin, block.ring) * job.out_stride;
    const auto first_of = [&](const ChannelRun& run) __attribute__((always_inline)) {
      return memory.read<Value>(run.first) + slot(begin, run.ring) * run.pixel_stride;
    };
    typename Tiles::Direct direct;
    if (run_end - run_begin == 1) direct = {first_of(args.runs[run_begin]), args.runs[run_begin].pixel_stride};
    Tiles::run_panels(
        job, {args.packed, args.residual, group, args.inputs, args.outputs, block.spare}, first_panel, last_panel,
        end - begin, direct, [&](std::int32_t pixel, Gathering<Value> & one) __attribute__((always_inline)) {
          for (std::int32_t r = run_begin; r < run_end; ++r) {
            const ChannelRun& run = args.runs[r];
            one.add(first_of(run) + static_cast<std::ptrdiff_t>(pixel) * run.pixel_stride, run.channels);
          }
        });
  }

  static std::int32_t tile_rows(std::int32_t vectors) { return S::tile_rows(vectors); }

  static constexpr PointwiseKernel kernel(const char* name) {
    return {name, {S::type, S::type, S::type}, S::lanes, S::max_vectors, false, tile_rows, run, 0, S::dot};
  }
};

}  // namespace riffle::kernels
