// riffle classify: pictures to names, or the accuracy on an IDX pair.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <iostream>
#include <memory>
#include <vector>

#include "base/text.hpp"
#include "draw/progress.hpp"
#include "draw/table.hpp"
#include "engine/run/session.hpp"
#include "io/description.hpp"
#include "io/idx.hpp"
#include "io/labels.hpp"
#include "io/model_file.hpp"
#include "io/picture.hpp"
#include "io/preprocess.hpp"
#include "measure/tensors.hpp"
#include "tools/commands.hpp"
#include "tools/options.hpp"
#include "tools/preprocessing_options.hpp"
#include "tools/ranks.hpp"
#include "trainer/team.hpp"

namespace riffle::tools {
namespace {

struct ClassifyOptions {
  std::string model;
  std::vector<std::string> pictures;
  std::vector<std::string> idx;  ///< images, labels
  std::string labels;
  std::int32_t top = 3;  ///< where there are as many classes, unless it was given
  PreprocessingOptions preprocessing;
  Type precision = Type::f32;
  int threads = 1;
};

/// A model made ready to classify.
struct Classifier {
  std::shared_ptr<const plan::Plan> plan;
  bool ends_in_softmax = false;
  std::vector<std::string> labels;  ///< or none
  io::Preprocess preprocess;
  std::string preprocessing;  ///< in words, and where it comes from
};

Classifier make_classifier(const ClassifyOptions& options) {
  graph::Graph graph = io::load_model_of_floats(options.model, import_options(options.model));
  if (graph.task && !std::holds_alternative<graph::Classify>(*graph.task)) {
    throw Error(options.model + ": it is no classifier: " + io::task_text(graph));
  }
  const bool ends_in_softmax = std::holds_alternative<graph::Softmax>(graph.nodes[graph.outputs[0].node].operation);
  const graph::Preprocessing preprocessing = choose(options.preprocessing, graph::preprocessing_of(graph));
  const std::string from = origin(options.preprocessing, graph.preprocessing);
  std::vector<std::string> labels = std::move(graph.labels);
  graph.labels.clear();
  auto plan = make_plan(std::move(graph), {.precision = options.precision});
  io::require_classifier(*plan);
  if (!options.labels.empty()) labels = io::read_labels(options.labels, plan->outputs[0].shape.c);
  io::Preprocess preprocess(*plan, preprocessing);
  std::string words = "pictures: " + io::preprocessing_text(preprocessing, plan->inputs[0].shape) + " (" + from + ")";
  return {std::move(plan), ends_in_softmax, std::move(labels), std::move(preprocess), std::move(words)};
}

draw::Table make_table(std::int32_t top) {
  std::vector<draw::Table::Column> columns = {{"picture"}};
  for (std::int32_t k = 1; k <= top; ++k) {
    columns.push_back({k == 1 ? "guess" : std::to_string(k) + "."});
    columns.push_back({"%", draw::Table::Align::right});
  }
  return draw::Table(columns);
}

/// What becomes of a picture, in words: an empty one and the cells of its row in the table; or the reason why it cannot
/// be read, and as many empty cells.
std::vector<std::string> answer(Classifier& classifier, run::Session& session, const measure::Tensors& tensors,
                                const std::string& path, std::int32_t top) {
  std::vector<std::string> words(2 + 2 * static_cast<std::size_t>(top));
  try {
    classifier.preprocess(io::read_picture(path, classifier.preprocess.channels()), tensors.input(0));
  } catch (const Error& error) {
    words[0] = error.what();
    return words;
  }
  session.run(tensors.inputs(), tensors.outputs());
  const std::span<float> classes = tensors.output_floats(0);
  if (!classifier.ends_in_softmax) io::softmax(classes);
  auto word = words.begin() + 1;
  *word++ = file_name(path);
  for (const std::int32_t i : io::largest(classes, top)) {
    const auto index = static_cast<std::size_t>(i);
    *word++ = classifier.labels.empty() ? std::to_string(i) : classifier.labels[index];
    *word++ = fixed(100.0 * static_cast<double>(classes[index]), 1);
  }
  return words;
}

/// Prints a table of the pictures that can be read, `top` guesses each; names the others and throws for them at the
/// end. Ranks share the list, and rank 0 prints.
void classify_pictures(Classifier& classifier, const ClassifyOptions& options, std::int32_t top,
                       trainer::Ranks& ranks) {
  const plan::Plan& plan = *classifier.plan;
  if (top > plan.outputs[0].shape.c) {
    throw Error("--top: " + std::to_string(top) + " guesses; the model has " + std::to_string(plan.outputs[0].shape.c) +
                " classes");
  }
  const std::size_t pictures = options.pictures.size();
  trainer::expect_same(ranks, std::array<trainer::Setting, 2>{
                                  {{"this many pictures:", std::to_string(pictures)}, {"--top", std::to_string(top)}}});
  run::Session session(classifier.plan, options.threads);
  const measure::Tensors tensors(plan);
  std::vector<std::string> own;
  trainer::for_share(std::ssize(options.pictures), ranks.rank(), ranks.size(), [&](std::int64_t i) {
    const auto words = answer(classifier, session, tensors, options.pictures[static_cast<std::size_t>(i)], top);
    own.insert(own.end(), words.begin(), words.end());
  });
  const std::vector<std::string> all = trainer::gather(ranks, own);
  if (ranks.rank() > 0) return;

  draw::Table table = make_table(top);
  std::size_t unreadable = 0;
  const std::ptrdiff_t words = std::ssize(all) / std::ssize(options.pictures);
  for (auto word = all.begin(); word != all.end(); word += words) {
    if (word->empty()) {
      table.add({word + 1, word + words});
    } else {
      std::cerr << "riffle: " << *word << '\n';
      ++unreadable;
    }
  }
  if (unreadable < pictures) {
    table.print(std::cout);
    std::cout << classifier.preprocessing << '\n';
  }
  if (unreadable > 0) {
    throw Error(std::to_string(unreadable) + " of " + std::to_string(pictures) + " pictures cannot be read");
  }
}

/// Images and their classes.
struct LabelledImages {
  io::ByteTensor images;
  io::ByteTensor labels;
  [[nodiscard]] std::int64_t count() const { return images.shape[0]; }
  [[nodiscard]] io::Picture image(std::int64_t i) const {
    const std::int32_t height = images.shape[1], width = images.shape[2];
    const auto first = images.values.begin() + i * height * width;
    return {width, height, 1, std::vector<std::uint8_t>(first, first + static_cast<std::int64_t>(height) * width)};
  }
};

LabelledImages read_labelled_images(const std::vector<std::string>& paths) {
  LabelledImages data{io::read_idx(paths[0], 3), io::read_idx(paths[1], 1)};
  if (data.labels.shape[0] != data.images.shape[0]) {
    throw Error(paths[1] + ": " + std::to_string(data.labels.shape[0]) + " labels for " +
                std::to_string(data.images.shape[0]) + " images");
  }
  return data;
}

/// Images are independent: every thread has its own session on the one plan, and takes image after image of the rank's
/// share.
void measure_accuracy(const Classifier& classifier, const ClassifyOptions& options, trainer::Ranks& ranks) {
  const LabelledImages data = read_labelled_images(options.idx);
  require_threads(options.threads);
  std::vector<run::Session> sessions;
  for (int t = 0; t < options.threads; ++t) sessions.emplace_back(classifier.plan, 1);

  trainer::expect_same(ranks, std::array<trainer::Setting, 1>{{{"this many pictures:", std::to_string(data.count())}}});
  std::atomic<std::int64_t> next = trainer::share_begin(data.count(), ranks.rank(), ranks.size()), done = 0, right = 0;
  const std::int64_t end = trainer::share_begin(data.count(), ranks.rank() + 1, ranks.size());
  draw::Progress progress("classifying", end - next);
  const auto work = [&](run::Session& session, draw::Progress* bar) {
    const measure::Tensors tensors(*classifier.plan);
    io::Preprocess preprocess = classifier.preprocess;
    for (std::int64_t i = next++; i < end; i = next++) {
      preprocess(data.image(i), tensors.input(0));
      session.run(tensors.inputs(), tensors.outputs());
      if (io::largest(tensors.output_floats(0), 1).front() == data.labels.values[static_cast<std::size_t>(i)]) ++right;
      ++done;
      if (bar != nullptr) bar->update(done);
    }
  };
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::future<void>> threads;
    for (std::size_t t = 1; t < sessions.size(); ++t) {
      threads.push_back(std::async(std::launch::async, work, std::ref(sessions[t]), nullptr));
    }
    work(sessions[0], &progress);
    for (std::future<void>& thread : threads) thread.get();
  }
  auto all_right = static_cast<double>(right);
  ranks.sum({&all_right, 1});
  if (ranks.rank() > 0) return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double count = static_cast<double>(data.count());
  std::cout << static_cast<std::int64_t>(all_right) << " of " << data.count()
            << " right: " << fixed(100.0 * all_right / count, 2) << " %, " << fixed(count / seconds, 0) << " images/s, "
            << fixed(seconds, 2) << " s\n"
            << classifier.preprocessing << '\n';
}

}  // namespace

