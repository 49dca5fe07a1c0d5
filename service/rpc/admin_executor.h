// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_SERVICE_RPC_ADMIN_EXECUTOR_H_
#define TOKENSVC_SERVICE_RPC_ADMIN_EXECUTOR_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "asio/post.hpp"
#include "asio/steady_timer.hpp"
#include "asio/thread_pool.hpp"
#include "base/clock.h"

namespace tokensvc {

/// One thread for what administration takes long over, one thing after the other, so that neither
/// gRPC's threads nor the loops wait for it; and for its deadlines. Thread-safe.
class AdminExecutor {
 public:
  /// What may wait; it is a person's work, and a few scripts'.
  static constexpr std::size_t kMaxQueued = 64;

  AdminExecutor() : pool_(1) {}
  /// Drops what waits: the calls behind it must have ended.
  ~AdminExecutor() {
    pool_.stop();
    pool_.join();
  }

  /// Whether there is room; if there is, `work` runs soon.
  bool Run(std::function<void()> work) {
    if (queued_.fetch_add(1) >= kMaxQueued) {
      queued_.fetch_sub(1);
      return false;
    }
    asio::post(pool_, [this, work = std::move(work)] {
      queued_.fetch_sub(1);
      work();
    });
    return true;
  }

  /// Runs `work` after `wait`.
  void RunAfter(BootClock::duration wait, std::function<void()> work) {
    auto timer = std::make_shared<asio::steady_timer>(pool_, wait);
    timer->async_wait([timer, work = std::move(work)](const asio::error_code& cancelled) {
      if (!cancelled) work();
    });
  }

 private:
  asio::thread_pool pool_;
  std::atomic<std::size_t> queued_{0};
};

}  // namespace tokensvc

#endif  // TOKENSVC_SERVICE_RPC_ADMIN_EXECUTOR_H_
