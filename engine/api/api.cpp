// The C API over the engine: nothing but translation. Camera frames are in frame.cpp.
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "engine/api/guard.hpp"
#include "engine/api/objects.hpp"
#include "engine/format/format.hpp"
#include "engine/run/cores.hpp"

using riffle::api::bad_argument;
using riffle::api::Claim;
using riffle::api::guarded;
using riffle::api::report;

std::shared_ptr<const riffle::plan::Plan> riffle_model::plan(const riffle::plan::Options& asked) const {
  const riffle::graph::Shape own = graph.input_shape();
  riffle::plan::Options options = asked;
  if (options.height == 0) options.height = own.h;
  if (options.width == 0) options.width = own.w;
  const riffle::plan::Choice choice = riffle::plan::choose(graph, options);
  options.kernels = choice.kernels;
  options.precision = choice.precision;

  const std::lock_guard lock(mutex_);
  for (const Made& made : made_) {
    auto plan = made.plan.lock();
    if (plan != nullptr && made.options == options) return last_ = std::move(plan);
  }
  last_ = nullptr;  // before the next one is made: its memory may be needed
  std::erase_if(made_, [](const Made& made) { return made.plan.expired(); });
  last_ = riffle::plan::make(graph, options);
  made_.push_back({options, last_});
  return last_;
}

namespace {

constexpr std::int32_t max_threads = 256;

/// Formats for the caller's function, if there is one.
class Log {
 public:
  explicit Log(const riffle_options& options) : function_(options.log), user_(options.log_user) {}
  /// Are messages printed, too, and steps among them? A build for size has no words for steps.
#ifdef RIFFLE_SMALL
  static constexpr bool is_printed() { return false; }
#else
  static bool is_printed() {
    const char* const wanted = std::getenv("RIFFLE_LOG");
    return wanted != nullptr && *wanted != '\0' && std::strcmp(wanted, "0") != 0;
  }
#endif

  __attribute__((format(printf, 3, 4))) void operator()(riffle_log_level level, const char* format, ...) const {
    if (function_ == nullptr && !is_printed()) return;
    char message[384];
    std::va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (is_printed()) std::fprintf(stderr, "riffle: %s\n", message);
    if (function_ != nullptr) function_(user_, level, message);
  }

