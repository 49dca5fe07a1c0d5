// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_connection.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "asio/experimental/as_tuple.hpp"
#include "asio/use_awaitable.hpp"
#include "cache/redis/redis_error.h"

namespace tokensvc {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kAwait = asio::experimental::as_tuple(asio::use_awaitable);

RedisConnection::TimePoint After(absl::Duration duration) {
  return SteadyClock::now() + absl::ToChronoNanoseconds(duration);
}

// What keeps us from working with a server that answered the commands of these names so; OK:
// nothing.
absl::Status ProblemOfGreeting(const std::vector<absl::string_view>& names,
                               const RedisConnection::Replies& replies) {
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (!replies[i].ok()) return replies[i].status();
    if (replies[i]->kind == RespValue::Kind::kError) {
      return RedisRefusalStatus(*replies[i], names[i]);
    }
  }
  const RespValue& role = *replies.back();
  if (role.kind != RespValue::Kind::kArray || role.elements.empty()) {
    return absl::InternalError("Redis answered something that is no role");
  }
  if (role.elements[0].text != "master") {
    return absl::UnavailableError("Redis is a replica: nothing can be stored there");
  }
  return absl::OkStatus();
}

// No command of ours is answered like this.
bool IsMessage(const RespValue& reply) {
  return reply.kind == RespValue::Kind::kArray && reply.elements.size() == 3 &&
         reply.elements[0].kind == RespValue::Kind::kString && reply.elements[0].text == "message";
}

}  // namespace

RedisConnection::RedisConnection(asio::any_io_executor executor,
                                 std::shared_ptr<const RedisOptions> options)
    : executor_(executor),
      options_(std::move(options)),
      stream_(executor),
      reader_(options_->max_reply_size),
      end_(executor, TimePoint::max()) {}

asio::awaitable<absl::Status> RedisConnection::Connect() {
  const std::shared_ptr<RedisConnection> self = shared_from_this();
  asio::steady_timer deadline(executor_, After(options_->connect_timeout));
  deadline.async_wait([self](asio::error_code cancelled) {
    if (!cancelled) self->Close(absl::DeadlineExceededError("connecting to Redis took too long"));
  });
  const TimePoint until = deadline.expiry();
  absl::Status status = co_await Open();
  if (status.ok()) status = co_await Introduce(until);
  deadline.cancel();
  if (!status.ok()) Close(status);
  co_return closed_ ? cause_ : absl::OkStatus();
}

asio::awaitable<absl::Status> RedisConnection::Open() {
  absl::Status status = co_await stream_.Connect(*options_);
  if (status.ok() && !closed_) StartRead();
  co_return status;
}

asio::awaitable<absl::Status> RedisConnection::Introduce(TimePoint deadline) {
  std::vector<RedisCommand> commands;
  if (options_->password) {
    absl::StatusOr<Secret> password = co_await options_->password();
    if (!password.ok()) {
      co_return absl::UnauthenticatedError("the password for Redis cannot be read");
    }
    RedisCommand auth;
    auth.reserve(3);
    auth.emplace_back("AUTH");
    if (!options_->username.empty()) auth.push_back(options_->username);
    auth.emplace_back(std::string(password->Reveal()));
    commands.push_back(std::move(auth));
    const Replies replies = co_await Execute(std::move(commands), deadline);
    if (!replies[0].ok()) co_return replies[0].status();
    if (replies[0]->kind != RespValue::Kind::kStatus) {
      co_return absl::UnauthenticatedError("Redis refused the user or the password");
    }
    commands.clear();
  }
  std::vector<absl::string_view> names = {"CLIENT SETNAME", "PING", "ROLE"};
  if (options_->database != 0) {
    commands.push_back({"SELECT", absl::StrCat(options_->database)});
    names.insert(names.begin(), "SELECT");
  }
  commands.push_back({"CLIENT", "SETNAME", options_->client_name});
  // Refused while the server loads its data or has lost its master.
  commands.push_back({"PING"});
  commands.push_back({"ROLE"});
  const Replies replies = co_await Execute(std::move(commands), deadline);
  introduced_ = true;
  co_return ProblemOfGreeting(names, replies);
}

asio::awaitable<RedisConnection::Replies> RedisConnection::Execute(
    std::vector<RedisCommand> commands, TimePoint deadline) {
  const std::shared_ptr<RedisConnection> self = shared_from_this();
  const std::size_t count = commands.size();
  if (count == 0) co_return Replies();
  if (const absl::Status status = Enqueue(commands); !status.ok()) co_return Replies(count, status);
  const auto pipeline = std::make_shared<Pipeline>(executor_);
  pipeline->commands = count;
  pipeline->replies.reserve(count);
  pipelines_.push_back(pipeline);
  commands_in_flight_ += count;
  StartWrite();
  if (!pipeline->done) {
    pipeline->wakeup.expires_at(introduced_ ? std::min(deadline, After(options_->command_timeout))
                                            : deadline);
    co_await pipeline->wakeup.async_wait(kAwait);
  }
  if (!pipeline->done) Close(absl::DeadlineExceededError("Redis did not answer in time"));
  Replies replies;
  replies.reserve(count);
  for (RespValue& reply : pipeline->replies) replies.emplace_back(std::move(reply));
  while (replies.size() < count) replies.emplace_back(cause_);
  co_return replies;
}

