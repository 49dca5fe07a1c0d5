// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_AUDIT_METRICS_H_
#define TOKENSVC_SERVICE_TELEMETRY_AUDIT_METRICS_H_

#include "base/metrics.h"

namespace tokensvc {

/// How the audit log fares.
struct AuditMetrics {
  explicit AuditMetrics(MetricRegistry& registry)
      : written(registry.AddCounter("tokensvc_audit_written_total",
                                    "Audit records that the sink took.")),
        coalesced(
            registry.AddCounter("tokensvc_audit_coalesced_total",
                                "Identical allows that are in the count of another audit record.")),
        dropped(registry.AddCounter("tokensvc_audit_dropped_total",
                                    "Audit records that are lost: the queue was full, or the sink "
                                    "refused them.")),
        denials_left_out(registry.AddCounter(
            "tokensvc_audit_denials_left_out_total",
            "Denials above the limits, which are only counted in gap records.")),
        failures(registry.AddCounter("tokensvc_audit_failures_total",
                                     "Attempts to write, sync or reopen that failed.")),
        unacknowledged(registry.AddCounter(
            "tokensvc_audit_unacknowledged_total",
            "Calls that were refused because their audit record was not acknowledged.")),
        working(registry.AddGauge("tokensvc_audit_working",
                                  "1: the last attempt to write audit records succeeded. 0: it "
                                  "failed.")),
        queue_bytes(registry.AddGauge("tokensvc_audit_queue_bytes",
                                      "Memory of audit records that wait to be written.")) {}

  Counter& written;
  Counter& coalesced;
  Counter& dropped;
  Counter& denials_left_out;
  Counter& failures;
  Counter& unacknowledged;
  Gauge& working;
  Gauge& queue_bytes;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_AUDIT_METRICS_H_
