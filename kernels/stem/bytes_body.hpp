// The body of the stem kernels of bytes; see stem.hpp for the equation and the packing.
//
// The rows of the planes that an output row reads are copied with what lies outside the image around them, a few
// kilobytes at a time. To the register tile of pointwise.hpp each is then a channel run of kernel_w channels whose
// pixels are stride_w bytes apart. Tiles that load several quads of a pixel at once get all of its taps side by side.
#pragma once

#include "kernels/pointwise/bytes_body.hpp"
#include "kernels/stem/copy_rows.hpp"

namespace riffle::kernels {

template <class B>
struct StemBytes {
  using Byte = typename B::Byte;
  using Tiles = PointwiseBytes<B>;

  /// Do tiles take several quads of a pixel at once?
  static constexpr bool joins_taps = B::by_lane || Tiles::has_strips;
  static constexpr std::int32_t most_rows = StemKernel::most_rows;
  static constexpr std::int32_t buffer_bytes = 16 * 1024, joined_bytes = 8 * 1024;

  static RIFFLE_INLINE void copy_quad(const Byte* from, Byte* to) {
    std::int32_t quad;
    __builtin_memcpy(&quad, from, sizeof quad);
    __builtin_memcpy(to, &quad, sizeof quad);
  }

  /// All taps of `count` pixels, in `rows` rows of `taps`. What is copied behind a row's taps the next row, or the next
  /// pixel, overwrites.
  static RIFFLE_INLINE void join_taps(const Byte* from, std::int32_t row_bytes, std::int32_t rows, std::int32_t taps,
                                      std::int32_t stride, std::int32_t count, std::int32_t pixel_bytes, Byte* to) {
    if constexpr (requires { B::join_windows; }) {
      if (rows == 9 && taps == 3 && stride == 2) {  // the networks' window, on a picture's three planes
        B::join_windows(from, row_bytes, to, (count + 3) / 4);
        return;
      }
    }
    for (std::int32_t p = 0; p < count; ++p) {
      for (std::int32_t r = 0; r < rows; ++r) {
        for (std::int32_t j = 0; j < taps; j += 4) {
          copy_quad(from + r * row_bytes + p * stride + j, to + p * pixel_bytes + r * taps + j);
        }
      }
    }
  }

  static void run(const StemArgs& args, const Addresses& memory, TileRange range) {
    const Extent& extent = args.extent;
    const Window& window = args.window;
    const std::int32_t rows = args.channels * window.kernel_h, row_quads = (window.kernel_w + 3) / 4;
    const std::int32_t panels = panel_count(args.outputs, B::lanes, B::max_vectors);
    const Byte* const planes = memory.read<Byte>(args.input.first);
    alignas(64) Byte buffer[buffer_bytes + 64];  // quads and by-lane loads reach behind a row's end
    ChannelRun runs[most_rows];
    const std::int32_t row_bytes = buffer_bytes / rows / 16 * 16;
    std::int32_t columns = (row_bytes - row_quads * 4) / window.stride_w + 1;  // of outputs, at once
    for (std::int32_t r = 0; r < rows; ++r) {
      runs[r] = {{std::int64_t{r} * row_bytes}, window.stride_w, window.kernel_w, 0, B::byte_type};
    }
    Addresses buffered;
    buffered.arena = reinterpret_cast<std::byte*>(buffer);
    const std::int32_t quads = joins_taps ? (rows * window.kernel_w + 3) / 4 : rows * row_quads;
    const std::int32_t pixel_bytes = quads * 4;
    alignas(64) Byte joined[joins_taps ? joined_bytes + 128 : 1];  // four pixels of the networks' window at a time
    const ChannelRun side_by_side{{}, pixel_bytes, pixel_bytes, 0, B::byte_type};
    if constexpr (joins_taps) {
      buffered.arena = reinterpret_cast<std::byte*>(joined);
      columns = columns < joined_bytes / pixel_bytes ? columns : joined_bytes / pixel_bytes;
    }
    typename Tiles::Job job{};
    job.memory = &buffered;
    job.runs = joins_taps ? &side_by_side : runs;
    job.run_count = joins_taps ? 1 : rows;
    job.clamp = &args.clamp;
    job.zeros = &args.zeros;
    job.out_stride = args.output.pixel_stride;
    const std::int32_t end = range.last * args.tile_rows < extent.out_h ? range.last * args.tile_rows : extent.out_h;
    for (std::int32_t y = range.first * args.tile_rows; y < end; ++y) {
      Byte* const out =
          memory.write<Byte>(args.output.first) + slot(y * extent.out_w, args.output.ring) * job.out_stride;
      for (std::int32_t x = 0; x < extent.out_w; x += columns) {
        const std::int32_t count = extent.out_w - x < columns ? extent.out_w - x : columns;
        copy_rows(
            args, planes, y, x * window.stride_w - window.pad_left, (count - 1) * window.stride_w + row_quads * 4,
            static_cast<Byte>(args.zeros.input), buffer, row_bytes,
            [](const Byte* from, std::int32_t bytes, Byte* to)
                __attribute__((always_inline)) { __builtin_memcpy(to, from, static_cast<std::size_t>(bytes)); });
        if constexpr (joins_taps) {
          join_taps(buffer, row_bytes, rows, window.kernel_w, window.stride_w, count, pixel_bytes, joined);
        }
        job.out = out + x * job.out_stride;
        Tiles::run_panels(job, {args.packed, nullptr, 1, 0, quads, args.outputs, args.output.spare}, 0, panels, 0,
                          count);
      }
    }
  }

  static constexpr StemKernel kernel(const char* name) {
    return {name, {B::byte_type, Type::i8, B::byte_type}, B::lanes, B::max_vectors, false, run, B::form, joins_taps};
  }
};

}  // namespace riffle::kernels
