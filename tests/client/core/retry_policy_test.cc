// SPDX-License-Identifier: Apache-2.0
#include "client/core/retry_policy.h"

#include "gtest/gtest.h"

namespace tokensvc::client {
namespace {

FailedAttempt Throttled() {
  FailedAttempt attempt;
  attempt.code = absl::StatusCode::kResourceExhausted;
  attempt.retry_delay = absl::Seconds(1);
  attempt.time_left = absl::Seconds(10);
  return attempt;
}

TEST(RetryPolicyTest, WaitsAsLongAsRetryInfoSaysAndARandomPartMore) {
  EXPECT_EQ(DelayBeforeRetry(Throttled(), 0), absl::Seconds(1));
  EXPECT_EQ(DelayBeforeRetry(Throttled(), 0.5), absl::Milliseconds(1100));
}

TEST(RetryPolicyTest, RetriesAnUnavailableServiceThatSaysWhen) {
  FailedAttempt attempt = Throttled();
  attempt.code = absl::StatusCode::kUnavailable;
  EXPECT_TRUE(DelayBeforeRetry(attempt, 0).has_value());
}

TEST(RetryPolicyTest, RetriesNothingElse) {
  for (const absl::StatusCode code :
       {absl::StatusCode::kInvalidArgument, absl::StatusCode::kPermissionDenied,
        absl::StatusCode::kFailedPrecondition, absl::StatusCode::kDeadlineExceeded,
        absl::StatusCode::kInternal, absl::StatusCode::kUnknown, absl::StatusCode::kAborted,
        absl::StatusCode::kUnauthenticated}) {
    FailedAttempt attempt = Throttled();
    attempt.code = code;
    EXPECT_FALSE(DelayBeforeRetry(attempt, 0).has_value()) << absl::StatusCodeToString(code);
  }
}

TEST(RetryPolicyTest, RetriesNothingWithoutRetryInfo) {
  FailedAttempt attempt = Throttled();
  attempt.retry_delay.reset();
  EXPECT_FALSE(DelayBeforeRetry(attempt, 0).has_value());
}

TEST(RetryPolicyTest, DoesNotWaitForWhatIsPastTheDeadline) {
  FailedAttempt attempt = Throttled();
  attempt.time_left = absl::Seconds(1);
  EXPECT_FALSE(DelayBeforeRetry(attempt, 0).has_value());
  attempt.time_left = absl::Milliseconds(1001);
  EXPECT_TRUE(DelayBeforeRetry(attempt, 0).has_value());
  EXPECT_FALSE(DelayBeforeRetry(attempt, 0.5).has_value());
  attempt.retry_delay = absl::InfiniteDuration();
  EXPECT_FALSE(DelayBeforeRetry(attempt, 0).has_value());
}

TEST(RetryPolicyTest, EndsAfterTwoRetries) {
  FailedAttempt attempt = Throttled();
  attempt.retries_before = 1;
  EXPECT_TRUE(DelayBeforeRetry(attempt, 0).has_value());
  attempt.retries_before = 2;
  EXPECT_FALSE(DelayBeforeRetry(attempt, 0).has_value());
}

TEST(RetryPolicyTest, ARetryAtOnceIsSpreadToo) {
  FailedAttempt attempt = Throttled();
  attempt.retry_delay = absl::ZeroDuration();
  EXPECT_EQ(DelayBeforeRetry(attempt, 0.5), absl::Milliseconds(25));
  attempt.retry_delay = -absl::Seconds(3);
  EXPECT_EQ(DelayBeforeRetry(attempt, 0.5), absl::Milliseconds(25));
}

}  // namespace
}  // namespace tokensvc::client
