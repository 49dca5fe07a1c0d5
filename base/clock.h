// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_CLOCK_H_
#define TOKENSVC_BASE_CLOCK_H_

#include <chrono>
#include <cstdint>

#include "absl/time/time.h"

namespace tokensvc {

/// Names the time line of `CLOCK_BOOTTIME`: steady, and it goes on while the machine is suspended,
/// so that a token cannot look younger than it is after a suspend.
struct BootClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};

/// An instant for measuring intervals. Never shown to a user, never stored outside the process.
using BootTime = BootClock::time_point;

/// `absl::Duration` to nanoseconds on the boot-time line; infinite durations saturate.
inline std::chrono::nanoseconds ToNanos(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

/// Where time comes from. `Now()` is for what people and other machines read (expiry times in
/// answers, `iat` in assertions); `Boot()` is for everything that measures. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
  virtual BootTime Boot() const = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override;
  BootTime Boot() const override;
};

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_CLOCK_H_
