#include "trainer/network/placement.hpp"

#include <algorithm>
#include <numeric>

#include "engine/memory/arena.hpp"
#include "trainer/network/operation.hpp"

namespace riffle::trainer {
namespace {

using graph::NodeId;

/// Calls f(reader) for everyone who reads a layer's result, perhaps several times; the loss counts as the last layer.
template <class F>
void for_readers(const plan::Readers& readers, const LayerResult& result, F&& f) {
  for (std::int32_t c = 0; c < result.channels; ++c) {
    for (const NodeId reader : readers.of({result.layer, c})) f(reader);
  }
}

/// A sum's gradient is its operands', so that it may become theirs where it stands: that of an operand whose gradient
/// comes from the sum alone, and also that of another to which layers add only when the first has been used. What the
/// sum itself makes complete must have no activation: it would be applied to the gradient of both. Returns, by layer,
/// the one in whose gradient's memory its own stands, perhaps itself.
graph::ById<NodeId> share_gradients(const Trace& trace, const plan::Readers& readers, const Results& results,
                                    const Operands& operands) {
  graph::ById<NodeId> shares(trace.layers.size());
  std::iota(shares.begin(), shares.end(), 0);
  for (NodeId i = 1; i < trace.layers.end_id(); ++i) {
    if (!is_pixel_wise(trace.layers[i]) || !results[i]->wants_gradient) continue;
    const auto may_share = [&](const Operand& operand) {
      const LayerResult* const result = operand.gradient_in_place();
      if (result == nullptr || (operand.pieces()[0].last && result->has_activation())) return false;
      return std::none_of(operands[i].begin(), operands[i].end(), [&](const Operand& other) {
        return &other != &operand && std::any_of(other.pieces().begin(), other.pieces().end(),
                                                 [&](const Piece& piece) { return piece.result == result; });
      });
    };
    const auto last_reader_but_i = [&](const LayerResult& result) {
      NodeId last = 0;
      for_readers(readers, result, [&](NodeId reader) { last = std::max(last, reader == i ? 0 : reader); });
      return last;
    };
    NodeId alone = 0;
    for (const Operand& operand : operands[i]) {
      if (alone == 0 && may_share(operand) && operand.pieces()[0].last) alone = operand.pieces()[0].result->layer;
    }
    NodeId other = 0;
    for (const Operand& operand : operands[i]) {
      const LayerResult& result = *operand.pieces()[0].result;
      if (other == 0 && may_share(operand) && result.layer != alone &&
          (alone == 0 || last_reader_but_i(result) < alone)) {
        other = result.layer;
      }
    }
    if (alone != 0) shares[alone] = i;
    if (other != 0) shares[other] = i;
  }
  return shares;
}

}  // namespace

ResultPlaces place_results(const Trace& trace, const plan::Readers& readers, const Results& results,
                           const Operands& operands, const graph::ById<bool>& fused_into_reader, std::int32_t batch) {
  // A step is a layer's forward or backward pass: layer i's are i and 2 n + 1 - i, the loss's n and n + 1.
  const NodeId count = results.end_id();
  const auto backward_step = [&](NodeId layer) { return 2 * count + 1 - layer; };
  graph::ById<memory::Lifetime> y(results.size()), gradient(results.size());
  for (NodeId i = 0; i < count; ++i) {
    const LayerResult& result = *results[i];
    y[i].size = row_floats(batch * result.pixels * result.channels + slack);
    y[i].first_step = i;
    y[i].last_step = result.wants_gradient ? backward_step(i) : i;
    gradient[i].size = result.wants_gradient ? y[i].size : 0;
    gradient[i].first_step = gradient[i].last_step = backward_step(i);
    for_readers(readers, result, [&](NodeId reader) {
      const bool backward = reader == count || results[reader]->wants_gradient;
      if (reader < count && fused_into_reader[reader]) ++reader;
      y[i].last_step = std::max(y[i].last_step, backward ? backward_step(reader) : reader);
      if (backward) gradient[i].first_step = std::min(gradient[i].first_step, backward_step(reader));
    });
  }
  graph::ById<NodeId> shares = share_gradients(trace, readers, results, operands);
  for (NodeId i = count; i-- > 0;) {  // a sum comes behind its operands
    if (shares[i] == i) continue;
    shares[i] = shares[shares[i]];
    memory::Lifetime &own = gradient[i], &shared = gradient[shares[i]];
    shared.first_step = std::min(shared.first_step, own.first_step);
    shared.last_step = std::max(shared.last_step, own.last_step);
    own.size = 0;
  }
  std::vector<memory::Lifetime> placed;
  for (NodeId i = 0; i < count; ++i) {
    placed.push_back(y[i]);
    if (gradient[i].size > 0) placed.push_back(gradient[i]);
  }
  const memory::Placement placement = memory::place_blocks(placed, 16);
  ResultPlaces places;
  places.floats = placement.total + slack;
  places.y.resize(results.size());
  places.gradient.resize(results.size(), -1);
  auto next = placement.offsets.begin();
  for (NodeId i = 0; i < count; ++i) {
    places.y[i] = *next++;
    if (gradient[i].size > 0) places.gradient[i] = *next++;
  }
  for (NodeId i = 0; i < count; ++i) {
    if (shares[i] != i) places.gradient[i] = places.gradient[shares[i]];
  }
  return places;
}

}  // namespace riffle::trainer
