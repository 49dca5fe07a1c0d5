// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_health.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tokensvc {
namespace {

constexpr absl::Duration kLogInterval = absl::Minutes(1);
// Connections that held for so long were well; what comes then is another incident.
constexpr absl::Duration kWell = absl::Seconds(10);

}  // namespace

RedisHealth::RedisHealth(std::string address, const Clock& clock, Logger& logger,
                         MetricRegistry* registry, std::function<void()> on_clock)
    : address_(std::move(address)),
      clock_(clock),
      logger_(logger),
      on_clock_(std::move(on_clock)),
      fleet_clock_(clock) {
  if (registry == nullptr) return;
  registry->AddComputed("tokensvc_redis_connected", "Event loops that have a connection to Redis.",
                        [this] { return static_cast<double>(connected_clients()); });
  registry->AddComputed(
      "tokensvc_redis_clock_offset_seconds", "How far Redis' clock is ahead of this machine's.",
      [this] { return absl::ToDoubleSeconds(fleet_clock_.Offset().value_or(absl::Duration())); });
}

void RedisHealth::ClientStarted() {
  MutexLock lock(&mutex_);
  ++clients_;
}

void RedisHealth::ClientStopped(bool connected) {
  MutexLock lock(&mutex_);
  --clients_;
  if (connected) --connected_;
  if (connected_ == 0) fleet_clock_.Forget();
}

void RedisHealth::Connected(const ClockReading& reading) {
  {
    MutexLock lock(&mutex_);
    SetClock(reading);
    ++connected_;
    LogConnections();
  }
  on_clock_();
  MutexLock lock(&mutex_);
  attempted_ = true;
  attempt_ended_.NotifyAll();
}

void RedisHealth::ClockRead(const ClockReading& reading) {
  {
    MutexLock lock(&mutex_);
    SetClock(reading);
  }
  on_clock_();
}

void RedisHealth::SetClock(const ClockReading& reading) {
  fleet_clock_.Set(reading);
  const bool differs = fleet_clock_.TooFarOff();
  if (differs == clock_differs_) return;
  clock_differs_ = differs;
  const absl::Duration offset = fleet_clock_.Offset().value_or(absl::Duration());
  const double seconds = absl::ToDoubleSeconds(offset);
  if (differs) {
    logger_.Error("redis_clock_differs", {{"address", address_}, {"ahead_by_seconds", seconds}});
  } else {
    logger_.Info("redis_clock_agrees", {{"address", address_}, {"ahead_by_seconds", seconds}});
  }
}

void RedisHealth::LogConnections() {
  if (connected_ < clients_) return;
  connected_at_ = clock_.Boot();
  if (connection_logged_) return;
  connection_logged_ = true;
  logger_.Info("redis_connected",
               {{"address", address_}, {"event_loops", static_cast<long long>(clients_)}});
}

void RedisHealth::Lost(const absl::Status& cause) {
  MutexLock lock(&mutex_);
  if (--connected_ == 0) fleet_clock_.Forget();
  LogLoss(cause);
}

void RedisHealth::NotConnected(const absl::Status& cause) {
  MutexLock lock(&mutex_);
  LogLoss(cause);
  attempted_ = true;
  attempt_ended_.NotifyAll();
}

void RedisHealth::AwaitFirstAttempt(absl::Duration timeout) {
  const auto until = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
  MutexLock lock(&mutex_);
  while (!attempted_) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return;
    attempt_ended_.WaitFor(&mutex_, absl::FromChrono(left));
  }
}

void RedisHealth::LogLoss(const absl::Status& cause) {
  last_error_ = cause;
  // Causes are fixed texts of ours, so that their number has a bound.
  const std::string text(cause.message());
  const BootTime now = clock_.Boot();
  if (connected_at_ != BootTime::max()) {
    if (now - connected_at_ >= ToNanos(kWell)) logged_causes_.clear();
    connected_at_ = BootTime::max();
  }
  const auto [logged, first] = logged_causes_.try_emplace(text, now);
  if (!first) {
    if (!connection_logged_ || now - logged->second < ToNanos(kLogInterval)) return;
    logged->second = now;
  }
  connection_logged_ = false;
  logger_.Warning("redis_lost", {{"address", address_},
                                 {"cause", text},
                                 {"connected", static_cast<long long>(connected_)},
                                 {"event_loops", static_cast<long long>(clients_)}});
}

void RedisHealth::Refused(absl::string_view code, absl::string_view command) {
  const BootTime now = clock_.Boot();
  MutexLock lock(&mutex_);
  const auto [logged, first] = refusals_logged_.try_emplace(absl::StrCat(code, " ", command), now);
  if (!first) {
    if (now - logged->second < ToNanos(kLogInterval)) return;
    logged->second = now;
  }
  if (command.empty()) {
    logger_.Warning("redis_command_refused", {{"address", address_}, {"code", code}});
  } else {
    logger_.Warning("redis_command_refused",
                    {{"address", address_}, {"code", code}, {"command", command}});
  }
}

bool RedisHealth::degraded() const {
  MutexLock lock(&mutex_);
  return connected_ < clients_;
}

std::size_t RedisHealth::connected_clients() const {
  MutexLock lock(&mutex_);
  return connected_;
}

absl::Status RedisHealth::last_error() const {
  MutexLock lock(&mutex_);
  return last_error_;
}

}  // namespace tokensvc
