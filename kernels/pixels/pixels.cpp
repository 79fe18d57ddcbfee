#include "kernels/pixels/pixels.hpp"

#include "kernels/reference.hpp"

namespace riffle::kernels {

void pixels_reference(const PixelsArgs& args, const Addresses& memory) {
  std::uint32_t fill[1] = {args.fill};
  Addresses constant;
  constant.arena = bytes_at(fill);
  for (std::int32_t r = 0; r < args.run_count; ++r) {
    const auto& [run, output_channel] = args.runs[r];
    for (std::int32_t y = 0; y < args.extent.out_h; ++y) {
      for (std::int32_t x = 0; x < args.extent.out_w; ++x) {
        const std::int64_t pixel = static_cast<std::int64_t>(y) * args.extent.out_w + x;
        const std::int64_t row = args.rows[y], column = args.columns[x];
        for (std::int32_t c = 0; c < run.channels; ++c) {
          const double value = row < 0 || column < 0 ? number({Place{}, run.type}, 0, constant)
                                                     : element(run, row * args.extent.in_w + column, c, memory);
          set_element(args.output, pixel, output_channel + c, memory, value);
        }
      }
    }
  }
}

}  // namespace riffle::kernels
