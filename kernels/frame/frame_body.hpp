// The one body of the frame kernel; see frame.hpp for the equation.
//
// A row of the upright picture is gathered from the frame, made into colours and stretched to the output's width; an
// output row is blended from two of these. Cells are gathered one at a time, but where an instruction set looks up
// bytes (S::pick) and the neighbours of two columns stand within 16 of them.
#pragma once

#include "kernels/convert/convert_body.hpp"
#include "kernels/frame/frame.hpp"
#include "kernels/simd/simd.hpp"

namespace riffle::kernels {

template <class S>
struct FrameReader {
  using V = typename S::Vec;

  /// The two neighbours of one output coordinate, and the second one's share; of no share it is the first one.
  struct Neighbours {
    std::int32_t first, second;
    float share;
  };

  static RIFFLE_INLINE Neighbours neighbours(std::int32_t at, std::int32_t in, std::int32_t out) {
    double source = (at + 0.5) * in / out - 0.5;
    source = source > 0 ? source : 0;
    const std::int32_t floor = static_cast<std::int32_t>(source);
    const std::int32_t first = floor < in - 1 ? floor : in - 1;
    const float share = static_cast<float>(source - first);
    return {first, first < in - 1 && share != 0 ? first + 1 : first, share};
  }

  /// In cells, from a plane's first one on.
  static RIFFLE_INLINE std::int32_t position(const FrameSamples::Direction& direction, std::int32_t at,
                                             const FrameSamples::Plane& plane) {
    return (direction.first + at * direction.step) >> plane.halved;
  }

  /// Columns that are worked on at a time. Where they are the frame's rows, every one of them is a cache line, which
  /// the next row of the picture reads again: fewer stay in the cache. All are whole vectors.
  static constexpr std::int32_t strip = 352, turned_strip = 64;

  /// A build for size has one loop for all.
  static constexpr bool has_inner = !simd::one_variant<S, true>;

  /// Bytes of a row out of which the left and the right neighbours of two columns are picked, if the instruction set
  /// does that: S::pick(row, windows, picks, left, right) makes a vector of cells of each side, the four of a window
  /// out of the 16 bytes at row + windows[i]: byte b of the four is the picks[16 * i + b]-th of these, or 0 where that
  /// is 128. Windows are of columns 0, 4, 8 ... of the vector, and then of 2, 6, 10 ...
  static constexpr std::int32_t window = 16;
  static constexpr bool has_windows = has_inner && requires { &S::pick; };

  /// Where the neighbours of a strip's columns stand, worked out once for all rows.
  struct Columns {
    std::int32_t count = 0;
    bool is_between = false;                       // does any lie between two of the picture's?
    std::int32_t first_inner = 0, last_inner = 0;  // behind whose cells of three bytes there is another byte of the row
    std::int64_t left[3][strip], right[3][strip];  // of each plane, in bytes
    alignas(64) float share[strip];
    bool windowed = false;                     // are all cells picked out of windows?
    std::int32_t windows[3][strip / 2];        // where in a row each begins, in bytes; in the order of S::pick
    std::uint8_t picks[3][strip / 2][window];  // which of its bytes are those of the four cells; 128: none, 0
  };

  static __attribute__((noinline)) void place(const FrameSamples& samples, std::int32_t first, std::int32_t out_w,
                                              Columns& columns) {
    columns.is_between = false;
    for (std::int32_t x = 0; x < columns.count; ++x) {
      const Neighbours n = neighbours(first + x, samples.columns.count, out_w);
      for (std::int32_t p = 0; p < samples.plane_count; ++p) {
        const FrameSamples::Plane& plane = samples.planes[p];
        columns.left[p][x] = position(samples.columns, n.first, plane) * plane.step_x;
        columns.right[p][x] = position(samples.columns, n.second, plane) * plane.step_x;
      }
      columns.share[x] = n.share;
      columns.is_between |= n.share != 0;
    }
    if constexpr (has_windows) {
      columns.windowed = true;
      for (std::int32_t p = 0; p < samples.plane_count; ++p) columns.windowed &= place_windows(samples, p, columns);
      if (columns.windowed) return;
    }
    if (!has_inner || samples.along_columns) return;
    const FrameSamples::Direction& along = samples.columns;
    const std::int32_t end = along.first + along.step * (along.count - 1);
    const std::int64_t last = std::int64_t{along.step > 0 ? end : along.first} * samples.planes[0].step_x;
    columns.first_inner = 0;
    columns.last_inner = columns.count;
    const auto is_inner = [&](std::int32_t x) { return columns.left[0][x] < last && columns.right[0][x] < last; };
    while (columns.first_inner < columns.last_inner && !is_inner(columns.first_inner)) ++columns.first_inner;
    while (columns.first_inner < columns.last_inner && !is_inner(columns.last_inner - 1)) --columns.last_inner;
  }

