// From a picture to a network's input.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/decode/placement.hpp"
#include "engine/plan/plan.hpp"
#include "io/picture.hpp"
#include "io/resample.hpp"

namespace riffle::io {

/// Turns pictures into a network's input: upright, gray to its channels, resized to its size, normalised. One thread
/// uses it; copies are independent.
///
/// Cropped pictures, and those that antialiasing makes smaller, are resized in 8 bits as torchvision does it with
/// Pillow (resample.hpp). All others are stretched in float (kernels/frame/frame.hpp), as PyTorch's interpolate does it
/// with align_corners=False.
class Preprocess {
 public:
  /// `input` is the network's, planes or pixels of f32 or u8. Throws Error for what graph::check() refuses.
  Preprocess(const graph::Shape& input, const graph::Preprocessing& preprocessing, const kernels::Kernels& kernels,
             Type type = Type::f32, const graph::Arrangement& arrangement = {});
  /// Of the plan's first input.
  Preprocess(const plan::Plan& plan, const graph::Preprocessing& preprocessing)
      : Preprocess(plan.inputs[0].shape, preprocessing, *plan.kernels, plan.inputs[0].type,
                   plan.inputs[0].arrangement) {}

  /// Writes the input's numbers, as the network's input has them. The picture has the network's channels, or one: gray
  /// is in each of three. Throws Error for another. Allocates where it resizes in 8 bits, for a larger picture than any
  /// before.
  void operator()(const Picture& picture, std::span<std::byte> input);
  void operator()(const Picture& picture, std::span<float> input) { (*this)(picture, std::as_writable_bytes(input)); }

  /// Where the input lies in the upright picture.
  [[nodiscard]] decode::Placement placement(const Picture& picture) const;

  /// The part of an upright picture where `placement` says that the input lies, whatever the rule for whole pictures
  /// is. Outside the picture its edge goes on. Each pixel of the input is the mean of samples, as many as a sample a
  /// pixel of the picture takes where it is antialiased, else of one, which is bilinear.
  void operator()(const Picture& picture, const decode::Placement& placement, std::span<std::byte> input) const;

  [[nodiscard]] std::int32_t channels() const { return args_.channels; }

 private:
  void check_channels(const Picture& picture) const;
  [[nodiscard]] graph::Covered covered(const Picture& picture) const;
  [[nodiscard]] bool in_bytes(const Picture& picture, const graph::Covered& covered) const;

  kernels::FrameArgs args_;  ///< but for the picture's side of it
  kernels::FrameKernel kernel_;
  graph::Fit resize_;
  graph::Align align_;
  bool antialias_;
  std::int32_t resize_size_;
  Resampler resample_;
};

/// "stretched to 224 x 224, antialiased; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225", or "shorter edge to 256,
/// middle 224 x 224, antialiased; pixels as they are", or "letterboxed to 320 x 320, ...; BGR".
std::string preprocessing_text(const graph::Preprocessing& preprocessing, const graph::Shape& input);

}  // namespace riffle::io
