// What quantisation costs, layer by layer, as a picture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace riffle::draw {

struct LayerLoss {
  std::string name, operation;
  bool integers = false;  ///< or it computes in floats
  double decibels = 0.0;  ///< signal to noise of its results; infinite where they are exact
  std::int64_t weight_bytes = 0;
};

/// A bar a layer, in the network's order. `words`: a line beneath the title.
std::string losses_svg(const std::string& network, const std::string& words, const std::vector<LayerLoss>& layers);

}  // namespace riffle::draw
