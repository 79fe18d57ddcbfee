#include "trainer/fit/fit.hpp"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>
#include <ostream>

#include "base/files.hpp"
#include "base/text.hpp"
#include "draw/progress.hpp"
#include "engine/format/format.hpp"
#include "io/onnx/export.hpp"
#include "trainer/fit/evaluate.hpp"
#include "trainer/fit/lock.hpp"
#include "trainer/fit/pictures.hpp"
#include "trainer/fit/report.hpp"
#include "trainer/optimizer/average.hpp"

namespace riffle::trainer {
namespace {

using Clock = std::chrono::steady_clock;

/// No more work than this is lost to a power cut.
constexpr std::chrono::minutes between_saves{10};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string not_finite(double value) { return std::isnan(value) ? "not a number" : "infinite"; }

void add_tensors(std::vector<Tensor>& tensors, const auto& more) {
  for (const auto& one : more) tensors.push_back({one.name, one.values});
}

class Fit {
 public:
  Fit(Network& network, Optimizer& optimizer, Loader& training, Loader& test, const FitOptions& options)
      : network_(network),
        optimizer_(optimizer),
        training_(training),
        test_(test),
        options_(options),
        batches_(training.batches()),
        parameters_(network.parameters()) {
    if (options.average > 0) average_.emplace(network.parameters(), network.statistics(), options.average);
    add_tensors(tensors_, network.parameters());
    add_tensors(tensors_, network.statistics());
    add_tensors(tensors_, optimizer.state());
    if (average_) add_tensors(tensors_, average_->state());
  }

  FitResult go() {
    begin();
    while (static_cast<std::int64_t>(run_.epochs.size()) < options_.epochs) {
      if (!train() || !test()) {
        save();
        return {true, std::move(run_)};
      }
    }
    if (options_.log != nullptr) print_summary(*options_.log, run_, options_.classes, options_.test);
    return {false, std::move(run_)};
  }

 private:
  [[nodiscard]] std::string path(const char* name) const { return options_.folder + "/" + name; }
  [[nodiscard]] bool stopped() const { return options_.stop && options_.stop(); }
  [[nodiscard]] std::int64_t epoch() const { return static_cast<std::int64_t>(run_.epochs.size()); }  // from 0
  [[nodiscard]] std::int64_t steps() const { return epoch() * batches_ + run_.batch; }                // done
  [[nodiscard]] std::string epoch_of() const {
    return "epoch " + std::to_string(epoch() + 1) + "/" + std::to_string(options_.epochs);
  }

  void begin() {
    std::error_code error;
    if (options_.resume) {
      if (!std::filesystem::exists(path("last.checkpoint"), error)) {
        throw Error(path("last.checkpoint") + ": is not there; without it there is no run to go on with");
      }
    } else {
      std::filesystem::create_directories(options_.folder, error);
      if (error) throw Error(options_.folder + ": cannot be made: " + error.message());
    }
    lock_.emplace(options_.folder);
    if (!lock_->held() && options_.log != nullptr) {
      *options_.log << "warning: " << options_.folder
                    << ": cannot be locked here; another run in it would write over this one's files\n";
    }
    if (options_.resume) {
      resume();
      publish();
    } else if (std::filesystem::exists(path("last.checkpoint"), error)) {
      throw Error(options_.folder + ": holds a run already (last.checkpoint), which would be lost");
    } else {
      write_text("metrics.csv", metrics_csv(run_, batches_));  // a folder that cannot be written to is known now
    }
    saved_ = Clock::now();
  }

  void resume() {
    Checkpoint checkpoint = {options_.recipe, tensors_, 0, {}};
    load_checkpoint(path("last.checkpoint"), checkpoint);
    const std::size_t classes = options_.classes.size();
    if (checkpoint.run.batch > batches_ ||
        (checkpoint.run.best >= 0 && checkpoint.run.confusion.size() != classes * classes)) {
      throw Error(path("last.checkpoint") + ": the run was on other data");
    }
    optimizer_.set_steps(checkpoint.steps);
    run_ = std::move(checkpoint.run);
    saved_step_ = steps();
  }

  /// What is left of the epoch's steps. False if it was stopped.
  bool train() {
    if (run_.batch == batches_) return true;  // it was stopped while it was tested
    const Clock::time_point start = Clock::now();
    const double seconds_before = run_.current.train.seconds;
    const std::int64_t first = run_.batch, first_image = run_.current.train.images;
    draw::Progress progress(epoch_of(), batches_);
    training_.begin(epoch(), run_.batch);
    Batch batch;
    while (run_.batch < batches_ && training_.next(batch)) {
      step(batch);
      run_.current.train.seconds = seconds_before + seconds_since(start);
      const double speed = static_cast<double>(run_.current.train.images - first_image) / seconds_since(start);
      const double left = seconds_since(start) / static_cast<double>(run_.batch - first) *
                          static_cast<double>(options_.epochs * batches_ - steps());
      progress.update(run_.batch, "loss " + fixed(run_.current.train.loss(), 4) + ", " + fixed(speed, 0) +
                                      " images/s, " + duration_text(left) + " left");
      if (stopped()) return false;
      if (Clock::now() - saved_ > between_saves) save();
    }
    return true;
  }

