// SPDX-License-Identifier: Apache-2.0
#include "service/source/waiting_room.h"

#include <string>

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

using Entry = WaitingRoom::Entry;

TEST(WaitingRoomTest, GivesOneTenantHalfOfThePlaces) {
  WaitingRoom room(10);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(room.Enter("loud", ""), Entry::kEntered);
  EXPECT_EQ(room.Enter("loud", ""), Entry::kTenantFull);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(room.Enter("quiet", ""), Entry::kEntered);
  EXPECT_EQ(room.Enter("third", ""), Entry::kFull) << "all places are taken";
  EXPECT_EQ(room.size(), 10u);
}

TEST(WaitingRoomTest, GivesOneCallerAQuarterOfThePlacesOverAllTenants) {
  WaitingRoom room(100);
  for (int i = 0; i < 25; ++i) {
    EXPECT_EQ(room.Enter("tenant-" + std::to_string(i), "loud"), Entry::kEntered);
  }
  EXPECT_EQ(room.Enter("tenant-0", "loud"), Entry::kCallerFull);
  EXPECT_EQ(room.Enter("tenant-0", "quiet"), Entry::kEntered);
  room.Leave("tenant-0", "loud");
  EXPECT_EQ(room.Enter("tenant-0", "loud"), Entry::kEntered);
  EXPECT_EQ(room.size(), 26u);
}

TEST(WaitingRoomTest, ACallersOwnBoundHoldsWhereItIsTheLesser) {
  WaitingRoom room(100);
  EXPECT_EQ(room.Enter("tenant", "small", 1), Entry::kEntered);
  EXPECT_EQ(room.Enter("tenant", "small", 1), Entry::kCallerFull);
  for (int i = 0; i < 25; ++i) EXPECT_EQ(room.Enter("tenant", "large", 1000), Entry::kEntered);
  EXPECT_EQ(room.Enter("tenant", "large", 1000), Entry::kCallerFull);
}

TEST(WaitingRoomTest, WhoIsTurnedAwayTakesNoPlace) {
  WaitingRoom room(4);
  EXPECT_EQ(room.Enter("tenant", "loud"), Entry::kEntered);
  EXPECT_EQ(room.Enter("other", "loud"), Entry::kCallerFull);
  EXPECT_EQ(room.size(), 1u);
  EXPECT_EQ(room.Enter("other", "quiet"), Entry::kEntered);
  EXPECT_EQ(room.Enter("other", "third"), Entry::kEntered) << "the tenant has two of four";
}

TEST(WaitingRoomTest, APlaceThatWasLeftIsFreeAgain) {
  WaitingRoom room(3);
  EXPECT_EQ(room.Enter("a", ""), Entry::kEntered);
  EXPECT_EQ(room.Enter("a", ""), Entry::kEntered);
  EXPECT_EQ(room.Enter("a", ""), Entry::kTenantFull);
  room.Leave("a", "");
  EXPECT_EQ(room.Enter("a", ""), Entry::kEntered);
  room.Leave("a", "");
  room.Leave("a", "");
  EXPECT_EQ(room.size(), 0u);
}

TEST(WaitingRoomTest, OfOnePlaceTheFirstGetsIt) {
  WaitingRoom room(1);
  EXPECT_EQ(room.Enter("a", "caller"), Entry::kEntered);
  EXPECT_EQ(room.Enter("b", "other"), Entry::kFull);
}

}  // namespace
}  // namespace tokensvc
