// SPDX-License-Identifier: Apache-2.0
// Replicas that share app tokens through a real redis-server.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cache/blob_store.h"
#include "gmock/gmock.h"
#include "service/config/load_config.h"
#include "tests/cache/redis/fake_redis.h"
#include "tests/integration/cc/shared_cache_fixture.h"

namespace tokensvc::testing {
namespace {

using grpc::health::v1::HealthCheckResponse;
using ::testing::HasSubstr;
using ::testing::Not;

class SharedCacheTest : public SharedCacheFixture {
 protected:
  SharedCacheTest() { StartRedis(); }
};

TEST_F(SharedCacheTest, TheSecondReplicaAnswersFromTheSharedCacheAndThenFromItsOwn) {
  const auto a = StartReplica(), b = StartReplica();
  const v1::AcquireForClientResponse first = a->MustAcquire(Request());
  EXPECT_EQ(first.source(), v1::TOKEN_SOURCE_AUTHORITY);
  const v1::AcquireForClientResponse second = b->MustAcquire(Request());
  EXPECT_EQ(second.source(), v1::TOKEN_SOURCE_SHARED_CACHE);
  EXPECT_EQ(second.access_token().value(), first.access_token().value());
  EXPECT_EQ(second.access_token().granted_scopes_size(), 1);
  EXPECT_LE(std::abs(second.access_token().expires_at().seconds() -
                     first.access_token().expires_at().seconds()),
            1);
  EXPECT_EQ(b->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
  EXPECT_EQ(TokenRequests(), 1);
}

TEST_F(SharedCacheTest, ABatchLooksForAllThatIsMissingInOnePipeline) {
  const auto a = StartReplica(), b = StartReplica();
  v1::BatchAcquireForClientRequest batch;
  for (int i = 0; i < 50; ++i) {
    *batch.add_requests() = Request(absl::StrCat("api://r", i, "/.default"));
    if (i < 40) a->MustAcquire(batch.requests(i));
  }
  const int before = redis_->Calls("get");
  grpc::ClientContext context;
  v1::BatchAcquireForClientResponse response;
  ASSERT_TRUE(b->stub->BatchAcquireForClient(&context, batch, &response).ok());
  ASSERT_EQ(response.results_size(), 50);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(response.results(i).response().source(),
              i < 40 ? v1::TOKEN_SOURCE_SHARED_CACHE : v1::TOKEN_SOURCE_AUTHORITY);
  }
  EXPECT_EQ(redis_->Calls("get"), before + 50) << "one for each, and none asked twice";
}

TEST_F(SharedCacheTest, AForcedRefreshReplacesTheTokenForAllWhoComeLater) {
  const auto a = StartReplica();
  const std::string old_token = a->MustAcquire(Request()).access_token().value();
  auto forced = Request();
  forced.set_force_refresh(true);
  const std::string new_token = a->MustAcquire(forced).access_token().value();
  ASSERT_NE(new_token, old_token);
  const auto b = StartReplica();
  const v1::AcquireForClientResponse found = b->MustAcquire(Request());
  EXPECT_EQ(found.source(), v1::TOKEN_SOURCE_SHARED_CACHE);
  EXPECT_EQ(found.access_token().value(), new_token);
}

TEST_F(SharedCacheTest, ARedisThatIsAwayFailsNoCallAndIsUsedAgainWhenItIsBack) {
  const auto a = StartReplica(), b = StartReplica();
  a->MustAcquire(Request());
  redis_->Kill();
  EXPECT_EQ(a->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
  for (int i = 0; i < 20; ++i) {
    const auto fetched = a->MustAcquire(Request(absl::StrCat("api://r", i, "/.default")));
    EXPECT_EQ(fetched.source(), v1::TOKEN_SOURCE_AUTHORITY);
  }
  EXPECT_EQ(a->Ready(), grpc::health::v1::HealthCheckResponse::SERVING);
  EXPECT_TRUE(Eventually([&] { return a->logger.Count("redis_lost") > 0; }));
  // Each cause once, not for each of the twenty calls.
  EXPECT_LE(a->logger.Count("redis_lost"), 3u);

  redis_->Restart();
  ASSERT_TRUE(Eventually([&] {
    return a->logger.Count("redis_connected") > 1 && b->logger.Count("redis_connected") > 1;
  }));
  a->MustAcquire(Request("api://again/.default"));
  EXPECT_EQ(b->MustAcquire(Request("api://again/.default")).source(),
            v1::TOKEN_SOURCE_SHARED_CACHE);
}

TEST_F(SharedCacheTest, ARedisThatHangsFailsNoCall) {
  const auto a = StartReplica();
  redis_->Pause();
  EXPECT_EQ(a->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_EQ(a->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
  redis_->Resume();
}

TEST_F(SharedCacheTest, AFlushedRedisCostsOneRequestPerReplicaAndToken) {
  const auto a = StartReplica(), b = StartReplica();
  a->MustAcquire(Request());
  redis_->Command({"FLUSHALL"});
  EXPECT_EQ(a->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
  EXPECT_EQ(b->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_EQ(TokenRequests(), 2);
}

TEST_F(SharedCacheTest, ARecordThatSomebodyWroteWithTheGreatestGenerationBlocksNoKey) {
  const auto a = StartReplica(), b = StartReplica(), c = StartReplica();
  a->MustAcquire(Request());
  std::string key = redis_->Command({"KEYS", "tokensvc:v:*"});
  absl::StripTrailingAsciiWhitespace(&key);
  std::string blob = redis_->Command({"GET", key});
  ASSERT_GT(blob.size(), kBlobGenerationOffset + 8);
  blob.replace(kBlobGenerationOffset, 8, std::string("\x00\x1f\xff\xff\xff\xff\xff\xff", 8));
  ASSERT_EQ(BlobGeneration(blob), kMaxGeneration);
  ASSERT_EQ(redis_->Command({"SET", key, blob}), "OK");  // Without an expiry.

  const v1::AcquireForClientResponse fetched = b->MustAcquire(Request());
  EXPECT_EQ(fetched.source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_NE(redis_->Command({"TTL", key}), "-1");
  const v1::AcquireForClientResponse found = c->MustAcquire(Request());
  EXPECT_EQ(found.source(), v1::TOKEN_SOURCE_SHARED_CACHE);
  EXPECT_EQ(found.access_token().value(), fetched.access_token().value());
  EXPECT_THAT(b->logger.AllText(), HasSubstr("cause=ahead"));
  EXPECT_THAT(c->logger.AllText(), Not(HasSubstr("sealed_record_refused")));
}

TEST_F(SharedCacheTest, ARedisWhoseTimeIsFarFromOursCostsSharingAndIsSeenBeforeTheReplicaIsReady) {
  // Slower than a replica is otherwise ready.
  FakeRedis liar([](const FakeRedis::Command& command) {
    if (command[0] == "TIME") absl::SleepFor(absl::Milliseconds(150));
    const std::string greeting = FakeRedis::Greeting(command);
    return FakeRedis::Answer{greeting.empty() ? "$-1\r\n" : greeting};
  });
  const auto a = StartReplicaWith(Configuration(CacheBlock(liar.port())));
  EXPECT_EQ(a->Ready(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  std::vector<std::string> events;
  for (const auto& line : a->logger.lines()) events.push_back(line.event);
  EXPECT_LT(std::find(events.begin(), events.end(), "not_ready"),
            std::find(events.begin(), events.end(), "ready"));
  EXPECT_EQ(a->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_EQ(a->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
  for (const FakeRedis::Command& command : liar.commands()) EXPECT_NE(command[0], "GET");
  EXPECT_EQ(a->logger.Count("redis_clock_differs"), 1u);
  EXPECT_EQ(a->Logged("not_ready", "cause", "the clock is more than 10 s from the shared cache's"),
            1u);
}

TEST_F(SharedCacheTest, AReplicaStartsReadyWhileRedisIsAway) {
  const std::uint16_t port = redis_->port();
  redis_->Kill();
  const auto config = ParseConfig(Configuration(CacheBlock(port)));
  ASSERT_TRUE(config.ok());
  ServiceReplica a;
  auto server = Server::Start(*config, a.clock, a.logger);
  ASSERT_TRUE(server.ok()) << server.status();
  a.channel = grpc::CreateChannel((*server)->Addresses().front().second,
                                  grpc::InsecureChannelCredentials());
  EXPECT_EQ(a.Ready(), grpc::health::v1::HealthCheckResponse::SERVING);
}

TEST_F(SharedCacheTest, AReplicaWithOtherKeysIsNotReadyAndSharesNothing) {
  const auto a = StartReplica();
  a->MustAcquire(Request());
  WriteKeys("other-index", KeyPurpose::kIndex);
  const auto stranger = StartReplica({"sealing", "other-index"});
  EXPECT_TRUE(Eventually(
      [&] { return stranger->Ready() == grpc::health::v1::HealthCheckResponse::NOT_SERVING; }));
  EXPECT_EQ(stranger->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_EQ(a->Ready(), grpc::health::v1::HealthCheckResponse::SERVING);
}

TEST_F(SharedCacheTest, AReplicaWithOtherSealingKeysIsNotReadyEither) {
  const auto a = StartReplica();
  a->MustAcquire(Request());
  WriteKeys("other-sealing", KeyPurpose::kSealing);
  const auto stranger = StartReplica({"other-sealing", "index"});
  EXPECT_TRUE(Eventually([&] { return stranger->Ready() == HealthCheckResponse::NOT_SERVING; }));
  EXPECT_EQ(a->Ready(), HealthCheckResponse::SERVING);
  EXPECT_EQ(a->Health("shared-cache"), HealthCheckResponse::SERVING);
}

// Whoever comes first after a flush is not therefore the one that is right.
TEST_F(SharedCacheTest, AReplicaWithOtherKeysThatIsFirstAfterAFlushTakesNobodyOutOfService) {
  const auto a = StartReplica();
  a->MustAcquire(Request());
  ASSERT_TRUE(Eventually([&] { return redis_->Command({"GET", "tokensvc:check"}).size() > 46; }));
  ASSERT_TRUE(
      Eventually([&] { return a->Health("shared-cache") == HealthCheckResponse::SERVING; }));
  EXPECT_EQ(a->Metric("tokensvc_shared_cache_degraded"), 0);
  redis_->Command({"FLUSHALL"});
  WriteKeys("other-index", KeyPurpose::kIndex);
  auto wrong = StartReplica({"sealing", "other-index"});
  ASSERT_TRUE(Eventually([&] { return redis_->Command({"GET", "tokensvc:check"}).size() > 46; }));
  // Checks at once over a new connection.
  redis_->Command({"CLIENT", "KILL", "TYPE", "normal"});
  ASSERT_TRUE(Eventually([&] { return a->logger.Count("keys_disagree") > 0; }));
  ASSERT_TRUE(
      Eventually([&] { return a->Health("shared-cache") == HealthCheckResponse::NOT_SERVING; }));
  EXPECT_EQ(a->Ready(), HealthCheckResponse::SERVING);
  EXPECT_EQ(a->Metric("tokensvc_shared_cache_degraded"), 1);
  const double failures = a->Metric("tokensvc_shared_cache_failures_total");
  EXPECT_EQ(a->MustAcquire(Request("api://alone/.default")).source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_GT(a->Metric("tokensvc_shared_cache_failures_total"), failures);
  EXPECT_EQ(a->logger.Count("keys_disagree"), 1u);
  EXPECT_EQ(a->logger.Count("not_ready"), 0u);

  wrong.reset();
  const std::string life = redis_->Command({"PTTL", "tokensvc:check"});
  EXPECT_GT(std::atoi(life.c_str()), 0);
  EXPECT_LE(std::atoi(life.c_str()), 600'000);
  // As its end does: it leaves no value.
  redis_->Command({"DEL", "tokensvc:check"});
  EXPECT_TRUE(
      Eventually([&] { return a->Health("shared-cache") == HealthCheckResponse::SERVING; }));
  EXPECT_EQ(a->logger.Count("keys_agree"), 1u);
  EXPECT_EQ(a->Metric("tokensvc_shared_cache_degraded"), 0);
  a->MustAcquire(Request("api://again/.default"));
  const auto b = StartReplica();
  EXPECT_EQ(b->MustAcquire(Request("api://again/.default")).source(),
            v1::TOKEN_SOURCE_SHARED_CACHE);
}

TEST_F(SharedCacheTest, ALostRedisIsDegradedAndReady) {
  const auto a = StartReplica();
  ASSERT_TRUE(
      Eventually([&] { return a->Health("shared-cache") == HealthCheckResponse::SERVING; }));
  redis_->Kill();
  EXPECT_TRUE(
      Eventually([&] { return a->Health("shared-cache") == HealthCheckResponse::NOT_SERVING; }));
  EXPECT_EQ(a->Metric("tokensvc_shared_cache_degraded"), 1);
  EXPECT_EQ(a->Ready(), HealthCheckResponse::SERVING);
  redis_->Restart();
  EXPECT_TRUE(
      Eventually([&] { return a->Health("shared-cache") == HealthCheckResponse::SERVING; }));
  EXPECT_EQ(a->Metric("tokensvc_shared_cache_degraded"), 0);
}

}  // namespace
}  // namespace tokensvc::testing
