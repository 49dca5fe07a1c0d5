// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_SHARED_PURGES_H_
#define TOKENSVC_CACHE_SHARED_PURGES_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "base/clock.h"
#include "cache/purge_epochs.h"

namespace tokensvc {

/// Where replicas tell each other of purges. Thread-safe.
class SharedPurges {
 public:
  using Done = std::function<void(absl::Status)>;

  virtual ~SharedPurges() = default;

  /// Raises the epoch of the scope of `names`, to at least `at_least`, in the shared store, and
  /// from there in all replicas. `done` runs once, on any thread: OK when the store has it;
  /// otherwise what kept it from that until `deadline`.
  virtual void Raise(ScopeNames names, std::uint64_t at_least, BootTime deadline, Done done) = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_SHARED_PURGES_H_
