// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_health.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc::testing {
namespace {

class RedisHealthTest : public ::testing::Test {
 protected:
  ClockReading Reading(absl::Duration ahead = absl::ZeroDuration()) const {
    return {clock_.Now() + ahead, clock_.Boot()};
  }
  void Connect() { health_.Connected(Reading()); }

  FakeClock clock_;
  CapturingLogger logger_;
  MetricRegistry registry_;
  RedisHealth health_{"redis:6379", clock_, logger_, &registry_};
  const absl::Status lost_ = absl::UnavailableError("lost");
  const absl::Status refused_ = absl::UnavailableError("refused");
};

TEST_F(RedisHealthTest, IsDegradedUntilEveryLoopIsConnected) {
  EXPECT_FALSE(health_.degraded());  // nobody wants a connection
  health_.ClientStarted();
  health_.ClientStarted();
  EXPECT_TRUE(health_.degraded());
  Connect();
  EXPECT_TRUE(health_.degraded());
  Connect();
  EXPECT_FALSE(health_.degraded());
  EXPECT_EQ(health_.connected_clients(), 2u);
  EXPECT_TRUE(health_.last_error().ok());
  health_.Lost(lost_);
  EXPECT_TRUE(health_.degraded());
  EXPECT_EQ(health_.last_error(), lost_);
}

TEST_F(RedisHealthTest, LogsAStateOnceForAllLoopsAndAttempts) {
  health_.ClientStarted();
  health_.ClientStarted();
  Connect();
  EXPECT_EQ(logger_.Count("redis_connected"), 0u);
  Connect();
  EXPECT_EQ(logger_.Count("redis_connected"), 1u);
  health_.Lost(lost_);
  health_.Lost(lost_);
  for (int i = 0; i < 10; ++i) {
    health_.NotConnected(refused_);
    health_.NotConnected(lost_);
  }
  EXPECT_EQ(logger_.Count("redis_lost"), 2u);  // each cause once
  Connect();
  Connect();
  EXPECT_EQ(logger_.Count("redis_connected"), 2u);
  clock_.Advance(absl::Seconds(10));
  health_.Lost(lost_);
  EXPECT_EQ(logger_.Count("redis_lost"), 3u);
}

TEST_F(RedisHealthTest, LogsConnectionsThatNeverHoldOnceAMinute) {
  health_.ClientStarted();
  const auto come_and_go = [&] {
    Connect();
    clock_.Advance(absl::Seconds(1));
    health_.Lost(lost_);
  };
  for (int second = 0; second < 60; ++second) come_and_go();
  EXPECT_EQ(logger_.Count("redis_connected"), 2u);
  EXPECT_EQ(logger_.Count("redis_lost"), 1u);
  come_and_go();
  EXPECT_EQ(logger_.Count("redis_lost"), 2u);
  // The last word is true, and said once.
  for (int attempt = 0; attempt < 100; ++attempt) {
    health_.NotConnected(lost_);
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(logger_.Count("redis_lost"), 2u);
  EXPECT_EQ(logger_.lines().back().event, "redis_lost");
}

TEST_F(RedisHealthTest, ALossSoonAfterAnotherIsLoggedWhenItLasts) {
  health_.ClientStarted();
  Connect();
  health_.Lost(lost_);
  Connect();
  EXPECT_EQ(logger_.lines().back().event, "redis_connected");
  health_.Lost(lost_);
  for (int attempt = 0; attempt < 100; ++attempt) {
    clock_.Advance(absl::Seconds(1));
    health_.NotConnected(lost_);
  }
  EXPECT_EQ(logger_.Count("redis_lost"), 2u);
  EXPECT_EQ(logger_.lines().back().event, "redis_lost");
}

TEST_F(RedisHealthTest, LogsEachRefusalOnceAMinute) {
  for (int i = 0; i < 3; ++i) {
    health_.Refused("OOM");
    health_.Refused("NOPERM");
  }
  EXPECT_EQ(logger_.Count("redis_command_refused"), 2u);
  clock_.Advance(absl::Minutes(1));
  health_.Refused("OOM");
  EXPECT_EQ(logger_.Count("redis_command_refused"), 3u);
}

TEST_F(RedisHealthTest, AClientThatEndsNoLongerCounts) {
  health_.ClientStarted();
  health_.ClientStarted();
  Connect();
  health_.ClientStopped(false);
  EXPECT_FALSE(health_.degraded());
  health_.ClientStopped(true);
  EXPECT_EQ(health_.connected_clients(), 0u);
}

TEST_F(RedisHealthTest, ForgetsTheClockWithTheLastConnection) {
  health_.ClientStarted();
  health_.ClientStarted();
  Connect();
  Connect();
  health_.Lost(lost_);
  EXPECT_TRUE(health_.fleet_clock().Now().ok());
  health_.Lost(lost_);
  EXPECT_FALSE(health_.fleet_clock().Now().ok());
  Connect();
  EXPECT_TRUE(health_.fleet_clock().Now().ok());
  health_.ClientStopped(false);
  EXPECT_TRUE(health_.fleet_clock().Now().ok());
  health_.ClientStopped(true);
  EXPECT_FALSE(health_.fleet_clock().Now().ok());
}

TEST_F(RedisHealthTest, LogsThatTheClocksDifferOnceForAllLoops) {
  int checks = 0;
  RedisHealth health("redis:6379", clock_, logger_, nullptr, [&] { ++checks; });
  for (int loop = 0; loop < 2; ++loop) {
    health.ClientStarted();
    health.Connected(Reading(-absl::Minutes(1)));
    health.ClockRead(Reading(-absl::Minutes(1)));
  }
  EXPECT_EQ(checks, 4);
  EXPECT_EQ(logger_.Count("redis_clock_differs"), 1u);
  EXPECT_EQ(logger_.Count("redis_clock_agrees"), 0u);
  health.ClockRead(Reading(absl::Seconds(10)));
  health.ClockRead(Reading(absl::Seconds(1)));
  EXPECT_EQ(logger_.Count("redis_clock_agrees"), 1u);
}

TEST_F(RedisHealthTest, TheFirstAttemptIsOverWhenItSucceedsOrFails) {
  const auto ends_at_once = [](RedisHealth& health) {
    const auto start = std::chrono::steady_clock::now();
    health.AwaitFirstAttempt(absl::Hours(1));
    return std::chrono::steady_clock::now() - start < std::chrono::minutes(30);
  };
  health_.ClientStarted();
  health_.AwaitFirstAttempt(absl::Milliseconds(1));  // gives up
  Connect();
  EXPECT_TRUE(ends_at_once(health_));
  RedisHealth away("redis:6379", clock_, logger_, nullptr);
  away.ClientStarted();
  std::thread attempt([&] { away.NotConnected(refused_); });
  EXPECT_TRUE(ends_at_once(away));
  attempt.join();
}

TEST_F(RedisHealthTest, PublishesConnectionsAndOffset) {
  health_.ClientStarted();
  Connect();
  health_.ClockRead(Reading(absl::Milliseconds(-250)));
  std::map<std::string, double> values;
  registry_.ForEach([&](const MetricRegistry::Entry& entry) {
    if (entry.computed) values[entry.name] = entry.computed();
  });
  EXPECT_EQ(values["tokensvc_redis_connected"], 1);
  EXPECT_EQ(values["tokensvc_redis_clock_offset_seconds"], -0.25);
}

}  // namespace
}  // namespace tokensvc::testing
