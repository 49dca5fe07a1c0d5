// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_HEALTH_H_
#define TOKENSVC_CACHE_REDIS_REDIS_HEALTH_H_

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "cache/fleet_clock.h"

namespace tokensvc {

/// How the loops of a process stand with Redis, and the only one that logs it: once when it
/// changes, not for each loop, attempt or call. Thread-safe; outlives the clients.
///
/// Events: `redis_connected` (all loops have a connection), `redis_lost` (one has none; again for
/// another cause, each cause once until all are connected), `redis_command_refused` (an error
/// reply; once a minute for each code and, where it is one of the handshake, command),
/// `redis_clock_differs` (it is more than 10 s from ours, and nothing is shared),
/// `redis_clock_agrees` (again). Where Redis lets us in and throws us out again and again, both of
/// the former come once a minute.
class RedisHealth {
 public:
  /// `address` is only shown. Null `registry`: `tokensvc_redis_connected` (loops that have a
  /// connection) and `tokensvc_redis_clock_offset_seconds` (zero while it is not known) are not
  /// published; otherwise this outlives the registry's readers. The rest outlives this.
  /// `on_clock`: called after each reading of Redis' clock, before what it was read over is used.
  RedisHealth(
      std::string address, const Clock& clock, Logger& logger, MetricRegistry* registry,
      std::function<void()> on_clock = [] {});

  /// A loop's client begins; it has no connection yet.
  void ClientStarted();
  /// It ends; `connected`: while it had a connection.
  void ClientStopped(bool connected);
  /// A client has a connection, over which it has read Redis' clock.
  void Connected(const ClockReading& reading);
  /// It has read it again.
  void ClockRead(const ClockReading& reading);
  /// A client that had a connection lost it.
  void Lost(const absl::Status& cause);
  /// A client could not connect.
  void NotConnected(const absl::Status& cause);
  /// Redis answered a command with the error `code`. `command` names one of the handshake.
  void Refused(absl::string_view code, absl::string_view command = "");

  /// Whether a loop is without a connection.
  bool degraded() const;
  std::size_t connected_clients() const;
  /// Why the last connection, or attempt at one, failed; OK: none did so far.
  absl::Status last_error() const;

  /// Waits, for `timeout` at most, until a client has a connection or could not get one.
  void AwaitFirstAttempt(absl::Duration timeout);

  /// Redis' clock, forgotten when no client is connected.
  const FleetClock& fleet_clock() const { return fleet_clock_; }

 private:
  void LogLoss(const absl::Status& cause) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LogConnections() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetClock(const ClockReading& reading) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string address_;
  const Clock& clock_;
  Logger& logger_;
  const std::function<void()> on_clock_;
  FleetClock fleet_clock_;
  mutable Mutex mutex_;
  CondVar attempt_ended_;
  /// A client has a connection, the clock that it brought checked, or could not get one.
  bool attempted_ ABSL_GUARDED_BY(mutex_) = false;
  std::size_t clients_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t connected_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status last_error_ ABSL_GUARDED_BY(mutex_);
  /// That all are connected is the last thing that was logged, or nothing was.
  bool connection_logged_ ABSL_GUARDED_BY(mutex_) = false;
  /// When all were connected last.
  BootTime connected_at_ ABSL_GUARDED_BY(mutex_) = BootTime::max();
  /// That the clocks are far apart is the last thing that was logged about them.
  bool clock_differs_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, BootTime> logged_causes_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, BootTime, std::less<>> refusals_logged_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_HEALTH_H_
