// SPDX-License-Identifier: Apache-2.0
// What is read of purges where a Redis, or whoever answers in its place, says anything at all.
#include "cache/redis/redis_purge_set.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/cache/redis/fake_redis.h"
#include "tests/cache/redis/purge_replica.h"

namespace tokensvc::testing {
namespace {

RespValue Text(std::string text) {
  RespValue value;
  value.kind = RespValue::Kind::kString;
  value.text = std::move(text);
  return value;
}
RespValue Error(std::string text) {
  RespValue value;
  value.kind = RespValue::Kind::kError;
  value.text = std::move(text);
  return value;
}
RespValue Array(std::vector<RespValue> elements) {
  RespValue value;
  value.kind = RespValue::Kind::kArray;
  value.elements = std::move(elements);
  return value;
}

class PurgeSetParseTest : public ::testing::Test {
 protected:
  /// The replies of an empty set, with `page` as the first page and `floor`.
  absl::StatusOr<PurgeReading> Parse(std::vector<RespValue> page, RespValue floor = {}) const {
    std::vector<RespValue> replies(RedisPurgeSet("k").ReadCommands().size(), Array({}));
    replies[0] = std::move(floor);
    replies[1] = Array(std::move(page));
    return RedisPurgeSet::Parse(replies, now_);
  }
  /// How many entries such a score makes.
  std::size_t Accepted(const std::string& score) const {
    return Parse({Text(OpaqueName("a")), Text(score)})->state.epochs.size();
  }
  std::string Micros(absl::Duration ahead) const {
    return absl::StrCat(absl::ToUnixMicros(now_ + ahead));
  }

