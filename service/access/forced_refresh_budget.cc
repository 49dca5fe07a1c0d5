// SPDX-License-Identifier: Apache-2.0
#include "service/access/forced_refresh_budget.h"

#include <chrono>

#include "absl/strings/str_cat.h"

namespace tokensvc {

std::optional<absl::Duration> ForcedRefreshBudget::Take(absl::string_view caller,
                                                        absl::string_view registration,
                                                        BootTime now) {
  // None are allowed; an operator may change that, so it is not forever.
  if (per_minute_ == 0) return absl::Hours(1);
  const RateLimit limit = RateLimit::Of(per_minute_, std::chrono::minutes(1), per_minute_);
  const auto wait = buckets_.With(absl::StrCat(caller.size(), ":", caller, registration),
                                  [&](TokenBucket& bucket) { return bucket.Take(limit, 1, now); });
  if (!wait.has_value()) return std::nullopt;
  return absl::FromChrono(*wait);
}

}  // namespace tokensvc
