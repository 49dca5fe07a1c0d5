// SPDX-License-Identifier: Apache-2.0
#include "tokensvc/error_details.h"

#include <string>

#include "client/rpc/grpc_status.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "tests/client/error_details.h"

namespace tokensvc::client {
namespace {

TEST(ErrorDetailsTest, ReadsEverythingThatTheContractNames) {
  google::rpc::Status message;
  tokenctl::AddErrorInfo("tokensvc", "INTERACTION_REQUIRED", "id-1", &message);
  google::rpc::BadRequest bad_request;
  bad_request.add_field_violations()->set_field("scopes[0]");
  bad_request.mutable_field_violations(0)->set_description("write …/.default");
  message.add_details()->PackFrom(bad_request);
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(2);
  retry.mutable_retry_delay()->set_nanos(500'000'000);
  message.add_details()->PackFrom(retry);
  v1::AuthorityError authority;
  authority.set_error("invalid_grant");
  authority.set_classification(v1::INTERACTION_CLASSIFICATION_CONSENT_REQUIRED);
  authority.set_claims_challenge(R"({"access_token":{}})");
  message.add_details()->PackFrom(authority);

  const ErrorDetails details = ErrorDetailsOf(
      ToAbslStatus(tokenctl::WithDetails(grpc::StatusCode::FAILED_PRECONDITION, "no", message)));
  EXPECT_EQ(details.reason, v1::ERROR_REASON_INTERACTION_REQUIRED);
  EXPECT_EQ(details.reason_name, "INTERACTION_REQUIRED");
  EXPECT_EQ(details.correlation_id, "id-1");
  EXPECT_EQ(details.retry_delay, absl::Milliseconds(2500));
  ASSERT_EQ(details.field_violations.size(), 1u);
  EXPECT_EQ(details.field_violations[0].field, "scopes[0]");
  EXPECT_EQ(details.field_violations[0].description, "write …/.default");
  ASSERT_TRUE(details.authority_error.has_value());
  EXPECT_EQ(details.authority_error->claims_challenge(), R"({"access_token":{}})");
  EXPECT_EQ(details.authority_error->classification(),
            v1::INTERACTION_CLASSIFICATION_CONSENT_REQUIRED);
}

TEST(ErrorDetailsTest, AReasonOfTomorrowKeepsItsName) {
  google::rpc::Status message;
  tokenctl::AddErrorInfo("tokensvc", "MOON_PHASE", "id-1", &message);
  const ErrorDetails details = ErrorDetailsOf(
      ToAbslStatus(tokenctl::WithDetails(grpc::StatusCode::UNAVAILABLE, "no", message)));
  EXPECT_EQ(details.reason, v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(details.reason_name, "MOON_PHASE");
}

TEST(ErrorDetailsTest, AReasonOfSomebodyElseIsNotOurs) {
  google::rpc::Status message;
  tokenctl::AddErrorInfo("mesh.example", "THROTTLED", "id-1", &message);
  const ErrorDetails details = ErrorDetailsOf(
      ToAbslStatus(tokenctl::WithDetails(grpc::StatusCode::UNAVAILABLE, "no", message)));
  EXPECT_EQ(details.reason, v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(details.reason_name, "");
}

TEST(ErrorDetailsTest, WhatIsMalformedOrAbsentIsLeftOut) {
  EXPECT_FALSE(ErrorDetailsOf(absl::UnavailableError("connection")).retry_delay.has_value());
  const absl::Status garbage =
      ToAbslStatus(grpc::Status(grpc::StatusCode::UNAVAILABLE, "no", "\xff\xff\xff"));
  EXPECT_EQ(garbage.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorDetailsOf(garbage).reason_name, "");
  google::rpc::Status message;
  message.add_details()->set_type_url("type.googleapis.com/google.rpc.RetryInfo");
  message.mutable_details(0)->set_value("\xff");
  EXPECT_FALSE(ErrorDetailsOf(ToAbslStatus(tokenctl::WithDetails(grpc::StatusCode::UNAVAILABLE,
                                                                 "no", message)))
                   .retry_delay.has_value());
  const grpc::Status huge(grpc::StatusCode::UNAVAILABLE, "no", std::string(100'000, 'x'));
  EXPECT_EQ(ToAbslStatus(huge).message(), "no");
}

TEST(ErrorDetailsTest, AnOkStatusIsOk) { EXPECT_TRUE(ToAbslStatus(grpc::Status::OK).ok()); }

}  // namespace
}  // namespace tokensvc::client
