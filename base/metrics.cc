// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include <algorithm>

namespace tokensvc {

std::size_t MetricShard() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t shard = next.fetch_add(1) % kMetricShards;
  return shard;
}

std::int64_t Counter::Value() const {
  std::int64_t sum = 0;
  for (const Cell& cell : cells_) sum += cell.value.load(std::memory_order_relaxed);
  return sum;
}

void Histogram::Observe(absl::Duration duration) {
  const double seconds = absl::ToDoubleSeconds(duration);
  const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin();
  Cell& cell = cells_[MetricShard()];
  cell.counts[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  cell.sum_nanoseconds.fetch_add(absl::ToInt64Nanoseconds(duration), std::memory_order_relaxed);
}

std::pair<std::array<std::int64_t, Histogram::kBounds.size() + 1>, double> Histogram::Snapshot()
    const {
  std::array<std::int64_t, kBounds.size() + 1> counts{};
  std::int64_t nanoseconds = 0;
  for (const Cell& cell : cells_) {
    for (std::size_t i = 0; i < counts.size(); ++i) {
      counts[i] += cell.counts[i].load(std::memory_order_relaxed);
    }
    nanoseconds += cell.sum_nanoseconds.load(std::memory_order_relaxed);
  }
  return {counts, static_cast<double>(nanoseconds) / 1e9};
}

MetricRegistry::Entry& MetricRegistry::Add(std::string name, std::string help, MetricLabels labels,
                                           Kind kind) {
  Entry& entry = entries_.emplace_back();
  entry.name = std::move(name);
  entry.help = std::move(help);
  entry.labels = std::move(labels);
  entry.kind = kind;
  return entry;
}

Counter& MetricRegistry::AddCounter(std::string name, std::string help, MetricLabels labels) {
  MutexLock lock(&mutex_);
  Entry& entry = Add(std::move(name), std::move(help), std::move(labels), Kind::kCounter);
  entry.counter = std::make_unique<Counter>();
  return *entry.counter;
}

Gauge& MetricRegistry::AddGauge(std::string name, std::string help, MetricLabels labels) {
  MutexLock lock(&mutex_);
  Entry& entry = Add(std::move(name), std::move(help), std::move(labels), Kind::kGauge);
  entry.gauge = std::make_unique<Gauge>();
  return *entry.gauge;
}

Histogram& MetricRegistry::AddHistogram(std::string name, std::string help, MetricLabels labels) {
  MutexLock lock(&mutex_);
  Entry& entry = Add(std::move(name), std::move(help), std::move(labels), Kind::kHistogram);
  entry.histogram = std::make_unique<Histogram>();
  return *entry.histogram;
}

void MetricRegistry::AddComputed(std::string name, std::string help, std::function<double()> read,
                                 MetricLabels labels) {
  MutexLock lock(&mutex_);
  Add(std::move(name), std::move(help), std::move(labels), Kind::kComputed).computed =
      std::move(read);
}

void MetricRegistry::ForEach(const std::function<void(const Entry&)>& visit) const {
  MutexLock lock(&mutex_);
  for (const Entry& entry : entries_) visit(entry);
}

}  // namespace tokensvc
