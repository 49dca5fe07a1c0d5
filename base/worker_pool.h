// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_WORKER_POOL_H_
#define TOKENSVC_BASE_WORKER_POOL_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "asio/associated_executor.hpp"
#include "asio/async_result.hpp"
#include "asio/awaitable.hpp"
#include "asio/post.hpp"
#include "asio/thread_pool.hpp"
#include "asio/use_awaitable.hpp"

namespace tokensvc {

/// A few threads for what a loop must not do itself: RSA signatures (0.4 ms each) and reading
/// files. The queue has a bound; beyond it work is refused with kResourceExhausted. Thread-safe.
/// Must end, or be joined, before the loops of its callers are destroyed: its threads post to them.
class WorkerPool {
 public:
  WorkerPool(std::size_t threads, std::size_t max_queued)
      : pool_(threads), max_queued_(max_queued) {}
  /// Waits for the work that is queued.
  ~WorkerPool() { Join(); }

  /// Waits for the work that is queued, and ends the threads: what comes later never runs. For
  /// owners that stop their loops, then call this, and then destroy both in any order. Idempotent;
  /// not to be called from the pool.
  void Join() { pool_.join(); }

  /// Runs `work` on a thread of the pool and resumes the calling coroutine, on its own executor,
  /// with what `work` returned. `work` returns `absl::StatusOr<T>` and outlives the wait by value.
  template <class Work, class Result = std::invoke_result_t<Work>>
  asio::awaitable<Result> Run(Work work) {
    if (queued_.fetch_add(1) >= max_queued_) {
      queued_.fetch_sub(1);
      co_return absl::ResourceExhaustedError("the worker queue is full");
    }
    auto start = [this, &work](auto handler) {
      asio::post(pool_, [this, work = std::move(work), handler = std::move(handler)]() mutable {
        Result result = work();
        queued_.fetch_sub(1);
        // Back to the coroutine's own executor: a loop's things are touched on that loop only.
        auto home = asio::get_associated_executor(handler);
        asio::post(home, [handler = std::move(handler), result = std::move(result)]() mutable {
          std::move(handler)(std::move(result));
        });
      });
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result)>(
        start, asio::use_awaitable);
  }

 private:
  asio::thread_pool pool_;
  const std::size_t max_queued_;
  std::atomic<std::size_t> queued_{0};
};

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_WORKER_POOL_H_
