// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_AUDIT_RECORD_H_
#define TOKENSVC_SERVICE_TELEMETRY_AUDIT_RECORD_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tokensvc {

enum class AuditDecision : std::uint8_t {
  kAllow,  ///< Policy allows the request. Whether a token came of it: `source`.
  kDeny,   ///< No token, whether any was there or not.
  kGap,    ///< `count` records are missing.
  kAdmin,  ///< Somebody changed something by the AdminService, or tried to.
};

/// What the audit log says of one decision (docs/AUDIT.md). Never a token, an assertion, a claim's
/// value, or text that a caller may choose freely. What is empty, zero or infinitely past is left
/// out. Views need to live for the call only that takes the record.
struct AuditRecord {
  absl::Time time;
  /// Of the last decision, where `count` is more than one.
  absl::Time until = absl::InfinitePast();
  std::uint64_t count = 1;
  std::uint64_t sequence = 0;  ///< Given by the log.
  AuditDecision decision = AuditDecision::kDeny;
  /// Why there was no token, as the contract names it (`POLICY_DENIED`); of a gap, why records are
  /// missing.
  absl::string_view reason;
  absl::string_view cause;  ///< What a denial hides from the caller (`tenant`, `expired`).
  absl::string_view caller;
  absl::string_view listener;
  absl::string_view method;
  absl::string_view registration;
  absl::string_view tenant;
  absl::string_view grant;
  absl::string_view scopes;  ///< Canonical, space-separated.
  absl::string_view rule;    ///< That allows it.
  absl::string_view policy_version;
  absl::string_view source;  ///< Where the token that was handed out came from; none: no token.
  std::uint64_t token_fingerprint = 0;
  absl::Time expires_at = absl::InfinitePast();  ///< Of the token.
  absl::string_view correlation_id;
  absl::string_view trace_id;
  absl::string_view action;  ///< Of kAdmin: what was done (`purge`).
  absl::string_view target;  ///< Of kAdmin: what to (`tenant contoso.example`).
};

/// All texts of a record.
inline constexpr absl::string_view AuditRecord::*kAuditTexts[] = {
    &AuditRecord::reason,         &AuditRecord::cause,          &AuditRecord::caller,
    &AuditRecord::listener,       &AuditRecord::method,         &AuditRecord::registration,
    &AuditRecord::tenant,         &AuditRecord::grant,          &AuditRecord::scopes,
    &AuditRecord::rule,           &AuditRecord::policy_version, &AuditRecord::source,
    &AuditRecord::correlation_id, &AuditRecord::trace_id,       &AuditRecord::action,
    &AuditRecord::target};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_AUDIT_RECORD_H_