 private:
  riffle_log function_;
  void* user_;
};

/// What is wrong with the options, or null.
const char* fault_of(const riffle_options& options) {
  if (options.threads < 0 || options.threads > max_threads) return "threads is not in 0 to 256";
  if (options.height < 0 || options.width < 0) return "the input size is negative";
  if (options.cores < RIFFLE_CORES_ALL || options.cores > RIFFLE_CORES_LITTLE) return "cores is no riffle_cores";
  if (options.precision < RIFFLE_FLOAT32 || options.precision > RIFFLE_BFLOAT16) {
    return "precision is none of RIFFLE_FLOAT32, RIFFLE_FLOAT16, RIFFLE_BFLOAT16";
  }
  if (options.memory == nullptr && options.memory_bytes != 0) return "memory_bytes is given without memory";
  if (options.memory != nullptr && options.memory_bytes == 0) return "memory is given without memory_bytes";
  for (const void* field : options.reserved) {
    if (field != nullptr) return "a reserved field is not zero (start from riffle_options options = {0})";
  }
  return nullptr;
}

riffle::Type precision_of(const riffle_options& options) {
  return static_cast<riffle::Type>(options.precision);  // the numbers are the same
}

/// Throws Error for an instruction set that is unknown.
riffle::plan::Options plan_options_of(const riffle_options& options) {
  riffle::plan::Options result;
  result.height = options.height;
  result.width = options.width;
  result.precision = precision_of(options);
  result.kernels =
      options.isa != nullptr ? riffle::kernels::best_kernels(options.isa) : &riffle::kernels::choose_kernels();
  if (result.kernels == nullptr) {
    throw riffle::Error({"isa: this build has no instruction set '", options.isa, "'"});
  }
  return result;
}

int threads_of(const riffle_options& options) { return options.threads == 0 ? 1 : options.threads; }

riffle::run::Cores kind_of(riffle_cores cores) {
  switch (cores) {
    case RIFFLE_CORES_BIG:
      return riffle::run::Cores::big;
    case RIFFLE_CORES_LITTLE:
      return riffle::run::Cores::little;
    default:
      return riffle::run::Cores::all;
  }
}

/// The numbers of the cores to bind the session's threads to: none where they may be anywhere.
std::vector<int> cores_of([[maybe_unused]] const riffle_options& options, [[maybe_unused]] const Log& log) {
#ifdef RIFFLE_HAS_THREADS
  if (options.cores == RIFFLE_CORES_ALL) return {};
  const riffle::run::Topology machine = riffle::run::this_machine();
  if (!machine.cores.empty() && !riffle::run::has(machine, kind_of(options.cores))) {
    log(RIFFLE_LOG_WARNING, "no cores here are told from the others as big or little; all %zu are used",
        machine.cores.size());
  }
  return riffle::run::choose(machine, kind_of(options.cores));
#else
  return {};  // no thread is the session's to bind
#endif
}

void tell_of(const riffle::run::Session& session, const riffle_options& options, const Log& log) {
  const riffle::plan::Plan& plan = session.plan();
  const riffle::graph::Shape& input = plan.inputs[0].shape;
  log(RIFFLE_LOG_INFO, "%s: input %d x %d x %d, %s, threads: %d%s, working memory: %lld bytes%s", plan.name.c_str(),
      input.c, input.h, input.w, plan.kernels->isa, session.threads(), session.pinned() ? " bound to cores" : "",
      static_cast<long long>(riffle::run::Session::memory_bytes(plan, session.threads())),
      options.memory != nullptr ? " of the caller's" : "");
  for (std::size_t s = 0; log.is_printed() && s < plan.steps.size(); ++s) {
    const riffle::plan::Step& step = plan.steps[s];
    log(RIFFLE_LOG_INFO, "step %zu '%.80s': %.60s by %s (%s)", s, step.name.c_str(), step.operation.c_str(),
        step.kernel, riffle::plan::reason_for(step).c_str());
  }
  if (plan.precision == riffle::Type::f32 && precision_of(options) != plan.precision) {
    log(RIFFLE_LOG_WARNING, "%s has no arithmetic of %s; the network is computed in float32", plan.kernels->isa,
        options.precision == RIFFLE_FLOAT16 ? "float16" : "bfloat16");
  }
  if (options.cores != RIFFLE_CORES_ALL && !session.pinned()) {
    log(RIFFLE_LOG_WARNING, "the system does not bind threads to cores; they run anywhere");
  }
}

riffle_type type_of(riffle::Type type) {
  switch (type) {
    case riffle::Type::f32:
      return RIFFLE_FLOAT32;
    case riffle::Type::f16:
      return RIFFLE_FLOAT16;
    case riffle::Type::bf16:
      return RIFFLE_BFLOAT16;
    case riffle::Type::i8:
      return RIFFLE_INT8;
    case riffle::Type::u8:
      return RIFFLE_UINT8;
    case riffle::Type::i32:
      return RIFFLE_INT32;
  }
  return RIFFLE_FLOAT32;
}

using Tensors = std::span<const riffle::plan::Tensor>;

riffle_tensor tensor_at(Tensors tensors, std::size_t index) {
  if (index >= tensors.size()) return {};
  const riffle::plan::Tensor& tensor = tensors[index];
  const riffle::graph::Shape& shape = tensor.shape;
  static_assert(RIFFLE_MAX_RANK == riffle::graph::max_rank);
  riffle_tensor result = {.name = tensor.name.c_str(),
                          .type = type_of(tensor.type),
                          .channels = shape.c,
                          .height = shape.h,
                          .width = shape.w,
                          .size = static_cast<std::size_t>(shape.size()),
                          .scale = tensor.quantization.scale,
                          .zero_point = tensor.quantization.zero_point,
                          .rank = static_cast<std::int32_t>(tensor.dims.size()),
                          .dims = {},
                          .joins_batch = tensor.arrangement.joins_batch ? 1 : 0};
  std::copy(tensor.dims.begin(), tensor.dims.end(), result.dims);
  return result;
}

std::ptrdiff_t find(Tensors tensors, const char* name) {
  if (name == nullptr) return -1;
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const auto& tensor) { return tensor.name == name; });
  return found != tensors.end() ? found - tensors.begin() : -1;
}

