// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_STREAM_AUDIT_SINK_H_
#define TOKENSVC_SERVICE_TELEMETRY_STREAM_AUDIT_SINK_H_

#include "service/telemetry/audit_sink.h"

namespace tokensvc {

/// Writes to a descriptor that others use too, such as standard output: a pipe, a socket, a file or
/// a terminal. Its flags are left alone, because they are theirs as well.
class StreamAuditSink final : public AuditSink {
 public:
  /// `fd` is not closed.
  explicit StreamAuditSink(int fd);

  absl::string_view name() const override { return "stdout"; }
  Written Write(absl::string_view lines) override;
  absl::Status Sync() override { return absl::OkStatus(); }
  absl::Status Reopen() override { return absl::OkStatus(); }

 private:
  absl::Status WriteAll(absl::string_view bytes, std::size_t* done) const;

  const int fd_;
  bool is_socket_;
  bool torn_ = false;  ///< What was written last is no whole line.
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_STREAM_AUDIT_SINK_H_
