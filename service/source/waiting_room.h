// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SOURCE_WAITING_ROOM_H_
#define TOKENSVC_SERVICE_SOURCE_WAITING_ROOM_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace tokensvc {

/// How many calls wait at once: in all, for one tenant, and of one caller. A tenant whose authority
/// hangs fills its half of the places and leaves the others to the rest; a caller that asks for
/// more than it gets, its quarter (DESIGN.md §2, invariant 10). Thread-safe.
class WaitingRoom {
 public:
  explicit WaitingRoom(std::size_t places)
      : places_(places), of_tenant_((places + 1) / 2), of_caller_((places + 3) / 4) {}

  enum class Entry : std::uint8_t { kEntered, kFull, kTenantFull, kCallerFull };

  /// Takes a place for a call of `caller` that waits for a token of `tenant`, if there is one.
  /// `at_most`: how many the caller may have, if that is less than its quarter; 0: its quarter. An
  /// empty `caller` is nobody, and has no bound.
  Entry Enter(absl::string_view tenant, absl::string_view caller, std::size_t at_most = 0) {
    const std::size_t most = at_most == 0 ? of_caller_ : std::min(at_most, of_caller_);
    MutexLock lock(&mutex_);
    if (all_ >= places_) return Entry::kFull;
    if (Count(by_tenant_, tenant) >= of_tenant_) return Entry::kTenantFull;
    if (!caller.empty() && Count(by_caller_, caller) >= most) return Entry::kCallerFull;
    ++all_;
    ++by_tenant_[tenant];
    if (!caller.empty()) ++by_caller_[caller];
    return Entry::kEntered;
  }

  /// Gives back a place that `Enter` gave.
  void Leave(absl::string_view tenant, absl::string_view caller) {
    MutexLock lock(&mutex_);
    --all_;
    Decrement(by_tenant_, tenant);
    if (!caller.empty()) Decrement(by_caller_, caller);
  }

  std::size_t size() const {
    MutexLock lock(&mutex_);
    return all_;
  }

 private:
  using Counts = absl::flat_hash_map<std::string, std::size_t>;

  static std::size_t Count(const Counts& counts, absl::string_view name) {
    const auto found = counts.find(name);
    return found == counts.end() ? 0 : found->second;
  }
  static void Decrement(Counts& counts, absl::string_view name) {
    const auto found = counts.find(name);
    if (--found->second == 0) counts.erase(found);
  }

  const std::size_t places_;
  const std::size_t of_tenant_;
  const std::size_t of_caller_;
  mutable Mutex mutex_;
  std::size_t all_ ABSL_GUARDED_BY(mutex_) = 0;
  Counts by_tenant_ ABSL_GUARDED_BY(mutex_);
  Counts by_caller_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SOURCE_WAITING_ROOM_H_
