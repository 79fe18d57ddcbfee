// The list of what ships: one table of kernels an instruction set. Dispatch, tests and benchmarks read this list.
#pragma once

#include <span>
#include <string_view>

#include "kernels/convolution/convolution.hpp"
#include "kernels/depthwise/depthwise.hpp"
#include "kernels/elementwise/elementwise.hpp"
#include "kernels/frame/frame.hpp"
#include "kernels/fully_connected/fully_connected.hpp"
#include "kernels/planes/planes.hpp"
#include "kernels/pointwise/pointwise.hpp"
#include "kernels/pool/pool.hpp"
#include "kernels/softmax/softmax.hpp"
#include "kernels/stem/stem.hpp"

namespace riffle::kernels {

/// Every operation for one instruction set. `lanes` is the same in all of a table's kernels.
struct Kernels {
  const char* isa = nullptr;  ///< "scalar", "sse2", "avx2", "avx512f", "neon", "neon64": what RIFFLE_ISA says
  std::int32_t lanes = 0;
  bool (*supported)() = nullptr;  ///< does this CPU (and its system) run it?
  PointwiseKernel pointwise;
  DepthwiseKernel depthwise;
  ConvolutionKernel convolution = {};
  StemKernel stem;
  PoolKernel pool;
  FullyConnectedKernel fully_connected;
  ElementwiseKernel elementwise = {};
  SoftmaxKernel softmax = {};
  PlanesKernel planes;
  FrameKernel frame = {};
};

/// Every table in this binary, best first; the last one, "scalar" unless that was left out, runs everywhere.
std::span<const Kernels* const> all_kernels();

/// The table called `isa`, or null.
const Kernels* find_kernels(std::string_view isa);

/// The first table that this CPU runs.
const Kernels& best_kernels();

/// The first table that this CPU runs, from the one called `bound` on; null if there is none of that name.
const Kernels* best_kernels(std::string_view bound);

}  // namespace riffle::kernels
