// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_SYSLOG_AUDIT_SINK_H_
#define TOKENSVC_SERVICE_TELEMETRY_SYSLOG_AUDIT_SINK_H_

#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "service/telemetry/audit_sink.h"

namespace tokensvc {

/// Sends each line to the machine's syslog as a message in the shape of RFC 3164 §4.1 (without the
/// host's name, as programs on the machine do), facility authpriv, severity info.
class SyslogAuditSink final : public AuditSink {
 public:
  /// `socket` is where the daemon listens, usually `/dev/log`; it need not be there yet. `clock`
  /// must outlive the sink.
  SyslogAuditSink(std::string socket, const Clock& clock)
      : socket_(std::move(socket)), clock_(clock) {}
  ~SyslogAuditSink() override;

  absl::string_view name() const override { return "syslog"; }
  Written Write(absl::string_view lines) override;
  absl::Status Sync() override { return absl::OkStatus(); }
  absl::Status Reopen() override;

 private:
  absl::Status Connect();
  absl::Status Send(const std::string& message);

  const std::string socket_;
  const Clock& clock_;
  int fd_ = -1;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_SYSLOG_AUDIT_SINK_H_
