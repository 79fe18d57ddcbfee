#include "trainer/network/result_order.hpp"

#include <algorithm>
#include <numeric>

namespace riffle::trainer {

namespace {

// Channels of the narrowest part: a line of memory holds twice as many.
constexpr std::int32_t least_part = 8;

}  // namespace

bool is_depthwise(const Layer& layer) {
  const auto* convolution = std::get_if<graph::Convolution>(&layer.operation);
  if (convolution == nullptr || !graph::is_depthwise(*convolution, layer.in.c)) return false;
  const kernels::Window& w = layer.window;
  return w.kernel_h == 3 && w.kernel_w == 3 && w.dilation_h == 1 && w.dilation_w == 1 && w.stride_w <= 2;
}

ResultOrder::ResultOrder(const Trace& trace)
    : order_(trace.layers.size()), position_(trace.layers.size()), parts_(trace.layers.size()) {
  const std::size_t count = trace.layers.size();
  std::vector<std::vector<std::vector<std::size_t>>> readers(count);  // by layer and channel
  for (std::size_t i = 0; i < count; ++i) readers[i].resize(static_cast<std::size_t>(trace.layers[i].out.c));
  const auto note = [&](const ChannelList& list, std::size_t reader) {
    for (const Channel& channel : list) {
      readers[static_cast<std::size_t>(channel.node)][static_cast<std::size_t>(channel.index)].push_back(reader);
    }
  };
  for (std::size_t i = 0; i < count; ++i) {
    for (const ChannelList& operand : trace.layers[i].operands) note(operand, i);
  }
  note(trace.output, count);

  for (std::size_t i = 0; i < count; ++i) {
    const Layer& layer = trace.layers[i];
    parts_[i] = {Part{0, layer.out.c}};
    const auto* convolution = std::get_if<graph::Convolution>(&layer.operation);
    const bool any_order = i == 0 || (convolution != nullptr && !is_depthwise(layer)) ||
                           std::holds_alternative<graph::FullyConnected>(layer.operation);
    if (!any_order) {
      set_order(i, sorted(layer.operands[0]));
      continue;
    }
    std::vector<std::int32_t> order(static_cast<std::size_t>(layer.out.c));
    std::iota(order.begin(), order.end(), 0);
    const std::ptrdiff_t each = layer.out.c / (convolution == nullptr ? 1 : convolution->groups);
    for (auto group = order.begin(); i != 0 && group != order.end(); group += each) {
      std::stable_sort(group, group + each, [&](std::int32_t a, std::int32_t b) {
        return readers[i][static_cast<std::size_t>(a)] < readers[i][static_cast<std::size_t>(b)];
      });
    }
    const auto read_alike = [&](std::int32_t a, std::int32_t b) {
      return readers[i][static_cast<std::size_t>(order[static_cast<std::size_t>(a)])] ==
             readers[i][static_cast<std::size_t>(order[static_cast<std::size_t>(b)])];
    };
    const bool writes_matrices = i != 0 && layer.operands[0][0].node != 0;  // the first convolution does not
    for (std::int32_t p = least_part; writes_matrices && p + least_part <= layer.out.c; ++p) {
      Part& last = parts_[i].back();
      if (p - last.first < least_part || read_alike(p - 1, p)) continue;
      last.channels = p - last.first;
      parts_[i].push_back({p, layer.out.c - p});
    }
    set_order(i, std::move(order));
  }
}

std::vector<std::int32_t> ResultOrder::sorted(std::span<const Channel> channels) const {
  std::vector<std::int32_t> order(channels.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    const Channel &ca = channels[static_cast<std::size_t>(a)], &cb = channels[static_cast<std::size_t>(b)];
    return ca.node != cb.node ? ca.node < cb.node : position(ca) < position(cb);
  });
  return order;
}

void ResultOrder::set_order(std::size_t layer, std::vector<std::int32_t> order) {
  std::vector<std::int32_t>& position = position_[layer];
  position.resize(order.size());
  for (std::size_t p = 0; p < order.size(); ++p) {
    position[static_cast<std::size_t>(order[p])] = static_cast<std::int32_t>(p);
  }
  order_[layer] = std::move(order);
}

}  // namespace riffle::trainer
