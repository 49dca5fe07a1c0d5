// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_REPLAY_CACHE_H_
#define TOKENSVC_TESTS_AUTHORITY_REPLAY_CACHE_H_

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace tokensvc::devauth {

/// Remembers the `jti` of client assertions until they expire (RFC 7523 §3, item 7). Bounded: when
/// it is full of unexpired ones, it refuses rather than forgets. Thread-safe.
class ReplayCache {
 public:
  enum class Result { kFresh, kReplayed, kFull };

  explicit ReplayCache(size_t capacity) : capacity_(capacity) {}

  /// Notes `key` (client id and jti) as seen until `expiry`.
  Result Note(const std::string& key, absl::Time expiry, absl::Time now) {
    const std::lock_guard<std::mutex> lock(mutex_);
    while (!by_expiry_.empty() && by_expiry_.begin()->first <= now) {
      seen_.erase(by_expiry_.begin()->second);
      by_expiry_.erase(by_expiry_.begin());
    }
    if (seen_.count(key) != 0) return Result::kReplayed;
    if (seen_.size() >= capacity_) return Result::kFull;
    seen_.insert(key);
    by_expiry_.emplace(expiry, key);
    return Result::kFresh;
  }

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::set<std::string> seen_;
  std::multimap<absl::Time, std::string> by_expiry_;
};

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_REPLAY_CACHE_H_
