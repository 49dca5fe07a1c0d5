// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_SERVICE_HTTP_TRANSPORT_HARNESS_H_
#define TOKENSVC_TESTS_SERVICE_HTTP_TRANSPORT_HARNESS_H_

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "asio/co_spawn.hpp"
#include "asio/post.hpp"
#include "base/event_loop.h"
#include "service/http/curl_http_transport.h"

namespace tokensvc {

/// A transport on a loop of its own, used from the test's thread.
class TransportHarness {
 public:
  using Result = absl::StatusOr<HttpResponse>;

  explicit TransportHarness(CurlHttpTransport::Options options = {}) {
    OnLoop([&] { transport = std::make_unique<CurlHttpTransport>(loop.context(), options); });
  }
  ~TransportHarness() {
    loop.Stop();
    transport.reset();
  }

  template <class Work>
  void OnLoop(Work work) {
    std::promise<void> done;
    asio::post(loop.context(), [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  /// Starts a request. The future has no value (broken promise) if the coroutine is destroyed.
  std::future<Result> Start(HttpRequest request) {
    auto promise = std::make_shared<std::promise<Result>>();
    std::future<Result> future = promise->get_future();
    auto done = [promise](std::exception_ptr thrown, Result result) {
      if (thrown != nullptr) {
        promise->set_exception(thrown);
      } else {
        promise->set_value(std::move(result));
      }
    };
    promise.reset();
    asio::co_spawn(loop.context(), transport->Send(std::move(request)), std::move(done));
    return future;
  }

  Result Send(HttpRequest request) { return Start(std::move(request)).get(); }

  EventLoop loop;
  std::unique_ptr<CurlHttpTransport> transport;
};

inline HttpRequest Get(std::string url, AddressTrust trust = AddressTrust::kConfigured) {
  HttpRequest request;
  request.url = std::move(url);
  request.trust = trust;
  request.timeout = absl::Seconds(60);  // far beyond any test: nothing here passes by running out
  return request;
}

}  // namespace tokensvc

#endif  // TOKENSVC_TESTS_SERVICE_HTTP_TRANSPORT_HARNESS_H_
