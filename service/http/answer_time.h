// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_HTTP_ANSWER_TIME_H_
#define TOKENSVC_SERVICE_HTTP_ANSWER_TIME_H_

#include <algorithm>

#include "absl/time/time.h"

namespace tokensvc {

/// How long a host takes to answer lately, and so whether a request that waited has enough time
/// left to be worth sending. Without this a server that is too slow for its callers works for
/// requests that end before their answer, and answers nobody in time.
class AnswerTime {
 public:
  /// Notes how long a request took until its answer, or until it gave up without one.
  void Note(absl::Duration took) {
    // A moving average; an eighth follows a change within a few answers (as RFC 6298 has it).
    usual_ = usual_ == absl::ZeroDuration() ? took : usual_ + (took - usual_) / 8;
  }

  /// The least time that a request with this `timeout` needs to have left to be sent: twice what
  /// answers usually take, because half of them take longer than the average. Never more than half
  /// of `timeout`: one that did not wait long is sent in any case, so that a host that recovers is
  /// noticed.
  absl::Duration LeastLeft(absl::Duration timeout) const {
    return std::min(2 * usual_, timeout / 2);
  }

 private:
  absl::Duration usual_ = absl::ZeroDuration();
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_HTTP_ANSWER_TIME_H_
