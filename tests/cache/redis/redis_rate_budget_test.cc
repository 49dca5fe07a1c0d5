// SPDX-License-Identifier: Apache-2.0
// Budgets over a real Redis, as the user of deploy/redis/users.acl.
#include "cache/redis/redis_rate_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/cache/redis/fake_redis.h"
#include "tests/cache/redis/least_privilege.h"
#include "tests/cache/redis/redis_harness.h"
#include "tests/cache/redis/redis_server.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc::testing {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

RedisServer::Options WithRules() {
  RedisServer::Options options;
  options.acl = LeastPrivilegeAcl();
  return options;
}

/// One replica: a client of its own, and what it remembers itself.
class Replica {
 public:
  explicit Replica(RedisOptions options) : redis_(std::move(options)) {
    EXPECT_TRUE(redis_.WaitUntilConnected()) << redis_.health.last_error();
    CallOnLoop(redis_.loop.context(), [this] {
      budget_ = std::make_unique<RedisRateBudget>(
          *redis_.client,
          [](const std::string& partition, const std::string& name) {
            return absl::StrCat("tokensvc:b:{", partition, "}:", name);
          },
          local_, unshared_);
    });
  }
  ~Replica() { redis_.loop.Stop(); }

  BudgetAnswer Take(const std::vector<BudgetDraw>& draws, const std::string& partition = "tenant") {
    return redis_.Run(budget_->Take(partition, draws));
  }
  int Allowed(int calls, const std::vector<BudgetDraw>& draws) {
    int allowed = 0;
    for (int i = 0; i < calls; ++i) allowed += Take(draws).allowed() ? 1 : 0;
    return allowed;
  }
  long unshared() const { return static_cast<long>(unshared_.Value()); }
  FakeClock& clock() { return clock_; }
  RedisHarness& redis() { return redis_; }

 private:
  FakeClock clock_;  // of this replica's own budgets: it stands still
  LocalRateBudget local_{clock_};
  Counter unshared_;
  RedisHarness redis_;
  std::unique_ptr<RedisRateBudget> budget_;
};

/// None comes back while a test runs.
BudgetDraw Few(const std::string& name, int count) { return {name, {hours(1), count}}; }

class RedisRateBudgetTest : public ::testing::Test {
 protected:
  RedisRateBudgetTest()
      : server_(WithRules()),
        one_(ServiceUserOptions(server_.port())),
        other_(ServiceUserOptions(server_.port())) {}

  RedisServer server_;
  Replica one_;
  Replica other_;
};

TEST_F(RedisRateBudgetTest, ReplicasShareABudget) {
  EXPECT_EQ(one_.Allowed(6, {Few("all", 10)}), 6);
  EXPECT_EQ(other_.Allowed(10, {Few("all", 10)}), 4);
  EXPECT_FALSE(one_.Take({Few("all", 10)}).allowed());
  EXPECT_TRUE(one_.Take({Few("all", 10)}, "another-tenant").allowed());
  EXPECT_EQ(one_.unshared() + other_.unshared(), 0);
}

TEST_F(RedisRateBudgetTest, TakesFromAllDrawsOrFromNone) {
  const std::vector<BudgetDraw> both = {Few("all", 10), Few("small", 2)};
  EXPECT_EQ(one_.Allowed(2, both), 2);
  const BudgetAnswer refused = other_.Take(both);
  EXPECT_FALSE(refused.allowed());
  EXPECT_EQ(refused.short_of, 1u);
  EXPECT_GT(refused.wait, absl::Minutes(30));
  EXPECT_LE(refused.wait, absl::Hours(1));
  EXPECT_EQ(other_.Allowed(20, {Few("all", 10)}), 8);
}

TEST_F(RedisRateBudgetTest, NothingStaysInRedisWhenABudgetIsFullAgain) {
  const BudgetDraw quick{"quick", {std::chrono::milliseconds(20), 5}};
  EXPECT_TRUE(one_.Take({quick}).allowed());
  EXPECT_TRUE(RedisHarness::Eventually([this] {
    return server_.Command({"EXISTS", "tokensvc:b:{tenant}:quick"}) == "0";
  }));
  one_.Take({Few("slow", 5)});
  int expiry = 0;
  ASSERT_TRUE(absl::SimpleAtoi(server_.Command({"PTTL", "tokensvc:b:{tenant}:slow"}), &expiry));
  EXPECT_GT(expiry, 0);
  EXPECT_LE(expiry, 3'600'000);
}

