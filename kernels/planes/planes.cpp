#include "kernels/planes/planes.hpp"

#include "kernels/reference.hpp"

namespace riffle::kernels {

void from_planes_reference(const FromPlanesArgs& args, const Addresses& memory) {
  const float* const planes = memory.read(args.planes);
  for (std::int64_t p = 0; p < args.pixels; ++p) {
    for (std::int32_t c = 0; c < args.channels; ++c) {
      element(args.output, p, c, memory) = planes[static_cast<std::int64_t>(c) * args.pixels + p];
    }
  }
}

void to_planes_reference(const ToPlanesArgs& args, const Addresses& memory) {
  float* const planes = memory.write(args.planes);
  for (std::int32_t r = 0; r < args.run_count; ++r) {
    const ChannelwiseRun& mapped = args.runs[r];
    for (std::int64_t p = 0; p < args.pixels; ++p) {
      for (std::int32_t c = 0; c < mapped.input.channels; ++c) {
        planes[static_cast<std::int64_t>(mapped.output_channel + c) * args.pixels + p] =
            static_cast<float>(element(mapped.input, p, c, memory));
      }
    }
  }
}

}  // namespace riffle::kernels
