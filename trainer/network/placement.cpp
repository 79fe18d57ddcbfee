#include "trainer/network/placement.hpp"

#include <algorithm>
#include <numeric>

#include "engine/memory/arena.hpp"
#include "trainer/network/operation.hpp"

namespace riffle::trainer {
namespace {

/// Calls f(reader) for everyone who reads a layer's result, perhaps several times; the loss counts as the last layer.
template <class F>
void for_readers(const plan::Readers& readers, const Results& results, std::size_t layer, F&& f) {
  for (std::int32_t c = 0; c < results[layer]->channels; ++c) {
    for (const graph::NodeId reader : readers.of({static_cast<graph::NodeId>(layer), c})) {
      f(static_cast<std::size_t>(reader));
    }
  }
}

/// A sum's gradient is its operands', so that it may become theirs where it stands: that of an operand whose gradient
/// comes from the sum alone, and also that of another to which layers add only when the first has been used. What the
/// sum itself makes complete must have no activation: it would be applied to the gradient of both. Returns, by layer,
/// the one in whose gradient's memory its own stands, perhaps itself.
std::vector<std::size_t> share_gradients(const Trace& trace, const plan::Readers& readers, const Results& results,
                                         const std::vector<std::vector<Operand>>& operands) {
  std::vector<std::size_t> shares(trace.layers.size());
  std::iota(shares.begin(), shares.end(), 0);
  const auto index = [&](const LayerResult* result) {
    const auto is = [&](const std::unique_ptr<LayerResult>& other) { return other.get() == result; };
    return static_cast<std::size_t>(std::find_if(results.begin(), results.end(), is) - results.begin());
  };
  for (std::size_t i = 1; i < trace.layers.size(); ++i) {
    if (!is_pixel_wise(trace.layers[i]) || !results[i]->wants_gradient) continue;
    const auto may_share = [&](const Operand& operand) {
      const LayerResult* const result = operand.gradient_in_place();
      if (result == nullptr || (operand.pieces()[0].last && result->has_activation())) return false;
      return std::none_of(operands[i].begin(), operands[i].end(), [&](const Operand& other) {
        return &other != &operand && std::any_of(other.pieces().begin(), other.pieces().end(),
                                                 [&](const Piece& piece) { return piece.result == result; });
      });
    };
    const auto last_reader_but_i = [&](std::size_t layer) {
      std::size_t last = 0;
      for_readers(readers, results, layer,
                  [&](std::size_t reader) { last = std::max(last, reader == i ? 0 : reader); });
      return last;
    };
    std::size_t alone = 0;
    for (const Operand& operand : operands[i]) {
      if (alone == 0 && may_share(operand) && operand.pieces()[0].last) alone = index(operand.pieces()[0].result);
    }
    std::size_t other = 0;
    for (const Operand& operand : operands[i]) {
      const LayerResult* const result = operand.pieces()[0].result;
      if (other == 0 && may_share(operand) && index(result) != alone &&
          (alone == 0 || last_reader_but_i(index(result)) < alone)) {
        other = index(result);
      }
    }
    if (alone != 0) shares[alone] = i;
    if (other != 0) shares[other] = i;
  }
  return shares;
}

}  // namespace

ResultPlaces place_results(const Trace& trace, const plan::Readers& readers, const Results& results,
                           const std::vector<std::vector<Operand>>& operands,
                           const std::vector<bool>& fused_into_reader, std::int32_t batch) {
  // A step is a layer's forward or backward pass: layer i's are i and 2 n + 1 - i, the loss's n and n + 1.
  const std::size_t count = results.size();
  std::vector<memory::Lifetime> lifetimes(2 * count);
  for (std::size_t i = 0; i < count; ++i) {
    const LayerResult& result = *results[i];
    const auto backward_step = [&](std::size_t layer) { return static_cast<std::int32_t>(2 * count + 1 - layer); };
    memory::Lifetime &y = lifetimes[2 * i], &gradient = lifetimes[2 * i + 1];
    y.size = row_floats(batch * result.pixels * result.channels + slack);
    y.first_step = static_cast<std::int32_t>(i);
    y.last_step = result.wants_gradient ? backward_step(i) : y.first_step;
    gradient.size = result.wants_gradient ? y.size : 0;
    gradient.first_step = gradient.last_step = backward_step(i);
    for_readers(readers, results, i, [&](std::size_t reader) {
      const bool backward = reader == count || results[reader]->wants_gradient;
      if (reader < count && fused_into_reader[reader]) ++reader;
      y.last_step = std::max(y.last_step, backward ? backward_step(reader) : static_cast<std::int32_t>(reader));
      if (backward) gradient.first_step = std::min(gradient.first_step, backward_step(reader));
    });
  }
  std::vector<std::size_t> shares = share_gradients(trace, readers, results, operands);
  for (std::size_t i = results.size(); i-- > 0;) {  // a sum comes behind its operands
    if (shares[i] == i) continue;
    shares[i] = shares[shares[i]];
    memory::Lifetime &own = lifetimes[2 * i + 1], &shared = lifetimes[2 * shares[i] + 1];
    shared.first_step = std::min(shared.first_step, own.first_step);
    shared.last_step = std::max(shared.last_step, own.last_step);
    own.size = 0;
  }
  std::vector<memory::Lifetime> placed;
  for (const memory::Lifetime& lifetime : lifetimes) {
    if (lifetime.size > 0) placed.push_back(lifetime);
  }
  const memory::Placement placement = memory::place_blocks(placed, 16);
  ResultPlaces places;
  places.floats = placement.total + slack;
  places.y.resize(results.size());
  places.gradient.resize(results.size(), -1);
  std::size_t next = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    places.y[i] = placement.offsets[next++];
    if (lifetimes[2 * i + 1].size > 0) places.gradient[i] = placement.offsets[next++];
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (shares[i] != i) places.gradient[i] = places.gradient[shares[i]];
  }
  return places;
}

}  // namespace riffle::trainer
