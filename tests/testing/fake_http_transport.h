// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_TESTING_FAKE_HTTP_TRANSPORT_H_
#define TOKENSVC_TESTS_TESTING_FAKE_HTTP_TRANSPORT_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "asio/awaitable.hpp"
#include "asio/experimental/as_tuple.hpp"
#include "asio/steady_timer.hpp"
#include "asio/this_coro.hpp"
#include "asio/use_awaitable.hpp"
#include "service/http/http_transport.h"

namespace tokensvc::testing {

/// Makes an answer.
inline HttpResponse MakeResponse(int status, absl::string_view body,
                                 std::vector<std::pair<std::string, std::string>> headers = {}) {
  HttpResponse response;
  response.status = status;
  response.headers = std::move(headers);
  response.body = Secret::CopyOf(body);
  return response;
}

/// An authority by script: answers from a queue, or from a handler once the queue is empty, else
/// kUnavailable. Keeps every request. With `Hold()`, requests wait until `Release()`. Belongs to
/// one event loop, as every transport; must outlive the coroutines that wait in it.
class FakeHttpTransport final : public HttpTransport {
 public:
  using Answer = absl::StatusOr<HttpResponse>;
  using Handler = std::function<Answer(const HttpRequest&)>;

  asio::awaitable<Answer> Send(HttpRequest request) override {
    requests_.push_back(std::move(request));
    // By index: more requests may arrive, and move the vector, while this one is held.
    const std::size_t index = requests_.size() - 1;
    while (held_) {
      const auto executor = co_await asio::this_coro::executor;
      const auto timer =
          std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
      waiting_.push_back(timer);
      auto woken = timer->async_wait(asio::experimental::as_tuple(asio::use_awaitable));
      co_await std::move(woken);
    }
    if (!answers_.empty()) {
      Answer answer = std::move(answers_.front());
      answers_.pop_front();
      co_return answer;
    }
    if (handler_) co_return handler_(requests_[index]);
    co_return absl::UnavailableError("the script of the fake transport has ended");
  }

  /// The next answer of the queue.
  void Push(Answer answer) { answers_.push_back(std::move(answer)); }
  void Push(int status, absl::string_view body,
            std::vector<std::pair<std::string, std::string>> headers = {}) {
    Push(Answer(MakeResponse(status, body, std::move(headers))));
  }

  /// Answers all requests for which nothing is queued.
  void SetHandler(Handler handler) { handler_ = std::move(handler); }

  /// From now on requests wait.
  void Hold() { held_ = true; }
  /// Lets those that wait, and all later ones, go on.
  void Release() {
    held_ = false;
    for (const auto& timer : std::exchange(waiting_, {})) timer->cancel();
  }

  const std::vector<HttpRequest>& requests() const { return requests_; }

 private:
  std::vector<HttpRequest> requests_;
  std::deque<Answer> answers_;
  Handler handler_;
  bool held_ = false;
  std::vector<std::shared_ptr<asio::steady_timer>> waiting_;
};

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_TESTING_FAKE_HTTP_TRANSPORT_H_
