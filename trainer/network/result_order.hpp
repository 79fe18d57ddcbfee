// The order of a result's channels, as engine/plan/layout.hpp has it: those that the same layers read stand together,
// so that an operand is a few long pieces. Training has one result a layer and no halves; a convolution's is in parts,
// one for each set of readers, unless they are too narrow (layer_result.hpp).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trainer/network/layer_result.hpp"
#include "trainer/network/trace.hpp"

namespace riffle::trainer {

/// Is the layer a depthwise 3x3 convolution for which there is an operation of its own?
bool is_depthwise(const Layer& layer);

class ResultOrder {
 public:
  explicit ResultOrder(const Trace& trace);

  /// order(l)[p]: the logical channel at position p of layer l's result.
  [[nodiscard]] const std::vector<std::int32_t>& order(std::size_t layer) const { return order_[layer]; }
  /// The parts of layer l's result.
  [[nodiscard]] const std::vector<Part>& parts(std::size_t layer) const { return parts_[layer]; }
  [[nodiscard]] std::int32_t position(const Channel& channel) const {
    return position_[static_cast<std::size_t>(channel.node)][static_cast<std::size_t>(channel.index)];
  }

  /// The indices of `channels` in the order of their places.
  [[nodiscard]] std::vector<std::int32_t> sorted(std::span<const Channel> channels) const;

 private:
  void set_order(std::size_t layer, std::vector<std::int32_t> order);

  std::vector<std::vector<std::int32_t>> order_, position_;
  std::vector<std::vector<Part>> parts_;
};

}  // namespace riffle::trainer
