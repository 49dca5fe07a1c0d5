// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CLIENT_CORE_BLOCKING_WAIT_H_
#define TOKENSVC_CLIENT_CORE_BLOCKING_WAIT_H_

#include <algorithm>
#include <chrono>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace tokensvc::client {

/// Where a thread waits for the result of something asynchronous. Share it with the callback: a
/// waiter whose time is up leaves, and the result comes later. Thread-safe.
template <class T>
class BlockingWait {
 public:
  void Set(const absl::StatusOr<T>& result) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    result_ = result;
    is_set_.NotifyAll();
  }

  /// The result, or DEADLINE_EXCEEDED after `timeout`.
  absl::StatusOr<T> WaitFor(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_) {
    const auto deadline =
        std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(Bounded(timeout));
    MutexLock lock(&mutex_);
    while (!result_.has_value()) {
      const auto left = deadline - std::chrono::steady_clock::now();
      if (left <= left.zero()) {
        return absl::DeadlineExceededError("no answer within the caller's time limit");
      }
      is_set_.WaitFor(&mutex_, absl::FromChrono(left));
    }
    return *result_;
  }

 private:
  /// A steady clock's time plus an infinite duration overflows.
  static absl::Duration Bounded(absl::Duration timeout) {
    return std::min(timeout, absl::Hours(24));
  }

  Mutex mutex_;
  CondVar is_set_;
  std::optional<absl::StatusOr<T>> result_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc::client

#endif  // TOKENSVC_CLIENT_CORE_BLOCKING_WAIT_H_