// None for NULL.
Tensors inputs_of(const riffle_session* session) {
  return session != nullptr ? Tensors(session->session.plan().inputs) : Tensors();
}
Tensors outputs_of(const riffle_session* session) {
  return session != nullptr ? Tensors(session->session.plan().outputs) : Tensors();
}

/// Has it one input and one output, both float32?
bool is_plain(const riffle_session& session) {
  const riffle::plan::Plan& plan = session.session.plan();
  return plan.inputs.size() == 1 && plan.outputs.size() == 1 && plan.inputs[0].type == riffle::Type::f32 &&
         plan.outputs[0].type == riffle::Type::f32;
}

/// Do the buffers fit the tensors? Else what does not is said in *error. Their addresses go to `data`, which has room
/// for as many as there are tensors.
template <class Buffer, class Data>
bool fit(const Buffer* buffers, std::size_t count, Tensors tensors, const char* what, std::int64_t batch, Data* data,
         riffle_error* error) {
  char text[384];
  const auto bad = [&](auto... words) {
    std::snprintf(text, sizeof text, words...);
    (void)bad_argument(error, text);
    return false;
  };
  if (count != tensors.size()) {
    return bad("%zu %s buffers are given; the session has %zu", count, what, tensors.size());
  }
  if (buffers == nullptr) return bad("%ss is NULL", what);
  for (std::size_t i = 0; i < count; ++i) {
    const riffle::plan::Tensor& tensor = tensors[i];
    const auto address = reinterpret_cast<std::uintptr_t>(buffers[i].data);
    const auto own = static_cast<std::uint64_t>(tensor.shape.size());
    if (address == 0) return bad("the data of %s %zu '%.80s' is NULL", what, i, tensor.name.c_str());
    if (buffers[i].type != type_of(tensor.type)) {
      return bad("the buffer of %s %zu '%.80s' is of type %d; the tensor's is %d", what, i, tensor.name.c_str(),
                 static_cast<int>(buffers[i].type), static_cast<int>(type_of(tensor.type)));
    }
    if (buffers[i].size % own != 0 || buffers[i].size / own != static_cast<std::uint64_t>(batch)) {
      return bad("the buffer of %s %zu '%.80s' has %zu elements, not %lld times %llu", what, i, tensor.name.c_str(),
                 buffers[i].size, static_cast<long long>(batch), static_cast<unsigned long long>(own));
    }
    if (address % static_cast<std::size_t>(riffle::size_of(tensor.type)) != 0) {
      return bad("the data of %s %zu '%.80s' is not aligned to a number", what, i, tensor.name.c_str());
    }
    data[i] = buffers[i].data;
  }
  return true;
}

/// Takes a run's buffers over into the session's lists; else what does not fit is said in *error. The caller has
/// claimed the session.
bool take(riffle_session& session, const riffle_input_buffer* inputs, std::size_t input_count,
          const riffle_output_buffer* outputs, std::size_t output_count, std::int64_t batch, riffle_error* error) {
  return fit(inputs, input_count, inputs_of(&session), "input", batch, session.inputs.data(), error) &&
         fit(outputs, output_count, outputs_of(&session), "output", batch, session.outputs.data(), error);
}

riffle_status not_plain(riffle_error* error) {
  return bad_argument(error,
                      "the model has not one input and one output of float32: riffle_session_run_buffers() and "
                      "riffle_session_profile_buffers() take those of any");
}

riffle_status busy(riffle_error* error) {
  return report(error, RIFFLE_BUSY, "the session is at work in another thread; each thread needs its own");
}

}  // namespace

const char* riffle_version(void) { return RIFFLE_VERSION; }

const char* riffle_cpu_isa(size_t index) {
  for (const riffle::kernels::Kernels* kernels : riffle::kernels::all_kernels()) {
    if (kernels->supported() && index-- == 0) return kernels->isa;
  }
  return nullptr;
}

