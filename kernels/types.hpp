// The words that every kernel's contract uses.
//
// A kernel knows no graph, allocates nothing and opens no file: numbers in, numbers out. It is handed one immutable
// argument struct, made when the plan is made, and Addresses that say where this session's numbers live. Everything
// that an argument struct points to (weights, run lists) belongs to the plan and outlives the call.
//
// Layout: activations are channels-last (H, W, C) of one image; a batch is a loop outside. Pixel p = y * W + x of a
// tensor starts `p * pixel_stride` elements behind its first. Offsets of places are in bytes, strides are in elements
// of the type that stands there.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "kernels/element.hpp"

namespace riffle::kernels {

/// What a place is counted from: the session's arena, one of the caller's own input or output tensors (NCHW, one
/// image), the worker's own rows (per-worker scratch, the ring buffer between a chain's producer and its consumer), or
/// the numbers that stand in the network, which the plan has and nobody writes.
enum class Space : std::uint8_t { arena, input, output, rows, literal };

struct Place {
  std::int64_t offset = 0;  ///< bytes
  Space space = Space::arena;
  std::uint16_t index = 0;  ///< which of the caller's inputs or outputs

  /// So many elements further on.
  [[nodiscard]] constexpr Place behind(std::int64_t elements, Type type) const {
    return {offset + elements * size_of(type), space, index};
  }
};

/// Where one session's numbers live during one inference.
struct Addresses {
  std::byte* arena = nullptr;
  const std::byte* const* inputs = nullptr;
  std::byte* const* outputs = nullptr;
  std::byte* rows = nullptr;
  const std::byte* literals = nullptr;

  template <class T = float>
  RIFFLE_INLINE const T* read(Place place) const {
    const std::byte* const base = place.space == Space::input     ? inputs[place.index]
                                  : place.space == Space::literal ? literals
                                                                  : base_of(place);
    return reinterpret_cast<const T*>(base + place.offset);
  }
  template <class T = float>
  RIFFLE_INLINE T* write(Place place) const {
    return reinterpret_cast<T*>(base_of(place) + place.offset);
  }

