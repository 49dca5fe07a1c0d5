// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_ACCESS_CALLER_QUOTAS_H_
#define TOKENSVC_SERVICE_ACCESS_CALLER_QUOTAS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "base/bounded_table.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/token_bucket.h"
#include "service/access/caller.h"
#include "service/access/compiled_policy.h"
#include "service/access/policy_spec.h"

namespace tokensvc {

/// How many calls each caller may make of this replica: a token bucket per caller, with the limits
/// that the policy has for it, or those that hold for everybody. Asked on every call, before
/// anything is looked into, on gRPC's own threads: some tens of nanoseconds, one of many locks.
///
/// Buckets live here and not in the policy, so that a reload fills none; what it changes for a
/// caller holds from its next call on. Bounded: of more callers than `max_callers`, the one that
/// called longest ago is forgotten, and has a full bucket again. Nobody gains by that: pushing one
/// caller out takes about as many calls of others as there are places. Thread-safe.
class CallerQuotas {
 public:
  static constexpr std::size_t kMaxCallers = 65'536;

  /// `standard` holds for callers whom the policy gives nothing of their own; its rate is more than
  /// zero. `metrics` must outlive this, and so must what reads them.
  CallerQuotas(CallerQuota standard, MetricRegistry& metrics,
               std::size_t max_callers = kMaxCallers);

  /// Takes `calls`, at least one; or takes nothing and says how long to wait. More than the
  /// caller's burst at once need a full bucket, which then owes the rest.
  std::optional<absl::Duration> Take(const Caller& caller, const CompiledPolicy& policy, int calls,
                                     BootTime now);

  /// How many calls of `caller` may wait at once.
  std::uint32_t ConcurrentCalls(const Caller& caller, const CompiledPolicy& policy) const;

  /// Callers that are remembered.
  std::size_t size() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::uint64_t policy = 0;  ///< Whose limit this is; 0: nobody's yet.
    RateLimit rate;
    TokenBucket calls;
  };

  CallerQuota QuotaOf(const Caller& caller, const CompiledPolicy& policy) const;
  void Adopt(const Caller& caller, const CompiledPolicy& policy, BootTime now,
             Bucket& bucket) const;

  const CallerQuota standard_;
  Counter& refused_;
  BoundedTable<Bucket> buckets_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_ACCESS_CALLER_QUOTAS_H_
