// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AppTokenTest : public ServiceFixture {
 protected:
  /// Sends `requests` all at once; the answers in their order.
  struct Ended {
    grpc::ClientContext context;
    v1::AcquireForClientResponse response;
    grpc::Status status;
  };
  std::vector<std::unique_ptr<Ended>> AcquireAllAtOnce(
      const std::vector<v1::AcquireForClientRequest>& requests) {
    std::vector<std::unique_ptr<Ended>> all;
    std::atomic<std::size_t> left{requests.size()};
    for (const auto& request : requests) {
      all.push_back(std::make_unique<Ended>());
      Ended* ended = all.back().get();
      ended->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
      stub_->async()->AcquireForClient(&ended->context, &request, &ended->response,
                                       [ended, &left](grpc::Status status) {
                                         ended->status = std::move(status);
                                         left.fetch_sub(1);
                                       });
    }
    while (left.load() > 0) absl::SleepFor(absl::Milliseconds(1));
    return all;
  }

  void WaitForTokenRequests(long count) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (TokenRequests() < count && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(2));
    EXPECT_EQ(TokenRequests(), count);
  }
};

int ThreadCount() {
  int threads = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/self/task")) {
    ++threads;
  }
  return threads;
}

TEST_F(AppTokenTest, TheFirstAnswerIsTheAuthoritysAndTheSecondTheCaches) {
  Start();
  const auto first = MustAcquire(Request());
  EXPECT_EQ(first.source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_EQ(first.refresh_reason(), v1::REFRESH_REASON_NO_CACHED_TOKEN);
  EXPECT_EQ(first.access_token().tenant(), kTenant);
  EXPECT_EQ(first.access_token().token_type(), v1::TOKEN_TYPE_BEARER);
  EXPECT_THAT(first.access_token().granted_scopes(), ElementsAre(kResource));
  EXPECT_EQ(first.access_token().expires_at().seconds(),
            absl::ToUnixSeconds(clock_.Now() + absl::Hours(1)));
  EXPECT_EQ(first.near_cache_until().seconds(),
            absl::ToUnixSeconds(clock_.Now() + absl::Seconds(60)));
  EXPECT_EQ(first.correlation_id().size(), 36u);

  const auto second = MustAcquire(Request());
  EXPECT_EQ(second.source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
  EXPECT_EQ(second.refresh_reason(), v1::REFRESH_REASON_UNSPECIFIED);
  EXPECT_EQ(second.access_token().value(), first.access_token().value());
  EXPECT_EQ(TokenRequests(), 1);
}

TEST_F(AppTokenTest, TheHeaderHoldsTheSameToken) {
  Start();
  const auto token = MustAcquire(Request());
  v1::CreateAuthorizationHeaderRequest request;
  request.mutable_app();
  request.set_registration("orders");
  request.add_scopes(kResource);
  grpc::ClientContext context;
  v1::CreateAuthorizationHeaderResponse response;
  ASSERT_TRUE(stub_->CreateAuthorizationHeader(&context, request, &response).ok());
  ASSERT_EQ(response.headers_size(), 1);
  EXPECT_EQ(response.headers(0).name(), "Authorization");
  EXPECT_EQ(response.headers(0).value(), "Bearer " + token.access_token().value());
  EXPECT_EQ(response.source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
}

TEST_F(AppTokenTest, WhatIsSentToTheAuthorityIsWhatEntraWants) {
  Start();
  auto request = Request("https://database.windows.net//.default");
  request.set_correlation_id("corr-42");
  (*request.mutable_extra_parameters())["dc"] = "ESTS-PUB";
  MustAcquire(request);
  const auto form = authority_->last_form();
  EXPECT_EQ(form.at("grant_type"), "client_credentials");
  EXPECT_EQ(form.at("client_id"), "orders-service");
  EXPECT_EQ(form.at("scope"), "https://database.windows.net//.default");
  EXPECT_EQ(form.at("claims"), R"({"access_token":{"xms_cc":{"values":["cp1"]}}})");
  EXPECT_EQ(form.at("dc"), "ESTS-PUB");
  EXPECT_EQ(authority_->last_headers().at("client-request-id"), "corr-42");
}

TEST_F(AppTokenTest, DifferentTenantsScopesAndClaimsGetDifferentTokens) {
  Start();
  std::set<std::string> tokens;
  tokens.insert(MustAcquire(Request()).access_token().value());
  tokens.insert(MustAcquire(Request("api://other/.default")).access_token().value());
  auto tenant = Request();
  tenant.set_tenant("Contoso.Example");
  const auto answer = MustAcquire(tenant);
  EXPECT_EQ(answer.access_token().tenant(), "contoso.example");
  tokens.insert(answer.access_token().value());
  auto claims = Request();
  claims.set_client_claims(R"({"access_token":{"acrs":{"essential":true}}})");
  tokens.insert(MustAcquire(claims).access_token().value());
  EXPECT_EQ(tokens.size(), 4u);
  EXPECT_EQ(TokenRequests(), 4);
}

TEST_F(AppTokenTest, AThousandConcurrentCallersOfOneMissingTokenMakeOneRequest) {
  Start();
  DevAuthority::Fault slow;
  slow.latency = absl::Milliseconds(300);
  authority_->AddFault(slow);
  const std::vector<v1::AcquireForClientRequest> requests(1000, Request());
  std::set<std::string> tokens;
  for (const auto& ended : AcquireAllAtOnce(requests)) {
    ASSERT_TRUE(ended->status.ok()) << ended->status.error_message();
    tokens.insert(ended->response.access_token().value());
  }
  EXPECT_EQ(tokens.size(), 1u);
  EXPECT_EQ(TokenRequests(), 1);
}

TEST_F(AppTokenTest, AThousandMissingTokensAtOnceAreAllServedOverFewConnectionsAndThreads) {
  Start({}, "http: {max_connections_per_host: 8}\nserver: {loops: 1}\n");
  DevAuthority::Fault slow;
  slow.latency = absl::Milliseconds(10);
  authority_->AddFault(slow);
  MustAcquire(Request());
  const int threads_before = ThreadCount();
  std::vector<v1::AcquireForClientRequest> requests;
  for (int i = 0; i < 1000; ++i)
    requests.push_back(Request(absl::StrCat("api://r", i, "/.default")));
  std::set<std::string> tokens;
  for (const auto& ended : AcquireAllAtOnce(requests)) {
    ASSERT_TRUE(ended->status.ok()) << ended->status.error_message();
    tokens.insert(ended->response.access_token().value());
  }
  EXPECT_EQ(tokens.size(), 1000u);
  EXPECT_EQ(TokenRequests(), 1001);
  EXPECT_LE(authority_->counters().peak_connections, 8);
  // gRPC and the authority's double grow a few threads under load; a thread per waiter would be a
  // thousand.
  EXPECT_LT(ThreadCount(), threads_before + 100);
}

TEST_F(AppTokenTest, AClaimsChallengeFetchesAnewAndTheNextPlainCallGetsThatToken) {
  Start();
  const auto old = MustAcquire(Request());
  auto challenged = Request();
  challenged.set_claims_challenge(
      R"({"access_token":{"nbf":{"essential":true,"value":"1767323045"}}})");
  const auto fresh = MustAcquire(challenged);
  EXPECT_EQ(fresh.source(), v1::TOKEN_SOURCE_AUTHORITY);
  EXPECT_EQ(fresh.refresh_reason(), v1::REFRESH_REASON_FORCE_REFRESH_OR_CLAIMS);
  EXPECT_NE(fresh.access_token().value(), old.access_token().value());
  EXPECT_THAT(authority_->last_form().at("claims"), HasSubstr("essential"));
  EXPECT_THAT(authority_->last_form().at("claims"), HasSubstr("cp1"));

  const auto plain = MustAcquire(Request());
  EXPECT_EQ(plain.source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
  EXPECT_EQ(plain.access_token().value(), fresh.access_token().value());
  EXPECT_EQ(TokenRequests(), 2);
}

TEST_F(AppTokenTest, ForceRefreshFetchesAnewAndTheNextPlainCallGetsThatToken) {
  Start();
  const auto old = MustAcquire(Request());
  auto forced = Request();
  forced.set_force_refresh(true);
  const auto fresh = MustAcquire(forced);
  EXPECT_NE(fresh.access_token().value(), old.access_token().value());
  EXPECT_EQ(MustAcquire(Request()).access_token().value(), fresh.access_token().value());
}

TEST_F(AppTokenTest, AFailedForcedRefreshNeverFallsBackToTheCachedToken) {
  Start();
  MustAcquire(Request());
  DevAuthority::Fault broken;
  broken.status = 500;
  authority_->AddFault(broken);
  auto forced = Request();
  forced.set_force_refresh(true);
  const ReadStatus failed = MustFail(forced);
  EXPECT_EQ(failed.code, grpc::StatusCode::UNAVAILABLE);
  ExpectNoCanary(failed);
  EXPECT_EQ(MustAcquire(Request()).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
}

TEST_F(AppTokenTest, ForcedRefreshesHaveABudgetPerCaller) {
  Start({}, "limits: {forced_refreshes_per_minute: 2}\n");
  auto forced = Request();
  forced.set_force_refresh(true);
  MustAcquire(forced);
  MustAcquire(forced);
  const ReadStatus refused = MustFail(forced);
  EXPECT_EQ(refused.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.reason, "QUOTA_EXCEEDED");
  EXPECT_EQ(refused.retry_after, absl::Seconds(30));
  clock_.Advance(absl::Seconds(30));
  MustAcquire(forced);
}

TEST_F(AppTokenTest, ADueTokenIsAnsweredAtOnceAndRefreshedOnceBehindTheAnswer) {
  Start();
  const auto old = MustAcquire(Request());
  clock_.Advance(absl::Minutes(54));  // 48 ± 4.8 minutes is when it is due
  for (int i = 0; i < 20; ++i) {
    const auto answer = MustAcquire(Request());
    EXPECT_EQ(answer.source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
  }
  WaitForTokenRequests(2);
  // The flight stores a moment after the authority has answered.
  std::string now = old.access_token().value();
  for (int i = 0; i < 2000 && now == old.access_token().value(); ++i) {
    now = MustAcquire(Request()).access_token().value();
  }
  EXPECT_NE(now, old.access_token().value());
  EXPECT_EQ(TokenRequests(), 2);
}

TEST_F(AppTokenTest, AnExpiredTokenIsNeverAnsweredEvenWhenTheAuthorityIsGone) {
  Start();
  MustAcquire(Request());
  DevAuthority::Fault broken;
  broken.status = 503;
  authority_->AddFault(broken);
  clock_.Advance(absl::Hours(1) - absl::Seconds(31));
  EXPECT_EQ(MustAcquire(Request()).source(), v1::TOKEN_SOURCE_LOCAL_CACHE);
  clock_.Advance(absl::Seconds(1));  // thirty seconds before its end: the egress skew
  EXPECT_EQ(MustFail(Request()).code, grpc::StatusCode::UNAVAILABLE);
  authority_->ClearFaults();
  clock_.Advance(absl::Minutes(2));  // past the back-off
  const auto fresh = MustAcquire(Request());
  EXPECT_EQ(fresh.source(), v1::TOKEN_SOURCE_AUTHORITY);
}

TEST_F(AppTokenTest, AClockThatIsSetBackKeepsNoTokenAlive) {
  Start();
  MustAcquire(Request());
  clock_.Advance(absl::Hours(2));
  clock_.JumpWall(-absl::Hours(2));
  EXPECT_EQ(MustAcquire(Request()).source(), v1::TOKEN_SOURCE_AUTHORITY);
}

TEST_F(AppTokenTest, WhenTheFirstCredentialIsRefusedTheNextOneIsTried) {
  WriteFile("wrong", "not-the-secret");
  WriteFile("secret", kSecretCanary);
  DevAuthority::Options options;
  options.clients.push_back({"orders-service", {kSecretCanary}, {}, {}});
  StartAuthority(std::move(options));
  std::string configuration = Configuration();
  const std::string one = "credentials: [{secret:";
  configuration.replace(
      configuration.find(one), one.size(),
      "credentials: [{secret: {value: \"file:" + Path("wrong") + "\"}}, {secret:");
  StartService(configuration);
  MustAcquire(Request());
  EXPECT_EQ(TokenRequests(), 2);
  EXPECT_EQ(logger_.Count("credential_refused"), 1u);
  ExpectNoCanary();
  // The refused one is not asked again while its file stays as it is.
  MustAcquire(Request("api://other/.default"));
  EXPECT_EQ(TokenRequests(), 3);
  EXPECT_THAT(Metrics(),
              HasSubstr("tokensvc_credential_secondary_uses_total{credential=\"orders/1\"} 2"));
}

TEST_F(AppTokenTest, ASecretThatChangesOnDiskIsPickedUpWithoutRestart) {
  Start();
  MustAcquire(Request());
  ASSERT_TRUE(authority_->PutClient({"orders-service", {"the-next-secret"}, {}, {}}).ok());
  WriteFile("secret", "the-next-secret");
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(MustAcquire(Request("api://other/.default")).source(), v1::TOKEN_SOURCE_AUTHORITY);
}

TEST_F(AppTokenTest, ADeadlineEndsTheWaitAndTheTokenArrivesForTheNextCall) {
  Start();
  DevAuthority::Fault slow;
  slow.latency = absl::Milliseconds(400);
  authority_->AddFault(slow);
  const ReadStatus late = MustFail(Request(), absl::Milliseconds(100));
  EXPECT_EQ(late.code, grpc::StatusCode::DEADLINE_EXCEEDED);
  ExpectNoCanary(late);
  const auto next = MustAcquire(Request());
  EXPECT_FALSE(next.access_token().value().empty());
  EXPECT_EQ(TokenRequests(), 1);
}

TEST_F(AppTokenTest, MetricsTellWhatHappened) {
  Start();
  MustAcquire(Request());
  MustAcquire(Request());
  const std::string metrics = Metrics();
  EXPECT_THAT(metrics, HasSubstr("tokensvc_authority_token_requests_total{result=\"token\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("tokensvc_cache_lookups_total{found=\"local\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("tokensvc_rpc_calls_total"));
  EXPECT_THAT(metrics, Not(HasSubstr(kTenant)));
}

}  // namespace
}  // namespace tokensvc::testing
