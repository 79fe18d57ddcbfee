// Inputs for a network, from a folder of pictures, an IDX file or a .npy file, and their classes where they are known.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace riffle::tools {

/// They are read as they are asked for, by one thread at a time.
class CalibrationData {
 public:
  virtual ~CalibrationData() = default;
  [[nodiscard]] virtual std::int64_t count() const = 0;
  /// For messages.
  [[nodiscard]] virtual std::string name(std::int64_t i) const = 0;
  /// Writes one input as the model takes it, of u8 where the model's input is, else of f32. Throws Error naming it.
  virtual void read(std::int64_t i, std::span<std::byte> input) = 0;
  /// Does preprocessing have a say?
  [[nodiscard]] virtual bool has_pictures() const { return true; }

  /// Of each, its class; empty where they are not known.
  std::vector<std::uint8_t> labels;
};

/// `labels`: an IDX file of them, or empty: then that beside an IDX file of images whose name differs from theirs as
/// MNIST's do, if there is one. `preprocessing` makes the input's numbers of a picture. Throws Error for what is
/// none of the three, holds nothing, or does not fit the input.
std::unique_ptr<CalibrationData> open_calibration_data(const std::string& path, const std::string& labels,
                                                       const graph::Input& input,
                                                       const graph::Preprocessing& preprocessing);

}  // namespace riffle::tools
