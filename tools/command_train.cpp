// riffle train: a network of the family, or one from a file, on labelled pictures.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "draw/progress.hpp"
#include "engine/graph/quantization.hpp"
#include "engine/plan/plan.hpp"
#include "io/model_file.hpp"
#include "io/preprocess.hpp"
#include "tools/commands.hpp"
#include "tools/interrupt.hpp"
#include "tools/preprocessing_options.hpp"
#include "tools/ranks.hpp"
#include "tools/spec_options.hpp"
#include "tools/tensors.hpp"
#include "trainer/data/open.hpp"
#include "trainer/fit/calibrate.hpp"
#include "trainer/fit/evaluate.hpp"
#include "trainer/fit/fit.hpp"
#include "trainer/initial/initialise.hpp"
#include "trainer/initial/weights.hpp"

namespace riffle::tools {
namespace {

constexpr double most = 0.9999;  ///< of what is to stay below 1

struct TrainOptions {
  SpecOptions spec;
  std::string from, freeze;
  bool quantize = false;
  std::int64_t calibration = 512;
  std::vector<std::string> data, test_data;
  std::string labels;
  double validation = 0.1;
  bool skip_broken = false;
  PreprocessingOptions preprocessing;
  trainer::Augmentation augmentation;

  std::string optimizer = "adam";
  double rate = 0.001;
  trainer::SgdOptions sgd;
  trainer::DecayOptions decay;
  std::string schedule = "constant";
  double warmup = 0;  ///< epochs
  bool scale_rate = false;
  double step_epochs = 0;  ///< 0: a third of all
  double step_factor = 0.1;
  double clip = 0, label_smoothing = 0, average = 0;
  std::string init = "xavier";

  std::int64_t epochs = 10;
  std::int32_t batch = 64, accumulate = 1;
  bool synchronise_norms = false;
  std::int64_t save_every = 0;
  std::uint64_t seed = 0;
  int threads = 1;
  std::string folder;
  bool resume = false;

