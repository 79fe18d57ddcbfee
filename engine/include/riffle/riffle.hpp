// riffle for C++: riffle.h with owners and spans, header-only. Failures throw riffle::Failure; everything else is as
// riffle.h says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

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

class Model {
 public:
  /// Maps a .riffle file.
  explicit Model(const std::string& path) {
    riffle_model* model = nullptr;
    detail::check([&](riffle_error* error) { return riffle_model_load_file(path.c_str(), &model, error); });
    model_.reset(model);
  }
  /// The bytes, aligned as malloc aligns, outlive the model and its sessions.
  explicit Model(std::span<const std::byte> bytes) {
    riffle_model* model = nullptr;
    detail::check(
        [&](riffle_error* error) { return riffle_model_load_memory(bytes.data(), bytes.size(), &model, error); });
    model_.reset(model);
  }

  /// The working memory, in bytes, of a session with these options.
  [[nodiscard]] std::size_t session_memory(const riffle_options& options = {}) const {
    std::size_t bytes = 0;
    detail::check([&](riffle_error* error) { return riffle_session_memory(get(), &options, &bytes, error); });
    return bytes;
  }

  /// The classes' names, by the output's channels; none if the model carries none. Valid as long as the model.
  [[nodiscard]] std::vector<std::string_view> labels() const {
    std::vector<std::string_view> all(riffle_model_label_count(get()));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = riffle_model_label(get(), i);
    return all;
  }

  [[nodiscard]] riffle_task task() const { return riffle_model_task(get()); }

  [[nodiscard]] const riffle_model* get() const { return model_.get(); }

 private:
  struct Free {
    void operator()(riffle_model* model) const { riffle_model_free(model); }
  };
  std::unique_ptr<riffle_model, Free> model_;
};

/// A buffer for an input or an output of float32, or of another type: for Session::run().
inline riffle_input_buffer input_buffer(std::span<const float> values) {
  return {values.data(), RIFFLE_FLOAT32, values.size()};
}
template <class T>
riffle_input_buffer input_buffer(std::span<const T> values, riffle_type type) {
  return {values.data(), type, values.size()};
}
inline riffle_output_buffer output_buffer(std::span<float> values) {
  return {values.data(), RIFFLE_FLOAT32, values.size()};
}
template <class T>
riffle_output_buffer output_buffer(std::span<T> values, riffle_type type) {
  return {values.data(), type, values.size()};
}

class Session {
 public:
  explicit Session(const Model& model, const riffle_options& options = {}) {
    riffle_session* session = nullptr;
    detail::check([&](riffle_error* error) { return riffle_session_create(model.get(), &options, &session, error); });
    session_.reset(session);
  }

  [[nodiscard]] riffle_tensor input() const { return riffle_session_input(get()); }
  [[nodiscard]] riffle_tensor output() const { return riffle_session_output(get()); }
  [[nodiscard]] const char* isa() const { return riffle_session_isa(get()); }

  [[nodiscard]] std::vector<riffle_tensor> inputs() const {
    std::vector<riffle_tensor> all(riffle_session_input_count(get()));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = riffle_session_input_at(get(), i);
    return all;
  }
  [[nodiscard]] std::vector<riffle_tensor> outputs() const {
    std::vector<riffle_tensor> all(riffle_session_output_count(get()));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = riffle_session_output_at(get(), i);
    return all;
  }
  /// The index of the tensor of that name, if there is one.
  [[nodiscard]] std::optional<std::size_t> find_input(const std::string& name) const {
    return index_of(riffle_session_find_input(get(), name.c_str()));
  }
  [[nodiscard]] std::optional<std::size_t> find_output(const std::string& name) const {
    return index_of(riffle_session_find_output(get(), name.c_str()));
  }

  /// As many images as `input` holds; `output` has room for their results. Throws if the sizes do not match.
  void run(std::span<const float> input, std::span<float> output) {
    const std::size_t one = this->input().size;  // 0: moved from
    const std::size_t batch = one != 0 ? input.size() / one : 0;
    if (input.size() != batch * one || output.size() != batch * this->output().size) {
      throw Failure(RIFFLE_BAD_ARGUMENT, "input and output do not hold the same whole number of images");
    }
    detail::check([&](riffle_error* error) {
      return riffle_session_run(get(), input.data(), output.data(), static_cast<std::int64_t>(batch), error);
    });
  }

