// SPDX-License-Identifier: Apache-2.0
// Bounds in bytes, of the whole and of one partition, and who goes when they are reached.
#include <map>
#include <random>
#include <string>

#include "cache/local_cache.h"
#include "gtest/gtest.h"
#include "tests/cache/test_records.h"

namespace tokensvc {
namespace {

using testing::At;
using testing::IsRecordOf;
using testing::MakeRecord;

/// Evictions by reason.
std::map<std::string, std::int64_t> Evictions(const MetricRegistry& metrics) {
  std::map<std::string, std::int64_t> evictions;
  metrics.ForEach([&](const MetricRegistry::Entry& entry) {
    if (entry.name == "tokensvc_local_cache_evictions_total") {
      evictions[entry.labels.front().second] = entry.counter->Value();
    }
  });
  return evictions;
}

/// What one entry of these tests' usual shape counts, without its share of a partition.
std::size_t EntryBytes(const std::string& key) {
  LocalCache cache({.shards = 1});
  cache.Store(key, "t", MakeRecord("a"));
  const std::size_t first = cache.size().bytes;
  cache.Store(key + "'", "t", MakeRecord("a"));
  return cache.size().bytes - first;
}

/// The last record of each key and its place. What the cache holds must be that, or nothing.
struct ModelEntry {
  std::string name;
  std::uint64_t generation = 0;
  BootTime usable_until;
};

class LocalCacheModelTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(LocalCacheModelTest, HoldsTheLastRecordOrNoneWithinItsBytesUnderRandomLoad) {
  // Half of it for each tenant leaves each as much as a shard needs; the keys fill it all the same.
  const std::size_t max_bytes = GetParam() * 2 * LocalCache::kLeastPartitionBytes;
  const std::size_t keys = GetParam() * 300;
  MetricRegistry metrics;
  LocalCache cache({.max_bytes = max_bytes, .shards = GetParam(), .metrics = &metrics});
  std::map<std::string, ModelEntry> model;
  std::mt19937_64 random(GetParam());
  const auto below = [&random](std::uint64_t bound) { return random() % bound; };
  int hits = 0;
  for (int step = 0; step < 30000; ++step) {
    const BootTime now = At(step);
    const std::string key = "key" + std::to_string(below(keys));
    const std::uint64_t action = below(100);
    if (action < 40) {
      ModelEntry entry{"r" + std::to_string(step) + ".", below(4),
                       now + std::chrono::seconds(below(9000))};
      const auto record = MakeRecord(entry.name, {.token_bytes = below(3000),
                                                  .due = now,
                                                  .usable_until = entry.usable_until,
                                                  .generation = entry.generation});
      const auto before = cache.Peek(key);
      const auto stood = cache.Store(key, "t" + std::to_string(below(5)), record);
      const bool refused = before != nullptr && before->generation() > entry.generation;
      ASSERT_EQ(stood, refused ? before : record);
      if (!refused) model[key] = entry;
    } else if (action < 97) {
      const LocalCache::Hit hit = cache.Lookup(key, now);
      if (hit.record != nullptr) {
        ++hits;
        ASSERT_TRUE(model.contains(key));
        ASSERT_TRUE(IsRecordOf(*hit.record, model[key].name));
        ASSERT_LT(now, model[key].usable_until);
        ASSERT_FALSE(hit.expired);
      } else if (hit.expired) {
        ASSERT_TRUE(model.contains(key));
        ASSERT_GE(now, model[key].usable_until);
        model.erase(key);
      }
    } else {
      cache.Erase(key);
      model.erase(key);
      ASSERT_EQ(cache.Peek(key), nullptr);
    }
    const LocalCache::Size size = cache.size();
    ASSERT_LE(size.bytes, max_bytes);
    ASSERT_LE(size.entries, model.size());
  }
  EXPECT_GT(hits, 1000);
  EXPECT_GT(Evictions(metrics)["cache_full"], 100);
  // What is counted comes back to nothing: no byte was counted twice or forgotten.
  for (std::size_t i = 0; i < keys; ++i) cache.Erase("key" + std::to_string(i));
  EXPECT_EQ(cache.size().entries, 0u);
  EXPECT_EQ(cache.size().bytes, 0u);
}

INSTANTIATE_TEST_SUITE_P(Shards, LocalCacheModelTest, ::testing::Values(1, 8));

TEST(LocalCacheBoundsTest, UsesNearlyAllOfItsBytesBeforeItEvicts) {
  constexpr std::size_t kMaxBytes = 1 << 20;
  LocalCache cache({.max_bytes = kMaxBytes, .tenant_share_percent = 100, .shards = 1});
  for (int i = 0; i < 20000; ++i) cache.Store(std::to_string(i), "t", MakeRecord("a"));
  EXPECT_LE(cache.size().bytes, kMaxBytes);
  EXPECT_GT(cache.size().bytes, kMaxBytes * 98 / 100);
}

TEST(LocalCacheBoundsTest, HoldsOnePartitionToItsShare) {
  constexpr std::size_t kMaxBytes = 1 << 20;
  MetricRegistry metrics;
  LocalCache cache(
      {.max_bytes = kMaxBytes, .tenant_share_percent = 25, .shards = 1, .metrics = &metrics});
  for (int i = 0; i < 20000; ++i) cache.Store(std::to_string(i), "t", MakeRecord("a"));
  EXPECT_LE(cache.size().bytes, kMaxBytes / 4);
  EXPECT_GT(cache.size().bytes, kMaxBytes / 4 * 95 / 100);
  EXPECT_GT(Evictions(metrics)["tenant_share"], 0);
  EXPECT_EQ(Evictions(metrics)["cache_full"], 0);
  // Four of them fill it.
  for (const char* tenant : {"u", "v", "w"}) {
    for (int i = 0; i < 20000; ++i)
      cache.Store(tenant + std::to_string(i), tenant, MakeRecord("a"));
  }
  EXPECT_GT(cache.size().bytes, kMaxBytes * 95 / 100);
}

TEST(LocalCacheBoundsTest, ASmallCacheKeepsLargeTokensAndTheShareOfATenant) {
  // The least that the configuration accepts: 73 KB for a tenant. Cut in 64, none of it would hold
  // a token of the usual size.
  constexpr std::size_t kMaxBytes = 1 << 20;
  LocalCache cache({.max_bytes = kMaxBytes, .tenant_share_percent = 7});
  for (int i = 0; i < 30; ++i) {
    cache.Store(std::to_string(i), "t", MakeRecord("a", {.token_bytes = 2000}));
  }
  EXPECT_EQ(cache.size().entries, 30u);
  cache.Store("large", "t", MakeRecord("a", {.token_bytes = 60'000}));
  EXPECT_NE(cache.Peek("large"), nullptr);
  EXPECT_LE(cache.size().bytes, kMaxBytes * 7 / 100);
}

TEST(LocalCacheBoundsTest, EveryShardOfACacheOfAnySizeHoldsATokenOf60KB) {
  for (const std::size_t mebibytes : {1, 2, 3, 8, 15, 256}) {
    for (const int share : {7, 10, 33, 50, 100}) {
      LocalCache cache({.max_bytes = mebibytes << 20, .tenant_share_percent = share});
      for (int i = 0; i < 100; ++i) {
        const std::string key = std::to_string(i);
        cache.Store(key, "t", MakeRecord("a", {.token_bytes = 60'000}));
        ASSERT_NE(cache.Peek(key), nullptr) << mebibytes << " MiB, " << share << " %";
      }
    }
  }
}

TEST(LocalCacheBoundsTest, LeavesTheOthersTheirRecordsWhenOneTenantStoresTenTimesTheCache) {
  constexpr std::size_t kMaxBytes = 4 << 20;
  LocalCache cache({.max_bytes = kMaxBytes});
  const std::size_t fitting = kMaxBytes / EntryBytes("loud12345");
  // The others hold a quarter; the loud one may have half.
  const std::size_t quiet = fitting / 4;
  for (std::size_t i = 0; i < quiet; ++i) {
    cache.Store("q" + std::to_string(i), "quiet" + std::to_string(i % 10), MakeRecord("a"));
    ASSERT_NE(cache.Lookup("q" + std::to_string(i), At(1)).record, nullptr);
  }
  for (std::size_t i = 0; i < 10 * fitting; ++i) {
    cache.Store("loud" + std::to_string(i), "loud", MakeRecord("a"));
  }
  std::size_t left = 0;
  for (std::size_t i = 0; i < quiet; ++i) {
    if (cache.Peek("q" + std::to_string(i)) != nullptr) ++left;
  }
  EXPECT_EQ(left, quiet);
  EXPECT_LE(cache.size().bytes, kMaxBytes);
}

TEST(LocalCacheBoundsTest, SparesUsedRecordsWhileThereAreUnusedOnes) {
  constexpr int kEntries = 100;
  const std::string sample = "000";
  LocalCache cache(
      {.max_bytes = EntryBytes(sample) * kEntries, .tenant_share_percent = 100, .shards = 1});
  const auto key = [](int i) { return std::to_string(100 + i); };
  for (int i = 0; i < kEntries - 2; ++i) cache.Store(key(i), "t", MakeRecord("a"));
  ASSERT_EQ(cache.size().entries, static_cast<std::size_t>(kEntries - 2));
  // The oldest are the used ones; half as many new ones come as there are unused ones.
  for (int i = 0; i < 20; ++i) ASSERT_NE(cache.Lookup(key(i), At(1)).record, nullptr);
  for (int i = 0; i < 40; ++i) cache.Store(key(200 + i), "t", MakeRecord("b"));
  for (int i = 0; i < 20; ++i) EXPECT_NE(cache.Peek(key(i)), nullptr) << i;
  int unused = 0;
  for (int i = 20; i < kEntries - 2; ++i) unused += cache.Peek(key(i)) != nullptr ? 1 : 0;
  EXPECT_GT(unused, 0);
  EXPECT_LT(unused, 78);
  EXPECT_NE(cache.Peek(key(239)), nullptr) << "the newest goes last";
}

TEST(LocalCacheBoundsTest, SparesTheUsedRecordsOfAPartitionInItsOwnBound) {
  const std::string sample = "000";
  LocalCache cache({.max_bytes = EntryBytes(sample) * 200, .shards = 1});
  const auto key = [](int i) { return std::to_string(100 + i); };
  for (int i = 0; i < 90; ++i) cache.Store(key(i), "t", MakeRecord("a"));
  for (int i = 0; i < 20; ++i) ASSERT_NE(cache.Lookup(key(i), At(1)).record, nullptr);
  for (int i = 0; i < 60; ++i) cache.Store(key(200 + i), "t", MakeRecord("b"));
  for (int i = 0; i < 20; ++i) EXPECT_NE(cache.Peek(key(i)), nullptr) << i;
  EXPECT_LE(cache.size().entries, 100u);
}

TEST(LocalCacheBoundsTest, EvictsAlthoughEveryRecordIsInUse) {
  const std::size_t max_bytes = EntryBytes("000") * 100;
  LocalCache cache({.max_bytes = max_bytes, .tenant_share_percent = 100, .shards = 1});
  for (int i = 0; i < 1000; ++i) {
    const std::string key = std::to_string(1000 + i);
    cache.Store(key, "t", MakeRecord("a"));
    ASSERT_NE(cache.Lookup(key, At(1)).record, nullptr) << "the record just stored was the victim";
    ASSERT_LE(cache.size().bytes, max_bytes);
  }
}

TEST(LocalCacheBoundsTest, CountsKeysAndScopes) {
  const auto bytes_of = [](const std::string& key, std::size_t scopes) {
    const std::string token(1500, 't');
    const std::string granted(scopes, 's');
    TokenRecord::Fields fields;
    fields.token = token;
    fields.granted_scopes = granted;
    fields.usable_until = At(10);
    LocalCache cache({});
    cache.Store(key, "t", TokenRecord::Make(fields));
    return cache.size().bytes;
  };
  const std::size_t plain = bytes_of("k", 0);
  EXPECT_GE(plain, 1500u);
  EXPECT_GE(bytes_of(std::string(1000, 'k'), 0), plain + 900);
  // The allocator gives out 16 bytes at a time.
  EXPECT_GT(bytes_of("k", 1000), plain + 1000 - 16);
}

}  // namespace
}  // namespace tokensvc
