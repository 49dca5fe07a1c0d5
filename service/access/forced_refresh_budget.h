// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_FORCED_REFRESH_BUDGET_H_
#define TOKENSVC_SERVICE_ACCESS_FORCED_REFRESH_BUDGET_H_

#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

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
  struct Bucket {
    double left;
    BootTime at;
  };
  // More pairs than this are not remembered one by one: the full ones go first, and then all.
  static constexpr std::size_t kMaxBuckets = 100'000;

  double Refilled(const Bucket& bucket, BootTime now) const;

  const int per_minute_;
  Mutex mutex_;
  absl::flat_hash_map<std::string, Bucket> buckets_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_FORCED_REFRESH_BUDGET_H_