  /// False where cells stand too far apart, or rows are shorter than a window: none reaches over the row's end.
  static bool place_windows(const FrameSamples& samples, std::int32_t p, Columns& columns) {
    const FrameSamples::Plane& plane = samples.planes[p];
    const std::int64_t first = position(samples.columns, 0, plane) * plane.step_x,
                       last = position(samples.columns, samples.columns.count - 1, plane) * plane.step_x;
    const std::int64_t begin = first < last ? first : last, end = (first < last ? last : first) + plane.bytes;
    if (samples.along_columns || end - begin < window) return false;
    const std::int32_t vectors = (columns.count + S::lanes - 1) / S::lanes;
    for (std::int32_t w = 0; w < vectors * S::lanes / 2; ++w) {
      // Of a vector of columns, those of every second window come first.
      constexpr std::int32_t half = S::lanes / 4;
      const std::int32_t in_vector = w % (2 * half);
      const std::int32_t x = w / (2 * half) * S::lanes + in_vector % half * 4 + in_vector / half * 2;
      std::int64_t cells[4], from = end - window, reach = 0;
      for (std::int32_t i = 0; i < 4; ++i) {
        const std::int32_t column = x + i % 2 < columns.count ? x + i % 2 : columns.count - 1;
        cells[i] = i < 2 ? columns.left[p][column] : columns.right[p][column];
        from = cells[i] < from ? cells[i] : from;
        reach = cells[i] + plane.bytes > reach ? cells[i] + plane.bytes : reach;
      }
      if (reach - from > window) return false;
      columns.windows[p][w] = static_cast<std::int32_t>(from);
      for (std::int32_t i = 0; i < window; ++i) {
        const std::int64_t at = cells[i / 4] - from + i % 4;
        columns.picks[p][w][i] = static_cast<std::uint8_t>(i % 4 < plane.bytes ? at : 128);
      }
    }
    return true;
  }

  /// The cells of one row at a strip's columns: what vectors take apart.
  struct Cells {
    std::int32_t row[3] = {-1, -1, -1};  // of each plane, that these are of
    alignas(64) std::int32_t left[3][strip] = {}, right[3][strip] = {};
  };

  /// Inner: there is a byte behind the cell that may be read; one load of four bytes is faster than three.
  template <int Bytes, bool Inner>
  static RIFFLE_INLINE std::int32_t cell(const std::uint8_t* from) {
    if constexpr (Bytes == 3 && Inner) return cell<4, false>(from);
    std::uint32_t bytes = from[0];
    if constexpr (Bytes > 1) bytes |= static_cast<std::uint32_t>(from[1]) << 8;
    if constexpr (Bytes > 2) bytes |= static_cast<std::uint32_t>(from[2]) << 16;
    if constexpr (Bytes > 3) bytes |= static_cast<std::uint32_t>(from[3]) << 24;
    return static_cast<std::int32_t>(bytes);
  }