int32_t riffle_cpu_core_count(riffle_cores cores) {
  if (cores < RIFFLE_CORES_ALL || cores > RIFFLE_CORES_LITTLE) return 0;
  const std::int32_t most = riffle::run::available_threads();
  std::int32_t count = most;
  // What cannot be read for want of memory is not known.
  (void)guarded(nullptr, RIFFLE_NO_MEMORY, [&] {
    count = static_cast<std::int32_t>(riffle::run::choose(riffle::run::this_machine(), kind_of(cores)).size());
  });
  return std::clamp(count, 1, most);
}

riffle_status riffle_model_load_file(const char* path, riffle_model** out, riffle_error* error) {
  if (out == nullptr) return bad_argument(error, "out is NULL");
  *out = nullptr;
  if (path == nullptr) return bad_argument(error, "path is NULL");
  return guarded(error, RIFFLE_BAD_MODEL, [&] { *out = new riffle_model(riffle::format::load_file(path)); });
}

riffle_status riffle_model_load_memory(const void* bytes, size_t byte_count, riffle_model** out, riffle_error* error) {
  if (out == nullptr) return bad_argument(error, "out is NULL");
  *out = nullptr;
  if (bytes == nullptr) return bad_argument(error, "bytes is NULL");
  return guarded(error, RIFFLE_BAD_MODEL, [&] {
    *out = new riffle_model(riffle::format::load({static_cast<const std::byte*>(bytes), byte_count}, nullptr));
  });
}

size_t riffle_model_label_count(const riffle_model* model) { return model != nullptr ? model->graph.labels.size() : 0; }

const char* riffle_model_label(const riffle_model* model, size_t index) {
  return index < riffle_model_label_count(model) ? model->graph.labels[index].c_str() : nullptr;
}

riffle_task riffle_model_task(const riffle_model* model) {
  if (model == nullptr || !model->graph.task) return RIFFLE_NO_TASK;
  return static_cast<riffle_task>(model->graph.task->index() + 1);
}

void riffle_model_free(riffle_model* model) { delete model; }

riffle_status riffle_session_create(const riffle_model* model, const riffle_options* options, riffle_session** out,
                                    riffle_error* error) {
  if (out == nullptr) return bad_argument(error, "out is NULL");
  *out = nullptr;
  if (model == nullptr) return bad_argument(error, "model is NULL");
  const riffle_options chosen = options != nullptr ? *options : riffle_options{};
  if (const char* fault = fault_of(chosen)) return bad_argument(error, fault);
  return guarded(error, RIFFLE_BAD_ARGUMENT, [&] {
    const auto plan = model->plan(plan_options_of(chosen));
    const riffle::graph::Graph& graph = model->graph;
    const Log log(chosen);
    *out = new riffle_session{
        riffle::run::Session(plan, {.threads = threads_of(chosen),
                                    .cores = cores_of(chosen, log),
                                    .memory = {static_cast<std::byte*>(chosen.memory), chosen.memory_bytes}}),
        riffle::graph::preprocessing_of(graph),
        graph.task,
        riffle::graph::holds_pixels(graph.input().arrangement),
        std::vector<const void*>(plan->inputs.size()),
        std::vector<void*>(plan->outputs.size())};
    tell_of((*out)->session, chosen, log);
  });
}

riffle_status riffle_session_memory(const riffle_model* model, const riffle_options* options, size_t* byte_count,
                                    riffle_error* error) {
  if (byte_count == nullptr) return bad_argument(error, "byte_count is NULL");
  *byte_count = 0;
  if (model == nullptr) return bad_argument(error, "model is NULL");
  riffle_options chosen = options != nullptr ? *options : riffle_options{};
  chosen.memory = nullptr;
  chosen.memory_bytes = 0;
  if (const char* fault = fault_of(chosen)) return bad_argument(error, fault);
  return guarded(error, RIFFLE_BAD_ARGUMENT, [&] {
    const auto plan = model->plan(plan_options_of(chosen));
    const std::int64_t bytes = riffle::run::Session::memory_bytes(*plan, threads_of(chosen));
    if (bytes > std::numeric_limits<std::ptrdiff_t>::max()) throw std::bad_alloc();  // with addresses of 32 bits
    *byte_count = static_cast<std::size_t>(bytes);
  });
}

void riffle_session_free(riffle_session* session) { delete session; }

riffle_tensor riffle_session_input(const riffle_session* session) { return tensor_at(inputs_of(session), 0); }
riffle_tensor riffle_session_output(const riffle_session* session) { return tensor_at(outputs_of(session), 0); }

