// SPDX-License-Identifier: Apache-2.0
#include "service/config/reload_requests.h"

namespace tokensvc {

using Fate = ReloadRequests::Answer::Fate;

void ReloadRequests::Ask(Done done) {
  Fate refusal = Fate::kRead;
  {
    MutexLock lock(&mutex_);
    if (closed_) {
      refusal = Fate::kClosed;
    } else if (waiting_.size() >= kMaxWaiting) {
      refusal = Fate::kTooManyWait;
    } else {
      waiting_.push_back(std::move(done));
    }
  }
  if (refusal == Fate::kRead) {
    wake_();
  } else {
    done({refusal, absl::OkStatus()});
  }
}

void ReloadRequests::Serve(const std::function<absl::Status(bool asked)>& poll) {
  std::vector<Done> asked;
  {
    MutexLock lock(&mutex_);
    asked.swap(waiting_);
  }
  const absl::Status status = poll(!asked.empty());
  for (const Done& done : asked) done({Fate::kRead, status});
}

void ReloadRequests::Close() {
  std::vector<Done> left;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    left.swap(waiting_);
  }
  for (const Done& done : left) done({Fate::kClosed, absl::OkStatus()});
}

}  // namespace tokensvc
