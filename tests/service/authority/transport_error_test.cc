// SPDX-License-Identifier: Apache-2.0
#include "service/authority/transport_error.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/authority/canary.h"

namespace tokensvc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Case {
  absl::StatusCode transport;
  absl::StatusCode code;
  Reason reason;
  bool retry;
};

class FromTransportTest : public ::testing::TestWithParam<Case> {};

TEST_P(FromTransportTest, HasItsStatusAndReasonAndNothingOfTheStatusText) {
  const Case& expected = GetParam();
  const Error error =
      FromTransport(absl::Status(expected.transport, kCanary), "main", absl::Seconds(7));
  EXPECT_EQ(error.code, expected.code);
  EXPECT_EQ(error.reason, expected.reason);
  EXPECT_EQ(error.retry_after.has_value(), expected.retry);
  EXPECT_THAT(VisibleText(error), HasSubstr("\"main\""));
  EXPECT_THAT(VisibleText(error), Not(HasSubstr(std::string(kCanary))));
}

using Code = absl::StatusCode;
INSTANTIATE_TEST_SUITE_P(
    All, FromTransportTest,
    ::testing::Values(
        Case{Code::kUnavailable, Code::kUnavailable, Reason::kAuthorityUnavailable, true},
        Case{Code::kDeadlineExceeded, Code::kUnavailable, Reason::kAuthorityUnavailable, true},
        Case{Code::kUnauthenticated, Code::kFailedPrecondition, Reason::kAuthorityUntrusted, false},
        Case{Code::kPermissionDenied, Code::kFailedPrecondition, Reason::kAuthorityUntrusted,
             false},
        Case{Code::kOutOfRange, Code::kUnavailable, Reason::kAuthorityResponseInvalid, true},
        Case{Code::kResourceExhausted, Code::kResourceExhausted, Reason::kOverloaded, true},
        Case{Code::kInvalidArgument, Code::kInternal, Reason::kInternal, false},
        Case{Code::kUnknown, Code::kUnavailable, Reason::kAuthorityUnavailable, true}));

}  // namespace
}  // namespace tokensvc
