// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_TELEMETRY_DENIAL_LIMITER_H_
#define TOKENSVC_SERVICE_TELEMETRY_DENIAL_LIMITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace tokensvc {

/// How many denials get records of their own in one second, so that whoever is denied a million
/// times does not fill the disk; the others are counted by caller. Memory is bounded by the limit
/// in total. Thread-safe.
class DenialLimiter {
 public:
  DenialLimiter(int per_caller, int in_total) : per_caller_(per_caller), in_total_(in_total) {}

  /// Denials without records.
  struct LeftOut {
    std::string caller;  ///< Empty: several, or nobody that is known.
    std::uint64_t count = 0;
    absl::Time first;
    absl::Time last;
  };

  /// Whether a denial of `caller` gets a record; it is counted where not. `now` measures, `time` is
  /// for people.
  bool Admit(absl::string_view caller, BootTime now, absl::Time time);

  /// What was left out in the seconds that are over at `now`; each is told once.
  std::vector<LeftOut> TakeLeftOut(BootTime now);
  /// And in the one that runs.
  std::vector<LeftOut> TakeAllLeftOut();

 private:
  struct OfCaller {
    int admitted = 0;
    LeftOut left_out;
  };

  void EndSecond(BootTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<LeftOut> Told() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int per_caller_;
  const int in_total_;
  Mutex mutex_;
  BootTime second_began_ ABSL_GUARDED_BY(mutex_);
  int admitted_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, OfCaller> callers_ ABSL_GUARDED_BY(mutex_);
  LeftOut others_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, LeftOut> untold_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_TELEMETRY_DENIAL_LIMITER_H_
