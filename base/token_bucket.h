// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_TOKEN_BUCKET_H_
#define TOKENSVC_BASE_TOKEN_BUCKET_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace tokensvc {

/// So many within a time, and so many of them at once.
struct RateLimit {
  std::chrono::nanoseconds interval{0};  ///< Until one more is there. More than zero.
  std::int64_t burst = 0;                ///< At least one.

  /// `count` within `time`; less than one of either is one.
  static RateLimit Of(std::int64_t count, std::chrono::nanoseconds time, std::int64_t burst) {
    return {std::max(time / std::max<std::int64_t>(count, 1), std::chrono::nanoseconds(1)),
            std::max<std::int64_t>(burst, 1)};
  }
  /// What the whole burst takes to come back.
  std::chrono::nanoseconds capacity() const { return interval * burst; }
};

/// A token bucket in one number: when it will be full again, as the generic cell rate algorithm
/// (ITU-T I.371) keeps it. Not thread-safe. One that was never used, or not for long, is full: who
/// forgets such a bucket loses nothing.
class TokenBucket {
 public:
  /// Takes `count`; or takes nothing and says how long to wait. More than a burst at once is taken
  /// from a full bucket, and owed.
  std::optional<std::chrono::nanoseconds> Take(const RateLimit& limit, std::int64_t count,
                                               BootTime now) {
    if (const auto wait = WaitFor(limit, count, now)) return wait;
    full_at_ = std::max(full_at_, now) + limit.interval * count;
    return std::nullopt;
  }

  /// What `Take` would answer.
  std::optional<std::chrono::nanoseconds> WaitFor(const RateLimit& limit, std::int64_t count,
                                                  BootTime now) const {
    // What must be there: all of it, for what is more than all of it.
    const std::chrono::nanoseconds needed = limit.interval * std::min(count, limit.burst);
    const std::chrono::nanoseconds wait =
        std::max(full_at_, now) + needed - (now + limit.capacity());
    if (wait <= std::chrono::nanoseconds::zero()) return std::nullopt;
    return wait;
  }

  /// Nothing is to be had before `until`.
  void EmptyUntil(const RateLimit& limit, BootTime until) {
    full_at_ = std::max(full_at_, until + limit.capacity() - limit.interval);
  }

  /// From now on `is` holds: as many are missing as were before, and never more than a burst, so
  /// that a change neither fills the bucket nor holds a debt of the old limit against anybody.
  void Change(const RateLimit& was, const RateLimit& is, BootTime now) {
    if (full_at_ <= now || (was.interval == is.interval && was.burst == is.burst)) return;
    const double missing =
        static_cast<double>((full_at_ - now).count()) / static_cast<double>(was.interval.count());
    const double most = static_cast<double>(is.burst);
    full_at_ = now + std::chrono::nanoseconds(static_cast<std::int64_t>(
                         std::min(missing, most) * static_cast<double>(is.interval.count())));
  }

 private:
  BootTime full_at_{};
};

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_TOKEN_BUCKET_H_