  void step(const Batch& batch) {
    const Outcome outcome = network_.forward(batch.images, batch.labels);
    if (!std::isfinite(outcome.loss)) {
      const std::string layer = network_.first_not_finite();
      fail(steps() + 1, "the loss is " + not_finite(outcome.loss) +
                            (layer.empty() ? "" : "; the first result that is not finite is that of '" + layer + "'"));
    }
    network_.backward();
    if (options_.clip > 0) {
      const double norm = clip_gradients(parameters_, options_.clip, network_.threads());
      if (!std::isfinite(norm)) fail(steps() + 1, "the gradients' norm is " + not_finite(norm) + not_finite_gradient());
    }
    const double rate = rate_of(options_.schedule, steps());
    optimizer_.step(rate);
    if (average_) average_->update(steps());

    const auto images = static_cast<std::int64_t>(batch.labels.size());
    run_.current.train.images += images;
    run_.current.train.correct += outcome.correct;
    run_.current.train.loss_sum += outcome.loss * static_cast<double>(images);
    run_.current.last_loss = outcome.loss;
    run_.current.rate = rate;
    ++run_.batch;
  }

  /// Measures the epoch, and closes it. False if it was stopped.
  bool test() {
    draw::Progress progress(epoch_of() + ", " + options_.test, test_.batches());
    const auto evaluation = evaluate(graph(), test_, options_.threads, [&](std::int64_t batches) {
      progress.update(batches);
      return !stopped();
    });
    if (!evaluation) return false;
    expect_finite();
    run_.current.test = evaluation->score;
    run_.epochs.push_back(run_.current);
    run_.current = {};
    run_.batch = 0;
    const double before = run_.best < 0 ? -1 : run_.epochs[static_cast<std::size_t>(run_.best)].test.accuracy();
    if (evaluation->score.accuracy() > before) {
      run_.best = epoch() - 1;
      run_.confusion = evaluation->confusion;
    }
    save();
    if (options_.log != nullptr) {
      *options_.log << epoch_line(run_, run_.epochs.size() - 1, options_.test) << '\n' << std::flush;
    }
    return true;
  }

  /// The network that is tested and kept.
  [[nodiscard]] graph::Graph graph() const {
    if (!average_) return network_.graph();
    return network_.graph([this](std::span<const float> values) { return average_->of(values); });
  }

  /// The checkpoint comes first. All other files follow from it: where the program ends between two of them, the run
  /// that goes on writes them anew.
  void save() {
    expect_finite();
    write("last.checkpoint", save_checkpoint({options_.recipe, tensors_, optimizer_.steps(), run_}));
    saved_ = Clock::now();
    saved_step_ = steps();
    publish();
  }

  /// What follows from the checkpoint. The best network is the one of now, or was written before.
  void publish() {
    const graph::Graph now = graph();
    write("last.riffle", format::save(now));
    if (run_.batch > 0 || run_.epochs.empty()) return;  // in the middle of an epoch
    if (run_.best == epoch() - 1) {
      write("best.riffle", format::save(now));
      write_text("best.onnx", onnx::export_model(now));
      write_text("confusion.svg", confusion_svg(run_, options_.classes));
    }
    write_text("metrics.csv", metrics_csv(run_, batches_));
    write_text("curves.svg", curves_svg(run_, options_.test));
  }

  void write(const char* name, std::span<const std::byte> bytes) { write_file(path(name), {bytes}); }
  void write_text(const char* name, const std::string& text) { write(name, std::as_bytes(std::span(text))); }

  /// No checkpoint is written over by what cannot go on.
  void expect_finite() const {
    for (const Tensor& tensor : tensors_) {
      for (const float value : tensor.values) {
        if (!std::isfinite(value)) fail(steps(), "'" + tensor.name + "' is not finite any more");
      }
    }
  }

  [[nodiscard]] std::string not_finite_gradient() const {
    for (const Parameter& parameter : parameters_) {
      if (parameter.frozen) continue;
      for (const float value : parameter.gradient) {
        if (!std::isfinite(value)) return "; the first that is not finite is that of '" + parameter.name + "'";
      }
    }
    return "";
  }

  /// Training came off its rails in this step, the run's first being 1.
  [[noreturn]] void fail(std::int64_t step, const std::string& what) const {
    throw Error("epoch " + std::to_string(epoch() + 1) + ", step " + std::to_string(step) + ": " + what +
                (saved_step_ == 0
                     ? "; nothing had been saved yet"
                     : "; " + path("last.checkpoint") + " is that of step " + std::to_string(saved_step_)));
  }

  Network& network_;
  Optimizer& optimizer_;
  Loader &training_, &test_;
  const FitOptions& options_;
  std::int64_t batches_;
  std::span<const Parameter> parameters_;
  std::optional<MovingAverage> average_;
  std::vector<Tensor> tensors_;
  std::optional<FolderLock> lock_;
  Record run_;
  Clock::time_point saved_;
  std::int64_t saved_step_ = 0;
};

}  // namespace

FitResult fit(Network& network, Optimizer& optimizer, Loader& training, Loader& test, const FitOptions& options) {
  return Fit(network, optimizer, training, test, options).go();
}

}  // namespace riffle::trainer
