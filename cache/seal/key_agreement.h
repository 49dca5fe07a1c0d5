// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_SEAL_KEY_AGREEMENT_H_
#define TOKENSVC_CACHE_SEAL_KEY_AGREEMENT_H_

#include <atomic>

#include "base/log.h"
#include "base/mutex.h"

namespace tokensvc {

/// Whether this replica has the keys and keyspace that the shared store was last seen to be used
/// with, and the only one that logs it: `keys_disagree` and `keys_agree`, once when it changes. One
/// for all loops of a process. Thread-safe.
class KeyAgreement {
 public:
  /// `logger` outlives this.
  explicit KeyAgreement(Logger& logger) : logger_(logger) {}

  /// What a comparison said.
  void Set(bool agree) {
    MutexLock lock(&mutex_);
    if (agree) ever_agreed_.store(true);
    if (agree != disagrees_.load()) return;
    disagrees_.store(!agree);
    if (agree) {
      logger_.Info("keys_agree");
      return;
    }
    const bool fit = FitForService();
    logger_.Error(
        "keys_disagree",
        {{"in_service", fit ? "yes" : "no"},
         {"advice",
          fit ? "another replica uses the shared cache with other keys or another keyspace: stop "
                "it; its check value is gone ten minutes later"
              : "give this replica the sealing keys, index keys and keyspace of the others"}});
  }

  /// Others use the store with other keys: nothing is shared until that is over.
  bool disagrees() const { return disagrees_.load(std::memory_order_relaxed); }

  /// Whether the replica may be sent calls. One that has agreed since its start goes on without
  /// the shared store when somebody else's value turns up there, or a single wrong replica could
  /// take a whole fleet out of service; one that never agreed is the wrong one.
  bool FitForService() const { return !disagrees_.load() || ever_agreed_.load(); }

 private:
  Logger& logger_;
  Mutex mutex_;
  std::atomic<bool> ever_agreed_{false};
  std::atomic<bool> disagrees_{false};
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_SEAL_KEY_AGREEMENT_H_
