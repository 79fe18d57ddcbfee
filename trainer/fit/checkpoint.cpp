#include "trainer/fit/checkpoint.hpp"

#include <zlib.h>

#include <algorithm>
#include <bit>

#include "base/files.hpp"
#include "checkpoint_generated.h"
#include "engine/graph/graph.hpp"
#include "trainer/memory.hpp"

static_assert(std::endian::native == std::endian::little, "floats are copied as they stand in the file");

namespace riffle::trainer {
namespace {

constexpr std::uint32_t version = 2;  // 1 did not say which pictures and classes a run was of
constexpr std::int64_t max_bytes = (std::int64_t{1} << 31) - (1 << 20);  // what a FlatBuffer holds, with room around it

std::uint32_t checksum(const std::uint8_t* data, std::size_t size) {
  return static_cast<std::uint32_t>(crc32(0, data, static_cast<uInt>(size)));
}

/// At most, but for names. Throws Error where a file does not hold it.
std::int64_t bytes_of(const Checkpoint& checkpoint) {
  std::size_t bytes = checkpoint.run.confusion.size() * sizeof(std::int32_t);
  for (const Tensor& tensor : checkpoint.tensors) bytes += tensor.values.size() * sizeof(float) + 256;
  const auto all = static_cast<std::int64_t>(bytes);
  if (all > max_bytes) throw Error("the run is larger than the 2 GiB of a checkpoint");
  return all;
}

fbs::Score to_fbs(const Score& s) { return {s.images, s.correct, s.loss_sum, s.seconds}; }
fbs::Epoch to_fbs(const Epoch& e) { return {to_fbs(e.train), to_fbs(e.test), e.last_loss, e.rate}; }
Score from_fbs(const fbs::Score& s) { return {s.images(), s.correct(), s.loss_sum(), s.seconds()}; }
Epoch from_fbs(const fbs::Epoch& e) { return {from_fbs(e.train()), from_fbs(e.test()), e.last_loss(), e.rate()}; }

/// Absent is empty.
std::string text(const flatbuffers::String* words) { return words == nullptr ? std::string() : words->str(); }

template <class T>
std::size_t count(const flatbuffers::Vector<T>* list) {
  return list == nullptr ? 0 : list->size();
}

std::vector<std::byte> to_bytes(const Checkpoint& checkpoint) {
  flatbuffers::FlatBufferBuilder inner;
  std::vector<flatbuffers::Offset<fbs::Setting>> settings;
  for (const Setting& setting : checkpoint.recipe) {
    settings.push_back(fbs::CreateSettingDirect(inner, setting.name.c_str(), setting.value.c_str()));
  }
  std::vector<flatbuffers::Offset<fbs::Tensor>> tensors;
  for (const Tensor& tensor : checkpoint.tensors) {
    const auto values = inner.CreateVector(tensor.values.data(), tensor.values.size());
    tensors.push_back(fbs::CreateTensor(inner, inner.CreateString(tensor.name), values));
  }
  const Record& run = checkpoint.run;
  std::vector<fbs::Epoch> epochs;
  for (const Epoch& epoch : run.epochs) epochs.push_back(to_fbs(epoch));
  const fbs::Epoch current = to_fbs(run.current);
  const auto recipe = inner.CreateVector(settings);
  const auto tensor_list = inner.CreateVector(tensors);
  const auto epoch_list = inner.CreateVectorOfStructs(epochs);
  const auto confusion = inner.CreateVector(run.confusion);
  inner.Finish(fbs::CreateRun(inner, recipe, tensor_list, checkpoint.steps, epoch_list, &current, run.batch, run.best,
                              confusion));

  flatbuffers::FlatBufferBuilder outer(inner.GetSize() + 1024);
  outer.ForceVectorAlignment(inner.GetSize(), 1, 16);
  const auto nested = outer.CreateVector(inner.GetBufferPointer(), inner.GetSize());
  const std::uint32_t sum = checksum(inner.GetBufferPointer(), inner.GetSize());
  fbs::FinishCheckpointBuffer(outer, fbs::CreateCheckpoint(outer, version, sum, nested));
  const auto* begin = reinterpret_cast<const std::byte*>(outer.GetBufferPointer());
  return {begin, begin + outer.GetSize()};
}

/// Compares with what is there, and then, when nothing can fail any more, takes over.
class Reader {
 public:
  Reader(const std::string& name, Checkpoint& checkpoint) : name_(name), checkpoint_(checkpoint) {}

  void read(std::span<const std::byte> bytes) {
    const fbs::Run& run = verified(bytes);
    expect_recipe(run);
    expect_tensors(run);
    expect_record(run);
    take(run);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(name_ + ": " + what); }

  [[noreturn]] void fail_as_begun(const std::string& what) const {
    fail(what +
         "; a run goes on as it began: otherwise begin another in a new folder, with --from and the last.riffle "
         "that is beside this file");
  }

