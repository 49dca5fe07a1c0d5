// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_AUDIT_LOG_H_
#define TOKENSVC_SERVICE_TELEMETRY_AUDIT_LOG_H_

#include <cstddef>
#include <memory>
#include <thread>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "service/telemetry/audit_metrics.h"
#include "service/telemetry/audit_sink.h"
#include "service/telemetry/audit_trail.h"

namespace tokensvc {

/// Writes one JSON line for each record to a sink (docs/AUDIT.md). A thread of its own encodes and
/// writes; who brings a record pays for a copy, or, where an identical allow is waiting already,
/// for counting it.
///
/// Fail open: while the sink does not work, records wait in the queue; what does not fit is
/// dropped. Fail closed: every record is written and synced before it is acknowledged, many of them
/// at once, nothing is coalesced, and whatever is not acknowledged in time is refused.
///
/// Either way a reader sees what is missing: every record has the next sequence number, whether it
/// comes to be written or not, and a gap record with the count follows once the sink works.
class AuditLog final : public AuditTrail {
 public:
  struct Options {
    bool fail_closed = false;
    /// Identical allows are counted for about this long; zero: not at all.
    absl::Duration coalesce_window = absl::Seconds(1);
    std::size_t max_queue_bytes = std::size_t{16} << 20;
    absl::Duration acknowledge_within = absl::Seconds(2);
    /// Denials that get records of their own, in a second.
    int denials_per_caller = 100;
    int denials_in_total = 1000;
  };
  struct Dependencies {
    const Clock& clock;
    Logger& logger;
    RandomGenerator& random;
    AuditMetrics& metrics;
  };

  AuditLog(Options options, Dependencies dependencies, std::unique_ptr<AuditSink> sink);
  /// Writes what is queued, for at most two seconds where the sink does not take it.
  ~AuditLog() override;

  bool fail_closed() const override { return fail_closed_; }
  bool Count(const AuditRecord& record) override;
  void Write(const AuditRecord& record) override;
  void Write(const AuditRecord& record, Acknowledged acknowledged) override;

  /// Has the sink begin anew before the next line, because its file was moved away.
  void Reopen();

  /// Writes all that came before, and returns whether it is written; false after `at_most` too.
  bool Flush(absl::Duration at_most);

 private:
  /// Shared with the writer's thread, which a stuck device may keep beyond this object's life.
  class State;

  const bool fail_closed_;
  const std::shared_ptr<State> state_;
  std::thread writer_;
  std::thread deadlines_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_AUDIT_LOG_H_
