// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_CLIENT_H_
#define TOKENSVC_CACHE_REDIS_REDIS_CLIENT_H_

#include <functional>
#include <memory>
#include <vector>

#include "asio/awaitable.hpp"
#include "asio/io_context.hpp"
#include "base/clock.h"
#include "base/random.h"
#include "cache/redis/redis_command.h"
#include "cache/redis/redis_connection.h"
#include "cache/redis/redis_health.h"
#include "cache/redis/redis_metrics.h"
#include "cache/redis/redis_options.h"

namespace tokensvc {

/// What a client needs of the process. All of it outlives the client.
struct RedisEnvironment {
  const Clock& clock;
  RandomGenerator& random;
  RedisHealth& health;
  RedisMetrics& metrics;
  /// Called on the client's loop whenever it has a new connection that can be used; may be null,
  /// and must not block.
  std::function<void()> connected = nullptr;
};

/// Keeps a connection to Redis on one event loop: opens it, measures the clock offset over it, and
/// opens another one, after a jittered wait, when it is lost. While there is none, commands fail at
/// once: nothing is queued for a server that is away.
///
/// Construct, use and destroy it on the loop, or while the loop does not run; the context outlives
/// it. Commands under way at its end are answered with kCancelled if the loop runs on.
class RedisClient {
 public:
  using TimePoint = RedisConnection::TimePoint;
  using Replies = RedisConnection::Replies;

  RedisClient(asio::io_context& context, RedisOptions options, RedisEnvironment environment);
  ~RedisClient();
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  /// When an operation that begins now must have ended.
  TimePoint OperationDeadline() const;

  /// Sends `commands` as one pipeline: one answer for each, in order. A value is never an error
  /// reply of Redis; those are statuses as well: kNotFound (NOSCRIPT), kResourceExhausted (OOM, or
  /// a bound of ours), kPermissionDenied, kUnavailable, kDeadlineExceeded, kInternal.
  asio::awaitable<Replies> Execute(std::vector<RedisCommand> commands, TimePoint deadline);

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_CLIENT_H_
