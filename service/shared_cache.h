// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_SHARED_CACHE_H_
#define TOKENSVC_SERVICE_SHARED_CACHE_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/event_loop.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/worker_pool.h"
#include "cache/lease.h"
#include "cache/local_rate_budget.h"
#include "cache/purge_epochs.h"
#include "cache/rate_budget.h"
#include "cache/seal/key_files.h"
#include "cache/seal/purge_namer.h"
#include "cache/shared_purges.h"
#include "cache/shared_store.h"
#include "service/readiness.h"
#include "tokensvc/config/v1/config.pb.h"

namespace tokensvc {

/// The cache that replicas share, as one process has it: keys, health and bookkeeping that its
/// loops have in common. A replica whose keys never were the fleet's, or whose clock is more than
/// 10 s off, is not ready; a Redis that is away, or that others use with other keys, does not
/// count, since app tokens do not need it.
///
/// The loop that was opened first keeps the connection over which this replica learns of purges;
/// all loops share what it knows, and none uses the shared cache while it knows nothing.
class SharedCache final : public SharedPurges {
 public:
  /// What is lent. All of it outlives the cache.
  struct Environment {
    const Clock& clock;
    RandomGenerator& random;
    Logger& logger;
    MetricRegistry& registry;
    WorkerPool& workers;
    Readiness& readiness;     ///< Told when keys or clocks differ from the fleet's.
    LocalRateBudget& budget;  ///< What this replica uses of the fleet's.
    PurgeEpochs& purges;      ///< Kept the same as those in Redis.
  };
  /// One loop's connection. Used on that loop alone, and ends when that loop has stopped.
  class OfLoop {
   public:
    virtual ~OfLoop() = default;
    virtual SharedStore& store() = 0;
    virtual LeaseManager& leases() = 0;
    virtual RateBudget& budget() = 0;
  };

  /// Reads the keys; Redis itself need not be there yet. Errors: kFailedPrecondition with what is
  /// wrong with a key file, which names no path and shows no key.
  static absl::StatusOr<std::unique_ptr<SharedCache>> Make(const config::v1::RedisCache& config,
                                                           Environment environment);
  ~SharedCache() override;

  /// Opens `loop`'s connection, in the background. Waits until the loop has taken it over.
  std::unique_ptr<OfLoop> Open(EventLoop& loop);

  /// The keys of the moment. Thread-safe, as is the next one.
  std::shared_ptr<const KeyRings> key_rings() const;
  /// Whether tokens are not shared just now: a connection is missing, or keys or clocks disagree.
  bool degraded() const;

  /// Before a replica first says that it is ready: waits until its clock was compared with Redis',
  /// and it knows what was purged, or Redis turned out to be away; half a second at most. To be
  /// called when all loops are open.
  void AwaitClockCheck();

  /// By which names the fleet knows what is purged.
  PurgeNamer& purge_namer();

  /// To be called while the loops run, after the first was opened. Tries for a minute at most.
  void Raise(ScopeNames names, std::uint64_t at_least, BootTime deadline, Done done) override;

 private:
  struct Shared;
  class Connection;
  explicit SharedCache(std::unique_ptr<Shared> shared);

  std::unique_ptr<Shared> shared_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_SHARED_CACHE_H_
