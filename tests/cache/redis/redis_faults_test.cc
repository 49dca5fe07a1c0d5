// SPDX-License-Identifier: Apache-2.0
// What happens to a client when a real Redis goes away, hangs, or changes its mind about us.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/cache/blob_store_contract.h"
#include "tests/cache/redis/least_privilege.h"
#include "tests/cache/redis/redis_harness.h"
#include "tests/cache/redis/redis_server.h"
#include "tests/testing/tcp_proxy.h"

namespace tokensvc::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The default pace, so that a wait that grew too long would be seen.
RedisOptions OptionsWithDefaultPace(std::uint16_t port) {
  RedisOptions options = PatientOptions(port);
  options.min_backoff = RedisOptions().min_backoff;
  options.max_backoff = RedisOptions().max_backoff;
  return options;
}

TEST(RedisFaultsTest, AServerThatIsKilledAndStartedAgainIsUsedAgain) {
  RedisServer server;
  RedisHarness harness(OptionsWithDefaultPace(server.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  server.Kill();
  ASSERT_TRUE(harness.WaitUntilDegraded());
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(harness.Get("v:a").status().code(), absl::StatusCode::kUnavailable);
  }
  // One line for the loss and one for the refused attempts, not one for each of either.
  EXPECT_TRUE(harness.Eventually([&] { return harness.logger.Count("redis_lost") == 2; }));
  server.Restart();
  EXPECT_TRUE(harness.WaitUntilConnected());
  EXPECT_TRUE(harness.GetSucceeds());
  EXPECT_EQ(harness.logger.Count("redis_lost"), 2u);
  EXPECT_EQ(harness.logger.Count("redis_connected"), 2u);
}

TEST(RedisFaultsTest, AServerThatIsThereLaterThanWeIsUsed) {
  RedisServer server;
  server.Kill();
  RedisHarness harness(OptionsWithDefaultPace(server.port()));
  EXPECT_TRUE(harness.Eventually([&] { return harness.logger.Count("redis_lost") == 1; }));
  server.Restart();
  EXPECT_TRUE(harness.WaitUntilConnected());
}

TEST(RedisFaultsTest, AServerThatHangsCostsTheCommandsTimeoutOnceAndNothingMore) {
  RedisServer server;
  RedisOptions options = PatientOptions(server.port());
  options.command_timeout = absl::Milliseconds(200);
  options.connect_timeout = absl::Milliseconds(200);
  RedisHarness harness(options);
  ASSERT_TRUE(harness.WaitUntilConnected());
  server.Pause();
  EXPECT_EQ(harness.Get("v:a").status().code(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_TRUE(harness.WaitUntilDegraded());
  EXPECT_EQ(harness.Get("v:a").status().code(), absl::StatusCode::kUnavailable);
  server.Resume();
  EXPECT_TRUE(harness.WaitUntilConnected());
  EXPECT_TRUE(harness.Eventually([&] { return harness.GetSucceeds(); }));
}

TEST(RedisFaultsTest, AServerThatIsSlowerThanTheTimeoutsIsAwayUntilItIsNot) {
  RedisServer server;
  TcpProxy proxy(server.port());
  RedisOptions options = PatientOptions(proxy.port());
  options.command_timeout = absl::Milliseconds(100);
  options.connect_timeout = absl::Milliseconds(200);
  RedisHarness harness(options);
  ASSERT_TRUE(harness.Eventually([&] { return harness.GetSucceeds(); }));
  proxy.SetDelay(absl::Seconds(2));
  EXPECT_EQ(harness.Get("v:a").status().code(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_TRUE(harness.WaitUntilDegraded());
  EXPECT_EQ(harness.Get("v:a").status().code(), absl::StatusCode::kUnavailable);
  proxy.SetDelay(absl::ZeroDuration());
  EXPECT_TRUE(harness.Eventually([&] { return harness.GetSucceeds(); }));
}

TEST(RedisFaultsTest, AnIdleConnectionToAServerThatHangsIsNoticed) {
  RedisServer server;
  RedisOptions options = PatientOptions(server.port());
  options.command_timeout = absl::Milliseconds(200);
  options.clock_interval = absl::Milliseconds(50);
  RedisHarness harness(options);
  ASSERT_TRUE(harness.WaitUntilConnected());
  server.Pause();
  EXPECT_TRUE(harness.WaitUntilDegraded());
  server.Resume();
  EXPECT_TRUE(harness.WaitUntilConnected());
}

TEST(RedisFaultsTest, APasswordFileThatIsMendedLetsUsIn) {
  RedisServer::Options server_options;
  server_options.acl = LeastPrivilegeAcl();
  RedisServer server(server_options);
  const std::string file = server.directory() + "/password";
  std::ofstream(file) << "canary";
  RedisOptions options = ServiceUserOptions(server.port());
  options.password = [file]() -> asio::awaitable<absl::StatusOr<Secret>> {
    std::ifstream in(file);
    co_return Secret(std::string(std::istreambuf_iterator<char>(in), {}));
  };
  RedisHarness harness(options);
  EXPECT_TRUE(harness.Eventually([&] { return harness.logger.Count("redis_lost") == 1; }));
  EXPECT_EQ(harness.health.last_error().code(), absl::StatusCode::kUnauthenticated);
  std::ofstream(file) << kServicePassword;
  EXPECT_TRUE(harness.WaitUntilConnected());
  EXPECT_TRUE(harness.GetSucceeds());
  EXPECT_THAT(harness.logger.AllText(), Not(HasSubstr("canary")));
}

TEST(RedisFaultsTest, AServerThatWantsAPasswordFromUsWithoutOneIsNotUsed) {
  RedisServer server;
  RedisHarness harness(PatientOptions(server.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  EXPECT_EQ(server.Command({"ACL", "SETUSER", "default", "resetpass", ">secret"}), "OK");
  RedisHarness late(PatientOptions(server.port()));
  EXPECT_TRUE(late.Eventually([&] { return late.logger.Count("redis_lost") == 1; }));
  EXPECT_THAT(std::string(late.health.last_error().message()), HasSubstr("NOAUTH"));
}

TEST(RedisFaultsTest, AServerThatBecomesAReplicaIsLeftUntilItIsAMasterAgain) {
  RedisServer server;
  RedisHarness harness(PatientOptions(server.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  const auto put = [&] {
    return harness.Run(harness.store->Put("v:a", MakeBlob(1), 1, absl::Now() + absl::Hours(1)));
  };
  // Of a master that is nowhere: what it has is stale, and it is read only.
  EXPECT_EQ(server.Command({"REPLICAOF", "127.0.0.1", std::to_string(FreePort())}), "OK");
  // READONLY out of the script.
  EXPECT_EQ(put().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(harness.WaitUntilDegraded());
  EXPECT_EQ(server.Command({"REPLICAOF", "NO", "ONE"}), "OK");
  EXPECT_TRUE(harness.WaitUntilConnected());
  EXPECT_TRUE(put().ok());
}

TEST(RedisFaultsTest, AnAdministratorWhoEndsTheConnectionIsNoTrouble) {
  RedisServer server;
  RedisHarness harness(PatientOptions(server.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  EXPECT_NE(server.Command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}), "0");
  EXPECT_TRUE(harness.Eventually([&] { return harness.logger.Count("redis_connected") == 2; }));
  EXPECT_TRUE(harness.GetSucceeds());
}

}  // namespace
}  // namespace tokensvc::testing