void add_classify(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("classify", "Pictures to names and probabilities");
  const auto options = std::make_shared<ClassifyOptions>();
  add_model(command, options->model);
  CLI::Option* pictures = command.add_option("IMAGE", options->pictures, "PNG or JPEG files")->type_name("FILE");
  CLI::Option* labels =
      command
          .add_option("--labels", options->labels, "A file of one class name a line; without it what the model carries")
          ->type_name("FILE");
  CLI::Option* top = add_number(command, "--top", options->top, 1, graph::max_extent,
                                "Guesses to print, no more than there are classes");
  add_preprocessing(command, options->preprocessing);
  CLI::Option* idx =
      command.add_option("--idx", options->idx, "Measure the accuracy on IDX images and labels, gzip or not")
          ->expected(2)
          ->allow_extra_args(false)
          ->option_text("IMAGES LABELS");
  add_threads(command, options->threads);
  add_precision(command, options->precision);
  pictures->excludes(idx);
  labels->excludes(idx);
  top->excludes(idx);
  command.callback([options, pictures, top, idx] {
    if (pictures->count() == 0 && idx->count() == 0) {
      throw Error("classify: pictures, or --idx IMAGES LABELS, are needed");
    }
    Classifier classifier = make_classifier(*options);
    if (idx->count() > 0) {
      measure_accuracy(classifier, *options, ranks());
    } else {
      const std::int32_t classes = classifier.plan->outputs[0].shape.c;
      classify_pictures(classifier, *options, top->empty() ? std::min(options->top, classes) : options->top, ranks());
    }
  });
}

}  // namespace riffle::tools
