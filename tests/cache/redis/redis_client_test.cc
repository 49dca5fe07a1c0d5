// SPDX-License-Identifier: Apache-2.0
// The client and the store against a server that answers badly.
#include "cache/redis/redis_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/cache/redis/fake_redis.h"
#include "tests/cache/redis/redis_harness.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;
using Answer = FakeRedis::Answer;
using Command = FakeRedis::Command;

constexpr char kValue[] = "$5\r\nvalue\r\n";

// Answers the first command that is no greeting with `bad`, all others well.
FakeRedis::Script OnceBad(Answer bad) {
  auto done = std::make_shared<std::atomic<bool>>(false);
  return FakeRedis::Healthy([bad = std::move(bad), done](const Command&) {
    return done->exchange(true) ? Answer{kValue} : bad;
  });
}

// The status of a GET whose answer is `bad`; the connection is opened anew then and works.
absl::Status StatusOfGetAnswered(Answer bad) {
  FakeRedis server(OnceBad(std::move(bad)));
  RedisHarness harness(PatientOptions(server.port()));
  EXPECT_TRUE(harness.WaitUntilConnected());
  const absl::Status status = harness.Get("v:a").status();
  EXPECT_TRUE(harness.Eventually([&] { return harness.GetSucceeds(); }));
  EXPECT_EQ(server.connections(), 2);
  EXPECT_TRUE(harness.Eventually([&] { return harness.logger.Count("redis_connected") == 2; }));
  EXPECT_EQ(harness.logger.Count("redis_lost"), 1u);
  EXPECT_EQ(harness.health.last_error(), status);
  return status;
}

