// Softmax over the channels of each pixel, in groups of neighbours: out[p][c] = exp(in[p][c] - m) / sum_c exp(in[p][c]
// - m), m the group's maximum. One run in, one block out, which may be the same place.
#pragma once

#include <string_view>

#include "kernels/types.hpp"

namespace riffle::kernels {

struct SoftmaxArgs {
  std::int32_t pixels = 0;
  std::int32_t groups = 1;
  ChannelRun input;
  Block output;
  std::int32_t tiles = 0;  ///< pixels in even shares
};

struct SoftmaxKernel {
  static constexpr std::string_view operation = "softmax";
  const char* name = nullptr;
  Types types = {};
  std::int32_t lanes = 0;
  void (*run)(const SoftmaxArgs&, const Addresses&, TileRange) = nullptr;
};

void softmax_reference(const SoftmaxArgs& args, const Addresses& memory);

}  // namespace riffle::kernels
