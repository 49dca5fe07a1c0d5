// SPDX-License-Identifier: Apache-2.0
#include "service/access/refreshing_issuer_keys.h"

#include <gmock/gmock.h>

#include "tests/service/access/issuer_keys_fixture.h"

namespace tokensvc {
namespace {

using ::testing::SizeIs;

class RefreshingIssuerKeysTest : public testing::IssuerKeysFixture {
 protected:
  /// Keys that were fetched once.
  std::shared_ptr<RefreshingIssuerKeys> MakeLoaded(IssuerKeysPolicy policy = IssuerKeysPolicy()) {
    transport_.Push(200, SetOf("first"));
    auto keys = MakeKeys(policy);
    EXPECT_NE(Ask(*keys), nullptr);
    return keys;
  }
};

TEST_F(RefreshingIssuerKeysTest, LooksOnUseOnlyAndOnceAnHour) {
  const auto keys = MakeLoaded();
  Poll();
  clock_.Advance(absl::Minutes(59));
  EXPECT_NE(Ask(*keys), nullptr);
  EXPECT_THAT(transport_.requests(), SizeIs(1));
  clock_.Advance(absl::Hours(3));
  Poll();
  EXPECT_THAT(transport_.requests(), SizeIs(1));
  EXPECT_EQ(metrics_.loaded.Value(), 1);
  EXPECT_EQ(logger_.Count("issuer_keys_loaded"), 1u);
}

TEST_F(RefreshingIssuerKeysTest, OldKeysAreAnsweredWhileTheNextAreFetched) {
  const auto keys = MakeLoaded();
  clock_.Advance(absl::Hours(1));
  transport_.Hold();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Ask(*keys)->keys()[0].kid, "first");
  EXPECT_THAT(transport_.requests(), SizeIs(2));
  transport_.Push(200, SetOf("second"));
  transport_.Release();
  Poll();
  EXPECT_EQ(keys->Current()->keys()[0].kid, "second");
}

TEST_F(RefreshingIssuerKeysTest, EqualKeysStayTheSameObject) {
  const auto keys = MakeLoaded();
  const Snapshot before = keys->Current();
  clock_.Advance(absl::Hours(1));
  transport_.Push(200, SetOf("first"));
  EXPECT_EQ(Ask(*keys), before);
  EXPECT_THAT(transport_.requests(), SizeIs(2));
  EXPECT_EQ(logger_.Count("issuer_keys_loaded"), 1u);
}

TEST_F(RefreshingIssuerKeysTest, CacheControlShortensTheHourDownToFiveMinutes) {
  struct Case {
    const char* header;
    absl::Duration fresh;
  };
  for (const Case& c : {Case{"public, max-age=900", absl::Minutes(15)},
                        Case{"max-age=1", absl::Minutes(5)}, Case{"no-store", absl::Minutes(5)},
                        Case{"max-age=86400", absl::Hours(1)}, Case{"max-age=-1", absl::Hours(1)},
                        Case{"max-age=99999999999999", absl::Hours(1)}, Case{"", absl::Hours(1)}}) {
    const std::size_t before = transport_.requests().size();
    transport_.Push(200, SetOf("k"), {{"cache-control", c.header}});
    const auto keys = MakeKeys();
    ASSERT_NE(Ask(*keys), nullptr);
    clock_.Advance(c.fresh - absl::Seconds(1));
    Ask(*keys);
    EXPECT_THAT(transport_.requests(), SizeIs(before + 1)) << c.header;
    clock_.Advance(absl::Seconds(1));
    Ask(*keys);
    EXPECT_THAT(transport_.requests(), SizeIs(before + 2)) << c.header;
  }
}

TEST_F(RefreshingIssuerKeysTest, KeysOutliveFailuresForADay) {
  const auto keys = MakeLoaded();
  clock_.Advance(absl::Hours(24) - absl::Seconds(1));
  EXPECT_NE(Ask(*keys), nullptr);
  EXPECT_EQ(metrics_.failed.Value(), 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(keys->Current(), nullptr);
  clock_.Advance(absl::Minutes(1));
  transport_.Push(200, SetOf("second"));
  EXPECT_NE(Ask(*keys), nullptr);
}

TEST_F(RefreshingIssuerKeysTest, WhatIsNoKeySetLeavesTheOldKeysInForce) {
  const auto keys = MakeLoaded();
  for (const char* body :
       {"<html>canary</html>", "", "{}", R"({"keys":[]})",
        R"({"keys":[{"kty":"oct","k":"canary"}]})", R"({"keys":[],"keys":[]})"}) {
    clock_.Advance(absl::Hours(1));
    transport_.Push(200, body);
    ASSERT_NE(Ask(*keys), nullptr) << body;
    EXPECT_EQ(keys->Current()->keys()[0].kid, "first");
  }
  for (const int status : {204, 301, 404, 500}) {
    clock_.Advance(absl::Hours(1));
    transport_.Push(status, SetOf("canary"));
    EXPECT_EQ(Ask(*keys)->keys()[0].kid, "first") << status;
  }
  EXPECT_EQ(metrics_.failed.Value(), 10);
}

TEST_F(RefreshingIssuerKeysTest, TheSameFailureIsLoggedOnce) {
  const auto keys = MakeLoaded();
  for (int i = 0; i < 5; ++i) {
    clock_.Advance(absl::Hours(1));
    Ask(*keys);
  }
  EXPECT_EQ(metrics_.failed.Value(), 5);
  EXPECT_EQ(logger_.Count("issuer_keys_failed"), 1u);
  clock_.Advance(absl::Hours(1));
  transport_.Push(200, SetOf("first"));
  Ask(*keys);
  EXPECT_EQ(logger_.Count("issuer_keys_loaded"), 2u) << "that it is over is said once too";
}

TEST_F(RefreshingIssuerKeysTest, WithoutKeysFailuresBackOff) {
  const auto keys = MakeKeys();
  std::size_t requests = 0;
  for (const int wait : {5, 10, 20, 40, 60, 60}) {
    EXPECT_EQ(Ask(*keys), nullptr);
    EXPECT_THAT(transport_.requests(), SizeIs(++requests));
    clock_.Advance(absl::Seconds(wait) - absl::Milliseconds(1));
    Ask(*keys);
    const Answer answer = Wait(*keys, nullptr);
    EXPECT_TRUE(answer->has_value()) << "there is nothing to wait for";
    EXPECT_THAT(transport_.requests(), SizeIs(requests));
    clock_.Advance(absl::Milliseconds(1));
  }
}

TEST_F(RefreshingIssuerKeysTest, TheFirstCallersShareOneLook) {
  const auto keys = MakeKeys();
  transport_.Hold();
  std::vector<Answer> answers;
  for (int i = 0; i < 100; ++i) answers.push_back(Wait(*keys, keys->Current()));
  Poll();
  EXPECT_THAT(transport_.requests(), SizeIs(1));
  EXPECT_FALSE(answers[0]->has_value());
  transport_.Push(200, SetOf("first"));
  transport_.Release();
  Poll();
  for (const Answer& answer : answers) {
    ASSERT_TRUE(answer->has_value());
    EXPECT_EQ(**answer, keys->Current());
  }
}

TEST_F(RefreshingIssuerKeysTest, AnUnknownKeyCausesOneLookIn30Seconds) {
  const auto keys = MakeLoaded();
  const Snapshot first = keys->Current();
  clock_.Advance(absl::Seconds(29));
  const Answer too_soon = Wait(*keys, first);
  EXPECT_TRUE(too_soon->has_value());
  EXPECT_THAT(transport_.requests(), SizeIs(1));
  clock_.Advance(absl::Seconds(1));
  transport_.Push(200, SetOf("first"));
  const Answer looked = Wait(*keys, first);
  Poll();
  ASSERT_TRUE(looked->has_value());
  EXPECT_EQ(**looked, first);
  EXPECT_THAT(transport_.requests(), SizeIs(2));
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(Wait(*keys, first)->has_value());
  Poll();
  EXPECT_THAT(transport_.requests(), SizeIs(2));
}

TEST_F(RefreshingIssuerKeysTest, FailedLooksCountAgainstTheLimitToo) {
  const auto keys = MakeLoaded();
  clock_.Advance(absl::Seconds(30));
  Answer answer = Wait(*keys, keys->Current());
  Poll();
  ASSERT_TRUE(answer->has_value());
  EXPECT_THAT(transport_.requests(), SizeIs(2));
  clock_.Advance(absl::Seconds(29));
  EXPECT_TRUE(Wait(*keys, keys->Current())->has_value());
  EXPECT_THAT(transport_.requests(), SizeIs(2));
  clock_.Advance(absl::Seconds(1));
  Wait(*keys, keys->Current());
  Poll();
  EXPECT_THAT(transport_.requests(), SizeIs(3));
}

TEST_F(RefreshingIssuerKeysTest, RotatedKeysAreThereAfterOneLook) {
  const auto keys = MakeLoaded();
  const Snapshot first = keys->Current();
  clock_.Advance(absl::Minutes(1));
  transport_.Push(200, SetOf("second"));
  const Answer answer = Wait(*keys, first);
  Poll();
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((**answer)->keys()[0].kid, "second");
  // Who comes with the old ones in hand gets the new ones at once.
  EXPECT_EQ(**Wait(*keys, first), keys->Current());
  EXPECT_THAT(transport_.requests(), SizeIs(2));
}

TEST_F(RefreshingIssuerKeysTest, NobodyWaitsLongerThanHeWants) {
  const auto keys = MakeLoaded();
  clock_.Advance(absl::Minutes(1));
  transport_.Hold();
  const Answer patient = Wait(*keys, keys->Current());
  const Answer hasty = Wait(*keys, keys->Current(), absl::Milliseconds(1));
  EXPECT_TRUE(Wait(*keys, keys->Current(), absl::ZeroDuration())->has_value());
  RunUntil([&] { return hasty->has_value(); });
  ASSERT_TRUE(hasty->has_value());
  EXPECT_EQ(**hasty, keys->Current());
  EXPECT_FALSE(patient->has_value());
  transport_.Push(200, SetOf("second"));
  transport_.Release();
  Poll();
  EXPECT_TRUE(patient->has_value());
}

TEST_F(RefreshingIssuerKeysTest, NotMoreWaitThanAreAllowed) {
  IssuerKeysPolicy policy;
  policy.max_waiting = 2;
  const auto keys = MakeLoaded(policy);
  clock_.Advance(absl::Minutes(1));
  transport_.Hold();
  const Answer a = Wait(*keys, keys->Current()), b = Wait(*keys, keys->Current());
  EXPECT_TRUE(Wait(*keys, keys->Current())->has_value());
  Poll();
  EXPECT_FALSE(a->has_value());
  transport_.Release();
  Poll();
  EXPECT_TRUE(a->has_value() && b->has_value());
  clock_.Advance(absl::Minutes(1));
  EXPECT_FALSE(Wait(*keys, keys->Current())->has_value()) << "places are given back";
  Poll();
}

TEST_F(RefreshingIssuerKeysTest, MayEndWhileALookIsUnderWay) {
  auto keys = MakeKeys();
  transport_.Hold();
  const Answer answer = Wait(*keys, nullptr);
  Poll();
  keys.reset();
  transport_.Push(200, SetOf("first"));
  transport_.Release();
  Poll();
  ASSERT_TRUE(answer->has_value());
  EXPECT_NE(**answer, nullptr);
}

TEST_F(RefreshingIssuerKeysTest, MayOutliveTheLoop) {
  std::shared_ptr<RefreshingIssuerKeys> keys;
  Answer answer;
  testing::FakeHttpTransport transport;
  {
    asio::io_context loop(1);
    keys = RefreshingIssuerKeys::Create(
        "main", std::make_unique<HttpJwkSetSource>(issuer_, jwks_url_, transport),
        IssuerKeysPolicy(), {loop, clock_, logger_, metrics_});
    transport.Hold();
    answer = Wait(*keys, nullptr);
    loop.poll();
    EXPECT_THAT(transport.requests(), SizeIs(1));
    // The fake keeps timers of the loop for those that it holds.
    transport.Release();
  }
  EXPECT_FALSE(answer->has_value());
}

}  // namespace
}  // namespace tokensvc
