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
  /// Tells when a certificate ends, or nothing once the credential is gone. Quick and thread-safe.
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

 private:
  struct ExpirySlot;

  MetricRegistry& registry_;
  const Clock& clock_;
  Mutex mutex_;
  std::map<std::string, std::unique_ptr<const Counters>> counters_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<ExpirySlot>> expiries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_CREDENTIAL_CREDENTIAL_METRICS_H_
