// SPDX-License-Identifier: Apache-2.0
#include "service/source/freshness_policy.h"

#include <algorithm>

namespace tokensvc {

TokenTimes ComputeTokenTimes(const FreshnessPolicy& policy, absl::Duration expires_in,
                             std::optional<absl::Duration> refresh_in, double jitter) {
  TokenTimes times;
  times.expires_in = expires_in;
  times.usable_for =
      expires_in - std::min(policy.egress_skew, policy.egress_skew_share * expires_in);

  absl::Duration refresh;
  if (refresh_in.has_value() && *refresh_in > absl::ZeroDuration()) {
    refresh = *refresh_in;
  } else {
    const absl::Duration ahead =
        std::max(policy.refresh_ahead, policy.refresh_ahead_share * expires_in);
    refresh = std::max(expires_in - ahead, policy.earliest_refresh_share * expires_in);
  }
  refresh *= 1.0 + policy.jitter_share * (2.0 * jitter - 1.0);
  times.refresh_after = std::min(refresh, times.usable_for);
  return times;
}

}  // namespace tokensvc
