// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_FORCED_REFRESH_BUDGET_H_
#define TOKENSVC_SERVICE_ACCESS_FORCED_REFRESH_BUDGET_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/bounded_table.h"
#include "base/clock.h"
#include "base/token_bucket.h"

namespace tokensvc {

/// How often one caller may make the service skip its cache (`force_refresh`, claims challenges)
/// for one registration, so that a caller that always forces cannot use up the authority's patience
/// for the others: a token bucket per caller and registration, of one minute's worth. Thread-safe.
class ForcedRefreshBudget {
 public:
  /// `per_minute` of 0: none at all.
  explicit ForcedRefreshBudget(int per_minute) : per_minute_(per_minute) {}

  /// Takes one; or says how long to wait until there is one.
  std::optional<absl::Duration> Take(absl::string_view caller, absl::string_view registration,
                                     BootTime now);

 private:
  // Of more pairs than this, the one that was used longest ago is forgotten, and full again.
  static constexpr std::size_t kMaxBuckets = 65'536;

  const int per_minute_;
  BoundedTable<TokenBucket> buckets_{kMaxBuckets};
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_FORCED_REFRESH_BUDGET_H_
