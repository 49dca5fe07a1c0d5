// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_INVALIDATIONS_H_
#define TOKENSVC_CACHE_REDIS_REDIS_INVALIDATIONS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "asio/io_context.hpp"
#include "base/random.h"
#include "cache/redis/redis_command.h"
#include "cache/redis/redis_options.h"
#include "cache/redis/resp_value.h"

namespace tokensvc {

/// Knows what lies under some keys of a Redis at all times: reads them, is told of every change by
/// Redis (`CLIENT TRACKING … BCAST`, RESP2), and reads them again. One connection does all of it,
/// so that its loss is the loss of everything and is noticed: it redirects the broadcast to itself,
/// and reads and subscribes in one transaction, so that no change falls between the two. A PING
/// that is not answered ends it; then another one is opened, after a jittered wait.
///
/// Construct and destroy it on the loop, or while the loop does not run; the context outlives it.
class RedisInvalidations {
 public:
  struct Options {
    /// Of the keys whose changes matter. Every user of this Redis may see their names.
    std::string prefix;
    /// What is read.
    std::vector<RedisCommand> read;
    /// A connection that is dead without saying so is noticed after this and a `command_timeout`.
    absl::Duration heartbeat = absl::Seconds(1);
    /// Between two reads: who writes those keys without a pause costs this much, and no more.
    absl::Duration min_pause = absl::Milliseconds(50);
  };
  /// Called on the loop. None is called after the end of the object.
  struct Events {
    /// What the commands of `Options::read` returned, error replies included. An error ends the
    /// connection.
    std::function<absl::Status(std::vector<RespValue>)> read;
    /// From now on changes go unnoticed, until `read` is called again. Called for every attempt to
    /// connect that failed, too.
    std::function<void(const absl::Status& cause)> lost;
  };

  /// `random` outlives this.
  RedisInvalidations(asio::io_context& context, RedisOptions redis, Options options, Events events,
                     RandomGenerator& random);
  ~RedisInvalidations();
  RedisInvalidations(const RedisInvalidations&) = delete;
  RedisInvalidations& operator=(const RedisInvalidations&) = delete;

  /// As if something had changed.
  void ReadAgain();
  /// Does not wait any longer before the next attempt to connect: Redis is known to be there.
  void ConnectNow();

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_INVALIDATIONS_H_
