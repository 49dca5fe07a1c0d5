// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SOURCE_FAILURE_MEMORY_H_
#define TOKENSVC_SERVICE_SOURCE_FAILURE_MEMORY_H_

#include <list>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "service/authority/error.h"

namespace tokensvc {

/// Remembers what an authority refused or failed to do, so that calls which can't succeed fail at
/// once instead of asking again (DESIGN.md §4). Three kinds, each with its own reach:
///   - throttling (429, Retry-After of any answer): per authority, tenant and client id, as long as
///   the authority says. Where a forced request met it, for forced ones only: whoever forces can
///   bring it about, and must not close the way for those who don't;
///   - failures (5xx, no answer, nonsense): per token, doubling from 1 s to 60 s with jitter;
///   - refusals (invalid_scope, invalid_client, …): per token, 10 s, and not for forced requests,
///   which are a
///     caller's way to say that something has changed.
/// Bounded: the oldest of `max_entries` of a kind goes first. Thread-safe: all loops share one.
class FailureMemory {
 public:
  explicit FailureMemory(std::size_t max_entries = 10'000) : max_entries_(max_entries) {}

  /// What a request is filed under.
  struct Keys {
    absl::string_view throttle;  ///< Authority, tenant and client id, canonical.
    absl::string_view token;     ///< The token's cache key.
  };

  /// The error to answer at once, with `retry_after` counted from `now`; none: go and ask.
  std::optional<Error> Check(const Keys& keys, bool forced, BootTime now)
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// Files `error`, which a `forced` or a plain request met, where it belongs; errors of our own
  /// making are not remembered. `jitter` in [0, 1).
  void Remember(const Keys& keys, bool forced, const Error& error, double jitter, BootTime now)
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// The authority gave a token: what was filed under the token's key is over.
  void Forget(const Keys& keys) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Forgets what another configuration may have mended: refusals, and authorities that were not
  /// trusted. When to come back is the authority's word, which no change of ours takes back.
  void ForgetRefusals() ABSL_LOCKS_EXCLUDED(mutex_);

  /// How many remembered failures there are, for metrics.
  std::size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    std::string key;
    Error error;
    BootTime until;
    int failures = 0;
    bool refusal = false;
  };
  /// A map whose oldest entries leave first.
  class Table {
   public:
    Entry* Find(absl::string_view key);
    Entry& Put(absl::string_view key, std::size_t max_entries);
    void Erase(absl::string_view key);
    void EraseIf(bool (*condition)(const Entry&));
    std::size_t size() const { return entries_.size(); }

   private:
    std::list<Entry> order_;
    absl::flat_hash_map<absl::string_view, std::list<Entry>::iterator> entries_;
  };

  void Throttle(Table& table, absl::string_view key, const Error& error, BootTime now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static std::optional<Error> Open(const Entry* entry, BootTime now);

  const std::size_t max_entries_;
  mutable Mutex mutex_;
  Table throttled_ ABSL_GUARDED_BY(mutex_);
  Table throttled_forced_ ABSL_GUARDED_BY(mutex_);
  Table failed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SOURCE_FAILURE_MEMORY_H_
