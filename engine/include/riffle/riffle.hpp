// riffle for C++: riffle.h with owners and spans, header-only. Failures throw riffle::Failure; everything else is as
// riffle.h says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "riffle/riffle.h"

namespace riffle {

class Failure : public std::runtime_error {
 public:
  Failure(riffle_status status, const char* message) : std::runtime_error(message), status_(status) {}
  [[nodiscard]] riffle_status status() const { return status_; }

 private:
  riffle_status status_;
};

namespace detail {
/// Calls f(&error) and throws what it reports.
template <class F>
void check(F&& f) {
  riffle_error error;
  error.message[0] = '\0';
  if (const riffle_status status = f(&error); status != RIFFLE_OK) throw Failure(status, error.message);
}
}  // namespace detail

class NetworkModel {
 public:
  explicit NetworkModel(const std::string& path) {
    riffle_model* model = nullptr;
    detail::check([&](riffle_error* error) { return riffle_model_load_file(path.c_str(), &model, error); });
    model_.reset(model);
  }
  /// The bytes, 16-byte aligned, outlive the model and its sessions.
  explicit NetworkModel(std::span<const std::byte> bytes) {
    riffle_model* model = nullptr;
    detail::check(
        [&](riffle_error* error) { return riffle_model_load_memory(bytes.data(), bytes.size(), &model, error); });
    model_.reset(model);
  }
  [[nodiscard]] const riffle_model* get() const { return model_.get(); }

 private:
  struct Free {
    void operator()(riffle_model* model) const { riffle_model_free(model); }
  };
  std::unique_ptr<riffle_model, Free> model_;
};

class NetworkSession {
 public:
  explicit NetworkSession(const NetworkModel& model, const riffle_options& options = {}) {
    riffle_session* session = nullptr;
    detail::check([&](riffle_error* error) { return riffle_session_create(model.get(), &options, &session, error); });
    session_.reset(session);
  }

  [[nodiscard]] riffle_shape input_shape() const { return riffle_session_input_shape(session_.get()); }
  [[nodiscard]] riffle_shape output_shape() const { return riffle_session_output_shape(session_.get()); }
  [[nodiscard]] std::size_t input_size() const { return size(input_shape()); }
  [[nodiscard]] std::size_t output_size() const { return size(output_shape()); }

  /// As many images as `input` holds; `output` has room for their results. Throws if the sizes do not match.
  void run(std::span<const float> input, std::span<float> output) {
    const std::size_t batch = input.size() / input_size();
    if (input.size() != batch * input_size() || output.size() != batch * output_size()) {
      throw Failure(RIFFLE_BAD_ARGUMENT, "input and output do not hold the same whole number of images");
    }
    detail::check([&](riffle_error* error) {
      return riffle_session_run(session_.get(), input.data(), output.data(), static_cast<std::int64_t>(batch), error);
    });
  }

 private:
  static std::size_t size(const riffle_shape& shape) {
    return static_cast<std::size_t>(shape.channels) * static_cast<std::size_t>(shape.height) *
           static_cast<std::size_t>(shape.width);
  }
  struct Free {
    void operator()(riffle_session* session) const { riffle_session_free(session); }
  };
  std::unique_ptr<riffle_session, Free> session_;
};

}  // namespace riffle
