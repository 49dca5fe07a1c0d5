// SPDX-License-Identifier: Apache-2.0
#include "tokensvc/token_client.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/tokensvc/scripted_service.h"
#include "tokensvc/error_details.h"

namespace tokensvc::client {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Le;

class TokenClientTest : public ::testing::Test {
 protected:
  ScriptedService service_;
  std::shared_ptr<TokenClient> client_ = service_.MakeClient();
};

TEST_F(TokenClientTest, SendsEveryFieldOfTheRequest) {
  TokenRequest request;
  request.registration = "orders";
  request.tenant = "contoso";
  request.scopes = {"s1", "s2"};
  request.resource = "https://r.example";
  request.audience = "a";
  request.client_claims = "{\"a\":1}";
  request.extra_parameters = {{"dc", "1"}};
  request.claims_challenge = "{\"b\":2}";
  request.force_refresh = true;
  request.correlation_id = "id-1";
  ASSERT_TRUE(client_->AcquireForClient(request).ok());
  const v1::AcquireForClientRequest seen = service_.seen().at(0).request;
  EXPECT_EQ(seen.registration(), "orders");
  EXPECT_EQ(seen.tenant(), "contoso");
  EXPECT_THAT(seen.scopes(), ElementsAre("s1", "s2"));
  EXPECT_EQ(seen.resource(), "https://r.example");
  EXPECT_EQ(seen.audience(), "a");
  EXPECT_EQ(seen.client_claims(), "{\"a\":1}");
  EXPECT_EQ(seen.extra_parameters().at("dc"), "1");
  EXPECT_EQ(seen.claims_challenge(), "{\"b\":2}");
  EXPECT_TRUE(seen.force_refresh());
  EXPECT_EQ(seen.correlation_id(), "id-1");
  EXPECT_EQ(seen.token_type(), v1::TOKEN_TYPE_BEARER);
}

TEST_F(TokenClientTest, ReturnsTheTokenWithWhatIsKnownOfIt) {
  const auto token = client_->AcquireForClient(OrdersRequest());
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->Reveal(), "token-1");
  EXPECT_EQ(token->RevealAuthorizationHeader(), "Bearer token-1");
  EXPECT_EQ(token->tenant(), "contoso");
  EXPECT_THAT(token->granted_scopes(), ElementsAre("s1"));
  EXPECT_EQ(token->source(), TokenSource::kLocalCache);
  EXPECT_EQ(token->refresh_reason(), RefreshReason::kNone);
  EXPECT_EQ(token->correlation_id(), "correlation-1");
  EXPECT_GT(token->expires_at(), token->refresh_at());
  EXPECT_GT(token->refresh_at(), token->near_cache_until());
  EXPECT_GT(token->near_cache_until(), absl::Now());
}

TEST_F(TokenClientTest, CreatesTheHeadersForTheApplication) {
  const auto headers = client_->CreateAuthorizationHeader(OrdersRequest());
  ASSERT_TRUE(headers.ok()) << headers.status();
  ASSERT_EQ(headers->Reveal().size(), 1u);
  EXPECT_EQ(headers->Reveal()[0].name, "Authorization");
  EXPECT_EQ(headers->Reveal()[0].value, "Bearer token");
  EXPECT_EQ(headers->correlation_id(), "correlation-2");
  EXPECT_EQ(service_.seen().at(0).request.registration(), "orders");
}

TEST_F(TokenClientTest, EveryCallHasADeadline) {
  ASSERT_TRUE(client_->AcquireForClient(OrdersRequest()).ok());
  ASSERT_TRUE(client_->CreateAuthorizationHeader(OrdersRequest()).ok());
  ASSERT_TRUE(client_->AcquireForClient(OrdersRequest(), absl::InfiniteDuration()).ok());
  // On the wire a timeout is rounded up to few digits.
  const auto seen = service_.seen();
  EXPECT_THAT(seen.at(0).time_left, AllOf(Gt(absl::ZeroDuration()), Le(absl::Seconds(11))));
  EXPECT_THAT(seen.at(1).time_left, AllOf(Gt(absl::ZeroDuration()), Le(absl::Seconds(11))));
  EXPECT_THAT(seen.at(2).time_left, AllOf(Gt(absl::ZeroDuration()), Le(absl::Minutes(6))));
}

