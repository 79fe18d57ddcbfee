#include "tools/bench_cold.hpp"

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "draw/table.hpp"
#include "io/model_file.hpp"
#include "tools/tensors.hpp"

namespace riffle::tools {
namespace {

nlohmann::json to_json(const measure::LoadTimes& summary) {
  nlohmann::json list = nlohmann::json::array();
  for (std::size_t p = 0; p < measure::phases; ++p) {
    list.push_back(
        {{"phase", measure::phase_names[p]}, {"ms", summary.ms[p]}, {"page_faults", summary.page_faults[p]}});
  }
  return {{"phases", std::move(list)},
          {"total_ms", summary.total_ms},
          {"warm_median_ms", summary.warm_ms},
          {"ratio", summary.ratio}};
}

void print_json(const measure::ColdStartOptions& options, const measure::ColdStart& found, const Signature& signature) {
  const nlohmann::json result = {{"model", file_name(options.model)},
                                 {"inputs", tensors_json(signature.inputs)},
                                 {"outputs", tensors_json(signature.outputs)},
                                 {"isa", found.isa},
                                 {"threads", options.threads},
                                 {"loads", options.loads},
                                 {"page_cache", "warm"},
                                 {"new_process", to_json(found.new_process)},
                                 {"same_process", to_json(found.same_process)},
                                 {"peak_over_start_bytes", found.new_process.grown_bytes},
                                 {"file_bytes", found.file_bytes},
                                 {"packed_bytes", found.packed_bytes},
                                 {"arena_bytes", found.arena_bytes}};
  std::cout << result.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void print_text(const measure::ColdStartOptions& options, const measure::ColdStart& found, const Signature& signature) {
  const measure::LoadTimes &fresh = found.new_process, &again = found.same_process;
  constexpr auto right = draw::Table::Align::right;
  std::cout
      << file_name(options.model) << ", " << tensors_text("input", signature.inputs) << ", " << found.isa << ", "
      << options.threads << (options.threads == 1 ? " thread" : " threads") << ": medians of " << options.loads
      << (options.loads == 1 ? " load" : " loads")
      << ", the file in the page cache\n(a cold disk cannot be told from here); a new process begins with what it "
         "loads, not with its own start\n\n";
  draw::Table table({{"phase"},
                     {"new process, ms", right},
                     {"warm runs", right},
                     {"page faults", right},
                     {"same process, ms", right},
                     {"warm runs", right}});
  for (std::size_t p = 0; p < measure::phases; ++p) {
    table.add({measure::phase_names[p], fixed(fresh.ms[p], 3), fixed(fresh.ms[p] / fresh.warm_ms, 2),
               fixed(fresh.page_faults[p], 0), fixed(again.ms[p], 3), fixed(again.ms[p] / again.warm_ms, 2)});
  }
  table.add_rule();
  table.add({"load to first answer", fixed(fresh.total_ms, 3), fixed(fresh.ratio, 2), fixed(fresh.total_page_faults, 0),
             fixed(again.total_ms, 3), fixed(again.ratio, 2)});
  table.add({"one warm run", fixed(fresh.warm_ms, 3), "1.00", "", fixed(again.warm_ms, 3), "1.00"});
  table.print(std::cout);
  const double over_file = found.new_process.grown_bytes - static_cast<double>(found.file_bytes);
  std::cout << "\npeak resident memory over that before the load: " << fixed(found.new_process.grown_bytes / 1e6, 1)
            << " MB, "
            << "the file's " << fixed(static_cast<double>(found.file_bytes) / 1e6, 1) << " MB "
            << (over_file < 0 ? "- " : "+ ") << fixed(std::abs(over_file) / 1e6, 1) << " MB (packed weights "
            << fixed(static_cast<double>(found.packed_bytes) / 1e6, 1) << " MB, arena "
            << fixed(static_cast<double>(found.arena_bytes) / 1e6, 1) << " MB)\n";
}

}  // namespace

void bench_cold(const measure::ColdStartOptions& options, bool json) {
  if (io::format_of(options.model) != io::ModelFormat::riffle) {
    throw Error("--cold: " + options.model + " is not a .riffle file, which is what is loaded phase by phase; " +
                "riffle convert makes one of it");
  }
  const measure::ColdStart found = measure::cold_start(options);
  graph::Graph graph = io::load_model(options.model);  // not before: what is measured begins with nothing loaded
  if (options.height != 0) graph.set_input_size(options.height, options.width);
  const Signature signature = plan::signature_of(graph, graph::infer_shapes(graph));
  if (json) {
    print_json(options, found, signature);
  } else {
    print_text(options, found, signature);
  }
}

}  // namespace riffle::tools
