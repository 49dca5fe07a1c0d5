// SPDX-License-Identifier: Apache-2.0
#include "cache/local_cache.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/cache/test_records.h"

namespace tokensvc {
namespace {

using testing::At;
using testing::IsRecordOf;
using testing::MakeRecord;

TEST(LocalCacheTest, FindsWhatWasStoredUnderTheWholeKeyOnly) {
  LocalCache cache({});
  const auto record = MakeRecord("a");
  EXPECT_EQ(cache.Store("key", "tenant", record), record);
  const LocalCache::Hit hit = cache.Lookup("key", At(1));
  EXPECT_EQ(hit.record, record);
  EXPECT_FALSE(hit.expired);
  EXPECT_FALSE(hit.refresh_claimed);
  const std::string nul("key\0", 4);
  for (const std::string& other : {std::string("ke"), std::string("key2"), std::string("Key"),
                                   std::string(), nul, std::string("tenant")}) {
    const LocalCache::Hit miss = cache.Lookup(other, At(1));
    EXPECT_EQ(miss.record, nullptr);
    EXPECT_FALSE(miss.expired || miss.refresh_claimed);
  }
}

TEST(LocalCacheTest, TakesAnyBytesAsAKey) {
  LocalCache cache({});
  const std::string keys[] = {"", std::string(1, '\0'), std::string("a\0b", 3),
                              std::string("a\0c", 3), std::string(5000, 'k')};
  for (std::size_t i = 0; i < std::size(keys); ++i) {
    cache.Store(keys[i], "t", MakeRecord(std::to_string(i)));
  }
  for (std::size_t i = 0; i < std::size(keys); ++i) {
    const auto record = cache.Lookup(keys[i], At(1)).record;
    ASSERT_NE(record, nullptr);
    EXPECT_TRUE(IsRecordOf(*record, std::to_string(i)));
  }
  EXPECT_EQ(cache.size().entries, std::size(keys));
}

TEST(LocalCacheTest, NeverAnswersARecordFromTheInstantOnThatItsTimeIsOver) {
  const BootTime end = At(2000);
  for (const BootTime now : {end, end + std::chrono::nanoseconds(1), At(1e6)}) {
    LocalCache cache({});
    cache.Store("k", "t", MakeRecord("a", {.usable_until = end}));
    EXPECT_NE(cache.Lookup("k", end - std::chrono::nanoseconds(1)).record, nullptr);
    const LocalCache::Hit hit = cache.Lookup("k", now);
    EXPECT_EQ(hit.record, nullptr);
    EXPECT_TRUE(hit.expired);
    EXPECT_FALSE(hit.refresh_claimed);
  }
}

TEST(LocalCacheTest, DropsAnExpiredRecordWhenItIsFound) {
  LocalCache cache({});
  cache.Store("k", "t", MakeRecord("a", {.usable_until = At(10)}));
  EXPECT_EQ(cache.size().entries, 1u);
  EXPECT_TRUE(cache.Lookup("k", At(10)).expired);
  EXPECT_EQ(cache.size().entries, 0u);
  EXPECT_EQ(cache.size().bytes, 0u);
  EXPECT_FALSE(cache.Lookup("k", At(10)).expired) << "by now there is no record";
}

TEST(LocalCacheTest, AnswersAgainOnceAnExpiredRecordWasReplaced) {
  LocalCache cache({});
  cache.Store("k", "t", MakeRecord("a", {.usable_until = At(10), .generation = 1}));
  cache.Store("k", "t", MakeRecord("b", {.usable_until = At(20), .generation = 2}));
  const auto record = cache.Lookup("k", At(15)).record;
  ASSERT_NE(record, nullptr);
  EXPECT_TRUE(IsRecordOf(*record, "b"));
}

TEST(LocalCacheTest, KeepsTheGreaterGenerationAndReturnsTheRecordThatStands) {
  LocalCache cache({});
  const auto newer = MakeRecord("newer", {.generation = 7});
  const auto older = MakeRecord("older", {.generation = 6});
  const auto same = MakeRecord("same", {.generation = 7});
  const auto newest = MakeRecord("newest", {.generation = 8});
  EXPECT_EQ(cache.Store("k", "t", newer), newer);
  EXPECT_EQ(cache.Store("k", "t", older), newer);
  EXPECT_EQ(cache.Peek("k"), newer);
  EXPECT_EQ(cache.Store("k", "t", same), same);
  EXPECT_EQ(cache.Peek("k"), same);
  EXPECT_EQ(cache.Store("k", "t", newest), newest);
  EXPECT_EQ(cache.Lookup("k", At(1)).record, newest);
  EXPECT_EQ(cache.size().entries, 1u);
}

TEST(LocalCacheTest, CountsOnlyTheRecordThatReplaced) {
  LocalCache cache({});
  cache.Store("k", "t", MakeRecord("a", {.token_bytes = 5000}));
  const std::size_t large = cache.size().bytes;
  cache.Store("k", "t", MakeRecord("a", {.token_bytes = 1000}));
  const std::size_t small = cache.size().bytes;
  EXPECT_LT(small, large);
  EXPECT_GE(small, 1000u);
  // Also where the key moves to another partition.
  cache.Store("k", "u", MakeRecord("a", {.token_bytes = 1000}));
  EXPECT_EQ(cache.size().bytes, small);
  EXPECT_EQ(cache.size().entries, 1u);
}

TEST(LocalCacheTest, ReturnsWhatIsTooLargeToBeKept) {
  MetricRegistry metrics;
  LocalCache cache({.max_bytes = 10000, .shards = 1, .metrics = &metrics});
  cache.Store("k", "t", MakeRecord("small", {.generation = 1}));
  const auto huge = MakeRecord("huge", {.token_bytes = 6000, .generation = 2});
  EXPECT_EQ(cache.Store("k", "t", huge), huge);
  EXPECT_EQ(cache.Peek("k"), nullptr) << "the older record may not outlive the newer";
  EXPECT_EQ(cache.size().entries, 0u);
  EXPECT_EQ(cache.size().bytes, 0u);
  cache.Store("other", "t", MakeRecord("small"));
  EXPECT_EQ(cache.Store("k", "t", huge), huge);
  EXPECT_NE(cache.Peek("other"), nullptr) << "what is not kept pushes nothing out";
  metrics.ForEach([](const MetricRegistry::Entry& entry) {
    for (const auto& [name, value] : entry.labels) {
      EXPECT_EQ(entry.counter->Value(), value == "too_large" ? 2 : 0) << value;
    }
  });
}

TEST(LocalCacheTest, ErasesOneKeyAndClearsAll) {
  LocalCache cache({});
  for (int i = 0; i < 1000; ++i) {
    cache.Store(std::to_string(i), i % 2 == 0 ? "t" : "u", MakeRecord("a"));
  }
  EXPECT_EQ(cache.size().entries, 1000u);
  const std::size_t bytes = cache.size().bytes;
  cache.Erase("17");
  cache.Erase("17");
  cache.Erase("absent");
  EXPECT_EQ(cache.Lookup("17", At(1)).record, nullptr);
  EXPECT_FALSE(cache.Lookup("17", At(1)).expired);
  EXPECT_NE(cache.Lookup("18", At(1)).record, nullptr);
  EXPECT_EQ(cache.size().entries, 999u);
  EXPECT_LT(cache.size().bytes, bytes);

  cache.Clear();
  EXPECT_EQ(cache.size().entries, 0u);
  EXPECT_EQ(cache.size().bytes, 0u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(cache.Peek(std::to_string(i)), nullptr);
  cache.Clear();
  cache.Store("18", "t", MakeRecord("again"));
  EXPECT_NE(cache.Lookup("18", At(1)).record, nullptr);
  EXPECT_EQ(cache.size().entries, 1u);
}

TEST(LocalCacheTest, LeavesARecordToWhoHoldsItWhenItIsDropped) {
  std::shared_ptr<const TokenRecord> held;
  {
    LocalCache cache({});
    cache.Store("k", "t", MakeRecord("a"));
    held = cache.Lookup("k", At(1)).record;
    cache.Clear();
    EXPECT_EQ(held.use_count(), 1);
  }
  EXPECT_TRUE(IsRecordOf(*held, "a"));
}

TEST(LocalCacheTest, ShowsItsSizeInTheMetrics) {
  MetricRegistry metrics;
  LocalCache cache({.metrics = &metrics});
  for (int i = 0; i < 10; ++i) cache.Store(std::to_string(i), "t", MakeRecord("a"));
  int seen = 0;
  metrics.ForEach([&](const MetricRegistry::Entry& entry) {
    if (entry.name == "tokensvc_local_cache_entries") {
      EXPECT_EQ(entry.computed(), 10);
      ++seen;
    }
    if (entry.name == "tokensvc_local_cache_bytes") {
      EXPECT_EQ(entry.computed(), static_cast<double>(cache.size().bytes));
      ++seen;
    }
  });
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace tokensvc
