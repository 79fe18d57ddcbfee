#include "trainer/network/gradient_order.hpp"

namespace riffle::trainer {
namespace {

using graph::NodeId;

/// By layer and position: has an operation been met that writes the channel's gradient?
using Met = graph::ById<std::vector<bool>>;

Met none_met(const Results& results) {
  Met met;
  for (const auto& result : results) met.emplace_back(static_cast<std::size_t>(result->channels), false);
  return met;
}

/// The piece, its channels marked by mark(piece, has been met), and cut where that differs. Then they have been met.
template <class F>
std::vector<Piece> marked(const Piece& piece, Met& met, F&& mark) {
  std::vector<Piece> pieces;
  for (std::int32_t c = 0; c < piece.channels; ++c) {
    Piece one = piece;
    one.first += c;
    one.column += c;
    one.channels = 1;
    auto is_met = met[piece.result->layer][static_cast<std::size_t>(one.first)];
    mark(one, is_met);
    is_met = true;
    if (c > 0 && pieces.back().add == one.add && pieces.back().last == one.last) {
      ++pieces.back().channels;
    } else {
      pieces.push_back(one);
    }
  }
  return pieces;
}

bool wants_gradient(const Results& results, NodeId reader) {
  return reader == results.end_id() || results[reader]->wants_gradient;
}

}  // namespace

graph::ById<std::vector<Piece>> order_gradients(const Results& results, Operands& operands) {
  // Going backward, the first operation that writes a channel's gradient stores it, the others add.
  Met written = none_met(results);
  for (NodeId i = operands.end_id(); i-- > 0;) {
    if (!wants_gradient(results, i)) continue;
    for (Operand& operand : operands[i]) {
      std::vector<Piece> pieces;
      for (const Piece& piece : operand.pieces()) {
        const auto parts = marked(piece, written, [](Piece& part, bool is_written) { part.add = is_written; });
        pieces.insert(pieces.end(), parts.begin(), parts.end());
      }
      operand.pieces() = std::move(pieces);
    }
  }
  // And the last one makes it complete: going forward it is the first, of a layer's operands and an operand's pieces,
  // which are written in their order, the last.
  Met completed = none_met(results);
  for (NodeId i = 0; i < operands.end_id(); ++i) {
    if (!wants_gradient(results, i)) continue;
    for (auto operand = operands[i].rbegin(); operand != operands[i].rend(); ++operand) {
      std::vector<Piece> pieces;
      for (auto piece = operand->pieces().rbegin(); piece != operand->pieces().rend(); ++piece) {
        const auto parts = marked(*piece, completed, [](Piece& part, bool is_completed) { part.last = !is_completed; });
        pieces.insert(pieces.begin(), parts.begin(), parts.end());
      }
      operand->pieces() = std::move(pieces);
    }
  }
  graph::ById<std::vector<Piece>> never_read(results.size());
  for (NodeId i = 0; i < results.end_id(); ++i) {
    if (!results[i]->wants_gradient) continue;
    for (std::int32_t c = 0; c < results[i]->channels; ++c) {
      if (!written[i][static_cast<std::size_t>(c)]) never_read[i].push_back({results[i].get(), c, 1, 0});
    }
  }
  return never_read;
}

}  // namespace riffle::trainer
