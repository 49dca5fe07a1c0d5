// SPDX-License-Identifier: Apache-2.0
#include "service/access/caller_quotas.h"

#include <chrono>

namespace tokensvc {
namespace {

/// `own`, and `standard` where that says nothing.
CallerQuota Complete(CallerQuota own, const CallerQuota& standard) {
  if (own.calls_per_second == 0) {
    own.calls_per_second = standard.calls_per_second;
    if (own.burst == 0) own.burst = standard.burst;
  }
  // A rate of one's own comes with a burst of its own.
  if (own.burst == 0) own.burst = 2 * own.calls_per_second;
  if (own.concurrent_calls == 0) own.concurrent_calls = standard.concurrent_calls;
  return own;
}

}  // namespace

CallerQuotas::CallerQuotas(CallerQuota standard, MetricRegistry& metrics, std::size_t max_callers)
    : standard_(standard),
      refused_(metrics.AddCounter("tokensvc_quota_refusals_total",
                                  "Calls that were refused because their callers made too many.")),
      buckets_(max_callers) {
  metrics.AddComputed("tokensvc_quota_callers", "Callers whose calls are counted, at most 65,536.",
                      [this] { return static_cast<double>(buckets_.size()); });
}

std::optional<absl::Duration> CallerQuotas::Take(const Caller& caller, const CompiledPolicy& policy,
                                                 int calls, BootTime now) {
  const auto wait = buckets_.With(caller.id, [&](Bucket& bucket) {
    // A call that still has an older policy does not bring its limits back.
    if (bucket.policy < policy.serial()) Adopt(caller, policy, now, bucket);
    return bucket.calls.Take(bucket.rate, calls, now);
  });
  if (!wait.has_value()) return std::nullopt;
  refused_.Increment();
  return absl::FromChrono(*wait);
}

std::uint32_t CallerQuotas::ConcurrentCalls(const Caller& caller,
                                            const CompiledPolicy& policy) const {
  return QuotaOf(caller, policy).concurrent_calls;
}

CallerQuota CallerQuotas::QuotaOf(const Caller& caller, const CompiledPolicy& policy) const {
  const CallerQuota* const own = policy.QuotaOf(caller);
  return Complete(own == nullptr ? CallerQuota() : *own, standard_);
}

void CallerQuotas::Adopt(const Caller& caller, const CompiledPolicy& policy, BootTime now,
                         Bucket& bucket) const {
  const CallerQuota quota = QuotaOf(caller, policy);
  const RateLimit rate =
      RateLimit::Of(quota.calls_per_second, std::chrono::seconds(1), quota.burst);
  if (bucket.policy != 0) bucket.calls.Change(bucket.rate, rate, now);
  bucket.policy = policy.serial();
  bucket.rate = rate;
}

}  // namespace tokensvc
