#include "kernels/resize/resize.hpp"

#include "kernels/byte_panels.hpp"
#include "kernels/reference.hpp"

namespace riffle::kernels {

void resize_reference(const ResizeArgs& args, const Addresses& memory) {
  const auto mixed = [](double first, double second, float weight) {
    return first * (1.0 - static_cast<double>(weight)) + second * static_cast<double>(weight);
  };
  for (std::int32_t r = 0; r < args.run_count; ++r) {
    const ChannelRun& run = args.runs[r].input;
    const std::int32_t output_channel = args.runs[r].output_channel;
    for (std::int32_t y = 0; y < args.extent.out_h; ++y) {
      for (std::int32_t x = 0; x < args.extent.out_w; ++x) {
        const Between &row = args.rows[y], &column = args.columns[x];
        for (std::int32_t c = 0; c < run.channels; ++c) {
          const std::int64_t pixel = static_cast<std::int64_t>(y) * args.extent.out_w + x;
          const auto line = [&](std::int32_t in_y) {
            const std::int64_t first = std::int64_t{in_y} * args.extent.in_w;
            return mixed(element(run, first + column.first, c, memory), element(run, first + column.second, c, memory),
                         column.weight);
          };
          if (is_quantised(args.output.type)) {
            const auto part = [&](const Between& place, bool second) {
              return second ? parts_of(place.weight) : resize_parts - parts_of(place.weight);
            };
            std::int64_t sum = 0;
            for (const bool below : {false, true}) {
              for (const bool right : {false, true}) {
                const std::int64_t from = std::int64_t{below ? row.second : row.first} * args.extent.in_w +
                                          (right ? column.second : column.first);
                const auto number = static_cast<std::int64_t>(element(run, from, c, memory)) - args.zeros.input;
                sum += number * part(row, below) * part(column, right);
              }
            }
            set_element(args.output, pixel, output_channel + c, memory,
                        requantised_reference(sum, args.factor, args.clamp, args.zeros.output));
            continue;
          }
          set_element(args.output, pixel, output_channel + c, memory,
                      mixed(line(row.first), line(row.second), row.weight));
        }
      }
    }
  }
}

}  // namespace riffle::kernels
