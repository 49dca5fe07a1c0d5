// SPDX-License-Identifier: Apache-2.0
#include "service/make_audit.h"

#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/authority/error.h"
#include "service/config/secret_reference.h"
#include "service/telemetry/file_audit_sink.h"
#include "service/telemetry/stream_audit_sink.h"
#include "service/telemetry/syslog_audit_sink.h"

namespace tokensvc {
namespace {

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::StatusOr<std::unique_ptr<AuditSink>> MakeSink(const config::v1::Audit& config,
                                                    const Clock& clock) {
  if (config.has_file()) {
    absl::StatusOr<std::unique_ptr<FileAuditSink>> sink = FileAuditSink::Open(config.file().path());
    if (!sink.ok()) {
      return absl::Status(sink.status().code(),
                          absl::StrCat("audit.file.path: ", sink.status().message()));
    }
    return *std::move(sink);
  }
  if (config.has_syslog()) {
    return std::make_unique<SyslogAuditSink>(config.syslog().socket(), clock);
  }
  return std::make_unique<StreamAuditSink>(STDOUT_FILENO);
}

AuditLog::Options OptionsOf(const config::v1::Audit& config) {
  AuditLog::Options options;
  options.fail_closed = config.mode() == config::v1::AUDIT_MODE_FAIL_CLOSED;
  options.coalesce_window = FromProto(config.coalesce_window());
  options.max_queue_bytes = config.max_queue_size();
  options.acknowledge_within = FromProto(config.acknowledge_within());
  options.denials_per_caller = static_cast<int>(config.denials_per_caller());
  options.denials_in_total = static_cast<int>(config.denials_in_total());
  return options;
}

}  // namespace

absl::StatusOr<AuditParts> MakeAudit(const config::v1::ServiceConfig& config,
                                     const AuditNeeds& needs) {
  AuditParts parts;
  if (!config.has_audit()) {
    needs.logger.Warning("audit_off");
    return parts;
  }
  const config::v1::Audit& audit = config.audit();
  if (audit.fingerprint_key().empty()) {
    parts.fingerprinter = std::make_unique<TokenFingerprinter>(needs.random);
  } else {
    const absl::StatusOr<Secret> key = ReadSecret(audit.fingerprint_key());
    if (!key.ok() || key->size() < TokenFingerprinter::kMinKeyBytes) {
      return absl::FailedPreconditionError("audit.fingerprint_key: can't be read, or is too short");
    }
    parts.fingerprinter = std::make_unique<TokenFingerprinter>(*key);
  }
  absl::StatusOr<std::unique_ptr<AuditSink>> sink = MakeSink(audit, needs.clock);
  if (!sink.ok()) return sink.status();
  parts.metrics = std::make_unique<AuditMetrics>(needs.metrics);
  parts.log = std::make_unique<AuditLog>(
      OptionsOf(audit),
      AuditLog::Dependencies{needs.clock, needs.logger, needs.random, *parts.metrics},
      *std::move(sink));
  return parts;
}

void RecordAdminAction(const AdminAction& action, const AuditParts& audit, const Clock& clock,
                       std::function<void(bool)> then) {
  if (audit.log == nullptr) return then(true);
  AuditRecord record;
  record.time = clock.Now();
  // Who lacks the role is denied, and held to the limits of denials: anybody may try.
  const bool denied = action.outcome == ReasonName(Reason::kRoleRequired);
  record.decision = denied ? AuditDecision::kDeny : AuditDecision::kAdmin;
  record.reason = action.outcome;
  record.caller = action.caller;
  record.method = action.action;
  record.action = action.action;
  record.target = action.target;
  record.correlation_id = action.correlation_id;
  record.trace_id = action.trace_id;
  audit.log->Write(record,
                   [then = std::move(then)](const absl::Status& status) { then(status.ok()); });
}

}  // namespace tokensvc