  std::vector<CLI::Option*> recipe;  ///< what a resumed run must share with the one that stopped
  std::vector<CLI::Option*> all;
  std::vector<CLI::Option*> sgd_only, step_only;
  CLI::Option *calibration_option = nullptr, *validation_option = nullptr, *skip_broken_option = nullptr,
              *init_option = nullptr, *warmup_option = nullptr;
};

/// The pictures of a step, on all ranks.
std::int64_t pictures_a_step(const TrainOptions& options, const trainer::Ranks& ranks) {
  return std::int64_t{options.batch} * ranks.size() * options.accumulate;
}

void add_data_options(CLI::App& command, TrainOptions& options) {
  command
      .add_option(
          "--data", options.data,
          "A folder: of the four files of MNIST, of train/ and val/ or test/, or of class folders; or IDX images "
          "and labels")
      ->required()
      ->expected(1, 2)
      ->allow_extra_args(false)
      ->type_name("FOLDER | IMAGES LABELS");
  CLI::Option* test = command.add_option("--test-data", options.test_data, "Likewise: the set that is tested on")
                          ->expected(1, 2)
                          ->allow_extra_args(false)
                          ->type_name("FOLDER | IMAGES LABELS");
  options.validation_option = add_number(command, "--validation", options.validation, 0.001, 0.9,
                                         "The share of the data that is tested on where there is no other set")
                                  ->excludes(test);
  command.add_option("--labels", options.labels, "A file of one class name a line, for IDX data")->type_name("FILE");
  options.skip_broken_option = command.add_flag("--skip-broken", options.skip_broken,
                                                "Leave out pictures that cannot be read, instead of ending");
  options.recipe.push_back(options.validation_option);
  add_preprocessing(command, options.preprocessing);
  for (CLI::Option* option :
       {add_number(command, "--flip", options.augmentation.flip, 0, 1, "Probability of a horizontal flip"),
        add_number(command, "--crop-padding", options.augmentation.crop_padding, 0, 1024,
                   "Pixels around a picture, of which a window is cut at random"),
        add_number(command, "--erase", options.augmentation.erase, 0, 1, "Probability that a rectangle is filled")}) {
    options.recipe.push_back(option);
  }
}

void add_optimizer_options(CLI::App& command, TrainOptions& options) {
  const auto add = [&](CLI::Option* option) {
    options.recipe.push_back(option);
    return option;
  };
  add(command.add_option("--optimizer", options.optimizer, "What moves the weights"))
      ->check(CLI::IsMember({"adam", "adamw", "sgd"}))
      ->capture_default_str();
  add_number(command, "--lr", options.rate, 1e-12, 1000, "Learning rate");
  command.add_flag("--scale-lr", options.scale_rate,
                   "Multiply the learning rate by ranks x --accumulate, and warm up for 5 epochs, or a fifth of all, "
                   "unless --warmup says how long (arXiv 1706.02677)");
  options.sgd_only = {add(add_number(command, "--momentum", options.sgd.momentum, 0, most, "Of sgd")),
                      add(command.add_flag("--nesterov", options.sgd.nesterov, "Nesterov's momentum, of sgd"))};
  add(add_number(command, "--weight-decay", options.decay.weight_decay, 0, 10, "Pulls weights towards 0"));
  add(command.add_flag("--decay-weights-only", options.decay.weights_only, "Not biases and batch norm"));
  add(command.add_option("--schedule", options.schedule, "How the learning rate falls"))
      ->check(CLI::IsMember({"constant", "step", "cosine", "linear"}))
      ->capture_default_str();
  options.step_only = {add(add_number(command, "--step-epochs", options.step_epochs, 0.001, 1e6,
                                      "Epochs between two steps of that schedule; by default a third of all"))
                           ->default_str(""),
                       add(add_number(command, "--step-factor", options.step_factor, 1e-6, 1,
                                      "What a step multiplies the learning rate by"))};
  options.warmup_option =
      add_number(command, "--warmup", options.warmup, 0, 1e6, "Epochs in which the learning rate grows linearly");
  add(add_number(command, "--clip", options.clip, 0, 1e9, "The norm to which gradients are scaled down; 0: never"));
  add(add_number(command, "--label-smoothing", options.label_smoothing, 0, most,
                 "The share of a label that all classes get"));
  add(add_number(command, "--ema", options.average, 0, most,
                 "Test and keep a moving average of the weights with this decay; 0: none"));
}

void add_run_options(CLI::App& command, TrainOptions& options) {
  add_number(command, "--epochs", options.epochs, 1, 1'000'000, "Times through the data");
  add_number(command, "--batch", options.batch, 1, 65536,
             "Pictures that go through the network together; under mpirun, on each rank");
  add_number(command, "--accumulate", options.accumulate, 1, 65536, "Batches whose gradients make up a step");
  options.recipe.push_back(command.add_flag("--sync-batch-norm", options.synchronise_norms,
                                            "Under mpirun: batch norm over the batches of all ranks"));
  options.init_option = command.add_option("--init", options.init, "Uniform weights that training starts from")
                            ->check(CLI::IsMember({"xavier", "kaiming"}))
                            ->capture_default_str();
  options.recipe.push_back(options.init_option);
  options.recipe.push_back(add_number(command, "--seed", options.seed, 0, UINT64_MAX,
                                      "Of the initial weights, the order of the pictures, the augmentation"));
  add_threads(command, options.threads);
  add_number(command, "--checkpoint-every", options.save_every, 0, INT64_MAX,
             "Steps behind which the run is saved within an epoch, too; 0: every ten minutes alone");
  command.add_option("--out", options.folder, "The folder of the run, made where there is none")
      ->required()
      ->type_name("FOLDER");
  command.add_flag("--resume", options.resume, "Go on with the run in that folder");
}

/// --data and --test-data take two words where they can get them. Behind a folder the second one is none of theirs, and
/// there it can only be the network.
void give_back(std::vector<std::string>& paths, std::string& network) {
  std::error_code ignored;
  if (paths.size() < 2 || !std::filesystem::is_directory(paths.front(), ignored)) return;
  if (!network.empty()) throw Error("'" + paths.back() + "' was not expected behind the folder " + paths.front());
  network = std::move(paths.back());
  paths.pop_back();
}

void check(const TrainOptions& options) {
  const auto refuse = [](const std::vector<CLI::Option*>& list, const std::string& why) {
    for (const CLI::Option* option : list) {
      if (option->count() > 0) throw Error(option->get_name() + ": " + why);
    }
  };
  if (options.spec.network.empty() == options.from.empty()) {
    throw Error("train: a network is needed, v1, v2 or --from MODEL, one of them");
  }
  if (options.from.empty()) {
    check_spec(options.spec);
  } else {
    refuse(options.spec.others, "belongs to v1 and v2; --from brings its own network");
  }
  if (options.quantize && options.from.empty()) {
    throw Error("--quantize: needs --from MODEL, a network that is trained already; train one without it first");
  }
  if (!options.quantize) refuse({options.calibration_option}, "belongs to --quantize");
  if (options.optimizer != "sgd") refuse(options.sgd_only, "belongs to --optimizer sgd");
  if (options.schedule != "step") refuse(options.step_only, "belongs to --schedule step");
  if (options.decay.weights_only && options.decay.weight_decay == 0) {
    throw Error("--decay-weights-only: there is no --weight-decay");
  }
  if (options.warmup > static_cast<double>(options.epochs)) throw Error("--warmup: is longer than all epochs");
  std::error_code ignored;
  if (!options.from.empty() &&
      std::filesystem::equivalent(std::filesystem::path(options.from).parent_path() / ".", options.folder, ignored)) {
    throw Error("--out: " + options.folder + " is the folder of " + options.from +
                ", which could be written over; name another one");
  }
}

std::string text(double value) {
  std::array<char, 64> buffer = {};
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
}

/// A number in one of its spellings; other words as they are.
std::string normal(const std::string& word) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && end == word.data() + word.size() ? text(value) : word;
}

std::string text(const CLI::Option* option) {
  std::string words;
  for (const std::string& result : option->results()) {
    for (const std::string& word : CLI::detail::split(result, ',')) words += (words.empty() ? "" : ",") + normal(word);
  }
  if (words.empty()) words = normal(option->get_default_str());
  return words.empty() ? "no" : words;
}

std::string hexadecimal(std::uint32_t value) {
  std::array<char, 16> buffer = {};
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, 16).ptr};
}

