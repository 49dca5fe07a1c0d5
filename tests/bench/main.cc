// SPDX-License-Identifier: Apache-2.0
// The figures of DESIGN's performance section that exist by now.
#include <filesystem>
#include <iostream>
#include <map>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/bench/against_bare_bench.h"
#include "tests/bench/audit_bench.h"
#include "tests/bench/local_cache_bench.h"
#include "tests/bench/near_cache_bench.h"
#include "tests/bench/noisy_caller_bench.h"
#include "tests/bench/redis_memory_bench.h"
#include "tests/bench/report.h"
#include "tests/bench/shared_hit_bench.h"

namespace tokensvc::bench {
namespace {

constexpr char kDescription[] =
    "Measures the service: medians with their 95 % interval, beside the bounds of the design.\n"
    "\n"
    "  unary   warm AcquireForClient, in turn with a bare gRPC handler that answers the same "
    "bytes\n"
    "  batch   warm BatchAcquireForClient of 100 tokens, likewise\n"
    "  cache   look-ups in the local cache, and the memory of a token in it\n"
    "  audit   what the record of a call costs the call\n"
    "  client  hits of the client library's near cache\n"
    "  noisy   a caller that keeps to its quota, beside one at 50 times its own\n"
    "  redis   hits of the shared cache against a plain GET, and the memory of a record in Redis;\n"
    "          starts redis-server processes of its own";

const std::map<std::string, IdentityKind> kIdentities = {
    {"local", IdentityKind::kLocal},
    {"certificate", IdentityKind::kCertificate},
    {"jwt", IdentityKind::kJwt}};

Median Exactly(double value) { return {value, value, value}; }

void AddLocalCache(std::size_t most, int runs, Report& report) {
  const LocalCacheResult cache = RunLocalCacheBench(most, runs);
  for (const LookupCost& cost : cache.lookups) {
    const std::string what = absl::StrFormat("local look-up with %d tokens, ns", cost.entries);
    if (cost.entries == most) {
      report.AddAtMost(what, cost.nanoseconds, 1000);
    } else {
      report.Add(what, cost.nanoseconds);
    }
  }
  const LookupCost& largest = cache.lookups.back();
  report.AddAtMost("  the same, largest / one token", largest.ratio, 1.15);
  report.AddAtMost("  the same, of one key again and again (memory's latency apart)",
                   largest.ratio_of_one_key, 1.15);
  report.Add("  whole hit in process (request, key, look-up, copy), one token, ns",
             cache.lookups.front().nanoseconds_in_whole);
  report.Add("  whole hit in process, largest, ns", largest.nanoseconds_in_whole);
  report.Add("  whole hit in process, largest / one token", largest.ratio_in_whole);
  report.AddAtMost("memory per cached token of 1,500 B / the token",
                   Exactly(cache.bytes_per_token / 1500), 1.3);
  report.Add("  of it counted by the cache itself",
             Exactly(cache.counted_per_token / cache.bytes_per_token));
}

/// False where a hit made a call.
bool AddNearCache(int runs, Report& report) {
  const NearCacheResult hits = RunNearCacheBench(runs);
  report.AddAtMost("client near-cache hit, one token, ns", hits.one_token, 1000);
  report.AddAtMost("  the same of 1,000 tokens, random order, ns", hits.full, 1000);
  report.AddAtMost("  the same of one token, header copied out, ns", hits.header, 1000);
  report.AddAtMost("  the same of one token, while a second thread does it, ns", hits.two_threads,
                   1000);
  return hits.calls == 1001;
}

/// False where a record was lost.
bool AddAudit(int runs, Report& report) {
  const std::string where = std::filesystem::temp_directory_path().string();
  const AuditResult audit = RunAuditBench(runs, where.c_str());
  report.AddAtMost("audit: an allow that is coalesced, CPU ns on the call's thread",
                   audit.coalesced, 150);
  report.Add("  the same, one of 10,000 in random order, ns", audit.coalesced_of_many);
  report.Add("  the same, while a second thread does it, ns", audit.coalesced_by_threads);
  report.Add("  a record of its own, ns", audit.queued);
  report.Add("  fingerprint of a token of 1,500 B, once for each token, ns", audit.fingerprint);
  report.Add("  fail closed: until one record is synced, µs",
             Exactly(audit.acknowledged_microseconds));
  report.Add("  fail closed: records per second, 64 at once",
             Exactly(audit.acknowledged_per_second));
  return audit.ok;
}

void AddRates(const AgainstBareResult& result, Report& report) {
  report.Add("  bare handler: server CPU per call, µs", result.bare_cpu_microseconds);
  report.Add("  bare handler: calls per second", result.bare_calls_per_second);
  report.Add("  ours: calls per second", result.our_calls_per_second);
}

/// False where a call failed.
bool Sound(const char* what, const AgainstBareOptions& options, const AgainstBareResult& result) {
  std::cout << absl::StrFormat("%s: %d pairs, %d calls, %d failed, %d bytes in an answer\n", what,
                               options.pairs, result.calls, result.failed, result.answer_bytes);
  return result.ok && result.failed == 0;
}

bool AddUnary(const Programs& programs, const AgainstBareOptions& options, Report& report) {
  const AgainstBareResult unary = RunWarmUnaryBench(programs, options);
  if (!Sound("warm AcquireForClient", options, unary)) return false;
  report.AddAtLeast("warm AcquireForClient: throughput, ours / bare handler",
                    unary.throughput_ratio, 0.95);
  report.AddAtMost("  the same: p99, ours / bare handler", unary.p99_ratio, 1.1);
  report.AddAtMost("  the same: extra server CPU per call, µs", unary.extra_cpu_microseconds, 3);
  AddRates(unary, report);
  return true;
}

bool AddBatch(const Programs& programs, const AgainstBareOptions& options, Report& report) {
  const AgainstBareResult batch = RunWarmBatchBench(programs, options);
  if (!Sound("warm BatchAcquireForClient of 100", options, batch)) return false;
  report.AddAtLeast("warm BatchAcquireForClient of 100: throughput, ours / bare handler",
                    batch.throughput_ratio, 0.9);
  report.Add("  the same: p99, ours / bare handler", batch.p99_ratio);
  report.Add("  the same: extra server CPU per call, µs", batch.extra_cpu_microseconds);
  AddRates(batch, report);
  return true;
}

bool AddSharedHit(const Programs& programs, int blocks, Report& report) {
  const SharedHitResult hits = RunSharedHitBench(programs, blocks);
  std::cout << absl::StrFormat("shared-cache hit: %d tokens, %d wrong, records of %.0f bytes\n",
                               hits.tokens, hits.wrong, hits.record_bytes);
  if (!hits.ok || hits.wrong > 0) return false;
  report.AddAtMost("shared-cache hit: latency it adds to a local hit / GET", hits.added_per_get,
                   1.5);
  report.Add("  GET of a record, µs", hits.get_microseconds);
  report.Add("  the same by the service's own client, from another thread, µs",
             hits.client_get_microseconds);
  report.Add("  local hit, µs", hits.local_microseconds);
  report.Add("  shared hit, µs", hits.shared_microseconds);
  return true;
}

/// False where the well-behaved caller lost a call.
bool AddNoisyCaller(const Programs& programs, const NoisyCallerOptions& options, Report& report) {
  const NoisyCallerResult noisy = RunNoisyCallerBench(programs, options);
  std::cout << absl::StrFormat("beside a noisy caller: %d pairs, %d calls, %d lost\n",
                               options.pairs, noisy.calls, noisy.lost);
  if (!noisy.ok) return false;
  report.AddAtMost("a caller beside one at 50 times its quota: calls it lost",
                   Exactly(static_cast<double>(noisy.lost)), 0);
  report.Add("  the same: median latency, beside it / alone", noisy.p50_ratio);
  report.Add("  the same: p99, beside it / alone", noisy.p99_ratio);
  report.Add("  alone: median latency, µs", noisy.alone_p50);
  report.Add("  alone: p99, µs", noisy.alone_p99);
  report.Add("  beside it: median latency, µs", noisy.beside_p50);
  report.Add("  beside it: p99, µs", noisy.beside_p99);
  report.Add("  the noisy one: calls per second", noisy.offered);
  report.Add(absl::StrCat("  of them answered (its quota, and as many at once: ", kNoisyQuota, ")"),
             noisy.answered);
  return noisy.lost == 0;
}

bool AddRedisMemory(int records, Report& report) {
  const auto measure = [records](const TokenMaker& make_token, RedisMemoryResult& result) {
    result = RunRedisMemoryBench(records, make_token);
    return result.ok;
  };
  const auto ratio = [](const RedisMemoryResult& result) {
    return Exactly(result.record_bytes / result.token_bytes);
  };
  RedisMemoryResult result;
  for (const std::size_t bytes : {1500, 2000}) {
    if (!measure([bytes](RandomGenerator& r) { return TokenWithRoles(r, bytes); }, result)) {
      return false;
    }
    report.AddAtMost(absl::StrCat("Redis memory per record / the token: ", bytes, " B, roles"),
                     ratio(result), 1.0);
    if (!measure([bytes](RandomGenerator& r) { return TokenWithGroups(r, bytes); }, result)) {
      return false;
    }
    report.AddAtMost(absl::StrCat("  ", bytes, " B, groups (random UUIDs)"), ratio(result), 1.0);
    if (!measure([bytes](RandomGenerator& r) { return OpaqueToken(r, bytes); }, result)) {
      return false;
    }
    report.Add(absl::StrCat("  ", bytes, " B, no JWT but random characters"), ratio(result));
  }
  return true;
}

int Run(int argc, char** argv) {
  const std::filesystem::path here = std::filesystem::canonical("/proc/self/exe").parent_path();
  const std::filesystem::path build = here.parent_path().parent_path();
  const Programs programs{(build / "service/tokensvc-server").string(),
                          (build / "tests/authority/tokensvc-dev-authority").string(),
                          (here / "tokensvc-bench-bare-server").string()};
  AgainstBareOptions against_bare;
  std::size_t most = 1'000'000;
  int runs = 20;
  int blocks = 40;
  int records = 20'000;
  std::string json_file;
  std::string only;

  CLI::App app(kDescription);
  app.add_option("--only", only, "Measure one part only")
      ->check(CLI::IsMember({"audit", "unary", "batch", "cache", "client", "noisy", "redis"}));
  app.add_option("--json", json_file, "Write the figures here as well, as JSON");
  app.add_option("--pairs", against_bare.pairs, "unary, batch, noisy: pairs")
      ->capture_default_str()
      ->check(CLI::Range(2, 1000));
  app.add_option("--seconds", against_bare.seconds,
                 "unary, batch, noisy: length of one half of a pair")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 60.0));
  app.add_option("--in-flight", against_bare.in_flight, "unary, batch: calls that are kept running")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--identity", against_bare.identity,
                 "unary, batch: how the load shows who it is, to the bare handler too")
      ->transform(CLI::CheckedTransformer(kIdentities, CLI::ignore_case))
      ->default_str("certificate");
  app.add_flag("--tuned-bare", against_bare.tuned_bare,
               "unary, batch: the bare handler does without Abseil's search for deadlocks, as the "
               "service does");
  app.add_option("--most", most, "cache: tokens of the largest cache (2 KB each)")
      ->capture_default_str()
      ->check(CLI::Range(1000, 10'000'000));
  app.add_option("--runs", runs, "cache, client, audit: runs")
      ->capture_default_str()
      ->check(CLI::Range(2, 1000));
  app.add_option("--blocks", blocks, "redis: blocks of 100 shared hits")
      ->capture_default_str()
      ->check(CLI::Range(2, 1000));
  app.add_option("--records", records, "redis: records whose memory is measured")
      ->capture_default_str()
      ->check(CLI::Range(1000, 1'000'000));
  CLI11_PARSE(app, argc, argv);

  const auto wanted = [&only](const char* part) { return only.empty() || only == part; };
  Report report;
  bool ok = true;
  if (wanted("cache")) AddLocalCache(most, runs, report);
  if (wanted("client")) ok = AddNearCache(runs, report);
  if (wanted("audit")) ok = AddAudit(runs, report) && ok;
  if (wanted("unary")) ok = AddUnary(programs, against_bare, report) && ok;
  if (wanted("batch")) ok = AddBatch(programs, against_bare, report) && ok;
  if (wanted("noisy")) {
    const NoisyCallerOptions options{against_bare.pairs, against_bare.seconds};
    ok = AddNoisyCaller(programs, options, report) && ok;
  }
  if (wanted("redis")) {
    ok = AddSharedHit(programs, blocks, report) && ok;
    ok = AddRedisMemory(records, report) && ok;
  }
  report.Print();
  if (!json_file.empty()) report.WriteJson(json_file);
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace tokensvc::bench

int main(int argc, char** argv) { return tokensvc::bench::Run(argc, argv); }
