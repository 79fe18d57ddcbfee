// A number of each group of neighbouring channels of a pixel: out[p][g] = reduce(in[p][g * n], ... in[p][g * n + n -
// 1]).
//
// One run in, one block out. Sums are of floats, whatever the type of the numbers. A NaN among the numbers is the
// result, or, of the index of the largest or smallest, the one that is found. Reads nothing outside the run; writes
// exactly the groups' channels; the two do not overlap.
#pragma once

#include <span>
#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

/// The values are those of files (engine/format/riffle.fbs) and never change.
enum class ReduceKind : std::uint8_t {
  sum,
  mean,
  maximum,
  minimum,
  l2,       ///< the square root of the sum of squares
  arg_max,  ///< the index, within its group, of the first of the largest
  arg_min,  ///< of the smallest
};

struct ReduceArgs {
  std::int32_t pixels = 0;
  ReduceKind kind = ReduceKind::sum;
  std::int32_t groups = 1;
  ChannelRun input;
  Block output;
  std::int32_t tiles = 0;  ///< pixels in even shares
};

struct ReduceKernel {
  static constexpr std::string_view operation = "reduce";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  void (*run)(const ReduceArgs&, const Addresses&, TileRange) = nullptr;
};

/// The equation.
double reference_of(ReduceKind kind, std::span<const double> numbers);

void reduce_reference(const ReduceArgs& args, const Addresses& memory);

}  // namespace riffle::kernels
