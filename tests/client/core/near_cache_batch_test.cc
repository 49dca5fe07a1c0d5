// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/core/near_cache_fixture.h"

namespace tokensvc::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const TokenRequest kA = RequestFor("a");
const TokenRequest kB = RequestFor("b");
const TokenRequest kC = RequestFor("c");

TEST(NearCacheBatchTest, AsksOnlyForWhatIsNotKeptAndKeepsWhatItBrings) {
  NearCacheHarness harness;
  harness.Ask(kB);
  harness.calls.End(0, harness.Token("token-b"));
  const auto answers = harness.AskMany({kA, kB, kC});
  EXPECT_THAT(harness.calls.batches(), ElementsAre(ElementsAre("a", "c")));
  EXPECT_THAT(*answers, IsEmpty());
  harness.calls.EndBatch(
      0, NearCache::ManyResults{harness.Token("token-a"), absl::PermissionDeniedError("no")});
  EXPECT_THAT(*answers, ElementsAre("token-a", "token-b", "PERMISSION_DENIED"));
  // Tokens are kept, failures are not.
  EXPECT_THAT(*harness.Ask(kA), ElementsAre("token-a"));
  harness.AskMany({kA, kB, kC});
  EXPECT_THAT(harness.calls.batches(), ElementsAre(ElementsAre("a", "c"), ElementsAre("c")));
  EXPECT_THAT(*harness.AskMany({kB, kA}), ElementsAre("token-b", "token-a"));
  EXPECT_THAT(*harness.AskMany({}), IsEmpty());
  EXPECT_EQ(harness.calls.count(), 1);
  EXPECT_EQ(harness.calls.batches().size(), 2u);
}

TEST(NearCacheBatchTest, SharesCallsWithSingleRequestsBothWaysAndWithItself) {
  NearCacheHarness harness;
  const auto single = harness.Ask(kA);
  const auto batch = harness.AskMany({kA, kB, kB});
  const auto later = harness.Ask(kB);
  EXPECT_EQ(harness.calls.count(), 1);
  EXPECT_THAT(harness.calls.batches(), ElementsAre(ElementsAre("b")));
  harness.calls.EndBatch(0, NearCache::ManyResults{harness.Token("token-b")});
  EXPECT_THAT(*later, ElementsAre("token-b"));
  EXPECT_THAT(*batch, IsEmpty());
  harness.calls.End(0, harness.Token("token-a"));
  EXPECT_THAT(*batch, ElementsAre("token-a", "token-b", "token-b"));
}

TEST(NearCacheBatchTest, AFailureOfTheCallReachesAllThatWereAskedForAndNoOther) {
  NearCacheHarness harness;
  harness.Ask(kA);
  harness.calls.End(0, harness.Token("token-a"));
  const auto answers = harness.AskMany({kA, kB, kC});
  harness.calls.EndBatch(0, absl::UnavailableError("down"));
  EXPECT_THAT(*answers, ElementsAre("token-a", "UNAVAILABLE", "UNAVAILABLE"));
}

TEST(NearCacheBatchTest, AChallengeIsAlwaysAskedForAndReplacesWhatIsKept) {
  NearCacheHarness harness;
  harness.Ask(kA);
  harness.calls.End(0, harness.Token("old"));
  const auto answers = harness.AskMany({Challenged(kA, "{}"), Challenged(kA, "{}")});
  EXPECT_THAT(harness.calls.batches(), ElementsAre(ElementsAre("a")));
  harness.calls.EndBatch(0, NearCache::ManyResults{harness.Token("new")});
  EXPECT_THAT(*answers, ElementsAre("new", "new"));
  EXPECT_THAT(*harness.Ask(kA), ElementsAre("new"));
}

TEST(NearCacheBatchTest, AsksForAHundredAtATime) {
  NearCacheHarness harness;
  std::vector<TokenRequest> requests;
  for (int i = 0; i < 250; ++i) requests.push_back(RequestFor(absl::StrCat("r", i)));
  harness.AskMany(requests);
  const auto batches = harness.calls.batches();
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(batches[0].size(), 100u);
  EXPECT_EQ(batches[2].size(), 50u);
  EXPECT_EQ(batches[2].back(), "r249");
}

TEST(NearCacheBatchTest, WhoWaitsGetsWhatHasComeInTime) {
  NearCacheHarness harness;
  harness.Ask(kA);
  harness.calls.End(0, harness.Token("token-a"));
  const NearCache::ManyResults results =
      harness.cache->GetManyBlocking({kA, kB}, absl::Milliseconds(1));
  ASSERT_EQ(results.size(), 2u);
  ASSERT_TRUE(results[0].ok());
  EXPECT_EQ(results[0]->Reveal(), "token-a");
  EXPECT_EQ(results[1].status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(NearCacheBatchTest, CountsFromBeforeTheBatchWasSent) {
  NearCacheHarness harness;
  harness.AskMany({kA});
  harness.clock.Advance(absl::Seconds(8));
  harness.calls.EndBatch(0, NearCache::ManyResults{harness.TimedToken(
                                "token-a", absl::Minutes(10), absl::Seconds(60), absl::Hours(1))});
  harness.clock.Advance(absl::Seconds(52) - absl::Nanoseconds(1));
  EXPECT_TRUE(harness.cache->Find(kA).has_value());
  harness.clock.Advance(absl::Nanoseconds(1));
  EXPECT_FALSE(harness.cache->Find(kA).has_value());
}

}  // namespace
}  // namespace tokensvc::client
