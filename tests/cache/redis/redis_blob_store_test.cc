// SPDX-License-Identifier: Apache-2.0
// The store over a real Redis: the contract, and what Redis sees of it.
#include "cache/redis/redis_blob_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tests/cache/blob_store_contract.h"
#include "tests/cache/redis/least_privilege.h"
#include "tests/cache/redis/purge_replica.h"
#include "tests/cache/redis/redis_harness.h"
#include "tests/cache/redis/redis_server.h"
#include "tests/service/http/local_certificates.h"

namespace tokensvc::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Over a connection like `options`, to `server`.
class RedisHost : public BlobStoreHost {
 public:
  RedisHost(RedisServer::Options server, const std::function<RedisOptions(RedisServer&)>& options)
      : server_(std::move(server)), first_(options(server_)), second_(options(server_)) {
    EXPECT_TRUE(first_.WaitUntilConnected()) << first_.health.last_error();
    EXPECT_TRUE(second_.WaitUntilConnected()) << second_.health.last_error();
    CallOnLoop(loop_.context(), [] {});
  }
  BlobStore& store() override { return on_first_; }
  BlobStore& other_replica() override { return on_second_; }
  absl::Time Now() override { return absl::Now(); }
  void WaitUntil(absl::Time time) override {
    while (absl::Now() < time) absl::SleepFor(absl::Milliseconds(5));
  }

 private:
  // Runs what a store does on its own loop, whatever loop asks.
  class OnLoopOf final : public BlobStore {
   public:
    explicit OnLoopOf(RedisHarness& harness) : harness_(harness) {}
    asio::awaitable<std::vector<absl::StatusOr<std::optional<std::string>>>> GetMany(
        std::vector<std::string> keys) override {
      co_return harness_.Run(harness_.store->GetMany(std::move(keys)));
    }
    asio::awaitable<absl::StatusOr<PutOutcome>> Put(std::string key, std::string blob,
                                                    std::uint64_t generation,
                                                    absl::Time expires_at) override {
      co_return harness_.Run(
          harness_.store->Put(std::move(key), std::move(blob), generation, expires_at));
    }
    asio::awaitable<absl::StatusOr<std::uint64_t>> NextGeneration(std::string key) override {
      co_return harness_.Run(harness_.store->NextGeneration(std::move(key)));
    }
    asio::awaitable<absl::StatusOr<std::string>> PutIfUnchanged(std::string key,
                                                                std::string expected,
                                                                std::string value,
                                                                absl::Time expires_at) override {
      co_return harness_.Run(harness_.store->PutIfUnchanged(std::move(key), std::move(expected),
                                                            std::move(value), expires_at));
    }

   private:
    RedisHarness& harness_;
  };

  RedisServer server_;
  RedisHarness first_;
  RedisHarness second_;
  OnLoopOf on_first_{first_};
  OnLoopOf on_second_{second_};
};

// TLS with client certificates, and the user of deploy/redis/users.acl in database 2.
class LeastPrivilegeHost final : public RedisHost {
 public:
  explicit LeastPrivilegeHost(std::shared_ptr<LocalAuthority> authority)
      : RedisHost(TlsServer(*authority),
                  [&](RedisServer& server) {
                    RedisOptions options = ServiceUserOptions(server.tls_port());
                    options.database = 2;
                    options.tls.emplace();
                    options.tls->ca_file = authority->ca_file();
                    const auto own = authority->Issue("DNS:client", absl::Hours(1));
                    options.tls->certificate_file = own.certificate_file;
                    options.tls->private_key_file = own.key_file;
                    return options;
                  }),
        authority_(std::move(authority)) {}

 private:
  static RedisServer::Options TlsServer(LocalAuthority& authority) {
    const auto certificate = authority.Issue("IP:127.0.0.1", absl::Hours(1));
    RedisServer::Options options;
    options.ca_file = authority.ca_file();
    options.certificate_file = certificate.certificate_file;
    options.key_file = certificate.key_file;
    options.acl = LeastPrivilegeAcl();
    return options;
  }
  const std::shared_ptr<LocalAuthority> authority_;
};

std::vector<BlobStoreKind> Kinds() {
  return {{"redis",
           [] {
             return std::make_unique<RedisHost>(RedisServer::Options(), [](RedisServer& server) {
               return PatientOptions(server.port());
             });
           }},
          {"redis_tls_least_privilege", [] {
             return std::make_unique<LeastPrivilegeHost>(std::make_shared<LocalAuthority>());
           }}};
}

INSTANTIATE_TEST_SUITE_P(Redis, BlobStoreContractTest, ::testing::ValuesIn(Kinds()), NameOfKind);

class RedisBlobStoreTest : public ::testing::Test {
 protected:
  absl::StatusOr<BlobStore::PutOutcome> Put(RedisHarness& harness, const std::string& key,
                                            std::uint64_t generation) {
    return harness.Run(harness.store->Put(key, MakeBlob(generation), generation, expiry_));
  }

  const absl::Time expiry_ = absl::FromUnixMillis(4'000'000'000'123);
  RedisServer server_;
};

