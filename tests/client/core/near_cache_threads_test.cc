// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/client/core/near_cache_fixture.h"

namespace tokensvc::client {
namespace {

constexpr int kThreads = 16;

TEST(NearCacheThreadsTest, SixteenThreadsShareOneRefresh) {
  NearCacheHarness harness;
  const TokenRequest request = RequestFor("orders");
  harness.Ask(request);
  harness.calls.End(0, harness.Token("token-1"));
  harness.clock.Advance(absl::Minutes(2));
  std::atomic<int> refreshed = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const NearCache::Result result = harness.cache->GetBlocking(request, absl::Minutes(1));
      if (result.ok() && result->Reveal() == "token-2") ++refreshed;
    });
  }
  harness.calls.AwaitCount(2);
  harness.calls.End(1, harness.Token("token-2"));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refreshed, kThreads);
  EXPECT_EQ(harness.calls.count(), 2);
}

TEST(NearCacheThreadsTest, ReadersForcedRequestsAndEvictionGoTogether) {
  testing::FakeClock clock;
  std::atomic<int> calls = 0;
  // Ends each call at once, so that all paths run on all threads.
  const auto cache = NearCache::Create(
      {/*max_entries=*/4, /*max_waiting=*/100}, clock,
      [&](const TokenRequest& request, const NearCache::Callback& done) {
        AccessToken::Fields fields;
        fields.value = absl::StrCat(request.registration, "-", ++calls);
        fields.near_cache_until = fields.expires_at = clock.Now() + absl::Seconds(1);
        done(AccessToken::Make(std::move(fields)));
      });
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int step = 0; step < 500; ++step) {
        TokenRequest request = RequestFor(absl::StrCat("r", (i + step) % 7));
        request.force_refresh = step % 50 == i;
        if (step % 100 == i) clock.Advance(absl::Seconds(1));
        const NearCache::Result result = cache->GetBlocking(request, absl::Minutes(1));
        if (!result.ok() || result->Reveal().substr(0, 2) != request.registration) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(cache->size(), 4u);
  EXPECT_GT(calls, 7);
}

}  // namespace
}  // namespace tokensvc::client
