// What a network computes on a batch: results in one arena, and the operations that fill them, forward and backward.
//
//   layers (trace.hpp)
//     --> results, their channels in the order in which they are read (result_order.hpp)
//     --> operands, and who writes a gradient first and last (gradient_order.hpp)
//     --> places in one arena (placement.hpp)
//     --> operations (operation.hpp)
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "trainer/network/operand.hpp"
#include "trainer/network/operation.hpp"
#include "trainer/network/parameters.hpp"
#include "trainer/network/rounding.hpp"
#include "trainer/network/trace.hpp"

namespace riffle::trainer {

/// A large batch's memory, in large pages where the system has them: it is read from end to end, over and over.
struct LargeDelete {
  static constexpr std::size_t page = std::size_t{1} << 21;
  void operator()(float* floats) const { ::operator delete (floats, std::align_val_t{page}); }
};
using LargeFloats = std::unique_ptr<float, LargeDelete>;

struct Program {
  Results results;
  graph::ById<std::unique_ptr<Operation>> operations;    ///< by layer; the input's is null
  graph::ById<std::unique_ptr<RoundedWeights>> rounded;  ///< by layer: those of a layer of integers; else null
  graph::ById<std::vector<Piece>> never_read;            ///< by layer: channels whose gradient is zero
  Operand output;                                        ///< the logits
  LargeFloats arena, scratch;
  std::int64_t arena_floats = 0;
  std::int64_t scratch_floats = 0;  ///< of each worker

  [[nodiscard]] std::int64_t bytes(int workers) const {
    return (arena_floats + workers * scratch_floats) * static_cast<std::int64_t>(sizeof(float));
  }
};

/// Of all batch norms.
struct NormOptions {
  float momentum = 0.1F;
  bool synchronised = false;
};

/// For up to `batch` images. `rounding`: of a network that is quantised, or null. The tables, the parameters and the
/// rounding outlive the program. Throws Exhausted if there is not enough memory.
Program make_program(const KernelTables& tables, const graph::Graph& graph, const Trace& trace, Parameters& parameters,
                     const Rounding* rounding, std::int32_t batch, const NormOptions& norms);

}  // namespace riffle::trainer
