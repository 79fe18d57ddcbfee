// That running allocates nothing, and that an allocation which fails is a status of the C API. A program of its own,
// for it replaces operator new, as the sanitizers do.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <limits>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/cores.hpp"
#include "engine/run/session.hpp"
#include "riffle/riffle.hpp"
#include "tests/counting_allocator.hpp"
#include "tests/frames.hpp"
#include "tests/networks.hpp"

namespace riffle {
namespace {

TEST(Allocation, RunningAllocatesNothing) {
  for (const testing::Network& network : testing::family(64)) {
    SCOPED_TRACE(network.name);
    run::Session session(plan::make(network.graph));
    const std::vector<float> input = testing::noise(session.plan().inputs[0].shape.size(), 1);
    std::vector<float> output(static_cast<std::size_t>(session.plan().outputs[0].shape.size()));
    const long before = allocations.load();
    session.run(input.data(), output.data());
    EXPECT_EQ(allocations.load(), before);
  }
}

TEST(Allocation, RunningOnCoresAllocatesNothing) {
  const auto plan = plan::make(testing::small_network());
  run::Session session(plan, {.threads = 2, .cores = run::choose(run::this_machine(), run::Cores::all)});
  const std::vector<float> input = testing::noise(2 * plan->inputs[0].shape.size(), 1);
  std::vector<float> output(static_cast<std::size_t>(2 * plan->outputs[0].shape.size()));
  const long before = allocations.load();
  for (int i = 0; i < 20; ++i) session.run(input.data(), output.data(), 2);
  EXPECT_EQ(allocations.load(), before);
}

TEST(Allocation, ReadingAFrameAllocatesNothing) {
  const std::vector<std::byte> bytes = format::save(testing::small_network());
  const Session session{Model(std::span<const std::byte>(bytes))};
  const std::vector<std::uint8_t> pixels(100 * 80 * 3 / 2, 128);
  std::vector<float> input(session.input().size);
  riffle_frame frame = {};
  frame.planes[0] = pixels.data();
  frame.planes[1] = pixels.data() + 100 * 80;
  frame.width = 100;
  frame.height = 80;
  frame.format = RIFFLE_NV21;
  frame.rotation = 90;
  const long before = allocations.load();
  session.read_frame(frame, input);
  EXPECT_EQ(allocations.load(), before);
}

graph::Graph detecting_network(graph::Suppression suppression) {
  graph::Graph graph;
  graph.add("input", graph::Input{.shape = {32, 32, 3}});
  const graph::Pool pool = {.window = {.kernel_h = 4, .kernel_w = 4, .stride_h = 4, .stride_w = 4}};
  const graph::NodeId pooled = graph.add("pool", pool, {0});
  graph.outputs = {{.node = graph.add("heads", graph::Concat{}, {pooled, pooled})}};
  graph.task = graph::Detect{
      .levels = {{.stride = 4, .scores = {"heads", 4, 2}, .boxes = {"heads", 0, 4}, .points = {"heads", 0, 2}}},
      .threshold = 0.1F,
      .most_of_level = 50,
      .most = 40,
      .suppression = suppression};
  graph.preprocessing = {.resize = graph::Fit::letterbox};
  return graph;
}

TEST(Allocation, DetectingAllocatesNothing) {
  for (const graph::Suppression suppression :
       {graph::Suppression::hard, graph::Suppression::weighted, graph::Suppression::gaussian}) {
    const std::vector<std::byte> bytes = format::save(detecting_network(suppression));
    Session session{Model(std::span<const std::byte>(bytes))};
    Detector detector(session);
    const tests::SomeFrame camera;
    const long before = allocations.load();
    const riffle_findings findings = detector.run(camera.frame);
    EXPECT_EQ(allocations.load(), before);
    EXPECT_GT(findings.count, 0U);
  }
}

/// One unit of a V2 with a residual, and what stands before and behind it: each kind of node, and few of each, for the
/// network is planned as many times as that takes allocations.
graph::Graph tiny_network() {
  graph::Graph graph;
  graph.name = "tiny, by a name that is too long to be kept in a string's own memory";
  const auto convolution = [](std::int32_t inputs, std::int32_t outputs, std::int32_t groups, std::int32_t kernel,
                              std::int32_t stride, graph::Activation activation) {
    const std::int32_t pad = kernel / 2;
    graph::Convolution result;
    result.outputs = outputs;
    result.groups = groups;
    result.window = {.kernel_h = kernel, .kernel_w = kernel, .stride_h = stride, .stride_w = stride};
    result.window.pad_top = result.window.pad_left = result.window.pad_bottom = result.window.pad_right = pad;
    result.weights = graph::Constant(testing::noise(std::int64_t{outputs} * inputs / groups * kernel * kernel, 1));
    result.activation = activation;
    return result;
  };
  const auto norm = [](std::int32_t channels) {
    const std::vector<float> ones(static_cast<std::size_t>(channels), 1.0F);
    return graph::BatchNorm{graph::Constant(ones), graph::Constant(ones), graph::Constant(ones), graph::Constant(ones)};
  };
  using graph::Activation;
  const graph::NodeId input = graph.add("input", graph::Input{{16, 16, 3}});
  const graph::NodeId stem = graph.add("stem", convolution(3, 16, 1, 3, 2, Activation::relu), {input});
  graph::Window window{.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2};
  window.pad_top = window.pad_left = window.pad_bottom = window.pad_right = 1;
  const graph::NodeId pool = graph.add("pool", graph::Pool{graph::PoolKind::max, window}, {stem});
  const graph::NodeId kept = graph.add("kept", graph::Slice{0, 8}, {pool});
  const graph::NodeId right = graph.add("right", graph::Slice{8, 8}, {pool});
  const graph::NodeId reduce = graph.add("reduce", convolution(8, 8, 1, 1, 1, Activation::none), {right});
  const graph::NodeId normed = graph.add("reduce.norm", norm(8), {reduce});
  const graph::NodeId depthwise = graph.add("depthwise", convolution(8, 8, 8, 3, 1, Activation::none), {normed});
  const graph::NodeId expand = graph.add("expand", convolution(8, 8, 1, 1, 1, Activation::none), {depthwise});
  const graph::NodeId sum = graph.add("sum", graph::Binary{.activation = Activation::relu}, {expand, kept});
  const graph::NodeId joined = graph.add("joined", graph::Concat{}, {kept, sum});
  const graph::NodeId shuffled = graph.add("shuffled", graph::Shuffle{2}, {joined});
  const graph::NodeId wide = graph.add("wide", convolution(16, 16, 2, 3, 1, Activation::relu6), {shuffled});
  const graph::NodeId mean = graph.add("mean", graph::GlobalAveragePool{}, {wide});
  graph::FullyConnected dense;
  dense.outputs = 4;
  dense.weights = graph::Constant(testing::noise(64, 2));
  const graph::NodeId classifier = graph.add("classifier", dense, {mean});
  graph.outputs = {{graph.add("probabilities", graph::Softmax{}, {classifier})}};
  return graph;
}

long all_failures = 0;  // of all tests

/// Lets the first allocation of `call` fail, then the second alone, and so on, until it has none that could: each time
/// it returns RIFFLE_NO_MEMORY (or succeeds without that memory), creates nothing (`nothing`), and keeps nothing.
/// `undo` frees what it creates.
template <class Call, class Nothing, class Undo>
void expect_a_status_for_each_allocation(Call&& call, Nothing&& nothing, Undo&& undo) {
  ASSERT_EQ(call(), RIFFLE_OK);  // what is made once and kept is there
  undo();
  const long kept = allocated.load();
  long failures = 0;
  for (long failing = 0;; ++failing) {
    failing_allocation.store(failing);
    const riffle_status status = call();
    const bool failed = failing_allocation.exchange(std::numeric_limits<long>::max()) < 0;
    if (status == RIFFLE_OK) {
      undo();
    } else {
      ASSERT_EQ(status, RIFFLE_NO_MEMORY) << "allocation " << failing;
      ASSERT_TRUE(failed) << "allocation " << failing;
      ASSERT_TRUE(nothing()) << "allocation " << failing;
      ++failures;
    }
    ASSERT_EQ(allocated.load(), kept) << "allocation " << failing;
    if (!failed) break;
  }
  EXPECT_GT(failures, 0);
  all_failures += failures;
  EXPECT_EQ(call(), RIFFLE_OK) << "memory is there again";
  undo();
}

/// What fails below operator new, in the system's own functions for threads and maps, is not seen here.
class FailingAllocation : public ::testing::Test {
 protected:
  void SetUp() override {
    path = ::testing::TempDir() + "riffle_failing_" + std::to_string(::getpid()) + ".riffle";
    format::save_file(tiny_network(), path);
    bytes = format::save(tiny_network());
    ASSERT_EQ(riffle_model_load_file(path.c_str(), &model, nullptr), RIFFLE_OK);
  }
  void TearDown() override {
    riffle_model_free(model);
    std::remove(path.c_str());
  }

