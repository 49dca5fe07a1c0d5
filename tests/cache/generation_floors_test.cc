// SPDX-License-Identifier: Apache-2.0
#include "cache/generation_floors.h"

#include <string>

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

}  // namespace
}  // namespace tokensvc
