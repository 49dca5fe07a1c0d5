// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_PURGES_H_
#define TOKENSVC_CACHE_REDIS_REDIS_PURGES_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "asio/io_context.hpp"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "cache/purge_epochs.h"
#include "cache/redis/redis_client.h"
#include "cache/redis/redis_health.h"
#include "cache/redis/redis_options.h"
#include "cache/shared_purges.h"

namespace tokensvc {

/// What all of a process measure of purges. Outlives them.
struct RedisPurgeMetrics {
  /// `epochs` outlives the registry's readers.
  RedisPurgeMetrics(MetricRegistry& registry, const PurgeEpochs& epochs);
  Counter& raised;   ///< Purges that Redis took from this process.
  Counter& ignored;  ///< Entries in Redis that nobody of ours can have written, at each reading.
  Counter& readings;
};

/// Keeps a process' purge epochs and those in Redis the same: learns of every purge within a round
/// trip of it, raises epochs, and writes back what Redis lost. While it cannot know what is in
/// Redis, `PurgeEpochs::current` is false, and what is in the shared cache is not used. One for all
/// loops of a process.
///
/// Construct, use and destroy it on the loop of `client`, or while that does not run. Events:
/// `purge_epochs_unknown` (once a minute at most) and `purge_epochs_known`.
class RedisPurges {
 public:
  struct Dependencies {
    RedisClient& client;  ///< For what is written.
    PurgeEpochs& epochs;
    RedisHealth& health;
    RedisPurgeMetrics& metrics;
    const Clock& clock;
    RandomGenerator& random;
    Logger& logger;
    /// Called when it becomes known what was purged, or is not known any more.
    std::function<void()> on_change;
  };

  /// `redis`: for a connection of its own. `key`: of the epochs.
  RedisPurges(asio::io_context& context, RedisOptions redis, std::string key,
              Dependencies dependencies);
  ~RedisPurges();
  RedisPurges(const RedisPurges&) = delete;
  RedisPurges& operator=(const RedisPurges&) = delete;

  /// To be called when `client` has a new connection: this one is then not waited for, either.
  void ConnectNow();

  /// As `SharedPurges::Raise`; `done` runs on the loop. Not called if the loop ends before.
  void Raise(ScopeNames names, std::uint64_t at_least,
             std::chrono::steady_clock::time_point deadline, SharedPurges::Done done);

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_PURGES_H_
