#include "kernels/planes/planes.hpp"

#include "kernels/reference.hpp"

namespace riffle::kernels {
namespace {

/// What is added to a number on its way: bytes that stand as i8 are those of u8 less 128.
double shift(Type from, Type to) {
  if (from == Type::u8 && to == Type::i8) return -128;
  return from == Type::i8 && to == Type::u8 ? 128 : 0;
}

}  // namespace

void from_planes_reference(const FromPlanesArgs& args, const Addresses& memory) {
  for (std::int64_t p = 0; p < args.pixels; ++p) {
    for (std::int32_t c = 0; c < args.channels; ++c) {
      set_element(args.output, p, c, memory,
                  number(args.planes, static_cast<std::int64_t>(c) * args.pixels + p, memory) +
                      shift(args.planes.type, args.output.type));
    }
  }
}

void to_planes_reference(const ToPlanesArgs& args, const Addresses& memory) {
  for (std::int32_t r = 0; r < args.run_count; ++r) {
    const ChannelwiseRun& mapped = args.runs[r];
    for (std::int64_t p = 0; p < args.pixels; ++p) {
      for (std::int32_t c = 0; c < mapped.input.channels; ++c) {
        set_number(args.planes, static_cast<std::int64_t>(mapped.output_channel + c) * args.pixels + p, memory,
                   element(mapped.input, p, c, memory) + shift(mapped.input.type, args.planes.type));
      }
    }
  }
}

}  // namespace riffle::kernels
