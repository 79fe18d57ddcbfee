#include "engine/plan/contracts.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace riffle::plan {
namespace {

/// Bytes that a call reads or writes: from a place on.
struct Access {
  kernels::Place place;
  std::int64_t bytes = 0;
  Type type = Type::f32;
  [[nodiscard]] bool overlaps(const Access& other) const {
    return place.space == other.place.space && place.index == other.place.index &&
           place.offset < other.place.offset + other.bytes && other.place.offset < place.offset + bytes;
  }
};

struct Accesses {
  std::vector<Access> read, written;

  static Access side_by_side(const kernels::Numbers& numbers, std::int64_t count) {
    return {numbers.first, count * size_of(numbers.type), numbers.type};
  }
  static Access pixels(kernels::Place first, std::int64_t count, std::int32_t ring, std::int32_t stride,
                       std::int32_t channels, Type type) {
    if (ring != 0) count = std::min<std::int64_t>(count, ring);
    return {first, ((count - 1) * stride + channels) * size_of(type), type};
  }
  void reads(const kernels::ChannelRun& run, std::int64_t count) {
    read.push_back(pixels(run.first, count, run.ring, run.pixel_stride, run.channels, run.type));
  }
  void writes(const kernels::Block& block, std::int64_t count, std::int32_t channels) {
    written.push_back(pixels(block.first, count, block.ring, block.pixel_stride, channels, block.type));
  }
  void reads(const kernels::ChannelwiseRun* runs, std::int32_t run_count, std::int64_t count) {
    for (std::int32_t r = 0; r < run_count; ++r) reads(runs[r].input, count);
  }
};

std::int64_t in_pixels(const kernels::Extent& e) { return std::int64_t{e.in_h} * e.in_w; }
std::int64_t out_pixels(const kernels::Extent& e) { return std::int64_t{e.out_h} * e.out_w; }

std::int32_t channels_of(const kernels::ChannelwiseRun* runs, std::int32_t count) {
  std::int32_t channels = 0;
  for (std::int32_t r = 0; r < count; ++r)
    channels = std::max(channels, runs[r].output_channel + runs[r].input.channels);
  return channels;
}

// One function an argument struct: what a call reads and writes, but for what it may read behind its runs, packed
// weights, and residuals.

void note(const kernels::StemArgs& a, Accesses& all) {
  all.read.push_back(Accesses::side_by_side(a.input, in_pixels(a.extent) * a.channels));
  all.writes(a.output, out_pixels(a.extent), a.outputs);
}
void note(const kernels::PointwiseArgs& a, Accesses& all) {
  for (std::int32_t r = 0; r < a.run_begin[a.groups * a.parts]; ++r) all.reads(a.runs[r], a.pixels);
  for (std::int32_t group = 0; group < a.groups; ++group) all.writes(a.blocks[group], a.pixels, a.outputs);
}
void note(const kernels::ConvolutionArgs& a, Accesses& all) {
  for (std::int32_t r = 0; r < a.run_begin[a.groups]; ++r) all.reads(a.runs[r], in_pixels(a.extent));
  all.writes(a.output, out_pixels(a.extent), a.groups * a.outputs);
}
template <class Args>
requires requires(Args args) { args.extent, args.runs->output_channel; }
void note(const Args& a, Accesses& all) {
  all.reads(a.runs, a.run_count, in_pixels(a.extent));
  all.writes(a.output, out_pixels(a.extent), channels_of(a.runs, a.run_count));
}
void note(const kernels::GlobalAveragePoolArgs& a, Accesses& all) {
  all.reads(a.runs, a.run_count, a.pixels);
  all.writes(a.output, 1, channels_of(a.runs, a.run_count));
}
void note(const kernels::FullyConnectedArgs& a, Accesses& all) {
  for (std::int32_t r = 0; r < a.run_count; ++r) all.reads(a.runs[r], 1);
  all.written.push_back(Accesses::side_by_side(a.output, a.outputs));
}
void note(const kernels::ElementwiseArgs& a, Accesses& all) {
  const std::int32_t last = a.pixels - 1;
  const auto pixels = [&](const kernels::PixelSteps& steps) {
    return std::int64_t{last / a.width} * steps.row + std::int64_t{std::min(last, a.width - 1)} * steps.column + 1;
  };
  std::int32_t channels = 0;
  for (std::int32_t r = 0; r < a.run_count; ++r) {
    all.reads(a.a[r].input, pixels(a.a_steps));
    if (a.b != nullptr) all.reads(a.b[r], pixels(a.b_steps));
    channels = std::max(channels, a.a[r].output_channel + kernels::channels_of(a, r));
  }
  all.writes(a.output, a.pixels, channels);
}
void note(const kernels::ReduceArgs& a, Accesses& all) {
  all.reads(a.input, a.pixels);
  all.writes(a.output, a.pixels, a.groups);
}
void note(const kernels::SoftmaxArgs& a, Accesses& all) {
  all.reads(a.input, a.pixels);
  all.writes(a.output, a.pixels, a.input.channels);
}
void note(const kernels::RearrangeArgs& a, Accesses& all) {
  for (std::int32_t m = 0; m < a.move_count; ++m) {
    const kernels::Move& move = a.moves[m];
    std::int64_t from = 0, to = 0;  // the last elements
    for (std::int32_t l = 0; l < move.loop_count; ++l) {
      from += (move.loops[l].extent - 1) * move.loops[l].from;
      to += (move.loops[l].extent - 1) * move.loops[l].to;
    }
    all.read.push_back(Accesses::side_by_side({move.from, a.from}, from + 1));
    all.written.push_back(Accesses::side_by_side({move.to, a.to}, to + 1));
  }
}
void note(const kernels::ConvertArgs& a, Accesses& all) {
  all.reads(a.runs, a.run_count, a.pixels);
  all.writes(a.output, a.pixels, channels_of(a.runs, a.run_count));
}

/// The bytes that there are where a place is counted from; -1 where there is no such tensor.
std::int64_t size_of_space(const Plan& plan, const kernels::Place& place) {
  const auto tensor = [&](const std::vector<Tensor>& tensors) {
    return place.index < tensors.size() ? tensors[place.index].bytes() : -1;
  };
  switch (place.space) {
    case kernels::Space::arena:
      return plan.arena_bytes;
    case kernels::Space::rows:
      return plan.rows_bytes;
    case kernels::Space::literal:
      return static_cast<std::int64_t>(plan.literals.size());
    case kernels::Space::input:
      return tensor(plan.inputs);
    case kernels::Space::output:
      return tensor(plan.outputs);
  }
  return -1;
}

}  // namespace

void check_contracts(const Plan& plan) {
  for (const Step& step : plan.steps) {
    const auto fail = [&](const char* what) {
      throw std::logic_error(joined({"step '", step.name, "' (", step.operation, "): ", what}));
    };
    Task task = step.task;
    for_each_call(task, [&](const auto& call) {
      Accesses all;
      note(call.args, all);
      const auto check = [&](const Access& access) {
        const auto& [place, bytes, type] = access;
        if (place.offset < 0 || bytes < 0 || place.offset + bytes > size_of_space(plan, place)) {
          fail("a place outside the memory that it is counted from");
        }
        if (place.offset % size_of(type) != 0) fail("a place that is not aligned to its numbers");
      };
      std::for_each(all.read.begin(), all.read.end(), check);
      std::for_each(all.written.begin(), all.written.end(), check);
      for (const Access& to : all.written) {
        if (to.place.space == kernels::Space::input) fail("it writes to the caller's input");
        if (to.place.space == kernels::Space::literal) fail("it writes to the network's own numbers");
        for (const Access& from : all.read) {
          if (to.overlaps(from)) fail("it writes where it reads");
        }
      }
    });
    if (step.tiles < 1) fail("it has no tiles");
  }
}

}  // namespace riffle::plan
