// What this build can compute (RIFFLE_OPERATIONS). Whatever stands behind `if constexpr` of these leaves no code.
#pragma once

#include "engine/graph/graph.hpp"

namespace riffle::graph {

namespace built {
#ifdef RIFFLE_WITHOUT_BINARY
inline constexpr bool binary = false;  // but for sums
#else
inline constexpr bool binary = true;
#endif
#ifdef RIFFLE_WITHOUT_SOFTMAX
inline constexpr bool softmax = false;
#else
inline constexpr bool softmax = true;
#endif
#ifdef RIFFLE_WITHOUT_PIXELS
inline constexpr bool pixels = false;
#else
inline constexpr bool pixels = true;
#endif
#ifdef RIFFLE_WITHOUT_RESIZE
inline constexpr bool resize = false;
#else
inline constexpr bool resize = true;
#endif
#ifdef RIFFLE_WITHOUT_REARRANGE
inline constexpr bool rearrange = false;
#else
inline constexpr bool rearrange = true;
#endif
#ifdef RIFFLE_WITHOUT_FUNCTION
inline constexpr bool function = false;
#else
inline constexpr bool function = true;
#endif
#ifdef RIFFLE_WITHOUT_QUANTISED
inline constexpr bool quantised = false;
#else
inline constexpr bool quantised = true;
#endif
#ifdef RIFFLE_WITHOUT_TASKS
inline constexpr bool tasks = false;
#else
inline constexpr bool tasks = true;
#endif
}  // namespace built

/// Operations that need more than a kernel of their own: a build that leaves them out refuses a graph that has them,
/// and has none of the passes that are for them. Of all others a plan finds no kernel where there is none.
template <class Operation>
inline constexpr bool is_built = true;
template <>
inline constexpr bool is_built<Softmax> = built::softmax;
template <>
inline constexpr bool is_built<Reduce> = built::softmax;
template <>
inline constexpr bool is_built<Resize> = built::pixels || built::resize;
template <>
inline constexpr bool is_built<Crop> = built::pixels;
template <>
inline constexpr bool is_built<Pad> = built::pixels;
template <>
inline constexpr bool is_built<Rearrange> = built::rearrange;
template <>
inline constexpr bool is_built<Join> = built::rearrange;
template <>
inline constexpr bool is_built<TransposedConvolution> = built::rearrange&& built::pixels;

}  // namespace riffle::graph