TEST(RedisClientTest, FindsAValue) {
  FakeRedis server(FakeRedis::Healthy([](const Command&) { return Answer{kValue}; }));
  RedisHarness harness(PatientOptions(server.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  EXPECT_THAT(harness.Get("v:a").value(), Optional(std::string("value")));
  EXPECT_THAT(server.commands().back(), ElementsAre("GET", "tokensvc:v:a"));
  EXPECT_EQ(harness.metrics.ok.Value(), 1);
}

TEST(RedisClientTest, ReadsAnAnswerThatArrivesInSingleBytes) {
  FakeRedis server([](const Command& command) {
    const std::string greeting = FakeRedis::Greeting(command);
    return Answer{greeting.empty() ? kValue : greeting, false, true};
  });
  RedisHarness harness(PatientOptions(server.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  EXPECT_THAT(harness.Get("v:a").value(), Optional(std::string("value")));
}

TEST(RedisClientTest, GarbageEndsTheConnection) {
  EXPECT_EQ(StatusOfGetAnswered({"HTTP/1.1 400 Bad Request\r\n\r\n"}).code(),
            absl::StatusCode::kInternal);
}

TEST(RedisClientTest, AStringOfAGibibyteEndsTheConnectionAtItsHeader) {
  EXPECT_EQ(StatusOfGetAnswered({"$1073741824\r\n"}).code(), absl::StatusCode::kResourceExhausted);
}

TEST(RedisClientTest, AHugeArrayEndsTheConnectionAtItsHeader) {
  EXPECT_EQ(StatusOfGetAnswered({"*1073741824\r\n"}).code(), absl::StatusCode::kResourceExhausted);
}

TEST(RedisClientTest, AConnectionThatIsClosedMidReplyIsUnavailable) {
  EXPECT_EQ(StatusOfGetAnswered({"$5\r\nva", true}).code(), absl::StatusCode::kUnavailable);
}

TEST(RedisClientTest, AnAnswerOfAnotherKindIsAnErrorOfThatKeyOnly) {
  FakeRedis server(OnceBad({":1\r\n"}));
  RedisHarness harness(PatientOptions(server.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  EXPECT_EQ(harness.Get("v:a").status().code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(harness.Get("v:a").ok());
  EXPECT_EQ(server.connections(), 1);
}

TEST(RedisClientTest, WhatNobodyAskedForEndsTheConnection) {
  FakeRedis server(OnceBad({absl::StrCat(kValue, kValue)}));
  RedisHarness harness(PatientOptions(server.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  (void)harness.Get("v:a");
  EXPECT_TRUE(harness.Eventually([&] { return harness.logger.Count("redis_connected") == 2; }));
  EXPECT_EQ(harness.health.last_error().code(), absl::StatusCode::kInternal);
}

TEST(RedisClientTest, ErrorsOfAServerThatIsOfNoUseNowEndTheConnection) {
  for (const char* error : {"-LOADING Redis is loading\r\n", "-READONLY You can't write\r\n",
                            "-MASTERDOWN Link down\r\n", "-NOAUTH Authentication required.\r\n"}) {
    EXPECT_EQ(StatusOfGetAnswered({error}).code(), absl::StatusCode::kUnavailable) << error;
  }
}

TEST(RedisClientTest, OtherErrorsKeepTheConnectionAndAreLoggedOnce) {
  FakeRedis server(FakeRedis::Healthy(
      [](const Command&) { return Answer{"-NOPERM no permission for 'canary'\r\n"}; }));
  RedisHarness harness(PatientOptions(server.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(harness.Get("v:a").status().code(), absl::StatusCode::kPermissionDenied);
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(harness.logger.Count("redis_command_refused"), 1u);
  EXPECT_THAT(harness.logger.AllText(), HasSubstr("NOPERM"));
  EXPECT_THAT(harness.logger.AllText(), Not(HasSubstr("canary")));
  EXPECT_EQ(harness.metrics.refused.Value(), 5);
}

TEST(RedisClientTest, ACommandOfTheHandshakeThatIsRefusedIsNamed) {
  for (const std::vector<std::string>& refused : std::vector<std::vector<std::string>>{
           {"TIME", "TIME"}, {"CLIENT", "CLIENT SETNAME"}, {"ROLE", "ROLE"}}) {
    FakeRedis server([&](const Command& command) {
      return Answer{command[0] == refused[0] ? "-NOPERM no permission for 'canary'\r\n"
                                             : FakeRedis::Greeting(command)};
    });
    RedisHarness harness(PatientOptions(server.port()));
    EXPECT_TRUE(harness.Eventually([&] { return server.connections() > 2; }));
    EXPECT_EQ(harness.health.last_error().message(), "Redis answered NOPERM to " + refused[1]);
    EXPECT_EQ(harness.logger.Count("redis_command_refused"), 1u);
    for (const auto& line : harness.logger.lines()) {
      if (line.event != "redis_command_refused") continue;
      EXPECT_EQ(line.fields.at("command"), refused[1]);
      EXPECT_EQ(line.fields.at("code"), "NOPERM");
    }
    EXPECT_THAT(harness.logger.AllText(), Not(HasSubstr("canary")));
  }
}

TEST(RedisClientTest, SilenceEndsTheConnectionAtTheCommandsTimeout) {
  FakeRedis server(OnceBad({""}));
  RedisOptions options = PatientOptions(server.port());
  options.command_timeout = absl::Milliseconds(100);
  RedisHarness harness(options);
  ASSERT_TRUE(harness.WaitUntilConnected());
  EXPECT_EQ(harness.Get("v:a").status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(harness.Eventually([&] { return harness.GetSucceeds(); }));
  EXPECT_EQ(harness.metrics.timed_out.Value(), 1);
}

TEST(RedisClientTest, AnOperationEndsAtItsDeadlineThoughItsCommandsHaveMoreTime) {
  FakeRedis server(OnceBad({""}));
  RedisOptions options = PatientOptions(server.port());
  options.operation_timeout = absl::Milliseconds(100);
  RedisHarness harness(options);
  ASSERT_TRUE(harness.WaitUntilConnected());
  EXPECT_EQ(harness.Get("v:a").status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(RedisClientTest, ASilentHandshakeEndsAtTheConnectTimeout) {
  FakeRedis server([](const Command&) { return Answer{""}; });
  RedisOptions options = PatientOptions(server.port());
  options.connect_timeout = absl::Milliseconds(50);
  RedisHarness harness(options);
  EXPECT_TRUE(harness.Eventually([&] { return server.connections() > 2; }));
  EXPECT_TRUE(harness.health.degraded());
  EXPECT_EQ(harness.logger.Count("redis_lost"), 1u);
  EXPECT_EQ(harness.health.last_error().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(RedisClientTest, WithoutAConnectionCommandsFailAtOnce) {
  FakeRedis server([](const Command&) { return Answer{""}; });
  RedisHarness harness(PatientOptions(server.port()));
  EXPECT_TRUE(harness.Eventually([&] { return server.connections() == 1; }));
  // Were they to wait for the handshake, it would be for 20 seconds, and the code another one.
  EXPECT_EQ(harness.Get("v:a").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(harness.metrics.unavailable.Value(), 1);
}

TEST(RedisClientTest, AServerThatLoadsItsDataIsUsedWhenItHasDone) {
  std::atomic<bool> loading{true};
  FakeRedis server([&](const Command& command) {
    if (loading && command[0] == "PING") return Answer{"-LOADING Redis is loading\r\n"};
    const std::string greeting = FakeRedis::Greeting(command);
    return Answer{greeting.empty() ? kValue : greeting};
  });
  RedisHarness harness(PatientOptions(server.port()));
  EXPECT_TRUE(harness.Eventually([&] { return server.connections() > 2; }));
  EXPECT_TRUE(harness.health.degraded());
  loading = false;
  EXPECT_TRUE(harness.WaitUntilConnected());
  EXPECT_EQ(harness.logger.Count("redis_lost"), 1u);
  EXPECT_EQ(harness.logger.Count("redis_connected"), 1u);
}

TEST(RedisClientTest, AReplicaIsNotUsed) {
  std::atomic<bool> replica{true};
  FakeRedis server([&](const Command& command) {
    if (replica && command[0] == "ROLE") {
      return Answer{"*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:1\r\n$9\r\nconnected\r\n:1\r\n"};
    }
    return Answer{FakeRedis::Greeting(command)};
  });
  RedisHarness harness(PatientOptions(server.port()));
  EXPECT_TRUE(harness.Eventually([&] { return server.connections() > 2; }));
  EXPECT_TRUE(harness.health.degraded());
  replica = false;
  EXPECT_TRUE(harness.WaitUntilConnected());
}

TEST(RedisClientTest, GreetsWithWhatTheOptionsSay) {
  FakeRedis server(FakeRedis::Healthy([](const Command&) { return Answer{kValue}; }));
  RedisOptions options = PatientOptions(server.port());
  options.username = "service";
  options.password = []() -> asio::awaitable<absl::StatusOr<Secret>> {
    co_return Secret::CopyOf("pass word");
  };
  options.database = 3;
  options.client_name = "replica-1";
  RedisHarness harness(options);
  ASSERT_TRUE(harness.WaitUntilConnected());
  EXPECT_THAT(server.commands(),
              ElementsAre(ElementsAre("AUTH", "service", "pass word"), ElementsAre("SELECT", "3"),
                          ElementsAre("CLIENT", "SETNAME", "replica-1"), ElementsAre("PING"),
                          ElementsAre("ROLE"), ElementsAre("TIME")));
}

TEST(RedisClientTest, APasswordThatCannotBeReadIsAskedForAgain) {
  FakeRedis server(FakeRedis::Healthy([](const Command&) { return Answer{kValue}; }));
  std::atomic<int> reads{0};
  RedisOptions options = PatientOptions(server.port());
  options.password = [&]() -> asio::awaitable<absl::StatusOr<Secret>> {
    if (reads++ < 2) co_return absl::NotFoundError("canary");
    co_return Secret::CopyOf("password");
  };
  RedisHarness harness(options);
  ASSERT_TRUE(harness.WaitUntilConnected());
  EXPECT_EQ(reads, 3);
  EXPECT_THAT(harness.logger.AllText(), Not(HasSubstr("canary")));
  EXPECT_THAT(server.commands()[0], ElementsAre("AUTH", "password"));
}

TEST(RedisClientTest, MeasuresHowFarTheServersClockIsAhead) {
  FakeRedis server(FakeRedis::Healthy([](const Command&) { return Answer{kValue}; }));
  FakeClock clock;
  clock.JumpWall(-absl::Seconds(12));
  RedisOptions options = PatientOptions(server.port());
  options.clock_interval = absl::Milliseconds(5);
  RedisHarness harness(options, "tokensvc:", &clock);
  ASSERT_TRUE(harness.WaitUntilConnected());
  const FleetClock& fleet = harness.health.fleet_clock();
  EXPECT_EQ(fleet.Offset(), absl::Seconds(12));
  EXPECT_TRUE(fleet.TooFarOff());
  clock.JumpWall(absl::Seconds(14));
  EXPECT_EQ(fleet.Offset(), -absl::Seconds(2));
  EXPECT_FALSE(fleet.TooFarOff());
  EXPECT_TRUE(harness.Eventually([&] { return harness.logger.Count("redis_clock_agrees") == 1; }));
  EXPECT_EQ(harness.logger.Count("redis_clock_differs"), 1u);
  // The server's clock stands still, ours goes on.
  clock.Advance(absl::Seconds(4));
  EXPECT_TRUE(harness.Eventually([&] { return fleet.Offset() == -absl::Seconds(6); }));
}

TEST(RedisClientTest, ForgetsTheServersClockWhenItIsGone) {
  std::atomic<bool> there{true};
  FakeRedis server([&](const Command& command) {
    return Answer{FakeRedis::Greeting(command), /*then_close=*/!there};
  });
  FakeClock clock;
  clock.JumpWall(-absl::Seconds(12));
  RedisOptions options = PatientOptions(server.port());
  options.clock_interval = absl::Milliseconds(5);
  RedisHarness harness(options, "tokensvc:", &clock);
  ASSERT_TRUE(harness.WaitUntilConnected());
  EXPECT_TRUE(harness.health.fleet_clock().TooFarOff());
  there = false;
  EXPECT_TRUE(harness.Eventually([&] { return !harness.health.fleet_clock().TooFarOff(); }));
  EXPECT_EQ(harness.health.fleet_clock().Offset(), std::nullopt);
}

TEST(RedisClientTest, ATimeThatIsNoneIsNoConnection) {
  std::atomic<bool> bad{true};
  FakeRedis server([&](const Command& command) {
    if (bad && command[0] == "TIME") return Answer{"*2\r\n$1\r\nx\r\n$1\r\n0\r\n"};
    return Answer{FakeRedis::Greeting(command)};
  });
  RedisHarness harness(PatientOptions(server.port()));
  EXPECT_TRUE(harness.Eventually([&] { return server.connections() > 2; }));
  EXPECT_EQ(harness.health.fleet_clock().Offset(), std::nullopt);
  bad = false;
  EXPECT_TRUE(harness.WaitUntilConnected());
}

TEST(RedisClientTest, RefusesMoreCommandsThanMayBeInFlight) {
  FakeRedis server(FakeRedis::Healthy([](const Command&) { return Answer{kValue}; }));
  RedisOptions options = PatientOptions(server.port());
  options.max_commands_in_flight = 10;
  RedisHarness harness(options);
  ASSERT_TRUE(harness.WaitUntilConnected());
  const auto eleven = harness.Execute(std::vector<RedisCommand>(11, {"GET", "k"}));
  ASSERT_EQ(eleven.size(), 11u);
  for (const auto& reply : eleven) {
    EXPECT_EQ(reply.status().code(), absl::StatusCode::kResourceExhausted);
  }
  const auto ten = harness.Execute(std::vector<RedisCommand>(10, {"GET", "k"}));
  for (const auto& reply : ten) EXPECT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(server.connections(), 1);
}

TEST(RedisClientTest, RefusesMoreBytesThanMayWait) {
  FakeRedis server(FakeRedis::Healthy([](const Command&) { return Answer{kValue}; }));
  RedisOptions options = PatientOptions(server.port());
  options.max_unsent_bytes = 1000;
  RedisHarness harness(options);
  ASSERT_TRUE(harness.WaitUntilConnected());
  EXPECT_EQ(harness.ExecuteOne({"SET", "k", std::string(1001, 'x')}).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(harness.GetSucceeds());
}

TEST(RedisClientTest, RepliesThatAreTooManyBytesTogetherEndTheConnection) {
  const std::string large = absl::StrCat("$100000\r\n", std::string(100'000, 'x'), "\r\n");
  FakeRedis server(FakeRedis::Healthy([&](const Command&) { return Answer{large}; }));
  RedisOptions options = PatientOptions(server.port());
  options.max_pipeline_reply_size = 1'000'000;
  RedisHarness harness(options);
  ASSERT_TRUE(harness.WaitUntilConnected());
  EXPECT_TRUE(harness.GetSucceeds());
  const auto replies = harness.Execute(std::vector<RedisCommand>(50, {"GET", "k"}));
  EXPECT_TRUE(replies.front().ok());
  EXPECT_EQ(replies.back().status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(RedisClientTest, AScriptThatIsUnknownIsSentInFull) {
  FakeRedis server(FakeRedis::Healthy([](const Command& command) {
    return Answer{command[0] == "EVALSHA" ? "-NOSCRIPT No matching script.\r\n" : ":7\r\n"};
  }));
  RedisHarness harness(PatientOptions(server.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  EXPECT_EQ(harness.Run(harness.store->NextGeneration("v:a")).value(), 7u);
  const std::vector<Command> commands = server.commands();
  EXPECT_THAT(commands.back(), ElementsAre("EVAL", HasSubstr("TIME"), "1", "tokensvc:v:a"));
  EXPECT_EQ(harness.logger.Count("redis_command_refused"), 0u);
}

TEST(RedisClientTest, AGenerationThatNoScriptReturnsIsAnError) {
  for (const char* answer : {":0\r\n", ":-1\r\n", ":9007199254740993\r\n", "+OK\r\n"}) {
    FakeRedis server(FakeRedis::Healthy([&](const Command&) { return Answer{answer}; }));
    RedisHarness harness(PatientOptions(server.port()));
    ASSERT_TRUE(harness.WaitUntilConnected());
    EXPECT_EQ(harness.Run(harness.store->NextGeneration("v:a")).status().code(),
              absl::StatusCode::kInternal);
  }
}

TEST(RedisClientTest, WhatIsUnderWayIsAnsweredWhenTheClientEnds) {
  FakeRedis server(OnceBad({""}));
  RedisHarness harness(PatientOptions(server.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  std::vector<std::string> keys{"v:a"};
  auto pending = StartOnLoop(harness.loop.context(), harness.store->GetMany(std::move(keys)));
  ASSERT_TRUE(harness.Eventually([&] { return server.commands().back()[0] == "GET"; }));
  CallOnLoop(harness.loop.context(), [&] { harness.client.reset(); });
  EXPECT_EQ(pending.get()[0].status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace tokensvc::testing
