// PyTorch's answers, and the comparison with them. goldens.txt and onnx/ are made by make_goldens.py, training.txt by
// make_training_goldens.py, resize.txt by make_resize_goldens.py (Pillow's answers).
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "kernels/kernels.hpp"

namespace riffle::golden {

/// The seed of all weights.
inline constexpr std::uint64_t seed = 1;

/// A line of goldens.txt or training.txt.
struct Golden {
  std::string kind;                           ///< v1, v2, separable, resnext, onnx ...
  std::map<std::string, std::string> fields;  ///< what it was made of
  std::vector<float> output;                  ///< the numbers; of goldens.txt NCHW, all images of the batch

  /// Throws Error if there is no such field or it is not a number.
  [[nodiscard]] std::int32_t integer(const std::string& field) const;
  [[nodiscard]] double number(const std::string& field) const;
  [[nodiscard]] const std::string& word(const std::string& field) const;
  /// Letters, digits and underscores.
  [[nodiscard]] std::string name() const;
};

/// One golden on one instruction set.
struct Case {
  Golden golden;
  const kernels::Kernels* kernels = nullptr;
  Type precision = Type::f32;  ///< what it computes in
};

std::ostream& operator<<(std::ostream& stream, const Case& value);

/// The goldens of these kinds times the instruction sets that this CPU runs, the best first, each in the precision of
/// its numbers. In a cross build, whose tests run in an emulator, there are none but the small images, and all but
/// narrow networks in f32 on the best instruction set alone (RIFFLE_GOLDEN_REDUCED); the environment variable
/// RIFFLE_GOLDEN, "all" or "reduced", overrides that.
std::vector<Case> cases(const std::vector<std::string>& kinds);

/// The lines of a file of this directory. Throws Error naming it where it cannot be read.
std::vector<Golden> read_goldens(const std::string& file);

/// The ShuffleNet of a golden's fields with its random weights, for ten classes. `kind`: v1 or v2.
graph::Graph shufflenet(const std::string& kind, const Golden& golden);

/// The directory of the exports.
std::string onnx_directory();

/// The input that the goldens were made with: `batch` images, NCHW.
std::vector<float> make_input(std::int32_t batch, graph::Shape shape);

/// Plans the graph for the case's instruction set and runs it on the golden's batch, and on its first image alone:
/// both outputs differ from PyTorch's by at most 1e-4 of the output's largest magnitude.
void expect_golden(const graph::Graph& graph, const Case& golden_case);

}  // namespace riffle::golden
