// SPDX-License-Identifier: Apache-2.0
// Many tokens in one call: results and errors of their own, in order.
#include <string>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_info.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/cc/service_fixture.h"

namespace tokensvc {
namespace {

class BatchTest : public testing::ServiceFixture {
 protected:
  grpc::Status Send(const v1::BatchAcquireForClientRequest& request,
                    v1::BatchAcquireForClientResponse* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return stub_->BatchAcquireForClient(&context, request, response);
  }

  static v1::BatchAcquireForClientRequest Of(int count) {
    v1::BatchAcquireForClientRequest batch;
    for (int i = 0; i < count; ++i) {
      *batch.add_requests() = Request(absl::StrCat("api://r", i, "/.default"));
    }
    return batch;
  }
};

TEST_F(BatchTest, AnswersEveryRequestInItsPlaceFromTheAuthorityAndThenFromTheCache) {
  Start();
  for (const v1::TokenSource source : {v1::TOKEN_SOURCE_AUTHORITY, v1::TOKEN_SOURCE_LOCAL_CACHE}) {
    v1::BatchAcquireForClientResponse response;
    const grpc::Status status = Send(Of(100), &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(response.results_size(), 100);
    for (int i = 0; i < 100; ++i) {
      const v1::AcquireForClientResponse& one = response.results(i).response();
      EXPECT_EQ(one.source(), source);
      ASSERT_EQ(one.access_token().granted_scopes_size(), 1);
      EXPECT_EQ(one.access_token().granted_scopes(0), absl::StrCat("api://r", i, "/.default"));
      EXPECT_EQ(
          one.access_token().value(),
          MustAcquire(Request(absl::StrCat("api://r", i, "/.default"))).access_token().value());
    }
  }
  EXPECT_EQ(TokenRequests(), 100);
}

TEST_F(BatchTest, TheSameTokenTwiceIsOneRequestToTheAuthority) {
  Start();
  v1::BatchAcquireForClientRequest batch;
  for (int i = 0; i < 10; ++i) *batch.add_requests() = Request();
  v1::BatchAcquireForClientResponse response;
  ASSERT_TRUE(Send(batch, &response).ok());
  for (const auto& result : response.results()) {
    EXPECT_EQ(result.response().access_token().value(),
              response.results(0).response().access_token().value());
  }
  EXPECT_EQ(TokenRequests(), 1);
}

TEST_F(BatchTest, AnErrorStaysWithItsRequestAndHasTheDetailsOfTheSingleCall) {
  Start();
  v1::BatchAcquireForClientRequest batch = Of(3);
  batch.mutable_requests(1)->set_registration("no-such");
  batch.mutable_requests(1)->set_correlation_id("corr-1");
  batch.mutable_requests(2)->set_scopes(0, "user.read");
  v1::BatchAcquireForClientResponse response;
  ASSERT_TRUE(Send(batch, &response).ok());
  ASSERT_EQ(response.results_size(), 3);
  EXPECT_TRUE(response.results(0).has_response());
  const v1::BatchError& denied = response.results(1).error();
  EXPECT_EQ(denied.code(), grpc::StatusCode::PERMISSION_DENIED);
  google::rpc::ErrorInfo info;
  ASSERT_GE(denied.details_size(), 1);
  ASSERT_TRUE(denied.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "POLICY_DENIED");
  EXPECT_EQ(info.metadata().at("correlation_id"), "corr-1");
  EXPECT_EQ(denied.message(), MustFail(batch.requests(1)).message);
  EXPECT_EQ(response.results(2).error().code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(BatchTest, AFailingAuthorityFailsEachItemAndNotTheCall) {
  Start();
  MustAcquire(Request("api://r0/.default"));
  DevAuthority::Fault fault;
  fault.status = 500;
  authority_->AddFault(fault);
  v1::BatchAcquireForClientResponse response;
  ASSERT_TRUE(Send(Of(5), &response).ok());
  EXPECT_TRUE(response.results(0).has_response()) << "cached";
  for (int i = 1; i < 5; ++i) {
    EXPECT_EQ(response.results(i).error().code(), grpc::StatusCode::UNAVAILABLE);
  }
}

TEST_F(BatchTest, NoneAndTooManyAreRefusedWhole) {
  Start();
  for (const int count : {0, 101}) {
    v1::BatchAcquireForClientResponse response;
    EXPECT_EQ(Send(Of(count), &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
  EXPECT_EQ(TokenRequests(), 0);
}

}  // namespace
}  // namespace tokensvc
