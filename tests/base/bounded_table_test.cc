// SPDX-License-Identifier: Apache-2.0
#include "base/bounded_table.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

int Increment(BoundedTable<int>& table, const std::string& key) {
  return table.With(key, [](int& value) { return ++value; });
}

TEST(BoundedTableTest, KeepsAValueForEachName) {
  BoundedTable<int> table(100);
  EXPECT_EQ(Increment(table, "a"), 1);
  EXPECT_EQ(Increment(table, "b"), 1);
  EXPECT_EQ(Increment(table, "a"), 2);
  EXPECT_EQ(table.size(), 2u);
}

TEST(BoundedTableTest, ForgetsWhatWasUsedLongestAgo) {
  BoundedTable<int> table(3, /*shards=*/1);
  for (const char* key : {"a", "b", "c", "a", "d"}) Increment(table, key);
  EXPECT_EQ(table.size(), 3u);
  EXPECT_EQ(Increment(table, "a"), 3);
  EXPECT_EQ(Increment(table, "b"), 1) << "it was the oldest";
}

TEST(BoundedTableTest, HoldsNoMoreHoweverManyNamesThereAre) {
  BoundedTable<int> table(640);
  for (int i = 0; i < 100'000; ++i) Increment(table, "subject-" + std::to_string(i));
  EXPECT_LE(table.size(), 640u);
  EXPECT_GT(table.size(), 600u) << "names spread over the shards";
}

TEST(BoundedTableTest, LongNamesAreToldApart) {
  BoundedTable<int> table(100);
  const std::string name(10'000, 'n');
  EXPECT_EQ(Increment(table, name + "1"), 1);
  EXPECT_EQ(Increment(table, name + "2"), 1);
  EXPECT_EQ(Increment(table, name + "1"), 2);
}

TEST(BoundedTableTest, ThreadsShareIt) {
  BoundedTable<int> table(1000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&table] {
      for (int i = 0; i < 5000; ++i) Increment(table, std::to_string(i % 10));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Increment(table, std::to_string(i)), 2001);
}

}  // namespace
}  // namespace tokensvc
