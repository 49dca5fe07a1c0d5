// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_DRAIN_GATE_H_
#define TOKENSVC_SERVICE_RPC_DRAIN_GATE_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <vector>

#include "base/mutex.h"

namespace tokensvc {

/// Knows how many calls are under way in all listeners, and stands before new ones once the service
/// drains. Those are not refused at once but when the listeners have said goodbye: whoever waits
/// for an answer sends no further call, and finds another replica when it has one. (A call that
/// meets a goodbye on its way ends as a bare CANCELLED in this gRPC.) Thread-safe.
class DrainGate {
 public:
  /// Calls that may wait to be refused; who comes after them is refused at once.
  static constexpr std::size_t kMaxHeld = 10'000;

  /// A call comes in; and it has ended, its answer written.
  void Enter() { calls_.fetch_add(1, std::memory_order_relaxed); }
  void Leave() { calls_.fetch_sub(1, std::memory_order_release); }
  /// Whether no call is under way.
  bool Idle() const { return calls_.load(std::memory_order_acquire) == 0; }

  /// No new calls from here on: they are to go to `Refuse`.
  void Close() { closed_.store(true, std::memory_order_release); }
  bool closed() const { return closed_.load(std::memory_order_acquire); }

  /// Runs `refusal` at the next `Dismiss`, or now if that has been.
  void Refuse(std::function<void()> refusal) ABSL_LOCKS_EXCLUDED(mutex_);

  /// The listeners have said goodbye: whoever waits is refused, and everybody later at once.
  void Dismiss() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  std::atomic<std::size_t> calls_{0};
  std::atomic<bool> closed_{false};
  Mutex mutex_;
  bool dismissed_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::function<void()>> held_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_DRAIN_GATE_H_