  const absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
};

TEST_F(PurgeSetParseTest, ReadsNamesAndEpochs) {
  const auto reading = Parse(
      {Text(OpaqueName("a")), Text("5"), Text(OpaqueName("b")), Text("4"), Text("*"), Text("3")},
      Text("3"));
  ASSERT_TRUE(reading.ok());
  ASSERT_EQ(reading->state.epochs.size(), 2u);
  EXPECT_EQ(reading->state.epochs[0].name, OpaqueName("a"));
  EXPECT_EQ(reading->state.epochs[0].epoch, 5u);
  EXPECT_EQ(reading->state.floor, 3u);
  EXPECT_EQ(reading->ignored, 0u);
}

TEST_F(PurgeSetParseTest, OnlyWhatCanHaveBeenHandedOutIsAnEpoch) {
  for (const std::string score :
       {std::string("1"), Micros(absl::ZeroDuration()), Micros(absl::Hours(47))}) {
    EXPECT_EQ(Accepted(score), 1u) << score;
  }
  for (const std::string score :
       {std::string(""), std::string("0"), std::string("-1"), std::string("1.5"),
        std::string("1e3"), std::string("inf"), std::string("-inf"), std::string("nan"),
        std::string(" 5"), std::string("0x5"),
        std::string("5\0"
                    "6",
                    3),
        std::string("9007199254740992"), std::string("99999999999999999999999"),
        Micros(absl::Hours(49))}) {
    EXPECT_EQ(Accepted(score), 0u) << score;
  }
}

TEST_F(PurgeSetParseTest, OnlyOurNamesAreNames) {
  for (const std::string name :
       {std::string(), std::string("short"), std::string(44, 'x'), std::string(42, 'x') + "+",
        std::string(42, 'x') + std::string(1, '\0'), std::string(1 << 16, 'x')}) {
    const auto reading = Parse({Text(name), Text("5")});
    ASSERT_TRUE(reading.ok());
    EXPECT_TRUE(reading->state.epochs.empty()) << name.size();
    EXPECT_EQ(reading->ignored, 1u);
  }
}

TEST_F(PurgeSetParseTest, AFloorIsNeverInTheFuture) {
  EXPECT_EQ(Parse({}, Text(Micros(absl::Seconds(-1))))->state.floor,
            static_cast<std::uint64_t>(absl::ToUnixMicros(now_ - absl::Seconds(1))));
  EXPECT_EQ(Parse({}, Text(Micros(absl::Minutes(1))))->state.floor, 0u);
  EXPECT_EQ(Parse({}, Text("inf"))->ignored, 1u);
}

TEST_F(PurgeSetParseTest, AnotherTypeIsNoneAndOtherErrorsAreErrors) {
  std::vector<RespValue> replies(RedisPurgeSet("k").ReadCommands().size(),
                                 Error("WRONGTYPE Operation against a key"));
  const auto reading = RedisPurgeSet::Parse(replies, now_);
  ASSERT_TRUE(reading.ok());
  EXPECT_TRUE(reading->state.epochs.empty());
  EXPECT_EQ(reading->ignored, 1u);
  replies[3] = Error("NOPERM this user");
  EXPECT_EQ(RedisPurgeSet::Parse(replies, now_).status().code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(PurgeSetParseTest, AnswersToOtherCommandsAreRefused) {
  EXPECT_FALSE(RedisPurgeSet::Parse({}, now_).ok());
  EXPECT_FALSE(Parse({Text(OpaqueName("a"))}).ok());
  std::vector<RespValue> replies(RedisPurgeSet("k").ReadCommands().size(), Text("text"));
  EXPECT_FALSE(RedisPurgeSet::Parse(replies, now_).ok());
  EXPECT_FALSE(Parse(std::vector<RespValue>(4000, Text("5"))).ok()) << "more than was asked for";
  EXPECT_EQ(Parse({Array({}), Array({})})->ignored, 1u);
}

/// Who is not Redis, and answers the one who listens.
class LyingServerTest : public ::testing::Test {
 protected:
  /// A server that goes along, and answers EXEC with `exec`.
  static FakeRedis::Script Answering(std::string exec) {
    return [exec = std::move(exec)](const FakeRedis::Command& command) {
      if (command[0] == "CLIENT" && command[1] == "ID") return FakeRedis::Answer{":7\r\n"};
      if (command[0] == "MULTI") return FakeRedis::Answer{"+OK\r\n"};
      if (command[0] == "EXEC") return FakeRedis::Answer{exec};
      std::string greeting = FakeRedis::Greeting(command);
      if (greeting.empty()) greeting = "+QUEUED\r\n";
      return FakeRedis::Answer{std::move(greeting)};
    };
  }
};

TEST_F(LyingServerTest, NothingThatIsNotAReadingMakesAReplicaCurrent) {
  for (const std::string exec : {"*-1\r\n", "+OK\r\n", "*0\r\n", ":1\r\n", "-EXECABORT aborted\r\n",
                                 "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n",
                                 "*18\r\n", "$1073741824\r\n", "*2147483647\r\n", "nonsense\r\n"}) {
    FakeRedis server(Answering(exec));
    RedisOptions options = PatientOptions(server.port());
    options.command_timeout = absl::Milliseconds(50);
    PurgeReplica replica(options);
    // The client, and the listener twice.
    EXPECT_TRUE(RedisHarness::Eventually([&] { return server.connections() >= 3; })) << exec;
    EXPECT_FALSE(replica.epochs.current()) << exec;
  }
}

TEST_F(LyingServerTest, AnEpochThatNobodyCanHandOutIsNoAnswerToAPurge) {
  const FakeRedis::Script script = Answering("*-1\r\n");
  FakeRedis server([script](const FakeRedis::Command& command) {
    if (command[0] == "EVALSHA") return FakeRedis::Answer{":9007199254740991\r\n"};
    return script(command);
  });
  PurgeReplica replica(server.port());
  ASSERT_TRUE(replica.redis.WaitUntilConnected());
  EXPECT_FALSE(replica.Purge("contoso", absl::Milliseconds(100)).ok());
  EXPECT_EQ(replica.EpochOf("contoso"), 1u);
}

TEST_F(LyingServerTest, MessagesOfAnyShapeMakeItReadAgainAndNothingElse) {
  std::string pages;
  const std::size_t commands = RedisPurgeSet("k").ReadCommands().size();
  for (std::size_t i = 1; i < commands; ++i) pages += "*0\r\n";
  const std::string exec = absl::StrCat("*", commands + 1, "\r\n$-1\r\n", pages,
                                        "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
  std::string messages;
  for (const char* payload : {"$-1\r\n", "*0\r\n", "*1\r\n$1\r\nx\r\n", "$3\r\nabc\r\n", ":5\r\n",
                              "*1\r\n*1\r\n$1\r\nx\r\n"}) {
    messages += absl::StrCat("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n", payload);
  }
  FakeRedis server(Answering(exec + messages));
  PurgeReplica replica(server.port());
  ASSERT_TRUE(replica.WaitUntilCurrent());
  EXPECT_TRUE(RedisHarness::Eventually([&] { return replica.metrics.readings.Value() >= 2; }));
  EXPECT_TRUE(replica.epochs.current());
  EXPECT_EQ(replica.epochs.size(), 0u);
}

}  // namespace
}  // namespace tokensvc::testing
