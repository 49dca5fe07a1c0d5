// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_OPTIONS_H_
#define TOKENSVC_CACHE_REDIS_REDIS_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "asio/awaitable.hpp"
#include "base/secret.h"
#include "base/worker_pool.h"

namespace tokensvc {

/// How a connection to Redis is protected. TLS 1.2 or later; the server's certificate is always
/// checked. The files are PEM, and read again for every connection; the next attempt waits for it.
struct RedisTlsOptions {
  std::string ca_file;            ///< Empty: the machine's authorities.
  std::string certificate_file;   ///< Ours, with its chain, for mutual TLS; empty: none.
  std::string private_key_file;   ///< Of that certificate, without a pass phrase.
  WorkerPool* workers = nullptr;  ///< Reads the files. Not null, and outlives the connections.
  std::string server_name;        ///< What the certificate must name; empty: `RedisOptions::host`.
};

/// One standalone Redis, and the bounds of talking to it.
struct RedisOptions {
  std::string host;  ///< A name or an IP address, without brackets.
  std::uint16_t port = 6379;
  std::optional<RedisTlsOptions> tls;
  std::string username;  ///< Empty: Redis' default user.
  /// Gives the password, anew for every connection; an error fails that attempt. Runs on the loop,
  /// and may wait but not block; the next attempt waits for it. Null: no AUTH is sent.
  std::function<asio::awaitable<absl::StatusOr<Secret>>()> password;
  int database = 0;
  std::string client_name = "tokensvc";  ///< In `CLIENT LIST`. No spaces.

  /// From the look-up of the name to the last answer of the handshake.
  absl::Duration connect_timeout = absl::Seconds(1);
  /// For one pipeline, from handing it over to its last reply. It ends the connection: replies that
  /// come later could not be told from those to other commands.
  absl::Duration command_timeout = absl::Milliseconds(250);
  /// For one call of a store, which may take more than one pipeline.
  absl::Duration operation_timeout = absl::Milliseconds(500);
  /// Of one reply, in bytes. Larger ones end the connection before they are read.
  std::size_t max_reply_size = std::size_t{1} << 20;

  /// Bounds of what waits for one connection; what would exceed them is refused.
  std::size_t max_commands_in_flight = 8192;
  std::size_t max_unsent_bytes = std::size_t{16} << 20;
  /// Replies to one pipeline, in bytes, in all. More end the connection.
  std::size_t max_pipeline_reply_size = std::size_t{16} << 20;

  /// The first wait after a connection was lost or refused; doubled up to `max_backoff`, and spread
  /// over its upper half.
  absl::Duration min_backoff = absl::Milliseconds(50);
  absl::Duration max_backoff = absl::Milliseconds(900);
  /// How often the clock offset is measured, which also finds a connection that died silently.
  absl::Duration clock_interval = absl::Seconds(10);
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_OPTIONS_H_
