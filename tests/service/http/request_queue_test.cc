// SPDX-License-Identifier: Apache-2.0
#include "service/http/request_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Id = RequestQueue::Id;

std::vector<Id> StartAll(RequestQueue& queue) {
  std::vector<Id> started;
  while (const std::optional<Id> id = queue.Next()) started.push_back(*id);
  return started;
}

TEST(RequestQueue, StartsAsManyAsAHostMayHaveConnections) {
  RequestQueue queue({.connections_per_host = 2, .connections = 9, .streams = 9, .requests = 9});
  for (Id id : {1, 2, 3, 4}) ASSERT_TRUE(queue.Add(id, "a", ""));
  EXPECT_THAT(StartAll(queue), ElementsAre(1, 2));
  queue.Remove(1);
  EXPECT_THAT(StartAll(queue), ElementsAre(3));
}

TEST(RequestQueue, AFullHostDoesNotHoldUpAnother) {
  RequestQueue queue({.connections_per_host = 1, .connections = 9, .streams = 9, .requests = 9});
  for (Id id : {1, 2, 3}) ASSERT_TRUE(queue.Add(id, "hanging", ""));
  for (Id id : {4, 5}) ASSERT_TRUE(queue.Add(id, "quick", ""));
  EXPECT_THAT(StartAll(queue), ElementsAre(1, 4));
  queue.Remove(4);
  EXPECT_THAT(StartAll(queue), ElementsAre(5));
}

TEST(RequestQueue, HostsTakeTurnsForTheLastConnection) {
  RequestQueue queue({.connections_per_host = 2, .connections = 2, .streams = 9, .requests = 9});
  for (Id id : {1, 2, 3, 4}) ASSERT_TRUE(queue.Add(id, "busy", ""));
  ASSERT_TRUE(queue.Add(5, "other", ""));
  EXPECT_THAT(StartAll(queue), ElementsAre(1, 5));
  queue.Remove(5);
  EXPECT_THAT(StartAll(queue), ElementsAre(2));
  ASSERT_TRUE(queue.Add(6, "other", ""));
  queue.Remove(1);
  EXPECT_THAT(StartAll(queue), ElementsAre(3));
  queue.Remove(2);
  EXPECT_THAT(StartAll(queue), ElementsAre(6));
}

TEST(RequestQueue, KeysTakeTurnsWithinTheirHost) {
  RequestQueue queue({.connections_per_host = 1, .connections = 9, .streams = 9, .requests = 9});
  for (Id id : {1, 2, 3}) ASSERT_TRUE(queue.Add(id, "a", "many"));
  ASSERT_TRUE(queue.Add(4, "a", "one"));
  ASSERT_TRUE(queue.Add(5, "b", "many"));
  EXPECT_THAT(StartAll(queue), ElementsAre(1, 5));
  queue.Remove(2);
  queue.Remove(1);
  EXPECT_THAT(StartAll(queue), ElementsAre(4));
  queue.Remove(4);
  EXPECT_THAT(StartAll(queue), ElementsAre(3));
}

TEST(RequestQueue, RequestsToAHostShareWhatIsKnownOfItsSpeed) {
  RequestQueue queue({.connections_per_host = 9, .connections = 9, .streams = 9, .requests = 9});
  for (Id id : {1, 2}) ASSERT_TRUE(queue.Add(id, "a", std::to_string(id)));
  ASSERT_TRUE(queue.Add(3, "b", ""));
  queue.AnswerTimeFor(1).Note(absl::Seconds(1));
  EXPECT_EQ(queue.AnswerTimeFor(2).LeastLeft(absl::Minutes(1)), absl::Seconds(2));
  EXPECT_EQ(queue.AnswerTimeFor(3).LeastLeft(absl::Minutes(1)), absl::ZeroDuration());
}

TEST(RequestQueue, AMultiplexedHostMayHaveMoreRequestsThanConnections) {
  RequestQueue queue({.connections_per_host = 1, .connections = 1, .streams = 3, .requests = 9});
  for (Id id : {1, 2, 3, 4, 5}) ASSERT_TRUE(queue.Add(id, "a", ""));
  EXPECT_THAT(StartAll(queue), ElementsAre(1));
  queue.SetMultiplexed(1, true);
  EXPECT_THAT(StartAll(queue), ElementsAre(2, 3));
}

TEST(RequestQueue, RefusesMoreThanItsBoundAndTakesNewOnesAfterwards) {
  RequestQueue queue({.connections_per_host = 1, .connections = 1, .streams = 1, .requests = 2});
  EXPECT_TRUE(queue.Add(1, "a", ""));
  EXPECT_TRUE(queue.Add(2, "b", ""));
  EXPECT_FALSE(queue.Add(3, "c", ""));
  queue.Remove(2);
  EXPECT_TRUE(queue.Add(4, "c", ""));
}

TEST(RequestQueue, ForgetsWaitingRequests) {
  RequestQueue queue({.connections_per_host = 1, .connections = 9, .streams = 9, .requests = 9});
  for (Id id : {1, 2, 3}) ASSERT_TRUE(queue.Add(id, "a", ""));
  EXPECT_THAT(StartAll(queue), ElementsAre(1));
  queue.Remove(2);
  queue.Remove(2);
  queue.Remove(77);
  queue.Remove(1);
  EXPECT_THAT(StartAll(queue), ElementsAre(3));
  queue.Remove(3);
  EXPECT_THAT(StartAll(queue), IsEmpty());
}

TEST(RequestQueue, KeepsItsLimitsAndLosesNobodyWhateverHappens) {
  constexpr std::size_t kPerHost = 3, kTotal = 7, kStreams = 5;
  RequestQueue queue({kPerHost, kTotal, kStreams, 1000});
  std::mt19937 random(20230220);
  std::map<Id, int> host_of;
  std::set<Id> waiting, running;
  Id next = 1;
  auto remove_one = [&](std::set<Id>& from) {
    if (from.empty()) return;
    auto victim = std::next(from.begin(), static_cast<long>(random() % from.size()));
    queue.Remove(*victim);
    from.erase(victim);
  };
  auto start_all = [&] {
    for (Id id : StartAll(queue)) {
      ASSERT_EQ(waiting.erase(id), 1u);
      running.insert(id);
    }
    std::map<int, std::size_t> per_host;
    for (Id id : running) ++per_host[host_of[id]];
    std::size_t connections = 0;
    for (const auto& [host, count] : per_host) {
      ASSERT_LE(count, host == 0 ? kStreams : kPerHost);
      connections += std::min(count, kPerHost);
    }
    ASSERT_LE(connections, kTotal);
    ASSERT_TRUE(waiting.empty() || !running.empty());
  };
  for (int step = 0; step < 20'000; ++step) {
    const unsigned what = random() % 4;
    if (what < 2 && waiting.size() < 100) {
      const Id id = next++;
      host_of[id] = static_cast<int>(random() % 6);
      ASSERT_TRUE(queue.Add(id, std::to_string(host_of[id]), std::to_string(random() % 3)));
      waiting.insert(id);
    } else {
      remove_one(what == 2 ? waiting : running);
    }
    for (Id id : running) {
      if (host_of[id] == 0) queue.SetMultiplexed(id, true);
    }
    start_all();
  }
  while (!running.empty()) {
    remove_one(running);
    start_all();
  }
  EXPECT_TRUE(waiting.empty());
}

}  // namespace
}  // namespace tokensvc
