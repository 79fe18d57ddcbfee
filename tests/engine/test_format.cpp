#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine/format/format.hpp"
#include "engine/passes/passes.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "tests/engine/networks.hpp"

namespace riffle {
namespace {

/// Bytes at an address that load() takes.
class Aligned {
 public:
  explicit Aligned(std::span<const std::byte> bytes)
      : size_(bytes.size()), memory_(static_cast<std::byte*>(std::aligned_alloc(64, (size_ + 127) / 64 * 64))) {
    std::memcpy(memory_, bytes.data(), size_);
  }
  ~Aligned() { std::free(memory_); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  std::span<std::byte> bytes() { return {memory_, size_}; }

 private:
  std::size_t size_;
  std::byte* memory_;
};

std::vector<float> answer(const graph::Graph& graph) {
  run::Session session(plan::make(graph));
  const std::vector<float> input = testing::noise(session.plan().input.size(), 11);
  std::vector<float> output(static_cast<std::size_t>(session.plan().output.size()));
  session.run(input.data(), output.data());
  return output;
}

std::string load_error(std::span<const std::byte> bytes) {
  try {
    (void)format::load(bytes, nullptr);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Format, WhatIsSavedLoadsAndAnswersTheSame) {
  for (const testing::Network& network : testing::family(64)) {
    SCOPED_TRACE(network.name);
    Aligned file(format::save(network.graph));
    const graph::Graph loaded = format::load(file.bytes(), nullptr);
    EXPECT_EQ(graph::to_text(loaded), graph::to_text(network.graph));
    EXPECT_EQ(answer(loaded), answer(network.graph));
  }
}

TEST(Format, WeightsAreNotCopied) {
  Aligned file(format::save(testing::small_network()));
  const graph::Graph loaded = format::load(file.bytes(), nullptr);
  const auto& stem = std::get<graph::Convolution>(loaded.nodes[1].operation);
  const auto* weights = reinterpret_cast<const std::byte*>(stem.weights.values().data());
  EXPECT_GE(weights, file.bytes().data());
  EXPECT_LT(weights, file.bytes().data() + file.bytes().size());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(weights) % 16, 0U);
}

TEST(Format, AFileIsMappedAndItsGraphOutlivesTheCall) {
  const std::string path = ::testing::TempDir() + "riffle_format_" + std::to_string(::getpid()) + ".riffle";
  const graph::Graph graph = testing::small_network();
  format::save_file(graph, path);
  const graph::Graph loaded = format::load_file(path);
  std::remove(path.c_str());
  EXPECT_EQ(answer(loaded), answer(graph));
}

TEST(Format, AFileThatCannotBeWrittenIsAnErrorAndLeavesNothing) {
  EXPECT_THROW(format::save_file(testing::small_network(), "/nonexistent/x.riffle"), Error);
}

TEST(Format, FilesThatAreNoneAreErrors) {
  EXPECT_THROW((void)format::load_file("/nonexistent.riffle"), Error);
  EXPECT_THROW((void)format::load_file("/"), Error);
  EXPECT_THROW((void)format::load_file("/dev/null"), Error);
  // A pipe is refused, not waited for.
  const std::string pipe = ::testing::TempDir() + "riffle_pipe_" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THROW((void)format::load_file(pipe), Error);
  std::remove(pipe.c_str());
}

TEST(Format, TruncatedFilesAreRefused) {
  const std::vector<std::byte> whole = format::save(testing::small_network());
  for (std::size_t size = 0; size < whole.size(); size += 1 + size / 16) {
    Aligned file(std::span<const std::byte>(whole).first(size));
    EXPECT_NE(load_error(file.bytes()), "no error") << size;
  }
}

TEST(Format, FlippedBitsAreRefusedOrHarmless) {
  graph::Graph small;
  small.add("input", graph::Input{{8, 8, 4}});
  graph::Convolution convolution;
  convolution.outputs = 4;
  convolution.weights = graph::Constant(std::vector<float>(16, 1.0F));
  const auto conv = small.add("conv", convolution, {0});
  small.output = small.add("shuffle", graph::Shuffle{2}, {conv});
  const std::vector<std::byte> whole = format::save(small);
  int refused = 0;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Aligned file(whole);
    file.bytes()[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    try {
      const graph::Graph loaded = format::load(file.bytes(), nullptr);
      if (loaded.input_shape().size() < 1 << 16) (void)plan::make(loaded);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 500);
}

TEST(Format, UnalignedMemoryIsRefused) {
  Aligned file(format::save(testing::small_network()));
  EXPECT_NE(load_error(file.bytes().subspan(4)).find("aligned"), std::string::npos);
}

TEST(Format, AGraphThatDoesNotVerifyIsNotSaved) {
  graph::Graph graph = testing::small_network();
  graph.output = 100000;
  EXPECT_THROW((void)format::save(graph), Error);
}

}  // namespace
}  // namespace riffle