/// What ranks have to have in common, whatever it decides: all options but for names of files, of which each machine
/// may have its own.
std::vector<trainer::Setting> common_settings(const TrainOptions& options) {
  std::vector<trainer::Setting> settings = {{"riffle's version", RIFFLE_VERSION}};
  for (const CLI::Option* option : options.all) {
    const std::string name = option->get_name();
    const auto is_it = [&](const char* path) { return name == path; };
    constexpr std::array paths = {"--data", "--test-data", "--labels", "--from", "--out", "--help"};
    if (std::none_of(paths.begin(), paths.end(), is_it)) settings.push_back({name, text(option)});
  }
  return settings;
}

/// The learning rate and the warm-up that --scale-lr makes of those for one rank.
void scale_rate(TrainOptions& options, const trainer::Ranks& ranks) {
  if (!options.scale_rate) return;
  options.rate *= ranks.size() * options.accumulate;
  if (options.warmup_option->empty()) options.warmup = std::min(5.0, static_cast<double>(options.epochs) / 5);
}

/// `graph`: before training; `quantised`: the network in integers, or null. The learning rate's way depends on the
/// number of epochs only where it falls to 0.
std::vector<trainer::Setting> recipe(const TrainOptions& options, const trainer::Ranks& ranks,
                                     const graph::Graph& graph, const quantise::Quantised* quantised,
                                     const trainer::OpenedData& data) {
  std::vector<trainer::Setting> settings = {
      {"the network", graph.name},
      {"an input of", graph::chw(graph.input_shape())},
      {"pictures", io::preprocessing_text(*graph.preprocessing, graph.input_shape())},
      {"this many training images:", std::to_string(data.train->size())},
      {"this many test images:", std::to_string(data.validation->size())}};
  for (std::size_t c = 0; c < data.train->classes().size(); ++c) {
    settings.push_back({"class " + std::to_string(c) + " named", data.train->classes()[c]});
  }
  settings.push_back({"training images of checksum", hexadecimal(data.train->checksum())});
  // Of a set that is split off the seed, which is an option, says the rest.
  if (!data.split_off) settings.push_back({"test images of checksum", hexadecimal(data.validation->checksum())});
  settings.push_back({"the instruction set (RIFFLE_ISA)", kernels::choose_kernels().isa});
  if (!options.from.empty()) settings.push_back({"--from", file_name(options.from)});
  if (!options.freeze.empty()) settings.push_back({"--freeze", options.freeze});
  if (quantised != nullptr) {
    settings.push_back({"--quantize with ranges of checksum", hexadecimal(trainer::checksum_of_grids(*quantised))});
  }
  settings.push_back(
      {"this many pictures a step (--batch x ranks x --accumulate):", std::to_string(pictures_a_step(options, ranks))});
  settings.push_back({"--lr", text(options.rate)});
  settings.push_back({"--warmup", text(options.warmup)});
  for (const CLI::Option* option : options.recipe) settings.push_back({option->get_name(), text(option)});
  if (options.schedule == "cosine" || options.schedule == "linear" ||
      (options.schedule == "step" && options.step_epochs == 0)) {
    settings.push_back({"--epochs", std::to_string(options.epochs)});
  }
  return settings;
}

