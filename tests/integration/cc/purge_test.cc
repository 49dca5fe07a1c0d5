// SPDX-License-Identifier: Apache-2.0
// Purges over two replicas that share a real redis-server: what is purged is served by neither,
// whatever Redis goes through.
#include <algorithm>
#include <atomic>
#include <future>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/mutex.h"
#include "tests/integration/cc/shared_cache_fixture.h"
#include "tests/testing/tcp_proxy.h"

namespace tokensvc::testing {
namespace {

constexpr char kOtherTenant[] = "contoso.example";
constexpr char kEpochsKey[] = "tokensvc:epochs";

PurgeTarget Tenant(const std::string& tenant) {
  PurgeTarget target;
  target.kind = PurgeTarget::Kind::kTenant;
  target.authority = "dev";
  target.tenant = tenant;
  return target;
}

class PurgeTest : public SharedCacheFixture {
 protected:
  PurgeTest() { StartRedis(); }

  static v1::AcquireForClientRequest Of(const std::string& tenant,
                                        const std::string& scope = kResource) {
    v1::AcquireForClientRequest request = Request(scope);
    request.set_tenant(tenant);
    return request;
  }
  int TokenRequests() const { return authority_->counters().token_requests; }

  static Result<PurgeReport> Purge(const ServiceReplica& replica, const PurgeTarget& target,
                                   absl::Duration timeout = absl::Seconds(20)) {
    std::promise<Result<PurgeReport>> done;
    replica.server->purger().Purge(
        target, replica.clock.Boot() + ToNanos(timeout),
        [&done](Result<PurgeReport> report) { done.set_value(std::move(report)); });
    return done.get_future().get();
  }
  static void MustPurge(const ServiceReplica& replica, const PurgeTarget& target) {
    const Result<PurgeReport> report = Purge(replica, target);
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_TRUE(report->shared);
  }
  static bool Knows(const ServiceReplica& replica) {
    return replica.Metric("tokensvc_purge_epochs_known") == 1;
  }
  static bool Sharing(const ServiceReplica& replica) {
    return replica.Metric("tokensvc_shared_cache_degraded") == 0;
  }
  /// How long it takes until `replica` does not answer with `token` any more.
  static absl::Duration UntilGone(const ServiceReplica& replica,
                                  const v1::AcquireForClientRequest& request,
                                  const std::string& token) {
    const absl::Time began = absl::Now();
    EXPECT_TRUE(
        Eventually([&] { return replica.MustAcquire(request).access_token().value() != token; }));
    return absl::Now() - began;
  }
};

TEST_F(PurgeTest, APurgedTenantIsAskedForAgainAtBothReplicasAndNobodyElseIs) {
  const auto a = StartReplica(), b = StartReplica();
  const std::string old = a->MustAcquire(Of(kTenant)).access_token().value();
  for (const auto* replica : {&a, &b}) {
    EXPECT_EQ((*replica)->MustAcquire(Of(kTenant)).access_token().value(), old);
    (*replica)->MustAcquire(Of(kOtherTenant));
  }
  ASSERT_EQ(TokenRequests(), 2);
  MustPurge(*a, Tenant(kTenant));
  // Here it holds at once.
  const v1::AcquireForClientResponse fresh = a->MustAcquire(Of(kTenant));
  EXPECT_EQ(fresh.source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_NE(fresh.access_token().value(), old);
  const absl::Duration lag = UntilGone(*b, Of(kTenant), old);
  std::cout << "[          ] the other replica lagged by " << lag << "\n";
  EXPECT_EQ(TokenRequests(), 3) << "the other replica shares the new one";
  for (const auto* replica : {&a, &b}) {
    EXPECT_EQ((*replica)->MustAcquire(Of(kOtherTenant)).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
    EXPECT_EQ((*replica)->MustAcquire(Of(kTenant)).access_token().value(),
              fresh.access_token().value());
  }
  EXPECT_EQ(TokenRequests(), 3);
}

TEST_F(PurgeTest, WhatIsPurgedIsNotFoundInRedisByAReplicaThatStartsLater) {
  const auto a = StartReplica();
  const std::string old = a->MustAcquire(Of(kTenant)).access_token().value();
  PurgeTarget target;
  target.kind = PurgeTarget::Kind::kRegistration;
  target.registration = "orders";
  MustPurge(*a, target);
  const auto b = StartReplica();
  const v1::AcquireForClientResponse answered = b->MustAcquire(Of(kTenant));
  EXPECT_EQ(answered.source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_NE(answered.access_token().value(), old);
}

TEST_F(PurgeTest, ACredentialsTokensArePurgedByItsName) {
  const auto a = StartReplica(), b = StartReplica();
  const std::string old = a->MustAcquire(Of(kTenant)).access_token().value();
  EXPECT_EQ(b->MustAcquire(Of(kTenant)).source(), v1::TOKEN_SOURCE_SHARED_CACHE);
  PurgeTarget target;
  target.kind = PurgeTarget::Kind::kCredential;
  target.registration = "orders";
  target.credential = "orders/0";
  MustPurge(*a, target);
  UntilGone(*b, Of(kTenant), old);
  EXPECT_NE(a->MustAcquire(Of(kTenant)).access_token().value(), old);
}

TEST_F(PurgeTest, AReplicaThatWasCutOffLearnsBeforeItSharesAgain) {
  const auto a = StartReplica();
  TcpProxy proxy(redis_->port());
  const auto b = StartReplicaWith(Configuration(CacheBlock(proxy.port())));
  const std::string old = a->MustAcquire(Of(kTenant)).access_token().value();
  EXPECT_EQ(b->MustAcquire(Of(kTenant)).source(), v1::TOKEN_SOURCE_SHARED_CACHE);
  proxy.SetTarget(FreePort());
  ASSERT_TRUE(Eventually([&] { return !Knows(*b); }));
  MustPurge(*a, Tenant(kTenant));
  EXPECT_EQ(b->MustAcquire(Of(kTenant)).access_token().value(), old) << "as far as it can know";
  proxy.SetTarget(redis_->port());
  ASSERT_TRUE(Eventually([&] { return Knows(*b); }));
  EXPECT_NE(b->MustAcquire(Of(kTenant)).access_token().value(), old);
}

TEST_F(PurgeTest, NothingPurgedComesBackAfterAFlushARestartOrGarbage) {
  const auto a = StartReplica(), b = StartReplica();
  const std::string old = a->MustAcquire(Of(kTenant)).access_token().value();
  b->MustAcquire(Of(kTenant));
  const std::string record = [&] {
    const std::string keys = redis_->Command({"KEYS", "tokensvc:v:*"});
    return keys.substr(0, keys.find('\n'));
  }();
  // As somebody who can write to Redis keeps it.
  ASSERT_EQ(redis_->Command({"COPY", record, "kept"}), "1");
  MustPurge(*a, Tenant(kTenant));
  UntilGone(*b, Of(kTenant), old);
  const auto put_back_and_expect_a_miss = [&] {
    ASSERT_TRUE(Eventually([&] { return Sharing(*a) && Sharing(*b); }));
    redis_->Command({"COPY", "kept", record, "REPLACE"});
    for (int i = 0; i < 3; ++i) {
      // Another replica, which has no memory of its own but what the others wrote back.
      ASSERT_TRUE(Eventually([&] { return redis_->Command({"ZCARD", kEpochsKey}) == "1"; }));
      const auto c = StartReplica();
      EXPECT_NE(c->MustAcquire(Of(kTenant)).access_token().value(), old);
    }
    EXPECT_NE(a->MustAcquire(Of(kTenant)).access_token().value(), old);
    EXPECT_NE(b->MustAcquire(Of(kTenant)).access_token().value(), old);
  };
  put_back_and_expect_a_miss();
  redis_->Command({"DEL", kEpochsKey});
  put_back_and_expect_a_miss();
  redis_->Command({"SET", kEpochsKey, "garbage"});
  put_back_and_expect_a_miss();
  redis_->Command({"CLIENT", "KILL", "TYPE", "pubsub"});
  put_back_and_expect_a_miss();
}

TEST_F(PurgeTest, APurgeWhileRedisIsDownHoldsHereSaysSoAndReachesTheOtherLater) {
  const auto a = StartReplica(), b = StartReplica();
  const std::string old = a->MustAcquire(Of(kTenant)).access_token().value();
  b->MustAcquire(Of(kTenant));
  redis_->Kill();
  const Result<PurgeReport> refused = Purge(*a, Tenant(kTenant), absl::Milliseconds(300));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, absl::StatusCode::kUnavailable);
  EXPECT_NE(a->MustAcquire(Of(kTenant)).access_token().value(), old);
  EXPECT_EQ(b->MustAcquire(Of(kTenant)).access_token().value(), old);
  redis_->Restart();
  UntilGone(*b, Of(kTenant), old);
}

TEST_F(PurgeTest, PurgesUnderLoadAreFollowedByNoOldTokenAndDisturbNoOtherTenant) {
  const auto a = StartReplica(), b = StartReplica();
  a->MustAcquire(Of(kOtherTenant));
  b->MustAcquire(Of(kOtherTenant));
  std::atomic<bool> done{false};
  std::atomic<int> disturbed{0};
  std::vector<std::thread> callers;
  for (const auto* replica : {&a, &b}) {
    callers.emplace_back([&, replica] {
      while (!done) {
        (*replica)->MustAcquire(Of(kTenant));
        if ((*replica)->MustAcquire(Of(kOtherTenant)).source() != v1::TOKEN_SOURCE_LOCAL_CACHE) {
          ++disturbed;
        }
      }
    });
  }
  absl::Duration worst;
  for (int i = 0; i < 10; ++i) {
    const std::string old = a->MustAcquire(Of(kTenant)).access_token().value();
    MustPurge(*a, Tenant(kTenant));
    EXPECT_NE(a->MustAcquire(Of(kTenant)).access_token().value(), old);
    worst = std::max(worst, UntilGone(*b, Of(kTenant), old));
  }
  done = true;
  for (std::thread& caller : callers) caller.join();
  std::cout << "[          ] the other replica lagged by at most " << worst << "\n";
  EXPECT_EQ(disturbed, 0);
}

class LonelyPurgeTest : public ServiceFixture {};

TEST_F(LonelyPurgeTest, WithoutRedisItHoldsHereAndSaysSo) {
  Start();
  const std::string old = MustAcquire(Request()).access_token().value();
  std::promise<Result<PurgeReport>> done;
  server_->purger().Purge(Tenant(kTenant), BootTime::max(), [&done](Result<PurgeReport> report) {
    done.set_value(std::move(report));
  });
  const Result<PurgeReport> report = done.get_future().get();
  ASSERT_TRUE(report.ok());
  EXPECT_FALSE(report->shared);
  EXPECT_NE(MustAcquire(Request()).access_token().value(), old);
}

}  // namespace
}  // namespace tokensvc::testing
