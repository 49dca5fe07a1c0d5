// SPDX-License-Identifier: Apache-2.0
#include "client/core/retry_policy.h"

#include <algorithm>

namespace tokensvc::client {
namespace {

/// The random part is up to a fifth of the delay, and never less than this much is drawn from:
/// "retry at once" must not bring everybody back in one instant.
constexpr double kJitterShare = 0.2;
constexpr absl::Duration kLeastJitter = absl::Milliseconds(50);

}  // namespace

std::optional<absl::Duration> DelayBeforeRetry(const FailedAttempt& attempt, double random) {
  if (attempt.code != absl::StatusCode::kUnavailable &&
      attempt.code != absl::StatusCode::kResourceExhausted) {
    return std::nullopt;
  }
  if (!attempt.retry_delay.has_value() || attempt.retries_before >= kMaxRetries) {
    return std::nullopt;
  }
  const absl::Duration asked = std::max(*attempt.retry_delay, absl::ZeroDuration());
  const absl::Duration delay = asked + random * std::max(asked * kJitterShare, kLeastJitter);
  if (delay >= attempt.time_left) return std::nullopt;
  return delay;
}

}  // namespace tokensvc::client
