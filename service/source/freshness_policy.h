// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SOURCE_FRESHNESS_POLICY_H_
#define TOKENSVC_SERVICE_SOURCE_FRESHNESS_POLICY_H_

#include <optional>

#include "absl/time/time.h"

namespace tokensvc {

/// When a token is due for a refresh and when it stops being answered. Every duration has its
/// reason; they are values so that tests can vary them, not settings: nobody has needed another one
/// yet.
struct FreshnessPolicy {
  /// Where the authority does not say `refresh_in`: this long before expiry, enough for an operator
  /// to notice an outage before tokens run out …
  absl::Duration refresh_ahead = absl::Minutes(5);
  /// … or this share of the life, where that is longer: day-long tokens leave hours for it …
  double refresh_ahead_share = 0.20;
  /// … but never before this share of the life: a token that is always due would be fetched by
  /// every call.
  double earliest_refresh_share = 0.50;
  /// Refresh times differ by up to this share of the time from issue to refresh, either way, so
  /// that tokens that were issued together are not all fetched together again.
  double jitter_share = 0.10;
  /// A token is not answered in its last moments: it has to travel, and clocks differ …
  absl::Duration egress_skew = absl::Seconds(30);
  /// … though never more than this share of its life, for authorities with very short lives.
  double egress_skew_share = 0.10;
  /// The authority answered the token that we had: ask again after this share of what is left, at
  /// least …
  double same_token_share = 0.50;
  /// … this long.
  absl::Duration same_token_wait = absl::Seconds(30);
};

/// The times of one token, counted from the start of the request that brought it.
struct TokenTimes {
  absl::Duration expires_in;     ///< End of life.
  absl::Duration usable_for;     ///< Answered until here.
  absl::Duration refresh_after;  ///< Due from here on.
};

/// The times for a token with that life. `jitter` is uniform in [0, 1). `refresh_in` is the
/// authority's, if any.
TokenTimes ComputeTokenTimes(const FreshnessPolicy& policy, absl::Duration expires_in,
                             std::optional<absl::Duration> refresh_in, double jitter);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SOURCE_FRESHNESS_POLICY_H_
