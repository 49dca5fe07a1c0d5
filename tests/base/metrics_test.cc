// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include <atomic>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;

void OnThreads(int count, const std::function<void()>& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
}

TEST(CounterTest, SumsWhatMoreThreadsThanShardsCount) {
  Counter counter;
  OnThreads(static_cast<int>(kMetricShards) + 4, [&counter] {
    for (int i = 0; i < 1000; ++i) counter.Increment();
    counter.Increment(50);
  });
  EXPECT_EQ(counter.Value(), static_cast<std::int64_t>(kMetricShards + 4) * 1050);
}

TEST(GaugeTest, AddsFromManyThreadsWithoutLoss) {
  Gauge gauge;
  gauge.Set(5);
  OnThreads(4, [&gauge] {
    for (int i = 0; i < 1000; ++i) gauge.Add(2);
    for (int i = 0; i < 1000; ++i) gauge.Add(-1);
  });
  EXPECT_EQ(gauge.Value(), 4005);
  gauge.Set(-1.5);
  EXPECT_EQ(gauge.Value(), -1.5);
}

TEST(HistogramTest, CountsADurationInTheBucketWhoseUpperBoundItDoesNotPass) {
  const std::vector<std::pair<absl::Duration, std::size_t>> cases = {
      {absl::ZeroDuration(), 0},      {absl::Microseconds(10), 0},   {absl::Nanoseconds(10001), 1},
      {absl::Milliseconds(1), 4},     {absl::Microseconds(1001), 5}, {absl::Seconds(1), 10},
      {absl::Milliseconds(1001), 11}, {absl::Seconds(30), 13},       {absl::Seconds(31), 14},
      {absl::Hours(1), 14},
  };
  for (const auto& [duration, bucket] : cases) {
    Histogram histogram;
    histogram.Observe(duration);
    const auto [counts, sum] = histogram.Snapshot();
    EXPECT_EQ(counts[bucket], 1) << duration;
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}), 1) << duration;
    EXPECT_DOUBLE_EQ(sum, absl::ToDoubleSeconds(duration));
  }
}

TEST(HistogramTest, SumsOverThreads) {
  Histogram histogram;
  OnThreads(8, [&histogram] {
    for (int i = 0; i < 500; ++i) histogram.Observe(absl::Milliseconds(2));
  });
  const auto [counts, sum] = histogram.Snapshot();
  EXPECT_EQ(counts[5], 4000);
  EXPECT_DOUBLE_EQ(sum, 8.0);
}

TEST(MetricRegistryTest, VisitsInTheOrderOfMakingAndKeepsReferencesGood) {
  MetricRegistry registry;
  Counter& first = registry.AddCounter("first", "help", {{"k", "v"}});
  for (int i = 0; i < 200; ++i) registry.AddGauge("g" + std::to_string(i), "");
  registry.AddHistogram("h", "");
  registry.AddComputed("c", "", [] { return 2.5; });
  first.Increment(3);

  std::vector<std::string> names;
  registry.ForEach([&](const MetricRegistry::Entry& entry) {
    names.push_back(entry.name);
    if (entry.name == "first") {
      EXPECT_EQ(entry.kind, MetricRegistry::Kind::kCounter);
      EXPECT_EQ(entry.counter->Value(), 3);
      EXPECT_THAT(entry.labels, ElementsAre(std::pair<std::string, std::string>("k", "v")));
    }
    if (entry.name == "c") {
      EXPECT_EQ(entry.kind, MetricRegistry::Kind::kComputed);
      EXPECT_EQ(entry.computed(), 2.5);
    }
  });
  ASSERT_EQ(names.size(), 203u);
  EXPECT_EQ(names.front(), "first");
  EXPECT_EQ(names[1], "g0");
  EXPECT_EQ(names[201], "h");
  EXPECT_EQ(names.back(), "c");
}

TEST(MetricRegistryTest, IsReadWhileMetricsAreMadeAndMoved) {
  MetricRegistry registry;
  std::atomic<bool> over{false};
  std::thread reader([&] {
    while (!over) {
      registry.ForEach([](const MetricRegistry::Entry& entry) { (void)entry.counter->Value(); });
    }
  });
  OnThreads(4, [&registry] {
    for (int i = 0; i < 50; ++i) registry.AddCounter("c", "").Increment();
  });
  over = true;
  reader.join();
  std::int64_t sum = 0;
  registry.ForEach([&sum](const MetricRegistry::Entry& entry) { sum += entry.counter->Value(); });
  EXPECT_EQ(sum, 200);
}

}  // namespace
}  // namespace tokensvc
