// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_HTTP_HTTP_TRANSPORT_H_
#define TOKENSVC_SERVICE_HTTP_HTTP_TRANSPORT_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "asio/awaitable.hpp"
#include "base/secret.h"

namespace tokensvc {

/// Where the address of a request comes from, which decides what it may point at (DESIGN.md §6).
enum class AddressTrust {
  /// The host stands in our configuration: it may resolve to any address.
  kConfigured,
  /// The host was learnt from a document: loopback, link-local, private and other special addresses
  /// are
  /// refused when the socket opens.
  kLearnt,
  /// What the platform offers on this machine, by configuration: loopback and link-local addresses
  /// (169.254.0.0/16) only, over plain http, which is all that is spoken there.
  kPlatform,
};

/// What a client shows of itself in the TLS handshake (RFC 8446 §4.4.2) to a server that asks.
/// Immutable.
struct ClientTlsCertificate {
  /// Names the pair, for keeping connections apart: different for different pairs. Not secret.
  std::string id;
  Secret certificate_pem;  ///< The leaf first, then its intermediates.
  Secret private_key_pem;  ///< That of the leaf, not encrypted.
};

/// One request to an authority.
struct HttpRequest {
  enum class Method { kGet, kPost };
  Method method = Method::kGet;
  /// `https://…`, or `http://` where the host is `localhost`, in 127.0.0.0/8 or `[::1]`; with
  /// `kPlatform`, `http://` alone, and 169.254.0.0/16 too. No user information. ASCII, at most 8
  /// KiB.
  std::string url;
  /// Name and value. Names are tokens (RFC 9110 §5.6.2), but none that frames the message (Host,
  /// Content-Length, …); values have no CR, LF or NUL; or the request is refused. May hold
  /// credentials
  /// (`Authorization`): never logged.
  std::vector<std::pair<std::string, Secret>> headers;
  /// Of a POST: application/x-www-form-urlencoded.
  Secret body;
  /// From now until the last byte of the answer, time in a queue included; at most an hour. Where
  /// it is not positive the request is not sent (kDeadlineExceeded).
  absl::Duration timeout = absl::Seconds(10);
  /// Bytes of the answer's body; one more ends the request.
  std::size_t max_body_bytes = std::size_t{1} << 20;
  AddressTrust trust = AddressTrust::kConfigured;
  /// Who it is for: where requests wait for a connection to their host, keys take turns. Any bytes;
  /// stays in this process.
  std::string queue_key;
  /// Never sent a second time, at the cost of a new connection: for what an authority accepts once
  /// (a single-use refresh token, an authorization code). Otherwise a request may be sent again,
  /// once, when a kept connection turns out to be dead before the first byte of an answer.
  bool send_once = false;
  /// PEM file with the certification authorities to trust instead of the system's; empty: the
  /// system's.
  std::string ca_file;
  /// For mutual TLS; null: none is shown. Over https only. Requests with different certificates,
  /// or with and without one, share neither connections nor TLS sessions.
  std::shared_ptr<const ClientTlsCertificate> client_certificate;
};

/// What came back, whatever its status code is: a 4xx is an answer, not an error of the transport.
struct HttpResponse {
  int status = 0;
  /// Names in lower case, in the order received. An answer with more than 64, or more than 8 KiB of
  /// them, is refused (kOutOfRange).
  std::vector<std::pair<std::string, std::string>> headers;
  Secret body;

  /// The value of the first header of that (lower-case) name, or empty. Valid while this object is
  /// unchanged.
  absl::string_view Header(absl::string_view name) const;
};

/// Sends requests. An implementation belongs to one event loop: call it from a coroutine on that
/// loop only.
class HttpTransport {
 public:
  virtual ~HttpTransport() = default;

  /// Sends one request and waits for its answer. Redirects are not followed: a 3xx is an answer.
  /// Errors, with texts that hold no part of the request or the answer beyond the host name:
  ///   - kUnavailable        no connection, reset, protocol error, truncated answer, host unknown
  ///   - kDeadlineExceeded   `timeout` ran out; or, after a wait in the queue, too little of it was
  ///   left for an answer, so that the request was not sent
  ///   - kUnauthenticated    the server's TLS certificate was refused, or `ca_file` cannot be read
  ///   - kPermissionDenied   the address is not allowed for a learnt or a platform's host, or plain
  ///   http beyond loopback
  ///   - kOutOfRange         the answer is larger than allowed
  ///   - kResourceExhausted  too many requests wait already
  ///   - kInvalidArgument    the request itself is malformed
  ///   - kCancelled          the waiting coroutine was cancelled
  virtual asio::awaitable<absl::StatusOr<HttpResponse>> Send(HttpRequest request) = 0;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_HTTP_HTTP_TRANSPORT_H_
