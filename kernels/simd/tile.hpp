// The register tile: MR pixels x NV vectors of outputs, the heart of pointwise, convolution and fully connected.
//
//   acc[m][v] += x[m][k] * w[k][v]        for k = 0 .. n-1
//
//          w[k]: NV vectors, streamed once, in the order in which they were packed
//          |    |    |    |
//   x[0]--acc--acc--acc--acc
//   x[1]--acc--acc--acc--acc         x[m][k]: a broadcast (x86), or one lane of channels loaded together (NEON)
//    ...
//
// Half: the last vector is at most half full. Where the instruction set pairs halves, two pixels share it; the packed
// panel then holds its half twice, and no lane works for nothing:
//
//   x[0]--acc--acc--acc--+--
//                        acc      lower half: x[0], upper half: x[1]
//   x[1]--acc--acc--acc--+--
//
// All acc stay in registers for the whole of K. x[m] is `x.at(m)`: pixels a stride apart (Strided) or an address each
// (Gathered). A by-lane tile loads a vector of x at once: it reads up to lanes - 1 numbers behind the n-th and uses
// none of them.
#pragma once

#include "kernels/simd/simd.hpp"

namespace riffle::simd {

/// Pixels of one run, neighbours in memory order.
template <class Value>
struct Strided {
  const Value* first;
  std::ptrdiff_t stride;
  RIFFLE_INLINE const Value* at(int m) const { return first + m * stride; }
};

/// Is the last of `vectors` vectors, `columns` of which are valid, one that two pixels share?
template <class S>
RIFFLE_INLINE bool has_half(int columns, int vectors) {
  return S::pairs_halves && vectors * S::lanes - columns >= S::lanes / 2;
}

/// What a loop over K does beside its multiply-adds: nothing.
struct NoPrefetch {
  /// Before the loops of a tile, `steps` of k in all, over what is near `x`.
  RIFFLE_INLINE NoPrefetch begin(std::int64_t /*steps*/, const void* /*x*/) const { return {}; }
  /// With every k.
  RIFFLE_INLINE void step() {}
};

/// Pixels anywhere.
template <class Value>
struct Gathered {
  const Value* const* pixels;
  std::ptrdiff_t offset;
  RIFFLE_INLINE const Value* at(int m) const { return pixels[m] + offset; }
};

template <class S, int MR, int NV, bool Half = false>
struct Tile {
  using Vec = typename S::Vec;
  using Value = typename S::Value;
  using Weight = typename S::Weight;
  static constexpr int whole = Half ? NV - 1 : NV;  ///< vectors that a pixel has alone
  static constexpr int pairs = Half ? (MR + 1) / 2 : 0;
  Vec acc[MR][whole > 0 ? whole : 1];
  Vec half[pairs > 0 ? pairs : 1];

  /// Every pixel starts from the panel's bias.
  RIFFLE_INLINE void start(const Weight* bias) {
    unroll<whole>([&](auto v) __attribute__((always_inline)) {
      const Vec b = S::load(bias + v * S::lanes);
      unroll<MR>([&](auto m) __attribute__((always_inline)) { acc[m][v] = b; });
    });
    if constexpr (Half) {
      const Vec b = S::load(bias + whole * S::lanes);
      unroll<pairs>([&](auto p) __attribute__((always_inline)) { half[p] = b; });
    }
  }

  /// Every pixel goes on from the sums that it left; `columns` of them are valid.
  RIFFLE_INLINE void resume(const Value* sums, std::ptrdiff_t stride, int columns) {
    constexpr int last = (NV - 1) * S::lanes;
    unroll<MR>([&](auto m) __attribute__((always_inline)) {
      unroll<NV - 1>([&](auto v)
                         __attribute__((always_inline)) { acc[m][v] = S::load(sums + m * stride + v * S::lanes); });
      if constexpr (!Half) acc[m][NV - 1] = load_lanes<S>(sums + m * stride + last, columns - last);
    });
    if constexpr (Half) {
      for_pairs([&](auto p, auto a, auto b) __attribute__((always_inline)) {
        half[p] = S::load_halves(sums + a * stride + last, sums + b * stride + last, columns - last);
      });
    }
  }

  /// Calls f(a vector of sums) for each.
  template <class F>
  RIFFLE_INLINE void for_sums(F&& f) {
    unroll<MR>([&](auto m) __attribute__((always_inline)) {
      unroll<whole>([&](auto v) __attribute__((always_inline)) { f(acc[m][v]); });
    });
    unroll<pairs>([&](auto p) __attribute__((always_inline)) { f(half[p]); });
  }
  RIFFLE_INLINE void clamp(Vec lower, Vec upper) {
    for_sums([&](Vec & sum) __attribute__((always_inline)) { sum = S::clamp(sum, lower, upper); });
  }
  RIFFLE_INLINE void leak(Vec slope) {
    for_sums([&](Vec & sum) __attribute__((always_inline)) { sum = S::at_least(sum, S::mul(sum, slope)); });
  }

