// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_AUDIT_TRAIL_H_
#define TOKENSVC_SERVICE_TELEMETRY_AUDIT_TRAIL_H_

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "service/telemetry/audit_record.h"

namespace tokensvc {

/// Where records of decisions go. Called on every call, on gRPC's own threads: never blocks, and
/// keeps no view. Thread-safe.
class AuditTrail {
 public:
  using Acknowledged = absl::AnyInvocable<void(const absl::Status&)>;

  virtual ~AuditTrail() = default;
  /// Whether records go anywhere: lets a caller skip the work of making them.
  virtual bool enabled() const { return true; }
  /// Whether nothing may be answered before its record was acknowledged.
  virtual bool fail_closed() const = 0;
  /// Counts an allow that is like one that is kept already; false: `Write` it. Lets a caller skip
  /// the work of finding out what only the first one is kept with (`AuditRecord::trace_id`).
  virtual bool Count(const AuditRecord& /*record*/) { return false; }
  virtual void Write(const AuditRecord& record) = 0;
  /// As above, and calls `acknowledged` once: where `fail_closed`, when the record is on its disk,
  /// or, with an error, when it is not or nobody knows; else at once. On any thread; it must be
  /// quick.
  virtual void Write(const AuditRecord& record, Acknowledged acknowledged) = 0;
};

/// Keeps nothing.
class NullAuditTrail final : public AuditTrail {
 public:
  bool enabled() const override { return false; }
  bool fail_closed() const override { return false; }
  void Write(const AuditRecord&) override {}
  void Write(const AuditRecord&, Acknowledged acknowledged) override {
    acknowledged(absl::OkStatus());
  }
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_AUDIT_TRAIL_H_
