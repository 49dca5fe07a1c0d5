// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/denial_limiter.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc {
namespace {

class DenialLimiterTest : public ::testing::Test {
 protected:
  int Admitted(absl::string_view caller, int attempts) {
    int admitted = 0;
    for (int i = 0; i < attempts; ++i) {
      admitted += limiter_.Admit(caller, clock_.Boot(), clock_.Now());
    }
    return admitted;
  }

  testing::FakeClock clock_;
  DenialLimiter limiter_{10, 25};
};

TEST_F(DenialLimiterTest, HoldsEachCallerToItsOwnLimitInEverySecond) {
  EXPECT_EQ(Admitted("a", 100), 10);
  EXPECT_EQ(Admitted("b", 5), 5);
  clock_.Advance(absl::Milliseconds(999));
  EXPECT_EQ(Admitted("a", 100), 0);
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(Admitted("a", 100), 10);
}

TEST_F(DenialLimiterTest, HoldsAllTogetherToTheLimitInTotal) {
  int admitted = 0;
  for (int i = 0; i < 1000; ++i) admitted += Admitted(absl::StrCat("caller-", i), 1);
  EXPECT_EQ(admitted, 25);
}

TEST_F(DenialLimiterTest, TellsOnceWhatWasLeftOutAndOfWhom) {
  const absl::Time first = clock_.Now();
  Admitted("a", 12);
  clock_.Advance(absl::Milliseconds(500));
  Admitted("a", 3);
  Admitted("b", 10);
  const absl::Time last = clock_.Now();
  EXPECT_TRUE(limiter_.TakeLeftOut(clock_.Boot()).empty()) << "the second still runs";
  clock_.Advance(absl::Seconds(1));
  const auto left_out = limiter_.TakeLeftOut(clock_.Boot());
  ASSERT_EQ(left_out.size(), 1u);
  EXPECT_EQ(left_out[0].caller, "a");
  EXPECT_EQ(left_out[0].count, 5u);
  EXPECT_EQ(left_out[0].first, first);
  EXPECT_EQ(left_out[0].last, last);
  EXPECT_TRUE(limiter_.TakeLeftOut(clock_.Boot()).empty());
  EXPECT_TRUE(limiter_.TakeAllLeftOut().empty());
}

TEST_F(DenialLimiterTest, ForgetsNoneOfVeryManyCallersAndRemembersFewOfThem) {
  std::uint64_t admitted = 0;
  std::uint64_t told = 0;
  for (int second = 0; second < 3; ++second) {
    for (int i = 0; i < 1000; ++i) {
      admitted += static_cast<std::uint64_t>(Admitted(absl::StrCat("c-", second, "-", i), 20));
    }
    clock_.Advance(absl::Seconds(1));
  }
  const auto left_out = limiter_.TakeLeftOut(clock_.Boot());
  EXPECT_LE(left_out.size(), 26u);
  for (const auto& each : left_out) told += each.count;
  EXPECT_EQ(admitted, 75u);
  EXPECT_EQ(admitted + told, 60'000u);
}

TEST_F(DenialLimiterTest, TellsOfTheRunningSecondAtTheEndAndGoesOnLimiting) {
  Admitted("a", 15);
  const auto left_out = limiter_.TakeAllLeftOut();
  ASSERT_EQ(left_out.size(), 1u);
  EXPECT_EQ(left_out[0].count, 5u);
  EXPECT_EQ(Admitted("a", 5), 0);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(limiter_.TakeLeftOut(clock_.Boot()).at(0).count, 5u);
}

}  // namespace
}  // namespace tokensvc
