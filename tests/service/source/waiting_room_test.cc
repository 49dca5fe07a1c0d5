// SPDX-License-Identifier: Apache-2.0
#include "service/source/waiting_room.h"

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

TEST(WaitingRoomTest, GivesOneTenantHalfOfThePlaces) {
  WaitingRoom room(10);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(room.Enter("loud"));
  EXPECT_FALSE(room.Enter("loud"));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(room.Enter("quiet"));
  EXPECT_FALSE(room.Enter("third")) << "all places are taken";
  EXPECT_EQ(room.size(), 10u);
}

TEST(WaitingRoomTest, APlaceThatWasLeftIsFreeAgain) {
  WaitingRoom room(3);
  EXPECT_TRUE(room.Enter("a"));
  EXPECT_TRUE(room.Enter("a"));
  EXPECT_FALSE(room.Enter("a"));
  room.Leave("a");
  EXPECT_TRUE(room.Enter("a"));
  room.Leave("a");
  room.Leave("a");
  EXPECT_EQ(room.size(), 0u);
}

TEST(WaitingRoomTest, OfOnePlaceTheFirstTenantGetsIt) {
  WaitingRoom room(1);
  EXPECT_TRUE(room.Enter("a"));
  EXPECT_FALSE(room.Enter("b"));
}

}  // namespace
}  // namespace tokensvc
