// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_METRICS_H_
#define TOKENSVC_CACHE_REDIS_REDIS_METRICS_H_

#include "absl/status/status.h"
#include "base/metrics.h"

namespace tokensvc {

/// What all clients of a process measure together: made once, shared by every loop's client,
/// outlives them. Thread-safe.
struct RedisMetrics {
  explicit RedisMetrics(MetricRegistry& registry)
      : ok(Commands(registry, "ok")),
        refused(Commands(registry, "refused")),
        timed_out(Commands(registry, "timeout")),
        unavailable(Commands(registry, "unavailable")),
        failed(Commands(registry, "failed")),
        round_trip(registry.AddHistogram("tokensvc_redis_round_trip_seconds",
                                         "From sending a pipeline to Redis to its last reply.")) {}

  /// Counts commands that had no reply, by why.
  void CountFailures(const absl::Status& status, std::int64_t commands) {
    switch (status.code()) {
      case absl::StatusCode::kDeadlineExceeded:
        return timed_out.Increment(commands);
      case absl::StatusCode::kUnavailable:
        return unavailable.Increment(commands);
      default:
        return failed.Increment(commands);
    }
  }

  Counter& ok;           ///< A reply that is no error.
  Counter& refused;      ///< An error reply.
  Counter& timed_out;    ///< No reply in time.
  Counter& unavailable;  ///< No connection, or it was lost.
  Counter& failed;       ///< A bound was met, or the answer was nonsense.
  Histogram& round_trip;

 private:
  static Counter& Commands(MetricRegistry& registry, const char* result) {
    return registry.AddCounter("tokensvc_redis_commands_total", "Commands to Redis, by result.",
                               {{"result", result}});
  }
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_METRICS_H_
