#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "engine/api/objects.hpp"
#include "engine/format/format.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/cores.hpp"
#include "riffle/riffle.hpp"
#include "tests/environment.hpp"
#include "tests/networks.hpp"
#include "tests/several.hpp"

namespace riffle {
namespace {

class Api : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "riffle_api_" + std::to_string(::getpid()) + ".riffle";
    format::save_file(testing::small_network(), path_);
  }
  void TearDown() override { std::remove(path_.c_str()); }
  std::string path_;
};

TEST_F(Api, LoadsRunsAndDescribes) {
  const Model model(path_);
  riffle_options options = {};
  options.threads = 2;
  options.height = 96;
  Session session(model, options);
  EXPECT_STREQ(session.input().name, "input");
  EXPECT_EQ(session.input().type, RIFFLE_FLOAT32);
  EXPECT_EQ(session.input().channels, 3);
  EXPECT_EQ(session.input().height, 96);
  EXPECT_EQ(session.input().width, 64);
  EXPECT_EQ(session.input().size, 3U * 96 * 64);
  EXPECT_EQ(session.output().size, 10U);
  EXPECT_GT(std::string(session.output().name).size(), 0U);
  const std::vector<float> input = testing::noise(static_cast<std::int64_t>(2 * session.input().size), 1);
  std::vector<float> output(20, 1e30F);
  session.run(input, output);
  for (const float x : output) EXPECT_LT(std::abs(x), 1e3F);
  EXPECT_THROW(session.run(input, std::span(output).first(19)), Failure);
}

TEST_F(Api, WhatWasMovedFromFails) {
  Model model(path_);
  Session session(model);
  std::vector<float> input(session.input().size), output(session.output().size);
  const Session taken = std::move(session);
  EXPECT_EQ(taken.input().size, input.size());
  EXPECT_THROW(session.run(input, output), Failure);
  EXPECT_THROW(session.run({}, {}), Failure);
  EXPECT_THROW((void)session.profile({}, {}), Failure);
  EXPECT_THROW(session.read_frame({}, std::span<float>()), Failure);
  const Model other = std::move(model);
  EXPECT_THROW((void)Session(model), Failure);
  EXPECT_THROW((void)model.session_memory(), Failure);
}

TEST_F(Api, SessionsOutliveTheirModel) {
  riffle_model* model = nullptr;
  riffle_session* session = nullptr;
  ASSERT_EQ(riffle_model_load_file(path_.c_str(), &model, nullptr), RIFFLE_OK);
  ASSERT_EQ(riffle_session_create(model, nullptr, &session, nullptr), RIFFLE_OK);
  riffle_model_free(model);
  EXPECT_NE(riffle_session_isa(session), nullptr);
  EXPECT_STREQ(riffle_session_input(session).name, "input");
  const std::vector<float> input(static_cast<std::size_t>(3 * 64 * 64), 0.5F);
  float output[10];
  EXPECT_EQ(riffle_session_run(session, input.data(), output, 1, nullptr), RIFFLE_OK);
  riffle_session_free(session);
}

TEST_F(Api, ModelsFromMemoryGiveTheSameBits) {
  const std::vector<std::byte> bytes = format::save(testing::small_network());
  std::vector<float> from_file(10), from_memory(10);
  const std::vector<float> input = testing::noise(3 * 64 * 64, 2);
  Session(Model(path_)).run(input, from_file);
  Session(Model(std::span<const std::byte>(bytes))).run(input, from_memory);
  EXPECT_EQ(from_file, from_memory);
}

