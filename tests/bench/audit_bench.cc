// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/audit_bench.h"

#include <time.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/token_fingerprinter.h"
#include "service/telemetry/audit_log.h"
#include "service/telemetry/file_audit_sink.h"

namespace tokensvc::bench {
namespace {

constexpr int kRecordsPerRun = 200'000;
// As many as the queue takes.
constexpr int kQueuedPerRun = 20'000;
constexpr int kFingerprintsPerRun = 5'000;
constexpr std::size_t kCallers = 10'000;
constexpr int kAcknowledged = 2'000;
constexpr int kWaiting = 64;

/// Of the calling thread alone.
double CpuNanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <class Work>
double Measure(int times, const Work& work) {
  const double began = CpuNanoseconds();
  for (int i = 0; i < times; ++i) work(i);
  return (CpuNanoseconds() - began) / times;
}

/// A record as a hit makes it.
AuditRecord RecordOf(absl::string_view caller, std::uint64_t fingerprint) {
  AuditRecord record;
  record.time = absl::FromUnixSeconds(1767323045);
  record.decision = AuditDecision::kAllow;
  record.caller = caller;
  record.listener = "mesh";
  record.method = "AcquireForClient";
  record.registration = "orders-service";
  record.tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
  record.grant = "client_credentials";
  record.scopes = "https://graph.microsoft.com/.default";
  record.rule = "orders-graph";
  record.policy_version = "0123456789abcdef";
  record.source = "local_cache";
  record.token_fingerprint = fingerprint;
  record.expires_at = record.time + absl::Hours(1);
  record.correlation_id = "7f0d1c1e-3c5b-4a55-9d57-0d6f1b8d2c11";
  return record;
}

class Subject {
 public:
  Subject(const std::string& path, AuditLog::Options options) : metrics_(registry_) {
    auto sink = FileAuditSink::Open(path);
    if (!sink.ok()) return;
    log_ = std::make_unique<AuditLog>(
        options, AuditLog::Dependencies{clock_, logger_, random_, metrics_}, *std::move(sink));
  }
  AuditLog* log() { return log_.get(); }
  std::int64_t dropped() const { return metrics_.dropped.Value(); }

 private:
  const SystemClock clock_;
  NullLogger logger_;
  SystemRandom random_;
  MetricRegistry registry_;
  AuditMetrics metrics_;
  std::unique_ptr<AuditLog> log_;
};

/// Calls of `kWaiting` threads' worth that each wait for their record; per second.
double AcknowledgedPerSecond(AuditLog& log) {
  std::atomic<int> left{kAcknowledged};
  std::atomic<int> running{kWaiting};
  // Each acknowledgement brings the next record, as a caller does.
  struct Caller {
    AuditLog& log;
    std::atomic<int>& left;
    std::atomic<int>& running;
    void Next() {
      if (left.fetch_sub(1) <= 0) {
        running.fetch_sub(1);
        return;
      }
      log.Write(RecordOf("spiffe://prod.example/ns/orders/sa/api", 7),
                [this](const absl::Status&) { Next(); });
    }
  };
  std::vector<Caller> callers(kWaiting, Caller{log, left, running});
  const auto began = std::chrono::steady_clock::now();
  for (Caller& caller : callers) caller.Next();
  while (running > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  return kAcknowledged / took.count();
}

double AcknowledgedMicroseconds(AuditLog& log) {
  std::vector<double> samples;
  for (int i = 0; i < 200; ++i) {
    std::atomic<bool> done = false;
    const auto began = std::chrono::steady_clock::now();
    log.Write(RecordOf("spiffe://prod.example/ns/orders/sa/api", 7),
              [&done](const absl::Status&) { done = true; });
    while (!done) std::this_thread::yield();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
    samples.push_back(took.count());
  }
  return MedianOf(std::move(samples)).value;
}

}  // namespace

AuditResult RunAuditBench(int runs, const char* where) {
  AuditResult result;
  std::string folder = (std::filesystem::path(where) / "tokensvc-audit-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return result;
  AuditLog::Options each;
  each.coalesce_window = absl::ZeroDuration();
  each.max_queue_bytes = std::size_t{64} << 20;
  AuditLog::Options fail_closed;
  fail_closed.fail_closed = true;
  {
    Subject coalescing(folder + "/coalescing.log", {});
    Subject queueing(folder + "/queueing.log", each);
    Subject acknowledging(folder + "/acknowledging.log", fail_closed);
    if (coalescing.log() == nullptr || queueing.log() == nullptr ||
        acknowledging.log() == nullptr) {
      return result;
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < kCallers; ++i) {
      names.push_back(absl::StrCat("spiffe://prod.example/ns/team-", i, "/sa/api"));
    }
    std::mt19937 random(1);
    std::vector<std::size_t> order(kRecordsPerRun);
    for (std::size_t& number : order) number = random() % kCallers;
    const auto one = [&](int) { coalescing.log()->Write(RecordOf(names[0], 7)); };
    const auto any = [&](int i) {
      const std::size_t which = order[static_cast<std::size_t>(i)];
      coalescing.log()->Write(RecordOf(names[which], which + 1));
    };
    SystemRandom system_random;
    const TokenFingerprinter fingerprinter(system_random);
    const std::string token(1500, 't');

    std::vector<double> coalesced, of_many, by_threads, queued, fingerprint;
    for (int run = 0; run < runs; ++run) {
      coalesced.push_back(Measure(kRecordsPerRun, one));
      of_many.push_back(Measure(kRecordsPerRun, any));
      std::atomic<bool> stop = false;
      std::thread other([&] {
        while (!stop) one(0);
      });
      by_threads.push_back(Measure(kRecordsPerRun, one));
      stop = true;
      other.join();
      queued.push_back(
          Measure(kQueuedPerRun, [&](int) { queueing.log()->Write(RecordOf(names[0], 7)); }));
      queueing.log()->Flush(absl::Seconds(30));
      std::uint64_t all = 0;
      fingerprint.push_back(
          Measure(kFingerprintsPerRun, [&](int) { all ^= fingerprinter.Fingerprint(token); }));
    }
    result.coalesced = MedianOf(std::move(coalesced));
    result.coalesced_of_many = MedianOf(std::move(of_many));
    result.coalesced_by_threads = MedianOf(std::move(by_threads));
    result.queued = MedianOf(std::move(queued));
    result.fingerprint = MedianOf(std::move(fingerprint));
    result.acknowledged_microseconds = AcknowledgedMicroseconds(*acknowledging.log());
    result.acknowledged_per_second = AcknowledgedPerSecond(*acknowledging.log());
    result.ok = coalescing.dropped() + queueing.dropped() + acknowledging.dropped() == 0;
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return result;
}

}  // namespace tokensvc::bench
