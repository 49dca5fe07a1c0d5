// SPDX-License-Identifier: Apache-2.0
#include "service/credential/credential_metrics.h"

#include <limits>
#include <utility>

namespace tokensvc {

struct CredentialMetrics::ExpirySlot {
  Mutex mutex;
  NotAfter not_after ABSL_GUARDED_BY(mutex);
};

const CredentialMetrics::Counters& CredentialMetrics::For(const std::string& credential_id) {
  MutexLock lock(&mutex_);
  std::unique_ptr<const Counters>& entry = counters_[credential_id];
  if (entry == nullptr) {
    const MetricLabels labels = {{"credential", credential_id}};
    entry = std::make_unique<const Counters>(Counters{
        registry_.AddCounter("tokensvc_credential_refusals_total",
                             "Times that the authority refused a client credential.", labels),
        registry_.AddCounter("tokensvc_credential_secondary_uses_total",
                             "Requests that succeeded with a credential that is not the first of "
                             "its registration.",
                             labels),
        registry_.AddCounter("tokensvc_credential_reloads_total",
                             "Times that changed credential files were taken over.", labels),
        registry_.AddCounter("tokensvc_credential_reload_failures_total",
                             "Changed credential files that could not be taken over.", labels),
    });
  }
  return *entry;
}

void CredentialMetrics::TrackExpiry(const std::string& credential_id, NotAfter not_after) {
  std::shared_ptr<ExpirySlot> slot;
  bool made = false;
  {
    MutexLock lock(&mutex_);
    std::shared_ptr<ExpirySlot>& entry = expiries_[credential_id];
    made = entry == nullptr;
    if (made) entry = std::make_shared<ExpirySlot>();
    slot = entry;
  }
  {
    MutexLock lock(&slot->mutex);
    slot->not_after = std::move(not_after);
  }
  if (!made) return;
  registry_.AddComputed("tokensvc_credential_days_to_expiry",
                        "Days until the certificate of a credential ends.",
                        [slot, &clock = clock_] {
                          MutexLock lock(&slot->mutex);
                          const std::optional<absl::Time> end = slot->not_after();
                          if (!end) return std::numeric_limits<double>::quiet_NaN();
                          return absl::ToDoubleHours(*end - clock.Now()) / 24;
                        },
                        {{"credential", credential_id}});
}

}  // namespace tokensvc
