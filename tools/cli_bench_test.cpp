// riffle bench: its tables, its drawings, its JSON.
#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "tests/cli_fixture.hpp"

namespace riffle::tests {
namespace {

TEST_F(Cli, bench_prints_times) {
  const std::string path = model();
  const Result result = riffle({"bench", path, "--repeat", "3", "--warmup", "0", "--profile"});
  ASSERT_EQ(result.code, 0) << result.err;
  for (const std::string word : {"median", "p95", "GMAC/s", "pointwise", "total", "% of limit", "FMA", "bytes"})
    EXPECT_TRUE(contains(result.out, word));
}

TEST_F(Cli, bench_takes_batches) {
  const std::string path = model();
  const Result result = riffle({"bench", path, "--repeat", "2", "--warmup", "1", "--batch", "3"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "2 runs of 3 images"));
  EXPECT_EQ(riffle({"bench", path, "--batch", "0"}).code, 1);
}

TEST_F(Cli, bench_runs_models_of_several_inputs_and_outputs) {
  const std::string path = two_headed();
  const std::string inputs = "inputs image 3 x 16 x 16 u8 (scale 0.0078125, zero point 128), mask 1 x 16 x 16";
  const Result result = riffle({"bench", path, "--repeat", "2", "--batch", "3", "--profile"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "two_headed.riffle, " + inputs + ", "));
  const Result cold = riffle({"bench", path, "--repeat", "1", "--cold"});
  ASSERT_EQ(cold.code, 0) << cold.err;
  EXPECT_TRUE(contains(cold.out, "two_headed.riffle, " + inputs + ", "));
  for (const std::vector<std::string>& how : {std::vector<std::string>{}, {"--cold"}}) {
    std::vector<std::string> words = {"bench", path, "--repeat", "1", "--json"};
    words.insert(words.end(), how.begin(), how.end());
    const nlohmann::json object = nlohmann::json::parse(riffle(words).out);
    EXPECT_EQ(object.at("inputs"), nlohmann::json::parse(R"([
        {"name": "image", "shape": [3, 16, 16], "type": "u8", "scale": 0.0078125, "zero_point": 128},
        {"name": "mask", "shape": [1, 16, 16], "type": "f32"}])"));
    EXPECT_EQ(object.at("outputs"), nlohmann::json::parse(R"([
        {"name": "classes", "shape": [5, 1, 1], "type": "f32"},
        {"name": "map", "shape": [2, 16, 16], "type": "i8", "scale": 0.5, "zero_point": -3}])"));
  }
}

TEST_F(Cli, bench_measures_a_cold_start) {
  const std::string path = model();
  const Result result = riffle({"bench", path, "--cold", "--repeat", "2"});
  ASSERT_EQ(result.code, 0) << result.err;
  for (const std::string word : {"open and map", "verify", "packing", "first run", "load to first answer", "warm",
                                 "page cache", "peak resident memory"})
    EXPECT_TRUE(contains(result.out, word)) << word;
  const Result as_json = riffle({"bench", path, "--cold", "--repeat", "3", "--json", "--size", "64x48"});
  ASSERT_EQ(as_json.code, 0) << as_json.err;
  const nlohmann::json object = nlohmann::json::parse(as_json.out);
  EXPECT_EQ(object.at("loads"), 3);
  EXPECT_EQ(object.at("page_cache"), "warm");
  EXPECT_EQ(object.at("inputs").at(0).at("shape"), (nlohmann::json{1, 64, 48}));
  EXPECT_GT(object.at("peak_over_start_bytes"), 0);
  EXPECT_EQ(object.at("file_bytes"), read_file(path, 1 << 26).size());
  for (const char* where : {"new_process", "same_process"}) {
    const nlohmann::json& measured = object.at(where);
    double longest = 0;
    for (const nlohmann::json& phase : measured.at("phases")) longest = std::max<double>(longest, phase.at("ms"));
    EXPECT_EQ(measured.at("phases").size(), 8U);
    EXPECT_GT(longest, 0.0);
    EXPECT_GT(measured.at("total_ms"), 0.0);
    EXPECT_GT(measured.at("warm_median_ms"), 0.0);
    EXPECT_GT(measured.at("ratio"), 0.0);
  }
  EXPECT_EQ(riffle({"bench", path, "--cold", "--batch", "2"}).code, 1);
  const Result missing = riffle({"bench", folder.path("none.riffle"), "--cold"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_TRUE(contains(missing.err, "none.riffle"));
}

TEST_F(Cli, bench_draws_a_roofline) {
  const std::string path = model();
  const Result result = riffle({"bench", path, "--repeat", "3", "--warmup", "0", "--threads", "2", "--profile", "--svg",
                                folder.path("roofline.svg")});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "roofline.svg"));
  EXPECT_GT(read_file(folder.path("roofline.svg"), 1 << 24).size(), 1000U);
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"model.riffle", "roofline.svg"}));
}

