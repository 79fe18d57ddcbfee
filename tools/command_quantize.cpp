// riffle quantize: a model in floats and pictures to one in integers of 8 bits, and what that costs. Ranks share the
// pictures, and rank 0 writes and speaks.
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>

#include "base/files.hpp"
#include "base/text.hpp"
#include "draw/losses_svg.hpp"
#include "draw/progress.hpp"
#include "draw/table.hpp"
#include "engine/format/format.hpp"
#include "engine/run/session.hpp"
#include "io/labels.hpp"
#include "io/model_file.hpp"
#include "io/preprocess.hpp"
#include "kernels/kernels.hpp"
#include "measure/tensors.hpp"
#include "quantise/pixels.hpp"
#include "quantise/quantise.hpp"
#include "tools/calibration_data.hpp"
#include "tools/commands.hpp"
#include "tools/options.hpp"
#include "tools/preprocessing_options.hpp"
#include "tools/ranks.hpp"
#include "trainer/data/checksum.hpp"
#include "trainer/team.hpp"

namespace riffle::tools {
namespace {

/// Of those that are left, what layers' losses are measured on.
constexpr std::int64_t most_for_losses = 64;

struct QuantizeOptions {
  std::string model, output, data, labels, report;
  std::string method = "best";
  quantise::Options how;
  double max_loss = 0.0;  ///< points; where it was given
  std::int64_t calibration = 512, count = 2000;
  bool pixels = false;
  PreprocessingOptions preprocessing;
};

/// `count` of the indices, evenly spread.
std::vector<std::int64_t> spread(const std::vector<std::int64_t>& indices, std::int64_t count) {
  const std::int64_t all = std::ssize(indices);
  if (count >= all) return indices;
  std::vector<std::int64_t> result;
  for (std::int64_t i = 0; i < count; ++i) result.push_back(indices[static_cast<std::size_t>(i * all / count)]);
  return result;
}

/// Which of the data calibrate, and which tell what that was good for.
struct Split {
  std::vector<std::int64_t> calibration, others;
};

Split split(std::int64_t all, std::int64_t calibration, std::int64_t others) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(all));
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<std::int64_t>(i);
  Split result;
  // Of few, one in eight is left out.
  result.calibration = spread(indices, std::min(calibration, all - all / 8));
  std::vector<std::int64_t> rest;
  std::ranges::set_difference(indices, result.calibration, std::back_inserter(rest));
  result.others = spread(rest, others);
  return result;
}

/// A network of one input, and pictures that have become inputs of it.
struct Network {
  graph::Graph graph;
  std::shared_ptr<CalibrationData> data;
};

Network on_pixels(const Network& network, const QuantizeOptions& options) {
  if (!network.data->has_pictures()) {
    throw Error("--pixels: " + options.data +
                " holds inputs of the model, which are no pixels; take a folder of pictures or an IDX file");
  }
  Network result{quantise::on_pixels(network.graph), nullptr};
  result.data = open_calibration_data(options.data, options.labels, result.graph.input(), *result.graph.preprocessing);
  return result;
}

/// Those of the rank's share.
std::vector<std::int64_t> share_of(const std::vector<std::int64_t>& indices, const trainer::Ranks& ranks) {
  std::vector<std::int64_t> own;
  trainer::for_share(std::ssize(indices), ranks.rank(), ranks.size(),
                     [&](std::int64_t i) { own.push_back(indices[static_cast<std::size_t>(i)]); });
  return own;
}

/// Of the rank's share what an input's numbers stand for, as planes.
quantise::Samples read_samples(const Network& network, const std::vector<std::int64_t>& all, trainer::Ranks& ranks) {
  const std::vector<std::int64_t> indices = share_of(all, ranks);
  const graph::Input& input = network.graph.input();
  const graph::ResolvedArrangement places = graph::resolve(graph::arrangement_of(input.arrangement), input.shape);
  const auto& [h, w, c] = input.shape;
  const auto size = static_cast<std::size_t>(input.shape.size());
  quantise::Samples samples{{}, std::ssize(indices), {}, {ranks.rank(), ranks.size(), {}}};
  samples.peers.gather = [&ranks](std::span<const std::byte> own) { return trainer::gather(ranks, own); };
  std::vector<float>& planes = samples.inputs.emplace_back();
  planes.reserve(indices.size() * size);
  std::vector<float> numbers(size);
  std::vector<std::uint8_t> bytes(size);
  for (const std::int64_t index : indices) {
    if (input.type == Type::u8) {
      network.data->read(index, std::as_writable_bytes(std::span(bytes)));
      const auto& [scale, zero_point] = input.quantization;
      for (std::size_t k = 0; k < size; ++k) numbers[k] = scale * static_cast<float>(bytes[k] - zero_point);
    } else {
      network.data->read(index, std::as_writable_bytes(std::span(numbers)));
    }
    for (std::int32_t channel = 0; channel < c; ++channel) {
      for (std::int32_t y = 0; y < h; ++y) {
        for (std::int32_t x = 0; x < w; ++x) {
          planes.push_back(numbers[static_cast<std::size_t>(graph::place_of(places, y, x, channel))]);
        }
      }
    }
    samples.names.push_back(network.data->name(index));
  }
  return samples;
}

