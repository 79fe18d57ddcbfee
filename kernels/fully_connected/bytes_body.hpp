// The body of the fully connected kernels of bytes; see fully_connected.hpp for the equation.
#pragma once

#include "kernels/fully_connected/fully_connected.hpp"
#include "kernels/simd/bytes.hpp"

namespace riffle::kernels {

template <class B>
struct FullyConnectedBytes {
  using Byte = typename B::Byte;

  /// As many sums as keep the multiply-adds from waiting for one another.
  static constexpr int rows = 8;

  static void run_tile(const FullyConnectedArgs& args, const Addresses& memory, std::int32_t first) {
    const std::int32_t count = args.outputs - first < rows ? args.outputs - first : rows;
    const std::int8_t* w[rows];
    std::int32_t sums[rows];
    for (std::int32_t r = 0; r < rows; ++r) {
      const std::int32_t row = first + (r < count ? r : count - 1);  // in place of one that there is not, the last one
      w[r] = static_cast<const std::int8_t*>(args.packed) + static_cast<std::ptrdiff_t>(row) * args.inputs;
      sums[r] = args.sums[row];
    }
    typename B::Sums acc[rows];
    simd::unroll<rows>([&](auto r) __attribute__((always_inline)) { acc[r] = B::zero(); });
    for (std::int32_t run = 0; run < args.run_count; ++run) {
      const Byte* x = memory.read<Byte>(args.runs[run].first);
      std::int32_t n = args.runs[run].channels;
      for (; n >= B::dot_bytes; n -= B::dot_bytes, x += B::dot_bytes) {
        simd::unroll<rows>([&](auto r) __attribute__((always_inline)) {
          acc[r] = B::dot(acc[r], x, w[r]);
          w[r] += B::dot_bytes;
        });
      }
      for (; n > 0; --n, ++x) {
        for (std::int32_t r = 0; r < rows; ++r) sums[r] += std::int32_t{*w[r]++} * std::int32_t{*x};
      }
    }
    simd::unroll<rows>([&](auto r) __attribute__((always_inline)) { sums[r] += B::sum(acc[r]); });
    float* const out = memory.write<float>(args.output.first) + first;
    for (std::int32_t r = 0; r < count; ++r) {
      const float result = static_cast<float>(sums[r]) * args.factors[first + r];
      const float above = args.clamp.lower > result ? args.clamp.lower : result;
      out[r] = args.clamp.upper < above ? args.clamp.upper : above;
    }
  }

  static void run(const FullyConnectedArgs& args, const Addresses& memory, TileRange range) {
    for (std::int32_t tile = range.first; tile < range.last; ++tile) run_tile(args, memory, tile * rows);
  }

  static constexpr FullyConnectedKernel kernel(const char* name) {
    return {name, {B::byte_type, Type::i8, Type::f32}, rows, run};
  }
};

}  // namespace riffle::kernels
