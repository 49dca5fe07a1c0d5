// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_SEAL_SEAL_EVENTS_H_
#define TOKENSVC_CACHE_SEAL_SEAL_EVENTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/mutex.h"

namespace tokensvc {

/// Why a record of the shared store was refused.
enum class RefusalCause {
  kMalformed,
  kUnknownFormat,
  kUnknownKey,
  kForged,
  kStale,       ///< Older than one that this process had seen: put back, or left by a lost write.
  kSuperseded,  ///< Older than one of this process that the store refused or was not there for.
  kAhead,       ///< Of a generation that nobody can have handed out; overwritten by the next store.
};

/// Counts what sealing and opening do, and tells operators what they must know: each cause of
/// refusal in `tokensvc_sealed_record_failures_total` and, once a minute, in the log; records
/// sealed and opened under each key, so that one sees when a retired key may go; and a warning
/// before a key has sealed too much. One for all loops of a process. Thread-safe.
class SealEvents {
 public:
  /// Half of the 2^32 messages to which NIST SP 800-38D §8.3 limits a key with random nonces.
  /// Counted over all keys derived from one sealing key, so on the safe side; but by each process
  /// for itself, since its start.
  static constexpr std::int64_t kWornAfter = std::int64_t{1} << 31;
  static constexpr absl::Duration kLogInterval = absl::Minutes(1);
  /// Keys with metrics of their own; ids of later ones are counted as "other". A ring has 16.
  static constexpr std::size_t kMaxCountedKeys = 64;

  SealEvents(MetricRegistry& metrics, Logger& logger, const Clock& clock,
             std::int64_t worn_after = kWornAfter);

  /// Whoever asked is told that there is no record.
  void Refused(RefusalCause cause);
  void Sealed(std::uint32_t key_id);
  void Opened(std::uint32_t key_id);

 private:
  struct Cause {
    Counter* counter = nullptr;
    std::optional<BootTime> logged_at;
    std::int64_t since_logged = 0;
  };
  struct Key {
    Counter* sealed = nullptr;
    Counter* opened = nullptr;
    std::int64_t volume = 0;
  };

  Key& CountersOf(std::uint32_t key_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  MetricRegistry& metrics_;
  Logger& logger_;
  const Clock& clock_;
  const std::int64_t worn_after_;

  Mutex mutex_;
  std::array<Cause, 7> causes_ ABSL_GUARDED_BY(mutex_);
  std::map<std::uint32_t, Key> keys_ ABSL_GUARDED_BY(mutex_);
  std::optional<Key> other_keys_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_SEAL_SEAL_EVENTS_H_
