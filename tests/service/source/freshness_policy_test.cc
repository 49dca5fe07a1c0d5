// SPDX-License-Identifier: Apache-2.0
#include "service/source/freshness_policy.h"

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

constexpr double kNoJitter = 0.5;

TokenTimes Times(absl::Duration life, std::optional<absl::Duration> refresh_in = std::nullopt,
                 double jitter = kNoJitter) {
  return ComputeTokenTimes(FreshnessPolicy(), life, refresh_in, jitter);
}

TEST(FreshnessPolicyTest, AnHourIsDueAFifthOfItsLifeBeforeItsEnd) {
  EXPECT_EQ(Times(absl::Hours(1)).refresh_after, absl::Minutes(48));
  EXPECT_EQ(Times(absl::Hours(1)).usable_for, absl::Hours(1) - absl::Seconds(30));
}

TEST(FreshnessPolicyTest, TwentyMinutesAreDueFiveMinutesBeforeTheirEnd) {
  EXPECT_EQ(Times(absl::Minutes(20)).refresh_after, absl::Minutes(15));
}

TEST(FreshnessPolicyTest, NothingIsDueBeforeHalfOfItsLife) {
  EXPECT_EQ(Times(absl::Minutes(6)).refresh_after, absl::Minutes(3));
  EXPECT_EQ(Times(absl::Seconds(20)).refresh_after, absl::Seconds(10));
}

TEST(FreshnessPolicyTest, TheSkewIsATenthOfAShortLife) {
  EXPECT_EQ(Times(absl::Seconds(20)).usable_for, absl::Seconds(18));
}

TEST(FreshnessPolicyTest, TheAuthoritysRefreshInIsFollowed) {
  EXPECT_EQ(Times(absl::Hours(24), absl::Hours(12)).refresh_after, absl::Hours(12));
}

TEST(FreshnessPolicyTest, ARefreshInBehindTheExpiryIsCutToTheUsableLife) {
  const TokenTimes times = Times(absl::Hours(1), absl::Hours(2));
  EXPECT_EQ(times.refresh_after, times.usable_for);
}

TEST(FreshnessPolicyTest, JitterMovesTheRefreshByATenthEitherWay) {
  EXPECT_EQ(Times(absl::Hours(24), absl::Hours(10), 0.0).refresh_after, absl::Hours(9));
  EXPECT_NEAR(absl::ToDoubleHours(Times(absl::Hours(24), absl::Hours(10), 0.999999).refresh_after),
              11.0, 0.001);
}

}  // namespace
}  // namespace tokensvc
