#include "trainer/fit/fit.hpp"

#include <algorithm>
#include <array>
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
#include "trainer/ranks/agree.hpp"

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
        ranks_(or_alone(options.ranks)),
        log_(is_root() ? options.log : nullptr),
        steps_(training.steps()),
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
    if (log_ != nullptr) print_summary(*log_, run_, options_.classes, options_.test);
    return {false, std::move(run_)};
  }

 private:
  [[nodiscard]] std::string path(const char* name) const { return options_.folder + "/" + name; }
  [[nodiscard]] bool is_root() const { return ranks_.rank() == 0; }
  [[nodiscard]] bool stopped() const { return options_.stop && options_.stop(); }
  [[nodiscard]] std::int64_t epoch() const { return static_cast<std::int64_t>(run_.epochs.size()); }  // from 0
  [[nodiscard]] std::int64_t steps() const { return epoch() * steps_ + run_.batch; }                  // done
  [[nodiscard]] std::string epoch_of() const {
    return "epoch " + std::to_string(epoch() + 1) + "/" + std::to_string(options_.epochs);
  }

  void begin() {
    together(ranks_, [&] {
      if (is_root()) open_folder();
    });
    expect_same(ranks_, options_.recipe);
    share();
    saved_ = Clock::now();
  }

  void open_folder() {
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
    if (!lock_->held() && log_ != nullptr) {
      *log_ << "warning: " << options_.folder
            << ": cannot be locked here; another run in it would write over this one's files\n";
    }
    if (options_.resume) {
      resume();
      publish();
    } else if (std::filesystem::exists(path("last.checkpoint"), error)) {
      throw Error(options_.folder + ": holds a run already (last.checkpoint), which would be lost");
    } else {
      write_text("metrics.csv", metrics_csv(run_, steps_));
    }
    // A disk without room for a checkpoint is known now, not behind the first epoch.
    write("room_for_a_checkpoint", state());
    std::filesystem::remove(path("room_for_a_checkpoint"), error);
  }

  /// All ranks begin where rank 0 is.
  void share() {
    if (ranks_.size() == 1) return;
    std::vector<std::byte> bytes;
    together(ranks_, [&] {
      if (is_root()) bytes = state();
    });
    std::size_t size = bytes.size();
    ranks_.broadcast(std::as_writable_bytes(std::span(&size, 1)), 0);
    bytes.resize(size);
    ranks_.broadcast(bytes, 0);
    together(ranks_, [&] {
      if (is_root()) return;
      const std::string name = "what rank 0 begins with";
      Checkpoint checkpoint = {options_.recipe, tensors_, 0, {}};
      parse_checkpoint(bytes, name, checkpoint);
      go_on_from(std::move(checkpoint), name);
    });
  }

  void resume() {
    Checkpoint checkpoint = {options_.recipe, tensors_, 0, {}};
    load_checkpoint(path("last.checkpoint"), checkpoint);
    go_on_from(std::move(checkpoint), path("last.checkpoint"));
  }

  /// The tensors have been taken over.
  void go_on_from(Checkpoint checkpoint, const std::string& name) {
    const std::size_t classes = options_.classes.size();
    if (checkpoint.run.batch > steps_ ||
        (checkpoint.run.best >= 0 && checkpoint.run.confusion.size() != classes * classes)) {
      throw Error(name + ": the run was on other data");
    }
    optimizer_.set_steps(checkpoint.steps);
    run_ = std::move(checkpoint.run);
    saved_step_ = steps();
  }

  /// What is left of the epoch's steps. False if it was stopped.
  bool train() {
    if (run_.batch == steps_) return true;  // it was stopped while it was tested
    const Clock::time_point start = Clock::now();
    const double seconds_before = run_.current.train.seconds;
    const std::int64_t first = run_.batch, first_image = run_.current.train.images;
    std::optional<draw::Progress> progress;
    if (is_root()) progress.emplace(epoch_of(), steps_);
    training_.begin(epoch(), run_.batch);
    while (run_.batch < steps_) {
      step();
      run_.current.train.seconds = seconds_before + seconds_since(start);
      const double speed = static_cast<double>(run_.current.train.images - first_image) / seconds_since(start);
      const double left = seconds_since(start) / static_cast<double>(run_.batch - first) *
                          static_cast<double>(options_.epochs * steps_ - steps());
      if (progress) {
        progress->update(run_.batch, "loss " + fixed(run_.current.train.loss(), 4) + ", " + fixed(speed, 0) +
                                         " images/s, " + duration_text(left) + " left");
      }
      // Any rank may be told to stop; rank 0 has the clock.
      std::array<double, 2> wishes = {stopped() ? 1.0 : 0.0,
                                      is_root() && Clock::now() - saved_ > between_saves ? 1.0 : 0.0};
      ranks_.sum(wishes);
      if (wishes[0] > 0) return false;
      if (wishes[1] > 0 || (options_.save_every > 0 && steps() % options_.save_every == 0)) save();
    }
    return true;
  }

  /// This rank's batches of a step, whose gradients add up, and the step.
  void step() {
    double loss = 0, correct = 0;
    std::string layer;  ///< whose result was not finite
    Batch batch;
    for (bool more = true; more; more = !batch.ends_step) {
      if (!training_.next(batch)) throw Error("the epoch is at its end in the middle of a step");
      const Outcome outcome = network_.forward(batch.images, batch.labels, batch.of_step);
      if (!std::isfinite(outcome.loss) && std::isfinite(loss)) layer = network_.first_not_finite();
      loss += outcome.loss;
      correct += outcome.correct;
      if (!batch.ends_step) network_.backward(true);
    }
    std::array<double, 2> sums = {loss, correct};
    ranks_.sum(sums);
    if (!std::isfinite(sums[0])) fail_with_loss(sums[0], !std::isfinite(loss), layer);
    network_.backward();
    if (options_.clip > 0) {
      const double norm = clip_gradients(parameters_, options_.clip, network_.threads());
      if (!std::isfinite(norm)) fail(steps() + 1, "the gradients' norm is " + not_finite(norm) + not_finite_gradient());
    }
    const double rate = rate_of(options_.schedule, steps());
    optimizer_.step(rate);
    if (average_) average_->update(steps());

    run_.current.train.images += batch.of_step;
    run_.current.train.correct += static_cast<std::int64_t>(sums[1]);
    run_.current.train.loss_sum += sums[0] * static_cast<double>(batch.of_step);
    run_.current.last_loss = sums[0];
    run_.current.rate = rate;
    ++run_.batch;
  }

  /// Measures the epoch, and closes it. False if it was stopped.
  bool test() {
    std::optional<draw::Progress> progress;
    if (is_root()) progress.emplace(epoch_of() + ", " + options_.test, test_.batches());
    const auto go_on = [&](std::int64_t batches) {
      if (progress) progress->update(batches);
      return !stopped();
    };
    const auto evaluation = evaluate(graph(), test_, options_.threads, go_on, ranks_);
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
    if (log_ != nullptr) {
      *log_ << epoch_line(run_, run_.epochs.size() - 1, options_.test) << '\n' << std::flush;
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
    if (is_root()) write("last.checkpoint", state());
    saved_ = Clock::now();
    saved_step_ = steps();
    if (is_root()) publish();
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
    write_text("metrics.csv", metrics_csv(run_, steps_));
    write_text("curves.svg", curves_svg(run_, options_.test));
  }

  /// All that the next step needs.
  [[nodiscard]] std::vector<std::byte> state() const {
    return save_checkpoint({options_.recipe, tensors_, optimizer_.steps(), run_});
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

  /// `here`: is it this rank's part that is not finite? Then `layer` was the first whose result is not.
  [[noreturn]] void fail_with_loss(double loss, bool here, const std::string& layer) {
    const int root = std::min(first_rank(ranks_, here), ranks_.size() - 1);
    const std::string first = broadcast(ranks_, layer, root);
    fail(steps() + 1, "the loss is " + not_finite(loss) +
                          (first.empty() ? "" : "; the first result that is not finite is that of '" + first + "'"));
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
  Ranks& ranks_;
  std::ostream* log_;   ///< of rank 0
  std::int64_t steps_;  ///< of an epoch
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
