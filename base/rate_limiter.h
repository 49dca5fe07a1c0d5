// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_RATE_LIMITER_H_
#define TOKENSVC_BASE_RATE_LIMITER_H_

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/mutex.h"

namespace tokensvc {

/// Lets at most `per_second` things through in any one second, and counts the others. Thread-safe.
class RateLimiter {
 public:
  explicit RateLimiter(int per_second) : per_second_(per_second) {}

  /// None: not now. Else how many were turned away since the last that got through.
  std::optional<std::int64_t> Take(BootTime now) {
    MutexLock lock(&mutex_);
    if (now - second_began_ >= std::chrono::seconds(1)) {
      second_began_ = now;
      taken_ = 0;
    }
    if (taken_ >= per_second_) {
      ++turned_away_;
      return std::nullopt;
    }
    ++taken_;
    const std::int64_t turned_away = turned_away_;
    turned_away_ = 0;
    return turned_away;
  }

 private:
  const int per_second_;
  Mutex mutex_;
  BootTime second_began_ ABSL_GUARDED_BY(mutex_);
  int taken_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t turned_away_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_RATE_LIMITER_H_
