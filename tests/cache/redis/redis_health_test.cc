// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_health.h"

#include <gtest/gtest.h>

#include "tests/testing/capturing_logger.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc::testing {
namespace {

class RedisHealthTest : public ::testing::Test {
 protected:
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
  health_.Connected();
  EXPECT_TRUE(health_.degraded());
  health_.Connected();
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
  health_.Connected();
  EXPECT_EQ(logger_.Count("redis_connected"), 0u);
  health_.Connected();
  EXPECT_EQ(logger_.Count("redis_connected"), 1u);
  health_.Lost(lost_);
  health_.Lost(lost_);
  for (int i = 0; i < 10; ++i) {
    health_.NotConnected(refused_);
    health_.NotConnected(lost_);
  }
  EXPECT_EQ(logger_.Count("redis_lost"), 2u);  // each cause once
  health_.Connected();
  health_.Connected();
  EXPECT_EQ(logger_.Count("redis_connected"), 2u);
  clock_.Advance(absl::Seconds(10));
  health_.Lost(lost_);
  EXPECT_EQ(logger_.Count("redis_lost"), 3u);
}

TEST_F(RedisHealthTest, LogsConnectionsThatNeverHoldOnceAMinute) {
  health_.ClientStarted();
  const auto come_and_go = [&] {
    health_.Connected();
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
  health_.Connected();
  health_.Lost(lost_);
  health_.Connected();
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
  health_.Connected();
  health_.ClientStopped(false);
  EXPECT_FALSE(health_.degraded());
  health_.ClientStopped(true);
  EXPECT_EQ(health_.connected_clients(), 0u);
}

TEST_F(RedisHealthTest, PublishesConnectionsAndOffset) {
  health_.ClientStarted();
  health_.Connected();
  health_.clock_offset().Set(absl::Milliseconds(-250));
  std::map<std::string, double> values;
  registry_.ForEach([&](const MetricRegistry::Entry& entry) {
    if (entry.computed) values[entry.name] = entry.computed();
  });
  EXPECT_EQ(values["tokensvc_redis_connected"], 1);
  EXPECT_EQ(values["tokensvc_redis_clock_offset_seconds"], -0.25);
}

}  // namespace
}  // namespace tokensvc::testing
