// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_CONNECTION_H_
#define TOKENSVC_CACHE_REDIS_REDIS_CONNECTION_H_

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "asio/any_io_executor.hpp"
#include "asio/awaitable.hpp"
#include "asio/steady_timer.hpp"
#include "cache/redis/redis_command.h"
#include "cache/redis/redis_options.h"
#include "cache/redis/redis_stream.h"
#include "cache/redis/resp_reader.h"
#include "cache/redis/resp_value.h"

namespace tokensvc {

/// One connection to Redis, for as long as it lasts: opened once, closed once. Many commands are
/// under way at a time; Redis answers them in order. Belongs to one event loop, whose context
/// outlives it.
class RedisConnection : public std::enable_shared_from_this<RedisConnection> {
 public:
  using TimePoint = asio::steady_timer::time_point;
  /// One for each command, in order. Error replies of Redis are values here; a status says that
  /// there is no reply: the connection's end, or a bound that was met.
  using Replies = std::vector<absl::StatusOr<RespValue>>;

  RedisConnection(asio::any_io_executor executor, std::shared_ptr<const RedisOptions> options);

  /// Opens the connection and introduces us: AUTH, SELECT, CLIENT SETNAME. Ends within the
  /// options' `connect_timeout`. It fails, too, where the server is loading its data or is a
  /// replica: nothing could be stored there. Once, before all else.
  asio::awaitable<absl::Status> Connect();

  /// Sends `commands` as one pipeline and waits for all replies, until `deadline` or for
  /// `command_timeout`, whatever is shorter. Too late ends the connection.
  asio::awaitable<Replies> Execute(std::vector<RedisCommand> commands, TimePoint deadline);

  /// What Redis sends to subscribers without being asked (`message`) goes to `handler`, on the
  /// loop, and is nobody's reply. Unless there is a handler, it ends the connection.
  void HandleMessages(std::function<void(const RespValue&)> handler) {
    on_message_ = std::move(handler);
  }

  /// Waits for the connection's end, `timeout` at the longest.
  asio::awaitable<void> WaitForEnd(absl::Duration timeout);
  /// Ends that wait now.
  void StopWaiting() { end_.cancel(); }

  /// Ends it; what waits gets `cause`. The first cause stands.
  void Close(absl::Status cause);

  bool closed() const { return closed_; }
  /// Why it ended.
  const absl::Status& cause() const { return cause_; }

 private:
  // A pipeline whose replies are not complete.
  struct Pipeline {
    explicit Pipeline(const asio::any_io_executor& executor) : wakeup(executor) {}
    std::size_t commands = 0;
    std::size_t reply_bytes = 0;
    std::vector<RespValue> replies;
    bool done = false;
    asio::steady_timer wakeup;
  };

  asio::awaitable<absl::Status> Open();
  asio::awaitable<absl::Status> Introduce(TimePoint deadline);
  absl::Status Enqueue(std::vector<RedisCommand>& commands);
  void StartWrite();
  void StartRead();
  void OnRead(absl::string_view bytes);
  // False: nobody waits for this reply.
  bool Deliver(RespValue reply);

  const asio::any_io_executor executor_;
  const std::shared_ptr<const RedisOptions> options_;
  RedisStream stream_;
  RespReader reader_;
  bool introduced_ = false;
  bool closed_ = false;
  absl::Status cause_;
  std::function<void(const RespValue&)> on_message_;
  std::deque<std::shared_ptr<Pipeline>> pipelines_;
  std::size_t commands_in_flight_ = 0;
  std::string unsent_;
  std::string sending_;
  bool writing_ = false;
  std::array<char, std::size_t{16} << 10> received_;
  asio::steady_timer end_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_CONNECTION_H_