 private:
  [[nodiscard]] RIFFLE_INLINE std::byte* base_of(Place place) const {
    return place.space == Space::arena ? arena : place.space == Space::rows ? rows : outputs[place.index];
  }
};

/// The same address, of bytes.
RIFFLE_INLINE std::byte* bytes_at(void* numbers) { return static_cast<std::byte*>(numbers); }
RIFFLE_INLINE const std::byte* bytes_at(const void* numbers) { return static_cast<const std::byte*>(numbers); }

/// The index of pixel p in a ring buffer of `ring` pixels; 0: no ring, all pixels exist. A ring is a whole number of
/// rows: a row never straddles its end.
RIFFLE_INLINE std::ptrdiff_t slot(std::int32_t pixel, std::int32_t ring) { return ring == 0 ? pixel : pixel % ring; }

/// The element types of what a kernel reads, of its weights (those of one that has none count as f32), of what it
/// writes.
struct Types {
  Type input = Type::f32, weights = Type::f32, output = Type::f32;
  bool operator==(const Types&) const = default;
};

/// A channel run: `channels` neighbouring channels of every pixel of one buffer. A tensor that a step reads is a
/// short list of these, which is all that is left of channel split, concatenation and shuffle at run time.
struct ChannelRun {
  Place first;  ///< pixel 0's first channel
  std::int32_t pixel_stride = 0;
  std::int32_t channels = 0;
  std::int32_t ring = 0;  ///< see slot(); only operations that can be links of a chain take another than 0
  Type type = Type::f32;
};

/// A run of a channel-wise operation, whose results land at channels [output_channel, output_channel + channels).
struct ChannelwiseRun {
  ChannelRun input;
  std::int32_t output_channel = 0;
};

/// Numbers of a type side by side: the caller's planes, a vector.
struct Numbers {
  Place first;
  Type type = Type::f32;
};

/// Where a step writes: one block, all channels of a pixel side by side.
struct Block {
  Place first;
  std::int32_t pixel_stride = 0;
  std::int32_t ring = 0;  ///< as in ChannelRun
  Type type = Type::f32;
  /// Behind a pixel's channels so many numbers are nobody's: they may be written, too, so that vectors are whole.
  std::int32_t spare = 0;
};

/// An activation as bounds: none is (-inf, inf), ReLU (0, inf), ReLU6 (0, 6). A NaN stays a NaN.
struct Clamp {
  float lower = -std::numeric_limits<float>::infinity();
  float upper = std::numeric_limits<float>::infinity();
  bool operator==(const Clamp&) const = default;
  /// Is there a number that it changes?
  [[nodiscard]] RIFFLE_INLINE bool has_bounds() const {
    return lower > -std::numeric_limits<float>::infinity() || upper < std::numeric_limits<float>::infinity();
  }
};

/// Has the build functions of a number beyond bounds (RIFFLE_OPERATIONS)? Where it has none, nothing is there for them.
#if defined(RIFFLE_HAS_FUNCTION) && !RIFFLE_HAS_FUNCTION
inline constexpr bool has_functions = false;
#else
inline constexpr bool has_functions = true;
#endif

/// Bounds or, of f32 and in their place, a leaky ReLU, max(x, slope * x): what is below 0 is multiplied.
struct LeakyClamp : Clamp {
  float slope = 1;  ///< at most 1, and not 0; other than 1 only where there are no bounds
  [[nodiscard]] RIFFLE_INLINE bool leaks() const { return has_functions && slope != 1; }
};

/// Of bytes: which of them stands for 0. Their bounds (Clamp) are integers, counted from there.
struct ZeroPoints {
  std::int32_t input = 0, residual = 0, output = 0;
};

/// How packed weights hold a quad, the four bytes that a lane is multiplied by at once.
enum class QuadForm : std::uint8_t {
  bytes,     ///< lane after lane
  pairs,     ///< bytes 0 and 1 of every lane of the vector, then bytes 2 and 3
  words,     ///< as numbers of 16 bits: bytes 0 and 2 of every lane, then bytes 1 and 3
  eights,    ///< beside the output's next quad: see byte_panels.hpp
  matrices,  ///< lane after lane, 16 quads at once
};

/// Quads as packed weights have them, the last ones with weights of 0.
constexpr std::int32_t filled_quads(QuadForm form, std::int32_t quads) {
  const std::int32_t unit = form == QuadForm::eights ? 2 : form == QuadForm::matrices && quads > 16 ? 16 : 1;
  return (quads + unit - 1) / unit * unit;
}

/// Of bytes: quads that a layer reads, at least and at most.
struct QuadCount {
  std::int64_t least = 0, most = 0;
};

/// A sliding window in pixels. Output (y, x) reads input rows y * stride_h - pad_top + k * dilation_h, columns alike;
/// what lies outside the input counts as zero (pooling says otherwise where it does).
struct Window {
  std::int32_t kernel_h = 1, kernel_w = 1;
  std::int32_t stride_h = 1, stride_w = 1;
  std::int32_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  std::int32_t dilation_h = 1, dilation_w = 1;
  bool operator==(const Window&) const = default;
};

/// The spatial sizes of a windowed operation.
struct Extent {
  std::int32_t in_h = 0, in_w = 0, out_h = 0, out_w = 0;
};

/// A layer's weights as a model has them, before they are packed: a row an output. Where there is a scale, row o counts
/// scale[o] times; the product is made in double and rounded once, on the way into the packed weights.
struct Weights {
  std::span<const float> values;
  std::span<const double> row_scale;
  std::shared_ptr<const std::vector<float>> widened;  ///< what `values` are, where a model has another type than f32

  template <std::convertible_to<std::span<const float>> Floats>
  Weights(const Floats& all) : values(all) {}  // NOLINT: weights without a scale are nothing but floats
  Weights(std::span<const float> all, std::span<const double> scale) : values(all), row_scale(scale) {}
};

/// The same of a layer of bytes: of output o, sums start from bias[o], which takes the zero points of what is read into
/// account, and count factors[o] times.
struct IntegerWeights {
  std::span<const std::int8_t> values;
  std::span<const std::int32_t> bias;
  std::span<const float> factors;
};

/// A share of a step's tiles: [first, last). Tiles are independent of one another, so that any thread may take any.
struct TileRange {
  std::int32_t first = 0, last = 0;
};

}  // namespace riffle::kernels
