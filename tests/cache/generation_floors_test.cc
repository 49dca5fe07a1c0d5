// SPDX-License-Identifier: Apache-2.0
#include "cache/generation_floors.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

TEST(GenerationFloorsTest, RefusesOnlyWhatIsOlderThanTheNewestSeen) {
  GenerationFloors floors;
  EXPECT_EQ(floors.Floor("a"), 0u);
  EXPECT_TRUE(floors.Raise("a", 5));
  EXPECT_TRUE(floors.Raise("a", 5));
  EXPECT_FALSE(floors.Raise("a", 4));
  EXPECT_TRUE(floors.Raise("a", 6));
  EXPECT_FALSE(floors.Raise("a", 5));
  EXPECT_EQ(floors.Floor("a"), 6u);
}

TEST(GenerationFloorsTest, KeepsKeysApart) {
  GenerationFloors floors;
  EXPECT_TRUE(floors.Raise("a", 5));
  EXPECT_TRUE(floors.Raise("b", 1));
  EXPECT_EQ(floors.Floor("b"), 1u);
}

TEST(GenerationFloorsTest, WhenFullForgetsTheSmallestGenerationFirst) {
  GenerationFloors floors(8);  // One set of eight.
  for (std::uint64_t generation = 1; generation <= 9; ++generation) {
    EXPECT_TRUE(floors.Raise("key " + std::to_string(generation), generation));
  }
  EXPECT_EQ(floors.Floor("key 1"), 0u);
  for (std::uint64_t generation = 2; generation <= 9; ++generation) {
    EXPECT_EQ(floors.Floor("key " + std::to_string(generation)), generation);
  }
}

TEST(GenerationFloorsTest, NeverGoBackWhileManyThreadsRaiseThem) {
  constexpr std::uint64_t kThreads = 4, kRounds = 2000;
  const std::vector<std::string> keys = {"a", "b", "c"};
  GenerationFloors floors;
  std::atomic<int> went_back{0}, below_own{0};
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      std::vector<std::uint64_t> last(keys.size(), 0);
      for (std::uint64_t round = 0; round < kRounds; ++round) {
        const std::size_t which = round % keys.size();
        const std::uint64_t mine = 1 + round * kThreads + thread;
        const bool raised = floors.Raise(keys[which], mine);
        const std::uint64_t floor = floors.Floor(keys[which]);
        // Refused because of a greater one, or there now.
        if (floor < mine || (!raised && floor == mine)) ++below_own;
        if (floor < last[which]) ++went_back;
        last[which] = floor;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(went_back, 0);
  EXPECT_EQ(below_own, 0);
  for (std::size_t which = 0; which < keys.size(); ++which) {
    std::uint64_t greatest = 0;
    for (std::uint64_t round = which; round < kRounds; round += keys.size()) {
      greatest = 1 + round * kThreads + (kThreads - 1);
    }
    EXPECT_EQ(floors.Floor(keys[which]), greatest);
  }
}

}  // namespace
}  // namespace tokensvc
