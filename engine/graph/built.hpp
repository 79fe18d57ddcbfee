// What this build can compute (RIFFLE_OPERATIONS). Whatever stands behind `if constexpr` of these leaves no code.
#pragma once

#include "engine/graph/graph.hpp"

namespace riffle::graph {

namespace built {
inline constexpr bool binary = RIFFLE_HAS_BINARY;  // else sums alone
inline constexpr bool softmax = RIFFLE_HAS_SOFTMAX;
inline constexpr bool pixels = RIFFLE_HAS_PIXELS;
inline constexpr bool resize = RIFFLE_HAS_RESIZE;
inline constexpr bool rearrange = RIFFLE_HAS_REARRANGE;
inline constexpr bool function = kernels::has_functions;
inline constexpr bool quantised = RIFFLE_HAS_QUANTISED;
inline constexpr bool tasks = RIFFLE_HAS_TASKS;
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
