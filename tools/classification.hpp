// From a picture to its class: what stands around a network that classifies.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/plan/plan.hpp"
#include "tools/picture.hpp"

namespace riffle::tools {

/// Pixels / 255, less the mean, divided by the standard deviation: one value a channel, or one for all.
struct Normalisation {
  std::vector<float> mean = {0.0F};
  std::vector<float> deviation = {1.0F};
};

/// Turns pictures into a network's input: gray to its channels, resized bilinearly to its size, normalised.
class Preprocess {
 public:
  /// `input` is the network's. Throws Error unless it has 1 or 3 channels and the normalisation has a value for each,
  /// the deviations not zero.
  Preprocess(const graph::Shape& input, const Normalisation& normalisation, const kernels::Kernels& kernels);
  Preprocess(const plan::Plan& plan, const Normalisation& normalisation)
      : Preprocess(plan.input, normalisation, *plan.kernels) {}

  /// Writes input.size() floats, NCHW. The picture has the network's channels, or one: gray is in each of three. Throws
  /// Error for another. Allocates nothing; thread-safe.
  void operator()(const Picture& picture, std::span<float> input) const;

  [[nodiscard]] std::int32_t channels() const { return args_.channels; }

 private:
  kernels::FrameArgs args_;  ///< but for the picture's side of it
  kernels::FrameKernel kernel_;
};

/// Throws Error unless the plan's output is one value a class.
void require_classifier(const plan::Plan& plan);

/// In place: exp(x - max) / sum.
void softmax(std::span<float> values);

/// The indices of the `count` largest values, largest first; of equal values the lower index first. A NaN counts as
/// the smallest. count: at most values.size().
std::vector<std::int32_t> largest(std::span<const float> values, std::int32_t count);

/// A file of one name a line. Throws Error naming the path.
std::vector<std::string> read_names(const std::string& path);

/// The same, of exactly `classes` names.
std::vector<std::string> read_labels(const std::string& path, std::int32_t classes);

}  // namespace riffle::tools
