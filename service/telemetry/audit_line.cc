// SPDX-License-Identifier: Apache-2.0
#include "service/telemetry/audit_line.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/token_fingerprinter.h"
#include "service/telemetry/json_text.h"

namespace tokensvc {
namespace {

absl::string_view DecisionName(AuditDecision decision) {
  switch (decision) {
    case AuditDecision::kAllow:
      return "allow";
    case AuditDecision::kDeny:
      return "deny";
    case AuditDecision::kGap:
      return "gap";
    case AuditDecision::kAdmin:
      return "admin";
  }
  return "deny";
}

void AppendText(absl::string_view name, absl::string_view value, std::string* out) {
  if (value.empty()) return;
  absl::StrAppend(out, ",\"", name, "\":");
  AppendJsonText(value, out);
}

void AppendTime(absl::string_view name, absl::Time time, std::string* out) {
  if (time == absl::InfinitePast()) return;
  absl::StrAppend(out, ",\"", name, "\":\"", JsonTime(time), "\"");
}

void AppendScopes(absl::string_view scopes, std::string* out) {
  if (scopes.empty()) return;
  char before = '[';
  out->append(",\"scopes\":");
  for (const absl::string_view scope : absl::StrSplit(scopes, ' ', absl::SkipEmpty())) {
    out->push_back(before);
    AppendJsonText(scope, out);
    before = ',';
  }
  out->append(before == '[' ? "[]" : "]");
}

}  // namespace

void AppendAuditLine(const AuditRecord& record, absl::string_view run, std::string* out) {
  absl::StrAppend(out, "{\"time\":\"", JsonTime(record.time), "\",\"run\":\"", run,
                  "\",\"sequence\":", record.sequence, ",\"decision\":\"",
                  DecisionName(record.decision), "\"");
  AppendText("reason", record.reason, out);
  AppendText("cause", record.cause, out);
  AppendText("caller", record.caller, out);
  AppendText("listener", record.listener, out);
  AppendText("method", record.method, out);
  AppendText("action", record.action, out);
  AppendText("target", record.target, out);
  AppendText("registration", record.registration, out);
  AppendText("tenant", record.tenant, out);
  AppendText("grant", record.grant, out);
  AppendScopes(record.scopes, out);
  AppendText("rule", record.rule, out);
  AppendText("policy_version", record.policy_version, out);
  AppendText("source", record.source, out);
  if (record.token_fingerprint != 0) {
    AppendText("token_fingerprint", FingerprintText(record.token_fingerprint), out);
  }
  AppendTime("expires_at", record.expires_at, out);
  AppendText("correlation_id", record.correlation_id, out);
  AppendText("trace_id", record.trace_id, out);
  if (record.count != 1 || record.decision == AuditDecision::kGap) {
    absl::StrAppend(out, ",\"count\":", record.count);
    AppendTime("until", record.until, out);
  }
  out->append("}\n");
}

}  // namespace tokensvc
