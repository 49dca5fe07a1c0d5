// SPDX-License-Identifier: Apache-2.0
#include "service/http/curl_http_transport.h"

#include <algorithm>
#include <chrono>
#include <optional>
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

using SteadyTime = asio::steady_timer::time_point;

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
    absl::Duration timeout;             // from its arrival until `deadline`
    std::optional<SteadyTime> started;  // where it does not wait any more
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
    const HttpRequest& request = exchange->transfer->request();
    if (!queue_.Add(exchange->id, exchange->transfer->origin(), request.queue_key)) {
      return absl::ResourceExhaustedError(
          exchange->transfer->Explain("too many requests wait already"));
    }
    curl_easy_setopt(exchange->transfer->easy(), CURLOPT_PRIVATE, exchange.get());
    exchanges_[exchange->id] = exchange;
    Count(1);
    exchange->timeout = std::min(request.timeout, kLongestTimeout);
    exchange->deadline.expires_after(absl::ToChronoNanoseconds(exchange->timeout));
    StartWaiting();
    return exchange->refused;
  }

  /// Gives up an exchange that did not end by itself, but at its deadline or because nobody waits.
  void Abandon(Exchange& exchange, bool at_deadline) {
    if (at_deadline) NoteTime(exchange);
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
    if (code == CURLE_OK) {
      queue_.SetMultiplexed(exchange.id, exchange.transfer->Multiplexed());
      NoteTime(exchange);
    }
    exchange.code = code;
    Wake(exchange);
    Forget(exchange);
    StartWaiting();
  }

  void StartWaiting() {
    while (const std::optional<RequestQueue::Id> id = queue_.Next()) {
      const std::shared_ptr<Exchange> exchange = exchanges_.at(*id);
      const SteadyTime now = SteadyTime::clock::now();
      const absl::Duration left = absl::FromChrono(exchange->deadline.expiry() - now);
      // When a burst comes to its deadline, each request that ends makes room for one that ends
      // next. Sent, it would cost the server a connection and work that nobody waits for, beside
      // the work for the one that just hung up.
      if (left <= queue_.AnswerTimeFor(*id).LeastLeft(exchange->timeout)) {
        exchange->refused = absl::DeadlineExceededError(exchange->transfer->Explain(
            "too little time was left for the request after its wait for a connection"));
      } else if (Driver(*exchange).Add(exchange->transfer->easy())) {
        exchange->started = now;
        continue;
      } else {
        exchange->refused =
            absl::UnavailableError(exchange->transfer->Explain("libcurl refuses it"));
      }
      Wake(*exchange);
      Forget(*exchange);
    }
  }

  /// Learns from a request that ran how long its host takes.
  void NoteTime(const Exchange& exchange) {
    if (!exchange.started.has_value()) return;
    queue_.AnswerTimeFor(exchange.id)
        .Note(absl::FromChrono(SteadyTime::clock::now() - *exchange.started));
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
    if (const std::shared_ptr<Impl> alive = impl.lock()) alive->Abandon(*exchange, !error);
    if (error)
      co_return absl::CancelledError(exchange->transfer->Explain("the request was cancelled"));
    co_return absl::DeadlineExceededError(
        exchange->transfer->Explain("the time for the request ran out"));
  }
  if (!exchange->refused.ok()) co_return exchange->refused;
  co_return exchange->transfer->Finish(exchange->code);
}

}  // namespace tokensvc
