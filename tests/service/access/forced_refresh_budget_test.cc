// SPDX-License-Identifier: Apache-2.0
#include "service/access/forced_refresh_budget.h"

#include "gtest/gtest.h"

namespace tokensvc {
namespace {

BootTime At(int seconds) { return BootTime(std::chrono::seconds(seconds)); }

TEST(ForcedRefreshBudgetTest, GivesAMinutesWorthAndThenSaysHowLongToWait) {
  ForcedRefreshBudget budget(/*per_minute=*/6);
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(budget.Take("caller", "orders", At(0)).has_value());
  const auto wait = budget.Take("caller", "orders", At(0));
  ASSERT_TRUE(wait.has_value());
  EXPECT_EQ(*wait, absl::Seconds(10));
  EXPECT_FALSE(budget.Take("caller", "orders", At(10)).has_value());
  EXPECT_TRUE(budget.Take("caller", "orders", At(10)).has_value());
}

TEST(ForcedRefreshBudgetTest, OneCallersForcingDoesNotTakeFromAnother) {
  ForcedRefreshBudget budget(1);
  EXPECT_FALSE(budget.Take("one", "orders", At(0)).has_value());
  EXPECT_FALSE(budget.Take("two", "orders", At(0)).has_value());
  EXPECT_FALSE(budget.Take("one", "billing", At(0)).has_value());
  EXPECT_TRUE(budget.Take("one", "orders", At(0)).has_value());
}

TEST(ForcedRefreshBudgetTest, ABudgetOfNoneRefusesWithAFiniteWait) {
  ForcedRefreshBudget budget(0);
  const auto wait = budget.Take("caller", "orders", At(0));
  ASSERT_TRUE(wait.has_value());
  EXPECT_LT(*wait, absl::InfiniteDuration());
}

TEST(ForcedRefreshBudgetTest, ALongPauseDoesNotSaveUpMoreThanAMinutesWorth) {
  ForcedRefreshBudget budget(2);
  budget.Take("caller", "orders", At(0));
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(budget.Take("caller", "orders", At(9999)).has_value());
  EXPECT_TRUE(budget.Take("caller", "orders", At(9999)).has_value());
}

}  // namespace
}  // namespace tokensvc