  template <int Bytes>
  static RIFFLE_INLINE void gather_cells(const std::uint8_t* row, const Columns& columns, std::int32_t plane,
                                         Cells& cells) {
    const std::int64_t *const left = columns.left[plane], *const right = columns.right[plane];
    std::int32_t *const to_left = cells.left[plane], *const to_right = cells.right[plane];
    const bool both = columns.is_between;
    const auto range = [&](auto inner, std::int32_t first, std::int32_t last) __attribute__((always_inline)) {
      for (std::int32_t x = first; x < last; ++x) to_left[x] = cell<Bytes, inner>(row + left[x]);
      for (std::int32_t x = first; both && x < last; ++x) to_right[x] = cell<Bytes, inner>(row + right[x]);
    };
    if constexpr (Bytes == 3 && has_inner) {
      range(std::false_type{}, 0, columns.first_inner);
      range(std::true_type{}, columns.first_inner, columns.last_inner);
      range(std::false_type{}, columns.last_inner, columns.count);
    } else {
      range(std::false_type{}, 0, columns.count);
    }
  }

  /// Two rows of pixels may be of the same row of U and V.
  static void gather(const FrameSamples& samples, std::int32_t row, const Columns& columns, Cells& cells) {
    for (std::int32_t p = 0; p < samples.plane_count; ++p) {
      const FrameSamples::Plane& plane = samples.planes[p];
      const std::int32_t at = position(samples.rows, row, plane);
      if (cells.row[p] == at) continue;
      cells.row[p] = at;
      const std::uint8_t* const from = plane.first + at * plane.step_y;
      switch (plane.bytes) {
        case 1:
          gather_cells<1>(from, columns, p, cells);
          break;
        case 2:
          gather_cells<2>(from, columns, p, cells);
          break;
        case 3:
          gather_cells<3>(from, columns, p, cells);
          break;
        default:
          gather_cells<4>(from, columns, p, cells);
          break;
      }
    }
  }

  /// What a sample is to be multiplied by: it is not moved to its integer's lowest byte. These are powers of two, so
  /// that no number is rounded otherwise for it.
  static RIFFLE_INLINE float unit(std::int32_t byte) { return 1.0F / static_cast<float>(1 << (8 * byte)); }

  /// What makes colours of cells, in registers or at least in vectors. Samples as they are keep their units.
  template <int Samples, int Colours, bool AsTheyAre>
  struct Conversion {
    std::int32_t plane[Samples];
    int byte[Samples];
    V zero[Samples], matrix[Colours][Samples];

    RIFFLE_INLINE explicit Conversion(const FrameSamples& samples) {
      for (int k = 0; k < Samples; ++k) {
        plane[k] = samples.samples[k].plane;
        byte[k] = samples.samples[k].byte;
        if constexpr (!AsTheyAre) {
          zero[k] = S::broadcast(samples.samples[k].zero / unit(byte[k]));
          for (int m = 0; m < Colours; ++m) matrix[m][k] = S::broadcast(samples.matrix[m][k] * unit(byte[k]));
        }
      }
    }

    /// A vector of pixels, of each plane's cells at column x.
    RIFFLE_INLINE void operator()(const std::int32_t (&cells)[3][strip], std::int32_t x, V (&to)[Colours]) const {
      V sample[Samples];
      for (int k = 0; k < Samples; ++k) sample[k] = S::from_byte(S::load_integers(cells[plane[k]] + x), byte[k]);
      make(sample, to);
    }

    /// The same of cells in registers.
    template <class Integers, int Planes>
    RIFFLE_INLINE void operator()(const Integers (&cells)[Planes], V (&to)[Colours]) const {
      V sample[Samples];
      for (int k = 0; k < Samples; ++k) sample[k] = S::from_byte(cells[k < Planes ? k : Planes - 1], byte[k]);
      make(sample, to);
    }

    RIFFLE_INLINE void make(V (&sample)[Samples], V (&to)[Colours]) const {
      if constexpr (AsTheyAre) {
        for (int m = 0; m < Colours; ++m) to[m] = sample[m];
      } else {
        for (int k = 0; k < Samples; ++k) sample[k] = S::sub(sample[k], zero[k]);
        for (int m = 0; m < Colours; ++m) {
          to[m] = S::mul(matrix[m][0], sample[0]);
          for (int k = 1; k < Samples; ++k) to[m] = S::fma(matrix[m][k], sample[k], to[m]);
          to[m] = S::clamp(to[m], S::broadcast(0), S::broadcast(255));
        }
      }
    }
  };

