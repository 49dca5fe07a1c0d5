// SPDX-License-Identifier: Apache-2.0
#include "client/core/near_cache.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/core/near_cache_fixture.h"

namespace tokensvc::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const TokenRequest kRequest = RequestFor("orders");

TEST(NearCacheTest, AMillionHeadersNeedOneCall) {
  NearCacheHarness harness;
  harness.Ask(kRequest);
  harness.calls.End(0, harness.Token("token-1"));
  for (int i = 0; i < 1'000'000; ++i) {
    const std::optional<AccessToken> found = harness.cache->Find(kRequest);
    ASSERT_TRUE(found.has_value());
    ASSERT_EQ(found->RevealAuthorizationHeader(), "Bearer token-1");
  }
  EXPECT_EQ(harness.calls.count(), 1);
}

TEST(NearCacheTest, KeepsATokenUntilNearCacheUntilAndNotLonger) {
  NearCacheHarness harness;
  harness.Ask(kRequest);
  harness.calls.End(0, harness.Token("token-1", absl::Seconds(60)));
  harness.clock.Advance(absl::Seconds(60) - absl::Nanoseconds(1));
  EXPECT_TRUE(harness.cache->Find(kRequest).has_value());
  harness.clock.Advance(absl::Nanoseconds(1));
  EXPECT_FALSE(harness.cache->Find(kRequest).has_value());
  harness.Ask(kRequest);
  EXPECT_EQ(harness.calls.count(), 2);
}

TEST(NearCacheTest, NeverKeepsATokenPastItsExpiry) {
  NearCacheHarness harness;
  harness.Ask(kRequest);
  harness.calls.End(0, harness.Token("token-1", absl::Minutes(10), absl::Seconds(30)));
  harness.clock.Advance(absl::Seconds(30));
  EXPECT_FALSE(harness.cache->Find(kRequest).has_value());
}

TEST(NearCacheTest, KeepsNothingThatMayNotBeKept) {
  NearCacheHarness harness;
  AccessToken::Fields fields;  // near_cache_until is absent.
  fields.value = "token-1";
  fields.expires_at = harness.clock.Now() + absl::Hours(1);
  const auto answers = harness.Ask(kRequest);
  harness.calls.End(0, AccessToken::Make(std::move(fields)));
  EXPECT_THAT(*answers, ElementsAre("token-1"));
  EXPECT_EQ(harness.cache->size(), 0u);
}

TEST(NearCacheTest, KeepsNoLongerThanAnHourWhateverTheAnswerSays) {
  NearCacheHarness harness;
  harness.Ask(kRequest);
  harness.calls.End(0, harness.Token("token-1", absl::Hours(20), absl::Hours(20)));
  harness.clock.Advance(absl::Hours(1));
  EXPECT_FALSE(harness.cache->Find(kRequest).has_value());
}

TEST(NearCacheTest, AMachinesClockSetBackProlongsNothing) {
  NearCacheHarness harness;
  harness.Ask(kRequest);
  harness.calls.End(0, harness.Token("token-1", absl::Seconds(60)));
  harness.clock.JumpWall(-absl::Hours(5));
  harness.clock.Advance(absl::Seconds(60));
  EXPECT_FALSE(harness.cache->Find(kRequest).has_value());
}

TEST(NearCacheTest, AWallClockThatIsTenMinutesWrongChangesNothing) {
  for (const absl::Duration ahead : {absl::Minutes(10), -absl::Minutes(10)}) {
    NearCacheHarness harness;
    harness.Ask(kRequest);
    harness.calls.End(0,
                      harness.TimedToken("token-1", ahead, absl::Seconds(60), absl::Seconds(90)));
    harness.clock.Advance(absl::Seconds(60) - absl::Nanoseconds(1));
    EXPECT_TRUE(harness.cache->Find(kRequest).has_value()) << ahead;
    harness.clock.Advance(absl::Nanoseconds(1));
    EXPECT_FALSE(harness.cache->Find(kRequest).has_value()) << ahead;
    // The same for a token's life.
    harness.Ask(kRequest);
    harness.calls.End(1,
                      harness.TimedToken("token-2", ahead, absl::Seconds(60), absl::Seconds(20)));
    harness.clock.Advance(absl::Seconds(20) - absl::Nanoseconds(1));
    EXPECT_TRUE(harness.cache->Find(kRequest).has_value()) << ahead;
    harness.clock.Advance(absl::Nanoseconds(1));
    EXPECT_FALSE(harness.cache->Find(kRequest).has_value()) << ahead;
  }
}

