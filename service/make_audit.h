// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_MAKE_AUDIT_H_
#define TOKENSVC_SERVICE_MAKE_AUDIT_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/token_fingerprinter.h"
#include "service/rpc/admin_action.h"
#include "service/telemetry/audit_log.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// What audits: in this order, for the log uses the metrics.
struct AuditParts {
  std::unique_ptr<AuditMetrics> metrics;
  std::unique_ptr<TokenFingerprinter> fingerprinter;
  std::unique_ptr<AuditLog> log;  ///< All null where the configuration has no `audit`.
};

struct AuditNeeds {
  const Clock& clock;
  Logger& logger;
  RandomGenerator& random;
  MetricRegistry& metrics;
};

/// The audit log of a validated configuration. Fails where its file can't be opened. Says so in the
/// log where there is none.
absl::StatusOr<AuditParts> MakeAudit(const config::v1::ServiceConfig& config,
                                     const AuditNeeds& needs);

/// Leaves a record of what somebody changed, or tried to, nothing where there is no log; and calls
/// `then` as `AdminActionSink` has it.
void RecordAdminAction(const AdminAction& action, const AuditParts& audit, const Clock& clock,
                       std::function<void(bool)> then);

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_MAKE_AUDIT_H_
