// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_TESTING_FAKE_CLOCK_H_
#define TOKENSVC_TESTS_TESTING_FAKE_CLOCK_H_

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace tokensvc::testing {

/// A clock that stands still until a test moves it. Starts at 2026-01-02 03:04:05 UTC, an hour
/// after "boot". Thread-safe.
class FakeClock final : public Clock {
 public:
  static absl::Time Start() { return absl::FromUnixSeconds(1767323045); }

  absl::Time Now() const override {
    MutexLock lock(&mutex_);
    return wall_;
  }
  BootTime Boot() const override {
    MutexLock lock(&mutex_);
    return boot_;
  }

  /// Time passes: on both time lines.
  void Advance(absl::Duration by) {
    MutexLock lock(&mutex_);
    wall_ += by;
    boot_ += ToNanos(by);
  }

  /// Somebody sets the machine's clock: intervals do not see it.
  void JumpWall(absl::Duration by) {
    MutexLock lock(&mutex_);
    wall_ += by;
  }

 private:
  mutable Mutex mutex_;
  absl::Time wall_ ABSL_GUARDED_BY(mutex_) = Start();
  BootTime boot_ ABSL_GUARDED_BY(mutex_) = BootTime(ToNanos(absl::Hours(1)));
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_TESTING_FAKE_CLOCK_H_