trainer::OpenedData open(const TrainOptions& options, const trainer::Ranks& ranks, std::int32_t channels) {
  trainer::OpenedData data = trainer::open_data(options.data, {.validation = options.test_data,
                                                               .validation_share = options.validation,
                                                               .seed = options.seed,
                                                               .names = options.labels,
                                                               .channels = channels,
                                                               .skip_broken = options.skip_broken,
                                                               .threads = options.threads});
  if (!data.split_off && options.validation_option->count() > 0) {
    throw Error("--validation: nothing is split off, for " + options.data.front() + " has a test set of its own");
  }
  if (ranks.rank() > 0) return data;
  for (const std::string& message : data.skipped) std::cerr << "riffle: left out: " << message << '\n';
  return data;
}

models::WeightSource initial_weights(const TrainOptions& options) {
  return options.init == "kaiming" ? trainer::kaiming_uniform(options.seed) : trainer::xavier_uniform(options.seed);
}

/// A network from its spec. What the spec leaves open is as the data has it.
graph::Graph new_network(const TrainOptions& options, const trainer::Dataset& data) {
  SpecOptions spec = options.spec;
  const auto classes = static_cast<std::int32_t>(data.classes().size());
  if (spec.classes != 0 && spec.classes != classes) {
    throw Error("--classes: the data has " + std::to_string(classes) + ", not " + std::to_string(spec.classes));
  }
  spec.classes = classes;
  if (spec.in_channels == 0) spec.in_channels = data.channels();
  return make_network(spec, initial_weights(options));
}

/// A network from a file. Where the data has another number of classes, its classifier is a new one.
graph::Graph given_network(const TrainOptions& options, graph::Graph graph, const trainer::Dataset& data,
                           std::ostream& out) {
  const auto classes = static_cast<std::int32_t>(data.classes().size());
  if (options.spec.size_option->count() > 0) {
    graph.set_input_size(options.spec.size.height, options.spec.size.width);
    if (graph.preprocessing) graph.preprocessing->resize_size = 0;  // it belonged to the other size
  }
  const graph::Shape output = graph::infer_shapes(graph)[graph.outputs[0].node];
  if (output.c == classes) {
    if (options.init_option->count() > 0) {
      throw Error("--init: no weights begin anew, for " + options.from + " has as many classes as the data");
    }
    return graph;
  }
  if (options.quantize) {
    throw Error("--quantize: the data has " + std::to_string(classes) + " classes, " + options.from + " has " +
                std::to_string(output.c) + "; train a classifier for them first, without --quantize");
  }
  out << options.from << ": a new classifier, for " << classes << " classes instead of " << output.c << '\n';
  return trainer::with_classes(std::move(graph), classes, initial_weights(options));
}

