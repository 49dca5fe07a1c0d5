// SPDX-License-Identifier: Apache-2.0
#include "cache/recency_list.h"

#include <array>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Member {
  int id = 0;
  RecencyLinks<Member> links[2];
  bool used = false;
};

class RecencyListTest : public testing::Test {
 protected:
  RecencyListTest() {
    for (int i = 0; i < static_cast<int>(members_.size()); ++i) members_[i].id = i;
  }

  template <int kList>
  void Push(RecencyList<Member, kList>& list, int count) {
    for (int i = 0; i < count; ++i) list.PushFront(&members_[i]);
  }

  /// Takes every member out, and returns the order.
  template <int kList>
  static std::vector<int> Drain(RecencyList<Member, kList>& list) {
    std::vector<int> order;
    while (!list.empty()) {
      Member* victim = list.TakeLeastRecent();
      list.Remove(victim);
      order.push_back(victim->id);
    }
    return order;
  }

  std::array<Member, 100> members_;
  RecencyList<Member, 0> list_;
};

TEST_F(RecencyListTest, GivesUnusedMembersInTheOrderOfTheirComing) {
  EXPECT_TRUE(list_.empty());
  Push(list_, 4);
  EXPECT_FALSE(list_.empty());
  EXPECT_THAT(Drain(list_), ElementsAre(0, 1, 2, 3));
  EXPECT_TRUE(list_.empty());
}

TEST_F(RecencyListTest, LeavesTheVictimAMember) {
  Push(list_, 2);
  EXPECT_EQ(list_.TakeLeastRecent(), &members_[0]);
  EXPECT_EQ(list_.TakeLeastRecent(), &members_[0]);
}

TEST_F(RecencyListTest, RemovesTheNewestTheOldestAndOneBetween) {
  Push(list_, 5);
  list_.Remove(&members_[4]);
  list_.Remove(&members_[0]);
  list_.Remove(&members_[2]);
  list_.PushFront(&members_[2]);
  EXPECT_THAT(Drain(list_), ElementsAre(1, 3, 2));
}

TEST_F(RecencyListTest, TakesASingleMemberEvenIfItWasUsed) {
  Push(list_, 1);
  members_[0].used = true;
  EXPECT_EQ(list_.TakeLeastRecent(), &members_[0]);
  list_.Remove(&members_[0]);
  EXPECT_TRUE(list_.empty());
  list_.PushFront(&members_[0]);
  EXPECT_THAT(Drain(list_), ElementsAre(0));
  EXPECT_THAT(Drain(list_), IsEmpty());
}

TEST_F(RecencyListTest, GivesASecondChanceToWhatWasUsedOnce) {
  Push(list_, 5);
  members_[0].used = members_[2].used = true;
  EXPECT_EQ(list_.TakeLeastRecent(), &members_[1]);
  EXPECT_FALSE(members_[0].used) << "the chance is taken";
  list_.Remove(&members_[1]);
  // 2 and 0 were moved behind the newest, in the order in which they were spared.
  EXPECT_EQ(list_.TakeLeastRecent(), &members_[3]);
  EXPECT_THAT(Drain(list_), ElementsAre(3, 0, 2, 4));
}

TEST_F(RecencyListTest, DoesNotTakeTheNewestWhileThereIsAnother) {
  Push(list_, 2);
  members_[0].used = true;
  EXPECT_EQ(list_.TakeLeastRecent(), &members_[0]);
  members_[0].used = members_[1].used = true;
  EXPECT_EQ(list_.TakeLeastRecent(), &members_[0]);
}

TEST_F(RecencyListTest, EndsWhereEverythingWasUsed) {
  Push(list_, 100);
  for (Member& member : members_) member.used = true;
  Member* victim = list_.TakeLeastRecent();
  EXPECT_NE(victim, &members_[99]);
  list_.Remove(victim);
  EXPECT_EQ(Drain(list_).size(), 99u) << "members were lost while they were moved";
}

TEST_F(RecencyListTest, KeepsTwoListsOfTheSameMembersApart) {
  RecencyList<Member, 1> other;
  Push(list_, 3);
  other.PushFront(&members_[2]);
  other.PushFront(&members_[0]);
  list_.Remove(&members_[0]);
  EXPECT_THAT(Drain(other), ElementsAre(2, 0));
  EXPECT_THAT(Drain(list_), ElementsAre(1, 2));
}

}  // namespace
}  // namespace tokensvc
