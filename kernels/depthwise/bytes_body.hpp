// The body of the depthwise kernels of bytes; see depthwise.hpp for the equation and the packing.
//
// A lane is a channel, and holds four neighbouring bytes of one row of the image. From one output to the next they move
// down by the stride, and as many new ones come in from the right:
//
//   quad of channel c    x[-1] x[0] x[1] x[2]   ->   x[0] x[1] x[2] x[3]      (stride 1)
//   its weights            0    w0   w1   w2
//
// so that a row of taps is one multiply-add, and a pixel is loaded once a row of the window.
#pragma once

#include "kernels/depthwise/byte_rows.hpp"
#include "kernels/depthwise/depthwise.hpp"
#include "kernels/simd/bytes.hpp"

namespace riffle::kernels {

/// Out: bytes, or floats, the products of sums and factors themselves.
template <class B, class Out = typename B::Byte>
struct DepthwiseBytes {
  using Byte = typename B::Byte;
  using Sums = typename B::Sums;
  using Quads = typename B::Quads;
  using Factors = typename B::Factors;

  /// One vector of channels.
  struct Job {
    const DepthwiseArgs* args;
    const Byte* in;  ///< pixel 0
    std::ptrdiff_t in_stride;
    std::int32_t in_ring;
    Out* out;  ///< pixel 0
    std::ptrdiff_t out_stride;
    const std::byte* packed;
    const simd::Requantise<B>* requantise;
    const Byte* zeros;  ///< what lies outside the image
    int count;          ///< channels in the vector
  };

  static RIFFLE_INLINE const Byte* row_of(const Job& job, std::int32_t row) {
    const Extent& extent = job.args->extent;
    if (row < 0 || row >= extent.in_h) return nullptr;
    return job.in + slot(row * extent.in_w, job.in_ring) * job.in_stride;
  }

  static RIFFLE_INLINE void store(const Job& job, float* to, Sums sums) {
    const auto* const factors = reinterpret_cast<const float*>(job.packed) + B::lanes;
    simd::store_real<B>(to, sums, factors, job.args->clamp, job.count);
  }
  static RIFFLE_INLINE void store(const Job& job, Byte* to, Sums sums) {
    const auto* const factors = reinterpret_cast<const float*>(job.packed) + B::lanes;
    const auto result = (*job.requantise)(sums, factors);
    if (job.count == B::lanes) {
      B::store(to, result, B::lanes);
    } else {
      B::store(to, result, job.count);
    }
  }

  /// Is it 3x3 or 5x5 with one of the networks' strides?
  static RIFFLE_INLINE bool is_fast(const Window& window) {
    return window.kernel_h == window.kernel_w && (window.kernel_w == 3 || window.kernel_w == 5) &&
           window.dilation_h == 1 && window.dilation_w == 1 && window.stride_w <= 2 &&
           window.pad_left < window.kernel_w;
  }

  /// The instruction set's own rows (byte_rows.hpp).
  static constexpr bool makes_bytes = std::is_same_v<Out, Byte>;
  static constexpr bool has_rows = makes_bytes && requires { B::most_rows(1); };

  static RIFFLE_INLINE bool takes_rows(const Window& window) {
    return is_fast(window) && window.kernel_w == 3 && window.pad_left <= 1 && window.stride_h == window.stride_w;
  }

