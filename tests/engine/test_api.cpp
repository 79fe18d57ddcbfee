#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "engine/format/format.hpp"
#include "riffle/riffle.hpp"
#include "tests/engine/networks.hpp"

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
  const NetworkModel model(path_);
  riffle_options options = {};
  options.threads = 2;
  options.height = 96;
  NetworkSession session(model, options);
  EXPECT_EQ(session.input_shape().channels, 3);
  EXPECT_EQ(session.input_shape().height, 96);
  EXPECT_EQ(session.input_shape().width, 64);
  EXPECT_EQ(session.output_size(), 10U);
  const std::vector<float> input = testing::noise(static_cast<std::int64_t>(2 * session.input_size()), 1);
  std::vector<float> output(20, 1e30F);
  session.run(input, output);
  for (const float x : output) EXPECT_LT(std::abs(x), 1e3F);
  EXPECT_THROW(session.run(input, std::span(output).first(19)), Failure);
}

TEST_F(Api, SessionsOutliveTheirModel) {
  riffle_model* model = nullptr;
  riffle_session* session = nullptr;
  ASSERT_EQ(riffle_model_load_file(path_.c_str(), &model, nullptr), RIFFLE_OK);
  ASSERT_EQ(riffle_session_create(model, nullptr, &session, nullptr), RIFFLE_OK);
  riffle_model_free(model);
  EXPECT_NE(riffle_session_isa(session), nullptr);
  const std::vector<float> input(static_cast<std::size_t>(3 * 64 * 64), 0.5F);
  float output[10];
  EXPECT_EQ(riffle_session_run(session, input.data(), output, 1, nullptr), RIFFLE_OK);
  riffle_session_free(session);
}

TEST_F(Api, BadArgumentsAreNamed) {
  riffle_error error;
  riffle_model* model = nullptr;
  riffle_session* session = nullptr;
  EXPECT_EQ(riffle_model_load_file(nullptr, &model, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_STREQ(error.message, "path is NULL");
  EXPECT_EQ(riffle_model_load_file("x", nullptr, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(riffle_model_load_file("/nonexistent", &model, &error), RIFFLE_BAD_MODEL);
  EXPECT_EQ(model, nullptr);
  EXPECT_NE(std::string(error.message).find("/nonexistent"), std::string::npos);
  EXPECT_EQ(riffle_model_load_memory(nullptr, 4, &model, &error), RIFFLE_BAD_ARGUMENT);
  alignas(16) const char garbage[32] = "this is no model";
  EXPECT_EQ(riffle_model_load_memory(garbage, sizeof garbage, &model, &error), RIFFLE_BAD_MODEL);
  EXPECT_EQ(riffle_session_create(nullptr, nullptr, &session, &error), RIFFLE_BAD_ARGUMENT);

  ASSERT_EQ(riffle_model_load_file(path_.c_str(), &model, &error), RIFFLE_OK);
  riffle_options options = {};
  options.threads = 1000;
  EXPECT_EQ(riffle_session_create(model, &options, &session, &error), RIFFLE_BAD_ARGUMENT);
  options = {};
  options.width = -3;
  EXPECT_EQ(riffle_session_create(model, &options, &session, &error), RIFFLE_BAD_ARGUMENT);
  options = {};
  options.isa = "mmx";
  EXPECT_EQ(riffle_session_create(model, &options, &session, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_NE(std::string(error.message).find("mmx"), std::string::npos);
  EXPECT_EQ(session, nullptr);

  ASSERT_EQ(riffle_session_create(model, nullptr, &session, nullptr), RIFFLE_OK);
  float number = 0;
  EXPECT_EQ(riffle_session_run(session, nullptr, &number, 1, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(riffle_session_run(session, &number, &number, 0, &error), RIFFLE_BAD_ARGUMENT);
  EXPECT_EQ(riffle_session_run(nullptr, &number, &number, 1, &error), RIFFLE_BAD_ARGUMENT);
  riffle_session_free(session);
  riffle_model_free(model);
}

TEST(ApiOfNothing, IsHarmless) {
  riffle_model_free(nullptr);
  riffle_session_free(nullptr);
  EXPECT_EQ(riffle_session_input_shape(nullptr).channels, 0);
  EXPECT_EQ(riffle_session_output_shape(nullptr).channels, 0);
  EXPECT_EQ(riffle_session_isa(nullptr), nullptr);
  EXPECT_STREQ(riffle_version(), "0.1.0");
}

}  // namespace
}  // namespace riffle
