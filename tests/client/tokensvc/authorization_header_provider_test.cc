// SPDX-License-Identifier: Apache-2.0
#include "tokensvc/authorization_header_provider.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/client/tokensvc/scripted_service.h"
#include "tokensvc/error_details.h"

namespace tokensvc::client {
namespace {

class AuthorizationHeaderProviderTest : public ::testing::Test {
 protected:
  ScriptedService service_;
  AuthorizationHeaderProvider provider_{service_.MakeClient()};
};

TEST_F(AuthorizationHeaderProviderTest, AMillionHeadersNeedOneCall) {
  for (int i = 0; i < 1'000'000; ++i) {
    const absl::StatusOr<std::string> header = provider_.GetAuthorizationHeader(OrdersRequest());
    ASSERT_TRUE(header.ok()) << header.status();
    ASSERT_EQ(*header, "Bearer token-1");
  }
  EXPECT_EQ(service_.calls(), 1);
}

TEST_F(AuthorizationHeaderProviderTest, ManyThreadsShareOneCall) {
  service_.Hold();
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      const auto header = provider_.GetAuthorizationHeader(OrdersRequest());
      if (header.ok() && *header == "Bearer token-1") ++good;
    });
  }
  service_.LetGo();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 16);
  EXPECT_EQ(service_.calls(), 1);
}

TEST_F(AuthorizationHeaderProviderTest, AClaimsChallengeReplacesTheToken) {
  ASSERT_TRUE(provider_.GetAuthorizationHeader(OrdersRequest()).ok());
  TokenRequest challenged = OrdersRequest();
  challenged.claims_challenge = "{}";
  EXPECT_EQ(*provider_.GetAuthorizationHeader(challenged), "Bearer token-2");
  EXPECT_EQ(service_.seen().at(1).request.claims_challenge(), "{}");
  EXPECT_EQ(*provider_.GetAuthorizationHeader(OrdersRequest()), "Bearer token-2");
  EXPECT_EQ(service_.calls(), 2);
}

TEST_F(AuthorizationHeaderProviderTest, ATokenThatMayNotBeKeptIsAskedForEachTime) {
  service_.Edit([](v1::AcquireForClientResponse& response) { response.clear_near_cache_until(); });
  EXPECT_EQ(*provider_.GetAuthorizationHeader(OrdersRequest()), "Bearer token-1");
  EXPECT_EQ(*provider_.GetAuthorizationHeader(OrdersRequest()), "Bearer token-2");
  EXPECT_FALSE(provider_.FindToken(OrdersRequest()).has_value());
}

TEST_F(AuthorizationHeaderProviderTest, AnErrorKeepsItsDetails) {
  service_.Fail({Refusal(grpc::StatusCode::PERMISSION_DENIED, "POLICY_DENIED")});
  const auto header = provider_.GetAuthorizationHeader(OrdersRequest());
  EXPECT_EQ(header.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ErrorDetailsOf(header.status()).reason, v1::ERROR_REASON_POLICY_DENIED);
}

TEST_F(AuthorizationHeaderProviderTest, AnAsynchronousHitIsAnsweredOnTheSpot) {
  ASSERT_TRUE(provider_.GetToken(OrdersRequest()).ok());
  std::string token;
  provider_.GetTokenAsync(OrdersRequest(), [&](const absl::StatusOr<AccessToken>& result) {
    token = std::string(result->Reveal());
  });
  EXPECT_EQ(token, "token-1");
}

TEST_F(AuthorizationHeaderProviderTest, ABatchAsksOnlyForWhatIsNotKept) {
  TokenRequest billing = OrdersRequest();
  billing.registration = "billing";
  ASSERT_TRUE(provider_.GetToken(OrdersRequest()).ok());
  for (int i = 0; i < 2; ++i) {
    const BatchResults results = provider_.GetTokens({OrdersRequest(), billing});
    ASSERT_EQ(results.size(), 2u);
    ASSERT_TRUE(results[0].ok() && results[1].ok()) << results[1].status();
    EXPECT_EQ(results[0]->Reveal(), "token-1");
    EXPECT_EQ(results[1]->Reveal(), "token-billing");
  }
  ASSERT_EQ(service_.batches().size(), 1u);
  ASSERT_EQ(service_.batches()[0].requests_size(), 1);
  EXPECT_EQ(service_.batches()[0].requests(0).registration(), "billing");
  EXPECT_EQ(*provider_.GetAuthorizationHeader(billing), "Bearer token-billing");
  int answered = 0;
  provider_.GetTokensAsync({billing}, [&](const BatchResults& asynchronous) {
    if (asynchronous.size() == 1 && asynchronous[0].ok()) ++answered;
  });
  EXPECT_EQ(answered, 1);
  EXPECT_EQ(service_.calls(), 2);
}

}  // namespace
}  // namespace tokensvc::client
