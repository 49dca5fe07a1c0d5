// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_METRICS_H_
#define TOKENSVC_BASE_METRICS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/mutex.h"

namespace tokensvc {

/// How many copies of a counter there are, so that threads of the hit path do not share a cache
/// line.
inline constexpr std::size_t kMetricShards = 16;

/// The calling thread's shard.
std::size_t MetricShard();

/// A number that only grows. Thread-safe, wait-free.
class Counter {
 public:
  void Increment(std::int64_t by = 1) {
    cells_[MetricShard()].value.fetch_add(by, std::memory_order_relaxed);
  }
  std::int64_t Value() const;

 private:
  struct alignas(64) Cell {
    std::atomic<std::int64_t> value{0};
  };
  std::array<Cell, kMetricShards> cells_;
};

/// A number that goes up and down. Thread-safe, wait-free.
class Gauge {
 public:
  void Set(double value) { value_.store(value, std::memory_order_relaxed); }
  void Add(double by) {
    double now = value_.load(std::memory_order_relaxed);
    while (!value_.compare_exchange_weak(now, now + by, std::memory_order_relaxed)) {
    }
  }
  double Value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// Durations in seconds, in buckets from 10 µs to 30 s. Thread-safe, wait-free.
class Histogram {
 public:
  static constexpr std::array<double, 14> kBounds = {
      0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30};
  void Observe(absl::Duration duration);
  /// Counts per bucket (not cumulative; the last is "more than 30 s") and the sum in seconds.
  std::pair<std::array<std::int64_t, kBounds.size() + 1>, double> Snapshot() const;

 private:
  struct alignas(64) Cell {
    std::array<std::atomic<std::int64_t>, kBounds.size() + 1> counts{};
    std::atomic<std::int64_t> sum_nanoseconds{0};
  };
  std::array<Cell, kMetricShards> cells_;
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// Everything that is measured, for an exporter to read. A metric is made once, at start, and kept
/// by reference; names and labels follow Prometheus' conventions. Labels never carry a tenant,
/// account or caller (DESIGN.md §8: their number has no bound). Thread-safe.
class MetricRegistry {
 public:
  enum class Kind { kCounter, kGauge, kHistogram, kComputed };
  struct Entry {
    std::string name, help;
    MetricLabels labels;
    Kind kind;
    std::unique_ptr<Counter> counter;
    std::unique_ptr<Gauge> gauge;
    std::unique_ptr<Histogram> histogram;
    std::function<double()> computed;
  };

  Counter& AddCounter(std::string name, std::string help, MetricLabels labels = {});
  Gauge& AddGauge(std::string name, std::string help, MetricLabels labels = {});
  Histogram& AddHistogram(std::string name, std::string help, MetricLabels labels = {});
  /// A gauge that is computed when read; `read` must be thread-safe and quick.
  void AddComputed(std::string name, std::string help, std::function<double()> read,
                   MetricLabels labels = {});

  /// Calls `visit` for every metric, in the order in which they were made.
  void ForEach(const std::function<void(const Entry&)>& visit) const;

 private:
  Entry& Add(std::string name, std::string help, MetricLabels labels, Kind kind)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  std::deque<Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_METRICS_H_