absl::Status RedisConnection::Enqueue(std::vector<RedisCommand>& commands) {
  if (closed_) return cause_;
  std::size_t bytes = 0;
  for (const RedisCommand& command : commands) {
    for (const std::string& argument : command) bytes += argument.size();
  }
  if (commands.size() > options_->max_commands_in_flight - commands_in_flight_ ||
      unsent_.size() + bytes > options_->max_unsent_bytes) {
    return absl::ResourceExhaustedError("too much waits for Redis already");
  }
  for (RedisCommand& command : commands) {
    if (const absl::Status status = AppendCommand(command, unsent_); !status.ok()) {
      // Half a pipeline may stand there now.
      Close(status);
      return status;
    }
    if (introduced_) continue;
    // One of them is AUTH.
    for (std::string& argument : command) OPENSSL_cleanse(argument.data(), argument.size());
  }
  return absl::OkStatus();
}

void RedisConnection::StartWrite() {
  if (writing_ || closed_ || unsent_.empty()) return;
  writing_ = true;
  sending_.swap(unsent_);
  stream_.Write(asio::buffer(sending_),
                [self = shared_from_this()](asio::error_code error, std::size_t) {
                  self->writing_ = false;
                  if (!self->introduced_) {
                    OPENSSL_cleanse(self->sending_.data(), self->sending_.size());
                  }
                  self->sending_.clear();
                  if (error) {
                    self->Close(absl::UnavailableError("the connection to Redis was lost"));
                  }
                  self->StartWrite();
                });
}

void RedisConnection::StartRead() {
  stream_.ReadSome(asio::buffer(received_),
                   [self = shared_from_this()](asio::error_code error, std::size_t size) {
                     if (error) {
                       self->Close(absl::UnavailableError("the connection to Redis was lost"));
                     }
                     if (self->closed_) return;
                     self->OnRead(absl::string_view(self->received_.data(), size));
                     if (!self->closed_) self->StartRead();
                   });
}

void RedisConnection::OnRead(absl::string_view bytes) {
  if (const absl::Status status = reader_.Feed(bytes); !status.ok()) return Close(status);
  if (!pipelines_.empty()) {
    Pipeline& front = *pipelines_.front();
    front.reply_bytes += bytes.size();
    if (front.reply_bytes > options_->max_pipeline_reply_size) {
      return Close(absl::ResourceExhaustedError("the replies of Redis are larger than allowed"));
    }
  }
  while (!closed_) {
    absl::StatusOr<std::optional<RespValue>> reply = reader_.Next();
    if (!reply.ok()) return Close(reply.status());
    if (!reply->has_value()) return;
    if (!Deliver(**std::move(reply))) {
      return Close(absl::InternalError("Redis answered what was not asked"));
    }
  }
}

bool RedisConnection::Deliver(RespValue reply) {
  if (on_message_ && IsMessage(reply)) {
    on_message_(reply);
    return true;
  }
  if (pipelines_.empty()) return false;
  const bool ends = introduced_ && reply.kind == RespValue::Kind::kError && EndsConnection(reply);
  const absl::Status cause = ends ? RedisErrorStatus(reply) : absl::OkStatus();
  Pipeline& front = *pipelines_.front();
  front.replies.push_back(std::move(reply));
  --commands_in_flight_;
  if (front.replies.size() == front.commands) {
    front.done = true;
    front.wakeup.cancel();
    pipelines_.pop_front();
  }
  if (ends) Close(cause);
  return true;
}

asio::awaitable<void> RedisConnection::WaitForEnd(absl::Duration timeout) {
  const std::shared_ptr<RedisConnection> self = shared_from_this();
  if (closed_) co_return;
  end_.expires_at(After(timeout));
  co_await end_.async_wait(kAwait);
}

void RedisConnection::Close(absl::Status cause) {
  if (closed_) return;
  closed_ = true;
  cause_ = std::move(cause);
  stream_.Close();
  for (const std::shared_ptr<Pipeline>& pipeline : pipelines_) {
    pipeline->done = true;
    pipeline->wakeup.cancel();
  }
  pipelines_.clear();
  on_message_ = nullptr;
  commands_in_flight_ = 0;
  end_.cancel();
}

}  // namespace tokensvc
