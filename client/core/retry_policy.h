// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_CORE_RETRY_POLICY_H_
#define TOKENSVC_CLIENT_CORE_RETRY_POLICY_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace tokensvc::client {

/// Retries after the first attempt of a call, at most.
inline constexpr int kMaxRetries = 2;

/// How a call failed, as far as a retry depends on it.
struct FailedAttempt {
  absl::StatusCode code = absl::StatusCode::kUnknown;
  std::optional<absl::Duration> retry_delay;  ///< google.rpc.RetryInfo, if the answer has one.
  int retries_before = 0;
  absl::Duration time_left;  ///< Until the call's deadline.
};

/// How long to wait before the next attempt; none: the failure is the call's result. The service
/// retries nothing itself (the caller owns retries), and it knows when a retry makes sense: only
/// UNAVAILABLE and RESOURCE_EXHAUSTED with a RetryInfo that ends before the deadline are tried
/// again, never earlier than RetryInfo says, and later by a random part so that callers who failed
/// together do not come back together. `random` is uniform in [0, 1).
std::optional<absl::Duration> DelayBeforeRetry(const FailedAttempt& attempt, double random);

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_CORE_RETRY_POLICY_H_
