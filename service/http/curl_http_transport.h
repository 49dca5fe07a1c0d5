// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_HTTP_CURL_HTTP_TRANSPORT_H_
#define TOKENSVC_SERVICE_HTTP_CURL_HTTP_TRANSPORT_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "asio/awaitable.hpp"
#include "asio/io_context.hpp"
#include "service/http/http_metrics.h"
#include "service/http/http_transport.h"

namespace tokensvc {

/// HttpTransport by libcurl on one event loop (DESIGN.md §4, §6).
///
/// HTTP/1.1 (and HTTP/2 by option); TLS 1.2 and later; no redirects, proxies, cookies, netrc or
/// compression. Requests to configured and to learnt hosts never share a connection: each trust has
/// a curl multi handle, and so a connection cache, of its own, because the check of an address
/// happens when its socket opens. Nor do requests with different client certificates.
///
/// A request is sent a second time only when a reused connection turns out to be dead before the
/// first byte of an answer, at most once, and not at all if it says `send_once`.
///
/// Construct, use and destroy it on the loop, or while the loop does not run; the context outlives
/// it. Requests in flight at its end: their coroutines resume with kUnavailable if the loop runs
/// (on), and are destroyed with the context otherwise.
class CurlHttpTransport final : public HttpTransport {
 public:
  struct Options {
    /// In use at once. Idle connections stay open within the same bounds, per trust.
    std::size_t max_connections_per_host = 8;
    std::size_t max_connections = 64;
    /// Offer HTTP/2 (over TLS). Off, because libcurl 7.88 fails requests that the server would have
    /// served: those that meet a connection's end (GOAWAY), and POSTs that are answered before
    /// their body is read (8 of 20,000 to nginx). An authority is asked too seldom for multiplexing
    /// to matter.
    bool http2 = false;
    /// Requests at once to a host that answers over HTTP/2.
    std::size_t max_concurrent_streams = 100;
    /// Requests in flight, waiting for a connection or running; one more is refused. The time that
    /// a request waits counts towards its timeout.
    std::size_t max_pending_requests = 10'000;
    /// For name look-up, connecting and TLS handshake; the request's timeout, if that is less.
    absl::Duration connect_timeout = absl::Seconds(5);
    std::string user_agent = "tokensvc";
    /// May be null; outlives the transport.
    HttpMetrics* metrics = nullptr;
  };

  CurlHttpTransport(asio::io_context& context, Options options);
  ~CurlHttpTransport() override;

  /// See HttpTransport. If the coroutine is cancelled (Asio's per-operation cancellation), the
  /// request is given up and the result is kCancelled.
  asio::awaitable<absl::StatusOr<HttpResponse>> Send(HttpRequest request) override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_HTTP_CURL_HTTP_TRANSPORT_H_
