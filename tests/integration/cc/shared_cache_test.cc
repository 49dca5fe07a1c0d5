// SPDX-License-Identifier: Apache-2.0
// Replicas that share app tokens through a real redis-server.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/key_ring.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.pb.h"
#include "tests/integration/cc/shared_cache_fixture.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SharedCacheTest : public testing::SharedCacheFixture {
 protected:
  /// Everything that Redis holds: keys and values.
  std::string Dump() {
    std::string dump;
    const std::string keys = redis_.Command({"KEYS", "*"});
    for (const absl::string_view key : absl::StrSplit(keys, '\n', absl::SkipEmpty())) {
      absl::StrAppend(&dump, key, "\n", redis_.Command({"GET", std::string(key)}), "\n");
    }
    return dump;
  }
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

TEST_F(SharedCacheTest, RedisLearnsNothingFromWhatItKeeps) {
  const auto a = StartReplica();
  const std::string token = a->MustAcquire(Request()).access_token().value();
  const std::string dump = Dump();
  EXPECT_THAT(dump, HasSubstr("tokensvc:v:"));
  const std::vector<std::string> segments = absl::StrSplit(token, '.');
  for (const std::string& told :
       {token, segments[0], segments[1], segments[2], std::string(kTenant),
        std::string("orders-service"), std::string("orders"), std::string(kResource),
        std::string("local"), std::string(testing::kSecretCanary)}) {
    EXPECT_THAT(dump, Not(HasSubstr(told)));
  }
}

TEST_F(SharedCacheTest, ALocalHitAsksRedisNothingAndASharedHitAsksOnce) {
  const auto a = StartReplica(), b = StartReplica();
  a->MustAcquire(Request());
  const int before = redis_.Calls("get");
  EXPECT_EQ(b->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_SHARED_CACHE);
  EXPECT_EQ(redis_.Calls("get"), before + 1);
  EXPECT_EQ(b->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
  EXPECT_EQ(redis_.Calls("get"), before + 1);
}

TEST_F(SharedCacheTest, ABatchLooksForAllThatIsMissingInOnePipeline) {
  const auto a = StartReplica(), b = StartReplica();
  v1::BatchAcquireForClientRequest batch;
  for (int i = 0; i < 50; ++i) {
    *batch.add_requests() = Request(absl::StrCat("api://r", i, "/.default"));
    if (i < 40) a->MustAcquire(batch.requests(i));
  }
  const int before = redis_.Calls("get");
  grpc::ClientContext context;
  v1::BatchAcquireForClientResponse response;
  ASSERT_TRUE(b->stub->BatchAcquireForClient(&context, batch, &response).ok());
  ASSERT_EQ(response.results_size(), 50);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(response.results(i).response().source(),
              i < 40 ? v1::TOKEN_SOURCE_SHARED_CACHE : v1::TOKEN_SOURCE_AUTHORITY);
  }
  EXPECT_EQ(redis_.Calls("get"), before + 50) << "one for each, and none asked twice";
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
  redis_.Kill();
  EXPECT_EQ(a->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
  for (int i = 0; i < 20; ++i) {
    const auto fetched = a->MustAcquire(Request(absl::StrCat("api://r", i, "/.default")));
    EXPECT_EQ(fetched.source(), v1::TOKEN_SOURCE_AUTHORITY);
  }
  EXPECT_EQ(a->Ready(), grpc::health::v1::HealthCheckResponse::SERVING);
  EXPECT_TRUE(Eventually([&] { return a->logger.Count("redis_lost") > 0; }));
  // Each cause once, not for each of the twenty calls.
  EXPECT_LE(a->logger.Count("redis_lost"), 3u);

  redis_.Restart();
  ASSERT_TRUE(Eventually([&] {
    return a->logger.Count("redis_connected") > 1 && b->logger.Count("redis_connected") > 1;
  }));
  a->MustAcquire(Request("api://again/.default"));
  EXPECT_EQ(b->MustAcquire(Request("api://again/.default")).source(),
            v1::TOKEN_SOURCE_SHARED_CACHE);
}

TEST_F(SharedCacheTest, ARedisThatHangsFailsNoCall) {
  const auto a = StartReplica();
  redis_.Pause();
  EXPECT_EQ(a->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_EQ(a->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
  redis_.Resume();
}

TEST_F(SharedCacheTest, AFlushedRedisCostsOneRequestPerReplicaAndToken) {
  const auto a = StartReplica(), b = StartReplica();
  a->MustAcquire(Request());
  redis_.Command({"FLUSHALL"});
  EXPECT_EQ(a->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
  EXPECT_EQ(b->MustAcquire(Request()).source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_EQ(TokenRequests(), 2);
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

}  // namespace
}  // namespace tokensvc
