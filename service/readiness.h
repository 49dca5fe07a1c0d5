// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_READINESS_H_
#define TOKENSVC_SERVICE_READINESS_H_

#include <memory>
#include <optional>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "service/rpc/listener.h"

namespace tokensvc {

/// Tells all listeners' health services whether this replica may be sent calls: once it has
/// started, while what it shares with the fleet is in order, and until it drains. Thread-safe.
class Readiness {
 public:
  /// `listeners` may be destroyed once `End` has returned.
  Readiness(const std::vector<std::unique_ptr<Listener>>& listeners, Logger& logger)
      : listeners_(listeners), logger_(logger) {}

  /// All listeners are there.
  void Started() {
    MutexLock lock(&mutex_);
    started_ = true;
    Publish();
  }

  /// `cause` is for the log, which gets a line when this changes.
  void SetInOrder(bool in_order, absl::string_view cause) {
    MutexLock lock(&mutex_);
    if (in_order == in_order_) return;
    in_order_ = in_order;
    if (in_order) {
      logger_.Info("ready_again");
    } else {
      logger_.Error("not_ready", {{"cause", cause}});
    }
    Publish();
  }

  /// Whether tokens are shared with the fleet. Tells those who ask for `shared-cache`, and has
  /// nothing to do with being ready. Without a call, nobody is told anything.
  void SetSharedCache(bool serving) {
    MutexLock lock(&mutex_);
    if (shared_cache_ == serving) return;
    shared_cache_ = serving;
    Publish();
  }

  /// Not ready for good.
  void End() {
    MutexLock lock(&mutex_);
    if (started_) {
      in_order_ = false;
      Publish();
    }
    started_ = false;
  }

 private:
  void Publish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!started_) return;
    for (const auto& listener : listeners_) {
      listener->SetReady(in_order_);
      if (shared_cache_.has_value()) listener->SetSharedCache(*shared_cache_);
    }
  }

  const std::vector<std::unique_ptr<Listener>>& listeners_;
  Logger& logger_;
  Mutex mutex_;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool in_order_ ABSL_GUARDED_BY(mutex_) = true;
  std::optional<bool> shared_cache_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_READINESS_H_
