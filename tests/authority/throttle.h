// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_THROTTLE_H_
#define TOKENSVC_TESTS_AUTHORITY_THROTTLE_H_

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/authority/http_message.h"

namespace tokensvc::devauth {

/// How many token requests one client of one tenant may make.
struct Throttle {
  int requests = 0;  ///< Within any `window`; 0: as many as it likes.
  absl::Duration window = absl::Minutes(1);
  absl::Duration retry_after = absl::Seconds(60);
};

/// Keeps to it. Thread-safe.
class ThrottleGate {
 public:
  explicit ThrottleGate(Throttle throttle) : throttle_(throttle) {}

  bool Admit(absl::string_view tenant, absl::string_view client_id, absl::Time now) {
    if (throttle_.requests == 0) return true;
    const std::lock_guard<std::mutex> lock(mutex_);
    std::deque<absl::Time>& recent = recent_[{std::string(tenant), std::string(client_id)}];
    while (!recent.empty() && recent.front() <= now - throttle_.window) recent.pop_front();
    if (recent.size() >= static_cast<std::size_t>(throttle_.requests)) return false;
    recent.push_back(now);
    return true;
  }

  /// As Entra answers a client that is beyond it: in plain text.
  HttpReply Refusal() const {
    HttpReply reply;
    reply.status = 429;
    reply.content_type = "text/plain";
    reply.headers["Retry-After"] = std::to_string(absl::ToInt64Seconds(throttle_.retry_after));
    reply.body = "Too many requests";
    return reply;
  }

 private:
  const Throttle throttle_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::deque<absl::Time>> recent_;
};

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_THROTTLE_H_
