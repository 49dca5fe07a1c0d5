// SPDX-License-Identifier: Apache-2.0
#include "base/token_bucket.h"

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

BootTime At(int ms) { return BootTime(seconds(1000) + milliseconds(ms)); }

const RateLimit kTenPerSecond = RateLimit::Of(10, seconds(1), /*burst=*/5);

TEST(TokenBucketTest, GivesTheBurstAtOnceAndThenOneAtATime) {
  TokenBucket bucket;
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(bucket.Take(kTenPerSecond, 1, At(0)).has_value());
  EXPECT_EQ(bucket.Take(kTenPerSecond, 1, At(0)), milliseconds(100));
  EXPECT_EQ(bucket.Take(kTenPerSecond, 1, At(99)), milliseconds(1));
  EXPECT_FALSE(bucket.Take(kTenPerSecond, 1, At(100)).has_value());
  EXPECT_EQ(bucket.Take(kTenPerSecond, 2, At(100)), milliseconds(200));
}

TEST(TokenBucketTest, APauseFillsItAndNoMore) {
  TokenBucket bucket;
  for (int i = 0; i < 5; ++i) bucket.Take(kTenPerSecond, 1, At(0));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(bucket.Take(kTenPerSecond, 1, At(100'000)).has_value());
  EXPECT_TRUE(bucket.Take(kTenPerSecond, 1, At(100'000)).has_value());
}

TEST(TokenBucketTest, WhatIsRefusedIsNotTaken) {
  TokenBucket bucket;
  EXPECT_FALSE(bucket.Take(kTenPerSecond, 4, At(0)).has_value());
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(bucket.Take(kTenPerSecond, 2, At(0)).has_value());
  EXPECT_FALSE(bucket.Take(kTenPerSecond, 1, At(0)).has_value());
}

TEST(TokenBucketTest, LookingTakesNothing) {
  TokenBucket bucket;
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(bucket.WaitFor(kTenPerSecond, 1, At(0)).has_value());
  for (int i = 0; i < 5; ++i) bucket.Take(kTenPerSecond, 1, At(0));
  EXPECT_EQ(bucket.WaitFor(kTenPerSecond, 1, At(0)), milliseconds(100));
}

TEST(TokenBucketTest, MoreThanABurstNeedsAFullBucketAndIsOwed) {
  TokenBucket bucket;
  bucket.Take(kTenPerSecond, 1, At(0));
  EXPECT_EQ(bucket.Take(kTenPerSecond, 50, At(0)), milliseconds(100));
  EXPECT_FALSE(bucket.Take(kTenPerSecond, 50, At(100)).has_value());
  EXPECT_EQ(bucket.Take(kTenPerSecond, 1, At(100)), milliseconds(4600));
}

TEST(TokenBucketTest, EmptiedItGivesNothingBeforeItsTimeAndOneThen) {
  TokenBucket bucket;
  bucket.EmptyUntil(kTenPerSecond, At(250));
  EXPECT_EQ(bucket.Take(kTenPerSecond, 1, At(0)), milliseconds(250));
  EXPECT_FALSE(bucket.Take(kTenPerSecond, 1, At(250)).has_value());
  EXPECT_TRUE(bucket.Take(kTenPerSecond, 1, At(250)).has_value());
  // What is empty for longer stays so.
  bucket.EmptyUntil(kTenPerSecond, At(260));
  EXPECT_EQ(bucket.Take(kTenPerSecond, 1, At(250)), milliseconds(100));
}

TEST(TokenBucketTest, AChangeOfTheLimitNeitherFillsItNorKeepsAnOldDebt) {
  const RateLimit slow = RateLimit::Of(1, seconds(1), /*burst=*/5);
  TokenBucket bucket;
  for (int i = 0; i < 3; ++i) bucket.Take(slow, 1, At(0));
  bucket.Change(slow, kTenPerSecond, At(0));
  // Three of five are missing still.
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(bucket.Take(kTenPerSecond, 1, At(0)).has_value());
  EXPECT_EQ(bucket.Take(kTenPerSecond, 1, At(0)), milliseconds(100)) << "at the new rate";

  bucket.Change(kTenPerSecond, slow, At(0));
  EXPECT_EQ(bucket.Take(slow, 1, At(0)), seconds(1));

  const RateLimit wide = RateLimit::Of(1, seconds(1), /*burst=*/1000);
  const RateLimit narrow = RateLimit::Of(1, seconds(1), /*burst=*/2);
  TokenBucket spent;
  for (int i = 0; i < 1000; ++i) spent.Take(wide, 1, At(0));
  spent.Change(wide, narrow, At(0));
  EXPECT_EQ(spent.Take(narrow, 1, At(0)), seconds(1)) << "no more than a burst is missing";
}

TEST(TokenBucketTest, AClockThatStandsOrGoesBackGivesNothing) {
  TokenBucket bucket;
  for (int i = 0; i < 5; ++i) bucket.Take(kTenPerSecond, 1, At(1000));
  EXPECT_TRUE(bucket.Take(kTenPerSecond, 1, At(1000)).has_value());
  EXPECT_TRUE(bucket.Take(kTenPerSecond, 1, At(0)).has_value());
}

TEST(TokenBucketTest, RatesBeyondAllReasonAreStillRates) {
  const RateLimit most = RateLimit::Of(10'000'000'000, seconds(1), 1);
  EXPECT_GT(most.interval.count(), 0);
  TokenBucket bucket;
  EXPECT_FALSE(bucket.Take(most, 1, At(0)).has_value());
}

}  // namespace
}  // namespace tokensvc
