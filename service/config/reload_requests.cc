// SPDX-License-Identifier: Apache-2.0
#include "service/config/reload_requests.h"

namespace tokensvc {
namespace {

absl::Status NobodyReads() { return absl::UnavailableError("the service is shutting down"); }

}  // namespace

void ReloadRequests::Ask(Done done) {
  absl::Status refusal;
  {
    MutexLock lock(&mutex_);
    if (closed_) {
      refusal = NobodyReads();
    } else if (waiting_.size() >= kMaxWaiting) {
      refusal = absl::ResourceExhaustedError("too many reloads are waited for");
    } else {
      waiting_.push_back(std::move(done));
    }
  }
  if (refusal.ok()) {
    wake_();
  } else {
    done(refusal);
  }
}

void ReloadRequests::Serve(const std::function<absl::Status(bool asked)>& poll) {
  std::vector<Done> asked;
  {
    MutexLock lock(&mutex_);
    asked.swap(waiting_);
  }
  const absl::Status status = poll(!asked.empty());
  for (const Done& done : asked) done(status);
}

void ReloadRequests::Close() {
  std::vector<Done> left;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    left.swap(waiting_);
  }
  for (const Done& done : left) done(NobodyReads());
}

}  // namespace tokensvc