std::unique_ptr<trainer::Optimizer> make_optimizer(const TrainOptions& options, const trainer::Network& network) {
  const auto parameters = network.parameters();
  if (options.optimizer == "sgd") return make_sgd(parameters, options.sgd, options.decay, network.threads());
  trainer::AdamOptions adam;
  adam.decoupled = options.optimizer == "adamw";
  return make_adam(parameters, adam, options.decay, network.threads());
}

trainer::Schedule make_schedule(const TrainOptions& options, std::int64_t batches) {
  const auto steps = [&](double epochs) { return std::llround(epochs * static_cast<double>(batches)); };
  const auto epochs = static_cast<double>(options.epochs);
  trainer::Schedule schedule;
  schedule.decay = options.schedule == "step"     ? trainer::Decay::step
                   : options.schedule == "cosine" ? trainer::Decay::cosine
                   : options.schedule == "linear" ? trainer::Decay::linear
                                                  : trainer::Decay::constant;
  schedule.rate = options.rate;
  schedule.steps = options.epochs * batches;
  schedule.warmup = steps(options.warmup);
  schedule.every = std::max<std::int64_t>(steps(options.step_epochs > 0 ? options.step_epochs : epochs / 3), 1);
  schedule.factor = options.step_factor;
  return schedule;
}

void describe(const trainer::Network& network, const graph::Graph& graph, const trainer::Datasets& data,
              const std::string& test, std::ostream& out) {
  std::int64_t trained = 0;
  for (const trainer::Parameter& parameter : network.parameters()) {
    trained += parameter.frozen ? 0 : static_cast<std::int64_t>(parameter.values.size());
  }
  out << printable(graph.name) << ": input " << graph::chw(network.input()) << ", " << millions(network.macs())
      << " MAC, " << grouped(trained) << " parameters in training, " << bytes_text(network.bytes()) << " of memory\n"
      << grouped(data.train->size()) << " images to train on, " << grouped(data.validation->size()) << " to "
      << (test == "test" ? "test" : "validate") << " on, " << network.classes() << " classes\n"
      << std::flush;
}

/// Throws Error for a network that cannot be trained on labelled pictures, before they are read.
void require_picture_classifier(const std::string& path, const graph::Graph& graph) {
  const Signature signature = plan::signature_of(graph, graph::infer_shapes(graph));
  if (is_usual(signature)) return;
  throw Error(path + ": has " + tensors_text("input", signature.inputs) + ", " +
              tensors_text("output", signature.outputs) + "; training is for one of each, both f32");
}

/// The network in integers that training begins with, or null.
std::shared_ptr<const quantise::Quantised> quantised(const TrainOptions& options, const graph::Graph& graph,
                                                     const trainer::Dataset& data, trainer::LoaderOptions loader) {
  if (!options.quantize) return nullptr;
  loader.augmentation = {};
  trainer::Loader pictures(data, loader);
  draw::Progress progress("calibrating", 1000);
  return std::make_shared<const quantise::Quantised>(
      trainer::calibrate(graph, pictures, options.calibration, options.threads,
                         [&](double done) { progress.update(static_cast<std::int64_t>(done * 1000)); }));
}

/// All that a run needs of one rank.
class Training {
 public:
  /// What is said to the user goes to `out`. The options and the ranks outlive it.
  Training(const TrainOptions& options, trainer::Ranks& ranks, std::ostream& out)
      : options_(options), ranks_(ranks), out_(out) {
    require_threads(2 * options.threads + 1);  // the network's, and two loaders of half as many
    open_network_and_data();
    make_parts();
  }

