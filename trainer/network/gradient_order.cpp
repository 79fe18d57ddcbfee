#include "trainer/network/gradient_order.hpp"

#include <map>
#include <utility>

namespace riffle::trainer {
namespace {

/// Going backward, the first operation that writes a channel's gradient stores it, the others add. Returns what nobody
/// writes.
std::vector<std::vector<Piece>> mark_first_writers(const Results& results,
                                                   std::vector<std::vector<Operand>>& operands) {
  std::map<const LayerResult*, std::vector<bool>> written;
  for (const std::unique_ptr<LayerResult>& result : results) {
    written[result.get()].resize(static_cast<std::size_t>(result->channels), false);
  }
  for (std::size_t i = operands.size(); i-- > 0;) {
    if (i < results.size() && !results[i]->wants_gradient) continue;
    for (Operand& operand : operands[i]) {
      std::vector<Piece> split;
      for (const Piece& piece : operand.pieces()) {
        std::vector<bool>& is_written = written[piece.result];
        for (std::int32_t c = 0; c < piece.channels; ++c) {
          const auto position = static_cast<std::size_t>(piece.first + c);
          const bool add = is_written[position];
          if (c > 0 && split.back().add == add) {
            ++split.back().channels;
          } else {
            split.push_back({piece.result, piece.first + c, 1, piece.column + c, add, false});
          }
          is_written[position] = true;
        }
      }
      operand.pieces() = std::move(split);
    }
  }
  std::vector<std::vector<Piece>> never_read(results.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::vector<bool>& is_written = written[results[i].get()];
    for (std::int32_t c = 0; results[i]->wants_gradient && c < results[i]->channels; ++c) {
      if (!is_written[static_cast<std::size_t>(c)]) never_read[i].push_back({results[i].get(), c, 1, 0});
    }
  }
  return never_read;
}

/// And the last one to write it makes it complete.
void mark_last_writers(const Results& results, std::vector<std::vector<Operand>>& operands) {
  std::map<const LayerResult*, std::vector<bool>> completed;
  for (const std::unique_ptr<LayerResult>& result : results) {
    completed[result.get()].resize(static_cast<std::size_t>(result->channels), false);
  }
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (i < results.size() && !results[i]->wants_gradient) continue;
    for (std::size_t o = operands[i].size(); o-- > 0;) {
      std::vector<Piece> split;
      // Backward: an operand's pieces are written in their order, so that the last of equals comes last.
      std::vector<Piece>& pieces = operands[i][o].pieces();
      for (std::size_t p = pieces.size(); p-- > 0;) {
        std::vector<bool>& is_completed = completed[pieces[p].result];
        std::vector<Piece> parts;
        for (std::int32_t c = 0; c < pieces[p].channels; ++c) {
          const auto position = static_cast<std::size_t>(pieces[p].first + c);
          const bool last = !is_completed[position];
          if (c > 0 && parts.back().last == last) {
            ++parts.back().channels;
          } else {
            parts.push_back({pieces[p].result, pieces[p].first + c, 1, pieces[p].column + c, pieces[p].add, last});
          }
          is_completed[position] = true;
        }
        split.insert(split.begin(), parts.begin(), parts.end());
      }
      pieces = std::move(split);
    }
  }
}

}  // namespace

std::vector<std::vector<Piece>> order_gradients(const Results& results, std::vector<std::vector<Operand>>& operands) {
  std::vector<std::vector<Piece>> never_read = mark_first_writers(results, operands);
  mark_last_writers(results, operands);
  return never_read;
}

}  // namespace riffle::trainer
