// SPDX-License-Identifier: Apache-2.0
#include "service/http/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace tokensvc {
namespace {

using ::testing::ElementsAre;
using Id = FairQueue::Id;

std::vector<Id> PopAll(FairQueue& queue) {
  std::vector<Id> popped;
  while (!queue.empty()) popped.push_back(queue.Pop());
  return popped;
}

TEST(FairQueue, IsFirstComeFirstServedWithinAKey) {
  FairQueue queue;
  for (Id id : {3, 1, 2}) queue.Push("a", id);
  EXPECT_THAT(PopAll(queue), ElementsAre(3, 1, 2));
}

TEST(FairQueue, KeysTakeTurns) {
  FairQueue queue;
  for (Id id : {11, 12, 13, 14}) queue.Push("a", id);
  for (Id id : {21, 22}) queue.Push("b", id);
  queue.Push("", 31);
  EXPECT_THAT(PopAll(queue), ElementsAre(11, 21, 31, 12, 22, 13, 14));
}

TEST(FairQueue, AKeyThatComesLateWaitsForOneOfEachOther) {
  FairQueue queue;
  for (Id id : {11, 12, 13, 14}) queue.Push("a", id);
  for (Id id : {21, 22, 23, 24}) queue.Push("b", id);
  EXPECT_EQ(queue.Pop(), 11u);
  queue.Push("c", 31);
  EXPECT_EQ(queue.Pop(), 21u);
  EXPECT_EQ(queue.Pop(), 12u);
  EXPECT_EQ(queue.Pop(), 31u);
}

TEST(FairQueue, AKeyCannotGetAheadByComingBack) {
  FairQueue queue;
  queue.Push("a", 11);
  queue.Push("b", 21);
  EXPECT_EQ(queue.Pop(), 11u);
  queue.Push("a", 12);
  EXPECT_THAT(PopAll(queue), ElementsAre(21, 12));
}

TEST(FairQueue, WhatIsErasedIsNotServedAndCostsItsKeyNoTurn) {
  FairQueue queue;
  const auto first = queue.Push("a", 11);
  queue.Push("a", 12);
  const auto middle = queue.Push("b", 21);
  queue.Push("c", 31);
  queue.Erase(first);
  queue.Erase(middle);  // the last of its key
  EXPECT_THAT(PopAll(queue), ElementsAre(12, 31));
}

TEST(FairQueue, IsEmptyWhenTheLastOneIsErased) {
  FairQueue queue;
  const auto only = queue.Push("a", 11);
  EXPECT_FALSE(queue.empty());
  queue.Erase(only);
  EXPECT_TRUE(queue.empty());
  queue.Push("a", 12);
  EXPECT_THAT(PopAll(queue), ElementsAre(12));
}

}  // namespace
}  // namespace tokensvc
