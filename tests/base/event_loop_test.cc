// SPDX-License-Identifier: Apache-2.0
#include "base/event_loop.h"

#include <atomic>
#include <future>
#include <memory>
#include <thread>

#include "asio/post.hpp"
#include "gtest/gtest.h"

namespace tokensvc {
namespace {

TEST(EventLoopTest, RunsEverythingOnOneThreadOfItsOwnInOrder) {
  EventLoop loop;
  std::vector<std::thread::id> threads;
  std::vector<int> order;
  std::promise<void> done;
  for (int i = 0; i < 100; ++i) {
    asio::post(loop.context(), [&, i] {
      threads.push_back(std::this_thread::get_id());
      order.push_back(i);
      if (i == 99) done.set_value();
    });
  }
  done.get_future().wait();
  EXPECT_NE(threads.front(), std::this_thread::get_id());
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(threads[i], threads.front());
    EXPECT_EQ(order[i], i);
  }
}

TEST(EventLoopTest, StopWaitsForTheHandlerThatRunsAndMayBeCalledAgain) {
  EventLoop loop;
  std::promise<void> entered;
  std::promise<void> go_on;
  bool finished = false;
  asio::post(loop.context(), [&] {
    entered.set_value();
    go_on.get_future().wait();
    finished = true;
  });
  entered.get_future().wait();
  std::thread stopper([&] { loop.Stop(); });
  go_on.set_value();
  stopper.join();
  EXPECT_TRUE(finished);
  loop.Stop();
  loop.Stop();
}

TEST(EventLoopTest, RunsNothingAfterStopAndDropsItAtTheEnd) {
  auto held = std::make_shared<int>(0);
  std::atomic<bool> ran{false};
  {
    EventLoop loop;
    loop.Stop();
    asio::post(loop.context(), [held, &ran] { ran = true; });
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(held.use_count(), 1) << "the dropped handler leaks what it holds";
}

}  // namespace
}  // namespace tokensvc
