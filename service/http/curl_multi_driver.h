// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_HTTP_CURL_MULTI_DRIVER_H_
#define TOKENSVC_SERVICE_HTTP_CURL_MULTI_DRIVER_H_

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "asio/io_context.hpp"
#include "asio/posix/stream_descriptor.hpp"
#include "asio/steady_timer.hpp"
#include "service/http/http_metrics.h"

namespace tokensvc {

/// Drives one curl multi handle, with its own cache of connections, by one `asio::io_context`.
///
/// libcurl says which sockets and which time-out it waits for, by callbacks; this class waits for
/// them with Asio and tells libcurl. No curl function is called from inside a curl callback, and no
/// code of others runs inside one. Belongs to the loop: construct, call and destroy it there, or
/// while the loop does not run. The context outlives it. Make it with std::make_shared: what Asio
/// still holds after the end knows the driver by a weak pointer.
class CurlMultiDriver : public std::enable_shared_from_this<CurlMultiDriver> {
 public:
  struct Limits {
    long connections_per_host;
    long connections;
    long streams;
  };
  /// Called for a transfer that ended by itself, which no longer belongs to the driver. May call
  /// Add and Remove; must not destroy the driver.
  using OnDone = std::function<void(CURL* easy, CURLcode code)>;

  /// `metrics` may be null.
  CurlMultiDriver(asio::io_context& context, const Limits& limits, HttpMetrics* metrics,
                  OnDone done);
  /// Gives up the transfers that run, without calling OnDone, and closes all connections.
  ~CurlMultiDriver();
  CurlMultiDriver(const CurlMultiDriver&) = delete;
  CurlMultiDriver& operator=(const CurlMultiDriver&) = delete;

  /// Starts a transfer. Sets the handle's option for closing sockets. `easy` stays valid until
  /// OnDone, Remove or the driver's end. False if libcurl refuses it.
  bool Add(CURL* easy);

  /// Gives a transfer up: OnDone will not be called for it. Does nothing if it is not running.
  void Remove(CURL* easy);

 private:
  /// A socket that libcurl waits for. Asio watches the descriptor but never owns it.
  struct Watch;

  static int OnSocket(CURL* easy, curl_socket_t socket, int what, void* driver, void* watch);
  static int OnTimer(CURLM* multi, long timeout_ms, void* driver);
  static int OnCloseSocket(void* driver, curl_socket_t socket);

  void Arm(const std::shared_ptr<Watch>& watch);
  void Wait(const std::shared_ptr<Watch>& watch, bool for_write);
  void Act(curl_socket_t socket, int events);
  void Forget(curl_socket_t socket);

  asio::io_context& context_;
  HttpMetrics* const metrics_;
  const OnDone done_;
  asio::steady_timer timer_;
  std::unordered_map<curl_socket_t, std::shared_ptr<Watch>> watches_;
  std::unordered_set<CURL*> running_;
  CURLM* multi_ = nullptr;
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_HTTP_CURL_MULTI_DRIVER_H_
