// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_REDIS_REDIS_STREAM_H_
#define TOKENSVC_CACHE_REDIS_REDIS_STREAM_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "asio/any_io_executor.hpp"
#include "asio/awaitable.hpp"
#include "asio/buffer.hpp"
#include "asio/error_code.hpp"
#include "asio/ip/tcp.hpp"
#include "asio/ssl/context.hpp"
#include "asio/ssl/stream.hpp"
#include "cache/redis/redis_options.h"

namespace tokensvc {

/// A byte stream to Redis: TCP, and TLS over it where the options say so. Belongs to one event
/// loop. One read and one write may be under way at a time; the stream outlives both.
class RedisStream {
 public:
  using Handler = std::function<void(asio::error_code, std::size_t)>;

  explicit RedisStream(asio::any_io_executor executor);

  /// Opens the stream. Has no deadline of its own: `Close` ends it. The stream and `options`
  /// outlive the call. Errors: kUnavailable (name, network, peer), kInvalidArgument (a TLS file
  /// that cannot be used), kUnauthenticated (the server's certificate is refused).
  asio::awaitable<absl::Status> Connect(const RedisOptions& options);

  /// Reads some bytes, at least one, into `buffer`.
  void ReadSome(asio::mutable_buffer buffer, Handler handler);
  /// Writes all of `buffer`.
  void Write(asio::const_buffer buffer, Handler handler);

  /// Ends everything that is under way with an error, now or when it is next tried. Idempotent.
  void Close();

 private:
  asio::awaitable<absl::Status> ConnectTcp(const RedisOptions& options);
  asio::awaitable<absl::Status> HandshakeTls(const RedisOptions& options);

  bool closed_ = false;
  asio::ip::tcp::resolver resolver_;
  asio::ip::tcp::socket socket_;
  std::shared_ptr<asio::ssl::context> tls_context_;
  std::unique_ptr<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_REDIS_REDIS_STREAM_H_