/// Rank 0's bar; the others have none.
class Bar {
 public:
  Bar(const std::string& label, std::int64_t total, const trainer::Ranks& ranks)
      : progress_(ranks.rank() == 0 ? std::make_unique<draw::Progress>(label, total) : nullptr) {}
  void update(std::int64_t done) const {
    if (progress_) progress_->update(done);
  }

 private:
  std::unique_ptr<draw::Progress> progress_;
};

/// How often both networks answer right, and how often they differ.
struct AnswersOfBoth {
  std::int64_t count = 0, right_before = 0, right_after = 0, changed = 0;
  [[nodiscard]] double percent(std::int64_t n) const {
    return 100.0 * static_cast<double>(n) / static_cast<double>(count);
  }
  /// Points.
  [[nodiscard]] double loss() const { return percent(right_before - right_after); }
};

/// The largest class of each picture.
std::vector<std::int32_t> answers_of(const Network& network, const std::vector<std::int64_t>& indices, int threads,
                                     const std::function<void(std::int64_t)>& progress) {
  const auto plan = plan::make(network.graph);
  std::vector<std::int32_t> answers(indices.size());
  std::vector<run::Session> sessions;
  for (int t = 0; t < threads; ++t) sessions.emplace_back(plan, 1);
  std::mutex reading;
  std::atomic<std::size_t> next = 0;
  const auto work = [&](run::Session& session, bool draws) {
    const measure::Tensors tensors(*plan);
    for (std::size_t i = next++; i < indices.size(); i = next++) {
      {
        const std::lock_guard lock(reading);
        network.data->read(indices[i], tensors.input(0));
      }
      session.run(tensors.inputs(), tensors.outputs());
      answers[i] = io::largest(tensors.output_floats(0), 1).front();
      if (draws) progress(static_cast<std::int64_t>(i));
    }
  };
  std::vector<std::future<void>> others;
  for (std::size_t t = 1; t < sessions.size(); ++t) {
    others.push_back(std::async(std::launch::async, work, std::ref(sessions[t]), false));
  }
  work(sessions[0], true);
  for (std::future<void>& other : others) other.get();
  return answers;
}

AnswersOfBoth compare(const Network& given, const Network& quantised, const std::vector<std::int64_t>& all, int threads,
                      trainer::Ranks& ranks) {
  const std::vector<std::int64_t> indices = share_of(all, ranks);
  const Bar bar("comparing", 2 * std::ssize(indices), ranks);
  const std::vector<std::int32_t> before =
      answers_of(given, indices, threads, [&](std::int64_t done) { bar.update(done); });
  const std::vector<std::int32_t> after =
      answers_of(quantised, indices, threads, [&](std::int64_t done) { bar.update(std::ssize(indices) + done); });
  const std::vector<std::uint8_t>& labels = given.data->labels;
  AnswersOfBoth result;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (!labels.empty()) {
      const std::int32_t label = labels[static_cast<std::size_t>(indices[i])];
      result.right_before += before[i] == label ? 1 : 0;
      result.right_after += after[i] == label ? 1 : 0;
    }
    result.changed += before[i] != after[i] ? 1 : 0;
  }
  std::array sums = {static_cast<double>(result.right_before), static_cast<double>(result.right_after),
                     static_cast<double>(result.changed)};
  ranks.sum(sums);  // of whole numbers
  return {std::ssize(all), static_cast<std::int64_t>(sums[0]), static_cast<std::int64_t>(sums[1]),
          static_cast<std::int64_t>(sums[2])};
}

quantise::Quantised quantise_with_bar(const graph::Graph& graph, const quantise::Samples& samples,
                                      quantise::Options how, const trainer::Ranks& ranks) {
  const Bar bar("quantising", 1000, ranks);
  how.progress = [&](double done) { bar.update(static_cast<std::int64_t>(done * 1000)); };
  return quantise::quantise(graph, samples, how);
}

std::string decibels_text(double decibels) { return std::isfinite(decibels) ? fixed(decibels, 1) : "exact"; }

void print_losses(const quantise::Quantised& quantised, const std::vector<quantise::Loss>& losses) {
  using enum draw::Table::Align;
  draw::Table table({{"layer"}, {"operation"}, {"type"}, {"dB", right}, {"weights", right}});
  for (const quantise::Loss& loss : losses) {
    const graph::Node& node = quantised.before.nodes[loss.node];
    table.add({printable(node.name), std::string(graph::operation_name(node.operation)),
               loss.integers ? "int8" : "fp32", decibels_text(loss.decibels),
               loss.weight_bytes > 0 ? bytes_text(loss.weight_bytes) : ""});
  }
  table.print(std::cout);
}

