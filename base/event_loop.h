// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_BASE_EVENT_LOOP_H_
#define TOKENSVC_BASE_EVENT_LOOP_H_

#include <memory>
#include <thread>
#include <vector>

#include "asio/executor_work_guard.hpp"
#include "asio/io_context.hpp"

namespace tokensvc {

/// One thread that runs one `asio::io_context`. Everything of a loop runs on that thread only, so
/// what belongs to a loop needs no lock; other threads reach it by `asio::post(loop.context(), …)`
/// and in no other way (ADR 0004). Nothing that runs on a loop may block.
class EventLoop {
 public:
  EventLoop();
  /// Stops and joins.
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  asio::io_context& context() { return context_; }

  /// Stops the loop after the handler that runs now and joins its thread. What is still waiting is
  /// dropped when the loop is destroyed. Idempotent; not to be called from the loop itself.
  void Stop();

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_BASE_EVENT_LOOP_H_