TEST_F(RedisBlobStoreTest, AskingForOneKeyIsOneCommand) {
  RedisHarness harness(PatientOptions(server_.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  ASSERT_TRUE(Put(harness, "v:a", 1).ok());
  const auto seen = server_.Monitor([&] { EXPECT_TRUE(harness.Get("v:a").value().has_value()); });
  EXPECT_THAT(seen, ElementsAre(HasSubstr("\"GET\" \"tokensvc:v:a\"")));
}

TEST_F(RedisBlobStoreTest, AThousandKeysAreAThousandCommandsInOnePipeline) {
  RedisHarness harness(PatientOptions(server_.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  std::vector<std::string> keys;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    keys.push_back(absl::StrCat("v:", i));
    if (i % 2 == 0) {
      ASSERT_TRUE(Put(harness, keys.back(), i + 1).ok());
    }
  }
  const auto found = harness.Run(harness.store->GetMany(keys));
  ASSERT_EQ(found.size(), 1000u);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(found[i].ok()) << found[i].status();
    EXPECT_EQ(*found[i], i % 2 == 0 ? std::make_optional(MakeBlob(i + 1)) : std::nullopt);
  }
  EXPECT_EQ(server_.Calls("get"), 1000);
}

TEST_F(RedisBlobStoreTest, ManyPipelinesShareAConnectionAndGetTheirOwnAnswers) {
  RedisHarness harness(PatientOptions(server_.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  for (std::uint64_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(Put(harness, absl::StrCat("v:", i), i + 1).ok());
  }
  std::vector<std::future<std::vector<absl::StatusOr<std::optional<std::string>>>>> pending;
  for (std::uint64_t i = 0; i < 500; ++i) {
    std::vector<std::string> keys{absl::StrCat("v:", i % 10), "v:none",
                                  absl::StrCat("v:", (i + 1) % 10)};
    pending.push_back(StartOnLoop(harness.loop.context(), harness.store->GetMany(std::move(keys))));
  }
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto found = pending[i].get();
    EXPECT_EQ(found[0].value(), MakeBlob(i % 10 + 1));
    EXPECT_EQ(found[1].value(), std::nullopt);
    EXPECT_EQ(found[2].value(), MakeBlob((i + 1) % 10 + 1));
  }
}

TEST_F(RedisBlobStoreTest, WhatIsStoredHasThePrefixTheDatabaseAndTheExactExpiry) {
  RedisOptions options = PatientOptions(server_.port());
  options.database = 3;
  RedisHarness harness(options, "fleet-a:");
  ASSERT_TRUE(harness.WaitUntilConnected());
  ASSERT_TRUE(Put(harness, "v:a", 1).ok());
  EXPECT_EQ(harness.ExecuteOne({"PEXPIRETIME", "fleet-a:v:a"}).value().integer, 4'000'000'000'123);
  EXPECT_EQ(server_.Command({"DBSIZE"}), "0");
  EXPECT_THAT(server_.Command({"INFO", "keyspace"}), HasSubstr("db3:keys=1,expires=1"));
}

TEST_F(RedisBlobStoreTest, RunsItsScriptsAgainAfterRedisForgotThem) {
  RedisHarness harness(PatientOptions(server_.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  ASSERT_TRUE(Put(harness, "v:a", 1).ok());
  EXPECT_EQ(server_.Command({"SCRIPT", "FLUSH"}), "OK");
  EXPECT_EQ(Put(harness, "v:a", 2).value(), BlobStore::PutOutcome::kStored);
  // Known by now: by its digest only.
  EXPECT_EQ(Put(harness, "v:a", 3).value(), BlobStore::PutOutcome::kStored);
  EXPECT_EQ(server_.Calls("eval"), 2);
  EXPECT_EQ(server_.Calls("evalsha"), 3);
}

TEST_F(RedisBlobStoreTest, AFlushLeavesNothingAndHindersNothing) {
  RedisHarness harness(PatientOptions(server_.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  ASSERT_TRUE(Put(harness, "v:a", 7).ok());
  EXPECT_EQ(server_.Command({"FLUSHALL"}), "OK");
  EXPECT_EQ(harness.Get("v:a").value(), std::nullopt);
  // A counter would start over and be refused for ever by what other replicas hold.
  EXPECT_GT(harness.Run(harness.store->NextGeneration("v:a")).value(), 1'000'000'000'000'000u);
  EXPECT_EQ(Put(harness, "v:a", 7).value(), BlobStore::PutOutcome::kStored);
}

TEST_F(RedisBlobStoreTest, AnotherTypeOfValueUnderAKeyIsAnEmptyBlobAndIsOverwritten) {
  RedisHarness harness(PatientOptions(server_.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  for (const std::vector<std::string>& make :
       std::vector<std::vector<std::string>>{{"LPUSH", "tokensvc:v:a", "x"},
                                             {"SADD", "tokensvc:v:a", "x"},
                                             {"ZADD", "tokensvc:v:a", "1", "x"},
                                             {"HSET", "tokensvc:v:a", "x", "y"},
                                             {"XADD", "tokensvc:v:a", "*", "x", "y"}}) {
    server_.Command({"DEL", "tokensvc:v:a"});
    server_.Command(make);
    EXPECT_EQ(harness.Get("v:a").value(), "") << make[0];
    EXPECT_TRUE(harness.Run(harness.store->NextGeneration("v:a")).ok()) << make[0];
    EXPECT_EQ(Put(harness, "v:a", 1).value(), BlobStore::PutOutcome::kStored) << make[0];
    EXPECT_EQ(harness.Get("v:a").value(), MakeBlob(1)) << make[0];
  }
  EXPECT_EQ(server_.Command({"LPUSH", "tokensvc:check", "x"}), "1");
  EXPECT_EQ(
      harness.Run(harness.store->PutIfUnchanged("check", "", "value", absl::Now() + absl::Hours(1)))
          .status()
          .code(),
      absl::StatusCode::kInternal);
  EXPECT_FALSE(harness.health.degraded());
  EXPECT_EQ(harness.logger.Count("redis_command_refused"), 1u);
}

TEST_F(RedisBlobStoreTest, WithoutTheRightToLookAtWhatIsThereNothingIsStored) {
  RedisHarness harness(PatientOptions(server_.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  EXPECT_EQ(server_.Command({"ACL", "SETUSER", "default", "-getrange"}), "OK");
  EXPECT_FALSE(harness.Run(harness.store->NextGeneration("v:a")).ok());
  EXPECT_FALSE(Put(harness, "v:a", 1).ok());
  EXPECT_EQ(harness.Get("v:a").value(), std::nullopt);
}

TEST_F(RedisBlobStoreTest, AServerThatIsFullRefusesToStoreAndStillAnswers) {
  RedisHarness harness(PatientOptions(server_.port()));
  ASSERT_TRUE(harness.WaitUntilConnected());
  ASSERT_TRUE(Put(harness, "v:a", 1).ok());
  EXPECT_EQ(server_.Command({"CONFIG", "SET", "maxmemory", "1"}), "OK");
  EXPECT_EQ(Put(harness, "v:b", 1).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(harness.Get("v:a").value().has_value());
  EXPECT_FALSE(harness.health.degraded());
  EXPECT_EQ(harness.logger.Count("redis_command_refused"), 1u);
  EXPECT_EQ(server_.Command({"CONFIG", "SET", "maxmemory", "0"}), "OK");
  EXPECT_TRUE(Put(harness, "v:b", 1).ok());
}

TEST(LeastPrivilegeTest, TheRuleLineNamesTheCommandsThatAreUsedAndNoOthers) {
  RedisServer::Options server_options;
  server_options.acl = LeastPrivilegeAcl();
  RedisServer server(server_options);
  RedisOptions options = ServiceUserOptions(server.port());
  options.database = 1;
  RedisHarness harness(options);
  ASSERT_TRUE(harness.WaitUntilConnected()) << harness.health.last_error();
  EXPECT_TRUE(harness.Get("v:a").ok());
  EXPECT_TRUE(harness.Run(harness.store->NextGeneration("v:a")).ok());
  EXPECT_TRUE(harness.Run(harness.store->NextGeneration("v:a")).ok());
  EXPECT_TRUE(
      harness.Run(harness.store->PutIfUnchanged("check", "", "x", absl::Now() + absl::Hours(1)))
          .ok());
  EXPECT_TRUE(
      harness.Run(harness.store->Put("v:a", MakeBlob(1), 1, absl::Now() + absl::Hours(1))).ok());
  {
    // Purges: as many as there is room for are there already, after something else was.
    PurgeReplica replica(options);
    ASSERT_TRUE(replica.WaitUntilCurrent());
    const auto as_admin = [&](const std::string& script) {
      server.Command({"EVAL", "redis.call('SELECT', 1) " + script, "1", kEpochsKey});
    };
    as_admin("redis.call('SET', KEYS[1], 'garbage')");
    EXPECT_TRUE(replica.Purge("contoso").ok());
    as_admin("for i = 1, 16384 do redis.call('ZADD', KEYS[1], i, string.format('%043d', i)) end");
    EXPECT_TRUE(replica.Purge("contoso").ok());
    EXPECT_TRUE(RedisHarness::Eventually([&] { return server.Calls("unsubscribe") > 0; }));
  }
  const std::vector<std::string> allowed = AllowedCommands();
  EXPECT_GT(allowed.size(), 5u);
  for (const std::string& command : allowed) EXPECT_GT(server.Calls(command), 0) << command;
  for (const RedisCommand& command :
       std::vector<RedisCommand>{{"GET", "other:v:a"},
                                 {"KEYS", "*"},
                                 {"FLUSHALL"},
                                 {"CONFIG", "GET", "*"},
                                 {"DEL", "other:v:a"},
                                 {"ACL", "LIST"},
                                 {"PUBLISH", "c", "m"},
                                 {"EVAL", "return redis.call('GET', 'other:v:a')", "0"}}) {
    EXPECT_FALSE(harness.ExecuteOne(command).ok()) << command[0];
  }
  EXPECT_EQ(harness.ExecuteOne({"GET", "other:v:a"}).status().code(),
            absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace tokensvc::testing
