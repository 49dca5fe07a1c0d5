// SPDX-License-Identifier: Apache-2.0
#include "service/http/answer_time.h"

#include <gtest/gtest.h>

namespace tokensvc {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(10);

TEST(AnswerTime, ARequestToAnUnknownHostNeedsSomeTime) {
  EXPECT_EQ(AnswerTime().LeastLeft(kTimeout), absl::ZeroDuration());
}

TEST(AnswerTime, ARequestNeedsTwiceTheTimeOfTheOnesBefore) {
  AnswerTime time;
  time.Note(absl::Seconds(1));
  time.Note(absl::Seconds(1));
  EXPECT_EQ(time.LeastLeft(kTimeout), absl::Seconds(2));
}

TEST(AnswerTime, OneSlowAnswerOfManyDoesNotDecide) {
  AnswerTime time;
  for (int i = 0; i < 20; ++i) time.Note(absl::Milliseconds(100));
  time.Note(absl::Milliseconds(900));
  EXPECT_EQ(time.LeastLeft(kTimeout), absl::Milliseconds(400));
}

TEST(AnswerTime, AHostThatRecoversIsTrustedAgain) {
  AnswerTime time;
  time.Note(absl::Seconds(10));
  for (int i = 0; i < 50; ++i) time.Note(absl::Milliseconds(100));
  EXPECT_LT(time.LeastLeft(kTimeout), absl::Milliseconds(300));
}

TEST(AnswerTime, WhoWaitedForLessThanHalfOfItsTimeIsSentInAnyCase) {
  AnswerTime time;
  time.Note(absl::Hours(1));
  EXPECT_EQ(time.LeastLeft(kTimeout), kTimeout / 2);
}

}  // namespace
}  // namespace tokensvc
