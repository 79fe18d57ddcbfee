// Runs that several panels of a strip read, side by side: a run costs every register tile some twenty instructions, and
// gathering it three a pixel.
#pragma once

#include "kernels/simd/gather.hpp"
#include "kernels/simd/strip.hpp"

namespace riffle::kernels {

/// `Unit`: bytes of what counts as one channel to the strip.
template <class S, class Value, std::ptrdiff_t Unit>
struct GatheredRuns {
  /// Not in a build for size.
  static constexpr bool gathers = requires { S::gather_runs; }
  &&!simd::one_variant<S, true>;
  static constexpr std::int32_t most_runs = 32;
  static constexpr std::ptrdiff_t room = gathers ? 20 * 1024 : 0;

  alignas(64) std::byte rows[room + 64];

  /// What so many panels read of so many pixels: `count` runs, or one of all of them. `channels`: the same runs, of
  /// whose last channel in a unit there may be nothing.
  RIFFLE_INLINE std::int32_t make(simd::StripRun<Value>* runs, const ChannelRun* channels, std::int32_t count,
                                  std::int32_t panels, std::int32_t pixels) {
    if constexpr (gathers) {
      if (panels < 2 || count < 3) return count;
      simd::GatherRun from[most_runs];
      std::ptrdiff_t all = 0;
      for (std::int32_t r = 0; r < count; ++r) {
        const std::ptrdiff_t bytes = channels[r].channels * static_cast<std::ptrdiff_t>(sizeof(Value));
        from[r] = {runs[r].first, runs[r].stride, bytes, (runs[r].rest + 16) * Unit};
        all += from[r].room;
      }
      const std::ptrdiff_t row = (all + 31) / 16 * 16;
      if (row * pixels > room) return count;
      S::gather_runs(from, count, 0, rows, row, pixels);
      runs[0] = {reinterpret_cast<const Value*>(rows), row, all / Unit - 16};
      return 1;
    }
    return count;
  }
};

}  // namespace riffle::kernels