  /// On all ranks together.
  void run() {
    const Interrupt interrupt;
    fit_options_.stop = [&] { return interrupt.signal() != 0; };
    say();
    if (in_integers_ && !options_.resume) {
      const auto go_on = [&](std::int64_t) { return interrupt.signal() == 0; };
      const auto calibrated = trainer::evaluate(in_integers_->after, *test_, options_.threads, go_on, ranks_);
      if (calibrated) {
        out_ << "calibrated, not trained yet: " << fit_options_.test << " accuracy "
             << fixed(100.0 * calibrated->score.accuracy(), 2) << " %\n"
             << std::flush;
      }
    }
    const trainer::FitResult result = trainer::fit(*network_, *optimizer_, *training_, *test_, fit_options_);
    if (!result.stopped) return;
    draw::Progress::wipe_line();
    out_ << "stopped in epoch " << result.run.epochs.size() + 1 << " behind " << result.run.batch << " of "
         << training_->steps() << " batches; --resume goes on from there\n";
    int signal = interrupt.signal();  // of one rank, it may be
    ranks_.broadcast(std::as_writable_bytes(std::span(&signal, 1)), trainer::first_rank(ranks_, signal != 0));
    throw CLI::RuntimeError(128 + signal);
  }

 private:
  void open_network_and_data() {
    std::optional<graph::Graph> from;
    if (!options_.from.empty()) {
      from = io::load_model_of_floats(options_.from, import_options(options_.from));
      if (graph::is_quantised(*from)) {
        throw Error(options_.from + ": is quantised; take the network of floats that it was made of");
      }
      require_picture_classifier(options_.from, *from);
    }
    const std::int32_t channels = from                              ? from->input_shape().c
                                  : options_.spec.in_channels       ? options_.spec.in_channels
                                  : options_.spec.flavour == "note" ? 1
                                                                    : 3;
    if (channels != 1 && channels != 3) {
      throw Error("the network takes " + std::to_string(channels) + " channels; a picture has 1 or 3");
    }
    data_ = open(options_, ranks_, channels);
    graph_ = from ? given_network(options_, std::move(*from), *data_.train, out_) : new_network(options_, *data_.train);
    preprocessing_from_ = origin(options_.preprocessing, graph_.preprocessing);
    graph_.preprocessing = choose(options_.preprocessing, graph::preprocessing_of(graph_));
    if (data_.named) {  // else the classes are called as the model has them
      const std::vector<std::string>& classes = data_.train->classes();
      if (!graph_.labels.empty() && graph_.labels != classes) {
        out_ << options_.from << ": its classes get other names; its classifier goes on as it is\n";
      }
      graph_.labels = classes;
    }
    graph::check_metadata(graph_);
  }

  void make_parts() {
    const graph::Shape input = graph_.input_shape();
    trainer::LoaderOptions loader = {.batch = options_.batch,
                                     .height = input.h,
                                     .width = input.w,
                                     .channels = input.c,
                                     .augmentation = options_.augmentation,
                                     .preprocessing = *graph_.preprocessing,
                                     .seed = options_.seed,
                                     .threads = (options_.threads + 1) / 2};
    in_integers_ = quantised(options_, graph_, *data_.train, loader);  // on each rank by the same pictures
    loader.rank = ranks_.rank();
    loader.ranks = ranks_.size();
    const trainer::NetworkOptions network_options = {.batch = options_.batch,
                                                     .threads = options_.threads,
                                                     .label_smoothing = static_cast<float>(options_.label_smoothing),
                                                     .freeze = options_.freeze,
                                                     .ranks = &ranks_,
                                                     .synchronise_norms = options_.synchronise_norms};
    network_.emplace(in_integers_ ? trainer::Network(in_integers_, network_options)
                                  : trainer::Network(graph_, network_options));
    optimizer_ = make_optimizer(options_, *network_);
    loader.least_batch = network_->least_batch();
    if (loader.least_batch > options_.batch) {
      throw Error("--batch " + std::to_string(options_.batch) + ": of one picture a batch norm of this network sees " +
                  "one number a channel, which has no variance; it takes two or more");
    }
    loader.accumulate = options_.accumulate;
    training_.emplace(*data_.train, loader);
    loader.accumulate = 1;
    loader.least_batch = 0;
    loader.augmentation = {};
    loader.shuffle = false;
    test_.emplace(*data_.validation, loader);

    if (data_.split_off) fit_options_.test = "validation";
    fit_options_.epochs = options_.epochs;
    fit_options_.schedule = make_schedule(options_, training_->steps());
    fit_options_.clip = options_.clip;
    fit_options_.average = options_.average;
    fit_options_.folder = options_.folder;
    fit_options_.resume = options_.resume;
    fit_options_.recipe = recipe(options_, ranks_, graph_, in_integers_.get(), data_);
    fit_options_.classes = graph_.labels.empty() ? data_.train->classes() : graph_.labels;
    fit_options_.threads = options_.threads;
    fit_options_.save_every = options_.save_every;
    fit_options_.ranks = &ranks_;
    fit_options_.log = &out_;
  }

