#include "engine/plan/moves.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace riffle::plan {
namespace {

using graph::Index;
using kernels::MoveLoop;
using Digit = graph::ResolvedArrangement::Digit;

/// A loop over a run (from) and arranged memory (to).
using Loops = std::vector<MoveLoop>;

/// Some of a run's channels: all values of the loops from these places on.
struct Box {
  std::int64_t channel = 0, place = 0;
  Loops loops;
};

/// Cuts channels [first, last), one or more, where their outermost digit changes, if not all of the digits within it
/// belong to them. `digits` with their strides in the memory.
void cut_in_boxes(std::span<const std::pair<Digit, std::int64_t>> digits, std::int64_t first, std::int64_t last,
                  Box box, std::vector<Box>& boxes) {
  if (digits.empty()) {
    boxes.push_back(std::move(box));
    return;
  }
  const std::int64_t stride = digits[0].second, step = digits[0].first.step;
  const std::int64_t begin = (first + step - 1) / step, end = last / step;
  const auto within = [&](std::int64_t value, std::int64_t from, std::int64_t to) {
    Box one = box;
    one.channel += value * step;
    one.place += value * stride;
    cut_in_boxes(digits.subspan(1), from, to, std::move(one), boxes);
  };
  if (begin > end) return within(end, first - end * step, last - end * step);  // between two values
  if (begin * step > first) within(begin - 1, first - (begin - 1) * step, step);
  if (begin < end) {
    Box one = box;
    one.channel += begin * step;
    one.place += begin * stride;
    one.loops.push_back({static_cast<std::int32_t>(end - begin), step, stride});
    cut_in_boxes(digits.subspan(1), 0, step, std::move(one), boxes);
  }
  if (end * step < last) within(end, 0, last - end * step);
}

/// As the kernel wants them: two or more, as few as possible, with the one that goes on by single elements innermost.
/// Where that is another loop on either side, the one with fewer values is, and the other is around it.
Loops in_order(Loops loops) {
  std::erase_if(loops, [](const MoveLoop& loop) { return loop.extent == 1; });
  std::ranges::stable_sort(loops, [](const MoveLoop& a, const MoveLoop& b) { return a.to > b.to; });
  for (std::size_t i = loops.size(); i-- > 1 && loops.size() > 2;) {
    const MoveLoop &outer = loops[i - 1], &inner = loops[i];
    if (outer.from != inner.from * inner.extent || outer.to != inner.to * inner.extent) continue;
    loops[i - 1] = {outer.extent * inner.extent, inner.from, inner.to};  // at most graph::max_tensor_floats
    loops.erase(loops.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (loops.size() < 2) {
    loops.insert(loops.begin(), 2 - loops.size(), MoveLoop{});
    return loops;
  }
  const auto put_last = [&](auto loop) { std::rotate(loop, loop + 1, loops.end()); };
  const auto nearest = std::ranges::min_element(loops, {}, &MoveLoop::from);
  const auto written = loops.end() - 1;
  if (nearest == written) return loops;
  if (nearest->extent <= written->extent) {
    put_last(nearest);
  } else {
    std::iter_swap(nearest, loops.end() - 2);
  }
  return loops;
}

}  // namespace

ArrangedMemory side_by_side(const graph::Arrangement& arrangement, const graph::Shape& shape,
                            kernels::Numbers numbers) {
  ArrangedMemory memory{graph::resolve(graph::arrangement_of(arrangement), shape), {}, numbers};
  for (const Digit& digit : memory.arrangement.digits) memory.strides.push_back(digit.stride);
  return memory;
}

ArrangedMemory as_pixels(const graph::Arrangement& arrangement, const graph::Shape& shape, kernels::Numbers numbers,
                         std::int32_t width, std::int32_t pixel_stride) {
  ArrangedMemory memory{graph::resolve(arrangement, shape), {}, numbers};
  const std::vector<std::int64_t>& extents = memory.arrangement.extents;
  const std::int64_t within[] = {extents[1] * extents[2], extents[2], 1};  // what a digit's stride counts in
  const std::int64_t axes[] = {std::int64_t{width} * pixel_stride, pixel_stride, 1};
  for (const Digit& digit : memory.arrangement.digits) {
    memory.strides.push_back(digit.stride / within[digit.axis] * axes[digit.axis]);
  }
  return memory;
}

std::optional<std::int32_t> pixel_stride_in(const ArrangedMemory& memory, const graph::Shape& shape) {
  std::optional<std::int64_t> pixel_stride;
  for (std::size_t i = 0; i < memory.strides.size(); ++i) {
    const Digit& digit = memory.arrangement.digits[i];
    if (digit.extent == 1) continue;
    if (digit.index == Index::channel) {
      if (memory.strides[i] != digit.step) return std::nullopt;
      continue;
    }
    const std::int64_t pixels = digit.step * (digit.index == Index::row ? shape.w : 1);
    if (memory.strides[i] % pixels != 0) return std::nullopt;
    const std::int64_t stride = memory.strides[i] / pixels;
    if (pixel_stride.value_or(stride) != stride) return std::nullopt;
    pixel_stride = stride;
  }
  const std::int64_t stride = pixel_stride.value_or(shape.c);
  if (stride < shape.c || stride > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return static_cast<std::int32_t>(stride);
}

void MoveList::add(const ArrangedMemory& memory, const kernels::ChannelRun& run, std::int32_t channel,
                   std::int32_t width, MoveTo to) {
  Loops pixels;
  std::vector<std::pair<Digit, std::int64_t>> channels;
  for (std::size_t i = 0; i < memory.strides.size(); ++i) {
    const Digit& digit = memory.arrangement.digits[i];
    if (digit.index == Index::channel) {
      channels.emplace_back(digit, memory.strides[i]);
      continue;
    }
    const std::int64_t step = digit.step * (digit.index == Index::row ? width : 1);
    pixels.push_back({static_cast<std::int32_t>(digit.extent), step * run.pixel_stride, memory.strides[i]});
  }
  std::vector<Box> boxes;
  cut_in_boxes(channels, channel, channel + run.channels, {0, 0, std::move(pixels)}, boxes);
  for (Box& box : boxes) {
    kernels::Move move;
    move.from = run.first.behind(box.channel - channel, run.type);
    move.to = memory.numbers.first.behind(box.place, memory.numbers.type);
    if (to == MoveTo::pixels) {
      std::swap(move.from, move.to);
      for (MoveLoop& loop : box.loops) std::swap(loop.from, loop.to);
    }
    moves.push_back(move);
    loops.push_back(in_order(std::move(box.loops)));
  }
}

}  // namespace riffle::plan
