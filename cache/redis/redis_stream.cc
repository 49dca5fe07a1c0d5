// SPDX-License-Identifier: Apache-2.0
#include "cache/redis/redis_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "asio/connect.hpp"
#include "asio/experimental/as_tuple.hpp"
#include "asio/ip/address.hpp"
#include "asio/ssl/host_name_verification.hpp"
#include "asio/use_awaitable.hpp"
#include "asio/write.hpp"

namespace tokensvc {
namespace {

constexpr auto kAwait = asio::experimental::as_tuple(asio::use_awaitable);

absl::Status Cancelled() { return absl::CancelledError("the connection to Redis was given up"); }

absl::Status BadFile(absl::string_view which) {
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat("the ", which, " for Redis cannot be used"));
}

// A key with a pass phrase is refused; OpenSSL would ask for it on the terminal.
int NoPassPhrase(char*, int, int, void*) { return -1; }

// Loads what `options` names into `context`.
absl::Status Configure(asio::ssl::context& context, const RedisTlsOptions& options) {
  SSL_CTX* const native = context.native_handle();
  SSL_CTX_set_default_passwd_cb(native, &NoPassPhrase);
  if (SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1) {
    return absl::InternalError("TLS 1.2 is not available");
  }
  asio::error_code error;
  if (options.ca_file.empty()) {
    context.set_default_verify_paths(error);
  } else {
    context.load_verify_file(options.ca_file, error);
  }
  if (error) return BadFile("CA file");
  if (options.certificate_file.empty()) return absl::OkStatus();
  context.use_certificate_chain_file(options.certificate_file, error);
  if (error) return BadFile("client certificate");
  context.use_private_key_file(options.private_key_file, asio::ssl::context::pem, error);
  if (error || SSL_CTX_check_private_key(native) != 1) return BadFile("client certificate's key");
  return absl::OkStatus();
}

// Reads files, and parses what may be a whole machine's authorities: not on a loop.
absl::StatusOr<std::shared_ptr<asio::ssl::context>> MakeContext(const RedisTlsOptions& options) {
  SSL_CTX* const native = SSL_CTX_new(TLS_client_method());
  if (native == nullptr) return absl::InternalError("TLS cannot be set up");
  auto context = std::make_shared<asio::ssl::context>(native);
  if (absl::Status status = Configure(*context, options); !status.ok()) return status;
  return context;
}

}  // namespace

RedisStream::RedisStream(asio::any_io_executor executor) : resolver_(executor), socket_(executor) {}

asio::awaitable<absl::Status> RedisStream::Connect(const RedisOptions& options) {
  absl::Status status = co_await ConnectTcp(options);
  if (status.ok() && options.tls.has_value()) status = co_await HandshakeTls(options);
  if (closed_) co_return Cancelled();
  co_return status;
}

asio::awaitable<absl::Status> RedisStream::ConnectTcp(const RedisOptions& options) {
  std::vector<asio::ip::tcp::endpoint> endpoints;
  asio::error_code not_an_address;
  const asio::ip::address address = asio::ip::make_address(options.host, not_an_address);
  if (!not_an_address) {
    endpoints.emplace_back(address, options.port);
  } else {
    auto resolved =
        co_await resolver_.async_resolve(options.host, absl::StrCat(options.port), kAwait);
    if (std::get<0>(resolved)) co_return absl::UnavailableError("Redis' name was not found");
    for (const auto& entry : std::get<1>(resolved)) endpoints.push_back(entry.endpoint());
  }
  if (closed_) co_return Cancelled();
  auto connected = co_await asio::async_connect(socket_, endpoints, kAwait);
  if (closed_) co_return Cancelled();
  if (std::get<0>(connected)) co_return absl::UnavailableError("Redis cannot be reached");
  asio::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  co_return absl::OkStatus();
}

asio::awaitable<absl::Status> RedisStream::HandshakeTls(const RedisOptions& options) {
  if (options.tls->workers == nullptr) co_return absl::InternalError("nobody reads TLS files");
  auto make = [tls = *options.tls] { return MakeContext(tls); };
  auto context = co_await options.tls->workers->Run(std::move(make));
  if (closed_) co_return Cancelled();
  if (!context.ok()) co_return context.status();
  tls_context_ = *std::move(context);
  tls_ = std::make_unique<asio::ssl::stream<asio::ip::tcp::socket&>>(socket_, *tls_context_);
  const std::string& name =
      options.tls->server_name.empty() ? options.host : options.tls->server_name;
  asio::error_code error;
  tls_->set_verify_mode(asio::ssl::verify_peer, error);
  if (!error) tls_->set_verify_callback(asio::ssl::host_name_verification(name), error);
  if (error) co_return absl::InternalError("TLS cannot be set up");
  asio::error_code not_an_address;
  asio::ip::make_address(name, not_an_address);
  // An address is no server name (RFC 6066 §3).
  if (not_an_address) {
    // SSL_set_tlsext_host_name, whose macro has a cast that our warnings refuse.
    SSL_ctrl(tls_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(name.c_str()));
  }
  auto done = co_await tls_->async_handshake(asio::ssl::stream_base::client, kAwait);
  if (closed_) co_return Cancelled();
  if (!std::get<0>(done)) co_return absl::OkStatus();
  if (SSL_get_verify_result(tls_->native_handle()) != X509_V_OK) {
    co_return absl::UnauthenticatedError("Redis' certificate is refused");
  }
  co_return absl::UnavailableError("the TLS handshake with Redis failed");
}

void RedisStream::ReadSome(asio::mutable_buffer buffer, Handler handler) {
  if (tls_ != nullptr) {
    tls_->async_read_some(buffer, std::move(handler));
  } else {
    socket_.async_read_some(buffer, std::move(handler));
  }
}

void RedisStream::Write(asio::const_buffer buffer, Handler handler) {
  if (tls_ != nullptr) {
    asio::async_write(*tls_, buffer, std::move(handler));
  } else {
    asio::async_write(socket_, buffer, std::move(handler));
  }
}

void RedisStream::Close() {
  closed_ = true;
  resolver_.cancel();
  asio::error_code ignored;
  socket_.close(ignored);
}

}  // namespace tokensvc