  static void TearDownTestSuite() { std::printf("%ld calls failed for want of an allocation\n", all_failures); }

  template <class Load>
  void expect_statuses_of_load(Load&& load) {
    riffle_model* made = nullptr;
    expect_a_status_for_each_allocation([&] { return load(&made); }, [&] { return made == nullptr; },
                                        [&] { riffle_model_free(made), made = nullptr; });
  }

  /// Of a model of its own each time, which has made no plan yet.
  void expect_statuses_of_session(const riffle_options& options) {
    riffle_error error;
    riffle_session* made = nullptr;
    expect_a_status_for_each_allocation(
        [&] {
          return with_a_model([&](riffle_model* its) { return riffle_session_create(its, &options, &made, &error); });
        },
        [&] { return made == nullptr; }, [&] { riffle_session_free(made), made = nullptr; });
  }

  template <class Call>
  riffle_status with_a_model(Call&& call) {
    riffle_model* its = nullptr;
    riffle_status status = riffle_model_load_memory(bytes.data(), bytes.size(), &its, nullptr);
    if (status == RIFFLE_OK) status = call(its);
    riffle_model_free(its);
    return status;
  }

  std::string path;
  std::vector<std::byte> bytes;
  riffle_model* model = nullptr;
};

TEST_F(FailingAllocation, OfLoadFileIsAStatus) {
  expect_statuses_of_load([&](riffle_model** out) { return riffle_model_load_file(path.c_str(), out, nullptr); });
}

TEST_F(FailingAllocation, OfLoadMemoryIsAStatus) {
  expect_statuses_of_load(
      [&](riffle_model** out) { return riffle_model_load_memory(bytes.data(), bytes.size(), out, nullptr); });
}

TEST_F(FailingAllocation, OfABadFileIsAStatus) {
  for (long failing = 0;; ++failing) {
    riffle_error error;
    riffle_model* made = nullptr;
    failing_allocation.store(failing);
    const riffle_status status = riffle_model_load_file("/a/file/that/is/not/there/and/has/a/long/name", &made, &error);
    const bool failed = failing_allocation.exchange(std::numeric_limits<long>::max()) < 0;
    EXPECT_EQ(status, failed ? RIFFLE_NO_MEMORY : RIFFLE_BAD_MODEL);
    EXPECT_EQ(made, nullptr);
    if (!failed) break;
  }
}

TEST_F(FailingAllocation, OfSessionCreateIsAStatus) { expect_statuses_of_session({}); }

TEST_F(FailingAllocation, OfSessionCreateOnThreadsIsAStatus) {
  riffle_options options = {};
  options.threads = 3;
  expect_statuses_of_session(options);
  options.cores = RIFFLE_CORES_BIG;
  expect_statuses_of_session(options);
}

TEST_F(FailingAllocation, OfASessionOfAPlanThatIsThereIsAStatus) {
  riffle_options options = {};
  options.threads = 2;
  options.cores = RIFFLE_CORES_LITTLE;
  options.isa = riffle_cpu_isa(0);
  riffle_session* made = nullptr;
  expect_a_status_for_each_allocation([&] { return riffle_session_create(model, &options, &made, nullptr); },
                                      [&] { return made == nullptr; },
                                      [&] { riffle_session_free(made), made = nullptr; });
}

TEST_F(FailingAllocation, OfSessionMemoryIsAStatus) {
  std::size_t size = 0;
  expect_a_status_for_each_allocation(
      [&] {
        size = 0;
        return with_a_model([&](riffle_model* its) {
          size = 1;
          return riffle_session_memory(its, nullptr, &size, nullptr);
        });
      },
      [&] { return size == 0; }, [] {});
}

TEST_F(FailingAllocation, OfProfileIsAStatus) {
  riffle_session* session = nullptr;
  ASSERT_EQ(riffle_session_create(model, nullptr, &session, nullptr), RIFFLE_OK);
  const std::vector<float> input(riffle_session_input(session).size, 0.5F);
  std::vector<float> output(riffle_session_output(session).size);
  std::vector<riffle_step> steps(riffle_session_step_count(session));
  expect_a_status_for_each_allocation(
      [&] { return riffle_session_profile(session, input.data(), output.data(), steps.data(), steps.size(), nullptr); },
      [] { return true; }, [] {});
  riffle_session_free(session);
}

TEST_F(FailingAllocation, OfDetectorCreateIsAStatus) {
  for (const graph::Suppression suppression : {graph::Suppression::hard, graph::Suppression::weighted}) {
    const std::vector<std::byte> file = format::save(detecting_network(suppression));
    riffle_model* detecting = nullptr;
    riffle_session* session = nullptr;
    ASSERT_EQ(riffle_model_load_memory(file.data(), file.size(), &detecting, nullptr), RIFFLE_OK);
    ASSERT_EQ(riffle_session_create(detecting, nullptr, &session, nullptr), RIFFLE_OK);
    riffle_detector* made = nullptr;
    expect_a_status_for_each_allocation([&] { return riffle_detector_create(session, nullptr, &made, nullptr); },
                                        [&] { return made == nullptr; },
                                        [&] { riffle_detector_free(made), made = nullptr; });
    riffle_session_free(session);
    riffle_model_free(detecting);
  }
}

/// Of a file with every operation, and of one with numbers of every type, labels and preprocessing: each from its bytes
/// to its session.
TEST_F(FailingAllocation, OfEveryOperationAndTypeIsAStatus) {
  for (const char* name : {"operations", "tensors", "metadata"}) {
    SCOPED_TRACE(name);
    bytes = read_file(std::string(RIFFLE_CORPUS_DIR) + "/riffle/" + name + ".riffle", 1 << 20);
    expect_statuses_of_session({});
  }
}

TEST_F(FailingAllocation, OfTheCoreCountIsACount) {
  for (const riffle_cores cores : {RIFFLE_CORES_ALL, RIFFLE_CORES_BIG, RIFFLE_CORES_LITTLE}) {
    for (long failing = 0;; ++failing) {
      failing_allocation.store(failing);
      const std::int32_t count = riffle_cpu_core_count(cores);
      const bool failed = failing_allocation.exchange(std::numeric_limits<long>::max()) < 0;
      EXPECT_GE(count, 1);
      if (!failed) break;
    }
  }
}

TEST(Allocation, TheCountingAllocatorCounts) {
  const long before = allocations.load();
  const std::vector<float> some(100);
  EXPECT_GT(allocations.load(), before);
}

}  // namespace
}  // namespace riffle
