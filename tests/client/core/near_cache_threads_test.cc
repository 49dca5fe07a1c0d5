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

TEST(NearCacheThreadsTest, OverlappingBatchesAndSingleRequestsGoTogether) {
  testing::FakeClock clock;
  const auto token_for = [&clock](const TokenRequest& request) {
    AccessToken::Fields fields;
    fields.value = request.registration;
    fields.near_cache_for = fields.expires_in = absl::Seconds(1);
    return AccessToken::Make(std::move(fields));
  };
  const auto cache = NearCache::Create(
      {/*max_entries=*/4, /*max_waiting=*/1000}, clock,
      [&](const TokenRequest& request, const NearCache::Callback& done) {
        done(token_for(request));
      },
      [&](const std::vector<TokenRequest>& requests, const NearCache::ManyCallback& done) {
        NearCache::ManyResults results;
        for (const TokenRequest& request : requests) results.emplace_back(token_for(request));
        done(results);
      });
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int step = 0; step < 200; ++step) {
        std::vector<TokenRequest> requests;
        for (int n = 0; n < 3; ++n) {
          requests.push_back(RequestFor(absl::StrCat("r", (i + step + n) % 7)));
          requests.back().force_refresh = step % 50 == i;
        }
        if (step % 100 == i) clock.Advance(absl::Seconds(1));
        const NearCache::ManyResults results = cache->GetManyBlocking(requests, absl::Minutes(1));
        for (std::size_t n = 0; n < requests.size(); ++n) {
          if (!results[n].ok() || results[n]->Reveal() != requests[n].registration) ++wrong;
        }
        const NearCache::Result single = cache->GetBlocking(requests[0], absl::Minutes(1));
        if (!single.ok() || single->Reveal() != requests[0].registration) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(cache->size(), 4u);
}

}  // namespace
}  // namespace tokensvc::client
