// The C API over the engine: nothing but translation, and the place where every exception ends.
#include <cstdio>
#include <memory>
#include <new>
#include <string>

#include "engine/format/format.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/session.hpp"
#include "riffle/riffle.h"

struct riffle_model {
  riffle::graph::Graph graph;
};

struct riffle_session {
  riffle::run::Session session;
};

namespace {

constexpr std::int32_t max_threads = 256;

riffle_status report(riffle_error* error, riffle_status status, const char* message) {
  if (error != nullptr) std::snprintf(error->message, sizeof error->message, "%s", message);
  return status;
}

/// Runs f; `failure` is the status of an Error that it throws.
template <class F>
riffle_status guarded(riffle_error* error, riffle_status failure, F&& f) noexcept {
  try {
    f();
    return RIFFLE_OK;
  } catch (const riffle::Error& e) {
    return report(error, failure, e.what());
  } catch (const std::bad_alloc&) {
    return report(error, RIFFLE_NO_MEMORY, "out of memory");
  } catch (const std::exception& e) {
    return report(error, failure, e.what());
  }
}

riffle_shape shape_of(const riffle::graph::Shape& shape) { return {shape.c, shape.h, shape.w}; }

}  // namespace

riffle_status riffle_model_load_file(const char* path, riffle_model** out, riffle_error* error) {
  if (out == nullptr) return report(error, RIFFLE_BAD_ARGUMENT, "out is NULL");
  *out = nullptr;
  if (path == nullptr) return report(error, RIFFLE_BAD_ARGUMENT, "path is NULL");
  return guarded(error, RIFFLE_BAD_MODEL, [&] { *out = new riffle_model{riffle::format::load_file(path)}; });
}

riffle_status riffle_model_load_memory(const void* bytes, size_t byte_count, riffle_model** out, riffle_error* error) {
  if (out == nullptr) return report(error, RIFFLE_BAD_ARGUMENT, "out is NULL");
  *out = nullptr;
  if (bytes == nullptr) return report(error, RIFFLE_BAD_ARGUMENT, "bytes is NULL");
  return guarded(error, RIFFLE_BAD_MODEL, [&] {
    *out = new riffle_model{riffle::format::load({static_cast<const std::byte*>(bytes), byte_count}, nullptr)};
  });
}

void riffle_model_free(riffle_model* model) { delete model; }

riffle_status riffle_session_create(const riffle_model* model, const riffle_options* options, riffle_session** out,
                                    riffle_error* error) {
  if (out == nullptr) return report(error, RIFFLE_BAD_ARGUMENT, "out is NULL");
  *out = nullptr;
  if (model == nullptr) return report(error, RIFFLE_BAD_ARGUMENT, "model is NULL");
  const riffle_options chosen = options != nullptr ? *options : riffle_options{};
  if (chosen.threads < 0 || chosen.threads > max_threads) {
    return report(error, RIFFLE_BAD_ARGUMENT, "threads is not in 0 to 256");
  }
  if (chosen.height < 0 || chosen.width < 0) return report(error, RIFFLE_BAD_ARGUMENT, "the input size is negative");
  return guarded(error, RIFFLE_BAD_ARGUMENT, [&] {
    riffle::plan::Options plan_options;
    plan_options.height = chosen.height;
    plan_options.width = chosen.width;
    if (chosen.isa != nullptr) plan_options.kernels = &riffle::plan::choose_kernels(chosen.isa);
    auto plan = riffle::plan::make(model->graph, plan_options);
    *out = new riffle_session{riffle::run::Session(std::move(plan), chosen.threads == 0 ? 1 : chosen.threads)};
  });
}

void riffle_session_free(riffle_session* session) { delete session; }

riffle_shape riffle_session_input_shape(const riffle_session* session) {
  return session != nullptr ? shape_of(session->session.plan().input) : riffle_shape{};
}

riffle_shape riffle_session_output_shape(const riffle_session* session) {
  return session != nullptr ? shape_of(session->session.plan().output) : riffle_shape{};
}

riffle_status riffle_session_run(riffle_session* session, const float* input, float* output, int64_t batch,
                                 riffle_error* error) {
  if (session == nullptr) return report(error, RIFFLE_BAD_ARGUMENT, "session is NULL");
  if (input == nullptr || output == nullptr) return report(error, RIFFLE_BAD_ARGUMENT, "input or output is NULL");
  if (batch < 1) return report(error, RIFFLE_BAD_ARGUMENT, "batch is less than 1");
  session->session.run(input, output, batch);
  return RIFFLE_OK;
}

const char* riffle_session_isa(const riffle_session* session) {
  return session != nullptr ? session->session.plan().kernels->isa : nullptr;
}

const char* riffle_version(void) { return RIFFLE_VERSION; }
