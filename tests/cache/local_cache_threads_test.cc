// SPDX-License-Identifier: Apache-2.0
// Everything at once, for ThreadSanitizer and AddressSanitizer to watch.
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "cache/local_cache.h"
#include "gtest/gtest.h"
#include "tests/cache/test_records.h"

namespace tokensvc {
namespace {

using testing::At;
using testing::IsRecordOf;
using testing::MakeRecord;

TEST(LocalCacheThreadsTest, AnswersOnlyTheKeysOwnRecordsWhileAllIsChanged) {
  // Four shards of the least size, and more keys than they can hold.
  constexpr std::size_t kMaxBytes = 4 * LocalCache::kLeastPartitionBytes;
  constexpr int kKeys = 800;
  MetricRegistry metrics;
  LocalCache cache(
      {.max_bytes = kMaxBytes, .tenant_share_percent = 100, .shards = 4, .metrics = &metrics});
  std::atomic<int> hits{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 8000; ++i) {
        const std::string key = "<" + std::to_string(random() % kKeys) + ">";
        const BootTime now = At(i);
        const unsigned action = random() % 1000;
        if (action < 300) {
          const auto stood = cache.Store(
              key, "t" + std::to_string(random() % 3),
              MakeRecord(key, {.token_bytes = random() % 1500,
                               .due = now,
                               .usable_until = now + std::chrono::seconds(random() % 4000),
                               .generation = random() % 8}));
          EXPECT_TRUE(IsRecordOf(*stood, key));
        } else if (action < 900) {
          const LocalCache::Hit hit = cache.Lookup(key, now);
          if (hit.record != nullptr) {
            ++hits;
            EXPECT_TRUE(IsRecordOf(*hit.record, key));
            EXPECT_LT(now, hit.record->usable_until());
          }
        } else if (action < 950) {
          const auto record = cache.Peek(key);
          EXPECT_TRUE(record == nullptr || IsRecordOf(*record, key));
        } else if (action < 990) {
          cache.Erase(key);
        } else if (action < 999) {
          EXPECT_LE(cache.size().bytes, kMaxBytes);
        } else {
          cache.Clear();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(hits, 100);
  EXPECT_LE(cache.size().bytes, kMaxBytes);
  metrics.ForEach([](const MetricRegistry::Entry& entry) {
    for (const auto& [name, value] : entry.labels) {
      if (value == "cache_full") EXPECT_GT(entry.counter->Value(), 0);
    }
  });
  for (int i = 0; i < kKeys; ++i) cache.Erase("<" + std::to_string(i) + ">");
  EXPECT_EQ(cache.size().entries, 0u);
  EXPECT_EQ(cache.size().bytes, 0u);
}

TEST(LocalCacheThreadsTest, NeverLetsAGenerationSinkBelowOneThatWasAnswered) {
  LocalCache cache({});
  std::atomic<std::uint64_t> next{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      std::uint64_t seen = 0;
      for (int i = 0; i < 3000; ++i) {
        const std::uint64_t mine = ++next;
        const auto stood = cache.Store("k", "t", MakeRecord("a", {.generation = mine}));
        EXPECT_GE(stood->generation(), mine);
        seen = std::max(seen, stood->generation());
        const auto found = cache.Lookup("k", At(1)).record;
        ASSERT_NE(found, nullptr);
        EXPECT_GE(found->generation(), seen);
        seen = found->generation();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cache.Peek("k")->generation(), next.load());
}

}  // namespace
}  // namespace tokensvc