  /// Colours at column x, between those of the neighbours, if there are two.
  template <int Colours, class RightColours>
  static RIFFLE_INLINE void put(const Columns& columns, std::int32_t x, V (&a)[Colours], RightColours&& right_colours,
                                float (&to)[3][strip]) {
    if (columns.is_between) {
      V b[Colours];
      right_colours(b);
      const V share = S::load(columns.share + x);
      for (int m = 0; m < Colours; ++m) a[m] = S::fma(share, S::sub(b[m], a[m]), a[m]);
    }
    for (int m = 0; m < Colours; ++m) S::store(to[m] + x, a[m]);
  }

  /// A row of the upright picture in colours, as wide as the strip.
  template <int Samples, int Colours, bool AsTheyAre>
  static RIFFLE_INLINE void stretch(const FrameSamples& samples, const Cells& cells, const Columns& columns,
                                    float (&to)[3][strip]) {
    const Conversion<Samples, Colours, AsTheyAre> convert(samples);
    for (std::int32_t x = 0, count = columns.count; x < count; x += S::lanes) {
      V colours[Colours];
      convert(cells.left, x, colours);
      put(
          columns, x, colours, [&](V(&b)[Colours]) __attribute__((always_inline)) { convert(cells.right, x, b); }, to);
    }
  }

  /// The same of cells that are picked out of the frame's row.
  template <int Planes, int Samples, int Colours, bool AsTheyAre>
  static RIFFLE_INLINE void pick_and_stretch(const FrameSamples& samples, std::int32_t row, const Columns& columns,
                                             float (&to)[3][strip]) {
    const Conversion<Samples, Colours, AsTheyAre> convert(samples);
    const std::uint8_t* from[Planes];
    for (int p = 0; p < Planes; ++p) {
      from[p] = samples.planes[p].first + position(samples.rows, row, samples.planes[p]) * samples.planes[p].step_y;
    }
    for (std::int32_t x = 0, count = columns.count; x < count; x += S::lanes) {
      typename S::Integers left[Planes], right[Planes];
      for (int p = 0; p < Planes; ++p) {
        S::pick(from[p], columns.windows[p] + x / 2, columns.picks[p][x / 2], left[p], right[p]);
      }
      V colours[Colours];
      convert(left, colours);
      put(
          columns, x, colours, [&](V(&b)[Colours]) __attribute__((always_inline)) { convert(right, b); }, to);
    }
  }

  /// The row of the upright picture, stretched.
  template <int Samples, int Colours, bool AsTheyAre>
  static RIFFLE_INLINE void make_row(const FrameSamples& samples, std::int32_t row, const Columns& columns,
                                     Cells& cells, float (&to)[3][strip]) {
    if constexpr (has_windows) {
      if (columns.windowed) {
        if constexpr (Samples == 3 && Colours == 3 && !AsTheyAre) {
          if (samples.plane_count == 3) return pick_and_stretch<3, 3, 3, false>(samples, row, columns, to);
          return pick_and_stretch<2, 3, 3, false>(samples, row, columns, to);
        }
        return pick_and_stretch<1, Samples, Colours, AsTheyAre>(samples, row, columns, to);
      }
    }
    gather(samples, row, columns, cells);
    stretch<Samples, Colours, AsTheyAre>(samples, cells, columns, to);
  }

  /// One output row between two stretched rows.
  static RIFFLE_INLINE void blend(const float* upper, const float* lower, float share, float scale, float shift,
                                  std::int32_t count, float* to) {
    const V part = S::broadcast(share), factor = S::broadcast(scale), offset = S::broadcast(shift);
    for (std::int32_t x = 0; x < count; x += S::lanes) {
      const int lanes = count - x < S::lanes ? count - x : S::lanes;
      const V a = S::load(upper + x), b = S::load(lower + x);
      simd::store_lanes<S>(to + x, S::fma(factor, S::fma(part, S::sub(b, a), a), offset), lanes);
    }
  }

  /// Pixels of 0 to 255 become whole numbers, half rounded up, and are normalised.
  static RIFFLE_INLINE void round_pixels(float* values, std::int32_t count, float scale, float shift) {
    for (std::int32_t x = 0; x < count; ++x) {
      values[x] = static_cast<float>(static_cast<std::int32_t>(values[x] + 0.5F)) * scale + shift;
    }
  }