TEST(NearCacheTest, CountsFromBeforeTheRequestWasSent) {
  NearCacheHarness harness;
  harness.Ask(kRequest);
  harness.clock.Advance(absl::Seconds(8));
  harness.calls.End(
      0, harness.TimedToken("token-1", absl::ZeroDuration(), absl::Seconds(60), absl::Hours(1)));
  harness.clock.Advance(absl::Seconds(52));
  EXPECT_FALSE(harness.cache->Find(kRequest).has_value());
}

TEST(NearCacheTest, RequestsDuringACallShareIt) {
  NearCacheHarness harness;
  const auto first = harness.Ask(kRequest);
  const auto second = harness.Ask(kRequest);
  const auto other = harness.Ask(RequestFor("billing"));
  EXPECT_EQ(harness.calls.count(), 2);
  harness.calls.End(0, harness.Token("token-1"));
  EXPECT_THAT(*first, ElementsAre("token-1"));
  EXPECT_THAT(*second, ElementsAre("token-1"));
  EXPECT_THAT(*other, IsEmpty());
}

TEST(NearCacheTest, AFailureReachesAllWhoWaitAndIsNotKept) {
  NearCacheHarness harness;
  const auto first = harness.Ask(kRequest);
  const auto second = harness.Ask(kRequest);
  harness.calls.End(0, absl::UnavailableError("authority"));
  EXPECT_THAT(*first, ElementsAre("UNAVAILABLE"));
  EXPECT_THAT(*second, ElementsAre("UNAVAILABLE"));
  harness.Ask(kRequest);
  EXPECT_EQ(harness.calls.count(), 2);
}

TEST(NearCacheTest, AClaimsChallengeIsAskedAndReplacesWhatIsKept) {
  NearCacheHarness harness;
  harness.Ask(kRequest);
  harness.calls.End(0, harness.Token("refused"));
  const auto challenged = harness.Ask(Challenged(kRequest, R"({"access_token":{}})"));
  EXPECT_THAT(*challenged, IsEmpty());
  ASSERT_EQ(harness.calls.count(), 2);
  EXPECT_EQ(harness.calls.request(1).claims_challenge, R"({"access_token":{}})");
  harness.calls.End(1, harness.Token("stronger"));
  EXPECT_THAT(*challenged, ElementsAre("stronger"));
  EXPECT_THAT(*harness.Ask(kRequest), ElementsAre("stronger"));
  EXPECT_EQ(harness.calls.count(), 2);
}

TEST(NearCacheTest, AForcedRefreshThatMayNotBeKeptDropsTheOldToken) {
  NearCacheHarness harness;
  harness.Ask(kRequest);
  harness.calls.End(0, harness.Token("refused"));
  TokenRequest forced = kRequest;
  forced.force_refresh = true;
  harness.Ask(forced);
  harness.calls.End(1, harness.Token("new", absl::ZeroDuration()));
  EXPECT_FALSE(harness.cache->Find(kRequest).has_value());
}

TEST(NearCacheTest, APlainCallThatAForcedOneOvertookIsNotKept) {
  NearCacheHarness harness;
  const auto early = harness.Ask(kRequest);
  const auto challenged = harness.Ask(Challenged(kRequest, "{}"));
  harness.calls.End(1, harness.Token("stronger"));
  harness.calls.End(0, harness.Token("older"));
  EXPECT_THAT(*early, ElementsAre("older"));
  EXPECT_THAT(*challenged, ElementsAre("stronger"));
  EXPECT_THAT(*harness.Ask(kRequest), ElementsAre("stronger"));
}