std::string answers_text(const AnswersOfBoth& answers, bool has_labels) {
  const std::string pictures = grouped(answers.count) + " pictures that did not calibrate";
  const std::string changed = fixed(answers.percent(answers.changed), 2) + " % of the answers changed";
  if (!has_labels) return "on " + pictures + ": " + changed;
  return "on " + pictures + ": " + fixed(answers.percent(answers.right_before), 2) + " % right before, " +
         fixed(answers.percent(answers.right_after), 2) + " % after; " + changed;
}

/// The `count` layers that lose most, of those that have weights and are not in floats yet.
std::vector<std::string> worst_layers(const quantise::Quantised& quantised, std::vector<quantise::Loss> losses,
                                      std::size_t count) {
  std::erase_if(losses, [](const quantise::Loss& loss) { return !loss.integers || loss.weight_bytes == 0; });
  std::ranges::stable_sort(losses, {}, &quantise::Loss::decibels);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(count, losses.size()); ++i) {
    names.push_back(quantised.before.nodes[losses[i].node].name);
  }
  return names;
}

void draw_report(const std::string& path, const quantise::Quantised& quantised,
                 const std::vector<quantise::Loss>& losses, const std::string& words) {
  std::vector<draw::LayerLoss> layers;
  for (const quantise::Loss& loss : losses) {
    const graph::Node& node = quantised.before.nodes[loss.node];
    layers.push_back({node.name, std::string(graph::operation_name(node.operation)), loss.integers, loss.decibels,
                      loss.weight_bytes});
  }
  const std::string svg = draw::losses_svg(quantised.before.name, words, layers);
  write_file(path, {std::as_bytes(std::span(svg))});
}

/// Throws Error on all ranks where those of one decide otherwise. Its pictures are its own affair, but for their
/// number.
void expect_same(trainer::Ranks& ranks, const QuantizeOptions& options, bool has_max_loss, const Network& given) {
  std::string keep;
  for (const std::string& name : options.how.keep) (keep += ' ') += name;
  trainer::Checksum checksum;
  checksum.add(format::save(given.graph));
  const std::vector<trainer::Setting> settings = {
      {"riffle's version", RIFFLE_VERSION},
      {"the instruction set (RIFFLE_ISA)", kernels::choose_kernels().isa},
      {"a model of checksum", std::to_string(checksum.value())},
      {"this many pictures:", std::to_string(given.data->count())},
      {"labels:", given.data->labels.empty() ? "no" : "yes"},
      {"--calibration", std::to_string(options.calibration)},
      {"--count", std::to_string(options.count)},
      {"--method", options.method},
      {"--keep", keep},
      {"--max-loss", has_max_loss ? std::to_string(options.max_loss) : "no"},
      {"--pixels", options.pixels ? "yes" : "no"}};
  trainer::expect_same(ranks, settings);
}

