// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SOURCE_WAITING_ROOM_H_
#define TOKENSVC_SERVICE_SOURCE_WAITING_ROOM_H_

#include <cstddef>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace tokensvc {

/// How many calls wait at once, in all and for one tenant: a tenant whose authority hangs fills its
/// half of the places and leaves the others to the rest (DESIGN.md §2, invariant 10). Thread-safe.
class WaitingRoom {
 public:
  explicit WaitingRoom(std::size_t places) : places_(places), places_each_((places + 1) / 2) {}

  /// Takes a place for `tenant`; false where it, or everybody, has none left.
  bool Enter(absl::string_view tenant) {
    MutexLock lock(&mutex_);
    if (all_ >= places_) return false;
    const auto [of_tenant, added] = waiting_.try_emplace(tenant, 0);
    if (of_tenant->second >= places_each_) return false;
    ++of_tenant->second;
    ++all_;
    return true;
  }

  /// Gives back a place that `Enter` gave to `tenant`.
  void Leave(absl::string_view tenant) {
    MutexLock lock(&mutex_);
    --all_;
    const auto of_tenant = waiting_.find(tenant);
    if (--of_tenant->second == 0) waiting_.erase(of_tenant);
  }

  std::size_t size() const {
    MutexLock lock(&mutex_);
    return all_;
  }

 private:
  const std::size_t places_;
  const std::size_t places_each_;
  mutable Mutex mutex_;
  std::size_t all_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, std::size_t> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SOURCE_WAITING_ROOM_H_
