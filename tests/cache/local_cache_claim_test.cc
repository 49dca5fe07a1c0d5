// SPDX-License-Identifier: Apache-2.0
// Who is to refresh a record that is due.
#include <atomic>
#include <thread>
#include <vector>

#include "cache/local_cache.h"
#include "gtest/gtest.h"
#include "tests/cache/test_records.h"

namespace tokensvc {
namespace {

using testing::At;
using testing::MakeRecord;

constexpr auto kTick = std::chrono::nanoseconds(1);

TEST(LocalCacheClaimTest, ClaimsNothingBeforeTheRecordIsDue) {
  LocalCache cache({});
  cache.Store("k", "t", MakeRecord("a", {.due = At(1000), .usable_until = At(1040)}));
  EXPECT_FALSE(cache.Lookup("k", At(1000) - kTick).refresh_claimed);
  const LocalCache::Hit hit = cache.Lookup("k", At(1000));
  EXPECT_TRUE(hit.refresh_claimed);
  EXPECT_NE(hit.record, nullptr) << "a due record is still answered";
}

TEST(LocalCacheClaimTest, LetsOneCallerClaimForAQuarterOfWhatIsLeft) {
  LocalCache cache({});
  cache.Store("k", "t", MakeRecord("a", {.due = At(1000), .usable_until = At(1040)}));
  EXPECT_TRUE(cache.Lookup("k", At(1000)).refresh_claimed);
  EXPECT_FALSE(cache.Lookup("k", At(1000)).refresh_claimed);
  EXPECT_FALSE(cache.Lookup("k", At(1010) - kTick).refresh_claimed);
  EXPECT_TRUE(cache.Lookup("k", At(1010)).refresh_claimed);
  // 30 s are left now.
  EXPECT_FALSE(cache.Lookup("k", At(1017.5) - kTick).refresh_claimed);
  EXPECT_TRUE(cache.Lookup("k", At(1017.5)).refresh_claimed);
}

TEST(LocalCacheClaimTest, KeepsAClaimBetweenOneSecondAndThirty) {
  LocalCache cache({});
  cache.Store("long", "t", MakeRecord("a", {.due = At(1000), .usable_until = At(90000)}));
  EXPECT_TRUE(cache.Lookup("long", At(1000)).refresh_claimed);
  EXPECT_FALSE(cache.Lookup("long", At(1030) - kTick).refresh_claimed);
  EXPECT_TRUE(cache.Lookup("long", At(1030)).refresh_claimed);

  cache.Store("short", "t", MakeRecord("a", {.due = At(1000), .usable_until = At(1002)}));
  EXPECT_TRUE(cache.Lookup("short", At(1000)).refresh_claimed);
  EXPECT_FALSE(cache.Lookup("short", At(1001) - kTick).refresh_claimed);
  EXPECT_TRUE(cache.Lookup("short", At(1001)).refresh_claimed);
  EXPECT_FALSE(cache.Lookup("short", At(1002)).refresh_claimed) << "it has expired";
}

TEST(LocalCacheClaimTest, StartsAnewWithARecordThatReplaces) {
  LocalCache cache({});
  cache.Store("k", "t", MakeRecord("a", {.due = At(1000), .usable_until = At(2000)}));
  EXPECT_TRUE(cache.Lookup("k", At(1000)).refresh_claimed);
  cache.Store("k", "t", MakeRecord("b", {.due = At(1001), .usable_until = At(2001)}));
  EXPECT_FALSE(cache.Lookup("k", At(1000.5)).refresh_claimed);
  EXPECT_TRUE(cache.Lookup("k", At(1001)).refresh_claimed);
}

TEST(LocalCacheClaimTest, KeepsTheClaimWhereAnOlderRecordIsRefused) {
  LocalCache cache({});
  cache.Store("k", "t", MakeRecord("a", {.due = At(1000), .generation = 2}));
  EXPECT_TRUE(cache.Lookup("k", At(1000)).refresh_claimed);
  cache.Store("k", "t", MakeRecord("b", {.due = At(1000), .generation = 1}));
  EXPECT_FALSE(cache.Lookup("k", At(1000)).refresh_claimed);
}

TEST(LocalCacheClaimTest, ClaimsNothingByPeeking) {
  LocalCache cache({});
  cache.Store("k", "t", MakeRecord("a"));
  EXPECT_EQ(cache.Peek("absent"), nullptr);
  EXPECT_NE(cache.Peek("k"), nullptr);
  EXPECT_TRUE(cache.Lookup("k", At(1500)).refresh_claimed);
}

TEST(LocalCacheClaimTest, GivesTheClaimToExactlyOneOfManyThreads) {
  LocalCache cache({});
  cache.Store("k", "t", MakeRecord("a", {.due = At(1000), .usable_until = At(1100)}));
  // The second round comes after the claim of the first (25 s) has run out.
  for (const BootTime now : {At(1000), At(1025)}) {
    std::atomic<int> waiting{8};
    std::atomic<int> claims{0};
    std::atomic<int> hits{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        --waiting;
        while (waiting > 0) std::this_thread::yield();
        for (int i = 0; i < 200; ++i) {
          const LocalCache::Hit hit = cache.Lookup("k", now);
          if (hit.record != nullptr) ++hits;
          if (hit.refresh_claimed) ++claims;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(claims, 1);
    EXPECT_EQ(hits, 8 * 200);
  }
}

}  // namespace
}  // namespace tokensvc
