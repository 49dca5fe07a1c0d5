// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_PURGE_SET_H_
#define TOKENSVC_CACHE_REDIS_REDIS_PURGE_SET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "asio/awaitable.hpp"
#include "cache/purge_epochs.h"
#include "cache/redis/redis_client.h"
#include "cache/redis/redis_command.h"
#include "cache/redis/redis_script.h"
#include "cache/redis/resp_value.h"

namespace tokensvc {

/// What was read of the purges in Redis.
struct PurgeReading {
  PurgeState state;
  std::size_t ignored = 0;  ///< What nobody of ours can have written.
};

/// The purge epochs in Redis: one sorted set without an expiry, of scopes' opaque names by epoch.
/// It has `PurgeEpochs::kMaxScopes` members at most; of those that went the greatest epoch stays
/// behind, as that of the member "*". An epoch is never smaller than Redis' clock was when it was
/// raised, in microseconds, so that one that comes after a loss of data is greater than those that
/// were lost.
class RedisPurgeSet {
 public:
  /// `key` is the set's.
  explicit RedisPurgeSet(std::string key);

  /// What reads all of it. The set must not change in between: for one transaction.
  std::vector<RedisCommand> ReadCommands() const;

  /// The greatest epoch that can have been handed out: twice `kMaxGenerationLead` ahead of `now`,
  /// since clocks differ.
  static std::uint64_t LastEpoch(absl::Time now);

  /// Takes hostile input. What is greater than `LastEpoch` was not handed out, nor was what is no
  /// number or no name; a value that is no sorted set counts as none. Errors: those of Redis, and
  /// kInternal for answers to other commands.
  static absl::StatusOr<PurgeReading> Parse(const std::vector<RespValue>& replies, absl::Time now);

  /// Purges a scope: its epoch becomes greater than it was, at least `at_least`, and at least
  /// Redis' clock. Returns it.
  asio::awaitable<absl::StatusOr<std::uint64_t>> Raise(RedisClient& client, ScopeNames names,
                                                       std::uint64_t at_least) const;

  /// Writes back what Redis has lost; what is greater there stays.
  asio::awaitable<absl::Status> Restore(RedisClient& client, PurgeState lost) const;

 private:
  const std::string key_;
  const RedisScript raise_;
  const RedisScript restore_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_PURGE_SET_H_