  /// Output rows [first, last) of a run's vectors, whose weights begin at `packed`.
  static RIFFLE_INLINE void run_rows(const DepthwiseArgs& args, const ChannelRun& input, const Byte* in, Byte* out,
                                     const std::byte* packed, std::ptrdiff_t packed_vector, const Byte* zeros,
                                     std::int32_t first, std::int32_t last) {
    constexpr std::int32_t most_at_once = 32;
    const Extent& extent = args.extent;
    const simd::StoredBounds<Byte> bounds(args.clamp, args.zeros);
    const std::int32_t stride = args.window.stride_h;
    const std::ptrdiff_t in_stride = input.pixel_stride, out_row = extent.out_w * args.output.pixel_stride;
    alignas(16) std::byte prepared[B::prepared_bytes];
    DepthwiseByteRow table[2 * most_at_once + 1];
    DepthwiseByteRows rows;
    rows.zeros = zeros;
    rows.columns = extent.in_w;
    rows.outputs = extent.out_w;
    rows.pad_left = args.window.pad_left;
    rows.prepared = prepared;
    rows.zero = static_cast<std::int16_t>(args.zeros.output);
    rows.lower = bounds.lower;
    rows.upper = bounds.upper;
    rows.out_stride = args.output.pixel_stride;
    const int most = B::most_rows(stride);
    for (; first < last; first += most_at_once) {
      const std::int32_t count = last - first < most_at_once ? last - first : most_at_once, rest = count % most;
      for (std::int32_t i = 0, row = first * stride - args.window.pad_top; i < (count - 1) * stride + 3; ++i, ++row) {
        const bool inside = row >= 0 && row < extent.in_h;
        table[i].first = inside ? in + slot(row * extent.in_w, input.ring) * in_stride : zeros;
        table[i].step = inside ? in_stride : 0;
      }
      rows.packed = packed;
      for_vectors(
          input.channels, [&](std::int32_t c) __attribute__((always_inline)) {
            const bool are_exact = B::prepare_rows(rows.packed, rows.zero, prepared);
            rows.channel = c;
            rows.rows = table;
            rows.out = out + first * out_row + c;
            rows.count = count - rest;
            if (rows.count > 0) B::depthwise_rows(most, stride, are_exact)(rows);
            if (rest > 0) {
              rows.rows += rows.count * stride;
              rows.out += rows.count * out_row;
              rows.count = rest;
              B::depthwise_rows(1, stride, are_exact)(rows);
            }
            rows.packed += packed_vector;
          });
    }
  }

  /// Calls f(first channel) for the vectors of so many channels; the last one takes some of the one before.
  template <class F>
  static RIFFLE_INLINE void for_vectors(std::int32_t channels, F&& f) {
    for (std::int32_t begin = 0; begin < channels; begin += B::lanes) {
      f(begin + B::lanes <= channels ? begin : channels >= B::lanes ? channels - B::lanes : 0);
    }
  }

  /// Of a window of Size x Size. Its rows are several quads where they are longer than one: what leaves one comes into
  /// the one before it.
  template <int Size, int Stride>
  static void run_fast(const Job& job, std::int32_t y) {
    constexpr int in_row = (Size + 3) / 4;
    const Extent& extent = job.args->extent;
    const Window& window = job.args->window;
    const Byte* rows[Size];
    std::ptrdiff_t step[Size];
    simd::unroll<Size>([&](auto i) __attribute__((always_inline)) {
      rows[i] = row_of(job, y * window.stride_h - window.pad_top + i);
      step[i] = rows[i] == nullptr ? 0 : job.in_stride;  // zeros do not end
      if (rows[i] == nullptr) rows[i] = job.zeros;
    });
    Factors weights[Size * in_row];
    const std::byte* const packed_rows = job.packed + B::lanes * 8;
    simd::unroll<Size * in_row>([&](auto i) __attribute__((always_inline)) {
      weights[i] = B::load_factors(packed_rows + i * B::factor_bytes);
    });
    const Sums bias = B::load_sums(reinterpret_cast<const std::int32_t*>(job.packed));
    const Quads outside = B::widened(job.zeros);
    Quads quads[Size * in_row];
    for (Quads& one : quads) one = outside;
    const auto append = [&](auto i, Quads next) __attribute__((always_inline)) {
      Quads* const row = quads + i * in_row;
      simd::unroll<in_row - 1>([&](auto q) __attribute__((always_inline)) { row[q] = B::append(row[q], row[q + 1]); });
      row[in_row - 1] = B::append(row[in_row - 1], next);
    };
    std::int32_t column = -window.pad_left;  // the next to come in
    const auto append_checked = [&]() __attribute__((always_inline)) {
      const bool inside = column >= 0 && column < extent.in_w;
      simd::unroll<Size>([&](auto i) __attribute__((always_inline)) {
        append(i, inside ? B::widened(rows[i] + column * step[i]) : outside);
      });
      ++column;
    };
    Out* to = job.out + static_cast<std::ptrdiff_t>(y) * extent.out_w * job.out_stride;
    const auto finish = [&]() __attribute__((always_inline)) {
      Sums sums = bias;
      simd::unroll<Size * in_row>([&](auto i) __attribute__((always_inline)) {
        sums = B::multiply(sums, quads[i], weights[i]);
      });
      store(job, to, sums);
      to += job.out_stride;
    };
    for (std::int32_t i = 0; i < Size - Stride; ++i) append_checked();
    std::int32_t x = 0;
    for (; x < extent.out_w && column < 0; ++x) {
      for (int i = 0; i < Stride; ++i) append_checked();
      finish();
    }
    const Byte* at[Size];
    simd::unroll<Size>([&](auto i) __attribute__((always_inline)) { at[i] = rows[i] + column * step[i]; });
    for (; x < extent.out_w && column + Stride <= extent.in_w; ++x, column += Stride) {
      simd::unroll<Size>([&](auto i) __attribute__((always_inline)) {
        simd::unroll<Stride>([&](auto) __attribute__((always_inline)) {
          append(i, B::widened(at[i]));
          at[i] += step[i];
        });
      });
      finish();
    }
    for (; x < extent.out_w; ++x) {
      for (int i = 0; i < Stride; ++i) append_checked();
      finish();
    }
  }

