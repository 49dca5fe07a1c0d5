// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/failed_call_log.h"

#include "service/rpc/shown_name.h"

namespace tokensvc {
namespace {

/// Whether an operator, not only the caller, has something to do.
bool IsOurs(Reason reason) {
  switch (reason) {
    case Reason::kInvalidRequest:
    case Reason::kScopeNotAccepted:
    case Reason::kPolicyDenied:
    case Reason::kQuotaExceeded:
    case Reason::kInteractionRequired:
    case Reason::kDraining:
    case Reason::kRoleRequired:
      return false;
    default:
      return true;
  }
}

}  // namespace

void FailedCallLog::Write(const Call& call, const Error& error) {
  const LogSeverity severity = IsOurs(error.reason) ? LogSeverity::kWarning : LogSeverity::kInfo;
  if (!logger_.Enabled(severity)) return;
  const std::optional<std::int64_t> suppressed = limiter_.Take(clock_.Boot());
  if (!suppressed.has_value()) return;
  logger_.Write(severity, "call_failed",
                {{"method", call.method},
                 {"caller", call.caller},
                 {"registration", ShownName(call.registration)},
                 {"code", absl::StatusCodeToString(error.code)},
                 {"reason", ReasonName(error.reason)},
                 {"denied_for", call.denied_for},
                 {"correlation_id", call.correlation_id},
                 {"trace_id", call.trace_id},
                 {"lines_suppressed", static_cast<long long>(*suppressed)}});
}

}  // namespace tokensvc
