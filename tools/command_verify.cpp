// riffle verify: is what the plans of a model compute what the model means?
#include <algorithm>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "draw/table.hpp"
#include "io/model_file.hpp"
#include "io/npz.hpp"
#include "tools/commands.hpp"
#include "tools/options.hpp"
#include "tools/tensor_files.hpp"
#include "verify/check_model.hpp"
#include "verify/numbers.hpp"
#include "verify/random_graph.hpp"

namespace riffle::tools {
namespace {

struct VerifyOptions {
  std::string model;
  std::string reference;
  ImageSize size;
  std::uint64_t seed = 1;
  double tolerance = 1e-4;
};

std::string text(const verify::Deviation& deviation) {
  return "'" + deviation.tensor + "' is off by " + shortest(static_cast<float>(deviation.difference)) +
         " where numbers are up to " + shortest(static_cast<float>(deviation.largest));
}

/// A tensor of the model beside the reference's of the same name.
struct Compared {
  verify::Deviation deviation;
  std::string shape;             ///< as the model has it
  std::string other_shape = {};  ///< the reference's, where it is another one

  /// Of the largest number; of a tensor of zeros the difference itself.
  [[nodiscard]] double part() const {
    return deviation.largest > 0 ? deviation.difference / deviation.largest : deviation.difference;
  }
  [[nodiscard]] bool is_right(double tolerance) const { return other_shape.empty() && part() <= tolerance; }
};

/// Whatever they stand for.
std::vector<float> numbers_of(const io::Tensor& tensor) { return verify::decode(tensor.bytes, tensor.type, {}); }

struct Comparison {
  std::vector<Compared> tensors = {};  ///< those of the model that the reference has, in the model's order
  std::size_t of_model = 0;            ///< how many there are to compare
  std::size_t unknown = 0;             ///< how many of the reference the model has not
};

Comparison compare(const VerifyOptions& options, const io::Npz& reference, Wanted wanted) {
  const Loaded loaded = load_with_inputs(options.model, options.reference, wanted);
  const auto plan = make_plan(loaded.graph, {});
  run::Session session = make_session(plan, 1, {});
  Batch batch(loaded, *plan, options.reference);
  batch.run(session);
  Comparison result{.of_model = batch.outputs().size()};
  for (const auto& [name, tensor] : batch.outputs()) {
    if (!reference.holds(name)) continue;
    const io::Tensor other = reference.read(name);
    Compared one{.deviation = {name}, .shape = io::shape_text(tensor.shape)};
    if (other.shape == tensor.shape) {
      const std::vector<float> numbers = numbers_of(other);
      const std::vector<double> right(numbers.begin(), numbers.end());
      one.deviation = verify::deviation_of(name, numbers_of(tensor), right);
    } else {
      one.other_shape = io::shape_text(other.shape);
    }
    result.tensors.push_back(std::move(one));
  }
  result.unknown = loaded.unread - std::min(loaded.unread, result.tensors.size());
  if (result.tensors.empty() && wanted == Wanted::every_tensor) {
    throw Error(options.reference + ": none of its tensors but the inputs is the model's; those are " +
                output_names(loaded.graph));
  }
  return result;
}

/// "3.1e-06".
std::string roughly(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", number);
  return text;
}

void print(std::span<const Compared> tensors) {
  constexpr auto right = draw::Table::Align::right;
  draw::Table table({{"tensor"}, {"shape"}, {"largest", right}, {"off by", right}, {"as a part", right}});
  for (const Compared& one : tensors) {
    std::vector<std::string> row = {printable(one.deviation.tensor), one.shape};
    if (one.other_shape.empty()) {
      for (const double number : {one.deviation.largest, one.deviation.difference, one.part()}) {
        row.push_back(roughly(number));
      }
    } else {
      row.insert(row.end(), {"", "", one.other_shape + " there"});
    }
    table.add(std::move(row));
  }
  table.print(std::cout);
}

/// Throws Error naming the first tensor that is not right, and prints what stands around it.
void expect_right(const std::vector<Compared>& tensors, const VerifyOptions& options, const std::string& words) {
  constexpr std::ptrdiff_t most_rows = 8;
  const auto wrong =
      std::ranges::find_if_not(tensors, [&](const Compared& one) { return one.is_right(options.tolerance); });
  if (wrong == tensors.end()) return;
  const auto first = wrong - (wrong == tensors.begin() ? 0 : 1);
  print({first, first + std::min(most_rows, tensors.end() - first)});
  std::cout.flush();
  const std::string how = wrong->other_shape.empty()
                              ? "by " + roughly(wrong->deviation.difference) + " where numbers are up to " +
                                    roughly(wrong->deviation.largest)
                              : "in its shape: " + wrong->shape + ", there " + wrong->other_shape;
  throw Error(options.model + ": '" + wrong->deviation.tensor + "' " + words + " " + options.reference + ", " + how);
}

void verify_reference(const VerifyOptions& options) {
  const io::Npz reference(options.reference);
  Comparison every = compare(options, reference, Wanted::every_tensor);
  expect_right(every.tensors, options, "is the first tensor that differs from");
  expect_right(compare(options, reference, Wanted::outputs).tensors, options,
               "is right where each layer runs by itself; as the model runs, it differs from");

  constexpr std::size_t most_rows = 5;
  const std::size_t compared = every.tensors.size();
  std::ranges::stable_sort(every.tensors, std::ranges::greater{}, &Compared::part);
  every.tensors.resize(std::min(compared, most_rows));
  print(every.tensors);
  std::cout << "right: " << compared << " of the model's " << every.of_model << " tensors are in "
            << printable(options.reference) << ", of which these are the furthest off";
  if (every.unknown > 0) std::cout << "; " << every.unknown << " there are none of the model's";
  std::cout << '\n';
}

void verify_model(const VerifyOptions& options) {
  graph::Graph graph = io::load_model(options.model, import_options(options.model, options.size));
  if (options.size.height > 0) graph.set_input_size(options.size.height, options.size.width);
  std::string wrong;
  verify::check_model(graph, verify::random_inputs(graph, 1, options.seed), options.tolerance,
                      [&](const verify::CheckedWay& way) {
                        std::cout << printable(way.way) << ": ";
                        if (!way.output) {
                          std::cout << "right, within " << shortest(static_cast<float>(way.difference)) << std::endl;
                          return;
                        }
                        std::string what = "the output " + text(*way.output);
                        what += way.first_node ? "; the first node that differs: " + text(*way.first_node)
                                               : "; every node is right where all are outputs, so that it is what the "
                                                 "plan does between them";
                        std::cout << printable(what) << std::endl;
                        if (wrong.empty()) wrong = way.way + ": " + what;
                      });
  if (!wrong.empty()) throw Error(options.model + ": " + wrong);
}

}  // namespace

void add_verify(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("verify", "Whether every instruction set computes what a model means");
  const auto options = std::make_shared<VerifyOptions>();
  add_model(command, options->model);
  CLI::Option* const reference =
      command
          .add_option("--reference", options->reference,
                      "What another runtime computed: the model's inputs and any of its tensors by their names, as "
                      "riffle run --all writes them. The model's are compared with these")
          ->type_name("X.npz");
  add_size(command, options->size, "; by default the model's own")->excludes(reference);
  add_number(command, "--seed", options->seed, 0, 1'000'000'000, "Of the random numbers that the inputs are")
      ->excludes(reference);
  add_number(command, "--tolerance", options->tolerance, 0, 1,
             "How far a number may be from the right one, as a part of its tensor's largest one, or of 1 if that is "
             "less and there is no reference");
  command.footer(
      "The model runs node by node, unoptimised, in double, and as a plan on every instruction set that this CPU has. "
      "Where an output differs, the first node that does is named, and the exit code is 1. With --reference, so is the "
      "first tensor that differs from the reference's.");
  command.callback([options] { options->reference.empty() ? verify_model(*options) : verify_reference(*options); });
}

}  // namespace riffle::tools
