#include "kernels/planes/planes.hpp"

#include "kernels/reference.hpp"

namespace riffle::kernels {

void from_planes_reference(const FromPlanesArgs& args, const Addresses& memory) {
  for (std::int64_t p = 0; p < args.pixels; ++p) {
    for (std::int32_t c = 0; c < args.channels; ++c) {
      set_element(args.output, p, c, memory,
                  number(args.planes, static_cast<std::int64_t>(c) * args.pixels + p, memory));
    }
  }
}

void to_planes_reference(const ToPlanesArgs& args, const Addresses& memory) {
  for (std::int32_t r = 0; r < args.run_count; ++r) {
    const ChannelwiseRun& mapped = args.runs[r];
    for (std::int64_t p = 0; p < args.pixels; ++p) {
      for (std::int32_t c = 0; c < mapped.input.channels; ++c) {
        set_number(args.planes, static_cast<std::int64_t>(mapped.output_channel + c) * args.pixels + p, memory,
                   element(mapped.input, p, c, memory));
      }
    }
  }
}

}  // namespace riffle::kernels
