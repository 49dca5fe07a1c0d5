// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_client.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/experimental/as_tuple.hpp"
#include "asio/steady_timer.hpp"
#include "asio/use_awaitable.hpp"
#include "cache/redis/redis_error.h"

namespace tokensvc {
namespace {

// Redis' answer to TIME: seconds and microseconds, as text.
std::optional<absl::Time> ParseTime(const RespValue& reply) {
  if (reply.kind != RespValue::Kind::kArray || reply.elements.size() != 2) return std::nullopt;
  std::int64_t seconds = 0, microseconds = 0;
  if (!absl::SimpleAtoi(reply.elements[0].text, &seconds) ||
      !absl::SimpleAtoi(reply.elements[1].text, &microseconds) || seconds < 0 || microseconds < 0 ||
      microseconds > 999'999) {
    return std::nullopt;
  }
  return absl::FromUnixSeconds(seconds) + absl::Microseconds(microseconds);
}

}  // namespace

class RedisClient::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& context, RedisOptions options, RedisEnvironment environment)
      : executor_(context.get_executor()),
        options_(std::make_shared<const RedisOptions>(std::move(options))),
        environment_(std::move(environment)),
        backoff_timer_(executor_) {}

  void Start() {
    environment_.health.ClientStarted();
    asio::co_spawn(executor_, Run(shared_from_this()), asio::detached);
  }

  void Stop() {
    stopped_ = true;
    environment_.health.ClientStopped(connected());
    if (connection_ != nullptr) {
      connection_->Close(absl::CancelledError("the client of Redis ends"));
    }
    backoff_timer_.cancel();
  }

  TimePoint OperationDeadline() const {
    return std::chrono::steady_clock::now() +
           absl::ToChronoNanoseconds(options_->operation_timeout);
  }

  asio::awaitable<Replies> Execute(std::vector<RedisCommand> commands, TimePoint deadline) {
    const std::shared_ptr<Impl> self = shared_from_this();
    const std::size_t count = commands.size();
    if (!connected() || connection_->closed()) {
      const absl::Status status = absl::UnavailableError("there is no connection to Redis");
      environment_.metrics.CountFailures(status, static_cast<std::int64_t>(count));
      co_return Replies(count, status);
    }
    const BootTime start = environment_.clock.Boot();
    const std::shared_ptr<RedisConnection> connection = connection_;
    Replies replies = co_await connection->Execute(std::move(commands), deadline);
    if (!stopped_) Count(replies, environment_.clock.Boot() - start);
    for (absl::StatusOr<RespValue>& reply : replies) {
      if (reply.ok() && reply->kind == RespValue::Kind::kError) reply = RedisErrorStatus(*reply);
    }
    co_return replies;
  }

 private:
  bool connected() const { return connection_ != nullptr && ready_; }

  void Count(const Replies& replies, std::chrono::nanoseconds took) {
    RedisMetrics& metrics = environment_.metrics;
    std::int64_t ok = 0;
    for (const absl::StatusOr<RespValue>& reply : replies) {
      if (!reply.ok()) {
        metrics.CountFailures(reply.status(), 1);
      } else if (reply->kind != RespValue::Kind::kError) {
        ++ok;
      } else {
        metrics.refused.Increment();
        const absl::string_view code = RedisErrorCode(*reply);
        // A script that is not there yet is sent; nobody needs to know.
        if (code != "NOSCRIPT") environment_.health.Refused(code);
      }
    }
    metrics.ok.Increment(ok);
    if (!replies.empty() && replies.back().ok()) {
      metrics.round_trip.Observe(absl::FromChrono(took));
    }
  }

  static asio::awaitable<void> Run(std::shared_ptr<Impl> self) {
    while (!self->stopped_) {
      co_await self->KeepOneConnection();
      if (self->stopped_) break;
      co_await self->BackOff();
    }
  }

  // Opens a connection and returns when it has ended, or could not be opened.
  asio::awaitable<void> KeepOneConnection() {
    const std::shared_ptr<RedisConnection> connection =
        std::make_shared<RedisConnection>(executor_, options_);
    connection_ = connection;
    absl::Status status = co_await connection->Connect();
    if (stopped_) co_return;
    // The clock is known before the connection is used.
    ClockReading reading;
    if (status.ok()) status = co_await ReadClock(*connection, reading);
    if (stopped_) co_return;
    if (!status.ok()) {
      connection->Close(status);
      connection_ = nullptr;
      ReportRefusal(status);
      environment_.health.NotConnected(status);
      co_return;
    }
    const TimePoint opened = std::chrono::steady_clock::now();
    environment_.health.Connected(reading);
    ready_ = true;
    if (environment_.connected) environment_.connected();
    while (!stopped_ && !connection->closed()) {
      co_await connection->WaitForEnd(options_->clock_interval);
      if (stopped_ || connection->closed()) break;
      status = co_await ReadClock(*connection, reading);
      if (stopped_) break;
      if (status.ok()) {
        environment_.health.ClockRead(reading);
      } else {
        connection->Close(status);
      }
    }
    if (stopped_) co_return;
    ReportRefusal(connection->cause());
    ready_ = false;
    connection_ = nullptr;
    environment_.health.Lost(connection->cause());
    // One that did not last is no sign of a server that is well.
    const auto lasted = std::chrono::steady_clock::now() - opened;
    if (lasted >= absl::ToChronoNanoseconds(options_->max_backoff)) failures_ = 0;
  }

  void ReportRefusal(const absl::Status& status) {
    const std::optional<RedisRefusal> refusal = RefusalOf(status);
    if (refusal.has_value()) environment_.health.Refused(refusal->code, refusal->command);
  }

  /// Sets `reading`, unless it fails.
  asio::awaitable<absl::Status> ReadClock(RedisConnection& connection, ClockReading& reading) {
    std::vector<RedisCommand> commands;
    commands.push_back({"TIME"});
    const BootTime start = environment_.clock.Boot();
    const Replies replies = co_await connection.Execute(std::move(commands), TimePoint::max());
    if (stopped_) co_return absl::CancelledError("the client of Redis ends");
    const BootTime end = environment_.clock.Boot();
    if (!replies[0].ok()) co_return replies[0].status();
    if (replies[0]->kind == RespValue::Kind::kError) {
      co_return RedisRefusalStatus(*replies[0], "TIME");
    }
    const std::optional<absl::Time> time = ParseTime(*replies[0]);
    if (!time.has_value())
      co_return absl::InternalError("Redis answered something that is no time");
    // Redis looked at its clock in the middle of the round trip, as far as anybody knows.
    reading = {*time, start + (end - start) / 2};
    co_return absl::OkStatus();
  }

  asio::awaitable<void> BackOff() {
    const absl::Duration full = std::min(
        options_->max_backoff, options_->min_backoff * static_cast<double>(1 << failures_));
    failures_ = std::min(failures_ + 1, 10);
    const absl::Duration wait = full * (0.5 + environment_.random.Uniform() / 2);
    backoff_timer_.expires_after(absl::ToChronoNanoseconds(wait));
    co_await backoff_timer_.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
  }

  const asio::any_io_executor executor_;
  const std::shared_ptr<const RedisOptions> options_;
  const RedisEnvironment environment_;
  asio::steady_timer backoff_timer_;
  std::shared_ptr<RedisConnection> connection_;  // being opened, or in use
  bool ready_ = false;                           // in use
  bool stopped_ = false;
  int failures_ = 0;
};

RedisClient::RedisClient(asio::io_context& context, RedisOptions options,
                         RedisEnvironment environment)
    : impl_(std::make_shared<Impl>(context, std::move(options), std::move(environment))) {
  impl_->Start();
}

RedisClient::~RedisClient() { impl_->Stop(); }

RedisClient::TimePoint RedisClient::OperationDeadline() const { return impl_->OperationDeadline(); }

asio::awaitable<RedisClient::Replies> RedisClient::Execute(std::vector<RedisCommand> commands,
                                                           TimePoint deadline) {
  return impl_->Execute(std::move(commands), deadline);
}

}  // namespace tokensvc
