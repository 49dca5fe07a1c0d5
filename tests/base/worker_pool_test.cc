// SPDX-License-Identifier: Apache-2.0
#include "base/worker_pool.h"

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "asio/co_spawn.hpp"
#include "asio/use_future.hpp"
#include "base/event_loop.h"
#include "gtest/gtest.h"

namespace tokensvc {
namespace {

/// What one call saw: the result, and the threads before, in and after the work.
struct Seen {
  absl::StatusOr<int> result = absl::UnknownError("not run");
  std::thread::id before, during, after;
};

class WorkerPoolTest : public testing::Test {
 protected:
  /// Runs work that waits for `gate` in `pool`, from a coroutine on `loop`.
  static std::future<Seen> Start(EventLoop& loop, WorkerPool& pool, std::shared_future<void> gate,
                                 int value) {
    return asio::co_spawn(loop.context(), One(pool, std::move(gate), value), asio::use_future);
  }

  static std::shared_future<void> Open() {
    std::promise<void> open;
    open.set_value();
    return open.get_future().share();
  }

 private:
  static asio::awaitable<Seen> One(WorkerPool& pool, std::shared_future<void> gate, int value) {
    Seen seen;
    seen.before = std::this_thread::get_id();
    auto work = [&seen, gate, value]() -> absl::StatusOr<int> {
      gate.wait();
      seen.during = std::this_thread::get_id();
      return value;
    };
    seen.result = co_await pool.Run(std::move(work));
    seen.after = std::this_thread::get_id();
    co_return seen;
  }
};

TEST_F(WorkerPoolTest, RunsElsewhereAndResumesOnTheHomeLoopsThread) {
  EventLoop loop;
  WorkerPool pool(2, 8);
  const Seen seen = Start(loop, pool, Open(), 42).get();
  ASSERT_TRUE(seen.result.ok()) << seen.result.status();
  EXPECT_EQ(*seen.result, 42);
  EXPECT_EQ(seen.before, seen.after);
  EXPECT_NE(seen.during, seen.before);
  EXPECT_NE(seen.during, std::this_thread::get_id());
}

TEST_F(WorkerPoolTest, ResumesEveryCallerOnItsOwnLoop) {
  EventLoop loops[3];
  WorkerPool pool(2, 64);
  std::vector<std::future<Seen>> calls;
  for (int i = 0; i < 30; ++i) calls.push_back(Start(loops[i % 3], pool, Open(), i));
  std::vector<Seen> seen;
  for (auto& call : calls) seen.push_back(call.get());
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(seen[i].result.ok());
    EXPECT_EQ(*seen[i].result, i);
    EXPECT_EQ(seen[i].before, seen[i].after);
    EXPECT_EQ(seen[i].after, seen[i % 3].after);
  }
  EXPECT_NE(seen[0].after, seen[1].after);
}

TEST_F(WorkerPoolTest, RunsSeveralAtOnce) {
  EventLoop loop;
  WorkerPool pool(2, 8);
  // Each waits for the other, so neither ends unless both run.
  std::promise<void> promises[2];
  const std::shared_future<void> arrived[2] = {promises[0].get_future().share(),
                                               promises[1].get_future().share()};
  std::vector<std::future<absl::StatusOr<int>>> calls;
  for (int i = 0; i < 2; ++i) {
    auto work = [&promises, &arrived, i]() -> absl::StatusOr<int> {
      promises[i].set_value();
      arrived[1 - i].wait();
      return i;
    };
    calls.push_back(asio::co_spawn(loop.context(), pool.Run(std::move(work)), asio::use_future));
  }
  EXPECT_EQ(*calls[0].get(), 0);
  EXPECT_EQ(*calls[1].get(), 1);
}

TEST_F(WorkerPoolTest, RefusesBeyondItsBoundAndTakesWorkAgainAfterwards) {
  EventLoop loop;
  WorkerPool pool(1, 2);
  std::promise<void> gate;
  const std::shared_future<void> opened = gate.get_future().share();
  auto first = Start(loop, pool, opened, 1);
  auto second = Start(loop, pool, opened, 2);
  const Seen third = Start(loop, pool, opened, 3).get();
  EXPECT_EQ(third.result.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(third.during, std::thread::id()) << "refused work runs";
  gate.set_value();
  EXPECT_EQ(*first.get().result, 1);
  EXPECT_EQ(*second.get().result, 2);
  EXPECT_EQ(*Start(loop, pool, Open(), 4).get().result, 4);
}

TEST_F(WorkerPoolTest, JoinWaitsForQueuedWorkSoThatLoopsMayBeDestroyedFirst) {
  WorkerPool pool(1, 8);
  std::future<absl::StatusOr<int>> call;
  {
    EventLoop loop;
    std::promise<void> entered;
    std::promise<void> gate;
    auto work = [&entered, &gate]() -> absl::StatusOr<int> {
      entered.set_value();
      gate.get_future().wait();
      return 1;
    };
    call = asio::co_spawn(loop.context(), pool.Run(std::move(work)), asio::use_future);
    entered.get_future().wait();
    loop.Stop();
    gate.set_value();
    pool.Join();
    pool.Join();
  }
  // Its loop had stopped when the work was over, so the coroutine was dropped with the loop.
  EXPECT_THROW(call.get(), std::future_error);
}

TEST_F(WorkerPoolTest, HandsBackErrorsAndThingsThatOnlyMove) {
  EventLoop loop;
  WorkerPool pool(1, 2);
  auto failing = []() -> absl::StatusOr<int> { return absl::DataLossError("the work's own"); };
  EXPECT_EQ(asio::co_spawn(loop.context(), pool.Run(failing), asio::use_future).get().status(),
            absl::DataLossError("the work's own"));
  auto moving = [held = std::make_unique<std::string>("moved")]() mutable
      -> absl::StatusOr<std::unique_ptr<std::string>> { return std::move(held); };
  auto moved = asio::co_spawn(loop.context(), pool.Run(std::move(moving)), asio::use_future).get();
  ASSERT_TRUE(moved.ok());
  EXPECT_EQ(**moved, "moved");
}

}  // namespace
}  // namespace tokensvc