/// What the trace says each worker did: its slices, one after the other, and all tiles of all steps by somebody.
TEST_F(Cli, bench_traces_its_workers) {
  const std::string path = two_headed(), file = folder.path("trace.json");
  for (const int threads : {1, 3}) {
    const Result result =
        riffle({"bench", path, "--repeat", "1", "--threads", std::to_string(threads), "--trace", file});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_TRUE(contains(result.out, "trace.json: an inference"));
    const Bytes bytes = read_file(file, 1 << 24);
    const nlohmann::json trace =
        nlohmann::json::parse(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    std::map<int, double> ends;                           // by worker
    std::map<int, std::string> workers;                   // their names
    std::map<std::string, std::pair<int, int>> of_steps;  // by name and operation: tiles done, tiles that there are
    for (const nlohmann::json& event : trace.at("traceEvents")) {
      const int worker = event.at("tid");
      const nlohmann::json& args = event.at("args");
      if (event.at("ph") == "M") {
        if (event.at("name") == "thread_name") workers[worker] = args.at("name");
        continue;
      }
      ASSERT_EQ(event.at("ph"), "X");
      EXPECT_TRUE(workers.contains(worker)) << "a row without a name";
      const double begin = event.at("ts"), duration = event.at("dur");
      EXPECT_GE(begin, ends[worker] - 1e-6) << event;
      EXPECT_GE(duration, 0);
      ends[worker] = begin + duration;
      EXPECT_FALSE(args.at("kernel").get<std::string>().empty());
      auto& [done, all] =
          of_steps[event.at("name").get<std::string>() + ": " + args.at("operation").get<std::string>()];
      done += args.at("tiles").get<int>();
      all = args.at("step_tiles");
    }
    EXPECT_EQ(std::ssize(workers), threads);
    EXPECT_EQ(of_steps.size(), 9U);
    EXPECT_TRUE(of_steps.contains("image: convert"));
    for (const auto& [step, tiles] : of_steps) EXPECT_EQ(tiles.first, tiles.second) << step;
  }
  const Result quiet = riffle({"bench", path, "--repeat", "1", "--json", "--trace", file});
  EXPECT_TRUE(nlohmann::json::accept(quiet.out)) << "nothing but the object";
}

TEST_F(Cli, bench_prints_one_json_object) {
  const std::string path = model();
  const Result result = riffle(
      {"bench", path, "--repeat", "5", "--warmup", "1", "--threads", "1", "--json", "--profile", "--size", "64x48"},
      {"RIFFLE_ISA=scalar"});
  ASSERT_EQ(result.code, 0) << result.err;
  const nlohmann::json object = nlohmann::json::parse(result.out);
  EXPECT_EQ(object.at("isa"), "scalar");
  EXPECT_EQ(object.at("threads"), 1);
  EXPECT_EQ(object.at("repeat"), 5);
  EXPECT_EQ(object.at("model"), "model.riffle");
  EXPECT_EQ(object.at("inputs"), nlohmann::json::parse(R"([{"name": "input", "shape": [1, 64, 48], "type": "f32"}])"));
  EXPECT_EQ(object.at("outputs").at(0).at("shape"), (nlohmann::json{10, 1, 1}));
  EXPECT_GT(object.at("min_ms"), 0.0);
  EXPECT_LE(object.at("min_ms"), object.at("median_ms"));
  EXPECT_LE(object.at("median_ms"), object.at("p95_ms"));
  EXPECT_GT(object.at("mean_ms"), 0.0);
  EXPECT_GT(object.at("gmac_per_s"), 0.0);
  for (const std::string limit : {"gmac_per_s", "activation_gb_per_s", "weight_gb_per_s"}) {
    EXPECT_GT(object.at("limits").at(limit), 0.0) << limit;
  }
  std::int64_t macs = 0;
  double share = 0, limit_ms = 0;
  for (const nlohmann::json& step : object.at("steps")) {
    macs += step.at("macs").get<std::int64_t>();
    share += step.at("share").get<double>();
    limit_ms += step.at("limit_ms").get<double>();
    EXPECT_GT(step.at("limit_ms"), 0.0);
    EXPECT_TRUE(step.at("binds") == "FMA" || step.at("binds") == "bytes");
    EXPECT_NEAR(step.at("share_of_limit").get<double>() * step.at("ms").get<double>(), step.at("limit_ms"), 1e-9);
  }
  EXPECT_NEAR(object.at("steps_limit_ms"), limit_ms, 1e-9);
  EXPECT_EQ(object.at("macs"), macs);
  EXPECT_GT(macs, 0);
  EXPECT_NEAR(share, 1, 1e-6);
}

}  // namespace
}  // namespace riffle::tests
