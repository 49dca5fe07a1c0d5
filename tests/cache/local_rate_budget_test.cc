// SPDX-License-Identifier: Apache-2.0
#include "cache/local_rate_budget.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"

namespace tokensvc {
namespace {

using std::chrono::minutes;

BudgetDraw PerMinute(const std::string& name, int count) {
  return {name, RateLimit::Of(count, minutes(1), count)};
}

class LocalRateBudgetTest : public ::testing::Test {
 protected:
  /// How many of 1,000 are allowed.
  int Allowed(const std::string& partition, const std::vector<BudgetDraw>& draws) {
    int allowed = 0;
    for (int i = 0; i < 1000; ++i) allowed += budget_.TakeNow(partition, draws).allowed() ? 1 : 0;
    return allowed;
  }

  testing::FakeClock clock_;
  LocalRateBudget budget_{clock_};
};

TEST_F(LocalRateBudgetTest, GivesSoManyAMinuteForEachPartitionAndName) {
  EXPECT_EQ(Allowed("tenant", {PerMinute("all", 30)}), 30);
  EXPECT_EQ(Allowed("other", {PerMinute("all", 30)}), 30);
  EXPECT_EQ(Allowed("tenant", {PerMinute("forced", 5)}), 5);
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(Allowed("tenant", {PerMinute("all", 30)}), 5);
}

TEST_F(LocalRateBudgetTest, TakesFromAllDrawsOrFromNone) {
  EXPECT_EQ(Allowed("tenant", {PerMinute("all", 30), PerMinute("small", 10)}), 10);
  const BudgetAnswer refused =
      budget_.TakeNow("tenant", {PerMinute("all", 30), PerMinute("small", 10)});
  EXPECT_EQ(refused.short_of, 1u);
  EXPECT_EQ(refused.wait, absl::Seconds(6));
  EXPECT_EQ(Allowed("tenant", {PerMinute("all", 30)}), 20) << "refusals took nothing";
}

TEST_F(LocalRateBudgetTest, LookingTakesNothing) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(budget_.Look("tenant", {PerMinute("all", 1)}).allowed());
  }
  EXPECT_EQ(Allowed("tenant", {PerMinute("all", 1)}), 1);
  EXPECT_EQ(budget_.Look("tenant", {PerMinute("all", 1)}).wait, absl::Minutes(1));
  EXPECT_TRUE(budget_.Look("tenant", {}).allowed());
}

TEST_F(LocalRateBudgetTest, WhatWasRefusedElsewhereIsRefusedForSoLong) {
  budget_.Refuse("tenant", PerMinute("all", 600), absl::Seconds(3));
  EXPECT_EQ(budget_.TakeNow("tenant", {PerMinute("all", 600)}).wait, absl::Seconds(3));
  clock_.Advance(absl::Seconds(3));
  EXPECT_EQ(Allowed("tenant", {PerMinute("all", 600)}), 1);
}

TEST_F(LocalRateBudgetTest, NamesOfPartitionsAndBudgetsDoNotRunIntoEachOther) {
  EXPECT_EQ(Allowed("a", {PerMinute("bc", 1)}), 1);
  EXPECT_EQ(Allowed("ab", {PerMinute("c", 1)}), 1);
}

TEST_F(LocalRateBudgetTest, IsBounded) {
  LocalRateBudget small(clock_, /*max_budgets=*/100);
  for (int i = 0; i < 10'000; ++i) {
    small.TakeNow("tenant-" + std::to_string(i), {PerMinute("all", 10)});
  }
  EXPECT_EQ(small.size(), 100u);
}

}  // namespace
}  // namespace tokensvc