  const fbs::Run& verified(std::span<const std::byte> bytes) const {
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    if (bytes.size() < 8 || !fbs::CheckpointBufferHasIdentifier(data)) fail("this is no checkpoint");
    flatbuffers::Verifier verifier(data, bytes.size());
    if (!fbs::VerifyCheckpointBuffer(verifier)) fail("the checkpoint is damaged: it does not verify");
    const fbs::Checkpoint& file = *fbs::GetCheckpoint(data);
    if (file.version() != version) {
      fail_as_begun("the checkpoint has version " + std::to_string(file.version()) + " and this build reads version " +
                    std::to_string(version));
    }
    if (file.run() == nullptr || file.checksum() != checksum(file.run()->data(), file.run()->size())) {
      fail("the checkpoint is damaged: its checksum is another");
    }
    // The inner buffer is verified as if it were aligned, which is for the outer one to say.
    if (reinterpret_cast<std::uintptr_t>(file.run()->data()) % alignof(double) != 0) fail("the checkpoint is damaged");
    flatbuffers::Verifier inner(file.run()->data(), file.run()->size());
    if (!inner.VerifyBuffer<fbs::Run>(nullptr)) fail("the checkpoint is damaged: its run does not verify");
    return *file.run_nested_root();
  }

  void expect_recipe(const fbs::Run& run) const {
    const std::span<const Setting> recipe = checkpoint_.recipe;
    for (std::size_t i = 0; i < std::max(recipe.size(), count(run.recipe())); ++i) {
      const fbs::Setting* was = i < count(run.recipe()) ? run.recipe()->Get(static_cast<unsigned>(i)) : nullptr;
      if (was == nullptr) fail_as_begun("the run was started without " + recipe[i].name + " " + recipe[i].value);
      const std::string name = text(was->name()), value = text(was->value());
      if (i >= recipe.size() || name != recipe[i].name) fail_as_begun("the run was started with " + name + " " + value);
      if (value != recipe[i].value) {
        fail_as_begun("the run was started with " + name + " " + value + ", not " + recipe[i].value);
      }
    }
  }

  void expect_tensors(const fbs::Run& run) const {
    const std::span<const Tensor> tensors = checkpoint_.tensors;
    for (std::size_t i = 0; i < std::max(tensors.size(), count(run.tensors())); ++i) {
      const fbs::Tensor* saved = i < count(run.tensors()) ? run.tensors()->Get(static_cast<unsigned>(i)) : nullptr;
      const std::string name = saved == nullptr ? std::string() : text(saved->name());
      if (saved == nullptr || i >= tensors.size() || name != tensors[i].name) {
        fail("the checkpoint is of another network or optimizer: it has " +
             (saved == nullptr ? "nothing" : "'" + name + "'") + " where this run has " +
             (i >= tensors.size() ? "nothing" : "'" + tensors[i].name + "'"));
      }
      if (count(saved->values()) != tensors[i].values.size()) {
        fail("the checkpoint is of another network: '" + name + "' has " + std::to_string(count(saved->values())) +
             " values, not " + std::to_string(tensors[i].values.size()));
      }
    }
  }

  void expect_record(const fbs::Run& run) const {
    // FlatBuffers' verifier looks at the alignment of a vector's length, not at that of what it holds; where that is
    // nothing, FlatBuffers did not align it.
    const bool aligned =
        count(run.epochs()) == 0 || reinterpret_cast<std::uintptr_t>(run.epochs()->Data()) % alignof(fbs::Epoch) == 0;
    const bool sound = aligned && run.current() != nullptr && run.batch() >= 0 && run.steps() >= 0 &&
                       run.best() >= -1 && run.best() < static_cast<std::int64_t>(count(run.epochs()));
    if (!sound) fail("the checkpoint is damaged: its record of the run makes no sense");
  }

  void take(const fbs::Run& run) {
    Record record;
    for (std::size_t i = 0; i < count(run.epochs()); ++i) {
      record.epochs.push_back(from_fbs(*run.epochs()->Get(static_cast<unsigned>(i))));
    }
    record.current = from_fbs(*run.current());
    record.batch = run.batch();
    record.best = run.best();
    if (run.confusion() != nullptr) record.confusion.assign(run.confusion()->begin(), run.confusion()->end());

    for (std::size_t i = 0; i < checkpoint_.tensors.size(); ++i) {
      const auto* values = run.tensors()->Get(static_cast<unsigned>(i))->values();
      if (values != nullptr) std::copy(values->begin(), values->end(), checkpoint_.tensors[i].values.begin());
    }
    checkpoint_.steps = run.steps();
    checkpoint_.run = std::move(record);
  }

  const std::string& name_;
  Checkpoint& checkpoint_;
};

}  // namespace

std::vector<std::byte> save_checkpoint(const Checkpoint& checkpoint) {
  return with_memory_for("a checkpoint", bytes_of(checkpoint), [&] { return to_bytes(checkpoint); });
}

void parse_checkpoint(std::span<const std::byte> bytes, const std::string& name, Checkpoint& checkpoint) {
  Reader(name, checkpoint).read(bytes);
}

void load_checkpoint(const std::string& path, Checkpoint& checkpoint) {
  parse_checkpoint(read_file(path, max_bytes), path, checkpoint);
}

}  // namespace riffle::trainer
