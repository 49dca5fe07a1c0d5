// SPDX-License-Identifier: Apache-2.0
// Whose the cache's bytes are.
#include <string>

#include "cache/local_cache.h"
#include "gtest/gtest.h"
#include "tests/cache/test_records.h"

namespace tokensvc {
namespace {

using testing::At;
using testing::MakeRecord;

TEST(LocalCachePartitionsTest, TellsTheLargestFirstAndWhatTheyHoldOverAllShards) {
  LocalCache cache({});
  for (int i = 0; i < 300; ++i) cache.Store("big" + std::to_string(i), "big", MakeRecord("a"));
  for (int i = 0; i < 20; ++i) cache.Store("mid" + std::to_string(i), "mid", MakeRecord("a"));
  cache.Store("small", "small", MakeRecord("a"));

  const LocalCache::PartitionUses all = cache.LargestPartitions(10);
  EXPECT_EQ(all.partitions, 3u);
  ASSERT_EQ(all.largest.size(), 3u);
  EXPECT_EQ(all.largest[0].size.entries, 300u);
  EXPECT_EQ(all.largest[0].sample_key.substr(0, 3), "big");
  EXPECT_EQ(all.largest[1].size.entries, 20u);
  EXPECT_EQ(all.largest[1].sample_key.substr(0, 3), "mid");
  EXPECT_EQ(all.largest[2].size.entries, 1u);
  EXPECT_EQ(all.largest[2].sample_key, "small");
  std::size_t bytes = 0;
  for (const auto& each : all.largest) bytes += each.size.bytes;
  EXPECT_EQ(bytes, cache.size().bytes);

  const LocalCache::PartitionUses first = cache.LargestPartitions(1);
  EXPECT_EQ(first.partitions, 3u);
  ASSERT_EQ(first.largest.size(), 1u);
  EXPECT_EQ(first.largest[0].size.entries, 300u);
}

TEST(LocalCachePartitionsTest, FollowsWhatLeaves) {
  LocalCache cache({});
  EXPECT_EQ(cache.LargestPartitions(10).partitions, 0u);
  cache.Store("a", "t", MakeRecord("a"));
  cache.Store("b", "t", MakeRecord("a", {.usable_until = At(10)}));
  cache.Store("b", "t", MakeRecord("b", {.usable_until = At(10), .generation = 1}));
  EXPECT_EQ(cache.LargestPartitions(10).largest.at(0).size.entries, 2u);
  cache.Lookup("b", At(10));
  EXPECT_EQ(cache.LargestPartitions(10).largest.at(0).size.entries, 1u);
  cache.Erase("a");
  EXPECT_EQ(cache.LargestPartitions(10).partitions, 0u);
  cache.Store("a", "t", MakeRecord("a"));
  cache.Clear();
  EXPECT_TRUE(cache.LargestPartitions(10).largest.empty());
}

}  // namespace
}  // namespace tokensvc
