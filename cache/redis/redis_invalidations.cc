// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_invalidations.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/experimental/as_tuple.hpp"
#include "asio/steady_timer.hpp"
#include "asio/use_awaitable.hpp"
#include "cache/redis/redis_connection.h"
#include "cache/redis/redis_error.h"

namespace tokensvc {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kAwait = asio::experimental::as_tuple(asio::use_awaitable);
constexpr char kChannel[] = "__redis__:invalidate";
// Of the bytes that one connection may be sent as one reply: all that is read comes as one.
constexpr std::size_t kMaxReadBytes = std::size_t{4} << 20;

std::shared_ptr<const RedisOptions> ForReading(RedisOptions options) {
  options.client_name += "-invalidations";
  options.max_reply_size = kMaxReadBytes;
  options.max_pipeline_reply_size = kMaxReadBytes;
  return std::make_shared<const RedisOptions>(std::move(options));
}

absl::Status NotAsAsked() {
  return absl::InternalError("Redis answered something that was not asked for");
}

}  // namespace

class RedisInvalidations::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& context, RedisOptions redis, Options options, Events events,
       RandomGenerator& random)
      : executor_(context.get_executor()),
        redis_(ForReading(std::move(redis))),
        options_(std::move(options)),
        events_(std::move(events)),
        random_(random),
        timer_(executor_) {}

  void Start() { asio::co_spawn(executor_, Run(shared_from_this()), asio::detached); }

  void Stop() {
    stopped_ = true;
    if (connection_ != nullptr) {
      connection_->Close(absl::CancelledError("the listener to Redis ends"));
    }
    timer_.cancel();
  }

  void ReadAgain() {
    changed_ = true;
    if (connection_ != nullptr) connection_->StopWaiting();
  }

  void ConnectNow() {
    if (connection_ == nullptr) timer_.cancel();
  }

 private:
  static asio::awaitable<void> Run(std::shared_ptr<Impl> self) {
    while (!self->stopped_) {
      co_await self->KeepOneConnection();
      if (self->stopped_) break;
      co_await self->BackOff();
    }
  }

  asio::awaitable<void> KeepOneConnection() {
    const auto connection = std::make_shared<RedisConnection>(executor_, redis_);
    connection_ = connection;
    const SteadyClock::time_point opened = SteadyClock::now();
    absl::Status status = co_await connection->Connect();
    if (!stopped_ && status.ok()) {
      // Every message says that something changed: a list of keys, or null for all of them.
      connection->HandleMessages(
          [self = shared_from_this()](const RespValue&) { self->ReadAgain(); });
      status = co_await Track(*connection);
    }
    for (bool subscribed = false; !stopped_ && status.ok(); subscribed = true) {
      changed_ = false;
      status = co_await Read(*connection, subscribed);
      if (!stopped_ && status.ok()) status = co_await AwaitChange(*connection);
    }
    connection->Close(status);
    connection_ = nullptr;
    if (stopped_) co_return;
    // One that did not last is no sign of a server that is well.
    if (SteadyClock::now() - opened >= absl::ToChronoNanoseconds(redis_->max_backoff)) {
      failures_ = 0;
    }
    events_.lost(connection->cause());
  }

  asio::awaitable<absl::Status> Track(RedisConnection& connection) {
    std::vector<RedisCommand> ask_id;
    ask_id.push_back({"CLIENT", "ID"});
    const RedisConnection::Replies id =
        co_await connection.Execute(std::move(ask_id), SteadyClock::time_point::max());
    if (!id[0].ok()) co_return id[0].status();
    if (id[0]->kind == RespValue::Kind::kError) co_return RedisRefusalStatus(*id[0], "CLIENT ID");
    if (id[0]->kind != RespValue::Kind::kInteger) co_return NotAsAsked();
    std::vector<RedisCommand> track;
    track.push_back({"CLIENT", "TRACKING", "ON", "REDIRECT", absl::StrCat(id[0]->integer), "BCAST",
                     "PREFIX", options_.prefix});
    const RedisConnection::Replies tracked =
        co_await connection.Execute(std::move(track), SteadyClock::time_point::max());
    if (!tracked[0].ok()) co_return tracked[0].status();
    if (tracked[0]->kind == RespValue::Kind::kError) {
      co_return RedisRefusalStatus(*tracked[0], "CLIENT TRACKING");
    }
    co_return absl::OkStatus();
  }

  /// Redis sends nothing to a RESP2 connection that is not subscribed, and lets one that is not
  /// read: so what changes in between is found by reading, and what changes after it is sent.
  asio::awaitable<absl::Status> Read(RedisConnection& connection, bool subscribed) {
    std::vector<RedisCommand> commands;
    if (subscribed) commands.push_back({"UNSUBSCRIBE", kChannel});
    commands.push_back({"MULTI"});
    for (const RedisCommand& each : options_.read) commands.push_back(each);
    commands.push_back({"SUBSCRIBE", kChannel});
    commands.push_back({"EXEC"});
    std::vector<std::string> names;
    for (const RedisCommand& each : commands) names.push_back(each[0]);
    RedisConnection::Replies replies =
        co_await connection.Execute(std::move(commands), SteadyClock::time_point::max());
    if (stopped_) co_return absl::CancelledError("the listener to Redis ends");
    for (std::size_t i = 0; i < replies.size(); ++i) {
      if (!replies[i].ok()) co_return replies[i].status();
      if (replies[i]->kind == RespValue::Kind::kError) {
        co_return RedisRefusalStatus(*replies[i], names[i]);
      }
    }
    RespValue& all = *replies.back();
    if (all.kind != RespValue::Kind::kArray || all.elements.size() != options_.read.size() + 1 ||
        all.elements.back().kind != RespValue::Kind::kArray) {
      co_return NotAsAsked();
    }
    all.elements.pop_back();
    co_return events_.read(std::move(all.elements));
  }

  asio::awaitable<absl::Status> AwaitChange(RedisConnection& connection) {
    timer_.expires_after(absl::ToChronoNanoseconds(options_.min_pause));
    while (!changed_) {
      co_await connection.WaitForEnd(options_.heartbeat);
      if (connection.closed()) co_return connection.cause();
      if (changed_) break;
      std::vector<RedisCommand> ping;
      ping.push_back({"PING"});
      const RedisConnection::Replies pong =
          co_await connection.Execute(std::move(ping), SteadyClock::time_point::max());
      if (!pong[0].ok()) co_return pong[0].status();
      if (pong[0]->kind == RespValue::Kind::kError) co_return RedisErrorStatus(*pong[0]);
    }
    co_await timer_.async_wait(kAwait);
    co_return connection.closed() ? connection.cause() : absl::OkStatus();
  }

  asio::awaitable<void> BackOff() {
    const absl::Duration full =
        std::min(redis_->max_backoff, redis_->min_backoff * static_cast<double>(1 << failures_));
    failures_ = std::min(failures_ + 1, 10);
    timer_.expires_after(absl::ToChronoNanoseconds(full * (0.5 + random_.Uniform() / 2)));
    co_await timer_.async_wait(kAwait);
  }

  const asio::any_io_executor executor_;
  const std::shared_ptr<const RedisOptions> redis_;
  const Options options_;
  const Events events_;
  RandomGenerator& random_;
  asio::steady_timer timer_;
  std::shared_ptr<RedisConnection> connection_;
  bool changed_ = false;  // since the last read began
  bool stopped_ = false;
  int failures_ = 0;
};

RedisInvalidations::RedisInvalidations(asio::io_context& context, RedisOptions redis,
                                       Options options, Events events, RandomGenerator& random)
    : impl_(std::make_shared<Impl>(context, std::move(redis), std::move(options), std::move(events),
                                   random)) {
  impl_->Start();
}

RedisInvalidations::~RedisInvalidations() { impl_->Stop(); }

void RedisInvalidations::ReadAgain() { impl_->ReadAgain(); }

void RedisInvalidations::ConnectNow() { impl_->ConnectNow(); }

}  // namespace tokensvc