TEST_F(RedisRateBudgetTest, WhatRedisRefusedIsNotAskedAgainBeforeItsTime) {
  one_.Allowed(3, {Few("all", 3)});
  EXPECT_FALSE(other_.Take({Few("all", 3)}).allowed());
  server_.Command({"FLUSHALL"});
  EXPECT_FALSE(other_.Take({Few("all", 3)}).allowed()) << "by what it remembers";
  other_.clock().Advance(absl::Hours(1));
  EXPECT_TRUE(other_.Take({Few("all", 3)}).allowed());
}

TEST_F(RedisRateBudgetTest, ValuesThatAreNoTimesCountAsNone) {
  for (const char* value : {"", "garbage", "nan", "-1", "-inf", "1"}) {
    server_.Command({"SET", "tokensvc:b:{tenant}:all", value});
    EXPECT_TRUE(one_.Take({Few("all", 1000)}).allowed()) << value;
  }
  server_.Command({"DEL", "tokensvc:b:{tenant}:all"});
  server_.Command({"LPUSH", "tokensvc:b:{tenant}:all", "a"});
  EXPECT_TRUE(one_.Take({Few("all", 1000)}).allowed());
  EXPECT_TRUE(one_.Take({Few("all", 1000)}).allowed()) << "the list was replaced";
  EXPECT_EQ(one_.unshared(), 0);
}

TEST_F(RedisRateBudgetTest, AValueFromFarAwayClosesABudgetForNoLongerThanAnEmptyOne) {
  const BudgetDraw draw{"all", {seconds(20), 10}};
  for (const char* value : {"9e15", "inf", "9007199254740991"}) {
    server_.Command({"SET", "tokensvc:b:{tenant}:all", value});
    Replica fresh(ServiceUserOptions(server_.port()));
    const BudgetAnswer answer = fresh.Take({draw});
    EXPECT_FALSE(answer.allowed());
    EXPECT_LE(answer.wait, absl::Seconds(20)) << value;
    EXPECT_EQ(fresh.unshared(), 0);
  }
}

TEST_F(RedisRateBudgetTest, WithoutRedisEachReplicaHasTheBudgetForItself) {
  server_.Kill();
  ASSERT_TRUE(one_.redis().WaitUntilDegraded());
  ASSERT_TRUE(other_.redis().WaitUntilDegraded());
  EXPECT_EQ(one_.Allowed(10, {Few("all", 4)}), 4);
  EXPECT_EQ(other_.Allowed(10, {Few("all", 4)}), 4);
  EXPECT_EQ(one_.unshared(), 4) << "what this replica refuses is not asked of Redis";
}

TEST_F(RedisRateBudgetTest, ARedisThatHangsCostsOneOperationAndNoCall) {
  RedisOptions impatient = ServiceUserOptions(server_.port());
  impatient.command_timeout = absl::Milliseconds(20);
  impatient.operation_timeout = absl::Milliseconds(20);
  Replica replica(std::move(impatient));
  server_.Pause();
  EXPECT_EQ(replica.Allowed(5, {Few("all", 4)}), 4);
  server_.Resume();
}

TEST(RedisRateBudgetAnswersTest, WhatTheScriptCannotHaveSaidIsNoAnswer) {
  for (const char* answer : {"*2\r\n:-1\r\n:1\r\n", "*2\r\n:5\r\n:0\r\n", "*2\r\n:5\r\n:2\r\n",
                             ":0\r\n", "+OK\r\n", "*2\r\n:9223372036854775807\r\n:1\r\n",
                             "*1\r\n:0\r\n", "*2\r\n$1\r\n0\r\n:0\r\n", "-ERR unknown\r\n"}) {
    FakeRedis server(FakeRedis::Healthy(
        [answer](const FakeRedis::Command&) { return FakeRedis::Answer{answer}; }));
    Replica replica(PatientOptions(server.port()));
    EXPECT_EQ(replica.Allowed(3, {Few("all", 2)}), 2) << answer;
    EXPECT_EQ(replica.unshared(), 2) << answer;
  }
}

TEST_F(RedisRateBudgetTest, ARedisThatIsReplacedLearnsTheScriptAgain) {
  EXPECT_TRUE(one_.Take({Few("all", 10)}).allowed());
  server_.Command({"SCRIPT", "FLUSH"});
  EXPECT_TRUE(one_.Take({Few("all", 10)}).allowed());
  EXPECT_EQ(one_.unshared(), 0);
}

}  // namespace
}  // namespace tokensvc::testing
