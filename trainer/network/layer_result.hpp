// A layer's result: where the tensor that it computed stands in the arena, and its gradient.
//
// A result holds what the layer computed for every pixel of every image of the batch, channels side by side, before
// batch norm and activation (trainer/kernels/gather_scatter.hpp). Its gradient is as large: with respect to what
// readers see while they add it up, and with respect to what stands before the activation once it is complete.
//
// Channels that different layers read stand in parts of their own, so that nobody is brought lines of memory of which
// it reads a few channels. Eight channels, of which the next layer reads four, another two, a third two:
//
//   pixel 0 1 2 ...         pixel 0 1 2 ...   pixel 0 1 2 ...
//   |0123|0123|0123|...     |45|45|45|...     |67|67|67|...
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/plan/layout.hpp"
#include "trainer/kernels/kernels.hpp"
#include "trainer/network/norm.hpp"

namespace riffle::trainer {

/// A worker's share of the batch, and its own scratch. A worker is no thread: one thread may do several workers' shares
/// in turn.
struct Share {
  int worker = 0, workers = 1;
  std::int64_t first = 0, last = 0;  ///< images
  float* scratch = nullptr;
};

using plan::Part;

struct LayerResult {
  /// By position: what a byte of the quantised network counts, its inverse, and 0. There is no norm then.
  struct Steps {
    std::vector<float> step, inverse, shift;
  };

  graph::NodeId layer = -1;
  std::string name;
  std::int32_t channels = 0;
  std::vector<Part> parts;          ///< of all channels, in their order; more than one behind a convolution alone
  std::int64_t pixels = 0;          ///< of an image
  std::int64_t batch_pixels = 0;    ///< of as many images as fit
  std::int64_t norm_pixels = 0;     ///< of an image: what the norm's statistics are of, more than `pixels` if pooled
  std::vector<std::int32_t> order;  ///< by position: the logical channel
  kernels::Clamp clamp;             ///< the activation behind the norm; with steps, counted in them
  bool clamped = false;             ///< has the activation been applied to what stands here? There is no norm then.
  std::unique_ptr<Norm> norm;       ///< null if there is none
  std::optional<Steps> steps;       ///< to which readers round (rounding.hpp); the activation has not been applied then
  bool planes = false;              ///< the input, as the caller has it: channel behind channel, not pixel by pixel
  bool wants_gradient = false;
  float* y = nullptr;         ///< batch_pixels * channels: part behind part, pixel behind pixel
  float* gradient = nullptr;  ///< likewise; null where none is wanted

  [[nodiscard]] bool is_one_part() const { return parts.size() == 1; }
  /// The part that has the position.
  [[nodiscard]] const Part& part_of(std::int32_t position) const { return parts[plan::part_at(parts, position)]; }
  /// Where a part's first channel of pixel `pixel` of the batch stands, in y and in the gradient.
  [[nodiscard]] std::int64_t place(const Part& part, std::int64_t pixel) const {
    return part.first * batch_pixels + pixel * part.channels;
  }

  /// The gradients of `count` channels of one part from position `position` on, from pixel `pixel` of the batch on.
  [[nodiscard]] GradientRun gradient_run(std::int32_t position, std::int32_t count, std::int64_t pixel,
                                         bool add) const {
    const Part& part = part_of(position);
    return {gradient + place(part, pixel) + (position - part.first), part.channels, count, add};
  }

  /// Says that pixels [first, first + count) of the batch have been computed, while they are still in a near cache. Of
  /// a result of one part.
  void computed(int worker, std::int64_t first, std::int64_t count) const {
    if (norm) norm->observe(worker, y + first * channels, channels, count);
  }
  /// Takes what has been computed for these pixels from a matrix.
  void write(const TrainingKernels& kernels, int worker, std::int64_t first, std::int64_t count, const float* rows,
             std::ptrdiff_t row_stride) const {
    if (norm) norm->observe(worker, rows, row_stride, count);
    for (const Part& part : parts) {
      kernels.scatter({y + place(part, first), part.channels, part.channels, false}, count, rows + part.first,
                      row_stride);
    }
  }

  /// How `count` channels of one part are read from position `position` on, from pixel `pixel` of the batch on: through
  /// the norm and the activation, or through these steps.
  [[nodiscard]] ColumnRun column_run(std::int32_t position, std::int32_t count, std::int64_t pixel) const {
    const Part& part = part_of(position);
    ColumnRun run;
    run.first = y + place(part, pixel) + (position - part.first);
    run.pixel_stride = part.channels;
    run.channels = count;
    if (!clamped) run.clamp = clamp;
    if (norm) {
      run.scale = norm->scale() + position;
      run.shift = norm->shift() + position;
    } else if (steps) {
      run.scale = steps->inverse.data() + position;
      run.shift = steps->shift.data() + position;
      run.step = steps->step.data() + position;
    }
    return run;
  }
  /// Would that copy what stands here?
  [[nodiscard]] bool is_read_as_it_stands() const { return !norm && !steps && (clamped || !has_activation()); }

  [[nodiscard]] bool has_activation() const { return clamp.has_bounds(); }

  /// The gradient of what the layer computed, of a part, from pixel `first` of the batch on.
  [[nodiscard]] GradientColumns gradient_columns(const Part& part, std::int64_t first) const {
    GradientColumns columns;
    columns.gradient = gradient + place(part, first);
    columns.y = y + place(part, first);
    columns.pixel_stride = columns.channels = part.channels;
    if (norm) norm->fill(columns, part.first);
    return columns;
  }
  /// All of it for some pixels, as a matrix.
  void read_gradient(const TrainingKernels& kernels, std::int64_t first, std::int64_t count, float* rows,
                     std::ptrdiff_t row_stride) const {
    for (const Part& part : parts) {
      kernels.gather_gradient(gradient_columns(part, first), count, rows + part.first, row_stride);
    }
  }

  /// Prefetches where these pixels' results will stand.
  void prefetch_results(Prefetcher& prefetcher, std::int64_t first, std::int64_t count) const {
    for (const Part& part : parts) prefetcher.add(y + place(part, first), count * part.channels);
  }
  /// Prefetches what read_gradient() reads.
  void prefetch_gradient(Prefetcher& prefetcher, std::int64_t first, std::int64_t count) const {
    for (const Part& part : parts) {
      prefetcher.add(gradient + place(part, first), count * part.channels);
      if (norm) prefetcher.add(y + place(part, first), count * part.channels);
    }
  }

  /// The last of the gradients of the channels from position `position` on, of `count` pixels: `run` and `rows` are
  /// scatter's.
  void complete(const TrainingKernels& kernels, int worker, const GradientRun& run, std::int32_t position,
                std::int64_t count, const float* rows, std::ptrdiff_t row_stride) const {
    if (!norm && !has_activation()) {
      if (rows != run.first) kernels.scatter(run, count, rows, row_stride);
      return;
    }
    Completion completion;
    completion.to = run;
    completion.y = y + (run.first - gradient);
    completion.clamp = clamp;
    if (norm) {
      norm->complete(worker, completion, position, count, rows, row_stride);
      return;
    }
    if (steps) {
      completion.scale = steps->inverse.data() + position;
      completion.shift = steps->shift.data() + position;
    }
    kernels.complete(completion, count, rows, row_stride);
  }
};

/// Addresses do not change.
using Results = graph::ById<std::unique_ptr<LayerResult>>;

}  // namespace riffle::trainer
