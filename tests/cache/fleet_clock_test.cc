// SPDX-License-Identifier: Apache-2.0
#include "cache/fleet_clock.h"

#include <gtest/gtest.h>

#include "tests/testing/fake_clock.h"

namespace tokensvc {
namespace {

class FleetClockTest : public ::testing::Test {
 protected:
  void Read(absl::Duration ahead) { fleet_.Set({clock_.Now() + ahead, clock_.Boot()}); }

  testing::FakeClock clock_;
  FleetClock fleet_{clock_};
};

TEST_F(FleetClockTest, IsNotKnownBeforeTheFirstReadingNorWhenForgotten) {
  EXPECT_EQ(fleet_.Now().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(fleet_.Offset(), std::nullopt);
  EXPECT_FALSE(fleet_.TooFarOff());
  EXPECT_EQ(fleet_.Estimate(), clock_.Now());
  Read(absl::Hours(1));
  EXPECT_TRUE(fleet_.TooFarOff());
  fleet_.Forget();
  EXPECT_EQ(fleet_.Now().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(fleet_.TooFarOff());
}

TEST_F(FleetClockTest, GoesOnWithTheSteadyClockWhateverTheWallClockDoes) {
  Read(absl::Seconds(2));
  const absl::Time read = clock_.Now() + absl::Seconds(2);
  for (const int jump : {-8, 3, 9}) {
    clock_.JumpWall(absl::Seconds(jump));
    clock_.Advance(absl::Minutes(1));
    const auto now = fleet_.Now();
    ASSERT_TRUE(now.ok()) << jump;
    EXPECT_EQ(now->boot, clock_.Boot());
    EXPECT_EQ(now->wall, clock_.Now());
    clock_.JumpWall(absl::Seconds(-jump));
  }
  EXPECT_EQ(fleet_.Now()->fleet, read + absl::Minutes(3));
  EXPECT_EQ(fleet_.Offset(), absl::Seconds(2));
}

TEST_F(FleetClockTest, AReadingCountsFromWhenItWasMade) {
  const ClockReading reading{clock_.Now() + absl::Seconds(5), clock_.Boot()};
  clock_.Advance(absl::Seconds(1));
  clock_.JumpWall(absl::Seconds(-3));
  fleet_.Set(reading);
  EXPECT_EQ(fleet_.Offset(), absl::Seconds(8));
}

TEST_F(FleetClockTest, IsNotBelievedWhileItIsFarFromTheWallClockAsThatIsNow) {
  Read(absl::Seconds(10));
  EXPECT_TRUE(fleet_.Now().ok());
  for (const int jump : {-1, 3600, -3600}) {
    clock_.JumpWall(absl::Seconds(jump) + (jump > 0 ? absl::Seconds(20) : absl::ZeroDuration()));
    EXPECT_EQ(fleet_.Now().status().code(), absl::StatusCode::kUnavailable) << jump;
    EXPECT_TRUE(fleet_.TooFarOff()) << jump;
    EXPECT_LE(fleet_.Estimate(), clock_.Now());
    clock_.JumpWall(absl::Seconds(-jump) - (jump > 0 ? absl::Seconds(20) : absl::ZeroDuration()));
    EXPECT_TRUE(fleet_.Now().ok()) << jump;
    EXPECT_EQ(fleet_.Estimate(), clock_.Now() + absl::Seconds(10));
  }
}

TEST_F(FleetClockTest, ALyingTimeIsNotBelievedHoweverFarItIs) {
  for (const absl::Time time : {absl::UnixEpoch(), absl::FromUnixSeconds(INT64_MAX)}) {
    fleet_.Set({time, clock_.Boot()});
    clock_.Advance(absl::Hours(24));
    EXPECT_TRUE(fleet_.TooFarOff());
    EXPECT_FALSE(fleet_.Now().ok());
    EXPECT_LE(fleet_.Estimate(), clock_.Now());
  }
}

}  // namespace
}  // namespace tokensvc
