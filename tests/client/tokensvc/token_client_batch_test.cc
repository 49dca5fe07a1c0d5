// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/tokensvc/scripted_service.h"
#include "tokensvc/error_details.h"
#include "tokensvc/token_client.h"

namespace tokensvc::client {
namespace {

using ::testing::AllOf;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Le;

TokenRequest RequestOf(const std::string& registration) {
  TokenRequest request = OrdersRequest();
  request.registration = registration;
  return request;
}

class TokenClientBatchTest : public ::testing::Test {
 protected:
  ScriptedService service_;
  std::shared_ptr<TokenClient> client_ = service_.MakeClient();
};

TEST_F(TokenClientBatchTest, BringsATokenOrAnErrorWithItsDetailsForEachRequest) {
  TokenRequest challenged = RequestOf("b");
  challenged.claims_challenge = "{}";
  const auto results =
      client_->BatchAcquireForClient({RequestOf("a"), RequestOf("refused"), challenged});
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), 3u);
  ASSERT_TRUE((*results)[0].ok());
  EXPECT_EQ((*results)[0]->Reveal(), "token-a");
  EXPECT_EQ((*results)[0]->tenant(), "contoso");
  const absl::Status refused = (*results)[1].status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("POLICY_DENIED"));
  EXPECT_EQ(ErrorDetailsOf(refused).reason, v1::ERROR_REASON_POLICY_DENIED);
  EXPECT_EQ(ErrorDetailsOf(refused).correlation_id, "correlation-7");
  EXPECT_EQ((*results)[2]->Reveal(), "token-b");
  EXPECT_EQ(service_.batches().at(0).requests(2).claims_challenge(), "{}");
  EXPECT_THAT(service_.seen().at(0).time_left, AllOf(Gt(absl::Seconds(1)), Le(absl::Seconds(15))));
}

TEST_F(TokenClientBatchTest, TriesTheCallAgainWhereTheServiceSaysWhenAndNoItem) {
  service_.Fail(
      {Refusal(grpc::StatusCode::UNAVAILABLE, "AUTHORITY_UNAVAILABLE", absl::ZeroDuration())});
  EXPECT_TRUE(client_->BatchAcquireForClient({RequestOf("a")}).ok());
  EXPECT_EQ(service_.calls(), 2);
  service_.EditBatch([](v1::BatchAcquireForClientResponse& response) {
    SetError(Refusal(grpc::StatusCode::UNAVAILABLE, "AUTHORITY_UNAVAILABLE", absl::ZeroDuration()),
             response.mutable_results(0)->mutable_error());
  });
  const auto results = client_->BatchAcquireForClient({RequestOf("a")});
  ASSERT_TRUE(results.ok());
  EXPECT_EQ((*results)[0].status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorDetailsOf((*results)[0].status()).retry_delay, absl::ZeroDuration());
  EXPECT_EQ(service_.calls(), 3);
}

TEST_F(TokenClientBatchTest, TakesAFullBatchOfTheLargestTokens) {
  service_.Edit([](v1::AcquireForClientResponse& response) {
    response.mutable_access_token()->set_value(std::string(std::size_t{64} << 10, 't'));
  });
  const auto results =
      client_->BatchAcquireForClient(std::vector<TokenRequest>(kMaxBatch, OrdersRequest()));
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), kMaxBatch);
  for (const auto& result : *results) {
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->Reveal().size(), std::size_t{64} << 10);
  }
}

TEST_F(TokenClientBatchTest, AnAnswerThatIsNoneForEachRequestIsRefused) {
  service_.EditBatch([](v1::BatchAcquireForClientResponse& response) { response.add_results(); });
  EXPECT_EQ(client_->BatchAcquireForClient({RequestOf("a")}).status().code(),
            absl::StatusCode::kInternal);
  service_.EditBatch([](v1::BatchAcquireForClientResponse& response) {
    response.mutable_results(0)->clear_outcome();
    response.mutable_results(1)->mutable_error()->set_code(0);
    response.mutable_results(2)->mutable_response()->mutable_access_token()->set_value("a b");
  });
  const auto results =
      client_->BatchAcquireForClient({RequestOf("a"), RequestOf("b"), RequestOf("c")});
  ASSERT_TRUE(results.ok());
  EXPECT_EQ((*results)[0].status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ((*results)[1].status().code(), absl::StatusCode::kUnknown);
  EXPECT_EQ((*results)[2].status().code(), absl::StatusCode::kInternal);
}

TEST_F(TokenClientBatchTest, SaysHowLongATokenMayBeKeptAndStillWorks) {
  service_.Edit([](v1::AcquireForClientResponse& response) {
    response.mutable_near_cache_for()->set_seconds(30);
    response.mutable_expires_in()->set_seconds(90);
    response.mutable_expires_in()->set_nanos(500'000'000);
  });
  const auto results = client_->BatchAcquireForClient({RequestOf("a")});
  ASSERT_TRUE(results.ok() && (*results)[0].ok());
  EXPECT_EQ((*results)[0]->near_cache_for(), absl::Seconds(30));
  EXPECT_EQ((*results)[0]->expires_in(), absl::Milliseconds(90'500));
  // Of a service that is older than the fields.
  service_.Edit(nullptr);
  EXPECT_EQ(client_->AcquireForClient(RequestOf("a"))->near_cache_for(), std::nullopt);
  // One that knows them, and does not allow it.
  service_.Edit([](v1::AcquireForClientResponse& response) {
    response.mutable_expires_in()->set_seconds(90);
  });
  EXPECT_EQ(client_->AcquireForClient(RequestOf("a"))->near_cache_for(), absl::ZeroDuration());
}

}  // namespace
}  // namespace tokensvc::client
