// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_FAILED_CALL_LOG_H_
#define TOKENSVC_SERVICE_RPC_FAILED_CALL_LOG_H_

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rate_limiter.h"
#include "service/authority/error.h"

namespace tokensvc {

/// One log line for each call that failed, so that an operator finds what a caller complains of by
/// its correlation id; at most so many a second that a flood of bad calls does not drown the log.
/// Thread-safe.
class FailedCallLog {
 public:
  FailedCallLog(Logger& logger, const Clock& clock) : logger_(logger), clock_(clock) {}

  struct Call {
    absl::string_view method;
    absl::string_view caller;
    absl::string_view registration;  ///< As the caller wrote it; shown only where it has the shape.
    absl::string_view denied_for;    ///< What a denial hides from the caller; empty: no denial.
    absl::string_view correlation_id;
    absl::string_view trace_id;
  };
  void Write(const Call& call, const Error& error);

 private:
  static constexpr int kLinesPerSecond = 100;

  Logger& logger_;
  const Clock& clock_;
  RateLimiter limiter_{kLinesPerSecond};
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_FAILED_CALL_LOG_H_
