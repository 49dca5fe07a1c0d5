// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_FILE_AUDIT_SINK_H_
#define TOKENSVC_SERVICE_TELEMETRY_FILE_AUDIT_SINK_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/telemetry/audit_sink.h"

namespace tokensvc {

/// Appends to a file, which is made with mode 0600. One that is there must be a regular file of
/// ours or of root's, not by way of a symbolic link, that nobody else may read or write; its group
/// may read it.
class FileAuditSink final : public AuditSink {
 public:
  static absl::StatusOr<std::unique_ptr<FileAuditSink>> Open(std::string path);
  ~FileAuditSink() override;

  absl::string_view name() const override { return "file"; }
  Written Write(absl::string_view lines) override;
  absl::Status Sync() override;
  absl::Status Reopen() override;

 private:
  FileAuditSink(std::string path, int fd);

  const std::string path_;
  int fd_;
  bool torn_ = false;  ///< The file ends in the middle of a line.
  /// After a failed sync the kernel may forget what it could not write, and call the next sync a
  /// success.
  bool must_reopen_ = false;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_FILE_AUDIT_SINK_H_
