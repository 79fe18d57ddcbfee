// The C API where the system refuses a call: files, maps, threads. What fails is a status, creates nothing and keeps
// nothing; what only makes a session faster is done without. Failing allocations are in allocation_test.cpp.
#include "tests/failing_calls.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <iterator>

#include "riffle/riffle.hpp"
#include "tests/fork.hpp"
#include "tests/networks.hpp"

namespace riffle {
namespace {

using testing::Fault;

class FailingCalls : public ::testing::Test {
 protected:
  void SetUp() override {
    const Model model(path_);
    Session session(model);
    input_ = testing::noise(static_cast<std::int64_t>(session.input().size), 1);
    expected_.resize(session.output().size);
    session.run(input_, expected_);
  }

  static std::ptrdiff_t open_files() {
    const std::filesystem::directory_iterator files("/proc/self/fd");
    return std::distance(begin(files), end(files));
  }

  /// A model and a session of it, made and run while that call fails, or what the first call that fails says.
  riffle_status live(const riffle_options& options) const {
    riffle_error error = {};
    riffle_model* model = nullptr;
    riffle_session* session = nullptr;
    riffle_status status = riffle_model_load_file(path_.c_str(), &model, &error);
    EXPECT_EQ(status == RIFFLE_OK, model != nullptr);
    if (status == RIFFLE_OK) status = riffle_session_create(model, &options, &session, &error);
    EXPECT_EQ(status == RIFFLE_OK, session != nullptr);
    riffle_model_free(model);
    if (status == RIFFLE_OK) {
      std::vector<float> output(expected_.size());
      EXPECT_EQ(riffle_session_run(session, input_.data(), output.data(), 1, &error), RIFFLE_OK);
      EXPECT_EQ(output, expected_);
    } else {
      EXPECT_GT(std::strlen(error.message), 0U);
    }
    riffle_session_free(session);
    return status;
  }

  void expect_statuses(const riffle_options& options) const {
    EXPECT_EQ(live(options), RIFFLE_OK);
    const std::ptrdiff_t files = open_files();
    for (const int error : {EINTR, EMFILE}) {
      int refused = 0;
      for (long call = 0;; ++call) {
        SCOPED_TRACE(::testing::Message() << "call " << call << ", " << std::strerror(error));
        riffle_status status = RIFFLE_OK;
        {
          const Fault fault = Fault::of_call(call, error);
          status = live(options);
        }
        EXPECT_TRUE(status == RIFFLE_OK || status == RIFFLE_BAD_MODEL || status == RIFFLE_NO_MEMORY) << status;
        EXPECT_EQ(open_files(), files);
        refused += status != RIFFLE_OK;
        if (!Fault::met()) break;
      }
      EXPECT_GT(refused, 3);  // at least what finds, opens and maps the file
    }
  }

  const std::string path_ = RIFFLE_CORPUS_DIR "/riffle/shuffle.riffle";  // which takes no time
  std::vector<float> input_, expected_;
};

TEST_F(FailingCalls, OfAModelAndASessionAreAStatus) { expect_statuses({}); }

TEST_F(FailingCalls, OfThreadsAreAStatus) {
  riffle_options options = {};
  options.threads = 3;
  expect_statuses(options);
}

TEST_F(FailingCalls, OfCoresAreDoneWithout) {
  riffle_options options = {};
  options.threads = 2;
  options.cores = RIFFLE_CORES_BIG;
  expect_statuses(options);
  for (long call = 0;; ++call) {
    const Fault fault = Fault::of_call(call, EMFILE);
    for (const riffle_cores cores : {RIFFLE_CORES_ALL, RIFFLE_CORES_BIG, RIFFLE_CORES_LITTLE}) {
      EXPECT_GE(riffle_cpu_core_count(cores), 1);
    }
    if (!Fault::met()) break;
  }
}

TEST_F(FailingCalls, OfThreadsInAChildAreDoneWithout) {
  if (const char* reason = testing::why_no_threads_in_a_child()) GTEST_SKIP() << reason;
  riffle_options options = {};
  options.threads = 3;
  const Model model(path_);
  Session session(model, options);
  for (long call = 0; call < 3; ++call) {
    EXPECT_TRUE(testing::holds_in_a_child([&] {
      std::vector<float> output(expected_.size());
      const Fault fault = Fault::of_call(call, EAGAIN);
      session.run(input_, output);
      return output == expected_ && Fault::met() == (call < 2);
    }));
  }
}

}  // namespace
}  // namespace riffle
