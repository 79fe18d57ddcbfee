// What a host program may have set in the thread that calls: flushing denormal numbers to zero, another rounding mode,
// traps, a small stack. Results have the same bits, and what was set is set afterwards.
#include <gtest/gtest.h>
#include <limits.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cfenv>
#include <cmath>
#include <limits>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "riffle/riffle.hpp"
#include "tests/frames.hpp"

#ifdef __x86_64__
#include <xmmintrin.h>
#endif

namespace riffle {
namespace {

/// A model in memory and what goes in, which is made before any mode is set: this program's own arithmetic has the
/// mode, too.
struct Subject {
  explicit Subject(std::vector<std::byte> bytes) : file(std::move(bytes)) {
    const Model model{std::span<const std::byte>(file)};
    std::vector<float> input(Session(model).input().size);
    for (const float scale : {1.0F, 1e-38F}) {  // by which most of them are denormal
      for (std::size_t i = 0; i < input.size(); ++i) {
        input[i] = scale * (static_cast<float>(i * 7919 % 1000) / 500.0F - 1.0F);
      }
      inputs.push_back(input);
    }
    input[input.size() / 2] = std::numeric_limits<float>::infinity();
    inputs.push_back(input);
  }

  std::vector<std::byte> file;
  std::vector<std::vector<float>> inputs;
};

/// One with each operation, one of boxes for a camera's frames.
std::vector<Subject> subjects() {
  graph::Graph boxes;
  boxes.add("input", graph::Input{.shape = {32, 32, 3}});
  const graph::Pool pool = {.kind = graph::PoolKind::average,
                            .window = {.kernel_h = 4, .kernel_w = 4, .stride_h = 4, .stride_w = 4}};
  const graph::NodeId pooled = boxes.add("pool", pool, {0});
  const graph::Activate gate = {graph::Activation::sigmoid};
  boxes.outputs = {{.node = boxes.add("heads", graph::Concat{}, {pooled, boxes.add("gate", gate, {pooled})})}};
  boxes.task = graph::Detect{.levels = {{.stride = 4, .scores = {"heads", 4, 2}, .boxes = {"heads", 0, 4}}},
                             .threshold = 0.1F,
                             .suppression = graph::Suppression::gaussian};
  boxes.preprocessing = {.resize = graph::Fit::letterbox, .mean = {0.485F}, .deviation = {0.225F}};
  return {Subject(read_file(std::string(RIFFLE_CORPUS_DIR) + "/riffle/operations.riffle", 1 << 20)),
          Subject(format::save(boxes))};
}

/// Everything that the C API computes of these: bits, for a NaN is not itself.
std::vector<std::uint32_t> results_of(const std::vector<Subject>& subjects, std::int32_t threads) {
  std::vector<std::uint32_t> bits;
  const auto keep = [&](std::span<const float> numbers) {
    for (const float x : numbers) bits.push_back(std::bit_cast<std::uint32_t>(x));
  };
  for (const Subject& subject : subjects) {
    const Model model{std::span<const std::byte>(subject.file)};
    riffle_options options = {};
    options.threads = threads;
    Session session(model, options);
    std::vector<float> output(session.output().size);
    for (const std::vector<float>& input : subject.inputs) {
      session.run(input, output);
      keep(output);
    }
    if (session.input().channels != 3) continue;
    const tests::SomeFrame camera;
    std::vector<float> input(session.input().size);
    session.read_frame(camera.frame, input);
    keep(input);
    if (model.task() != RIFFLE_DETECT) continue;
    Detector detector(session);
    const riffle_findings found = detector.run(camera.frame);
    EXPECT_GT(found.count, 0U);
    for (std::size_t i = 0; i < found.count; ++i) keep({&found.detections[i].x0, 5});
  }
  return bits;
}

/// The whole life of models and sessions in that mode, and runs of a session that was made before it was set.
template <class Set>
void expect_same_bits(Set&& set) {
  const std::vector<Subject> all = subjects();
  const std::vector<std::uint32_t> expected = results_of(all, 1);
  const Model model{std::span<const std::byte>(all[0].file)};
  riffle_options options = {};
  options.threads = 3;
  Session session(model, options);
  std::vector<float> before(session.output().size), after(session.output().size);
  session.run(all[0].inputs[0], before);

  std::fenv_t usual;
  ASSERT_EQ(std::fegetenv(&usual), 0);
  set();
  const int rounding = std::fegetround();
  const std::vector<std::uint32_t> alone = results_of(all, 1), together = results_of(all, 3);
  session.run(all[0].inputs[0], after);
  const int rounding_afterwards = std::fegetround();
  std::fesetenv(&usual);
  EXPECT_EQ(rounding_afterwards, rounding);
  EXPECT_EQ(alone, expected);
  EXPECT_EQ(together, expected);
  EXPECT_EQ(after, before);
}

TEST(Host, RoundsAsItLikes) {
  for (const int mode : {FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO}) {
    SCOPED_TRACE(mode);
    expect_same_bits([&] { ASSERT_EQ(std::fesetround(mode), 0); });
  }
}

#ifdef __x86_64__
TEST(Host, FlushesToZero) {
  constexpr unsigned flush = 0x8040;  // denormal results are zero, and so are denormal operands
  expect_same_bits([&] { _mm_setcsr(_mm_getcsr() | flush); });
  const std::vector<Subject> all = subjects();
  _mm_setcsr(_mm_getcsr() | flush);
  (void)results_of(all, 1);
  const unsigned afterwards = _mm_getcsr();
  _mm_setcsr(afterwards & ~flush);
  EXPECT_EQ(afterwards & flush, flush);
}

/// Infinities and denormal numbers in the input would end the process.
TEST(Host, TrapsExceptions) {
  expect_same_bits([&] { _mm_setcsr(_mm_getcsr() & ~0x1F80U); });
}
#endif

// Instrumented code needs more.
#ifndef RIFFLE_SANITIZED
TEST(Host, HasASmallStack) {
  struct Life {
    std::vector<Subject> all;
    std::vector<std::uint32_t> results;
  } life{subjects(), {}};
  const std::size_t size = std::max<std::size_t>(64 << 10, PTHREAD_STACK_MIN);
  pthread_attr_t attributes;
  ASSERT_EQ(::pthread_attr_init(&attributes), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&attributes, size), 0);
  pthread_t thread = {};
  const auto live = [](void* its) -> void* {
    static_cast<Life*>(its)->results = results_of(static_cast<Life*>(its)->all, 3);
    return nullptr;
  };
  ASSERT_EQ(::pthread_create(&thread, &attributes, live, &life), 0);
  ASSERT_EQ(::pthread_join(thread, nullptr), 0);
  ::pthread_attr_destroy(&attributes);
  EXPECT_EQ(life.results, results_of(life.all, 1));
}
#endif

}  // namespace
}  // namespace riffle