size_t riffle_session_input_count(const riffle_session* session) { return inputs_of(session).size(); }
size_t riffle_session_output_count(const riffle_session* session) { return outputs_of(session).size(); }

riffle_tensor riffle_session_input_at(const riffle_session* session, size_t index) {
  return tensor_at(inputs_of(session), index);
}
riffle_tensor riffle_session_output_at(const riffle_session* session, size_t index) {
  return tensor_at(outputs_of(session), index);
}

ptrdiff_t riffle_session_find_input(const riffle_session* session, const char* name) {
  return find(inputs_of(session), name);
}
ptrdiff_t riffle_session_find_output(const riffle_session* session, const char* name) {
  return find(outputs_of(session), name);
}

const char* riffle_session_isa(const riffle_session* session) {
  return session != nullptr ? session->session.plan().kernels->isa : nullptr;
}

riffle_status riffle_session_run(riffle_session* session, const float* input, float* output, int64_t batch,
                                 riffle_error* error) {
  if (session == nullptr) return bad_argument(error, "session is NULL");
  if (input == nullptr || output == nullptr) return bad_argument(error, "input or output is NULL");
  if (batch < 1) return bad_argument(error, "batch is less than 1");
  if (!is_plain(*session)) return not_plain(error);
  const Claim claim(session->at_work);
  if (!claim) return busy(error);
  session->session.run(input, output, batch);
  return RIFFLE_OK;
}

riffle_status riffle_session_run_buffers(riffle_session* session, const riffle_input_buffer* inputs, size_t input_count,
                                         const riffle_output_buffer* outputs, size_t output_count, int64_t batch,
                                         riffle_error* error) {
  if (session == nullptr) return bad_argument(error, "session is NULL");
  if (batch < 1) return bad_argument(error, "batch is less than 1");
  const Claim claim(session->at_work);
  if (!claim) return busy(error);
  if (!take(*session, inputs, input_count, outputs, output_count, batch, error)) return RIFFLE_BAD_ARGUMENT;
  session->session.run(session->inputs.data(), session->outputs.data(), batch);
  return RIFFLE_OK;
}

size_t riffle_session_step_count(const riffle_session* session) {
  return session != nullptr ? session->session.plan().steps.size() : 0;
}

riffle_status riffle_session_profile(riffle_session* session, const float* input, float* output, riffle_step* steps,
                                     size_t step_count, riffle_error* error) {
  if (session == nullptr) return bad_argument(error, "session is NULL");
  if (input == nullptr || output == nullptr) return bad_argument(error, "input or output is NULL");
  if (!is_plain(*session)) return not_plain(error);
  const riffle_input_buffer from = {input, RIFFLE_FLOAT32, riffle_session_input(session).size};
  const riffle_output_buffer to = {output, RIFFLE_FLOAT32, riffle_session_output(session).size};
  return riffle_session_profile_buffers(session, &from, 1, &to, 1, steps, step_count, error);
}

riffle_status riffle_session_profile_buffers(riffle_session* session, const riffle_input_buffer* inputs,
                                             size_t input_count, const riffle_output_buffer* outputs,
                                             size_t output_count, riffle_step* steps, size_t step_count,
                                             riffle_error* error) {
  if (session == nullptr) return bad_argument(error, "session is NULL");
  if (steps == nullptr) return bad_argument(error, "steps is NULL");
  const std::vector<riffle::plan::Step>& planned = session->session.plan().steps;
  if (step_count != planned.size()) return bad_argument(error, "step_count is not riffle_session_step_count()'s");
  const Claim claim(session->at_work);
  if (!claim) return busy(error);
  if (!take(*session, inputs, input_count, outputs, output_count, 1, error)) return RIFFLE_BAD_ARGUMENT;
  return guarded(error, RIFFLE_NO_MEMORY, [&] {
    std::vector<double> seconds(step_count);
    session->session.run_profiled(session->inputs.data(), session->outputs.data(), seconds.data());
    for (std::size_t i = 0; i < step_count; ++i) {
      steps[i] = {planned[i].name.c_str(), planned[i].operation.c_str(), planned[i].kernel, planned[i].macs,
                  seconds[i]};
    }
  });
}
