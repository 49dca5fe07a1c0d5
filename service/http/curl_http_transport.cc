// SPDX-License-Identifier: Apache-2.0
#include "service/http/curl_http_transport.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "asio/experimental/as_tuple.hpp"
#include "asio/steady_timer.hpp"
#include "asio/use_awaitable.hpp"
#include "service/http/curl_global.h"
#include "service/http/curl_multi_driver.h"
#include "service/http/curl_transfer.h"
#include "service/http/request_queue.h"

namespace tokensvc {
namespace {

// Nothing waits longer, whatever a caller asks for: keeps the sum with the present time in range.
constexpr absl::Duration kLongestTimeout = absl::Hours(1);

long ToLong(std::size_t value) {
  return static_cast<long>(std::min<std::size_t>(value, 1'000'000));
}

// A limit of 0 means "none" to libcurl.
CurlHttpTransport::Options Sane(CurlHttpTransport::Options options) {
  options.max_connections_per_host = std::max<std::size_t>(options.max_connections_per_host, 1);
  options.max_connections = std::max<std::size_t>(options.max_connections, 1);
  options.max_concurrent_streams = std::max<std::size_t>(options.max_concurrent_streams, 1);
  return options;
}

}  // namespace

class CurlHttpTransport::Impl {
 public:
  /// A request and the coroutine that waits for it. The coroutine's frame and Impl share it, so
  /// that either may end first.
  struct Exchange {
    Exchange(asio::io_context& context, std::unique_ptr<CurlTransfer> t)
        : transfer(std::move(t)), deadline(context) {}

    const std::unique_ptr<CurlTransfer> transfer;
    /// The request's deadline; cancelled to wake the coroutine before.
    asio::steady_timer deadline;
    RequestQueue::Id id = 0;
    bool ended = false;
    CURLcode code = CURLE_OK;  // if it ended well enough to have one
    absl::Status refused;      // otherwise
  };

  Impl(asio::io_context& context, Options options)
      : context_(context),
        options_(Sane(std::move(options))),
        settings_{options_.connect_timeout, options_.user_agent, options_.http2, options_.metrics},
        queue_({options_.max_connections_per_host, options_.max_connections,
                options_.max_concurrent_streams, options_.max_pending_requests}) {
    if (!InitializeCurl()) return;
    configured_ = MakeDriver();
    learnt_ = MakeDriver();
  }

  ~Impl() {
    for (const auto& [id, exchange] : exchanges_) {
      Driver(*exchange).Remove(exchange->transfer->easy());
      Count(-1);
      exchange->refused = absl::UnavailableError("the HTTP transport is shut down");
      Wake(*exchange);
    }
  }

  const CurlTransfer::Settings& settings() const { return settings_; }
  asio::io_context& context() const { return context_; }

  absl::Status Start(const std::shared_ptr<Exchange>& exchange) {
    if (configured_ == nullptr) return absl::UnavailableError("libcurl cannot be used");
    exchange->id = next_id_++;
    if (!queue_.Add(exchange->id, exchange->transfer->origin())) {
      return absl::ResourceExhaustedError(
          exchange->transfer->Explain("too many requests wait already"));
    }
    curl_easy_setopt(exchange->transfer->easy(), CURLOPT_PRIVATE, exchange.get());
    exchanges_[exchange->id] = exchange;
    Count(1);
    const absl::Duration timeout = std::min(exchange->transfer->request().timeout, kLongestTimeout);
    exchange->deadline.expires_after(absl::ToChronoNanoseconds(timeout));
    StartWaiting();
    return exchange->refused;
  }

  /// Gives up an exchange that did not end by itself.
  void Abandon(Exchange& exchange) {
    Driver(exchange).Remove(exchange.transfer->easy());
    Forget(exchange);
    StartWaiting();
  }