  void say() {
    describe(*network_, graph_, data_, fit_options_.test, out_);
    if (ranks_.size() > 1 || options_.accumulate > 1) {
      out_ << ranks_.size() << (ranks_.size() == 1 ? " rank" : " ranks") << ", " << options_.accumulate
           << (options_.accumulate == 1 ? " batch" : " batches") << " of " << options_.batch
           << " on each: " << pictures_a_step(options_, ranks_) << " pictures a step, learning rate "
           << text(options_.rate) << '\n';
    }
    out_ << "pictures: " << io::preprocessing_text(*graph_.preprocessing, graph_.input_shape()) << " ("
         << preprocessing_from_ << ")\n";
    const std::int64_t left_out = data_.train->size() - training_->pictures();
    if (left_out == 1 && ranks_.size() == 1) {
      out_ << "an epoch goes without one picture, each time another: of it alone in the last batch a batch norm would "
              "see one number a channel, which has no variance\n";
    } else if (left_out > 0) {
      out_ << "an epoch goes without " << left_out << " pictures, each time others: they are too few for a batch on "
           << "every rank\n";
    }
    out_ << std::flush;
  }

  const TrainOptions& options_;
  trainer::Ranks& ranks_;
  std::ostream& out_;
  trainer::OpenedData data_;
  graph::Graph graph_;
  std::string preprocessing_from_;
  std::shared_ptr<const quantise::Quantised> in_integers_;  ///< or null
  std::optional<trainer::Network> network_;
  std::unique_ptr<trainer::Optimizer> optimizer_;
  std::optional<trainer::Loader> training_, test_;
  trainer::FitOptions fit_options_;
};

void train(TrainOptions& options) {
  trainer::Ranks& all = ranks();
  trainer::expect_same(all, common_settings(options));
  scale_rate(options, all);
  std::ostream silence(nullptr);
  std::optional<Training> training;
  trainer::together(all, [&] { training.emplace(options, all, all.rank() == 0 ? std::cout : silence); });
  training->run();
}

}  // namespace

void add_train(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("train", "A network trained on labelled pictures");
  const auto options = std::make_shared<TrainOptions>();
  add_spec(command, options->spec);
  options->spec.size_option->description(options->spec.size_option->get_description() +
                                         "; with --from the model's own by default");
  command.add_option("--from", options->from, "Instead of a new network: a .riffle or .onnx file")->type_name("MODEL");
  command
      .add_option("--freeze", options->freeze, "The nodes before the first one whose name starts so stay as they are")
      ->type_name("PREFIX");
  command.add_flag(
      "--quantize", options->quantize,
      "With --from: train in integers of 8 bits, which the model becomes, where riffle quantize alone costs too much");
  options->calibration_option = add_number(command, "--calibration", options->calibration, 1, 1 << 20,
                                           "Training pictures that ranges are chosen by, with --quantize");
  add_data_options(command, *options);
  add_optimizer_options(command, *options);
  add_run_options(command, *options);
  command.footer(
      "Ctrl-C (SIGINT, SIGTERM, SIGHUP) saves the run and ends with exit code 128 + the signal's number; --resume, "
      "with "
      "the same options, goes on from there, and on as many threads gives the bits of a run that was never stopped.");
  options->all = command.get_options();
  command.callback([options] {
    give_back(options->data, options->spec.network);
    give_back(options->test_data, options->spec.network);
    check(*options);
    train(*options);
  });
}

}  // namespace riffle::tools