TEST_F(Api, ModelsInMemoryAreNamedIfBad) {
  riffle_error error;
  riffle_model* model = nullptr;
  EXPECT_EQ(riffle_model_load_memory(nullptr, 4, &model, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "bytes is NULL");
  alignas(16) const char garbage[32] = "this is no model";
  EXPECT_EQ(riffle_model_load_memory(garbage, 4, nullptr, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "out is NULL");
  EXPECT_EQ(riffle_model_load_memory(garbage, sizeof garbage, &model, &error), RIFFLE_BAD_MODEL);
  EXPECT_EQ(riffle_model_load_memory(garbage, 0, &model, &error), RIFFLE_BAD_MODEL);
  EXPECT_EQ(riffle_model_load_memory(garbage + 1, 8, &model, &error), RIFFLE_BAD_MODEL);
  EXPECT_NE(std::string(error.message).find("aligned"), std::string::npos) << error.message;
  EXPECT_EQ(model, nullptr);
}

TEST_F(Api, FilesAreNamedIfBad) {
  riffle_error error;
  riffle_model* model = nullptr;
  EXPECT_EQ(riffle_model_load_file(nullptr, &model, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "path is NULL");
  EXPECT_EQ(riffle_model_load_file("x", nullptr, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "out is NULL");
  EXPECT_EQ(riffle_model_load_file("/nonexistent", &model, &error), RIFFLE_BAD_MODEL);
  EXPECT_NE(std::string(error.message).find("/nonexistent"), std::string::npos);
  EXPECT_EQ(riffle_model_load_file("/nonexistent", &model, nullptr), RIFFLE_BAD_MODEL);
  EXPECT_EQ(model, nullptr);
}

/// In 16 bits the numbers are near those of float32, and a CPU that has no arithmetic for it says so and gives the
/// same.
TEST_F(Api, PrecisionIsWhatTheCpuHas) {
  const Model model(path_);
  const auto run = [&](riffle_type precision, std::string& told) {
    riffle_options options = {};
    options.precision = precision;
    options.log_user = &told;
    options.log = [](void* user, riffle_log_level level, const char* message) {
      if (level == RIFFLE_LOG_WARNING) *static_cast<std::string*>(user) += message;
    };
    Session session(model, options);
    std::vector<float> input(session.input().size), output(session.output().size);
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i * 7919 % 1000) / 500.0F - 1.0F;
    session.run(input, output);
    return output;
  };
  std::string told;
  const std::vector<float> floats = run(RIFFLE_FLOAT32, told);
  EXPECT_EQ(told, "");
  const auto [least, most] = std::ranges::minmax(floats);
  for (const auto& [precision, word] : {std::pair(RIFFLE_FLOAT16, "float16"), std::pair(RIFFLE_BFLOAT16, "bfloat16")}) {
    std::string told_of_it;
    const std::vector<float> numbers = run(precision, told_of_it);
    const auto type = static_cast<Type>(precision);
    const bool has_it = plan::precision_of(kernels::choose_kernels(), type) == type;
    EXPECT_EQ(told_of_it.find(std::string("no arithmetic of ") + word) != std::string::npos, !has_it) << told_of_it;
    EXPECT_EQ(floats == numbers, !has_it);
    for (std::size_t i = 0; i < floats.size(); ++i) EXPECT_NEAR(numbers[i], floats[i], 0.05F * (most - least)) << word;
  }
}

TEST_F(Api, OptionsOutOfRangeAreNamed) {
  const Model model(path_);
  const auto no_cores = static_cast<riffle_cores>(3);
  alignas(64) static float memory[16];
  const struct {
    const char* named;
    void (*set)(riffle_options&);
  } cases[] = {
      {"threads", [](riffle_options& o) { o.threads = 257; }},
      {"threads", [](riffle_options& o) { o.threads = -1; }},
      {"size", [](riffle_options& o) { o.width = -3; }},
      {"size", [](riffle_options& o) { o.height = -1; }},
      {"mmx", [](riffle_options& o) { o.isa = "mmx"; }},
      {"memory", [](riffle_options& o) { o.memory_bytes = 64; }},
      {"memory_bytes", [](riffle_options& o) { o.memory = memory; }},
      {"memory", [](riffle_options& o) { o.memory = memory, o.memory_bytes = sizeof memory; }},  // too small
      {"reserved", [](riffle_options& o) { o.reserved[6] = memory; }},
      {"precision", [](riffle_options& o) { o.precision = RIFFLE_INT8; }},
  };
  for (const auto& one : cases) {
    riffle_options options = {};
    one.set(options);
    riffle_error error;
    riffle_session* session = nullptr;
    EXPECT_EQ(riffle_session_create(model.get(), &options, &session, &error), RIFFLE_BAD_ARGUMENT) << one.named;
    EXPECT_NE(std::string(error.message).find(one.named), std::string::npos) << error.message;
    EXPECT_EQ(session, nullptr);
  }
  riffle_options options = {};
  options.cores = no_cores;
  riffle_error error;
  riffle_session* session = nullptr;
  EXPECT_EQ(riffle_session_create(model.get(), &options, &session, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_NE(std::string(error.message).find("cores"), std::string::npos) << error.message;

  // A size that the network cannot take: its last pooling has nothing left.
  options = {};
  options.height = 1 << 30;
  EXPECT_EQ(riffle_session_create(model.get(), &options, &session, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(riffle_session_create(nullptr, nullptr, &session, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "model is NULL");
  EXPECT_EQ(riffle_session_create(model.get(), nullptr, nullptr, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "out is NULL");
  EXPECT_EQ(riffle_session_create(nullptr, nullptr, &session, nullptr), RIFFLE_BAD_ARGUMENT);
}

TEST_F(Api, ArgumentsOfRunAndProfileAreNamed) {
  const Model model(path_);
  Session owner(model);
  riffle_session* session = owner.get();
  std::vector<float> input(owner.input().size), output(owner.output().size, 7.0F);
  std::vector<riffle_step> steps(riffle_session_step_count(session));
  riffle_error error;
  EXPECT_EQ(riffle_session_run(nullptr, input.data(), output.data(), 1, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "session is NULL");
  EXPECT_EQ(riffle_session_run(session, nullptr, output.data(), 1, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(riffle_session_run(session, input.data(), nullptr, 1, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(riffle_session_run(session, input.data(), output.data(), 0, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "batch is less than 1");
  EXPECT_EQ(riffle_session_run(session, input.data(), output.data(), -1, nullptr), RIFFLE_BAD_ARGUMENT);

  const auto profile = [&](riffle_session* s, const float* in, float* out, riffle_step* to, std::size_t count) {
    return riffle_session_profile(s, in, out, to, count, &error);
  };
  EXPECT_EQ(profile(nullptr, input.data(), output.data(), steps.data(), steps.size()), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(profile(session, nullptr, output.data(), steps.data(), steps.size()), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(profile(session, input.data(), nullptr, steps.data(), steps.size()), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(profile(session, input.data(), output.data(), nullptr, steps.size()), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(profile(session, input.data(), output.data(), steps.data(), steps.size() - 1), RIFFLE_BAD_ARGUMENT);
  EXPECT_NE(std::string(error.message).find("step_count"), std::string::npos);
  for (const float x : output) EXPECT_EQ(x, 7.0F) << "a refused call wrote a result";
}

TEST_F(Api, ProfileNamesEveryStep) {
  Session session{Model(path_)};
  const std::vector<float> input = testing::noise(static_cast<std::int64_t>(session.input().size), 3);
  std::vector<float> output(session.output().size), expected(session.output().size);
  session.run(input, expected);
  const std::vector<riffle_step> steps = session.profile(input, output);
  EXPECT_EQ(output, expected);
  ASSERT_GT(steps.size(), 3U);
  std::int64_t macs = 0;
  for (const riffle_step& step : steps) {
    EXPECT_GT(std::string(step.name).size(), 0U);
    EXPECT_GT(std::string(step.operation).size(), 0U);
    EXPECT_NE(std::string(step.kernel).find(session.isa()), std::string::npos) << step.kernel;
    EXPECT_GE(step.seconds, 0.0);
    macs += step.macs;
  }
  EXPECT_GT(macs, 0);
}

TEST_F(Api, IsaIsAnUpperBound) {
  const Model model(path_);
  for (const kernels::Kernels* kernels : kernels::all_kernels()) {
    if (is_quantised(kernels->type)) continue;  // which a network of floats has no use for
    riffle_options options = {};
    options.isa = kernels->isa;
    options.precision = static_cast<riffle_type>(kernels->type);
    const std::string chosen = Session(model, options).isa();
    // Here: it. On a CPU that lacks it: the next that it has.
    if (kernels->supported()) {
      EXPECT_EQ(chosen, kernels->isa);
    } else {
      EXPECT_NE(chosen, kernels->isa);
      EXPECT_TRUE(kernels::find_kernels(chosen)->supported());
    }
  }
}

TEST_F(Api, TheEnvironmentsIsaIsTheDefault) {
  const Model model(path_);
  const char* last = riffle_cpu_isa(0);
  for (std::size_t i = 0; riffle_cpu_isa(i) != nullptr; ++i) last = riffle_cpu_isa(i);
  riffle_options options = {};
  options.isa = kernels::find_kernels(kernels::best_kernels(), Type::f32)->isa;
  {
    const testing::Environment isa("RIFFLE_ISA", last);
    EXPECT_STREQ(Session(model).isa(), last);
    EXPECT_STREQ(Session(model, options).isa(), options.isa) << "asked for by name";
  }
  const testing::Environment isa("RIFFLE_ISA", "mmx");
  EXPECT_STREQ(Session(model, options).isa(), options.isa);
  riffle_error error;
  riffle_session* session = nullptr;
  EXPECT_EQ(riffle_session_create(model.get(), nullptr, &session, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_NE(std::string(error.message).find("'mmx'"), std::string::npos) << error.message;
  EXPECT_EQ(session, nullptr);
}

TEST_F(Api, WorksInTheCallersMemory) {
  const Model model(path_);
  const std::vector<float> input = testing::noise(3 * 64 * 64, 5);
  std::vector<float> expected(10), output(10);
  Session(model).run(input, expected);

  for (const int threads : {1, 3}) {
    riffle_options options = {};
    options.threads = threads;
    const std::size_t bytes = model.session_memory(options);
    EXPECT_GE(bytes, static_cast<std::size_t>(model.get()->plan({})->arena_bytes));
    // A line before it and one behind it, which are nobody's.
    constexpr std::size_t line = 64;
    std::vector<std::byte> all(bytes + 3 * line, std::byte{0x5A});
    void* at = all.data() + line;
    std::size_t space = bytes + 2 * line;
    options.memory = std::align(line, bytes, at, space);
    options.memory_bytes = bytes;
    const auto* begin = static_cast<const std::byte*>(options.memory);
    {
      Session session(model, options);
      session.run(input, output);
      EXPECT_EQ(output, expected);
      EXPECT_EQ(model.session_memory(options), bytes) << "memory fields are not looked at";
    }
    for (const std::byte* p = all.data(); p < all.data() + all.size(); ++p) {
      if (p == begin) p += bytes;
      ASSERT_EQ(*p, std::byte{0x5A}) << "written at " << p - begin;
    }
    riffle_error error;
    riffle_session* session = nullptr;
    options.memory_bytes = bytes - 1;
    EXPECT_EQ(riffle_session_create(model.get(), &options, &session, &error), RIFFLE_BAD_ARGUMENT);
    EXPECT_NE(std::string(error.message).find(std::to_string(bytes)), std::string::npos) << error.message;
    options.memory_bytes = bytes;
    options.memory = static_cast<std::byte*>(options.memory) + 4;
    EXPECT_EQ(riffle_session_create(model.get(), &options, &session, &error), RIFFLE_BAD_ARGUMENT);
    EXPECT_NE(std::string(error.message).find("multiple of 64"), std::string::npos) << error.message;
    EXPECT_EQ(session, nullptr);
  }
}

TEST_F(Api, ArgumentsOfSessionMemoryAreNamed) {
  const Model model(path_);
  riffle_error error;
  std::size_t bytes = 1;
  EXPECT_EQ(riffle_session_memory(model.get(), nullptr, nullptr, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "byte_count is NULL");
  EXPECT_EQ(riffle_session_memory(nullptr, nullptr, &bytes, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "model is NULL");
  EXPECT_EQ(bytes, 0U);
  riffle_options options = {};
  options.threads = 257;
  EXPECT_EQ(riffle_session_memory(model.get(), &options, &bytes, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(riffle_session_memory(model.get(), nullptr, &bytes, &error), RIFFLE_OK);
  EXPECT_GT(bytes, 0U);
}

TEST_F(Api, CoresAreNoMatterOfResults) {
  const Model model(path_);
  const std::vector<float> input = testing::noise(2 * 3 * 64 * 64, 6);
  std::vector<float> expected(20), output(20);
  Session(model).run(input, expected);
  for (const riffle_cores cores : {RIFFLE_CORES_ALL, RIFFLE_CORES_BIG, RIFFLE_CORES_LITTLE}) {
    EXPECT_GE(riffle_cpu_core_count(cores), 1);
    for (const int threads : {1, 2, 4}) {
      riffle_options options = {};
      options.cores = cores;
      options.threads = threads;
      Session(model, options).run(input, output);
      EXPECT_EQ(output, expected) << cores << ", " << threads;
    }
  }
}

TEST_F(Api, TheLogTellsWhatWasDecided) {
  struct Lines {
    std::vector<std::string> info, warnings;
  } lines;
  riffle_options options = {};
  options.threads = 2;
  options.log_user = &lines;
  options.log = [](void* user, riffle_log_level level, const char* message) {
    auto* to = static_cast<Lines*>(user);
    (level == RIFFLE_LOG_WARNING ? to->warnings : to->info).emplace_back(message);
  };
  const Model model(path_);
  const std::string isa = Session(model, options).isa();
  ASSERT_EQ(lines.info.size(), 1U);
  EXPECT_TRUE(lines.warnings.empty());
  const std::string bytes = std::to_string(model.session_memory(options));
  for (const std::string& part : {isa, std::string("3 x 64 x 64"), std::string("threads: 2"), bytes}) {
    EXPECT_NE(lines.info[0].find(part), std::string::npos) << part << " in " << lines.info[0];
  }
  // Cores of a kind that this machine may not have: what is told is what is.
  lines = {};
  options.cores = RIFFLE_CORES_BIG;
  const Session session(model, options);
  const run::Topology machine = run::this_machine();
  const bool has = !machine.cores.empty() && run::has(machine, run::Cores::big);
  const bool pinned = session.get()->session.pinned();
  EXPECT_EQ(lines.warnings.empty(), has && pinned);
  ASSERT_EQ(lines.info.size(), 1U);
  EXPECT_EQ(lines.info[0].find("bound to cores") != std::string::npos, pinned);
}

/// A file of that graph, for as long as the object lives.
class Saved {
 public:
  explicit Saved(const graph::Graph& graph)
      : path_(::testing::TempDir() + "riffle_several_" + std::to_string(::getpid()) + ".riffle") {
    format::save_file(graph, path_);
  }
  ~Saved() { std::remove(path_.c_str()); }
  Saved(const Saved&) = delete;
  Saved& operator=(const Saved&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(ApiOfSeveralTensors, NamesThemAndTakesBuffersByIndex) {
  graph::Graph graph = testing::several_inputs_and_outputs();
  std::get<graph::Input>(graph.nodes[1].operation).type = Type::u8;
  std::get<graph::Input>(graph.nodes[1].operation).quantization = {0.0078125F, 128};
  graph.outputs[2].type = Type::f16;
  const Saved file(graph);
  const Model model(file.path());
  Session session(model);
  ASSERT_EQ(session.inputs().size(), 2U);
  ASSERT_EQ(session.outputs().size(), 7U);
  EXPECT_STREQ(session.input().name, "left");
  EXPECT_STREQ(session.inputs()[1].name, "right");
  EXPECT_EQ(session.inputs()[1].type, RIFFLE_UINT8);
  EXPECT_EQ(session.inputs()[1].scale, 0.0078125F);
  EXPECT_EQ(session.inputs()[1].zero_point, 128);
  EXPECT_EQ(session.outputs()[2].type, RIFFLE_FLOAT16);
  EXPECT_EQ(session.find_output("joined"), 6U);
  EXPECT_EQ(session.find_input("right"), 1U);
  EXPECT_EQ(session.find_output("left"), std::nullopt);
  EXPECT_EQ(riffle_session_find_output(nullptr, "left"), -1);
  EXPECT_EQ(riffle_session_output_at(session.get(), 7).name, nullptr);
  EXPECT_EQ(riffle_session_output_count(nullptr), 0U);

  const std::vector<float> left = testing::noise(2 * 9 * 12 * 3, 1);
  const std::vector<std::uint8_t> right(std::size_t{2} * 9 * 12 * 8, 160);
  std::vector<std::vector<float>> outputs;
  std::vector<riffle_output_buffer> to;
  for (const riffle_tensor& tensor : session.outputs()) {
    outputs.emplace_back(2 * tensor.size, -7.0F);
    to.push_back({outputs.back().data(), tensor.type, 2 * tensor.size});
  }
  const riffle_input_buffer from[] = {input_buffer(std::span(left)), input_buffer(std::span(right), RIFFLE_UINT8)};
  session.run(from, to, 2);
  EXPECT_EQ(outputs[4], left);
  EXPECT_EQ(outputs[5], std::vector<float>(std::size_t{2} * 9 * 12 * 5, 0.25F));

  const auto refusal = [&](auto change) -> std::string {
    std::vector<riffle_input_buffer> inputs(std::begin(from), std::end(from));
    std::vector<riffle_output_buffer> room = to;
    std::int64_t batch = 2;
    change(inputs, room, batch);
    try {
      session.run(inputs, room, batch);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.status(), RIFFLE_BAD_ARGUMENT);
      return failure.what();
    }
    return "no error";
  };
  EXPECT_EQ(refusal([](auto& inputs, auto&, auto&) { inputs.pop_back(); }),
            "1 input buffers are given; the session has 2");
  EXPECT_EQ(refusal([](auto&, auto& room, auto&) { room[3].data = nullptr; }),
            "the data of output 3 'shuffled' is NULL");
  EXPECT_EQ(refusal([](auto& inputs, auto&, auto&) { inputs[1].type = RIFFLE_INT8; }),
            "the buffer of input 1 'right' is of type 3; the tensor's is 4");
  EXPECT_EQ(refusal([](auto&, auto&, auto& batch) { batch = 3; }),
            "the buffer of input 0 'left' has 648 elements, not 3 times 324");
  EXPECT_EQ(refusal([](auto&, auto&, auto& batch) { batch = 0; }), "batch is less than 1");
  EXPECT_NE(refusal([](auto&, auto& room, auto&) {
              room[0].data = static_cast<char*>(room[0].data) + 1;
            }).find("not aligned"),
            std::string::npos);

  std::vector<riffle_step> steps(riffle_session_step_count(session.get()));
  const riffle_input_buffer one[] = {{left.data(), RIFFLE_FLOAT32, left.size() / 2},
                                     {right.data(), RIFFLE_UINT8, right.size() / 2}};
  for (riffle_output_buffer& output : to) output.size /= 2;
  ASSERT_EQ(
      riffle_session_profile_buffers(session.get(), one, 2, to.data(), to.size(), steps.data(), steps.size(), nullptr),
      RIFFLE_OK);
  EXPECT_NE(steps.back().kernel, nullptr);

  float number = 0;
  EXPECT_EQ(riffle_session_run(session.get(), left.data(), &number, 1, nullptr), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(riffle_session_profile(session.get(), left.data(), &number, steps.data(), steps.size(), nullptr),
            RIFFLE_BAD_ARGUMENT);
}

TEST_F(Api, TheEnvironmentCanAskForALineAStep) {
  const Model model(path_);
  std::string printed;
  const auto create = [&](const char* value) {
    const testing::Environment log("RIFFLE_LOG", value);
    ::testing::internal::CaptureStderr();
    const Session session(model);
    printed = ::testing::internal::GetCapturedStderr();
    return riffle_session_step_count(session.get());
  };
  create("0");
  EXPECT_EQ(printed, "");
  const std::size_t steps = create("1");
  EXPECT_EQ(static_cast<std::size_t>(std::count(printed.begin(), printed.end(), '\n')), steps + 1);
  EXPECT_NE(printed.find("reads the caller's 3 planes"), std::string::npos) << printed;
  EXPECT_NE(printed.find("riffle: step 1 "), std::string::npos) << printed;
}

TEST_F(Api, SessionsOfOneModelShareItsPackedWeights) {
  const Model model(path_);
  const plan::Options as_it_is = {}, larger = {.height = 96, .width = 96};
  const auto plan = model.get()->plan(as_it_is);
  EXPECT_EQ(model.get()->plan(as_it_is), plan);
  const Session first(model), second(model);
  EXPECT_EQ(&first.get()->session.plan(), &second.get()->session.plan());
  EXPECT_NE(model.get()->plan(larger), plan);
  EXPECT_EQ(model.get()->plan(larger)->inputs[0].shape.h, 96);
  // Also with those that are older than the last plan, and with those that say the same in other words.
  riffle_options options = {};
  options.height = options.width = 64;
  options.isa = first.isa();
  const Session third(model, options);
  EXPECT_EQ(&third.get()->session.plan(), &first.get()->session.plan());
  options.width = 0;
  EXPECT_EQ(&Session(model, options).get()->session.plan(), &first.get()->session.plan());
}

TEST_F(Api, PlansThatNobodyHasAnyMoreAreNotKept) {
  const Model model(path_);
  std::weak_ptr<const plan::Plan> first = model.get()->plan({.height = 96, .width = 96});
  EXPECT_FALSE(first.expired());
  (void)model.get()->plan({});
  EXPECT_TRUE(first.expired());
}

/// Whatever the place in the picture and the instruction set: max pooling, activations and sums hand it on.
TEST_F(Api, ANaNInTheInputIsSeenInTheResult) {
  const Model model(path_);
  for (std::size_t isa = 0; riffle_cpu_isa(isa) != nullptr; ++isa) {
    riffle_options options = {};
    options.isa = riffle_cpu_isa(isa);
    Session session(model, options);
    const std::vector<float> input = testing::noise(static_cast<std::int64_t>(session.input().size), 7);
    std::vector<float> output(session.output().size);
    for (std::size_t at = 0; at < input.size(); at += 331) {
      std::vector<float> spoilt = input;
      spoilt[at] = std::numeric_limits<float>::quiet_NaN();
      session.run(spoilt, output);
      for (const float x : output) ASSERT_TRUE(std::isnan(x)) << options.isa << ", float " << at;
    }
  }
}

TEST_F(Api, NamesWhatThisCpuOffers) {
  std::size_t count = 0;
  for (; riffle_cpu_isa(count) != nullptr; ++count) {
    EXPECT_TRUE(kernels::find_kernels(riffle_cpu_isa(count))->supported());
  }
  ASSERT_GE(count, 1U);
  EXPECT_STREQ(riffle_cpu_isa(0), kernels::best_kernels().isa);
  EXPECT_STREQ(riffle_cpu_isa(count - 1), "scalar");
  EXPECT_GE(riffle_cpu_core_count(RIFFLE_CORES_ALL), 1);
  EXPECT_EQ(riffle_cpu_core_count(static_cast<riffle_cores>(-1)), 0);
  EXPECT_EQ(riffle_cpu_core_count(static_cast<riffle_cores>(3)), 0);
}

TEST_F(Api, ABusySessionSaysSo) {
  const Model model(path_);
  Session session(model);
  const std::vector<float> input(session.input().size);
  std::vector<float> output(session.output().size);
  std::vector<riffle_step> steps(riffle_session_step_count(session.get()));
  session.run(input, output);
  session.get()->at_work = true;  // as another thread's call would find it
  riffle_error error;
  EXPECT_EQ(riffle_session_run(session.get(), input.data(), output.data(), 1, &error), RIFFLE_BUSY);
  EXPECT_NE(std::string(error.message).find("another thread"), std::string::npos);
  EXPECT_EQ(riffle_session_profile(session.get(), input.data(), output.data(), steps.data(), steps.size(), &error),
            RIFFLE_BUSY);
  session.get()->at_work = false;
  session.run(input, output);
  session.run(input, output);
}

TEST_F(Api, LabelsAreTheModels) {
  EXPECT_TRUE(Model(path_).labels().empty());
  EXPECT_EQ(riffle_model_label(Model(path_).get(), 0), nullptr);
  format::save_file(testing::network_with_metadata(), path_);
  const Model model(path_);
  ASSERT_EQ(riffle_model_label_count(model.get()), 10U);
  EXPECT_STREQ(riffle_model_label(model.get(), 9), "class 9");
  EXPECT_EQ(riffle_model_label(model.get(), 10), nullptr);
  ASSERT_EQ(model.labels().size(), 10U);
  EXPECT_EQ(model.labels()[3], "class 3");
}

TEST_F(Api, FramesAreNormalisedAsTheModelSays) {
  format::save_file(testing::network_with_metadata(), path_);
  const Session session{Model(path_)};
  const std::uint8_t pixel[] = {255, 0, 51};
  riffle_frame frame = {};
  frame.planes[0] = pixel;
  frame.width = frame.height = 1;
  std::vector<float> carried(session.input().size), given(carried.size()), plain(carried.size());
  session.read_frame(frame, carried);
  const riffle_normalisation same = {{0.485F, 0.456F, 0.406F, 0}, {0.25F, 0.25F, 0.25F, 0}};
  session.read_frame(frame, given, &same);
  EXPECT_EQ(carried, given);
  EXPECT_NEAR(carried.front(), (1 - 0.485) / 0.25, 1e-5);
  EXPECT_NEAR(carried.back(), (0.2 - 0.406) / 0.25, 1e-5);
  const riffle_normalisation none = {{0, 0, 0, 0}, {1, 1, 1, 1}};
  session.read_frame(frame, plain, &none);
  EXPECT_NEAR(plain.back(), 0.2, 1e-6);
}

TEST(ApiOfNothing, IsHarmless) {
  EXPECT_EQ(riffle_model_label_count(nullptr), 0U);
  EXPECT_EQ(riffle_model_label(nullptr, 0), nullptr);
  riffle_model_free(nullptr);
  riffle_session_free(nullptr);
  EXPECT_EQ(riffle_session_input(nullptr).size, 0U);
  EXPECT_EQ(riffle_session_input(nullptr).name, nullptr);
  EXPECT_EQ(riffle_session_output(nullptr).channels, 0);
  EXPECT_EQ(riffle_session_isa(nullptr), nullptr);
  EXPECT_EQ(riffle_session_step_count(nullptr), 0U);
  EXPECT_EQ(riffle_cpu_isa(1000), nullptr);
  EXPECT_STREQ(riffle_version(), "0.1.0");
}

}  // namespace
}  // namespace riffle
