// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_AUDIT_WRITER_H_
#define TOKENSVC_SERVICE_TELEMETRY_AUDIT_WRITER_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "service/telemetry/audit_sink.h"
#include "service/telemetry/stored_audit_record.h"

namespace tokensvc {

/// Takes records to the sink, in order. Used by one thread, and may block as its sink does.
class AuditWriter {
 public:
  /// `run`: see `AppendAuditLine`.
  AuditWriter(std::unique_ptr<AuditSink> sink, std::string run)
      : sink_(std::move(sink)), run_(std::move(run)) {}

  AuditSink& sink() { return *sink_; }

  void Add(std::vector<StoredAuditRecord> records);

  struct Result {
    std::size_t records = 0;  ///< That were written and are not in the backlog any more.
    std::size_t bytes = 0;    ///< Of memory that they took.
    absl::Status status;
  };
  /// Writes the backlog, and syncs it if `sync`.
  Result Write(bool sync);

  const std::deque<StoredAuditRecord>& backlog() const { return backlog_; }
  /// Gives the backlog up.
  std::deque<StoredAuditRecord> TakeBacklog() { return std::exchange(backlog_, {}); }

 private:
  const std::unique_ptr<AuditSink> sink_;
  const std::string run_;
  std::deque<StoredAuditRecord> backlog_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_AUDIT_WRITER_H_
