// SPDX-License-Identifier: Apache-2.0
#include "service/rpc/call_audit.h"

#include "service/access/grant_names.h"
#include "service/rpc/shown_name.h"
#include "service/rpc/trace_context.h"

namespace tokensvc {
namespace {

absl::string_view SourceName(FoundIn found_in) {
  switch (found_in) {
    case FoundIn::kAuthority:
      return "authority";
    case FoundIn::kSharedCache:
      return "shared_cache";
    case FoundIn::kLocalCache:
      return "local_cache";
  }
  return "";
}

}  // namespace

Error AuditUnavailable() {
  Error error;
  error.code = absl::StatusCode::kUnavailable;
  error.reason = Reason::kAuditUnavailable;
  error.message = "the audit log does not take the record of this call, and none goes without";
  error.retry_after = kDefaultRetryAfter;
  return error;
}

std::string CallAudit::TraceId(const Request& request) { return TraceIdOf(request.context); }

AuditRecord CallAudit::Common(const Request& request, const Verdict& verdict) const {
  AuditRecord record;
  record.time = request.now;
  record.decision = verdict.allowed ? AuditDecision::kAllow : AuditDecision::kDeny;
  if (request.caller != nullptr) record.caller = request.caller->id;
  record.listener = listener_;
  record.method = request.method;
  record.registration = ShownName(request.registration);
  record.grant = kClientCredentialsGrant;
  record.rule = verdict.rule;
  if (verdict.policy != nullptr) record.policy_version = verdict.policy->version();
  record.correlation_id = request.correlation_id;
  return record;
}

AuditRecord CallAudit::OfToken(const Request& request, const Verdict& verdict,
                               const AppTokenRequest& asked, const AppToken& token) const {
  AuditRecord record = Common(request, verdict);
  record.tenant = asked.tenant;
  record.scopes = asked.scopes.canonical();
  record.source = SourceName(token.found_in);
  record.expires_at = token.record->expires_at();
  if (fingerprinter_ != nullptr) {
    record.token_fingerprint = token.record->FingerprintBy(*fingerprinter_);
  }
  return record;
}

AuditRecord CallAudit::OfFailure(const Request& request, const Verdict& verdict,
                                 const Error& error) const {
  AuditRecord record = Common(request, verdict);
  record.reason = ReasonName(error.reason);
  record.cause = verdict.denied_for;
  record.tenant = verdict.tenant;
  record.scopes = verdict.scopes;
  return record;
}

}  // namespace tokensvc