  /// Of any network: a buffer an input, a buffer an output, in the order of inputs() and outputs().
  void run(std::span<const riffle_input_buffer> inputs, std::span<const riffle_output_buffer> outputs,
           std::int64_t batch = 1) {
    detail::check([&](riffle_error* error) {
      return riffle_session_run_buffers(get(), inputs.data(), inputs.size(), outputs.data(), outputs.size(), batch,
                                        error);
    });
  }
  void run(std::initializer_list<riffle_input_buffer> inputs, std::initializer_list<riffle_output_buffer> outputs,
           std::int64_t batch = 1) {
    run(std::span(inputs.begin(), inputs.size()), std::span(outputs.begin(), outputs.size()), batch);
  }

  /// A camera's frame to the input of one image. No normalisation: the model's, else mean 0, deviation 1.
  void read_frame(const riffle_frame& frame, std::span<float> input,
                  const riffle_normalisation* normalisation = nullptr) const {
    read_frame_to(frame, input, RIFFLE_FLOAT32, normalisation);
  }
  /// The same of uint8. No normalisation: the model's, else the pixels as they are.
  void read_frame(const riffle_frame& frame, std::span<std::uint8_t> input,
                  const riffle_normalisation* normalisation = nullptr) const {
    read_frame_to(frame, input, RIFFLE_UINT8, normalisation);
  }

  /// Where read_frame() puts a frame.
  [[nodiscard]] riffle_placement place_frame(const riffle_frame& frame) const {
    riffle_placement placement;
    detail::check([&](riffle_error* error) { return riffle_session_place_frame(get(), &frame, &placement, error); });
    return placement;
  }

  /// One image, timed.
  [[nodiscard]] std::vector<riffle_step> profile(std::span<const float> input, std::span<float> output) {
    if (input.size() != this->input().size || output.size() != this->output().size) {
      throw Failure(RIFFLE_BAD_ARGUMENT, "input and output do not hold one image");
    }
    std::vector<riffle_step> steps(riffle_session_step_count(get()));
    detail::check([&](riffle_error* error) {
      return riffle_session_profile(get(), input.data(), output.data(), steps.data(), steps.size(), error);
    });
    return steps;
  }

  [[nodiscard]] riffle_session* get() const { return session_.get(); }

 private:
  template <class Number>
  void read_frame_to(const riffle_frame& frame, std::span<Number> input, riffle_type type,
                     const riffle_normalisation* normalisation) const {
    if (input.size() != this->input().size) {
      throw Failure(RIFFLE_BAD_ARGUMENT, "input does not hold one image");
    }
    if (this->input().type != type) {
      throw Failure(RIFFLE_BAD_ARGUMENT, "the session's input has another type");
    }
    detail::check([&](riffle_error* error) {
      return riffle_session_read_frame(get(), &frame, normalisation, input.data(), error);
    });
  }

  static std::optional<std::size_t> index_of(std::ptrdiff_t found) {
    return found >= 0 ? std::optional(static_cast<std::size_t>(found)) : std::nullopt;
  }

  struct Free {
    void operator()(riffle_session* session) const { riffle_session_free(session); }
  };
  std::unique_ptr<riffle_session, Free> session_;
};

/// From frames to boxes, points and masks. The session lives longer.
class Detector {
 public:
  explicit Detector(Session& session, const riffle_detector_options& options = {}) {
    riffle_detector* detector = nullptr;
    detail::check(
        [&](riffle_error* error) { return riffle_detector_create(session.get(), &options, &detector, error); });
    detector_.reset(detector);
  }

  /// In the frame's pixels; what it points to is valid until the next call.
  [[nodiscard]] riffle_findings run(const riffle_frame& frame) {
    riffle_findings findings;
    detail::check([&](riffle_error* error) { return riffle_detector_run(get(), &frame, &findings, error); });
    return findings;
  }

  /// Of outputs that the caller has. No placement: in the input's pixels.
  [[nodiscard]] riffle_findings decode(std::span<const riffle_input_buffer> outputs,
                                       const riffle_placement* placement = nullptr) {
    riffle_findings findings;
    detail::check([&](riffle_error* error) {
      return riffle_detector_decode(get(), outputs.data(), outputs.size(), placement, &findings, error);
    });
    return findings;
  }

  [[nodiscard]] riffle_detector* get() const { return detector_.get(); }

 private:
  struct Free {
    void operator()(riffle_detector* detector) const { riffle_detector_free(detector); }
  };
  std::unique_ptr<riffle_detector, Free> detector_;
};

}  // namespace riffle
