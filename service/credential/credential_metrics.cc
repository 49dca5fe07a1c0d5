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
  std::shared_ptr<ExpirySlot> made;
  {
    MutexLock lock(&mutex_);
    made = MakeSlot(certificates_, credential_id, std::move(not_after));
  }
  Export("tokensvc_credential_days_to_expiry", "Days until the certificate of a credential ends.",
         absl::Hours(24), credential_id, std::move(made));
}

void CredentialMetrics::TrackAssertionExpiry(const std::string& credential_id, NotAfter not_after) {
  std::shared_ptr<ExpirySlot> made;
  {
    MutexLock lock(&mutex_);
    made = MakeSlot(assertions_, credential_id, std::move(not_after));
  }
  Export("tokensvc_credential_assertion_seconds_to_expiry",
         "Seconds until the assertion of a credential expires: its file's, or the managed "
         "identity's.",
         absl::Seconds(1), credential_id, std::move(made));
}

std::shared_ptr<CredentialMetrics::ExpirySlot> CredentialMetrics::MakeSlot(
    ExpirySlots& slots, const std::string& credential_id, NotAfter not_after) {
  std::shared_ptr<ExpirySlot>& entry = slots[credential_id];
  const bool made = entry == nullptr;
  if (made) entry = std::make_shared<ExpirySlot>();
  MutexLock lock(&entry->mutex);
  entry->not_after = std::move(not_after);
  return made ? entry : nullptr;
}

void CredentialMetrics::Export(const std::string& name, const std::string& help,
                               absl::Duration unit, const std::string& credential_id,
                               std::shared_ptr<ExpirySlot> slot) {
  if (slot == nullptr) return;
  registry_.AddComputed(name, help,
                        [slot = std::move(slot), unit, &clock = clock_] {
                          MutexLock lock(&slot->mutex);
                          const std::optional<absl::Time> end = slot->not_after();
                          if (!end) return std::numeric_limits<double>::quiet_NaN();
                          return absl::FDivDuration(*end - clock.Now(), unit);
                        },
                        {{"credential", credential_id}});
}

}  // namespace tokensvc