  /// Calls f(pair, its first pixel, its second), where the last pixel of an odd number is its own second.
  template <class F>
  static RIFFLE_INLINE void for_pairs(F&& f) {
    unroll<pairs>([&](auto p) __attribute__((always_inline)) {
      f(p, std::integral_constant<int, 2 * p>{}, std::integral_constant < int, 2 * p + 1 < MR ? 2 * p + 1 : 2 * p > {});
    });
  }

  /// One step of k by broadcasts: x(m) is pixel m's input in all lanes, a Vec or what else S multiplies by.
  template <class X>
  RIFFLE_INLINE void multiply(const Weight* w, X&& x) {
    Vec row[NV];
    unroll<NV>([&](auto v) __attribute__((always_inline)) { row[v] = S::load(w + v * S::lanes); });
    const auto multiply_whole = [&](auto m, auto b) __attribute__((always_inline)) {
      unroll<whole>([&](auto v) __attribute__((always_inline)) { acc[m][v] = S::fma(b, row[v], acc[m][v]); });
    };
    if constexpr (Half) {
      for_pairs([&](auto p, auto a, auto b) __attribute__((always_inline)) {
        const auto xa = x(a);
        multiply_whole(a, xa);
        if constexpr (a == b) {
          half[p] = S::fma(xa, row[NV - 1], half[p]);
        } else {
          const auto xb = x(b);
          multiply_whole(b, xb);
          half[p] = S::fma(S::join_halves(xa, xb), row[NV - 1], half[p]);
        }
      });
    } else {
      unroll<MR>([&](auto m) __attribute__((always_inline)) { multiply_whole(m, x(m)); });
    }
  }

  /// One step of k: multiplies lane or broadcast `x(m)` into all accumulators.
  template <class Fma>
  RIFFLE_INLINE void step(const Weight* w, Fma&& fma) {
    Vec row[NV];
    unroll<NV>([&](auto v) __attribute__((always_inline)) { row[v] = S::load(w + v * S::lanes); });
    unroll<MR>([&](auto m) __attribute__((always_inline)) { fma(m, row); });
  }

  /// n channels of every pixel; w moves on by n rows.
  template <class Pixels, class Prefetch = NoPrefetch>
  RIFFLE_INLINE void accumulate(const Pixels& x, int n, const Weight*& w, Prefetch&& prefetch = {}) {
    if constexpr (S::by_lane) {
      accumulate_by_lane(x, n, w, prefetch);
    } else {
      for (int k = 0; k < n; ++k, w += NV * S::lanes) {
        prefetch.step();
        multiply(
            w, [&](auto m) __attribute__((always_inline)) { return S::broadcast(x.at(m)[k]); });
      }
    }
  }

 private:
  template <int Lane>
  RIFFLE_INLINE void lane_step(const Vec* x, const Weight*& w) {
    step(
        w, [&](auto m, const Vec* row) __attribute__((always_inline)) {
          unroll<NV>([&](auto v) __attribute__((always_inline)) {
            acc[m][v] = S::template fma_lane<Lane>(row[v], x[m], acc[m][v]);
          });
        });
    w += NV * S::lanes;
  }

  template <class Pixels, class Prefetch>
  RIFFLE_INLINE void accumulate_by_lane(const Pixels& x, int n, const Weight*& w, Prefetch& prefetch) {
    const Value* p[MR];
    unroll<MR>([&](auto m) __attribute__((always_inline)) { p[m] = x.at(m); });
    // One index for all pixels: a load takes its address from a pointer and the index, and nothing else moves on.
    std::ptrdiff_t k = 0;
    Vec channels[MR];
    const auto load_channels = [&]() __attribute__((always_inline)) {
      unroll<MR>([&](auto m) __attribute__((always_inline)) { channels[m] = S::load(p[m] + k); });
    };
    for (; k + S::lanes <= n; k += S::lanes) {
      load_channels();
      unroll<S::lanes>([&](auto lane) __attribute__((always_inline)) {
        prefetch.step();
        this->template lane_step<lane>(channels, w);
      });
    }
    n -= static_cast<int>(k);
    if (n > 0) {
      load_channels();
      unroll<S::lanes - 1>([&](auto lane) __attribute__((always_inline)) {
        if (n > lane) this->template lane_step<lane>(channels, w);
      });
    }
  }
};

}  // namespace riffle::simd
