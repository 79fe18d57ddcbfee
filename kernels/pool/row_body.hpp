// 3x3 windows with stride 2 by the instruction set's own function for a row (row.hpp): two vectors of channels at a
// time; the outputs at the borders, which it does not know, one by one.
#pragma once

#include "kernels/pool/reduction.hpp"
#include "kernels/pool/row.hpp"
#include "kernels/simd/strip.hpp"

namespace riffle::kernels {

template <class S>
constexpr bool has_pool_row = requires {
  S::pool_row(true);
};

/// Which outputs of a row the function computes: [begin, end). All taps are inside the image, but for the first
/// output's left ones if they count for the divisor.
struct PoolRowOutputs {
  std::int32_t begin, end;
  bool left;  ///< is the first column of taps outside?

  RIFFLE_INLINE PoolRowOutputs(const PoolArgs& args, bool max) : begin(args.window.pad_left), end(0), left(false) {
    const std::int32_t reach = args.extent.in_w + args.window.pad_left - 3;
    if (reach >= 0) end = reach / 2 + 1 < args.extent.out_w ? reach / 2 + 1 : args.extent.out_w;
    left = begin == 1 && (max || tap_columns(args, 0).counted == 3) && end > 1;
    if (left) begin = 0;
  }
};

/// The output (y, x), whose three rows of taps are inside the image.
template <class S, bool Max>
RIFFLE_INLINE void pool_border(const PoolJob<typename S::Value>& job, std::int32_t y, std::int32_t x) {
  const PoolArgs& args = *job.args;
  const PoolReduction<S, Max> reduction(args.clamp);
  const std::int32_t in_w = args.extent.in_w, left = x * 2 - args.window.pad_left;
  const std::int32_t top = y * 2 - args.window.pad_top;
  const typename S::Value* rows[3];
  for (int i = 0; i < 3; ++i) rows[i] = job.in + slot((top + i) * in_w, job.in_ring) * job.in_stride;
  auto sum = reduction.nothing();
  for (std::int32_t c = left < 0 ? 0 : left; c < left + 3 && c < in_w; ++c) {
    const std::ptrdiff_t at = c * job.in_stride;
    const auto two = reduction.reduce(S::load(rows[0] + at), S::load(rows[1] + at));
    sum = reduction.reduce(sum, reduction.reduce(two, S::load(rows[2] + at)));
  }
  auto* const to = job.out + (slot(y * args.extent.out_w, args.output.ring) + x) * job.out_stride;
  S::store(to, reduction.finish(sum, reduction.factor(3 * tap_columns(args, x).counted)));
}

/// Row y of the output, two vectors of channels; its three rows of taps are inside the image.
template <class S, bool Max>
RIFFLE_INLINE void pool_two_vectors(const PoolJob<typename S::Value>& job, std::int32_t y,
                                    const PoolRowOutputs& inside) {
  constexpr std::ptrdiff_t bytes = sizeof(typename S::Value);
  const PoolArgs& args = *job.args;
  const Window& window = args.window;
  const std::int32_t out_w = args.extent.out_w;
  const std::int32_t in_w = args.extent.in_w, top = y * 2 - window.pad_top;
  using Value = typename S::Value;
  PoolRow<Value> row;
  row.lower = static_cast<Value>(args.clamp.lower);
  row.upper = static_cast<Value>(args.clamp.upper);
  for (int i = 0; i < 3; ++i) {
    const std::ptrdiff_t column = inside.begin * 2 - window.pad_left + (inside.left ? 1 : 0);
    row.rows[i] = job.in + (slot((top + i) * in_w, job.in_ring) + column) * job.in_stride;
  }
  row.in_stride = job.in_stride * bytes;
  row.out = job.out + (slot(y * out_w, args.output.ring) + inside.begin) * job.out_stride;
  row.out_stride = job.out_stride * bytes;
  row.outputs = inside.end - inside.begin;
  row.factor = static_cast<Value>(1.0F / 9.0F);
  row.form = simd::form_of(args.clamp, inside.left ? 1 : 0);
  S::pool_row(Max)(row);
  auto one = job;
  for (int v = 0; v < 2; ++v, one.in += S::lanes, one.out += S::lanes) {
    // Around [begin, end), in one loop: the border is inlined once.
    const std::int32_t first = inside.begin > 0 ? 0 : inside.end;
    for (std::int32_t x = first; x < out_w; x = x + 1 == inside.begin ? inside.end : x + 1) {
      pool_border<S, Max>(one, y, x);
    }
  }
}

}  // namespace riffle::kernels
