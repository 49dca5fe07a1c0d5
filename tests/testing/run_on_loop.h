// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_TESTS_TESTING_RUN_ON_LOOP_H_
#define TOKENSVC_TESTS_TESTING_RUN_ON_LOOP_H_

#include <future>
#include <utility>

#include "asio/awaitable.hpp"
#include "asio/co_spawn.hpp"
#include "asio/io_context.hpp"
#include "asio/post.hpp"
#include "asio/use_future.hpp"

namespace tokensvc::testing {

/// Starts a coroutine on a loop that runs on another thread.
template <class T>
std::future<T> StartOnLoop(asio::io_context& context, asio::awaitable<T> work) {
  return asio::co_spawn(context, std::move(work), asio::use_future);
}

/// The same, and waits for what it returns.
template <class T>
T RunOnLoop(asio::io_context& context, asio::awaitable<T> work) {
  return StartOnLoop(context, std::move(work)).get();
}

/// Calls `work` on a loop that runs on another thread, and waits.
template <class Work>
void CallOnLoop(asio::io_context& context, Work work) {
  std::promise<void> done;
  asio::post(context, [&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace tokensvc::testing

#endif  // TOKENSVC_TESTS_TESTING_RUN_ON_LOOP_H_
