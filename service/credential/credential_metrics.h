// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_CREDENTIAL_CREDENTIAL_METRICS_H_
#define TOKENSVC_SERVICE_CREDENTIAL_CREDENTIAL_METRICS_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"

namespace tokensvc {

/// The metrics of client credentials by credential id. Lives as long as the process, so that a
/// configuration that is loaded anew goes on counting where the old one stopped. Thread-safe.
class CredentialMetrics {
 public:
  /// Tells when a certificate or an assertion ends, or nothing once the credential is gone. Quick
  /// and thread-safe.
  using NotAfter = std::function<std::optional<absl::Time>()>;

  struct Counters {
    Counter& refusals;         ///< The authority said `invalid_client`.
    Counter& secondary_uses;   ///< A request succeeded with this one, which is not the first.
    Counter& reloads;          ///< New material was taken over.
    Counter& reload_failures;  ///< Changed files that could not be: once per change.
  };

  CredentialMetrics(MetricRegistry& registry, const Clock& clock)
      : registry_(registry), clock_(clock) {}

  /// The counters of one credential, made when first asked for.
  const Counters& For(const std::string& credential_id);

  /// Exports `tokensvc_credential_days_to_expiry` (negative when expired, NaN without credential).
  /// Replaces what was tracked under that id before.
  void TrackExpiry(const std::string& credential_id, NotAfter not_after);

  /// Exports `tokensvc_credential_assertion_seconds_to_expiry` in the same way: an assertion lives
  /// for minutes or hours, and an alert on days would never be silent.
  void TrackAssertionExpiry(const std::string& credential_id, NotAfter not_after);

 private:
  struct ExpirySlot;
  using ExpirySlots = std::map<std::string, std::shared_ptr<ExpirySlot>>;

  /// Files `not_after` under the id; the slot, where it was made for this, else null.
  std::shared_ptr<ExpirySlot> MakeSlot(ExpirySlots& slots, const std::string& credential_id,
                                       NotAfter not_after) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Export(const std::string& name, const std::string& help, absl::Duration unit,
              const std::string& credential_id, std::shared_ptr<ExpirySlot> slot);

  MetricRegistry& registry_;
  const Clock& clock_;
  Mutex mutex_;
  std::map<std::string, std::unique_ptr<const Counters>> counters_ ABSL_GUARDED_BY(mutex_);
  ExpirySlots certificates_ ABSL_GUARDED_BY(mutex_);
  ExpirySlots assertions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_CREDENTIAL_METRICS_H_
