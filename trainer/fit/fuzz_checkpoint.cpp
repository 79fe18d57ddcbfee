// Any bytes as a checkpoint, and as the run inside of one whose checksum is right: an Error, or a run.
#include <zlib.h>

#include <cstring>
#include <vector>

#include "checkpoint_generated.h"
#include "engine/graph/graph.hpp"
#include "trainer/fit/checkpoint.hpp"

namespace {

void read(std::span<const std::byte> bytes) {
  static std::vector<float> weight(3), mean(1);
  static const std::vector<riffle::trainer::Tensor> tensors = {{"weight", weight}, {"mean", mean}};
  static const std::vector<riffle::trainer::Setting> recipe = {{"--batch", "64"}};
  riffle::trainer::Checkpoint checkpoint = {recipe, tensors, 0, {}};
  try {
    riffle::trainer::parse_checkpoint(bytes, "fuzz", checkpoint);
  } catch (const riffle::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace fbs = riffle::trainer::fbs;
  std::vector<std::byte> plain(size);
  if (size > 0) std::memcpy(plain.data(), data, size);
  read(plain);

  flatbuffers::FlatBufferBuilder builder;
  builder.ForceVectorAlignment(size, 1, 16);
  const auto run = builder.CreateVector(data, size);
  const auto checksum = static_cast<std::uint32_t>(crc32(0, data, static_cast<uInt>(size)));
  fbs::FinishCheckpointBuffer(builder, fbs::CreateCheckpoint(builder, 2, checksum, run));
  read(std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize())));
  return 0;
}