  /// Any window, output by output.
  static void run_any(const Job& job, std::int32_t y) {
    const Extent& extent = job.args->extent;
    const Window& window = job.args->window;
    const std::int32_t quads = (window.kernel_w + 3) / 4, lead = quads * 4 - window.kernel_w;
    const Quads outside = B::widened(job.zeros);
    for (std::int32_t x = 0; x < extent.out_w; ++x) {
      Sums sums = B::load_sums(reinterpret_cast<const std::int32_t*>(job.packed));
      const std::byte* w = job.packed + B::lanes * 8;
      for (std::int32_t i = 0; i < window.kernel_h; ++i) {
        const Byte* const row = row_of(job, y * window.stride_h - window.pad_top + i * window.dilation_h);
        for (std::int32_t q = 0; q < quads; ++q, w += B::factor_bytes) {
          Quads four = outside;
          for (std::int32_t j = 0; j < 4; ++j) {
            const std::int32_t tap = q * 4 + j - lead;
            const std::int32_t column = x * window.stride_w - window.pad_left + tap * window.dilation_w;
            const bool inside = row != nullptr && tap >= 0 && column >= 0 && column < extent.in_w;
            four = B::append(four, inside ? B::widened(row + column * job.in_stride) : outside);
          }
          sums = B::multiply(sums, four, B::load_factors(w));
        }
      }
      store(job, job.out + (static_cast<std::ptrdiff_t>(y) * extent.out_w + x) * job.out_stride, sums);
    }
  }

  static void run(const DepthwiseArgs& args, const Addresses& memory, TileRange range) {
    // Bounds of floats are none that bytes could have.
    const simd::Requantise<B> requantise(makes_bytes ? args.clamp : Clamp{0, 0}, args.zeros);
    Byte zeros[B::lanes < 16 ? 16 : B::lanes];  // rows load 16 at once
    for (Byte& zero : zeros) zero = static_cast<Byte>(args.zeros.input);
    const std::int32_t quads = args.window.kernel_h * ((args.window.kernel_w + 3) / 4);
    const std::ptrdiff_t packed_vector = B::lanes * 8 + std::ptrdiff_t{quads} * B::factor_bytes;
    const bool fast = is_fast(args.window);
    const std::int32_t first = range.first * args.tile_rows, end = range.last * args.tile_rows;
    const std::int32_t last = end < args.extent.out_h ? end : args.extent.out_h;
    const auto* packed = static_cast<const std::byte*>(args.packed);
    for (std::int32_t r = 0; r < args.run_count; ++r) {
      const ChannelRun& input = args.runs[r].input;
      const Byte* const in = memory.read<Byte>(input.first);
      Out* const out = memory.write<Out>(args.output.first) + args.runs[r].output_channel;
      if constexpr (has_rows) {
        if (input.channels >= B::lanes && takes_rows(args.window)) {
          run_rows(args, input, in, out, packed, packed_vector, zeros, first, last);
          packed += (input.channels + B::lanes - 1) / B::lanes * packed_vector;
          continue;
        }
      }
      const int count = input.channels < B::lanes ? input.channels : B::lanes;
      for_vectors(
          input.channels, [&](std::int32_t c) __attribute__((always_inline)) {
            const Job job{
                &args, in + c, input.pixel_stride, input.ring, out + c, args.output.pixel_stride, packed, &requantise,
                zeros, count};
            for (std::int32_t y = first; y < last; ++y) {
              if (!fast) {
                run_any(job, y);
              } else if (args.window.kernel_w == 3) {
                args.window.stride_w == 1 ? run_fast<3, 1>(job, y) : run_fast<3, 2>(job, y);
              } else {
                args.window.stride_w == 1 ? run_fast<5, 1>(job, y) : run_fast<5, 2>(job, y);
              }
            }
            packed += packed_vector;
          });
    }
  }

  static constexpr DepthwiseKernel kernel(const char* name) {
    return {name, {B::byte_type, Type::i8, simd::type_of_result<B, Out>}, B::lanes, run, B::form};
  }
};

}  // namespace riffle::kernels