TEST_F(TokenClientTest, EndsWithTheDeadline) {
  service_.Hold();
  const auto token = client_->AcquireForClient(OrdersRequest(), absl::Milliseconds(50));
  EXPECT_EQ(token.status().code(), absl::StatusCode::kDeadlineExceeded);
  service_.LetGo();
}

TEST_F(TokenClientTest, TriesAgainWhenTheServiceSaysWhen) {
  service_.Fail(
      {Refusal(grpc::StatusCode::UNAVAILABLE, "DRAINING", absl::ZeroDuration()),
       Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "THROTTLED", absl::Milliseconds(10))});
  const auto token = client_->AcquireForClient(OrdersRequest());
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->Reveal(), "token-3");
}

TEST_F(TokenClientTest, TriesAgainTwiceAtMost) {
  const grpc::Status draining =
      Refusal(grpc::StatusCode::UNAVAILABLE, "DRAINING", absl::ZeroDuration());
  service_.Fail({draining, draining, draining, draining});
  const auto token = client_->AcquireForClient(OrdersRequest());
  EXPECT_EQ(token.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(service_.calls(), 3);
}

TEST_F(TokenClientTest, DoesNotTryAgainWithoutRetryInfoOrPastTheDeadline) {
  service_.Fail({Refusal(grpc::StatusCode::UNAVAILABLE, "AUTHORITY_UNAVAILABLE"),
                 Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "THROTTLED", absl::Seconds(30)),
                 Refusal(grpc::StatusCode::FAILED_PRECONDITION, "INTERACTION_REQUIRED",
                         absl::ZeroDuration())});
  for (int call = 1; call <= 3; ++call) {
    EXPECT_FALSE(client_->AcquireForClient(OrdersRequest()).ok());
    EXPECT_EQ(service_.calls(), call);
  }
}

TEST_F(TokenClientTest, AnErrorSaysWhatTheServiceSaid) {
  service_.Fail({Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "THROTTLED", absl::Seconds(30))});
  const absl::Status status = client_->AcquireForClient(OrdersRequest()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("THROTTLED"), HasSubstr("correlation-7")));
  const ErrorDetails details = ErrorDetailsOf(status);
  EXPECT_EQ(details.reason, v1::ERROR_REASON_THROTTLED);
  EXPECT_EQ(details.retry_delay, absl::Seconds(30));
  EXPECT_EQ(details.correlation_id, "correlation-7");
}

TEST_F(TokenClientTest, RefusesAnAnswerThatNoHeaderCanCarry) {
  for (const std::string value : {"", "two words", "line\r\nbreak", "nul\1"}) {
    service_.Edit([&](v1::AcquireForClientResponse& response) {
      response.mutable_access_token()->set_value(value);
    });
    EXPECT_EQ(client_->AcquireForClient(OrdersRequest()).status().code(),
              absl::StatusCode::kInternal);
  }
  service_.EditHeaders([](v1::CreateAuthorizationHeaderResponse& response) {
    response.mutable_headers(0)->set_value("Bearer a\r\nX-Evil: 1");
  });
  EXPECT_EQ(client_->CreateAuthorizationHeader(OrdersRequest()).status().code(),
            absl::StatusCode::kInternal);
  service_.EditHeaders(
      [](v1::CreateAuthorizationHeaderResponse& response) { response.clear_headers(); });
  EXPECT_EQ(client_->CreateAuthorizationHeader(OrdersRequest()).status().code(),
            absl::StatusCode::kInternal);
}

TEST_F(TokenClientTest, RefusesATokenOfAnotherType) {
  service_.Edit([](v1::AcquireForClientResponse& response) {
    response.mutable_access_token()->set_token_type(v1::TOKEN_TYPE_UNSPECIFIED);
  });
  EXPECT_EQ(client_->AcquireForClient(OrdersRequest()).status().code(),
            absl::StatusCode::kInternal);
}

TEST_F(TokenClientTest, AnAsynchronousCallOutlivesItsClient) {
  service_.Hold();
  Mutex mutex;
  CondVar changed;
  std::string token;
  client_->AcquireForClientAsync(OrdersRequest(), [&](const absl::StatusOr<AccessToken>& result) {
    MutexLock lock(&mutex);
    token = result.ok() ? std::string(result->Reveal()) : "failed";
    changed.NotifyAll();
  });
  client_.reset();
  service_.LetGo();
  MutexLock lock(&mutex);
  while (token.empty()) changed.Wait(&mutex);
  EXPECT_EQ(token, "token-1");
}

}  // namespace
}  // namespace tokensvc::client