  static RIFFLE_INLINE void round(const float* __restrict from, std::int32_t count, std::uint8_t* __restrict to,
                                  std::int64_t apart) {
    for (std::int32_t x = 0; x < count; ++x) to[x * apart] = Element<Type::u8>::encode(from[x], Quantization{1.0F, 0});
  }

  /// Channel c of `count` pixels of the output, from the pixel `first` on: between two stretched rows.
  static __attribute__((noinline)) void write(const FrameArgs& args, const float* upper, const float* lower,
                                              float share, std::int32_t count, std::int32_t c, std::int64_t first,
                                              float unit) {
    float blended[strip];
    const std::int64_t apart = args.pixel_stride(), at = c * args.channel_stride() + first * apart;
    const bool is_direct = args.type == Type::f32 && apart == 1;
    float* const to = is_direct ? static_cast<float*>(args.output) + at : blended;
    const float scale = args.rounded ? 1.0F : args.scale[c], shift = args.rounded ? 0.0F : args.shift[c];
    blend(upper, lower, share, scale * unit, shift, count, to);
    if (args.rounded) round_pixels(to, count, args.scale[c], args.shift[c]);
    if (args.type == Type::u8) {
      round(blended, count, static_cast<std::uint8_t*>(args.output) + at, apart);
    } else if (!is_direct) {
      float* const pixels = static_cast<float*>(args.output) + at;
      for (std::int32_t x = 0; x < count; ++x) pixels[x * apart] = blended[x];
    }
  }

  /// Enlarging, several output rows lie between the same two rows of the picture, and of the next two the first is the
  /// second of these: a row is stretched once.
  template <int Samples, int Colours, bool AsTheyAre>
  static void fill(const FrameArgs& args, const FrameSamples& samples) {
    Columns columns = {};
    alignas(64) float stretched[2][3][strip];
    const Crop covered = covered_part(args);
    const std::int32_t step = samples.along_columns ? turned_strip : strip;
    for (std::int32_t x0 = 0; x0 < covered.width; x0 += step) {
      columns.count = covered.width - x0 < step ? covered.width - x0 : step;
      place(samples, x0, covered.width, columns);
      Cells cells;
      std::int32_t held[2] = {-1, -1};  // the picture's rows that are stretched
      std::int32_t upper = 0;           // which of the two is the upper one
      const auto hold = [&](std::int32_t which, std::int32_t row) {
        if (held[which] == row) return;
        make_row<Samples, Colours, AsTheyAre>(samples, row, columns, cells, stretched[which]);
        held[which] = row;
      };
      for (std::int32_t y = 0; y < covered.height; ++y) {
        const Neighbours n = neighbours(y, samples.rows.count, covered.height);
        if (held[1 - upper] == n.first) upper = 1 - upper;
        hold(upper, n.first);
        const std::int32_t lower = n.second == n.first ? upper : 1 - upper;
        hold(lower, n.second);
        for (std::int32_t c = 0; c < args.channels; ++c) {
          const std::int32_t m = Colours == 1 ? 0 : args.bgr ? Colours - 1 - c : c;  // grey is in all three
          const std::int64_t first = static_cast<std::int64_t>(covered.y + y) * args.out_w + covered.x + x0;
          write(args, stretched[upper][m], stretched[lower][m], n.share, columns.count, c, first,
                AsTheyAre ? unit(samples.samples[m].byte) : 1.0F);
        }
      }
    }
  }

  static void run(const FrameArgs& args) {
    fill_around(args);
    const FrameSamples samples = frame_samples(args.frame, args.channels);
    if (samples.sample_count == 1) {
      samples.as_they_are ? fill<1, 1, true>(args, samples) : fill<1, 1, false>(args, samples);
    } else if (samples.colour_count == 1) {
      fill<3, 1, false>(args, samples);
    } else {
      samples.as_they_are ? fill<3, 3, true>(args, samples) : fill<3, 3, false>(args, samples);
    }
  }

  static constexpr FrameKernel kernel(const char* name) { return {name, {}, S::lanes, run}; }
};

}  // namespace riffle::kernels
