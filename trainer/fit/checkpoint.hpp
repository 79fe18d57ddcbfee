// A run between two steps, in a file (checkpoint.fbs).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "trainer/fit/record.hpp"
#include "trainer/setting.hpp"

namespace riffle::trainer {

/// Floats that a step moves. Names are unique.
struct Tensor {
  std::string name;
  std::span<float> values;
};

struct Checkpoint {
  std::span<const Setting> recipe;
  std::span<const Tensor> tensors;
  std::int64_t steps = 0;  ///< of the optimizer
  Record run;
};

/// The bytes of a checkpoint file. Throws Error where they would be more than 2 GiB, Exhausted where
/// memory is short.
std::vector<std::byte> save_checkpoint(const Checkpoint& checkpoint);

/// Reads a checkpoint of the same recipe and the same tensors: into the tensors' floats, `steps` and `run`. Throws
/// Error, with `name` in front, saying what is different (a setting, a tensor) or damaged; then nothing has been
/// written. The bytes are aligned to 8.
void parse_checkpoint(std::span<const std::byte> bytes, const std::string& name, Checkpoint& checkpoint);
void load_checkpoint(const std::string& path, Checkpoint& checkpoint);

}  // namespace riffle::trainer
