// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_CLOCK_OFFSET_H_
#define TOKENSVC_CACHE_CLOCK_OFFSET_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace tokensvc {

/// How far the shared store's clock, which is the fleet's, is ahead of this machine's wall clock
/// (DESIGN.md §4). Used only where times are written to or read from shared records. Thread-safe.
class ClockOffset {
 public:
  /// Beyond this a replica is not ready.
  static constexpr absl::Duration kMax = absl::Seconds(10);

  void Set(absl::Duration offset) {
    microseconds_.store(absl::ToInt64Microseconds(offset), std::memory_order_relaxed);
  }

  /// The last measurement; none before the first.
  std::optional<absl::Duration> Get() const {
    const std::int64_t value = microseconds_.load(std::memory_order_relaxed);
    if (value == kUnknown) return std::nullopt;
    return absl::Microseconds(value);
  }

  /// The last measurement, or zero.
  absl::Duration GetOrZero() const { return Get().value_or(absl::ZeroDuration()); }

  bool TooLarge() const { return absl::AbsDuration(GetOrZero()) > kMax; }

 private:
  static constexpr std::int64_t kUnknown = INT64_MIN;

  std::atomic<std::int64_t> microseconds_{kUnknown};
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_CLOCK_OFFSET_H_
