// SPDX-License-Identifier: Apache-2.0
#ifndef TOKENSVC_CACHE_LOCAL_RATE_BUDGET_H_
#define TOKENSVC_CACHE_LOCAL_RATE_BUDGET_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/bounded_table.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/token_bucket.h"
#include "cache/rate_budget.h"

namespace tokensvc {

/// The budgets of one process, in memory: all there is without a shared store, and what holds while
/// that does not answer. Bounded: of more budgets than `max_budgets`, the one that was used longest
/// ago is forgotten, and full again. One for all loops; unlike what it stands for, thread-safe.
class LocalRateBudget final : public RateBudget {
 public:
  explicit LocalRateBudget(const Clock& clock, std::size_t max_budgets = 20'000)
      : clock_(clock), buckets_(max_budgets, /*shards=*/1) {}

  asio::awaitable<BudgetAnswer> Take(std::string partition, std::vector<BudgetDraw> draws) override;
  BudgetAnswer Look(absl::string_view partition, const std::vector<BudgetDraw>& draws) override;

  /// As `Take`, at once.
  BudgetAnswer TakeNow(absl::string_view partition, const std::vector<BudgetDraw>& draws);

  /// Somebody who knows better says that nothing is to be had of `draw` for so long.
  void Refuse(absl::string_view partition, const BudgetDraw& draw, absl::Duration wait);

  std::size_t size() const { return buckets_.size(); }

 private:
  BudgetAnswer LookLocked(const std::vector<std::string>& keys,
                          const std::vector<BudgetDraw>& draws, BootTime now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  Mutex mutex_;  ///< Over all draws of one taking.
  BoundedTable<TokenBucket> buckets_;
};

}  // namespace tokensvc

#endif  // TOKENSVC_CACHE_LOCAL_RATE_BUDGET_H_
