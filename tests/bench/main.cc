// SPDX-License-Identifier: Apache-2.0
// The figures of DESIGN's performance section that exist by now: a table for people, JSON for
// machines.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "tests/bench/local_cache_bench.h"
#include "tests/bench/near_cache_bench.h"
#include "tests/bench/warm_unary_bench.h"

namespace tokensvc::bench {
namespace {

struct Row {
  std::string what;
  Median measured;
  std::string bound;
  bool reached;
};

void Print(const std::vector<Row>& rows) {
  std::cout << absl::StrFormat("%-66s %10s  %-21s %-8s %s\n", "what", "median", "95 % interval",
                               "bound", "");
  for (const Row& row : rows) {
    std::cout << absl::StrFormat("%-66s %10.3f  %9.3f – %-9.3f %-8s %s\n", row.what,
                                 row.measured.value, row.measured.low, row.measured.high, row.bound,
                                 row.bound.empty() ? ""
                                 : row.reached     ? "reached"
                                                   : "MISSED");
  }
}

nlohmann::json ToJson(const std::vector<Row>& rows) {
  nlohmann::json out = nlohmann::json::array();
  for (const Row& row : rows) {
    nlohmann::json entry = {{"what", row.what},
                            {"median", row.measured.value},
                            {"low", row.measured.low},
                            {"high", row.measured.high}};
    if (!row.bound.empty()) {
      entry["bound"] = row.bound;
      entry["reached"] = row.reached;
    }
    out.push_back(std::move(entry));
  }
  return out;
}

void AddLocalCache(std::size_t most, int runs, std::vector<Row>& rows) {
  const LocalCacheResult cache = RunLocalCacheBench(most, runs);
  for (const LookupCost& cost : cache.lookups) {
    rows.push_back({absl::StrFormat("local look-up with %d tokens, ns", cost.entries),
                    cost.nanoseconds, cost.entries == most ? "<= 1000" : "",
                    cost.nanoseconds.value <= 1000});
  }
  const LookupCost& largest = cache.lookups.back();
  rows.push_back(
      {"  the same, largest / one token", largest.ratio, "<= 1.15", largest.ratio.value <= 1.15});
  rows.push_back({"  the same, of one key again and again (memory's latency apart)",
                  largest.ratio_of_one_key, "<= 1.15", largest.ratio_of_one_key.value <= 1.15});
  rows.push_back({"  whole hit in process (request, key, look-up, copy), one token, ns",
                  cache.lookups.front().nanoseconds_in_whole, "", true});
  rows.push_back({"  whole hit in process, largest, ns", largest.nanoseconds_in_whole, "", true});
  rows.push_back({"  whole hit in process, largest / one token", largest.ratio_in_whole, "", true});
  const double per_byte = cache.bytes_per_token / 1500;
  rows.push_back({"memory per cached token of 1,500 B / the token",
                  {per_byte, per_byte, per_byte},
                  "<= 1.3",
                  per_byte <= 1.3});
  const double counted = cache.counted_per_token / cache.bytes_per_token;
  rows.push_back({"  of it counted by the cache itself", {counted, counted, counted}, "", true});
}

/// False where a hit made a call.
bool AddNearCache(int runs, std::vector<Row>& rows) {
  const NearCacheResult hits = RunNearCacheBench(runs);
  const auto add = [&rows](const char* what, const Median& median) {
    rows.push_back({what, median, "< 1000", median.value < 1000});
  };
  add("client near-cache hit, one token, ns", hits.one_token);
  add("  the same of 1,000 tokens, random order, ns", hits.full);
  add("  the same of one token, header copied out, ns", hits.header);
  add("  the same of one token, while a second thread does it, ns", hits.two_threads);
  return hits.calls == 1001;
}

bool AddUnary(const WarmUnaryOptions& options, std::vector<Row>& rows) {
  const WarmUnaryResult unary = RunWarmUnaryBench(options);
  if (!unary.ok) return false;
  std::cout << absl::StrFormat("warm AcquireForClient: %d pairs, %d calls, %d failed\n",
                               options.pairs, unary.calls, unary.failed);
  rows.push_back({"warm AcquireForClient: throughput, ours / bare handler", unary.throughput_ratio,
                  ">= 0.95", unary.throughput_ratio.value >= 0.95});
  rows.push_back({"  the same: p99, ours / bare handler", unary.p99_ratio, "<= 1.1",
                  unary.p99_ratio.value <= 1.1});
  rows.push_back({"  the same: extra server CPU per call, µs", unary.extra_cpu_microseconds, "<= 3",
                  unary.extra_cpu_microseconds.value <= 3});
  rows.push_back(
      {"  bare handler: server CPU per call, µs", unary.bare_cpu_microseconds, "", true});
  rows.push_back({"  bare handler: calls per second", unary.bare_calls_per_second, "", true});
  rows.push_back({"  ours: calls per second", unary.our_calls_per_second, "", true});
  return unary.failed == 0;
}

int Run(int argc, char** argv) {
  const std::filesystem::path here = std::filesystem::canonical("/proc/self/exe").parent_path();
  const std::filesystem::path build = here.parent_path().parent_path();
  WarmUnaryOptions unary;
  unary.server = (build / "service/tokensvc-server").string();
  unary.authority = (build / "tests/authority/tokensvc-dev-authority").string();
  unary.bare = (here / "tokensvc-bench-bare-server").string();
  std::size_t most = 1'000'000;
  int runs = 20;
  std::string json_file;
  std::string only;

  CLI::App app(
      "Measures the service. The warm calls run in turn with a bare gRPC handler that answers the\n"
      "same bytes; figures are medians over the pairs, with their 95 % interval.");
  app.add_option("--pairs", unary.pairs, "Pairs of the warm unary measurement")
      ->check(CLI::Range(2, 1000));
  app.add_option("--seconds", unary.seconds, "Length of one half of a pair")
      ->check(CLI::Range(0.1, 60.0));
  app.add_option("--in-flight", unary.in_flight, "Calls that are kept running")
      ->check(CLI::Range(1, 1000));
  app.add_option("--most", most, "Tokens of the largest cache (2 KB each)")
      ->check(CLI::Range(1000, 10'000'000));
  app.add_option("--runs", runs, "Runs of the cache measurement")->check(CLI::Range(2, 1000));
  app.add_option("--only", only, "Measure one part only")
      ->check(CLI::IsMember({"unary", "cache", "client"}));
  app.add_option("--json", json_file, "Write the figures here as well, as JSON");
  CLI11_PARSE(app, argc, argv);

  std::vector<Row> rows;
  bool ok = true;
  if (only.empty() || only == "cache") AddLocalCache(most, runs, rows);
  if (only.empty() || only == "client") ok = AddNearCache(runs, rows);
  if (only.empty() || only == "unary") ok = AddUnary(unary, rows) && ok;
  Print(rows);
  if (!json_file.empty()) std::ofstream(json_file) << ToJson(rows).dump(2) << "\n";
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace tokensvc::bench

int main(int argc, char** argv) { return tokensvc::bench::Run(argc, argv); }
