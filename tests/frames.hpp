// A camera's frame, for tests of the C API.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "riffle/riffle.h"

namespace riffle::tests {

/// RGB, 100 x 80, of pixels that are all kinds of things. Not to be copied: the frame points at its pixels.
struct SomeFrame {
  SomeFrame() {
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i / 7);
    frame.planes[0] = pixels.data();
    frame.width = 100;
    frame.height = 80;
  }
  SomeFrame(const SomeFrame&) = delete;
  SomeFrame& operator=(const SomeFrame&) = delete;

  std::vector<std::uint8_t> pixels = std::vector<std::uint8_t>(std::size_t{100} * 80 * 3);
  riffle_frame frame = {};
};

}  // namespace riffle::tests