TEST(NearCacheTest, AForcedRequestNeverJoinsACallThatBeganBeforeIt) {
  NearCacheHarness harness;
  const TokenRequest challenged = Challenged(kRequest, "{}");
  const auto first = harness.Ask(challenged);
  const auto second = harness.Ask(challenged);
  const auto third = harness.Ask(challenged);
  EXPECT_EQ(harness.calls.count(), 1);
  harness.calls.End(0, harness.Token("token-1"));
  EXPECT_THAT(*first, ElementsAre("token-1"));
  EXPECT_THAT(*second, IsEmpty());
  ASSERT_EQ(harness.calls.count(), 2);  // One for all who came during the first.
  harness.calls.End(1, harness.Token("token-2"));
  EXPECT_THAT(*second, ElementsAre("token-2"));
  EXPECT_THAT(*third, ElementsAre("token-2"));
  harness.Ask(challenged);
  EXPECT_EQ(harness.calls.count(), 3);
}

TEST(NearCacheTest, DifferentChallengesDoNotShareACall) {
  NearCacheHarness harness;
  harness.Ask(Challenged(kRequest, R"({"a":1})"));
  harness.Ask(Challenged(kRequest, R"({"a":2})"));
  EXPECT_EQ(harness.calls.count(), 2);
}

TEST(NearCacheTest, AForcedRequestThatFailsLeavesWhatIsKept) {
  NearCacheHarness harness;
  harness.Ask(kRequest);
  harness.calls.End(0, harness.Token("token-1"));
  const auto challenged = harness.Ask(Challenged(kRequest, "{}"));
  harness.calls.End(1, absl::FailedPreconditionError("interaction required"));
  EXPECT_THAT(*challenged, ElementsAre("FAILED_PRECONDITION"));
  EXPECT_THAT(*harness.Ask(kRequest), ElementsAre("token-1"));
}

TEST(NearCacheTest, ATokenThatNobodyUsesGoesFirst) {
  NearCacheHarness harness({/*max_entries=*/2, /*max_waiting=*/10});
  for (int i = 0; i < 3; ++i) {
    harness.Ask(RequestFor(absl::StrCat("r", i)));
    harness.calls.End(i, harness.Token(absl::StrCat("token-", i)));
    EXPECT_TRUE(harness.cache->Find(RequestFor("r0")).has_value());
  }
  EXPECT_EQ(harness.cache->size(), 2u);
  EXPECT_FALSE(harness.cache->Find(RequestFor("r1")).has_value());
  EXPECT_TRUE(harness.cache->Find(RequestFor("r2")).has_value());
}

TEST(NearCacheTest, WithoutEntriesItStillSharesCalls) {
  NearCacheHarness harness({/*max_entries=*/0, /*max_waiting=*/10});
  const auto first = harness.Ask(kRequest);
  const auto second = harness.Ask(kRequest);
  EXPECT_EQ(harness.calls.count(), 1);
  harness.calls.End(0, harness.Token("token-1"));
  EXPECT_THAT(*second, ElementsAre("token-1"));
  EXPECT_FALSE(harness.cache->Find(kRequest).has_value());
}

TEST(NearCacheTest, RefusesWhenTooManyWaitAndRecovers) {
  NearCacheHarness harness({/*max_entries=*/10, /*max_waiting=*/2});
  harness.Ask(kRequest);
  harness.Ask(kRequest);
  EXPECT_THAT(*harness.Ask(RequestFor("billing")), ElementsAre("RESOURCE_EXHAUSTED"));
  harness.calls.End(0, absl::UnavailableError("authority"));
  EXPECT_THAT(*harness.Ask(RequestFor("billing")), IsEmpty());
}

TEST(NearCacheTest, ACallThatOutlivesItsOwnersIsStillAnswered) {
  NearCacheHarness harness;
  const auto answers = harness.Ask(kRequest);
  const AccessToken token = harness.Token("token-1");
  harness.cache.reset();
  harness.calls.End(0, token);
  EXPECT_THAT(*answers, ElementsAre("token-1"));
}

TEST(NearCacheTest, AWaiterLeavesWhenItsTimeIsUpAndTheCallGoesOn) {
  NearCacheHarness harness;
  const NearCache::Result late = harness.cache->GetBlocking(kRequest, absl::Milliseconds(1));
  EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
  harness.calls.End(0, harness.Token("token-1"));
  const NearCache::Result kept = harness.cache->GetBlocking(kRequest, absl::ZeroDuration());
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(kept->Reveal(), "token-1");
}

}  // namespace
}  // namespace tokensvc::client