void quantize(QuantizeOptions& options, bool has_max_loss, trainer::Ranks& ranks) {
  require_another_file({"OUT", options.output}, {{"MODEL", options.model}, {"--calibrate", options.data}});
  if (io::format_to_save(options.output) != io::ModelFormat::riffle) {
    throw Error(options.output + ": a quantised model is a .riffle file; name one");
  }
  Network given{io::load_model_of_floats(options.model, import_options(options.model)), nullptr};
  graph::Graph& graph = given.graph;
  if (graph.input_count() != 1) {
    throw Error(options.model + ": has " + std::to_string(graph.input_count()) +
                " inputs; networks of one input are quantised");
  }
  const bool is_given = !options.preprocessing.given().empty();
  const graph::Preprocessing preprocessing = choose(options.preprocessing, graph::preprocessing_of(graph));
  given.data = open_calibration_data(options.data, options.labels, graph.input(), preprocessing);
  const CalibrationData& data = *given.data;
  const std::string from = origin(options.preprocessing, graph.preprocessing);
  if (is_given) graph.preprocessing = preprocessing;
  if (has_max_loss && data.labels.empty()) {
    throw Error("--max-loss: needs to know which answers are right; name the labels of the data, --labels FILE");
  }
  expect_same(ranks, options, has_max_loss, given);
  const auto plan_before = plan::make(graph);
  bool is_classifier = true;
  try {
    io::require_classifier(*plan_before);
  } catch (const Error&) {
    if (has_max_loss) throw;
    is_classifier = false;
  }

  const Network network = options.pixels ? on_pixels(given, options) : given;
  const Split parts = split(data.count(), std::min(options.calibration, quantise::most_samples(graph)), options.count);
  const std::vector<std::int64_t> for_losses =
      spread(parts.others.empty() ? parts.calibration : parts.others, most_for_losses);
  const quantise::Samples samples = read_samples(network, parts.calibration, ranks);
  const quantise::Samples held_out = read_samples(network, for_losses, ranks);

  quantise::Quantised quantised;
  std::vector<quantise::Loss> losses;
  AnswersOfBoth answers;
  for (std::size_t more = 1;; more *= 2) {
    quantised = quantise_with_bar(network.graph, samples, options.how, ranks);
    losses = quantise::losses(quantised, held_out, options.how.threads);
    if (is_classifier && !parts.others.empty()) {
      answers = compare(given, {quantised.after, network.data}, parts.others, options.how.threads, ranks);
    }
    if (!has_max_loss || answers.count == 0 || answers.loss() <= options.max_loss) break;
    const std::vector<std::string> worst = worst_layers(quantised, losses, more);
    if (worst.empty()) break;
    options.how.keep.insert(options.how.keep.end(), worst.begin(), worst.end());
  }
  if (ranks.rank() > 0) return;
  format::save_file(quantised.after, options.output);

  print_losses(quantised, losses);
  std::cout << "calibrated on " << grouped(std::ssize(parts.calibration)) << " of " << grouped(data.count())
            << (data.has_pictures()
                    ? " pictures: " + io::preprocessing_text(preprocessing, graph.input_shape()) + " (" + from + ")"
                    : " inputs")
            << "; dB: signal to noise on " << grouped(std::ssize(for_losses))
            << (parts.others.empty() ? " of the same" : " others") << '\n';
  if (answers.count > 0) std::cout << answers_text(answers, !data.labels.empty()) << '\n';
  const auto bytes = [](const std::string& path) {
    return bytes_text(static_cast<std::int64_t>(std::filesystem::file_size(path)));
  };
  std::cout << options.output << ": " << bytes(options.output) << ", " << options.model << ": " << bytes(options.model)
            << '\n';
  if (!options.report.empty()) {
    draw_report(options.report, quantised, losses,
                answers.count > 0 ? answers_text(answers, !data.labels.empty()) : "");
  }
}

}  // namespace

void add_quantize(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("quantize", "A model to one in integers of 8 bits");
  const auto options = std::make_shared<QuantizeOptions>();
  add_model(command, options->model);
  command.add_option("OUT", options->output, "The .riffle file to write")->required();
  command
      .add_option("--calibrate", options->data,
                  "Pictures that the model is for: a folder of PNG and JPEG files, an IDX file of images, gzip or not, "
                  "or a .npy file of inputs as the model declares them")
      ->required()
      ->type_name("DATA");
  command
      .add_option("--labels", options->labels,
                  "An IDX file of their classes; without it that beside an IDX file of images, named as MNIST's are")
      ->type_name("FILE");
  static const std::map<std::string, quantise::Method> methods = {{"best", quantise::Method::best},
                                                                  {"minmax", quantise::Method::minmax},
                                                                  {"percentile", quantise::Method::percentile},
                                                                  {"mse", quantise::Method::mse}};
  command
      .add_option_function<std::string>(
          "--method",
          [options](const std::string& name) {
            options->method = name;
            options->how.method = methods.at(name);
          },
          "What range of numbers 8 bits hold: what costs the layers that read them least, all that occur, all but the "
          "most extreme, or those with the least squared error")
      ->check(CLI::IsMember(methods))
      ->type_name("best|minmax|percentile|mse")
      ->default_str("best");
  command.add_option("--keep", options->how.keep, "Names of nodes that stay in floats")->type_name("NODE");
  CLI::Option* max_loss = add_number(command, "--max-loss", options->max_loss, 0.0, 100.0,
                                     "Layers go back to floats, the worst first, until no more percent of the answers "
                                     "than that are wrong that were right");
  max_loss->default_str("");
  add_number(
      command, "--calibration", options->calibration, 1, 1 << 20,
      "How many pictures to calibrate with at most, evenly spread over the data; fewer where their tensors would "
      "take more than 1 GiB");
  add_number(command, "--count", options->count, 1, 1 << 30,
             "How many of the others to compare the answers on, evenly spread");
  command.add_flag("--pixels", options->pixels,
                   "OUT takes pixels, bytes of 0 to 255, and has the normalisation of the pictures in its weights");
  command.add_option("--report", options->report, "A drawing of what each layer loses")->type_name("FILE.svg");
  add_preprocessing(command, options->preprocessing);
  add_threads(command, options->how.threads);
  command.footer(
      "OUT carries the labels and the preprocessing that MODEL does. If any option of preprocessing is given, it is "
      "written over it.");
  command.callback([options, max_loss] { quantize(*options, max_loss->count() > 0, ranks()); });
}

}  // namespace riffle::tools
