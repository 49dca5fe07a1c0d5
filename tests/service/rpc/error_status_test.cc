// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/error_status.h"

#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "tokensvc/v1/errors.pb.h"

namespace tokensvc {
namespace {

google::rpc::Status Details(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

TEST(ErrorStatusTest, CarriesReasonCorrelationIdAndRetryTime) {
  Error error = AuthorityUnavailable("the authority is away", absl::Milliseconds(1500));
  const grpc::Status status = ToGrpcStatus(error, "corr-1");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the authority is away");
  const google::rpc::Status details = Details(status);
  ASSERT_EQ(details.details_size(), 2);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "AUTHORITY_UNAVAILABLE");
  EXPECT_EQ(info.domain(), "tokensvc");
  EXPECT_EQ(info.metadata().at("correlation_id"), "corr-1");
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(details.details(1).UnpackTo(&retry));
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
}

TEST(ErrorStatusTest, StaysUnderFourKilobytesAndKeepsTheClaimsChallenge) {
  Error error = InvalidRequest("scopes[0]", std::string(3000, 'x'));
  for (int i = 0; i < 100; ++i) error.violations.push_back({"field", std::string(500, 'y')});
  error.message = std::string(10'000, 'm');
  auto authority = std::make_shared<AuthorityErrorInfo>();
  authority->error = "interaction_required";
  authority->claims_challenge = "{\"" + std::string(2000, 'c') + "\":{}}";
  error.authority = authority;
  const grpc::Status status = ToGrpcStatus(error, "corr");
  EXPECT_LE(status.error_details().size(), 4096u);
  EXPECT_LE(status.error_message().size(), 512u);
  bool found = false;
  const google::rpc::Status details = Details(status);
  for (const auto& any : details.details()) {
    v1::AuthorityError detail;
    if (any.UnpackTo(&detail)) {
      found = true;
      EXPECT_EQ(detail.claims_challenge(), authority->claims_challenge);
    }
  }
  EXPECT_TRUE(found);
}

TEST(ErrorStatusTest, EveryReasonOfTheCoreIsOneOfTheContract) {
  for (int i = 0; i <= static_cast<int>(Reason::kInternal); ++i) {
    const std::string name = "ERROR_REASON_" + std::string(ReasonName(static_cast<Reason>(i)));
    v1::ErrorReason reason;
    EXPECT_TRUE(v1::ErrorReason_Parse(name, &reason)) << name;
  }
}

}  // namespace
}  // namespace tokensvc