 private:
  std::shared_ptr<CurlMultiDriver> MakeDriver() {
    const CurlMultiDriver::Limits limits{ToLong(options_.max_connections_per_host),
                                         ToLong(options_.max_connections),
                                         ToLong(options_.max_concurrent_streams)};
    // Impl owns the drivers and outlives every call of them.
    return std::make_shared<CurlMultiDriver>(
        context_, limits, options_.metrics,
        [this](CURL* easy, CURLcode code) { OnDone(easy, code); });
  }

  CurlMultiDriver& Driver(const Exchange& exchange) const {
    return exchange.transfer->request().trust == AddressTrust::kLearnt ? *learnt_ : *configured_;
  }

  void OnDone(CURL* easy, CURLcode code) {
    char* pointer = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &pointer);
    auto& exchange = *static_cast<Exchange*>(static_cast<void*>(pointer));
    if (code == CURLE_OK) queue_.SetMultiplexed(exchange.id, exchange.transfer->Multiplexed());
    exchange.code = code;
    Wake(exchange);
    Forget(exchange);
    StartWaiting();
  }

  void StartWaiting() {
    while (const std::optional<RequestQueue::Id> id = queue_.Next()) {
      const std::shared_ptr<Exchange> exchange = exchanges_.at(*id);
      if (Driver(*exchange).Add(exchange->transfer->easy())) continue;
      exchange->refused = absl::UnavailableError(exchange->transfer->Explain("libcurl refuses it"));
      Wake(*exchange);
      Forget(*exchange);
    }
  }

  /// Lets the coroutine go on: later, from the loop, never inside this call.
  static void Wake(Exchange& exchange) {
    exchange.ended = true;
    exchange.deadline.cancel();
  }

  /// May destroy `exchange`.
  void Forget(Exchange& exchange) {
    const RequestQueue::Id id = exchange.id;
    queue_.Remove(id);
    if (exchanges_.erase(id) != 0) Count(-1);
  }

  void Count(double by) {
    if (options_.metrics != nullptr) options_.metrics->requests_in_flight.Add(by);
  }

  asio::io_context& context_;
  const Options options_;
  const CurlTransfer::Settings settings_;
  RequestQueue queue_;
  RequestQueue::Id next_id_ = 1;
  std::unordered_map<RequestQueue::Id, std::shared_ptr<Exchange>> exchanges_;
  std::shared_ptr<CurlMultiDriver> configured_;
  std::shared_ptr<CurlMultiDriver> learnt_;
};

CurlHttpTransport::CurlHttpTransport(asio::io_context& context, Options options)
    : impl_(std::make_shared<Impl>(context, std::move(options))) {}

CurlHttpTransport::~CurlHttpTransport() = default;

asio::awaitable<absl::StatusOr<HttpResponse>> CurlHttpTransport::Send(HttpRequest request) {
  if (request.timeout <= absl::ZeroDuration()) {
    co_return absl::DeadlineExceededError("no time is left for the request");
  }
  auto transfer = CurlTransfer::Create(std::move(request), impl_->settings());
  if (!transfer.ok()) co_return transfer.status();
  const auto exchange =
      std::make_shared<Impl::Exchange>(impl_->context(), std::move(transfer).value());
  const absl::Status started = impl_->Start(exchange);
  if (!started.ok()) co_return started;

  // From here on the transport may end before this coroutine goes on.
  const std::weak_ptr<Impl> impl = impl_;
  constexpr auto kToken = asio::experimental::as_tuple(asio::use_awaitable);
  const auto [error] = co_await exchange->deadline.async_wait(kToken);
  if (!exchange->ended) {
    if (const std::shared_ptr<Impl> alive = impl.lock()) alive->Abandon(*exchange);
    if (error)
      co_return absl::CancelledError(exchange->transfer->Explain("the request was cancelled"));
    co_return absl::DeadlineExceededError(
        exchange->transfer->Explain("the time for the request ran out"));
  }
  if (!exchange->refused.ok()) co_return exchange->refused;
  co_return exchange->transfer->Finish(exchange->code);
}

}  // namespace tokensvc
