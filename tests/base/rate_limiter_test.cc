// SPDX-License-Identifier: Apache-2.0
#include "base/rate_limiter.h"

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

BootTime At(int milliseconds) { return BootTime(std::chrono::milliseconds(5000 + milliseconds)); }

TEST(RateLimiterTest, LetsSoManyThroughASecondAndTellsHowManyItTurnedAway) {
  RateLimiter limiter(2);
  EXPECT_EQ(limiter.Take(At(0)), 0);
  EXPECT_EQ(limiter.Take(At(10)), 0);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(limiter.Take(At(20 + i)), std::nullopt);
  EXPECT_EQ(limiter.Take(At(1000)), 7);
  EXPECT_EQ(limiter.Take(At(1001)), 0);
  EXPECT_EQ(limiter.Take(At(1999)), std::nullopt);
}

}  // namespace
}  // namespace tokensvc
