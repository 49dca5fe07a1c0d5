// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_CACHE_REDIS_PURGE_REPLICA_H_
#define TOKENSVC_TESTS_CACHE_REDIS_PURGE_REPLICA_H_

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "cache/redis/redis_purges.h"
#include "tests/cache/redis/redis_harness.h"

namespace tokensvc::testing {

inline constexpr char kEpochsKey[] = "tokensvc:epochs";

/// What a scope may be called in Redis.
inline std::string OpaqueName(std::string scope) {
  scope.resize(43, '_');
  return scope;
}
inline ScopeNames NamesFor(const std::string& scope) { return {OpaqueName(scope)}; }

/// What one replica knows of purges, over a Redis.
class PurgeReplica {
 public:
  explicit PurgeReplica(const RedisOptions& options)
      : redis(options), metrics(redis.registry, epochs) {
    CallOnLoop(redis.loop.context(), [&] {
      purges = std::make_unique<RedisPurges>(
          redis.loop.context(), options, kEpochsKey,
          RedisPurges::Dependencies{*redis.client, epochs, redis.health, metrics,
                                    redis.system_clock, redis.random, redis.logger, [] {}});
    });
  }
  explicit PurgeReplica(std::uint16_t port) : PurgeReplica(PatientOptions(port)) {}
  ~PurgeReplica() {
    redis.loop.Stop();
    purges.reset();
  }

  bool WaitUntilCurrent() {
    return RedisHarness::Eventually([this] { return epochs.current(); });
  }
  bool WaitUntilNotCurrent() {
    return RedisHarness::Eventually([this] { return !epochs.current(); });
  }
  std::uint64_t EpochOf(const std::string& scope) const { return epochs.EpochOf(NamesFor(scope)); }
  bool WaitUntilPurged(const std::string& scope, std::uint64_t than = 0) {
    return RedisHarness::Eventually([&] { return EpochOf(scope) > than; });
  }

  /// As a purger does it.
  absl::Status Purge(const std::string& scope, absl::Duration timeout = absl::Seconds(20)) {
    const std::uint64_t here = epochs.Raise(NamesFor(scope), 1);
    std::promise<absl::Status> taken;
    const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
    asio::post(redis.loop.context(), [&] {
      purges->Raise(NamesFor(scope), here, deadline,
                    [&taken](absl::Status status) { taken.set_value(std::move(status)); });
    });
    return taken.get_future().get();
  }

  PurgeEpochs epochs;
  RedisHarness redis;
  RedisPurgeMetrics metrics;
  std::unique_ptr<RedisPurges> purges;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_CACHE_REDIS_PURGE_REPLICA_H_
