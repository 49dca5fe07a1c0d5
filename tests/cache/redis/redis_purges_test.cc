// SPDX-License-Identifier: Apache-2.0
// Purges among replicas over a real redis-server, which dies, forgets and is written to by others.
#include "cache/redis/redis_purges.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/cache/redis/least_privilege.h"
#include "tests/cache/redis/purge_replica.h"
#include "tests/cache/redis/redis_server.h"
#include "tests/testing/tcp_proxy.h"

namespace tokensvc::testing {
namespace {

std::string Now(absl::Duration ahead = absl::ZeroDuration()) {
  return absl::StrCat(absl::ToUnixMicros(absl::Now() + ahead));
}

class RedisPurgesTest : public ::testing::Test {
 protected:
  std::string Score(const std::string& scope) const {
    return server_.Command({"ZSCORE", kEpochsKey, OpaqueName(scope)});
  }
  void WriteScore(const std::string& scope, const std::string& score) const {
    server_.Command({"ZADD", kEpochsKey, score, OpaqueName(scope)});
  }
  bool WaitUntilStored(const std::string& scope, std::uint64_t epoch) const {
    return RedisHarness::Eventually([&] { return Score(scope) == absl::StrCat(epoch); });
  }

  RedisServer server_;
};

TEST_F(RedisPurgesTest, APurgeReachesTheOtherReplica) {
  PurgeReplica a(server_.port()), b(server_.port());
  ASSERT_TRUE(a.WaitUntilCurrent() && b.WaitUntilCurrent());
  ASSERT_TRUE(a.Purge("contoso").ok());
  ASSERT_TRUE(b.WaitUntilPurged("contoso"));
  EXPECT_EQ(b.EpochOf("contoso"), a.EpochOf("contoso"));
  EXPECT_EQ(b.EpochOf("fabrikam"), 0u);
  EXPECT_EQ(Score("contoso"), absl::StrCat(a.EpochOf("contoso")));
  EXPECT_EQ(server_.Command({"TTL", kEpochsKey}), "-1") << "epochs never expire";
}

TEST_F(RedisPurgesTest, EveryPurgeIsGreaterThanTheLastWhoeverMakesIt) {
  PurgeReplica a(server_.port()), b(server_.port());
  ASSERT_TRUE(a.WaitUntilCurrent() && b.WaitUntilCurrent());
  std::uint64_t last = 0;
  for (int i = 0; i < 20; ++i) {
    PurgeReplica& who = i % 2 == 0 ? a : b;
    ASSERT_TRUE(who.Purge("contoso").ok());
    EXPECT_GT(who.EpochOf("contoso"), last);
    last = who.EpochOf("contoso");
  }
  EXPECT_TRUE(a.WaitUntilPurged("contoso", last - 1) && b.WaitUntilPurged("contoso", last - 1));
}

TEST_F(RedisPurgesTest, AReplicaThatComesLaterKnowsWhatWasPurgedBeforeItIsCurrent) {
  PurgeReplica a(server_.port());
  ASSERT_TRUE(a.WaitUntilCurrent());
  ASSERT_TRUE(a.Purge("contoso").ok());
  PurgeReplica b(server_.port());
  EXPECT_FALSE(b.epochs.current() && b.EpochOf("contoso") == 0);
  ASSERT_TRUE(b.WaitUntilCurrent());
  EXPECT_EQ(b.EpochOf("contoso"), a.EpochOf("contoso"));
}

TEST_F(RedisPurgesTest, AReplicaThatWasCutOffLearnsBeforeItIsCurrentAgain) {
  PurgeReplica a(server_.port());
  TcpProxy proxy(server_.port());
  PurgeReplica b(proxy.port());
  ASSERT_TRUE(a.WaitUntilCurrent() && b.WaitUntilCurrent());
  proxy.SetTarget(FreePort());
  ASSERT_TRUE(b.WaitUntilNotCurrent());
  ASSERT_TRUE(a.Purge("contoso").ok());
  EXPECT_EQ(b.EpochOf("contoso"), 0u);
  proxy.SetTarget(server_.port());
  ASSERT_TRUE(RedisHarness::Eventually([&] {
    const bool current = b.epochs.current();
    // In this order: what is current has read it.
    EXPECT_TRUE(!current || b.EpochOf("contoso") > 0);
    return current;
  }));
}

TEST_F(RedisPurgesTest, AConnectionThatIsKilledIsReplacedAndNothingIsMissed) {
  PurgeReplica a(server_.port()), b(server_.port());
  ASSERT_TRUE(a.WaitUntilCurrent() && b.WaitUntilCurrent());
  const std::int64_t readings = b.metrics.readings.Value();
  server_.Command({"CLIENT", "KILL", "TYPE", "pubsub"});
  ASSERT_TRUE(a.Purge("contoso").ok());
  EXPECT_TRUE(b.WaitUntilPurged("contoso"));
  EXPECT_TRUE(b.WaitUntilCurrent());
  EXPECT_GT(b.metrics.readings.Value(), readings);
  EXPECT_EQ(b.redis.logger.Count("purge_epochs_unknown"), 1u);
  EXPECT_EQ(b.redis.logger.Count("purge_epochs_known"), 1u);
}

TEST_F(RedisPurgesTest, AServerThatHangsIsNoticedByTheHeartbeat) {
  RedisOptions options = PatientOptions(server_.port());
  options.command_timeout = absl::Milliseconds(100);
  options.connect_timeout = absl::Milliseconds(200);
  PurgeReplica a(options);
  ASSERT_TRUE(a.WaitUntilCurrent());
  server_.Pause();
  EXPECT_TRUE(a.WaitUntilNotCurrent()) << "nothing was sent, and nothing closed";
  server_.Resume();
  EXPECT_TRUE(a.WaitUntilCurrent());
}

TEST_F(RedisPurgesTest, WhatAFlushLostIsWrittenBackByWhoKnowsIt) {
  PurgeReplica a(server_.port());
  ASSERT_TRUE(a.WaitUntilCurrent());
  ASSERT_TRUE(a.Purge("contoso").ok());
  server_.Command({"FLUSHALL"});
  EXPECT_TRUE(WaitUntilStored("contoso", a.EpochOf("contoso")));
  EXPECT_TRUE(a.epochs.current());
  // And the next purge is greater than what was lost, wherever it is made.
  PurgeReplica b(server_.port());
  ASSERT_TRUE(b.WaitUntilCurrent());
  const std::uint64_t before = a.EpochOf("contoso");
  server_.Command({"FLUSHALL"});
  ASSERT_TRUE(b.Purge("contoso").ok());
  EXPECT_GT(b.EpochOf("contoso"), before);
  EXPECT_TRUE(a.WaitUntilPurged("contoso", before));
}

TEST_F(RedisPurgesTest, ARestartThatLosesEverythingLosesNoPurge) {
  PurgeReplica a(server_.port());
  ASSERT_TRUE(a.WaitUntilCurrent());
  ASSERT_TRUE(a.Purge("contoso").ok());
  server_.Kill();
  ASSERT_TRUE(a.WaitUntilNotCurrent());
  server_.Restart();
  ASSERT_TRUE(a.WaitUntilCurrent());
  EXPECT_TRUE(WaitUntilStored("contoso", a.EpochOf("contoso")));
}

TEST_F(RedisPurgesTest, APurgeWhileRedisIsDownHoldsHereAndReachesTheOthersLater) {
  PurgeReplica a(server_.port());
  ASSERT_TRUE(a.WaitUntilCurrent());
  server_.Kill();
  const absl::Status refused = a.Purge("contoso", absl::Milliseconds(200));
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable) << refused;
  const std::uint64_t here = a.EpochOf("contoso");
  EXPECT_GT(here, 0u);
  server_.Restart();
  PurgeReplica b(server_.port());
  EXPECT_TRUE(b.WaitUntilPurged("contoso", here - 1));
  EXPECT_TRUE(a.Purge("contoso").ok());
}

TEST_F(RedisPurgesTest, APurgeDuringAShortOutageIsTakenWhenRedisIsBack) {
  PurgeReplica a(server_.port());
  ASSERT_TRUE(a.WaitUntilCurrent());
  server_.Kill();
  std::future<absl::Status> purge =
      std::async(std::launch::async, [&a] { return a.Purge("contoso"); });
  server_.Restart();
  EXPECT_TRUE(purge.get().ok());
  EXPECT_NE(Score("contoso"), "(nil)");
}

TEST_F(RedisPurgesTest, SomebodyWhoLowersOrDeletesEpochsChangesNothingHere) {
  PurgeReplica a(server_.port());
  ASSERT_TRUE(a.WaitUntilCurrent());
  ASSERT_TRUE(a.Purge("contoso").ok());
  const std::uint64_t epoch = a.EpochOf("contoso");
  for (const char* score : {"1", "-5", "0.5", "-inf", "0"}) {
    WriteScore("contoso", score);
    EXPECT_TRUE(WaitUntilStored("contoso", epoch)) << score;
    EXPECT_EQ(a.EpochOf("contoso"), epoch) << score;
  }
  server_.Command({"ZREM", kEpochsKey, OpaqueName("contoso")});
  EXPECT_TRUE(WaitUntilStored("contoso", epoch));
  EXPECT_EQ(a.EpochOf("contoso"), epoch);
  EXPECT_TRUE(a.epochs.current());
}

TEST_F(RedisPurgesTest, WhatNobodyCanHaveWrittenIsIgnoredAndOverwrittenByTheNextPurge) {
  for (const std::string score : {"inf", "9007199254740991", "1e300"}) {
    WriteScore("contoso", score);
    server_.Command({"ZADD", kEpochsKey, Now(), "no name"});
    server_.Command({"ZADD", kEpochsKey, score, "*"});
    PurgeReplica a(server_.port()), b(server_.port());
    ASSERT_TRUE(a.WaitUntilCurrent() && b.WaitUntilCurrent());
    EXPECT_EQ(a.epochs.size(), 0u) << score;
    EXPECT_EQ(a.epochs.floor(), 0u) << score;
    EXPECT_EQ(a.metrics.ignored.Value(), 3) << score;
    ASSERT_TRUE(a.Purge("contoso").ok());
    EXPECT_TRUE(b.WaitUntilPurged("contoso")) << score;
    EXPECT_LE(b.EpochOf("contoso"),
              static_cast<std::uint64_t>(absl::ToUnixMicros(absl::Now() + absl::Minutes(1))))
        << score;
  }
}

TEST_F(RedisPurgesTest, SomebodyWhoRaisesAnEpochIsFollowedAndOutdone) {
  PurgeReplica a(server_.port());
  ASSERT_TRUE(a.WaitUntilCurrent());
  WriteScore("contoso", Now(absl::Hours(20)));
  ASSERT_TRUE(a.WaitUntilPurged("contoso"));
  const std::uint64_t raised = a.EpochOf("contoso");
  ASSERT_TRUE(a.Purge("contoso").ok());
  EXPECT_GT(a.EpochOf("contoso"), raised);
  EXPECT_TRUE(WaitUntilStored("contoso", a.EpochOf("contoso")));
}

TEST_F(RedisPurgesTest, AValueOfAnotherTypeIsNothingAndIsReplaced) {
  PurgeReplica a(server_.port());
  ASSERT_TRUE(a.WaitUntilCurrent());
  ASSERT_TRUE(a.Purge("contoso").ok());
  server_.Command({"SET", kEpochsKey, "garbage"});
  EXPECT_TRUE(WaitUntilStored("contoso", a.EpochOf("contoso")));
  server_.Command({"SET", kEpochsKey, "garbage"});
  EXPECT_TRUE(a.Purge("fabrikam").ok());
  EXPECT_TRUE(a.epochs.current());
}

TEST_F(RedisPurgesTest, WhoWritesWithoutAPauseCostsFewReadings) {
  PurgeReplica a(server_.port());
  ASSERT_TRUE(a.WaitUntilCurrent());
  const std::int64_t before = a.metrics.readings.Value();
  const absl::Time began = absl::Now();
  for (int i = 0; i < 2000; ++i) WriteScore(absl::StrCat("scope", i), Now());
  const absl::Duration took = absl::Now() - began;
  ASSERT_TRUE(a.WaitUntilPurged("scope1999"));
  // One at once, and then one in 50 ms.
  EXPECT_LE(a.metrics.readings.Value() - before,
            2 + 2 * static_cast<std::int64_t>((took + absl::Seconds(1)) / absl::Milliseconds(50)));
  EXPECT_EQ(a.epochs.size(), 2000u);
}

TEST_F(RedisPurgesTest, MoreThanThereIsRoomForLeavesAFloor) {
  const std::string fill =
      "for i = 1, tonumber(ARGV[1]) do redis.call('ZADD', KEYS[1], 1000000 + i, "
      "string.format('%043d', i)) end";
  server_.Command({"EVAL", fill, "1", kEpochsKey, absl::StrCat(PurgeEpochs::kMaxScopes)});
  PurgeReplica a(server_.port());
  ASSERT_TRUE(a.WaitUntilCurrent());
  ASSERT_TRUE(a.Purge("contoso").ok());
  EXPECT_EQ(server_.Command({"ZSCORE", kEpochsKey, "*"}), "1001025");
  EXPECT_EQ(server_.Command({"ZCARD", kEpochsKey}), "15361");
  PurgeReplica b(server_.port());
  ASSERT_TRUE(b.WaitUntilCurrent());
  EXPECT_EQ(b.EpochOf("contoso"), a.EpochOf("contoso"));
  EXPECT_EQ(b.epochs.floor(), 1001025u);
  // Somebody else's entries, more than are read: the rest is covered by a floor, too.
  server_.Command({"EVAL", fill, "1", kEpochsKey, "40000"});
  PurgeReplica c(server_.port());
  ASSERT_TRUE(c.WaitUntilCurrent());
  EXPECT_EQ(c.EpochOf("contoso"), a.EpochOf("contoso"));
  EXPECT_GE(c.epochs.floor(), 1023617u);
  EXPECT_LE(c.epochs.size(), PurgeEpochs::kMaxScopes);
}

TEST(PurgeUserTest, AUserWhoMayNotListenIsToldAndNothingIsCurrent) {
  RedisServer::Options options;
  options.acl = LeastPrivilegeAcl();
  RedisServer server(options);
  server.Command({"ACL", "SETUSER", "tokensvc", "-client|tracking"});
  PurgeReplica a(ServiceUserOptions(server.port()));
  ASSERT_TRUE(
      RedisHarness::Eventually([&] { return a.redis.logger.Count("redis_command_refused") > 0; }));
  EXPECT_TRUE(absl::StrContains(a.redis.logger.AllText(), "command=CLIENT TRACKING"));
  EXPECT_FALSE(a.epochs.current());
  server.Command({"ACL", "SETUSER", "tokensvc", "+client|tracking"});
  EXPECT_TRUE(a.WaitUntilCurrent());
  EXPECT_TRUE(a.Purge("contoso").ok());
}

}  // namespace
}  // namespace tokensvc::testing
