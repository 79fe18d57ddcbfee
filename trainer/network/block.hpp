// Where a layer's results stand, and how they are read.
//
// A block holds what the layer computed for every pixel of every image of the batch, channels side by side, before
// batch norm and activation (trainer/kernels/columns.hpp). Its gradient, with respect to what readers see, is as large.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "trainer/kernels/kernels.hpp"
#include "trainer/network/norm.hpp"

namespace riffle::trainer {

/// A worker's share of the batch, and its own scratch.
struct Share {
  int worker = 0, workers = 1;
  std::int64_t first = 0, last = 0;  ///< images
  float* scratch = nullptr;
};

struct Block {
  std::string name;
  std::int32_t channels = 0;
  std::int64_t pixels = 0;          ///< of an image
  std::vector<std::int32_t> order;  ///< by position: the logical channel
  kernels::Clamp clamp;             ///< what readers apply, behind the norm
  std::unique_ptr<Norm> norm;       ///< null if there is none
  bool wants_gradient = false;
  float* y = nullptr;         ///< batch * pixels * channels
  float* gradient = nullptr;  ///< likewise; null where none is wanted

  /// Says that pixels [first, first + count) of the batch have been computed, while they are still in a near cache.
  void computed(int worker, std::int64_t first, std::int64_t count) const {
    if (norm) norm->observe(worker, y + first * channels, count);
  }

  /// The gradient of what the layer computed, from pixel `first` of the batch on.
  [[nodiscard]] GradientColumns gradient_columns(std::int64_t first) const {
    GradientColumns columns;
    columns.gradient = gradient + first * channels;
    columns.y = y + first * channels;
    columns.pixel_stride = channels;
    columns.channels = channels;
    columns.clamp = clamp;
    if (norm) norm->fill(columns);
    return columns;
  }

  /// Says that the gradients of `width` channels from position `position` on are complete for pixels [first, first +
  /// count), while they are still in a near cache.
  void gradient_complete(int worker, std::int64_t first, std::int64_t count, std::int32_t position,
                         std::int32_t width) const {
    if (norm) norm->observe_gradient(worker, gradient_columns(first), count, position, width);
  }
};

/// Neighbouring channels of one block, and the column of an operation's matrix where they begin.
struct Piece {
  const Block* block = nullptr;
  std::int32_t first = 0;  ///< position in the block
  std::int32_t channels = 0;
  std::int32_t column = 0;
  bool add = false;   ///< its gradient joins what is there, or else is the first to be written
  bool last = false;  ///< and is the last: the gradient is complete
};

/// How an operation reads an operand: pieces that fill columns [0, columns) between them.
class Operand {
 public:
  Operand() = default;
  Operand(std::vector<Piece> pieces, std::int32_t columns) : pieces_(std::move(pieces)), columns_(columns) {}

  [[nodiscard]] std::int32_t columns() const { return columns_; }
  [[nodiscard]] std::int64_t pixels() const { return pieces_[0].block->pixels; }
  [[nodiscard]] bool wants_gradient() const {
    for (const Piece& piece : pieces_) {
      if (piece.block->wants_gradient) return true;
    }
    return false;
  }
  [[nodiscard]] std::vector<Piece>& pieces() { return pieces_; }
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }

  /// The batch's pixels where they stand, `columns()` floats each, if that is what read() would give; else null.
  [[nodiscard]] const float* in_place() const {
    const Piece& piece = pieces_[0];
    const Block& block = *piece.block;
    const bool plain = pieces_.size() == 1 && piece.channels == block.channels && !block.norm &&
                       block.clamp.lower == -std::numeric_limits<float>::infinity();
    return plain ? block.y : nullptr;
  }

  /// Pixels [first, first + count) of the batch as rows, each value through its block's norm and activation; with
  /// `add`, on top of what is there.
  void read(const TrainingKernels& kernels, std::int64_t first, std::int64_t count, float* rows,
            std::ptrdiff_t row_stride, bool add = false) const {
    for (const Piece& piece : pieces_) {
      const Block& block = *piece.block;
      ColumnRun run;
      run.first = block.y + first * block.channels + piece.first;
      run.pixel_stride = block.channels;
      run.channels = piece.channels;
      run.column = piece.column;
      run.clamp = block.clamp;
      run.add = add;
      if (block.norm) {
        run.scale = block.norm->scale() + piece.first;
        run.shift = block.norm->shift() + piece.first;
      }
      kernels.gather(run, count, rows, row_stride);
    }
  }

  /// The gradient of what read() read; row_stride 0 gives the same row to every pixel.
  void write_gradient(const TrainingKernels& kernels, int worker, std::int64_t first, std::int64_t count,
                      const float* rows, std::ptrdiff_t row_stride) const {
    for (const Piece& piece : pieces_) {
      const Block& block = *piece.block;
      if (!block.wants_gradient) continue;
      kernels.scatter(
          {block.gradient + first * block.channels + piece.first, block.channels, piece.channels, piece.add}, count,
          rows + piece.column, row_stride);
      if (piece.last) block.gradient_complete(worker, first, count, piece.first, piece.channels);
    }
  }

  /// The block whose gradient is that of read()'s rows as it stands, and nobody else's: then it may be written in
  /// place.
  [[nodiscard]] const Block* gradient_in_place() const {
    const Piece& piece = pieces_[0];
    const bool alone = pieces_.size() == 1 && piece.channels == piece.block->channels && !piece.add;
    return alone && piece.block->wants_gradient ? piece.block : nullptr;
  }
  /// Says that gradient_in_place()'s pixels [first, first + count) have been written.
  void gradient_written(int worker, std::int64_t first, std::int64_t count) const {
    const Piece& piece = pieces_[0];
    if (piece.last) piece.block->gradient_complete(worker, first, count, piece.first, piece.channels);
  }

 private:
  std::vector<Piece> pieces_;
  std::int32_t columns_ = 0;
};

}  // namespace riffle::trainer
