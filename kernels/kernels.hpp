// The list of what ships: a row for each operation, types and instruction set. The plan chooses from this list, tests
// hold every row against its reference, benchmarks time them, `riffle inspect --plan` names them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "kernels/convert/convert.hpp"
#include "kernels/convolution/convolution.hpp"
#include "kernels/depthwise/depthwise.hpp"
#include "kernels/elementwise/elementwise.hpp"
#include "kernels/frame/frame.hpp"
#include "kernels/fully_connected/fully_connected.hpp"
#include "kernels/function/function.hpp"
#include "kernels/pixels/pixels.hpp"
#include "kernels/pointwise/pointwise.hpp"
#include "kernels/pool/pool.hpp"
#include "kernels/rearrange/rearrange.hpp"
#include "kernels/reduce/reduce.hpp"
#include "kernels/resize/resize.hpp"
#include "kernels/softmax/softmax.hpp"
#include "kernels/stem/stem.hpp"

namespace riffle::kernels {

/// What an instruction set has. A row is a struct of its operation: the operation's word, the row's own name, its
/// types, the shape of its tiles, its functions. Of an operation that was left out of the build (RIFFLE_OPERATIONS)
/// there is none.
struct Kernels {
  /// What RIFFLE_ISA says: "scalar", "sse2", "avx2", "avxvnni", "avx512f", "avx512vnni", "amxint8", "avx512bf16",
  /// "amxbf16", "avx512fp16", "neon", "neon64", "neon64fp16", "neon64dot", "neon64i8mm", "neon64bf16".
  const char* isa = nullptr;
  Type type = Type::f32;          ///< of the numbers in its vectors; u8 or i8: there for layers of bytes alone
  std::int32_t lanes = 0;         ///< numbers in a vector
  bool (*supported)() = nullptr;  ///< does this CPU (and its system) run it?

  /// Of each operation its rows.
  std::tuple<std::span<const PointwiseKernel>, std::span<const DepthwiseKernel>, std::span<const ConvolutionKernel>,
             std::span<const StemKernel>, std::span<const PoolKernel>, std::span<const FullyConnectedKernel>,
             std::span<const ElementwiseKernel>, std::span<const SoftmaxKernel>, std::span<const PixelsKernel>,
             std::span<const ResizeKernel>, std::span<const RearrangeKernel>, std::span<const ConvertKernel>,
             std::span<const FunctionKernel>, std::span<const FrameKernel>, std::span<const ReduceKernel>>
      rows;

  template <class Kernel>
  [[nodiscard]] std::span<const Kernel> of() const {
    return std::get<std::span<const Kernel>>(rows);
  }
  /// This instruction set's row for these types, or null.
  template <class Kernel>
  [[nodiscard]] const Kernel* find(Types types = {}) const {
    for (const Kernel& row : of<Kernel>()) {
      if (row.types == types) return &row;
    }
    return nullptr;
  }
  /// The same where it is known to be there.
  template <class Kernel>
  [[nodiscard]] const Kernel& row(Types types = {}) const {
    return *find<Kernel>(types);
  }
};

/// Every instruction set in this binary, best first; the last one, "scalar" unless that was left out, runs everywhere.
std::span<const Kernels* const> all_kernels();

/// The instruction set called `isa`, or null.
const Kernels* find_kernels(std::string_view isa);

/// The first one that this CPU runs.
const Kernels& best_kernels();

/// The first one that this CPU runs, from the one called `bound` on; null if there is none of that name.
const Kernels* best_kernels(std::string_view bound);

/// What layers of bytes take, u8 or i8, on the first instruction set from `best` on that this CPU runs and that has
/// some; u8 where none has.
Type type_of_bytes(const Kernels& best);

/// `best`, which this CPU runs, if it is one of these numbers, or else the first one behind it that is and that this
/// CPU runs; null if there is none.
const Kernels* find_kernels(const Kernels& best, Type type);

/// What RIFFLE_ISA names, or else the best one. Throws Error for a name that is unknown or not supported here.
const Kernels& choose_kernels();
const Kernels& choose_kernels(const std::string& isa);

/// Does a row take layers of bytes that read so many quads?
template <class Kernel>
bool takes(const Kernel& row, QuadCount quads) {
  if constexpr (requires { row.most_quads; }) {
    return quads.least >= row.fewest_quads && (row.most_quads == 0 || quads.most <= row.most_quads);
  }
  return true;
}

/// The row for these types, and so many quads of bytes, of `best`, which this CPU runs, or else of the best instruction
/// set behind it in the list that this CPU runs; null where there is none.
template <class Kernel>
const Kernel* find_row(const Kernels& best, Types types = {}, QuadCount quads = {}) {
  const auto of = [&](const Kernels& kernels) {
    const Kernel* row = kernels.find<Kernel>(types);
    return row != nullptr && takes(*row, quads) ? row : nullptr;
  };
  if (const Kernel* row = of(best)) return row;
  bool behind = false;
  for (const Kernels* kernels : all_kernels()) {
    if (behind && kernels->supported()) {
      if (const Kernel* row = of(*kernels)) return row;
    }
    behind = behind || kernels == &best;
  }
  return nullptr;
}

/// Calls f(row) for every row of an instruction set.
template <class F>
void for_each_row(const Kernels& kernels, F&& f) {
  std::apply(
      [&](const auto&... rows) {
        (
            [&](const auto& list) {
              for (const auto& row : list) f(row);
            }(rows),
            ...);
      },
      kernels.rows);
}

}  // namespace riffle::kernels
