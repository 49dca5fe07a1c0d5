// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_AUTHORITY_WAITER_H_
#define TOKENSVC_TESTS_AUTHORITY_WAITER_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "absl/time/time.h"

namespace tokensvc::devauth {

/// Where slow and hanging answers wait, so that they can be released at once. Thread-safe.
class Waiter {
 public:
  /// Waits for `duration`, until Release() or Stop(), or until `gone` (asked every 50 ms) is true.
  void Wait(absl::Duration duration, const std::function<bool()>& gone) {
    const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(duration);
    std::unique_lock<std::mutex> lock(mutex_);
    const uint64_t generation = generation_;
    while (!stopped_ && generation == generation_ && std::chrono::steady_clock::now() < deadline) {
      lock.unlock();
      const bool left = gone();
      lock.lock();
      if (left || stopped_ || generation != generation_) return;
      const auto slice = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
      changed_.wait_until(lock, std::min(deadline, slice));
    }
  }

  /// Lets go of everybody who waits now.
  void Release() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++generation_;
    changed_.notify_all();
  }

  /// Lets go of everybody, for good.
  void Stop() {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t generation_ = 0;
  bool stopped_ = false;
};

}  // namespace tokensvc::devauth

#endif  // TOKENSVC_TESTS_AUTHORITY_WAITER_H_
