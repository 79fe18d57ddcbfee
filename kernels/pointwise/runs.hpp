// Channel runs of a block of pixels, looked up once: as register tiles and strips read them, or gathered side by side.
#pragma once

#include "kernels/simd/gather.hpp"
#include "kernels/simd/strip.hpp"
#include "kernels/types.hpp"

namespace riffle::kernels {

/// `count` bytes, of which up to 15 more are read and up to 63 more written.
template <class S>
RIFFLE_INLINE void copy_bytes(const std::byte* from, std::int64_t count, std::byte* to) {
  if constexpr (requires { S::copy(from, count, to); }) {
    S::copy(from, count, to);
  } else {
    for (; count > 0; count -= 16, from += 16, to += 16) __builtin_memcpy(to, from, 16);
  }
}

/// As gather.hpp has it. Elsewhere pixel after pixel: what is written behind a row the next one overwrites.
template <class S>
RIFFLE_INLINE void gather_runs(const simd::GatherRun* runs, std::int32_t count, std::int32_t pixel, std::byte* to,
                               std::ptrdiff_t row_bytes, std::int32_t pixels) {
  if constexpr (requires { S::gather_runs; }) {
    S::gather_runs(runs, count, pixel, to, row_bytes, pixels);
  } else {
    for (std::int32_t p = pixel; p < pixel + pixels; ++p, to += row_bytes) {
      std::byte* next = to;
      for (std::int32_t r = 0; r < count; next += runs[r].room, ++r) {
        copy_bytes<S>(static_cast<const std::byte*>(runs[r].first) + p * runs[r].stride, runs[r].room, next);
      }
    }
  }
}

/// Of so many runs, from the pixel `begin` on. `Unit`: bytes of what counts as one channel to tiles, to which a run's
/// room is filled up.
template <class Value, std::ptrdiff_t Unit>
struct Runs {
  static constexpr std::int32_t most = 32;  ///< that are looked up once; of more, whenever they are asked for

  const ChannelRun* all;
  std::int32_t count;
  const Addresses* memory;
  std::int32_t begin;
  simd::GatherRun known[most];

  RIFFLE_INLINE Runs(const ChannelRun* runs, std::int32_t run_count, const Addresses& addresses, std::int32_t pixel)
      : all(runs), count(run_count), memory(&addresses), begin(pixel) {
    for (std::int32_t r = 0; r < count && r < most; ++r) known[r] = look_up(r);
  }

  RIFFLE_INLINE simd::GatherRun look_up(std::int32_t r) const {
    const ChannelRun& run = all[r];
    const std::ptrdiff_t size = sizeof(Value), bytes = run.channels * size, stride = run.pixel_stride;
    return {memory->read<Value>(run.first) + slot(begin, run.ring) * stride, stride * size, bytes,
            (bytes + Unit - 1) / Unit * Unit};
  }
  RIFFLE_INLINE simd::GatherRun operator[](std::int32_t r) const { return r < most ? known[r] : look_up(r); }

  /// All of them, of so many pixels from begin + pixel on.
  template <class S>
  RIFFLE_INLINE void gather(std::int32_t pixel, std::byte* to, std::ptrdiff_t row_bytes, std::int32_t pixels) const {
    if (count <= most) return gather_runs<S>(known, count, pixel, to, row_bytes, pixels);
    for (std::int32_t p = pixel; p < pixel + pixels; ++p, to += row_bytes) {
      std::byte* next = to;
      for (std::int32_t r = 0; r < count; ++r) {
        const simd::GatherRun run = look_up(r);
        gather_runs<S>(&run, 1, p, next, row_bytes, 1);
        next += run.room;
      }
    }
  }
};

/// Runs that several panels of a strip read, side by side: a run costs every register tile some twenty instructions,
/// and gathering it three a pixel.
template <class S, class Value, std::ptrdiff_t Unit>
struct GatheredRuns {
  /// Not in a build for size.
  static constexpr bool gathers = requires { S::gather_runs; }
  &&!simd::one_variant<S, true>;
  static constexpr std::ptrdiff_t room = gathers ? 20 * 1024 : 0;

  alignas(64) std::byte rows[room + 64];

  /// What so many panels read of so many pixels: as many runs as are returned, those that are given or one of all.
  RIFFLE_INLINE std::int32_t make(const simd::GatherRun* from, std::int32_t count, std::int32_t panels,
                                  std::int32_t pixels, simd::StripRun<Value>* runs) {
    if constexpr (gathers) {
      std::ptrdiff_t all = 0;
      for (std::int32_t r = 0; r < count; ++r) all += from[r].room;
      const std::ptrdiff_t row = (all + 31) / 16 * 16;
      if (panels >= 2 && count >= 3 && row * pixels <= room) {
        S::gather_runs(from, count, 0, rows, row, pixels);
        runs[0] = {reinterpret_cast<const Value*>(rows), row, all / Unit - 16};
        return 1;
      }
    }
    for (std::int32_t r = 0; r < count; ++r) {
      runs[r] = {static_cast<const Value*>(from[r].first), from[r].stride, from[r].room / Unit - 16};
    }
    return count;
  }
};

}  // namespace riffle::kernels
