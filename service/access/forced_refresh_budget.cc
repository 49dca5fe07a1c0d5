// SPDX-License-Identifier: Apache-2.0
#include "service/access/forced_refresh_budget.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tokensvc {

double ForcedRefreshBudget::Refilled(const Bucket& bucket, BootTime now) const {
  const double minutes = absl::ToDoubleSeconds(absl::FromChrono(now - bucket.at)) / 60.0;
  return std::min<double>(per_minute_, bucket.left + std::max(0.0, minutes) * per_minute_);
}

std::optional<absl::Duration> ForcedRefreshBudget::Take(absl::string_view caller,
                                                        absl::string_view registration,
                                                        BootTime now) {
  // None are allowed; an operator may change that, so it is not forever.
  if (per_minute_ == 0) return absl::Hours(1);
  const std::string key = absl::StrCat(caller.size(), ":", caller, registration);
  MutexLock lock(&mutex_);
  if (buckets_.size() >= kMaxBuckets && !buckets_.contains(key)) {
    absl::erase_if(buckets_,
                   [&](const auto& entry) { return Refilled(entry.second, now) >= per_minute_; });
    if (buckets_.size() >= kMaxBuckets) buckets_.clear();
  }
  Bucket& bucket =
      buckets_.try_emplace(key, Bucket{static_cast<double>(per_minute_), now}).first->second;
  bucket.left = Refilled(bucket, now);
  bucket.at = now;
  if (bucket.left < 1.0) return absl::Minutes(1) * ((1.0 - bucket.left) / per_minute_);
  bucket.left -= 1.0;
  return std::nullopt;
}

}  // namespace tokensvc
