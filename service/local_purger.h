// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_LOCAL_PURGER_H_
#define TOKENSVC_SERVICE_LOCAL_PURGER_H_

#include "cache/local_cache.h"
#include "service/source/purger.h"

namespace tokensvc {

/// Forgets all that the local cache holds, whatever the target. Thread-safe.
class LocalPurger final : public Purger {
 public:
  explicit LocalPurger(LocalCache& cache) : cache_(cache) {}
  void Purge(const PurgeTarget&, BootTime, Done done) override {
    cache_.Clear();
    done(PurgeReport{});
  }

 private:
  LocalCache& cache_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_LOCAL_PURGER_H_
