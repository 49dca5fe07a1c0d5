// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_FLEET_CLOCK_H_
#define TOKENSVC_CACHE_FLEET_CLOCK_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace tokensvc {

/// One instant on the three time lines that a shared record's times are converted between. What is
/// converted comes out early where wall clock and fleet disagree, so that neither of them alone,
/// set wrong or lying, makes a token look younger than it is.
struct FleetInstant {
  BootTime boot;     ///< This machine's steady clock.
  absl::Time fleet;  ///< The shared store's clock, which is the fleet's.
  absl::Time wall;   ///< This machine's wall clock.

  absl::Duration Offset() const { return fleet - wall; }

  /// For what is written to shared records.
  absl::Time ToFleet(BootTime time) const {
    return std::min(fleet, wall) + absl::FromChrono(time - boot);
  }
  /// For what is read from them, which is hostile: stays in the range of boot times.
  BootTime ToBoot(absl::Time time) const { return boot + ToNanos(Until(time)); }
  absl::Time ToWall(absl::Time time) const { return wall + Until(time); }

 private:
  /// Longer than any token lives, and far from where nanoseconds since boot overflow.
  static constexpr absl::Duration kMaxAway = absl::Hours(24 * 3650);

  absl::Duration Until(absl::Time time) const {
    return std::clamp(time - std::max(fleet, wall), -kMaxAway, kMaxAway);
  }
};

/// What the shared store's clock said, and when.
struct ClockReading {
  absl::Time store;
  BootTime at;
};

/// The shared store's clock, which is the fleet's (DESIGN.md §4), as this process knows it. Between
/// two readings it goes on with the steady clock: nobody who sets this machine's wall clock moves
/// it. Whoever answers for the store may lie, though, so that nothing is believed that is far from
/// the wall clock. Thread-safe.
class FleetClock {
 public:
  /// Where it is further from the wall clock than this, nothing is shared and a replica is not
  /// ready.
  static constexpr absl::Duration kMaxOffset = absl::Seconds(10);

  /// `clock` outlives this.
  explicit FleetClock(const Clock& clock) : clock_(clock) {}

  void Set(const ClockReading& reading) {
    const absl::Time at_boot = reading.store - absl::FromChrono(reading.at.time_since_epoch());
    microseconds_at_boot_.store(absl::ToUnixMicros(at_boot), std::memory_order_relaxed);
  }

  /// As before the first reading. For when nobody is connected: what was measured ages.
  void Forget() { microseconds_at_boot_.store(kUnknown, std::memory_order_relaxed); }

  /// For reading and writing shared records. kUnavailable: there is no reading, or it is further
  /// than `kMaxOffset` from what the wall clock says now.
  absl::StatusOr<FleetInstant> Now() const {
    const std::optional<FleetInstant> now = Unchecked();
    if (!now.has_value()) return absl::UnavailableError("the shared cache's clock is not known");
    if (IsFar(*now)) {
      return absl::UnavailableError("the clock is more than 10 s from the shared cache's");
    }
    return *now;
  }

  /// How far it is ahead of what the wall clock says now; none without a reading.
  std::optional<absl::Duration> Offset() const {
    const std::optional<FleetInstant> now = Unchecked();
    if (!now.has_value()) return std::nullopt;
    return now->Offset();
  }

  bool TooFarOff() const {
    const std::optional<FleetInstant> now = Unchecked();
    return now.has_value() && IsFar(*now);
  }

  /// For what must go on without the store and does no harm if it is early: the fleet's time, the
  /// wall clock's where that is not known, and the earlier of both where they are far apart.
  absl::Time Estimate() const {
    const std::optional<FleetInstant> now = Unchecked();
    if (!now.has_value()) return clock_.Now();
    return IsFar(*now) ? std::min(now->fleet, now->wall) : now->fleet;
  }

 private:
  static constexpr std::int64_t kUnknown = INT64_MIN;

  static bool IsFar(const FleetInstant& now) {
    return absl::AbsDuration(now.Offset()) > kMaxOffset;
  }

  std::optional<FleetInstant> Unchecked() const {
    const std::int64_t at_boot = microseconds_at_boot_.load(std::memory_order_relaxed);
    if (at_boot == kUnknown) return std::nullopt;
    const BootTime boot = clock_.Boot();
    const absl::Duration since_boot = absl::FromChrono(boot.time_since_epoch());
    return FleetInstant{boot, absl::FromUnixMicros(at_boot) + since_boot, clock_.Now()};
  }

  const Clock& clock_;
  /// What the store's clock said when this machine's steady clock said zero: one number, so that
  /// it is read and written at once.
  std::atomic<std::int64_t> microseconds_at_boot_{kUnknown};
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_FLEET_CLOCK_H_
